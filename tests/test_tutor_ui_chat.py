import json
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from fake_tutor import SENTENCE, FakeStore, FakeTutor, answer_for

from index.errors import StoreError
from lm.checkpoint import CheckpointError
from tutor.errors import TutorError
from tutor.ui.chat import (
    BUG,
    GIVEN,
    LOADING,
    NEXT,
    REVEAL,
    Asking,
    Turn,
    one_line,
    respond,
    still_there,
    stopped,
    turn_of,
)
from tutor.ui.loading import Loading, NotLoaded
from tutor.ui.markdown import settled
from tutor.ui.talk import Queued, asking, rewritten, text_of

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


HINTS = Asking(hints=True)


def hinted(tutor=None, question: str = QUESTION):
    loading = loaded(tutor or FakeTutor())
    return loading, list(respond(loading, question, (), HINTS))


def test_a_hint_is_given_in_the_place_of_the_answer() -> None:
    _, frames = hinted()
    turn = frames[-1].turns[-1]
    assert turn.shown.startswith("**Hint 1.** Look in **Long short-term memory**")
    assert (turn.answer, turn.hint, turn.options) == (None, 1, (NEXT, REVEAL))
    assert frames[-1].messages()[-1]["options"] == [{"value": NEXT}, {"value": REVEAL}]
    assert not any(SENTENCE in frame.turns[-1].shown for frame in frames)
    panel = json.loads(frames[-1].panel or "")
    assert set(panel) == {"version", "turn", "notes"}


@pytest.mark.parametrize(
    "more", ["more", "Next hint", "another hint!", "go on", "a hint, please", "OK, next", "help", "I don't know."]
)
def test_more_goes_on_to_the_answer_in_the_same_turn(more: str) -> None:
    loading, frames = hinted()
    (second,) = respond(loading, more, frames[-1].turns)
    assert len(second.turns) == 1
    assert "**Hint 1.**" in second.turns[-1].shown
    assert "**Hint 2.**\n\n> " in second.turns[-1].shown
    assert second.turns[-1].options == (REVEAL,)
    (last,) = respond(loading, more, second.turns)
    turn = last.turns[-1]
    assert turn.shown.endswith(f"**Answer.**\n\n{answer_for(QUESTION).text}")
    assert (turn.answer, turn.hint, turn.options) == (answer_for(QUESTION).text, 0, ())
    assert json.loads(last.panel or "")["passages"]


@pytest.mark.parametrize(
    "words", ["Show the answer", "show me the answer", "The answer", "I give up", "just tell me", "What's the answer?"]
)
def test_the_answer_can_be_asked_for_at_once(words: str) -> None:
    loading, frames = hinted()
    (last,) = respond(loading, words, frames[-1].turns)
    assert last.turns[-1].answer == answer_for(QUESTION).text
    assert "Hint 2" not in last.turns[-1].shown


def test_another_question_leaves_the_hints_behind() -> None:
    tutor = FakeTutor()
    loading, frames = hinted(tutor)
    for question in ("Tell me about gates", "I don't know what a gate is", "more on gates, please"):
        assert len(list(respond(loading, question, frames[-1].turns))[-1].turns) == 2
    last = list(respond(loading, "What is a gate?", frames[-1].turns))[-1]
    assert (last.turns[0].hint, last.turns[0].options, last.turns[0].answer) == (0, (), None)
    assert tutor.asked[-1] == ("What is a gate?", ())
    assert list(respond(loading, "more", last.turns))[-1].turns[-1].question == "more"


@pytest.mark.parametrize("words", ["next hint", "more", "Show the answer"])
def test_there_is_no_hint_after_the_answer(words: str) -> None:
    tutor = FakeTutor()
    loading, frames = hinted(tutor)
    (told,) = respond(loading, REVEAL, frames[-1].turns, HINTS)
    (once,) = respond(loading, words, told.turns, HINTS)
    (twice,) = respond(loading, words, once.turns, HINTS)
    assert [turn.shown for turn in twice.turns] == [told.turns[0].shown, GIVEN, GIVEN]
    assert len(tutor.asked) == 1
    other = list(respond(loading, "What is a gate?", twice.turns, HINTS))[-1].turns
    assert tutor.asked[-1] == ("What is a gate?", ((QUESTION, answer_for(QUESTION).text),))
    assert other[-1].hint == 1


def test_more_without_a_hint_is_a_question() -> None:
    tutor = FakeTutor()
    list(respond(loaded(tutor), "more", ()))
    assert tutor.asked == [("more", ())]


