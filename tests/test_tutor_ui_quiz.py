"""The quiz on the page and for programs, without a browser."""

import json
import re

import numpy as np
import pytest
from fake_tutor import HOSTILE, PASSAGES, FakeTutor

from tutor.quiz_progress import Progress
from tutor.ui import quizzing
from tutor.ui.api import endpoints
from tutor.ui.loading import Loading
from tutor.ui.markdown import without_html
from tutor.ui.quizzing import Desk, Frame, Turn

PHRASES = (
    "Right. Partly. Not yet. You have: Still missing: key fact facts. Missing: Also there: Look in under The answer. "
    "It stands here: look it up, then try again."
)


@pytest.fixture
def loading() -> Loading:
    found = Loading(FakeTutor)
    found.start()
    return found


def begun(loading: Loading) -> tuple[Desk, Frame, Turn]:
    desk = Desk(loading)
    frame = quizzing.asked(desk, Progress(), [], np.random.default_rng(0))
    assert frame.turn is not None
    return desk, frame, frame.turn


def test_a_question_names_its_lecture_and_waits_for_an_answer(loading: Loading) -> None:
    _, frame, turn = begun(loading)
    assert frame.question.startswith("**Long short-term memory**\n\n")
    assert (frame.answers, frame.may_retry, frame.may_show) == (True, False, True)
    assert list(frame.progress.items) == [turn.item.item_id]
    assert frame.card == ""


def test_the_first_miss_shows_the_place_and_the_second_the_sentence(loading: Loading) -> None:
    desk, frame, turn = begun(loading)
    sentence = turn.item.gold.text
    first = quizzing.answered(desk, frame.progress, turn, "bananas")
    assert first.feedback.startswith("**Not yet.**")
    assert "Look in **Long short-term memory**" in first.feedback
    assert sentence not in first.feedback
    card = json.loads(first.card)
    assert not card["open"]
    assert not any(level for _, level, _ in card["runs"])
    assert first.may_retry
    assert first.turn is not None
    again = quizzing.retried(first.progress, first.turn)
    assert again.answers
    assert again.feedback == ""
    second = quizzing.answered(desk, again.progress, turn, "bananas again")
    assert "Missing: " in second.feedback
    assert without_html(sentence) in second.feedback
    card = json.loads(second.card)
    assert card["open"]
    assert "".join(text for text, level, _ in card["runs"] if level) == sentence
    assert (second.may_retry, second.may_show) == (False, False)
    assert not any(one.known for one in second.progress.items.values())


def test_a_right_answer_is_known_and_over(loading: Loading) -> None:
    desk, frame, turn = begun(loading)
    answer = " ".join(fact.text for fact in turn.item.facts)
    found = quizzing.answered(desk, frame.progress, turn, answer)
    assert found.feedback.startswith("**Right.**")
    assert found.turn == Turn(item=turn.item, over=True)
    row = json.loads(quizzing.progress_json(found.progress))[0]
    assert (row["known"], row["asked"], row["share"]) == (1, 1, 1.0)


def test_nothing_typed_is_no_try(loading: Loading) -> None:
    desk, frame, turn = begun(loading)
    found = quizzing.answered(desk, frame.progress, turn, "  ")
    assert "Look in " in found.feedback
    assert found.may_retry
    assert found.progress.tries(turn.item) == 0
    assert quizzing.answered(desk, found.progress, turn, "I don't know").progress.tries(turn.item) == 1


def test_the_answer_can_be_shown_and_is_then_not_known(loading: Loading) -> None:
    desk, frame, turn = begun(loading)
    found = quizzing.shown(frame.progress, turn)
    assert "**The answer.**" in found.feedback
    later = quizzing.answered(desk, found.progress, turn, " ".join(fact.text for fact in turn.item.facts))
    assert not any(one.known for one in later.progress.items.values())


