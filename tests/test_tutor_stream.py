"""An answer that is stopped before its end, and one that leaves a part of the question open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from small_stores import ZOBLIN_FILES, ignorant, open_store

from tutor.choices import Choices
from tutor.errors import Stopped
from tutor.finding import Found
from tutor.tutor import Tutor

QUESTION = "What colour is a zoblin?"


@pytest.fixture
def tutor(tmp_path: Path) -> Iterator[Tutor]:
    store = open_store(tmp_path, ZOBLIN_FILES)
    yield Tutor(store, ignorant(ZOBLIN_FILES.values()), Choices(threshold=0.0))
    store.close()


def test_a_stream_that_is_stopped_takes_no_further_step(tutor: Tutor, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tutor.checkpoint.model
    steps, step = [], model.step
    stream = tutor.stream(QUESTION)

    def counted(*arguments: object, **how: object) -> object:
        steps.append(1)
        if len(steps) == 2:
            stream.stop()
        return step(*arguments, **how)

    monkeypatch.setattr(model, "step", counted)
    with pytest.raises(Stopped):
        list(stream)
    assert len(steps) == 2
    with pytest.raises(Stopped):
        _ = stream.answer


def test_a_stream_that_is_stopped_at_once_writes_nothing(tutor: Tutor) -> None:
    stream = tutor.stream(QUESTION)
    stream.stop()
    with pytest.raises(Stopped):
        next(stream)


def test_a_stop_after_the_end_changes_nothing(tutor: Tutor) -> None:
    stream = tutor.stream(QUESTION)
    text = "".join(stream)
    stream.stop()
    assert stream.answer.text == text


def test_a_part_that_is_not_covered_is_named_at_the_end(tutor: Tutor, monkeypatch: pytest.MonkeyPatch) -> None:
    find = tutor.find

    def half(*arguments: object, **how: object) -> Found:
        return replace(find(*arguments, **how), uncovered=("who wrote [7] about it?",))  # type: ignore[arg-type]

    whole = tutor.ask(QUESTION)
    monkeypatch.setattr(tutor, "find", half)
    stream = tutor.stream(QUESTION)
    text = "".join(stream)
    assert text == stream.answer.text
    assert text.removeprefix(whole.text) == (
        "\n\nThe course material does not cover the other part of the question: who wrote (7) about it?"
    )
    assert not stream.answer.refused
    assert stream.answer.citations == whole.citations
