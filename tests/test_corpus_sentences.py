"""Sentences, lines, equations and code blocks as a reader takes them in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.sentences import sentence_spans


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One is here. Two, e.g. this one. Dr. Who?", ["One is here.", "Two, e.g. this one.", "Dr. Who?"]),
        ("It is 3.5 wide. Next", ["It is 3.5 wide.", "Next"]),
        ("A value $x. Y$ stays. `a. B` too.", ["A value $x. Y$ stays.", "`a. B` too."]),
        ("- first item\n- second item", ["- first item", "- second item"]),
        ("| a | b |\n| 1 | 2 |", ["| a | b |", "| 1 | 2 |"]),
        ("layers | units\none | two", ["layers | units", "one | two"]),
        ("The posterior p(w | x) of a long\nsentence", ["The posterior p(w | x) of a long\nsentence"]),
        ("Gate\tDoes what?\tUsed\nopen\tLets in? Yes.\tGRU", ["Gate\tDoes what?\tUsed", "open\tLets in? Yes.\tGRU"]),
        (
            "Step 1: score every one of the states of the encoder by its key\nStep 2: weigh",
            ["Step 1: score every one of the states of the encoder by its key", "Step 2: weigh"],
        ),
        ("# Title\nText under it.", ["# Title", "Text under it."]),
        ("The update is\n\n$$x = 1$$\n\nwhere x is one.", ["The update is\n\n$$x = 1$$", "where x is one."]),
        ("It ends. \n\n$$x = 1$$", ["It ends.", "$$x = 1$$"]),
        ("```\na = 1. B\n\nc\n```\nAfter.", ["```\na = 1. B\n\nc\n```", "After."]),
        (
            "\\begin{itemize}\n\\item One thing. More of it.\n\\item Another\n\\end{itemize}",
            ["\\begin{itemize}", "\\item One thing.", "More of it.", "\\item Another", "\\end{itemize}"],
        ),
        ("\\begin{align}\na &= b. \\\\\nC &= d\n\\end{align}", ["\\begin{align}\na &= b. \\\\\nC &= d\n\\end{align}"]),
        (
            "This line is long enough to be wrapped by an editor at eighty\ncharacters and goes on here.",
            ["This line is long enough to be wrapped by an editor at eighty\ncharacters and goes on here."],
        ),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_cuts(text: str, parts: list[str]) -> None:
    assert cut(text) == parts


@given(st.text(alphabet="aB. \n$`#|-\\{}[]1é", max_size=120))
def test_nothing_is_lost_and_nothing_overlaps(text: str) -> None:
    position = 0
    for start, end in sentence_spans(text):
        assert position <= start < end <= len(text)
        assert not text[position:start].strip()
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()
