"""A tutor without a model: it answers from three passages and makes up the attention, so that the page can be tried."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from corpus.document import Locator, Passage
from tutor.answer import Answer, Citation, PromptToken, Ranked, Step, Trace
from tutor.errors import TutorError

HOSTILE = "</script><img src=x onerror=alert(1)> ${alert(1)} {{value}} `tick` \\u0041 \x00 𝑥 <b>bold</b>"
FORMULA = r"f_t = \sigma(W_f x_t + U_f h_{t-1} + b_f)"
SENTENCE = "The forget gate of the LSTM decides how much of the old cell state $c_{t-1}$ is kept"


def passage(number: int, text: str, *, document: str = "Long short-term memory") -> Passage:
    place = Locator(source="14-lstm.md", start=0, end=len(text), headings=(document, f"Part {number}"))
    return Passage(passage_id=f"{number:016x}", document=document, text=text, locator=place, course="Sequence models")


PASSAGES = (
    passage(
        1, f"{HOSTILE}\n\n## The forget gate\n\n{SENTENCE}.\n\n$$ f_t = \\sigma(W_f x_t + U_f h_{{t-1}} + b_f) $$\n"
    ),
    passage(2, "A gate is a vector of numbers between 0 and 1 that is multiplied with another vector. " * 8),
    passage(3, "The GRU has an update gate and a reset gate.", document="Gated recurrent unit"),
)


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


def answer_for(question: str) -> Answer:
    """A cited answer with its trace; a question about cooking is refused."""
    ranked = tuple(Ranked(passage=one, score=0.9 - 0.2 * place) for place, one in enumerate(PASSAGES))
    if "pasta" in question:
        text = "The course material does not cover this question. The nearest place is 14-lstm.md."
        return Answer(question=question, text=text, refused=True, citations=(), passages=ranked, trace=None)
    first = f"{SENTENCE}."
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
    return Answer(question=question, text=text, refused=False, citations=citations, passages=ranked, trace=trace,
                  timings={"total": 0.5}, model="fake")  # fmt: skip


@dataclass(frozen=True)
class FakeHit:
    passage: Passage
    score: float


class FakeStore:
    generation = "000001"

    def search(self, query: str, *, k: int = 5) -> tuple[FakeHit, ...]:
        return tuple(FakeHit(one, 1.0 - 0.1 * place) for place, one in enumerate(PASSAGES[:k]))


class FakeStream:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.finished = False

    def __iter__(self) -> Iterator[str]:
        yield from re.findall(r"\S+\s*", self._answer.text)
        self.finished = True

    @property
    def answer(self) -> Answer:
        assert self.finished, "the answer was read before its stream had ended"
        return self._answer


class FakeTutor:
    """Records what it was asked; `long` questions raise TutorError and `bug` raises RuntimeError."""

    model_name = "fake"

    def __init__(self) -> None:
        self.store = FakeStore()
        self.asked: list[tuple[str, tuple[tuple[str, str], ...]]] = []

    def stream(self, question: str, history: Sequence[tuple[str, str]] = (), k: int = 5) -> FakeStream:
        self.asked.append((question, tuple(history)))
        if "long" in question:
            raise TutorError("the question has 9,999 characters; ask in at most 2,000")
        if "bug" in question:
            raise RuntimeError("inner workings")
        return FakeStream(answer_for(question))
