"""Follow-ups whose "it" is what the question before them asks about."""

from __future__ import annotations

import pytest

from tutor.dialogue import standalone
from tutor.pointing import pointed


@pytest.mark.parametrize(
    ("earlier", "question", "found"),
    [
        ("What is AdaGrad?", "what's its drawback?", "what's AdaGrad's drawback?"),
        ("What is AdaGrad?", "And why is it used?", "And why is AdaGrad used?"),
        ("What is AdaGrad?", "ok, so what is the weak spot of it?", "ok, so what is the weak spot of AdaGrad?"),
        ("How does an LSTM work?", "why does it need a gate?", "why does an LSTM need a gate?"),
        ("Explain backprop in one sentence", "what makes it so efficient", "what makes backprop so efficient"),
        ("What are LSTMs?", "What are their gates for?", "What are LSTMs' gates for?"),
        ("What are LSTMs?", "when do they fail?", "when do LSTMs fail?"),
        ("What is dropout?", "Is it a good idea to keep it on?", "Is it a good idea to keep dropout on?"),
        ("What is the alignment error rate?", "so if it is low?", "so if the alignment error rate is low?"),
        # "They" are not one thing, and "it" is not several.
        ("What is self-attention?", "why do they divide by a root?", ""),
        ("What are gates?", "what does it do with them?", ""),
        # Another noun before the pronoun may be meant.
        ("What is dropout?", "If the loss of my network grows, does it help?", ""),
        ("What is dropout?", "How does the LSTM cell keep its state?", ""),
        ("What is dropout?", "why is it better to stop early?", ""),
        ("What is dropout?", "And batch normalisation?", ""),
        # What the earlier question is on is no single thing.
        ("Why do gradients vanish?", "how do I stop it?", ""),
        ("What does it mean?", "how do I stop it?", ""),
    ],
)
def test_it_stands_for_what_the_question_before_is_on(earlier: str, question: str, found: str) -> None:
    assert pointed(question, earlier) == found


def test_what_was_pointed_at_is_pointed_at_again() -> None:
    history = [("What is AdaGrad?", "a"), ("what is its drawback?", "b")]
    asked = standalone("how is it removed?", history, lambda text: 0.3, bool)
    assert asked == "how is AdaGrad's drawback removed?"


def test_a_question_between_that_leans_is_not_skipped() -> None:
    history = [("What is AdaGrad?", "a"), ("and why?", "b")]
    asked = standalone("what makes it fail?", history, lambda text: 0.3, bool)
    assert asked == "What is AdaGrad? and why? what makes it fail?"


def test_a_long_question_is_read_in_no_time() -> None:
    for long in ("and " * 50_000, "it is " * 50_000, "is it a " * 50_000, "x" * 200_000, " " * 200_000 + "it"):
        pointed(long, "What is dropout?")
