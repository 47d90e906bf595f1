"""Answers in the making: counted, logged, stopped."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_tutor import FakeTutor, answer_for

from tutor.errors import Stopped, TutorError
from tutor.ui.answering import ASKED, Answering, Asked, Job
from tutor.ui.chat import respond
from tutor.ui.log import AnswerLog

QUESTION = "What does the forget gate do?"
COOKING = "How long does pasta boil?"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


def lines(log: Path) -> list[dict]:
    return [json.loads(line) for line in log.read_text(encoding="ascii").splitlines()]


def answered(answering: Answering, question: str = QUESTION, key: str = "") -> None:
    with answering.answer("page", question, key) as job:
        job.done(answer_for(question))


def test_a_line_tells_of_an_answer_and_not_of_the_question(log: Path) -> None:
    answering = Answering(AnswerLog(log))
    answered(answering, key="k1")
    (line,) = lines(log)
    assert (line["id"], line["way"], line["outcome"], line["refused"]) == ("k1", "page", "answered", False)
    assert line["citations"] == 2
    assert line["seconds"] == {"total": 0.5}
    assert line["time"].endswith("+00:00")
    assert "forget" not in log.read_text(encoding="ascii")


def test_questions_are_logged_where_that_is_asked_for(log: Path) -> None:
    answered(Answering(AnswerLog(log, questions=True)), f"{QUESTION} \ud800 é")
    assert lines(log)[0]["question"] == f"{QUESTION} \ud800 é"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (TutorError("too long"), "failed"),
        (RuntimeError("bug"), "failed"),
        (Stopped(), "stopped"),
        (GeneratorExit(), "stopped"),
    ],
)
def test_the_end_of_an_answer_is_told(fault: BaseException, outcome: str, log: Path) -> None:
    answering = Answering(AnswerLog(log))
    with pytest.raises(type(fault)), answering.answer("ask", QUESTION):
        raise fault
    assert lines(log)[0]["outcome"] == outcome
    assert answering.figures()["answers"][outcome] == 1


def test_a_log_that_cannot_be_written_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answering = Answering(AnswerLog(tmp_path / "none" / "answers.jsonl"))
    answered(answering)
    answered(answering)
    assert capsys.readouterr().err.count("the log cannot be written") == 1
    assert answering.figures()["answers"]["answered"] == 2


def test_a_log_may_be_moved_away(log: Path) -> None:
    answering = Answering(AnswerLog(log))
    answered(answering, key="one")
    log.rename(log.with_suffix(".1"))
    answered(answering, key="two")
    assert [line["id"] for line in lines(log)] == ["two"]


def test_figures_count_and_give_medians() -> None:
    answering = Answering()
    assert answering.figures()["seconds"] == {"first_words": None, "total": None}
    answered(answering)
    answered(answering, COOKING)
    with answering.answer("page", QUESTION):
        found = answering.figures()
    assert found["working"] == 1
    assert found["answers"] == {"answered": 1, "refused": 1, "stopped": 0, "failed": 0}
    assert answering.figures()["working"] == 0


def for_event(event: str, run: Callable[[], None]) -> None:
    token = ASKED.set(Asked(event=event, waited=0.25))
    try:
        run()
    finally:
        ASKED.reset(token)


class Writing:
    stopped = False

    def stop(self) -> None:
        self.stopped = True


def test_a_stop_reaches_the_stream_of_its_event_alone(log: Path) -> None:
    answering, mine, other = Answering(AnswerLog(log)), Writing(), Writing()

    def both() -> None:
        with answering.answer("page", QUESTION) as job, answering.answer("ask", QUESTION) as another:
            another.event = "second"
            job.watch(mine, model="mini", generation="000001")
            another.watch(other, model="mini", generation="000001")
            answering.stop("first")

    for_event("first", both)
    assert (mine.stopped, other.stopped) == (True, False)
    assert lines(log)[0]["seconds"]["waited"] == 0.25


def test_a_stop_that_comes_first_holds() -> None:
    job = Job("page", QUESTION, "")
    job.stop()
    with pytest.raises(Stopped):
        job.watch(Writing(), model="mini", generation="000001")
    assert job.stopped


def test_a_chat_that_is_stopped_ends_without_a_word(log: Path) -> None:
    from tutor.ui.loading import Loading

    loading = Loading(FakeTutor, log=AnswerLog(log))
    loading.start()

    def chat() -> None:
        frames = respond(loading, QUESTION, ())
        next(frames)
        next(frames)
        loading.answering.stop("first")
        rest = list(frames)
        assert len(rest) <= 1

    for_event("first", chat)
    assert lines(log)[0]["outcome"] == "stopped"


def test_many_threads_lose_nothing(log: Path) -> None:
    answering = Answering(AnswerLog(log))
    threads = [threading.Thread(target=lambda: [answered(answering) for _ in range(20)]) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert answering.figures()["answers"]["answered"] == len(lines(log)) == 160


def test_a_job_without_a_name_gets_one() -> None:
    assert len({Job("page", QUESTION, "").key for _ in range(3)}) == 3
