"""The shipped course holds what it should, and training reads none of its held-out questions."""

from collections import Counter
from pathlib import Path

import pytest

import corpus.check
from corpus.course import Course, read_course
from tutor.course_questions import train_records
from tutor.questions import read_questions

ROOT = Path(corpus.check.__file__).parent


@pytest.fixture(scope="module")
def course() -> Course:
    return read_course(ROOT)


def test_the_course_is_whole(course: Course) -> None:
    questions = [one.values for one in course.questions]
    single = [one for one in questions if "dialogue" not in one]
    assert len(course.lectures) >= 36
    assert len(single) >= 2400
    assert len({one["dialogue"] for one in questions if "dialogue" in one}) >= 200
    assert len(course.reading) >= 400
    kinds = Counter(one["kind"] for one in questions)
    assert min(kinds.values()) >= 80
    assert {one["lecture"] for one in single if one["answerable"]} == set(course.lectures)
    share = sum(not one["answerable"] for one in questions) / len(questions)
    assert 0.15 < share < 0.25


def test_a_section_lies_in_one_split_and_every_split_is_there(course: Course) -> None:
    splits = Counter(one.values["split"] for one in course.questions)
    assert set(splits) == {"train", "dev", "test"}
    assert min(splits.values()) > 0.15 * splits.total()


def test_training_reads_no_question_of_dev_or_test(course: Course) -> None:
    """Not in the words of the question, nor in the form that stands alone."""
    items = train_records(ROOT)
    asked = {str(item.get("standalone") or item["question"]).casefold() for item in items}
    held_out = [one.values for one in course.questions if one.values["split"] != "train"]
    assert items
    assert not asked & {one["question"].casefold() for one in held_out if "dialogue" not in one}
    assert not asked & {one["standalone"].casefold() for one in held_out if "dialogue" in one}
    trained = sum(one.values["split"] == "train" for one in course.questions)
    assert len(items) == trained


def test_tuning_reads_dev_unless_told_otherwise(course: Course) -> None:
    """The split that `tutor.evaluate` takes by default holds no question of test."""
    paths = sorted((ROOT / "questions").glob("*.jsonl"))
    dev = {one.id for one in read_questions(paths, "dev")}
    test = {one.values["id"] for one in course.questions if one.values["split"] == "test"}
    assert dev
    assert not dev & test


def test_turns_are_evaluated_with_their_history() -> None:
    turns = [one for one in read_questions([ROOT / "questions" / "dialogues.jsonl"], "dev") if one.history]
    assert turns
    assert all(len(turn) == 2 for one in turns for turn in one.history)
