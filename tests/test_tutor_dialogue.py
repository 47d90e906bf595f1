"""Follow-ups are read together with the question they lean on."""

import pytest

from tutor.dialogue import leans, standalone

LSTM = ("What do the gates of an LSTM do?", "They decide what is kept.")


@pytest.mark.parametrize(
    "question",
    [
        "And in the GRU?",
        "why?",
        "why tanh?",
        "Why is that?",
        "What does it cost?",
        "How does this work in practice?",
        "tanh?",
        "Are you sure?",
        "what about the reset gate of the other one",
    ],
)
def test_leaning_questions(question: str) -> None:
    assert leans(question)
    assert standalone(question, [LSTM]) == f"{LSTM[0]} {question}"


@pytest.mark.parametrize(
    "question",
    [
        "How does multi-head attention split the model width?",
        "Which optimiser warms up its learning rate linearly?",
        "What is dropout?",
        "How do I cook pasta?",
        "Why do gradients vanish?",
        "Which gate decides that the cell state is kept?",
    ],
)
def test_questions_that_stand_alone_are_left_alone(question: str) -> None:
    assert standalone(question, [LSTM]) == question


def test_a_chain_reaches_back_to_the_question_that_stands_alone() -> None:
    history = [("Which paper brought the GRU to machine translation?", "a"), ("And the LSTM?", "b")]
    found = standalone("Why?", history)
    assert found == "Which paper brought the GRU to machine translation? And the LSTM? Why?"


def test_no_history_changes_nothing() -> None:
    assert standalone("Why?", []) == "Why?"


def test_answers_never_enter_the_question() -> None:
    assert "kept" not in standalone("And?", [LSTM])
