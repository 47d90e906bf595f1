"""A tutor that has texts that would like to be more than texts in its passages, titles and answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
from fake_tutor import FakeStore, FakeStream, FakeTutor
from payloads import FORMULAS, PAYLOADS

from corpus.document import Locator, Passage
from index.catalogue import SourceInfo
from tutor.answer import Answer, Citation, PromptToken, Ranked, Step, Trace


def hostile_passage(number: int, payload: str) -> Passage:
    text = f"{payload} stands in a passage."
    place = Locator(source=f"{number:02}-{payload[:20]}.md", start=0, end=len(text), headings=(payload, payload))
    return Passage(passage_id=f"f{number:015x}", document=payload, text=text, locator=place, course=payload)


PASSAGES = tuple(hostile_passage(number, payload) for number, payload in enumerate(PAYLOADS))


def groups() -> Iterator[tuple[str, ...]]:
    """The payloads by the question that asks for them, at most six together in 1,800 characters."""
    group: tuple[str, ...] = ()
    for payload in PAYLOADS:
        if len(group) == 6 or len("\n\n".join([*group, payload])) > 1800:
            yield group
            group = ()
        group += (payload,)
    yield group


QUESTIONS = {"\n\n".join(group).strip(): group for group in groups()}
"""Questions made of payloads, and the payloads that come back."""


def hostile_answer(question: str) -> Answer:
    """The payloads as the model's words, each cited from a passage that holds it, with a trace that is made of them."""
    group = QUESTIONS[question]
    passages = [PASSAGES[PAYLOADS.index(payload)] for payload in group]
    prompt = [PromptToken(text=one, passage=number, start=0, end=len(one)) for number, one in enumerate(group)]
    text, steps, citations = "", [], []
    copy = np.full(len(group), 1 / len(group), np.float32)
    for number, payload in enumerate(group, 1):
        start, end = len(text), len(text) + len(payload)
        attention = np.ones((1, 1, len(group) + number - 1), np.float32) / len(group)
        step = Step(text=payload, probability=0.9, p_copy=0.9, copy=copy, attention=attention, start=start, end=end,
                    alternatives=((payload, 0.9), (f"{payload} ", 0.1)))  # fmt: skip
        steps.append(step)
        citations.append(
            Citation(number=number, passage=passages[number - 1], answer_spans=((start, end),), weight=1 / len(group),
                     passage_spans=((0, len(payload)),))
        )  # fmt: skip
        text += f"{payload} [{number}]\n\n"
    return Answer(
        question=question, text=text, refused=False, citations=tuple(citations), model=group[0],
        passages=tuple(Ranked(passage=one, score=1.0) for one in passages),
        trace=Trace(prompt=tuple(prompt), steps=tuple(steps)),
    )  # fmt: skip


class HostileStore(FakeStore):
    """The lectures of the fake store, and one for each hostile text."""

    def courses(self) -> tuple[str, ...]:
        return (*super().courses(), *PAYLOADS)

    def sources(self) -> tuple[SourceInfo, ...]:
        hostile = tuple(
            SourceInfo(source=one.locator.source, title=one.document, course=one.course, passages=1, sha256="0" * 64)
            for one in PASSAGES
        )
        return super().sources() + hostile

    def passages(self) -> tuple[Passage, ...]:
        return super().passages() + PASSAGES


class SlowStream(FakeStream):
    def __iter__(self) -> Iterator[str]:
        for piece in super().__iter__():
            time.sleep(0.04)
            yield piece


class HostileTutor(FakeTutor):
    """Answers a hostile question in kind; `formulas` with twenty of them, `slowly` word by word, `before` with the
    number of questions that came before."""

    def __init__(self, name: str = "fake", store: FakeStore | None = None) -> None:
        super().__init__(name, store or HostileStore())

    def with_model(self, name: str) -> FakeTutor:
        return HostileTutor(name, self.store)

    def with_store(self, store: FakeStore) -> FakeTutor:
        return HostileTutor(self.model_name, store)

    def stream(self, question: str, history: Sequence[tuple[str, str]] = (), k: int = 5, **where: object) -> FakeStream:
        if question in QUESTIONS:
            return FakeStream(hostile_answer(question))
        said = {"formulas": "\n\n".join(FORMULAS), "before": f"{len(history)} before this one."}
        if question in said:
            plain = Answer(question=question, text=said[question], refused=False, citations=(), passages=(), trace=None)
            return FakeStream(plain)
        stream = super().stream(question, history, k, **where)
        return SlowStream(stream._answer) if question.startswith("slowly") else stream
