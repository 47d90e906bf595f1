"""The tab that puts models side by side, and the text for programs, without a browser."""

import inspect
import json

import pytest
from fake_tutor import PASSAGES, FakeTutor

from tutor.ui.api import endpoints
from tutor.ui.compare import MOST, Frame, halted, respond
from tutor.ui.loading import Loading
from tutor.ui.programs import programs_text

QUESTION = "What does the forget gate do?"


def loaded(*models: str) -> Loading:
    loading = Loading(FakeTutor, models or ("fake", "gru", "damaged"))
    loading.start()
    return loading


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return list(respond(loaded(), QUESTION, ["gru", "damaged", "fake"]))


def heads(frame: Frame) -> list[dict]:
    return [json.loads(card.head) for card in frame.cards]


def test_results_appear_one_after_the_other(frames: list[Frame]) -> None:
    states = [[head["state"] for head in heads(frame)] for frame in frames]
    assert states == [
        ["waiting", "waiting", "waiting"],
        ["writing", "waiting", "waiting"],
        ["done", "writing", "waiting"],
        ["done", "failed", "writing"],
        ["done", "failed", "done"],
    ]
    assert [head["name"] for head in heads(frames[-1])] == ["gru", "damaged", "fake"]
    assert [len(json.loads(frame.result)["models"]) for frame in frames[1:]] == [0, 1, 1, 2]


def test_a_stop_leaves_no_model_writing(frames: list[Frame]) -> None:
    assert [json.loads(halted(card.head))["state"] for card in frames[2].cards] == ["done", "stopped", "stopped"]
    assert halted(frames[2].cards[0].head) == frames[2].cards[0].head
    assert halted("") == ""


def test_a_card_holds_the_answer_its_figures_and_the_own_words(frames: list[Frame]) -> None:
    first, failed, _ = frames[-1].cards
    head = json.loads(first.head)
    assert head["architecture"] == "gru"
    assert head["parameters"] > 0
    assert "forget gate" in first.answer
    assert "[1]" in first.answer
    assert "own words" in first.own
    assert failed.answer.startswith("**No answer.**")
    assert "restore the checkpoint" in failed.answer
    assert failed.own == ""


def test_below_stand_the_passages_and_the_figures_of_all(frames: list[Frame]) -> None:
    result = json.loads(frames[-1].result)
    texts = ["".join(text for text, *_ in one["runs"]) for one in result["passages"]]
    assert texts == [one.text.replace("\x00", "\ufffd") for one in PASSAGES]
    assert {level for one in result["passages"] for _, level, _ in one["runs"]} == {0, 2}
    assert [one["number"] for one in result["passages"]] == [1, 2, 3]
    assert {one["architecture"] for one in result["models"]} == {"gru", "transformer"}
    for one in result["models"]:
        assert one["reference"]["log_probability_per_token"] < 0
        assert one["passages"]["bits_per_byte"] > 0
        assert one["gradient"][0] == 1.0
    assert "<" not in frames[-1].result


def test_at_most_so_many_are_asked() -> None:
    names = [f"model {number}" for number in range(MOST + 3)]
    first = next(iter(respond(loaded(*names), QUESTION, names)))
    assert len(first.cards) == MOST


@pytest.mark.parametrize(("question", "names", "line"), [
    (QUESTION, [], "Choose at least one model."),
    ("x" * 3000, ["fake"], "The question has 3,000 characters"),
    (QUESTION, ["unknown"], "There is no model 'unknown'"),
])  # fmt: skip
def test_what_cannot_be_asked_is_one_line(question: str, names: list[str], line: str) -> None:
    last = list(respond(loaded(), question, names))[-1]
    assert last.status.startswith(line)
    assert last.cards == ()


def test_a_bug_is_logged_and_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    last = list(respond(loaded(), "a bug in the gate", ["fake"]))[-1]
    assert "inner workings" in capsys.readouterr().err
    assert "inner workings" not in last.cards[0].answer


def test_programs_learn_of_every_endpoint() -> None:
    offered = endpoints(loaded())
    text = programs_text(offered)
    for one in offered:
        assert f"`/{one.__name__}({next(iter(inspect.signature(one).parameters), '')}" in text
        assert one.__doc__


def test_health_says_what_is_there() -> None:
    health = {one.__name__: one for one in endpoints(loaded())}["health"]
    said = health()
    expected = {"loaded": True, "model": "fake", "models": ["fake", "gru", "damaged"], "passages": 3, "faults": []}
    assert expected.items() <= said.items()
    assert said["generation"] == "000001"


def test_health_before_and_without_a_tutor(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = Loading(FakeTutor, ("fake",))
    found = {one.__name__: one for one in endpoints(waiting)}["health"]()
    assert (found["loaded"], found["model"]) == (False, None)
    assert "still loading" in found["faults"][0]

    def broken() -> FakeTutor:
        raise RuntimeError("/secret/path")

    failing = Loading(broken, ("fake",))
    failing._run()
    found = {one.__name__: one for one in endpoints(failing)}["health"]()
    assert not found["loaded"]
    assert "secret" not in json.dumps(found)
    assert "secret" in capsys.readouterr().err
