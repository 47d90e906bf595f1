"""Names that a question speaks of and the material does not, and numbers that it asks for."""

from __future__ import annotations

import pytest

from tutor.coverage import probability, signals
from tutor.names import counts, has_number, names, unknown


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


def test_an_acronym_may_be_spelt_letter_by_letter() -> None:
    assert unknown("What is the CNO cycle?", {"C N O", "cycle"}.__contains__, []) == []
    assert unknown("What is the CNO cycle?", {"cycle"}.__contains__, []) == ["CNO"]


@pytest.mark.parametrize(
    ("question", "text", "found"),
    [
        ("What is RoPE good for?", "Rotary positional encoding turns pairs of coordinates.", []),
        ("What is RoPE good for?", "Positional encodings rotate.", ["RoPE"]),
        ("Why a BiLSTM here?", "A bidirectional LSTM reads both ways.", []),
        ("Why a GPT-style model?", "GPT writes from left to right.", []),
        ("Why a Mamba-based model?", "GPT writes from left to right.", ["Mamba"]),
        ("What does an MoA layer do?", "more about layers", ["MoA"]),
        ("can one LLM judge another?", "A language model judges another.", []),
        ("What is an LLM?", "A language model judges another.", ["LLM"]),
    ],
)
def test_how_a_name_may_be_known(question: str, text: str, found: list[str]) -> None:
    def says(phrase: str) -> bool:
        return phrase.casefold() in text.casefold().split()

    assert unknown(question, says, [text]) == found
