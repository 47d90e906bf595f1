"""The shipped course: its questions quote the notes, and its splits keep sections apart."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

COURSE = Path(__file__).resolve().parent.parent / "corpus"
LECTURES = {path.name: path.read_text(encoding="utf-8") for path in sorted((COURSE / "lectures").glob("*.md"))}
QUESTIONS: list[dict[str, Any]] = [
    json.loads(line)
    for path in sorted((COURSE / "questions").glob("*.jsonl"))
    for line in path.read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize("name", LECTURES)
def test_lectures_are_long_enough_and_named(name: str) -> None:
    text = LECTURES[name]
    head = text.split("---")[1]
    assert all(f"{field}:" in head for field in ("title", "course", "order", "prerequisites", "sources"))
    assert len(text.split()) >= 1200


def test_every_gold_quote_stands_in_its_lecture() -> None:
    assert QUESTIONS
    wrong = [one["id"] for one in QUESTIONS for gold in one["gold"] if gold["quote"] not in LECTURES[gold["lecture"]]]
    assert not wrong


def test_every_key_fact_stands_in_the_reference() -> None:
    wrong = [
        one["id"]
        for one in QUESTIONS
        for fact in one["key_facts"]
        if fact.casefold() not in one["reference"].casefold()
    ]
    assert not wrong


def test_answerable_questions_have_evidence_and_others_none() -> None:
    for one in QUESTIONS:
        assert bool(one["gold"]) == bool(one["reference"]) == bool(one["key_facts"]) == one["answerable"], one["id"]
    share = sum(not one["answerable"] for one in QUESTIONS) / len(QUESTIONS)
    assert 0.15 < share < 0.25


def test_questions_are_unique() -> None:
    assert len({one["id"] for one in QUESTIONS}) == len(QUESTIONS)
    assert len({one["question"].casefold() for one in QUESTIONS}) == len(QUESTIONS)


def test_a_section_lies_in_one_split() -> None:
    splits: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in QUESTIONS:
        if one["section"]:
            splits[one["lecture"], one["section"]].add(one["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert {"train", "dev", "test"} == {split for found in splits.values() for split in found}