@pytest.mark.parametrize("answer", ["", "bananas", "I don't know", HOSTILE, "a vector of bananas", "gate"])
def test_feedback_has_the_words_of_the_passage_and_ours_alone(loading: Loading, answer: str) -> None:
    desk, frame, turn = begun(loading)
    for progress in (frame.progress, frame.progress.answered(turn.item, quizzing.Verdict.NOT_YET)):
        found = quizzing.answered(desk, progress, turn, answer)
        ours = set(re.findall(r"\w+", PHRASES))
        passage = turn.item.gold.passage
        theirs = set(re.findall(r"\w+", f"{passage.document} {passage.text} {' '.join(passage.locator.headings)}"))
        assert set(re.findall(r"[^\W\d_]\w*", found.feedback)) <= ours | theirs
        assert "<" not in found.card


def test_all_is_asked_once_and_then_a_line_says_so(loading: Loading) -> None:
    desk, frame, _ = begun(loading)
    seen = set(frame.progress.items)
    for _ in range(9):
        frame = quizzing.asked(desk, frame.progress, [], np.random.default_rng(1))
        if frame.turn is None:
            break
        assert frame.turn.item.item_id not in seen
        seen.add(frame.turn.item.item_id)
    assert frame.question == quizzing.NOTHING


def test_a_lecture_that_was_removed_is_not_asked_about_and_what_is_asked_about_is_not_all(loading: Loading) -> None:
    gone, there = "Sequence models\nnone.md", "Sequence models\n14-lstm.md"
    desk, random = Desk(loading), np.random.default_rng(0)
    frame = quizzing.asked(desk, Progress(), [gone], random)
    assert frame.question == "What was chosen is not in the index any more; choose anew."
    assert (frame.turn, frame.progress) == (None, Progress())
    some = quizzing.asked(desk, Progress(), [gone, there], random)
    assert some.question.startswith("**Long short-term memory**")
    assert ("none.md (not in the index any more)", gone) in quizzing.offered(loading.get().store, [gone, there])
    assert [key for _, key in quizzing.offered(loading.get().store, [there])].count(there) == 1


def test_a_fault_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> FakeTutor:
        raise RuntimeError("inner workings")

    failing = Loading(broken)
    failing._run()
    frame = quizzing.asked(Desk(failing), Progress(), [], np.random.default_rng(0))
    assert frame.turn is None
    assert "inner workings" not in frame.question
    assert "inner workings" in capsys.readouterr().err


def test_an_overlong_answer_is_one_line_and_no_try(loading: Loading) -> None:
    desk, frame, turn = begun(loading)
    found = quizzing.answered(desk, frame.progress, turn, "x" * 3000)
    assert found.feedback.startswith("The answer has 3,000 characters")
    assert found.answers
    assert found.progress == frame.progress


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_programs_ask_and_grade_by_names(loading: Loading) -> None:
    import gradio

    named = {one.__name__: one for one in endpoints(loading)}
    first = named["quiz"]()
    assert "answers" not in first
    second = named["quiz"](document="Long short-term memory", asked=[first["item_id"]], reveal=True)
    assert second["item_id"] != first["item_id"]
    assert any(second["answers"][0]["sentence"] in one.text for one in PASSAGES)
    found = named["grade"](second["item_id"], " ".join(second["facts"]))
    assert found["verdict"] == "right"
    assert found["citation"]["sentence"] == second["answers"][0]["sentence"]
    assert named["grade"](second["item_id"], "")["verdict"] == "not yet"
    for call, reason in [
        (lambda: named["quiz"](asked=[first["item_id"], second["item_id"]]), "nothing more"),
        (lambda: named["quiz"](asked="x"), "list of item_id"),
        (lambda: named["quiz"](course="x"), "no course"),
        (lambda: named["grade"]("x", "y"), "no such question"),
        (lambda: named["grade"](first["item_id"], "y" * 3000), "3,000 characters"),
    ]:
        with pytest.raises(gradio.Error, match=reason):
            call()


def test_the_desk_follows_the_store(loading: Loading) -> None:
    desk = Desk(loading)
    assert desk.quiz() is desk.quiz()
    before = desk.quiz()
    store = loading.get().store
    store.rebuilt = type(store)("000002")
    assert desk.quiz() is not before
