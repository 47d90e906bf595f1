import json
import threading
from itertools import pairwise

import pytest
from fake_tutor import FakeTutor, answer_for

from index.errors import StoreError
from lm.checkpoint import CheckpointError
from tutor.errors import TutorError
from tutor.ui.chat import BUG, LOADING, Turn, one_line, respond
from tutor.ui.loading import Loading, NotLoaded
from tutor.ui.markdown import settled

QUESTION = "What does the forget gate do?"


def loaded(tutor) -> Loading:
    loading = Loading(lambda: tutor)
    loading.start()
    loading.get()
    return loading


def failing(fault: Exception) -> Loading:
    def load():
        raise fault

    loading = Loading(load)
    loading.start()
    return loading


def test_an_answer_grows_and_ends_with_the_panel() -> None:
    frames = list(respond(loaded(FakeTutor()), QUESTION, ()))
    texts = [frame.turns[-1].shown for frame in frames]
    assert texts[0] == "…"
    assert len(texts) > 10
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts[1:]))
    assert texts[-1] == answer_for(QUESTION).text
    assert [frame.panel is not None for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert json.loads(frames[-1].panel or "")["turn"] == 0


def test_no_frame_shows_half_a_formula() -> None:
    for frame in respond(loaded(FakeTutor()), QUESTION, ()):
        assert frame.turns[-1].shown.count("$") % 2 == 0


def test_earlier_turns_are_passed_on_and_unfinished_ones_are_not() -> None:
    tutor = FakeTutor()
    turns = (Turn(question="a", shown="b!", answer="b"), Turn(question="stopped", shown="half an ans"))
    frames = list(respond(loaded(tutor), QUESTION, turns))
    assert tutor.asked == [(QUESTION, (("a", "b"),))]
    assert [turn.question for turn in frames[-1].turns] == ["a", "stopped", QUESTION]
    assert json.loads(frames[-1].panel or "")["turn"] == 2


def test_messages_alternate() -> None:
    frame = list(respond(loaded(FakeTutor()), QUESTION, (Turn(question="a", shown="b", answer="b"),)))[-1]
    assert [message["role"] for message in frame.messages()] == ["user", "assistant"] * 2


def test_a_refusal_is_set_apart() -> None:
    turn = list(respond(loaded(FakeTutor()), "How do I cook pasta?", ()))[-1].turns[-1]
    assert turn.shown.startswith("> The course material does not cover")
    assert turn.answer is not None
    assert not turn.answer.startswith(">")


def test_an_error_for_the_user_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    frame = list(respond(loaded(FakeTutor()), "a long question", ()))[-1]
    shown = frame.turns[-1].shown
    assert shown == "**No answer.** The question has 9,999 characters; ask in at most 2,000."
    assert frame.turns[-1].answer is None
    assert json.loads(frame.panel or "")["failed"]
    assert capsys.readouterr().err == ""


def test_a_bug_is_logged_and_shown_as_a_plain_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    frame = list(respond(loaded(FakeTutor()), "bug", ()))[-1]
    assert frame.turns[-1].shown == f"**No answer.** {BUG}"
    assert "RuntimeError: inner workings" in capsys.readouterr().err


def test_a_question_waits_for_the_model() -> None:
    gate = threading.Event()

    def load():
        assert gate.wait(5)
        return FakeTutor()

    loading = Loading(load)
    loading.start()
    frames = respond(loading, QUESTION, ())
    assert next(frames).turns[-1].shown == LOADING
    gate.set()
    assert list(frames)[-1].turns[-1].shown == answer_for(QUESTION).text


@pytest.mark.parametrize("fault", [StoreError("no store"), CheckpointError("no store"), TutorError("no store")])
def test_a_failure_to_load_is_one_line_in_chat_and_terminal(
    fault: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    loading = failing(fault)
    frame = list(respond(loading, QUESTION, ()))[-1]
    assert frame.turns[-1].shown == "**No answer.** No store."
    assert capsys.readouterr().err == "error: no store\n"


def test_a_bug_while_loading_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotLoaded, match="stands in the terminal"):
        failing(KeyError("inner")).get()
    assert "KeyError: 'inner'" in capsys.readouterr().err


def test_the_text_of_an_error_is_inert() -> None:
    assert one_line(TutorError("no course '<b>$x$*'\nfor you")) == "No course '&lt;b>\\$x\\$\\*' for you."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a $x$ b", "a $x$ b"),
        ("a $x_", "a "),
        ("a $$x", "a "),
        ("a $$x$$ b \\(y", "a $$x$$ b "),
        ("a \\[y\\] b", "a \\[y\\] b"),
        ("it costs \\$5 and", "it costs \\$5 and"),
        ("`a $ b` c", "`a $ b` c"),
        ("see `co", "see "),
        ("```\nx = $1\n", "```\nx = $1\n"),
    ],
)
def test_formulas_appear_when_they_are_closed(text: str, shown: str) -> None:
    assert settled(text) == shown
