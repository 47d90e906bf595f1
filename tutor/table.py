"""Where the table of a row begins in a passage, and what makes it a table in Markdown."""

from __future__ import annotations

from corpus.tables import columns, is_rule, tabbed


def table_of(text: str, start: int) -> tuple[int, bool] | None:
    """Where the table begins in `text` that has a row at `start`, and whether its first row is a head: ruled off, or of
    lines without a mark at their ends. None where no table of two rows or more stands there."""
    lines = _lines(text)
    here = max(number for number, (first, _) in enumerate(lines) if first <= start)
    width = columns(lines[here][1])
    if width < 2:
        return None
    first = last = here
    while first > 0 and _continues(lines[first - 1][1], width):
        first -= 1
    while last + 1 < len(lines) and _continues(lines[last + 1][1], width):
        last += 1
    rows = [one for one in lines[first : last + 1] if not is_rule(one[1])]
    if len(rows) < 2:
        return None
    begin, row = rows[0]
    ruled = first < last and is_rule(lines[first + 1][1])
    return begin + len(row) - len(row.lstrip()), ruled or not row.lstrip().startswith("|")


def parts(row: str) -> list[tuple[int, int]]:
    """Where the stretches of a row stand that are told with bars between them: its cells where tabs part them, else
    all of it."""
    return tabbed(row) or [(0, len(row))]


def in_bars(row: str) -> str:
    """A row as Markdown has it.

    >>> in_bars("layers\\tunits\\trate"), in_bars("layers | units")
    ('| layers | units | rate |', 'layers | units')
    """
    cells = tabbed(row)
    return f"| {' | '.join(row[start:end] for start, end in cells)} |" if cells else row


def rule(row: str) -> str:
    """The line that makes `row` the head of a table.

    >>> rule("layers | units")
    '| --- | --- |'
    """
    return "|" + " --- |" * columns(row)


def empty_head(row: str) -> str:
    """The two lines that make `row` the first below an empty head."""
    return "|" + "  |" * columns(row) + f"\n{rule(row)}\n"


def _continues(line: str, width: int) -> bool:
    return columns(line) == width or is_rule(line)


def _lines(text: str) -> list[tuple[int, str]]:
    found, at = [], 0
    for line in text.split("\n"):
        found.append((at, line))
        at += len(line) + 1
    return found
