"""Tables in answers: a row comes with its head, and Markdown takes it for a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from corpus.sentences import sentence_spans
from corpus.tables import columns, same_table
from tutor.belonging import needed, opened
from tutor.candidate import Candidate, Kind, candidate
from tutor.choices import Choices
from tutor.compose import Draft
from tutor.growth import Growth
from tutor.table import in_bars, parts, rule, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

RULED = "| owl | metres |\n|:----|------:|\n| eagle owl | 1.8 |\n| barn owl | 0.9 |"
PLAIN = "owl | metres\neagle owl | 1.8\nbarn owl | 0.9"
TABBED = "gate\trole\tcell\nupdate\tkeeps the past\tGRU\nforget\terases\tLSTM"
HEADLESS = "| eagle owl | 1.8 |\n| barn owl | 0.9 |"


def read(text: str, likely: str = "", odds: float = 0.05) -> list[Candidate]:
    """The candidates of a passage; the one that begins with `likely` is likely to answer."""
    found = []
    for start, end in sentence_spans(text):
        score = 0.9 if likely and text[start:end].startswith(likely) else odds
        if one := candidate(0, text, start, end, score):
            found.append(one)
    return found


def answer(units: Sequence[Sequence[Candidate]]) -> str:
    draft = Draft()
    for unit in units:
        draft.quote(unit)
    for start, end in draft.quoted:
        assert draft.text[start:end] in [one.text[a:b] for one in draft.quotes for a, b in parts(one.text)]
    return draft.text


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("| a | b |", 2),
        (r"| $p(a|b)$ | `x | y` | c |", 3),
        ("a | b | c", 3),
        (r"| a \| b | c |", 2),
        ("the posterior p(w | x) of w", 0),
        ("set {x | x > 0} of numbers", 0),
        ("$$ |A| + |B| $$", 0),
        ("a|b", 0),
        ("a\tb\tc", 3),
        ("\ta\t\tc\t", 3),
        ("a\tb", 0),
        ("\u2022\ta\tb", 0),
        ("\tx = 1", 0),
        ("a | b\nc | d", 0),
        ("|" * 700, 0),
        ("", 0),
    ],
)
def test_cells_are_counted(line: str, count: int) -> None:
    assert columns(line) == count


def test_rows_of_one_table_have_as_many_cells() -> None:
    assert same_table("a | b", "c | d")
    assert not same_table("a | b", "c | d | e")
    assert not same_table("a", "b")


@pytest.mark.parametrize(("text", "headed"), [(RULED, True), (PLAIN, True), (HEADLESS, False)])
def test_a_table_is_found_around_each_of_its_rows(text: str, headed: bool) -> None:
    text = f"Before.\n\n{text}\n\nAfter it."
    begin = 9
    rows = [one for one in read(text) if one.kind is Kind.ROW]
    assert {one.table for one in rows} == {begin}
    assert [one.heads for one in rows] == [headed, *[False] * (len(rows) - 1)]
    assert table_of(text, text.index("barn")) == (begin, headed)
    assert table_of(text, 0) is None
    assert table_of(text, text.index("After")) is None


def test_a_line_alone_is_no_table() -> None:
    assert Kind.ROW not in [one.kind for one in read("Some text here.\n\nowls | bats\n\nMore of it.")]


@pytest.mark.parametrize(("text", "mark"), [(RULED, "| barn"), (PLAIN, "barn")])
def test_a_row_comes_with_its_head(text: str, mark: str) -> None:
    candidates = read(text, mark, odds=0.001)
    growth = Growth(candidates, "How wide is a barn owl?", Choices())
    lines = answer(growth.rest(3)).split("\n")
    head = text.split("\n")[0]
    assert lines == [head, "| --- | --- |", text.split("\n")[-1], "", "[1]"]
    assert growth.rest(3) == [], "a table is told once"


def test_a_row_whose_head_is_lost_is_a_table_all_the_same() -> None:
    text = answer([read(HEADLESS)])
    assert text.split("\n")[:4] == ["|  |  |", "| --- | --- |", "| eagle owl | 1.8 |", "| barn owl | 0.9 |"]


def test_a_head_and_what_points_to_it_open_the_table() -> None:
    candidates = read(f"The following table lists owls.\n\n{RULED}\n\nOwls fly.")
    assert [one.kind for one in candidates] == [Kind.TEXT, Kind.ROW, Kind.ROW, Kind.ROW, Kind.TEXT]
    assert list(opened(candidates, 0)) == [1, 2, 3]
    assert list(opened(read(f"The table compares owls.\n\n{RULED}\n\nOwls fly."), 0)) == [1, 2, 3]
    assert list(opened(candidates, 1)) == [2, 3]
    assert list(opened(candidates, 2)) == []
    assert needed(candidates, 3) == [1]
    other = read("The following table is lost. It was long.")
    assert list(opened(other, 0)) == []


def test_what_stands_behind_a_table_is_no_row() -> None:
    candidates = read(f"{RULED}\n\nOwls fly at night.")
    text = answer([candidates[:3], candidates[3:]])
    assert text.endswith("| barn owl | 0.9 |\n\n[1]\n\nOwls fly at night. [1]")


@pytest.mark.parametrize("lead", ["The code below counts owls.", "This short program counts owls.", "We count so:"])
def test_code_is_opened_by_what_points_to_it(lead: str) -> None:
    candidates = read(f"{lead}\n\n```python\nprint(3)\n```\n\nIt prints 3.")
    assert list(opened(candidates, 0)) == [1]


@pytest.mark.parametrize("lead", ["The program above counts owls.", "Owls are counted by a program."])
def test_code_is_not_opened_by_what_points_elsewhere(lead: str) -> None:
    candidates = read(f"{lead}\n\n```python\nprint(3)\n```\n\nIt prints 3.")
    assert list(opened(candidates, 0)) == []


@pytest.mark.parametrize(
    ("lead", "count"),
    [
        ("Owls have two advantages.", 2),
        ("Three kinds of owls are known.", 3),
        ("The owl and the bat differ in four points.", 4),
        ("Two owls are known.", 0),
        ("In this wood, as has been said before, owls have two quite well-known advantages over all others.", 0),
    ],
)
def test_what_announces_a_number_of_things_opens_them(lead: str, count: int) -> None:
    said = " ".join(f"Sentence {name} says more." for name in ("one", "of", "all", "owls", "here"))
    candidates = read(f"{lead} {said}")
    assert list(opened(candidates, 0)) == list(range(1, count + 1))


@pytest.mark.parametrize("end", [":", "."])
def test_what_announces_a_list_opens_the_list(end: str) -> None:
    candidates = read(f"Owls have two advantages{end}\n\n- They fly.\n- They see.\n- They hear.\n\nOwls are birds.")
    assert list(opened(candidates, 0)) == [1, 2, 3]


def test_an_announcement_ends_with_its_passage() -> None:
    (lead,) = read("Owls have two advantages.")
    other = Candidate(passage=1, start=0, end=10, text="They fly.", score=0.1)
    assert list(opened([lead, other], 0)) == []


def test_the_rule_has_as_many_cells() -> None:
    assert columns(rule("a | b | c")) == 3


def test_cells_between_tabs_are_a_table_between_bars() -> None:
    candidates = read(TABBED, likely="forget")
    assert [one.heads for one in candidates] == [True, False, False]
    unit = Growth(candidates, "What erases?", Choices()).take(candidates[-1])
    assert answer([unit]).split("\n")[:3] == [
        "| gate | role | cell |",
        "| --- | --- | --- |",
        "| forget | erases | LSTM |",
    ]
    assert in_bars("update\t\tGRU") == "| update |  | GRU |"


def test_a_cell_of_the_answer_rests_on_its_place_in_the_row() -> None:
    draft, row = Draft(), read(TABBED)[1]
    draft.quote([row])
    raw = draft.moved[1]
    assert draft.text[raw[2] : raw[2] + raw[1] - raw[0]] == "keeps the past"
    assert draft.used == {0: [(row.start, row.end)]}
    assert [draft.text[start:end] for start, end in draft.answer_spans[0]] == ["update", "keeps the past", "GRU"]
