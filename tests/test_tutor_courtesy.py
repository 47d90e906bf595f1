"""Turns that ask for nothing."""

from __future__ import annotations

import pytest

from tutor.courtesy import asks_something, is_courtesy, is_small_talk


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
        ("1997?", False),
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
        ("1997", False),
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
