"""Questions that the model writes: whole, and about their sentence."""

import pytest
from quiz_samples import COLOUR, PIPES, REASON, checkpoint, gold

from tutor.quiz_writing import answers_fit, is_question, knows_asking, write_question


def test_the_model_writes_the_same_question_again() -> None:
    one = gold(COLOUR, f"{COLOUR} {PIPES}")
    small = checkpoint()
    assert knows_asking(small)
    assert write_question(small, one) == write_question(small, one)


@pytest.mark.parametrize(("question", "whole"), [
    ("Why is the gate soft rather than binary?", True),
    ("How does the forget gate control the memory?", True),
    ("What does the encoder pass to the decoder?", True),
    ("Why do gradients vanish in a deep network?", True),
    ("Which vector does the encoder pass to the decoder?", True),
    ("What is the cache of a sliding window never holds?", False),
    ("What is the store keeps vectors in files?", False),
    ("How does the vanilla layer without its output?", False),
    ("What is the colours of attention must say. What is the colours?", False),
    ("What is the types of the types of the types?", False),
    ("What is the rest of the?", False),
    ("the gate is soft?", False),
    ("What is $x of the gate?", False),
    ("Gate?", False),
    ("", False),
])  # fmt: skip
def test_a_question_is_whole(question: str, whole: bool) -> None:
    assert is_question(question) is whole


@pytest.mark.parametrize(("question", "sentence", "fits"), [
    ("Why does the air tremble in the basin?", REASON, True),
    ("What is a zoblin?", COLOUR, True),
    ("What are a zoblin?", COLOUR, False),
    ("Why is a zoblin purple?", COLOUR, False),
    ("What is the violin of the zoblin?", COLOUR, False),
    ("What is a purple machine that sorts wooden letters by their first sound?", COLOUR, False),
])  # fmt: skip
def test_a_question_is_about_the_sentence(question: str, sentence: str, fits: bool) -> None:
    assert answers_fit(question, gold(sentence)) is fits
