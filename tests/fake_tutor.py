"""A tutor without a model: it answers from three passages and makes up the attention, so that the page can be tried."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from fake_embedder import FakeEmbedder
from lm_samples import small_model, small_tokenizer

from corpus.document import Locator, Passage
from corpus.sentences import sentence_spans
from index.catalogue import SourceInfo
from index.device import Placed
from index.hits import SentenceScore
from lm.checkpoint import Checkpoint, CheckpointError
from lm.config import ARCHITECTURES, ModelConfig
from lm.reading import Prompt
from tutor.answer import Answer, Citation, PromptToken, Ranked, Step, Trace
from tutor.candidate import Candidate
from tutor.choices import Choices
from tutor.errors import Stopped, TutorError
from tutor.explanation import Explanation, HeadWeights, explanation_of
from tutor.finding import Found
from tutor.odds import read_hits
from tutor.selection import Chosen
from tutor.tutor import Tutor

HOSTILE = "</script><img src=x onerror=alert(1)> ${alert(1)} {{value}} `tick` \\u0041 \x00 𝑥 <b>bold</b>"
FORMULA = r"f_t = \sigma(W_f x_t + U_f h_{t-1} + b_f)"
SENTENCE = "The forget gate of the LSTM decides how much of the old cell state $c_{t-1}$ is kept"


def passage(number: int, text: str, *, document: str = "Long short-term memory", heading: str = "") -> Passage:
    source = "15-gru.md" if document == "Gated recurrent unit" else "14-lstm.md"
    place = Locator(source=source, start=0, end=len(text), headings=(document, heading or f"Part {number}"))
    return Passage(passage_id=f"{number:016x}", document=document, text=text, locator=place, course="Sequence models")


PASSAGES = (
    passage(
        1, f"{HOSTILE}\n\n## The forget gate\n\n{SENTENCE}.\n\n$$ f_t = \\sigma(W_f x_t + U_f h_{{t-1}} + b_f) $$\n"
    ),
    passage(2, "A gate is a vector of numbers between 0 and 1 that is multiplied with another vector. " * 8),
    passage(3, "The GRU has an update gate and a reset gate.", document="Gated recurrent unit"),
)
LAID_OUT = passage(
    4, "## The **two** gates of $h_t$\n\n| gate | role |\n| --- | --- |\n| update $z_t$ | **keeps** <b>old</b> |\n"
    "| reset | `a | b` |\n\n```python\n# no heading\nkept = '<img src=x>'\n```\n\nAfter it.",
    document="Gates of size $H$",
    heading="A gate $g$",
)  # fmt: skip
"""A passage in Markdown; "keeps" and "kept" are used of it where a question speaks of a table."""


def words_of(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\S+", text)]


def made_up_trace(question: str, answer: str, *, layers: int = 3, heads: int = 4) -> Trace:
    """Every answer word is copied from the same word of the first passage where it has one."""
    rng = np.random.default_rng(0)
    prompt = [PromptToken(text="<|question|>", passage=None, start=0, end=0)]
    prompt += [
        PromptToken(text=" " + question[start:end], passage=None, start=start, end=end, in_question=True)
        for start, end in words_of(question)
    ]
    for number, one in enumerate(PASSAGES):
        prompt.append(PromptToken(text="<|source|>", passage=None, start=0, end=0))
        prompt += [
            PromptToken(text=one.text[start:end], passage=number, start=start, end=end)
            for start, end in words_of(one.text)
        ]
    steps = []
    for place, (start, end) in enumerate(words_of(answer)):
        word = answer[start:end]
        copy = rng.random(len(prompt)).astype(np.float32) * 0.01
        same = [
            at for at, token in enumerate(prompt) if token.passage == 0 and token.text.strip(".") == word.strip(".")
        ]
        copy[same] += 1.0
        attention = rng.random((layers, heads, len(prompt) + place)).astype(np.float32) ** 8
        steps.append(
            Step(
                text=" " + word,
                probability=0.8,
                p_copy=0.9 if same else 0.1,
                copy=copy / copy.sum(),
                attention=attention / attention.sum(axis=-1, keepdims=True),
                alternatives=((" " + word, 0.8), (" gate", 0.1), (" </script>", 0.05)),
                start=start,
                end=end,
            )
        )
    return Trace(prompt=tuple(prompt), steps=tuple(steps))


def made_up_heads(answer: Answer, *, layers: int = 3, heads: int = 4) -> HeadWeights:
    """Weights at random: in every head each answer token looks at the prompt and at the tokens before it."""
    assert answer.trace is not None
    size, rows = len(answer.trace.prompt), len(answer.trace.steps)
    rng = np.random.default_rng(1)
    raw = rng.random((layers, heads, rows, size + rows - 1)).astype(np.float32) ** 8
    raw[..., size:] *= np.tri(rows, rows - 1, -1, dtype=np.float32)
    raw /= raw.sum(axis=-1, keepdims=True)
    norms = rng.random((layers, heads, size + rows - 1)).astype(np.float32)
    moved = raw * norms[:, :, None]
    return HeadWeights(
        tokens=tuple(step.text for step in answer.trace.steps),
        raw=raw,
        value_weighted=moved / moved.sum(axis=-1, keepdims=True),
        rollout=raw.mean(axis=1),
        norms=norms,
    )


def with_gates(answer: Answer, *, layers: int = 2, units: int = 100) -> Answer:
    """The answer as a GRU might have written it: gates between 0 and 1, states between -1 and 1."""
    if answer.trace is None:
        return answer
    rng = np.random.default_rng(2)
    steps = []
    for step in answer.trace.steps:
        lowest = {"reset": 0, "update": 0, "candidate": -1, "hidden": -1}
        gates = {name: rng.uniform(low, 1, (layers, units)).astype(np.float32) for name, low in lowest.items()}
        steps.append(replace(step, gates=gates, attention=step.copy[None, None]))
    return replace(answer, trace=replace(answer.trace, steps=tuple(steps)))


def answer_for(question: str) -> Answer:
    """A cited answer with its trace; a question about cooking is refused, one for numbers quotes a lecture that has
    bracketed numbers of its own."""
    ranked = tuple(Ranked(passage=one, score=0.9 - 0.2 * place) for place, one in enumerate(PASSAGES))
    if "pasta" in question:
        text = "The course material does not cover this question. The nearest place is 14-lstm.md."
        return Answer(question=question, text=text, refused=True, citations=(), passages=ranked, trace=None)
    first = f"{SENTENCE} [2] as of [1] {{[3]}}." if "numbers" in question else f"{SENTENCE}."
    text = f"{first} [1] It is computed as $${FORMULA}$$ with a gate vector [2]."
    start = PASSAGES[0].text.index(SENTENCE)
    citations = (
        Citation(
            number=1,
            passage=PASSAGES[0],
            answer_spans=((0, len(first)),),
            passage_spans=((start, start + len(SENTENCE)),),
            weight=0.8,
        ),
        Citation(number=2, passage=PASSAGES[1], answer_spans=(), passage_spans=((2, 6),), weight=0.1),
    )
    trace = made_up_trace(question, text)
    if "table" in question:
        used = tuple((LAID_OUT.text.index(word), LAID_OUT.text.index(word) + len(word)) for word in ("keeps", "kept"))
        citations = (citations[0], replace(citations[1], passage=LAID_OUT, passage_spans=used))
        ranked = (ranked[0], replace(ranked[1], passage=LAID_OUT), ranked[2])
    return Answer(question=question, text=text, refused=False, citations=citations, passages=ranked, trace=trace,
                  timings={"total": 0.5}, model="fake")  # fmt: skip


@dataclass(frozen=True)
class FakeHit:
    passage: Passage
    score: float
    searched: float = 1.0
    dense: float = 1.0

    @property
    def sentences(self) -> tuple[SentenceScore, ...]:
        spans = sentence_spans(self.passage.text)
        return tuple(SentenceScore(start=start, end=end, score=self.score) for start, end in spans)


class FakeStore:
    """`rebuilt`, once set, is the store of a newer generation."""

    def __init__(self, generation: str = "000001") -> None:
        self.generation = generation
        self.created = "2026-11-21T19:20:00+00:00"
        self.rebuilt: FakeStore | None = None

    def __len__(self) -> int:
        return len(PASSAGES)

    def newest(self) -> FakeStore:
        return self.rebuilt or self

    def faults(self) -> tuple[str, ...]:
        return ()

    def mended(self, query: str) -> str:
        return query

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return FakeEmbedder().encode(texts)

    def courses(self) -> tuple[str, ...]:
        return ("Sequence models",)

    def sources(self) -> tuple[SourceInfo, ...]:
        return tuple(
            SourceInfo(source=source, title=title, course="Sequence models", passages=count, sha256="0" * 64)
            for source, title, count in (
                ("14-lstm.md", "Long short-term memory", 2),
                ("15-gru.md", "Gated recurrent unit", 1),
            )
        )

    def passages(self) -> tuple[Passage, ...]:
        return PASSAGES

    def search(
        self,
        query: str,
        *,
        k: int = 5,
        course: str | None = None,
        documents: Sequence[str] | None = None,
        read: bool = True,
    ) -> tuple[FakeHit, ...]:
        return tuple(FakeHit(one, 1.0 - 0.1 * place) for place, one in enumerate(PASSAGES[:k]))


class FakeStream:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.finished = False
        self.stopped = False

    def __iter__(self) -> Iterator[str]:
        for piece in re.findall(r"\S+\s*", self._answer.text):
            if self.stopped:
                raise Stopped
            yield piece
        self.finished = True

    def stop(self) -> None:
        self.stopped = True

    @property
    def answer(self) -> Answer:
        assert self.finished, "the answer was read before its stream had ended"
        return self._answer


class FakeTutor:
    """Records what it was asked and where to look; `long` questions raise TutorError and `bug` raises RuntimeError."""

    def __init__(self, name: str = "fake", store: FakeStore | None = None) -> None:
        self.model_name = name
        self.store = store or FakeStore()
        self.choices = Choices()
        self.asked: list[tuple[str, tuple[tuple[str, str], ...]]] = []
        self.places: list[tuple[str | None, tuple[str, ...] | None]] = []

    def with_model(self, name: str) -> FakeTutor:
        if name == "damaged":
            raise CheckpointError("damaged/model.safetensors is damaged; restore the checkpoint")
        return FakeTutor(name, self.store)

    def with_store(self, store: FakeStore) -> FakeTutor:
        return FakeTutor(self.model_name, store)

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """A small model that knows nothing, of the architecture that the name says."""
        architecture = self.model_name if self.model_name in ARCHITECTURES else "transformer"
        model = small_model(dtype=torch.float32, context=2048, architecture=architecture)
        return Checkpoint(name=self.model_name, model=model, tokenizer=small_tokenizer(), training={})

    @cached_property
    def placed(self) -> Placed[Checkpoint]:
        return Placed(lambda device: self.checkpoint)

    @property
    def config(self) -> ModelConfig:
        return self.checkpoint.model.config

    def explain(self, answer: Answer) -> Explanation:
        """Most comes from the first passage, and the second costs more."""
        return explanation_of(answer, {0: 0.2, 1: 1.4, 2: -0.01} if answer.trace else {})

    def heads(self, answer: Answer) -> HeadWeights:
        return made_up_heads(answer)

    def prompt(self, question: str, hits: Sequence[FakeHit]) -> tuple[Prompt, tuple[Chosen, ...]]:
        return Tutor.prompt(self, question, hits)

    def prompt_of(self, question: str, candidates: Sequence[Candidate]) -> tuple[Prompt, tuple[Chosen, ...]]:
        return Tutor.prompt_of(self, question, candidates)

    def find(self, question: str, history: Sequence[tuple[str, str]] = (), k: int = 5, **where: object) -> Found:
        hits = self.store.search(question, k=k)
        read = read_hits(hits[: self.choices.read], question)
        return Found(hits=hits, candidates=tuple(read), covered=1.0)

    def stream_of(self, question: str, found: Found, *, trace: bool = True) -> FakeStream:
        return self.stream(question)

    def stream(
        self,
        question: str,
        history: Sequence[tuple[str, str]] = (),
        k: int = 5,
        *,
        course: str | None = None,
        documents: Sequence[str] | None = None,
    ) -> FakeStream:
        self.asked.append((question, tuple(history)))
        self.places.append((course, None if documents is None else tuple(documents)))
        if "long" in question:
            raise TutorError("the question has 9,999 characters; ask in at most 2,000")
        if "bug" in question:
            raise RuntimeError("inner workings")
        answer = answer_for(question)
        return FakeStream(with_gates(answer) if self.model_name == "gru" else answer)
