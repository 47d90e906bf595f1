"""Rows of tables in text: lines whose cells are parted by `|`, with or without a mark at both ends."""

from __future__ import annotations

import re

_WITHIN = re.compile(r"\$[^$\n]*\$|`[^`\n]*`|\\\(.*?\\\)|\\.")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^][]*\]|\{[^{}]*\}")
_PARTED = re.compile(r"\s\|\s")
_RULE = re.compile(r"[-=:|+ \t]*-[-=:|+ \t]*")
_LONGEST = 600
"""Characters of a line up to which it is looked at as a row."""


def columns(line: str) -> int:
    """The number of cells of a row; 0 for a line that is none.

    >>> [columns(line) for line in ("| a | $|b|$ |", "a | b | c", "| a |", "p(a | b) is", "|a|", "one")]
    [2, 3, 1, 0, 1, 0]
    """
    line = line.strip()
    if "|" not in line or "\n" in line or len(line) > _LONGEST:
        return 0
    bare = _WITHIN.sub(_blank, line)
    if bare.startswith("|") and bare.endswith("|") and len(bare) > 1:
        return bare.count("|") - 1
    bare = _BRACKETS.sub(_blank, bare)
    return len(_PARTED.split(bare)) if _PARTED.search(bare) else 0


def is_rule(line: str) -> bool:
    """Whether a line only rules off the head of a table."""
    return bool(_RULE.fullmatch(line.strip()))


def same_table(line: str, following: str) -> bool:
    """Whether two lines, one below the other, are rows of one table."""
    return 2 <= columns(line) == columns(following)


def _blank(inside: re.Match[str]) -> str:
    return "x" * len(inside[0])
