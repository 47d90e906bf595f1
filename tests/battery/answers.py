"""A tutor over a few notes, and what must hold of every answer whatever was asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from index.build import build
from index.ranker import Ranker
from index.store import Store
from lm import checkpoint
from lm.checkpoint import Checkpoint
from lm.tokenizer import SPECIAL
from tests.fake_embedder import FakeEmbedder
from tutor.answer import Answer, Citation, Span

NOTES = {
    "gates.md": "# Gates\n\nThe forget gate of an LSTM decides which parts of the cell state are kept. It is a sigmoid "
    "of the input and the last hidden state:\n\n$$f_t = \\sigma(W_f x_t + U_f h_{t-1} + b_f)$$\n",
    "rates.md": "# Learning rates\n\nA learning rate that is too large makes training diverge. One that is too small "
    "makes it slow. There are three remedies:\n\n- warm up over the first steps\n- decay on a cosine\n- clip "
    "gradients\n",
    "attention.md": "# Attention\n\nAttention weights the states of the encoder by their likeness to a query. The "
    "weights sum to one, since they come from a softmax.\n",
}
QUESTIONS = (
    "What does the forget gate of an LSTM decide?", "Which function gives the forget gate?", "What is attention?",
    "Why do the weights of attention sum to one?", "What happens when the learning rate is too large?",
    "Which remedies are there for a bad learning rate?", "Who built the first steam engine?", "And why is that?",
)  # fmt: skip


def write_notes(folder: Path, notes: Mapping[str, str] = NOTES) -> Path:
    """The folder with these notes in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in notes.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def quick_store(folder: Path) -> Path:
    """A store of the notes, with the quick embedder."""
    build([write_notes(folder / "notes")], folder / "store", embedder=FakeEmbedder())
    return folder / "store"


def open_quick(path: Path, ranker: Ranker | None = None) -> Store:
    """A store that was built with the quick embedder."""
    return Store.open(path, embedder=FakeEmbedder(), ranker=ranker)


@cache
def mini() -> Checkpoint:
    """The model that ships, on the CPU."""
    return checkpoint.load("mini", device="cpu")


@cache
def shipped_ranker() -> Ranker:
    """The ranker that ships."""
    return Ranker.load()


def check_answer(answer: Answer, *, k: int, longest: int, markers: bool = True) -> None:
    """An answer or a refusal that is sound in itself; AssertionError says what is not.

    `longest` bounds the characters; `markers` off allows the names of special tokens (where the material has them).
    """
    assert answer.text.strip(), "an answer has words"
    assert len(answer.text) <= longest, f"an answer has at most {longest} characters, not {len(answer.text):,}"
    json.dumps(answer.to_json(), ensure_ascii=False, allow_nan=False).encode("utf-8")
    if markers:
        found = [marker for marker in SPECIAL if marker in answer.text]
        assert not found, f"no special token is written out, but {found}"
    assert len(answer.passages) <= k, f"at most {k} passages are shown, not {len(answer.passages)}"
    assert answer.refused == (not answer.citations), "an answer has citations and a refusal has none"
    numbers = [citation.number for citation in answer.citations]
    assert numbers == list(range(1, len(numbers) + 1)), f"citations are numbered from 1 on, not {numbers}"
    for citation in answer.citations:
        check_citation(answer, citation)
    for start, end in answer.quoted:
        assert 0 <= start < end <= len(answer.text), f"a quotation stands in the answer, not at {start}-{end}"
    check_trace(answer)


def check_citation(answer: Answer, citation: Citation) -> None:
    """A citation leads from words of the answer to words of a passage that was found."""
    known = [hit.passage for hit in answer.passages]
    assert citation.passage in known, f"citation {citation.number} is of a passage that was found"
    assert f"[{citation.number}]" in answer.text, f"citation {citation.number} has its mark in the answer"
    for text, spans in ((answer.text, citation.answer_spans), (citation.passage.text, citation.passage_spans)):
        assert spans, f"citation {citation.number} has spans on both sides"
        check_spans(text, spans)


def check_spans(text: str, spans: tuple[Span, ...]) -> None:
    """Spans ascend, do not overlap, lie within their text, and hold something."""
    position = 0
    for start, end in spans:
        assert position <= start < end <= len(text), f"the span {start}-{end} lies in {len(text)} characters"
        assert text[start:end].strip(), f"the span {start}-{end} holds something"
        position = end


def check_trace(answer: Answer) -> None:
    """The trace, where there is one, belongs to this answer."""
    if answer.trace is None:
        return
    for token in answer.trace.prompt:
        if token.passage is not None:
            size = len(answer.passages[token.passage].passage.text)
            assert 0 <= token.start <= token.end <= size, f"the token {token.text!r} stands in its passage"
    for step in answer.trace.steps:
        assert 0 <= step.start <= step.end <= len(answer.text), f"the token {step.text!r} stands in the answer"
        assert abs(float(step.copy.sum()) - 1) < 1e-3, "the copy weights sum to 1"
        assert 0 <= step.p_copy <= 1, "a share is from 0 to 1"
