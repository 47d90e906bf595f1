"""What passages in Markdown look like: nothing is lost, and only what is a sign is left out."""

import random

import pytest

from tutor.ui.layout import DRAWN, parts

ATOMS = [
    "| ", " |", "|", "\n", "\n\n", "```", "```py\n", "~~~", "`", "``", "**", "*", "$", "$$", "\\", "\\|", "\\(", "\\)",
    "# ", "## ", "---", "|---|---|", "a", " b", "x = 1", "  ", "𝑥", "<b>", "\t", "\r", "[1]", "- ",
]  # fmt: skip


def drawn(text: str, *headings: str) -> list[tuple[str, str]]:
    """(piece, kind) of everything, signs that are not drawn left out."""
    found, at = [], 0
    for start, end, kind in [*parts(text, headings), (len(text), len(text), "")]:
        found += [(text[at:start], ""), (text[start:end] if kind in DRAWN else "", kind)]
        at = end
    return [(piece, kind) for piece, kind in found if piece or kind not in ("", "sign")]


def test_a_table_becomes_rows_of_cells() -> None:
    text = "So:\n\n| a | b |\n| --- | :-: |\n| $|x|$ | `p|q` |\n|  | one \\| two |\n\nThen."
    assert drawn(text) == [
        ("So:\n\n", ""),
        ("", "row"), ("a", ""), ("", "cell"), ("b", ""), ("", "rule"),
        ("", "row"), ("$|x|$", "formula"), ("", "cell"), ("p|q", "code"),
        ("", "row"), ("", "cell"), ("one ", ""), ("| two", ""), ("", "end"),
        ("\nThen.", ""),
    ]  # fmt: skip


def test_a_table_may_lack_its_outer_marks_its_head_or_all_but_a_row() -> None:
    assert [kind for _, kind in drawn("a | b\n1 | 2") if kind] == ["row", "cell", "row", "cell", "end"]
    tabs = [(words, kind) for words, kind in drawn("a\t$|b|$\tc\n1\t\t3") if kind]
    assert [kind for _, kind in tabs] == ["row", "cell", "formula", "cell", "row", "cell", "cell", "end"]
    assert [kind for _, kind in drawn("| a | b |\ntext") if kind] == ["row", "cell", "end"]
    assert [kind for _, kind in drawn("a | b\n--- | ---\n1 | 2") if kind] == [
        "row", "cell", "rule", "row", "cell", "end",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["p(a | b) is", "one | two\nthree", "|a|", "a line\n---\n", "| x", "| a | b | c\n| d |", "2**3 and 4**5"]
)
def test_what_is_no_table_stays_as_it_is(text: str) -> None:
    assert drawn(text) == [(text, "")]


def test_listings_keep_their_text() -> None:
    text = "As:\n```python\n# a remark\nx = '| a | b |'\n\n**y**\n```\n~~~\nopen $z$\n"
    assert drawn(text) == [
        ("As:\n", ""),
        ("", "fence"), ("# a remark\nx = '| a | b |'\n\n**y**", ""), ("", "end"),
        ("", "fence"), ("open $z$\n", ""), ("", "end"),
    ]  # fmt: skip
    assert drawn("```\n```\nb") == [("", "fence"), ("", "end"), ("b", "")]


def test_bold_text_code_and_headings_lose_their_signs() -> None:
    assert drawn("Gates\nGates of it", "Gates") == [("Gates", "headline"), ("\nGates of it", "")]
    text = "# Gates\n# no heading\n### The $f$ **gate** #\n**A $b$:** `c **d**`, \\**e**"
    assert drawn(text, "Gates") == [
        ("Gates", "headline"),
        ("\n# no heading\n", ""),
        ("The ", "headline"), ("$f$", "formula"), (" ", "headline"), ("gate", "strong"),
        ("\n", ""),
        ("A ", "strong"), ("$b$", "formula"), (":", "strong"), (" ", ""), ("c **d**", "code"), (", \\**e**", ""),
    ]  # fmt: skip


def test_parts_are_in_order_and_what_begins_ends() -> None:
    rng = random.Random(0)
    for _ in range(3000):
        text = "".join(rng.choices(ATOMS, k=rng.randint(0, 24)))
        at, inside = 0, ""
        for start, end, kind in parts(text, ("a",)):
            assert at <= start <= end <= len(text), text
            at = end
            if kind == "end":
                assert inside, text
                inside = ""
            elif kind == "fence" or (kind == "row" and not inside):
                assert not inside, text
                inside = kind
            elif kind in ("row", "cell", "rule"):
                assert inside == "row", text
        assert not inside, text
