"""The log and the report on health are as the page's documentation says, and a line of the log tells no words."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fake_tutor import PASSAGES, FakeTutor, answer_for

from tutor.ui.answering import ANSWERED, FAILED, REFUSED, STOPPED
from tutor.ui.api import ANSWERING, endpoints
from tutor.ui.chat import respond
from tutor.ui.health import report
from tutor.ui.loading import Loading
from tutor.ui.log import AnswerLog

README = (Path(__file__).resolve().parent.parent / "tutor" / "ui" / "README.md").read_text(encoding="utf-8")
QUESTION, COOKING = "What does the forget gate do?", "Who boils pasta?"
STAGES = ("waited", "search", "prompt", "first_token", "first_words", "generate", "total")


def documented(heading: str) -> dict[str, str]:
    """What the page's documentation says of each field in the table below a bold heading."""
    section = re.split(r"(?m)^\*\*", README.partition(f"**{heading}**")[2])[0]
    rows = re.findall(r"(?m)^\| (`.+?) \| (.+) \|$", section)
    return {name: said for names, said in rows for name in re.findall(r"`(\w+)`", names)}


def logged(path: Path, *, questions: bool = False) -> list[dict[str, Any]]:
    """The lines of a conversation on the page and of calls by programs: answered, refused, stopped and failed."""
    loading = Loading(FakeTutor, log=AnswerLog(path, questions=questions))
    loading.start()
    ask, _, explain, *_ = endpoints(loading)
    for question in (QUESTION, COOKING):
        *_, last = respond(loading, question, ())
    assert last.turns
    frames = respond(loading, QUESTION, ())
    next(frames), next(frames), frames.close()
    ask(QUESTION, [[COOKING, "Ten minutes."]])
    explain(QUESTION)
    with pytest.raises(RuntimeError):
        ask("bug")
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_fields_of_the_log_are_those_that_are_documented(tmp_path: Path) -> None:
    told, fields = documented("The log."), logged(tmp_path / "log.jsonl", questions=True)
    assert [line["question"] for line in fields] == [QUESTION, COOKING, QUESTION, QUESTION, QUESTION, "bug"]
    for line in fields:
        assert set(line) == set(told)
        assert datetime.fromisoformat(line["time"]).tzinfo == UTC
        assert re.fullmatch(r"[\w-]+", line["id"])
        assert isinstance(line["refused"], bool)
        assert isinstance(line["citations"], int)
        assert line["seconds"].keys() <= set(STAGES)
        assert line["seconds"]["total"] >= 0
    for field, values in (("way", {"page", *ANSWERING}), ("outcome", {ANSWERED, REFUSED, STOPPED, FAILED})):
        assert {line[field] for line in fields} == values
        assert set(re.findall(r"`(\w+)`", told[field])) == values
    failed = fields[-1]
    assert (failed["outcome"], failed["refused"], failed["citations"]) == (FAILED, False, 0)
    assert (fields[0]["model"], fields[0]["citations"]) == ("fake", len(answer_for(QUESTION).citations))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_line_tells_no_words_of_the_question_or_of_the_answer(tmp_path: Path) -> None:
    lines = logged(tmp_path / "log.jsonl")
    assert all("question" not in line for line in lines)
    said = " ".join([QUESTION, COOKING, "Ten minutes.", answer_for(QUESTION).text, *(one.text for one in PASSAGES)])
    known = {"answered", "refused", "stopped", "failed", "fake", "page", "ask", "explain"}
    values = " ".join(str(line[name]) for line in lines for name in line if name not in ("time", "id", "seconds"))
    words = {word.casefold() for word in re.findall(r"[^\W\d_]{4,}", values)} - known - {"true", "false", "none"}
    assert not words & {word.casefold() for word in re.findall(r"[^\W\d_]{4,}", said)}
    assert not any(word in (tmp_path / "log.jsonl").read_text(encoding="ascii") for word in ("forget", "pasta", "gate"))


def test_the_fields_of_the_report_on_health_are_those_that_are_documented() -> None:
    loading = Loading(FakeTutor)
    loading.start()
    loading.get()
    assert set(report(loading)) == set(documented("Health."))
