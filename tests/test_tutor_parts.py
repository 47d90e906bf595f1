"""Questions that ask two things."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from corpus.document import Locator, Passage
from index.hits import Hit, SentenceScore
from tutor.candidate import Candidate
from tutor.choices import Choices
from tutor.finding import Found, find, with_parts
from tutor.growth import Growth
from tutor.odds import read_hits
from tutor.parts import parts

CHOICES = Choices()


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "What is osmosis, and why do cells burst in pure water?",
            ("What is osmosis?", "why do cells burst in pure water?"),
        ),
        (
            "How long is a lunar month and what sets its length?",
            ("How long is a lunar month?", "what sets its length?"),
        ),
        ("What is a tariff? Who pays it in the end?", ("What is a tariff?", "Who pays it in the end?")),
        ("Explain what yeast does and how bread rises", ("Explain what yeast does?", "how bread rises")),
        (
            "In a quartz watch, which part swings, and which part counts?",
            ("In a quartz watch, which part swings?", "which part counts?"),
        ),
        ("When was the canal opened, who had planned it?", ("When was the canal opened?", "who had planned it?")),
    ],
)
def test_two_questions_are_told_apart(question: str, expected: tuple[str, ...]) -> None:
    assert parts(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "What is osmosis?",
        "Who planned the canal and when?",
        "What do I gain and what do I lose?",
        "What happens to water when it freezes and expands?",
        "What does yeast do when there is no sugar, when it is cold?",
        "If the spring is longer, what does the watch do?",
        "Which metals conduct heat and electricity?",
        "Compare iron and copper.",
        "",
    ],
)
def test_one_question_stays_whole(question: str) -> None:
    assert parts(question) == (question,)


def hit(text: str, *answers: float, searched: float = 0.8) -> Hit:
    """A passage of one sentence a line, each with the ranker's probability."""
    passage = Passage(
        passage_id=text[:8],
        course="c",
        document="d",
        text=text,
        locator=Locator(source="a.md", start=0, end=len(text)),
    )
    at, sentences = 0, []
    for line, p in zip(text.split("\n"), answers, strict=True):
        sentences.append(SentenceScore(start=at, end=at + len(line), score=0.45, answers=p))
        at += len(line) + 1
    return Hit(passage=passage, score=searched, searched=searched, dense=0.5, lexical=0.5, sentences=tuple(sentences))


SALT, YEAST = "Salt draws water out of cells.\nSalt is mined.", "Yeast turns sugar into gas.\nYeast is old."
WHOLE = (hit(SALT, 0.9, 0.1),)
BY_PART = {"What does salt do?": (hit(SALT, 0.95, 0.05),), "How does bread rise?": (hit(YEAST, 0.9, 0.02),)}


class FakeStore:
    def says(self, phrase: str) -> bool:
        return True

    def read(self, query: str, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """Each hit as it is read for `query`: the sentence that has its last word is likely."""
        word = query.rstrip("?").split()[-1]
        return tuple(
            hit(one.passage.text, *(0.9 if word in line else 0.02 for line in one.passage.text.split("\n")))
            for one in hits
        )


STORE: Any = FakeStore()


def found(k: int = 5, covered: float = 0.9, by_part: Mapping[str, tuple[Hit, ...]] = BY_PART) -> Found:
    whole = Found(hits=WHOLE, candidates=tuple(read_hits(WHOLE, "")), covered=covered)
    return with_parts(STORE, whole, by_part.__getitem__, list(by_part), list(by_part), k, CHOICES)


def texts(units: Sequence[Sequence[Candidate]]) -> list[list[str]]:
    return [[one.text for one in unit] for unit in units]


def test_each_part_brings_its_passages_and_a_score_of_its_own() -> None:
    both = found()
    assert [one.passage.text for one in both.hits] == [SALT, YEAST]
    assert [(one.passage, one.text.split()[0]) for one in both.candidates] == [(0, "Salt")] * 2 + [(1, "Yeast")] * 2
    salt, mined, yeast, old = both.candidates
    assert salt.by_part[0] > 0.8 > 0.2 > mined.by_part[0]
    assert salt.by_part[1] == 0.0 == yeast.by_part[0]
    assert yeast.by_part[1] > 0.8 > 0.1 > old.by_part[1]
    # What was found for a part alone is nothing to the whole question.
    assert yeast.score == old.score == 0.0 < salt.score


def test_a_part_that_leans_on_the_one_before_is_searched_with_it_and_read_by_itself() -> None:
    asks = ("What does salt do?", "where is it mined?")
    joined = "What does salt do? where is it mined?"
    by_part = {asks[0]: (hit(SALT, 0.95, 0.05),), joined: (hit(SALT, 0.97, 0.3),)}
    whole = Found(hits=WHOLE, candidates=tuple(read_hits(WHOLE, "")), covered=0.9)
    found = with_parts(STORE, whole, by_part.__getitem__, asks, (asks[0], joined), 5, CHOICES)
    salt, mined = found.candidates
    assert salt.by_part[0] > 0.8 > 0.1 > salt.by_part[1]
    assert mined.by_part[1] > 0.8 > 0.2 > mined.by_part[0]


def test_no_more_passages_than_were_asked_for() -> None:
    assert [one.passage.text for one in found(k=1).hits] == [SALT]
    assert all(one.by_part[1] == 0.0 for one in found(k=1).candidates)


def test_a_part_that_nothing_said_answers_is_answered() -> None:
    candidates = found().candidates
    growth = Growth(candidates, "What does salt do, and how does bread rise?", CHOICES)
    growth.take(candidates[0])
    assert texts(growth.rest(0)) == [["Yeast turns sugar into gas."]]


def test_a_part_is_answered_once_and_only_by_what_is_likely() -> None:
    candidates = found().candidates
    growth = Growth(candidates, "", CHOICES)
    growth.take(candidates[0])
    growth.take(candidates[2])
    assert texts(growth.rest(0)) == []
    unsure = Growth(candidates, "", CHOICES.changed(["owed=0.95"]))
    unsure.take(candidates[0])
    assert texts(unsure.rest(0)) == []


def test_two_questions_on_things_apart_are_covered_where_each_is() -> None:
    assert found(covered=0.1).covered >= CHOICES.threshold
    nothing = {one: (hit(YEAST, 0.001, 0.001),) for one in BY_PART}
    refused = found(covered=0.1, by_part=nothing)
    assert refused.covered == 0.1
    assert refused.hits == WHOLE


def test_where_one_part_alone_is_covered_the_other_is_named() -> None:
    half = found(covered=0.1, by_part=BY_PART | {"How does bread rise?": (hit(YEAST, 0.001, 0.001),)})
    assert half.covered > CHOICES.threshold
    assert [one.text for one in half.candidates] == SALT.split("\n")
    assert half.uncovered == ("How does bread rise?",)


def test_what_is_covered_does_not_hang_on_the_number_of_passages() -> None:
    hits = (hit(SALT, 0.01, 0.05), hit(YEAST, 0.9, 0.02))
    one, two = (
        find(STORE, lambda query: hits, "How does bread rise?", "How does bread rise?", "", k, CHOICES) for k in (1, 2)
    )
    assert one.covered == two.covered
    assert (len(one.hits), len(two.hits)) == (1, 2)
    assert {candidate.passage for candidate in one.candidates} == {0}
