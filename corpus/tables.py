"""Rows of tables in text: lines whose cells are parted by `|`, with or without a mark at both ends, or by tabs."""

from __future__ import annotations

import re

_WITHIN = re.compile(r"\$[^$\n]*\$|`[^`\n]*`|\\\(.*?\\\)|\\.")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^][]*\]|\{[^{}]*\}")
_PARTED = re.compile(r"\s\|\s")
_RULE = re.compile(r"[-=:|+ \t]*-[-=:|+ \t]*")
_LONGEST = 600
"""Characters of a line up to which it is looked at as a row."""
_TABBED = 3
"""Fewest cells of a row that tabs part: two may be a mark and its item."""


def columns(line: str) -> int:
    """The number of cells of a row; 0 for a line that is none.

    >>> [columns(line) for line in ("| a | $|b|$ |", "a | b | c", "| a |", "p(a | b) is", "|a|", "one", "a\\tb\\tc")]
    [2, 3, 1, 0, 1, 0, 3]
    """
    if cells := tabbed(line):
        return len(cells)
    line = line.strip()
    if "|" not in line or "\n" in line or len(line) > _LONGEST:
        return 0
    bare = _WITHIN.sub(_blank, line)
    if bare.startswith("|") and bare.endswith("|") and len(bare) > 1:
        return bare.count("|") - 1
    bare = _BRACKETS.sub(_blank, bare)
    return len(_PARTED.split(bare)) if _PARTED.search(bare) else 0


def tabbed(line: str) -> list[tuple[int, int]]:
    """Where the cells of a row stand that tabs part, without the space around them; nothing for any other line.

    >>> tabbed("Update\\tkeep or\\tGRU"), tabbed("1.\\tfirst")
    ([(0, 6), (7, 14), (15, 18)], [])
    """
    said = line.strip()
    if said.count("\t") < _TABBED - 1 or "\n" in said or len(said) > _LONGEST or said.startswith("|"):
        return []
    cells = said.split("\t")
    if not any(map(str.isalnum, cells[0])):
        return []
    found, at = [], line.index(said)
    for cell in cells:
        first = at + len(cell) - len(cell.lstrip())
        found.append((first, first + len(cell.strip())))
        at += len(cell) + 1
    return found


def is_rule(line: str) -> bool:
    """Whether a line only rules off the head of a table."""
    return bool(_RULE.fullmatch(line.strip()))


def same_table(line: str, following: str) -> bool:
    """Whether two lines, one below the other, are rows of one table."""
    return 2 <= columns(line) == columns(following)


def _blank(inside: re.Match[str]) -> str:
    return "x" * len(inside[0])