def test_a_question_that_is_not_covered_is_refused_in_place_of_a_hint() -> None:
    _, frames = hinted(question="How do I cook pasta?")
    turn = frames[-1].turns[-1]
    assert turn.shown.startswith("> The course material does not cover")
    assert (turn.hint, turn.options) == (0, ())
    assert turn.answer is not None


def test_the_search_keeps_to_the_places_and_the_model_that_were_chosen() -> None:
    tutor = FakeTutor()
    loading = Loading(lambda: tutor, ("fake", "other"))
    loading.start()
    how = Asking(model="other", course="Sequence models", documents=("14-lstm.md",))
    frame = list(respond(loading, QUESTION, (), how))[-1]
    assert frame.turns[-1].answer is not None
    assert loading.get("other").places == [("Sequence models", ("14-lstm.md",))]
    assert tutor.asked == []


def test_an_empty_store_says_what_to_do() -> None:
    class Bare(FakeStore):
        path = Path("some") / "store"

        def sources(self):
            return (replace(super().sources()[0], passages=0, reason="it is *empty*"),)

    frame = list(respond(loaded(FakeTutor(store=Bare())), QUESTION, ()))[-1]
    assert "python -m index.build FOLDER --store some/store" in frame.turns[-1].shown
    assert r"14-lstm.md, it is \*empty\*" in frame.turns[-1].shown
    assert frame.turns[-1].answer is None


def test_messages_belong_to_turns() -> None:
    turns = (Turn(question="a", shown="b"), Turn(question="c", shown=""), Turn(question="d", shown="e"))
    assert [turn_of(turns, message) for message in range(5)] == [0, 0, 1, 2, 2]
    for message in (-1, 5):
        with pytest.raises(ValueError, match="there are 5"):
            turn_of(turns, message)


def test_what_is_stored_of_an_answer_names_model_generation_and_time() -> None:
    record = list(respond(loaded(FakeTutor()), QUESTION, ()))[-1].turns[-1].record
    assert record is not None
    assert (record["question"], record["model"], record["generation"]) == (QUESTION, "fake", "000001")
    assert record["time"].endswith("+00:00")
    json.dumps(record)


def test_a_question_is_rewritten_with_what_came_before_it() -> None:
    turns = tuple(list(respond(loaded(FakeTutor()), QUESTION, ()))[-1].turns)
    turns = list(respond(loaded(FakeTutor()), "What is a gate?", turns))[-1].turns
    asked, before, panel = rewritten(turns, 2, None)
    assert (asked, before) == (Queued("What is a gate?", turns[:1]), turns[:1])
    assert json.loads(panel)["turn"] == 1
    asked, before, panel = rewritten(turns, 0, "And what is a state?")
    assert (asked, before) == (Queued("And what is a state?", ()), ())
    assert json.loads(panel)["turn"] == 0


@pytest.mark.parametrize(
    ("content", "text"),
    [("a", "a"), ([{"type": "text", "text": "a"}, "b"], "a b"), ({"text": "a"}, "a"), ([{"file": 1}], "")],
)
def test_the_text_of_a_message_is_found(content: object, text: str) -> None:
    assert text_of(content) == text


def test_lectures_that_were_removed_are_looked_for_no_more() -> None:
    tutor = FakeTutor()
    both = Asking(course="Sequence models", documents=("gone.md", "15-gru.md"))
    assert still_there(both, tutor.store) == replace(both, documents=("15-gru.md",))
    for gone in (
        Asking(documents=("gone.md",)),
        Asking(course="Gone"),
        Asking(course="Gone", documents=("15-gru.md",)),
    ):
        last = list(respond(loaded(tutor), QUESTION, (), gone))[-1]
        assert last.turns[-1].shown.startswith('**No answer.** What was chosen under "Where to look" is not in')
    assert tutor.asked == []


def test_the_controls_say_how_to_ask() -> None:
    assert asking("Answer", None, "", []) == Asking()
    assert asking("Hint", "gru", "Nets", ["a.md"]) == Asking(
        hints=True, model="gru", course="Nets", documents=("a.md",)
    )


@pytest.mark.parametrize(
    ("shown", "after"), [("…", "*Stopped.*"), (LOADING, "*Stopped.*"), ("Half an", "Half an\n\n*Stopped.*")]
)
def test_a_stopped_answer_says_so(shown: str, after: str) -> None:
    frame = stopped((Turn(question="a", shown=shown),))
    assert frame.turns[-1].shown == after
    assert frame.turns[-1].answer is None


def test_what_is_complete_cannot_be_stopped() -> None:
    turns = list(respond(loaded(FakeTutor()), QUESTION, ()))[-1].turns
    assert stopped(turns).turns == turns
    assert stopped(()).turns == ()
