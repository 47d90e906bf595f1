"""What programs may send to the functions of the page: JSON comes back, or one line on what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anything import check_line, texts, values
from hypothesis import example, given, settings
from hypothesis import strategies as st
from small_stores import ZOBLIN_FILES, ignorant, open_store

from tutor import Tutor
from tutor.ui.api import MOST_PASSAGES, endpoints
from tutor.ui.loading import Loading

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

QUESTION = "What hums?"
Functions = dict[str, Any]


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Functions:
    """The functions by name, over three notes and a model that knows nothing."""
    store = open_store(tmp_path_factory.mktemp("fuzz"), ZOBLIN_FILES)
    loading = Loading(lambda: Tutor(store, ignorant(ZOBLIN_FILES.values(), gate=-20.0)))
    loading.start()
    return {one.__name__: one for one in endpoints(loading)}


def called(function: Any, *arguments: Any) -> str:
    """Nothing for a result that is JSON, else the line of the error that a program gets."""
    import gradio

    try:
        found = function(*arguments)
    except gradio.Error as fault:
        return check_line(fault)
    json.dumps(found, allow_nan=False)
    return ""


def is_history(value: Any) -> bool:
    pairs = isinstance(value, list) and all(isinstance(one, list) and len(one) == 2 for one in value)
    return value is None or (pairs and all(isinstance(part, str) for one in value for part in one))


@settings(max_examples=20, deadline=None)
@given(question=values, history=st.one_of(values, st.lists(st.lists(texts, min_size=2, max_size=2), max_size=2)))
@example(question=QUESTION, history=[["a"]])
@example(question="\ud800", history=[["\ud800", "\ud800"]])
@example(question={"text": QUESTION}, history=None)
def test_any_question_with_any_history(functions: Functions, question: Any, history: Any) -> None:
    said = called(functions["ask"], question, history)
    if not isinstance(question, str) or not is_history(history):
        assert "no text" in said or "pairs" in said
    if said:
        assert called(functions["explain"], question, history) == said


@settings(max_examples=40, deadline=None)
@given(question=st.one_of(st.just(QUESTION), values), k=st.one_of(st.integers(-2, MOST_PASSAGES + 2), values))
@example(question=QUESTION, k="5")
@example(question=QUESTION, k=None)
@example(question=QUESTION, k=2.5)
@example(question=QUESTION, k=True)
@example(question=QUESTION, k=float("nan"))
def test_any_number_of_passages(functions: Functions, question: Any, k: Any) -> None:
    said = called(functions["retrieve"], question, k)
    if isinstance(k, bool) or not isinstance(k, int | float) or not 1 <= k <= MOST_PASSAGES or k != int(k):
        assert f"a whole number from 1 to {MOST_PASSAGES}" in said
    elif question == QUESTION:
        assert not said


names = st.one_of(st.none(), st.sampled_from(["notes", "sound.md"]), values)


@settings(max_examples=40, deadline=None)
@given(course=names, document=names, asked=st.one_of(st.none(), st.lists(texts, max_size=2), values), reveal=values)
@example(course=None, document=["sound.md"], asked=None, reveal=False)
@example(course={"a": 1}, document=None, asked=None, reveal=False)
def test_a_quiz_on_anything(functions: Functions, course: Any, document: Any, asked: Any, reveal: Any) -> None:
    said = called(functions["quiz"], course, document, asked, reveal)
    if course not in (None, "notes") or document not in (None, "sound.md"):
        assert said


items = st.one_of(
    st.just("item"), values, st.from_regex(r"(cloze|definition|ask)-[0-9a-f]{16}-\d{1,3}-\d{1,3}", fullmatch=True)
)


@settings(max_examples=40, deadline=None)
@given(item=items, answer=values)
@example(item="item", answer="x" * 2001)
@example(item="item", answer=None)
def test_any_answer_to_any_item(functions: Functions, item: Any, answer: Any) -> None:
    if item == "item":
        item = functions["quiz"]("notes")["item_id"]
        assert bool(called(functions["grade"], item, answer)) == (not isinstance(answer, str) or len(answer) > 2000)
    else:
        assert called(functions["grade"], item, answer)
