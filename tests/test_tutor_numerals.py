"""A name with another numeral is another name."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from corpus.document import Locator, Passage
from index.hits import Hit, SentenceScore
from tutor.coverage import probability, signals
from tutor.names import unknown
from tutor.numerals import another, numbered

TEXT = (
    "World War I ended in 1918. Henry VIII had six wives. Charles I was beheaded in 1649. The Second Punic War began in"
    " 218 BC. Windows 10 was followed. The Vitamins A, D, E and K dissolve in fat, vitamin C in water. The blood is of"
    " type A. A Type I error rejects what is true. He uses Adam. In the Chaco War 3 million were called up."
)


def says(phrase: str) -> bool:
    return re.search(rf"\b{re.escape(phrase)}\b", TEXT, re.IGNORECASE) is not None


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("When did World War II end?", "World War II"),
        ("when did world war ii end", "war ii"),
        ("When did World War 2 end?", "World War 2"),
        ("How many wives did Henry VII have?", "Henry VII"),
        ("Charles II was beheaded when?", "Charles II"),
        ("What is a Type II error?", "Type II"),
        ("what is a type 2 error?", "type 2"),
        ("What does Vitamin B do?", "Vitamin B"),
        ("Is Windows 11 better?", "Windows 11"),
    ],
)
def test_what_is_said_of_another_one_is_no_answer(question: str, name: str) -> None:
    assert any(one.casefold().endswith(name.casefold()) for one in unknown(question, says, [TEXT]))
    assert another(question, says, [TEXT])


@pytest.mark.parametrize(
    "question",
    [
        "When did World War I end?",
        "When did World War 1 end?",
        "When did the WWI end?",
        "When did Punic War II begin?",
        "Did the Punic War II begin?",
        "What does Vitamin K do?",
        "What is type A blood?",
        "What is in Lecture 14 and on Page 3 about Charles I?",
        "With Adam I need less, or do I?",
        "Should I take A or B? I ask.",
        "What did John F. Kennedy and T. S. Eliot say in 1963?",
        "Weights 0.4 and 2, a batch of 32 and 512 units: how many in 16 bit?",
        "Excel 3.5?",
    ],
)
def test_what_the_material_says_and_what_is_no_name_speaks_against_nothing(question: str) -> None:
    assert not another(question, says, [TEXT])
    assert not [one for one in numbered(question) if one.sure and not one.known(says, [TEXT])]


def test_figures_words_and_initials_are_the_same_name() -> None:
    (one,) = numbered("When did World War II end?")
    for text in ("World War 2", "WWII", "WW2", "the Second World War", "the World Wars I and II", "World Wars I/II"):
        found = text.casefold()
        assert one.known(lambda phrase, found=found: phrase.casefold() in found, [text]), text  # type: ignore[misc]
    assert not one.known(lambda phrase: False, ["World War I and the war of 1918"])


def test_a_name_alone_that_the_material_never_says_is_unknown_too() -> None:
    assert "Llama 3" in unknown("Which base does Llama 3 use?", lambda phrase: phrase == "Llama", ["Llama"])
    assert not another("Which base does Llama 3 use?", lambda phrase: phrase == "Llama", ["Llama"])


def test_another_numeral_outweighs_the_likeliest_sentence() -> None:
    passage = Passage(
        passage_id="1", document="Wars", text=TEXT, locator=Locator(source="w.md", start=0, end=len(TEXT))
    )
    spoken = SentenceScore(start=0, end=26, score=0.95, answers=0.9999)
    hit = Hit(passage=passage, score=1.0, searched=1.0, dense=0.9, lexical=1.0, sentences=(spoken,))
    right, wrong = (signals(f"When did World War {which} end?", [hit], says) for which in ("I", "II"))
    assert replace(wrong, answers=right.answers, unknown=0.0) == right
    assert probability(right) > 0.9
    assert probability(wrong) < 0.05
