"""Names that a question speaks of and the material does not, and numbers that it asks for."""

from __future__ import annotations

import pytest

from tutor.coverage import probability, signals
from tutor.names import asks_something, counts, has_number, is_courtesy, is_small_talk, names, unknown


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("How many parameters does GPT-4 have?", ["GPT-4"]),
        ("Gates are what? And why?", []),
        ("What did Hochreiter's thesis say, and I mean his own?", ["Hochreiter"]),
        ("does lstm2vec beat word2vec", ["lstm2vec", "word2vec"]),
        ('He said "The gate" (Only there). Is it T5?', []),
        ("WHAT IS A GRU", []),
        ("how far is k_1 from h_t in 2017 or the 2nd of May?", ["May"]),
        ("", []),
    ],
)
def test_names_are_words_that_stand_out(question: str, found: list[str]) -> None:
    assert names(question) == found


def test_a_name_is_known_where_the_material_says_it_or_spells_it_out() -> None:
    said = {"GPT 3", "PyTorch"}
    texts = ["Recurrent neural networks read a word at a time."]
    question = "Is an RNN in PyTorch or GPT3 like an MLP of Bahdanau?"
    assert unknown(question, said.__contains__, texts) == ["MLP", "Bahdanau"]
    assert "RNN" in unknown(question, said.__contains__, [])


def test_questions_for_numbers_and_numbers() -> None:
    assert counts("How many gates are there?")
    assert counts("At what rate does it learn?")
    assert not counts("How does it count?")
    assert has_number("There are three gates.")
    assert has_number("It has 12 layers.")
    assert not has_number("It has gates.")


def test_an_unknown_name_speaks_against_an_answer() -> None:
    def covered(question: str) -> float:
        return probability(signals(question, [], lambda phrase: phrase == "Elman"))

    assert covered("Who was Jordan, the author?") < covered("Who was Elman, the author?")
    assert covered("How many authors were there?") < covered("Which authors were there?")


@pytest.mark.parametrize(
    "question", ["hi", "Hello there!", "??????", "\U0001f993", "and why?", "thanks", "zzzz", "", "ok, cool"]
)
def test_small_talk_and_what_the_material_never_says_ask_for_nothing(question: str) -> None:
    said = {"gate", "gates", "hi", "ok", "what", "why"}
    assert not asks_something(question, said.__contains__)
    assert asks_something(f"{question} what do gates do", said.__contains__)


@pytest.mark.parametrize(
    ("said", "small_talk"),
    [
        ("Thank you, that was helpful!", True),
        ("I don't understand", True),
        ("well done, great job", True),
        ("[1]", True),
        ("2", True),
        ("good morning, who are you?", True),
        ("What is a well?", False),
        ("What does it mean to understand?", False),
        ("I don't understand attention", False),
        ("dropout", False),
        ("qwer", False),
    ],
)
def test_reactions_are_small_talk_and_no_questions(said: str, small_talk: bool) -> None:
    assert is_small_talk(said) is small_talk


@pytest.mark.parametrize(
    ("said", "courtesy"),
    [
        ("thanks!", True),
        ("ok", True),
        ("That makes sense, thank you very much", True),
        ("[2]", True),
        ("ok?", False),
        ("ok, and the GRU", False),
        ("no, I meant the input gate", False),
        ("great, but why", False),
        ("I don't understand", False),
        ("and", False),
        ("", False),
    ],
)
def test_who_only_thanks_or_agrees_goes_on_from_nothing(said: str, courtesy: bool) -> None:
    assert is_courtesy(said) is courtesy


def test_an_acronym_may_be_spelt_letter_by_letter() -> None:
    assert unknown("What is the CNO cycle?", {"C N O", "cycle"}.__contains__, []) == []
    assert unknown("What is the CNO cycle?", {"cycle"}.__contains__, []) == ["CNO"]
