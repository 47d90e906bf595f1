"""What programs may hand to `Tutor.ask`, `stream` and `query`: an answer, or one line that says what is wrong."""

from __future__ import annotations

import pickle
import time
from collections import deque
from typing import Any

import pytest
from anything import check_line, texts, things
from hypothesis import example, given, settings
from hypothesis import strategies as st
from small_stores import ZOBLIN_FILES, ignorant, open_store

from index.errors import StoreError
from tutor import Tutor, TutorError
from tutor.tutor import LONGEST_NAME, LONGEST_QUESTION, MOST_PASSAGES, TURNS, check_history, check_question

LEANING = "And why is that?"


@pytest.fixture(scope="module")
def tutor(tmp_path_factory: pytest.TempPathFactory) -> Tutor:
    """A tutor over three notes whose model knows nothing."""
    store = open_store(tmp_path_factory.mktemp("fuzz"), ZOBLIN_FILES)
    return Tutor(store, ignorant(ZOBLIN_FILES.values(), gate=-20.0))


def asked(tutor: Tutor, *arguments: Any, **more: Any) -> str:
    """Nothing for an answer that is the same when it is streamed, else the line that the error holds."""
    try:
        answer = tutor.ask(*arguments, trace=False, **more)
        assert answer.text == "".join(tutor.stream(*arguments, trace=False, **more))
    except (TutorError, StoreError) as fault:
        return check_line(fault)
    answer.text.encode("utf-8")
    return ""


@settings(max_examples=30, deadline=None)
@given(question=st.one_of(things, st.text(max_size=3000)))
@example(question=LEANING.encode())
def test_any_question(tutor: Tutor, question: Any) -> None:
    said = asked(tutor, question)
    if not isinstance(question, str):
        assert "no text" in said
    else:
        assert not said or "empty" in said or "characters" in said


@settings(max_examples=40, deadline=None)
@given(history=st.lists(st.one_of(st.tuples(texts, texts), st.lists(texts, min_size=2, max_size=2))))
def test_any_pairs_are_a_history(tutor: Tutor, history: Any) -> None:
    assert asked(tutor, LEANING, history) == ""


@settings(max_examples=60, deadline=None)
@given(history=st.one_of(things, st.lists(things, min_size=1, max_size=3), st.lists(st.tuples(texts, things, texts))))
@example(history=None)
@example(history=[("a", None)])
@example(history=[("a",)])
@example(history=["ab"])
@example(history=[{"question": "a", "answer": "b"}])
def test_a_history_of_another_shape_is_one_line(tutor: Tutor, history: Any) -> None:
    said = asked(tutor, LEANING, history)
    if history is None or history == []:
        assert not said
    else:
        assert "must be a list of (question, answer) pairs" in said
        with pytest.raises(TutorError, match="pairs"):
            tutor.query(LEANING, history)


@settings(max_examples=40, deadline=None)
@given(k=things)
@example(k=0)
@example(k=MOST_PASSAGES + 1)
@example(k=2**63)
@example(k=float("nan"))
@example(k="5")
def test_k_out_of_its_range_is_one_line(tutor: Tutor, k: Any) -> None:
    said = asked(tutor, "What hums?", (), k)
    if type(k) is int and 1 <= k <= MOST_PASSAGES:
        assert not said
    else:
        assert f"must be a whole number from 1 to {MOST_PASSAGES}" in said


@settings(max_examples=60, deadline=None)
@given(course=things, documents=st.one_of(things, st.lists(st.one_of(things, st.just("food.md")), max_size=3)))
@example(course="x" * 20_000_000, documents=None)
@example(course=None, documents="food.md")
@example(course=None, documents=["\n\ud800" * 20])
@example(course=None, documents=[["food.md"]])
def test_filters_that_name_nothing_are_one_line(tutor: Tutor, course: Any, documents: Any) -> None:
    said = asked(tutor, "What hums?", course=course, documents=documents)
    named = documents is None or (isinstance(documents, list) and all(one == "food.md" for one in documents))
    assert (said == "") == (course is None and named)


def test_filters_are_held_to_as_far_as_they_go(tutor: Tutor) -> None:
    answer = tutor.ask("What hums?", documents=["food.md"], trace=False)
    assert {hit.passage.locator.source for hit in answer.passages} == {"food.md"}
    assert tutor.ask("What hums?", documents=[], trace=False).refused
    with pytest.raises(StoreError, match="no document"):
        tutor.ask("What hums?", documents=["x" * 300])
    with pytest.raises(TutorError, match="name one as"):
        tutor.ask("What hums?", documents=["x" * (LONGEST_NAME + 1)])


def test_of_a_history_only_the_last_turns_and_their_beginnings_are_read() -> None:
    long = [(f"{number} " + "x" * 3 * LONGEST_QUESTION, "a") for number in range(3 * TURNS)]
    kept = check_history(long)
    assert [question.split()[0] for question, _ in kept] == [str(number) for number in range(2 * TURNS, 3 * TURNS)]
    assert all(len(question) <= LONGEST_QUESTION for question, _ in kept)
    assert check_history(deque([("a\x00\ud800\n b", "c")])) == [("a ? b", "c")]


@pytest.mark.parametrize(
    "history",
    [
        [("What hums?", "It.")] * 20_000,
        [("zoblin " * 500_000, "x")],
        [(" \x00" * 500_000, "x")],
        [(LEANING, "x")] * 20_000,
    ],
)
def test_a_huge_history_costs_no_more_than_a_short_one(tutor: Tutor, history: Any) -> None:
    began = time.perf_counter()
    assert asked(tutor, LEANING, history) == ""
    assert time.perf_counter() - began < 5


def test_a_question_is_kept_as_far_as_it_can_be_seen() -> None:
    assert check_question(" what\x00is\u202e\n\u200ba \ud800gate? ") == "what is a ?gate?"


def test_a_model_of_a_short_context_has_room_to_answer(tutor: Tutor) -> None:
    brief = Tutor(tutor.store, ignorant(ZOBLIN_FILES.values(), gate=20.0, context=64))
    answer = brief.ask("At how many hertz does the zoblin hum " + "while it works and " * 30 + "hums?")
    assert "440 hertz" in answer.text
    assert answer.trace is not None
    assert len(answer.trace.prompt) < 64


def test_answers_that_say_the_same_are_equal(tutor: Tutor) -> None:
    one, other, third = (tutor.ask(question) for question in ("What hums?", "What hums?", "What eats sand?"))
    assert pickle.loads(pickle.dumps(one)) == one == other != third
    assert len({one, other, third}) == 2
