"""Votes in a file on this machine."""

import sqlite3
from pathlib import Path

import pytest
from fake_tutor import FakeTutor, answer_for

from tutor.errors import TutorError
from tutor.ui.chat import record_of
from tutor.ui.feedback import BAD, FILE, GOOD, Feedback, file_beside


@pytest.fixture
def feedback(tmp_path: Path) -> Feedback:
    return Feedback(tmp_path / "deep" / FILE)


def record(question: str = "What does the forget gate do?"):
    return record_of(answer_for(question), FakeTutor(), "fake")


def test_the_file_stands_beside_the_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert file_beside(tmp_path / "store") == file_beside(Path("store")) == tmp_path / FILE


def test_nothing_is_written_before_the_first_vote(feedback: Feedback) -> None:
    assert feedback.votes() == []
    assert not feedback.path.exists()


def test_a_vote_keeps_question_answer_and_citations(feedback: Feedback) -> None:
    feedback.vote("a", GOOD, record())
    feedback.vote("b", BAD, record("How do I cook pasta?"))
    good, bad = feedback.votes()
    assert (good.key, good.vote, good.model, good.generation) == ("a", GOOD, "fake", "000001")
    assert (good.question, good.answer) == ("What does the forget gate do?", answer_for(good.question).text)
    assert [one["number"] for one in good.citations] == [1, 2]
    assert (bad.vote, bad.citations) == (BAD, [])


def test_a_vote_can_be_changed_and_withdrawn(feedback: Feedback) -> None:
    feedback.vote("a", GOOD, record())
    feedback.vote("a", BAD, record())
    assert [one.vote for one in feedback.votes()] == [BAD]
    feedback.withdraw("a")
    assert feedback.votes() == []


def test_half_a_surrogate_pair_is_kept_as_a_question_mark(feedback: Feedback) -> None:
    feedback.vote("a", GOOD, record("gate \ud800"))
    assert feedback.votes()[0].question == "gate ?"


def test_another_vote_is_an_error(feedback: Feedback) -> None:
    with pytest.raises(ValueError, match="must be 1 or -1"):
        feedback.vote("a", 0, record())


def test_a_file_that_is_no_database_or_newer_is_one_line(feedback: Feedback) -> None:
    feedback.path.parent.mkdir()
    feedback.path.write_text("no database" * 100, encoding="utf-8")
    with pytest.raises(TutorError, match="check that file"):
        feedback.vote("a", GOOD, record())
    feedback.path.unlink()
    with sqlite3.connect(feedback.path) as database:
        database.execute("PRAGMA user_version = 7")
    database.close()
    with pytest.raises(TutorError, match="format 7"):
        feedback.votes()
