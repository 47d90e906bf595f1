"""The page of promises says what the battery tries: each row with its promise and its counts, and tests that exist."""

import re
from pathlib import Path

import pytest

from tests.battery.rows import ROWS

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "tests" / "battery" / "README.md"
TEXT = PAGE.read_text(encoding="utf-8")


def rows_of(heading: str) -> dict[str, list[str]]:
    """The cells after the first of the table whose second column has that heading, by row of the battery."""
    table = re.search(rf"(?m)^\| row \| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", TEXT)
    assert table, f"there is a table of rows with the column {heading!r}"
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()]
    return {first.strip("`"): rest for first, *rest in cells}


@pytest.mark.parametrize("row", ROWS)
def test_each_row_stands_on_the_page(row: str) -> None:
    promise, tests = rows_of("promise")[row]
    assert promise == ROWS[row].promise
    assert tests
    fast, full, _ = rows_of("fast")[row]
    assert (fast, full) == (f"{ROWS[row].fast:,}", f"{ROWS[row].full:,}")
    assert row in rows_of("tried")


def test_the_page_names_no_other_rows() -> None:
    assert list(rows_of("promise")) == list(rows_of("fast")) == list(rows_of("tried")) == list(ROWS)


def test_every_file_that_it_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/.-]+)`", TEXT))
    named |= {str((PAGE.parent / link).resolve().relative_to(ROOT)) for link in re.findall(r"\]\(([^):]+)\)", TEXT)}
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_its_commands_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?m)(?:^|`)make (\w+)", TEXT):
        assert re.search(rf"(?m)^{target}:", makefile), f"make {target}"
    (rows,) = re.findall(r"(?m)^python -m tests\.battery ([\w ]+?) +#", TEXT)
    assert set(rows.split()) <= set(ROWS)


@pytest.mark.parametrize("page", ["README.md", "tutor/ui/README.md"])
def test_other_pages_lead_to_it(page: str) -> None:
    links = re.findall(r"\]\(([^):]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert PAGE in [(ROOT / page).parent.joinpath(link).resolve() for link in links]
