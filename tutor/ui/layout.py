"""What a passage in Markdown looks like: which of its characters are Markdown's own signs, and what they make.

The text is cut, never changed: the pieces of `parts` and what lies between them are the text from end to end, so that
offsets into the passage hold for what is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import pairwise

from corpus.sentences import Span
from corpus.tables import columns, is_rule, tabbed
from corpus.whole import whole_spans
from tutor.ui.markdown import pieces

Part = tuple[int, int, str]
"""Characters [start, end) and what they are:

- "formula" with its delimiters, "code" in a line, "strong", "headline": what they say;
- "sign": not drawn; so are the following, which may be empty:
- "fence": a listing begins; "row" and "cell": a row of a table begins, the next cell of it; "rule": what came of the
  table so far is its head; "end": the listing or the table is over.
"""

DRAWN = frozenset({"", "formula", "code", "strong", "headline"})
"""Kinds of what is drawn; "" is plain text."""

_HEADING = re.compile(r"^(#{1,6} +)(.+?)[ #]*$", re.MULTILINE)
_STRONG = re.compile(r"(?<![\w*\\])\*\*(?=[^\s*])((?:(?!\n\n|\*\*).)+?)(?<=[^\s*])\*\*(?![\w*])", re.DOTALL)
_FENCE = re.compile(r"[ \t]*(`+|~+)")
_ESCAPED = re.compile(r"\\(?=\|)")
_BAR = re.compile(r"(?<!\\)\|")


def parts(text: str, headings: Collection[str] = ()) -> list[Part]:
    """All parts of a text, ascending, none over another. A line that is one of the `headings` is a headline, with `#`
    or without; another one that begins with a single `#` is a remark in code that is not fenced."""
    found: list[Part] = []
    at = 0
    for start, end, code in [*whole_spans(text), (len(text), len(text), True)]:
        if code:
            found += _prose(text, at, start, headings)
            found += _listing(text, start, end)
            at = min(end + 1, len(text))
    return found


def _listing(text: str, start: int, end: int) -> Iterator[Part]:
    """A block of code between fences, whose last line need not be one."""
    fence = _FENCE.match(text, start, end)
    if fence is None:
        return
    body = text.find("\n", start, end) + 1 or end
    last = text.rfind("\n", start, end) + 1
    close = _FENCE.fullmatch(text[last:end].rstrip()) if last >= body else None
    stop = last if close and close[1].startswith(fence[1]) else end
    yield start, body, "fence"
    yield max(body, stop - 1) if stop < end else end, min(end + 1, len(text)), "end"


def _prose(text: str, start: int, end: int, headings: Collection[str]) -> list[Part]:
    """The parts of a stretch without listings."""
    atoms = [(start + a, start + b, kind) for a, b, kind in pieces(text[start:end])]
    atoms = [atom for atom in atoms if atom[2] == "formula" or _in_ticks(text, atom)]
    found = [*_ticked(text, atoms), *_tables(text, start, end, atoms)]
    for match in _STRONG.finditer(text, start, end):
        found += _framed(match.span(), match.span(1), "strong", found)
    for match in _HEADING.finditer(text, start, end):
        if match[2] in headings or match[1].startswith("##"):
            found += _framed(match.span(), match.span(2), "headline", found)
    for first, last in _lines(text, start, end):
        if text[first:last] in headings:
            found += _framed((first, last), (first, last), "headline", found)
    return sorted(found)


def _in_ticks(text: str, atom: Part) -> bool:
    """Whether a piece of code stands in a line, between ticks."""
    return text[atom[0]] == "`" and "\n" not in text[atom[0] : atom[1]]


def _ticked(text: str, atoms: list[Part]) -> Iterator[Part]:
    for start, end, kind in atoms:
        if kind == "formula":
            yield start, end, kind
            continue
        width = len(text[start:end]) - len(text[start:end].lstrip("`"))
        yield start, start + width, "sign"
        yield start + width, end - width, kind
        yield end - width, end, "sign"


def _tables(text: str, start: int, end: int, atoms: list[Part]) -> Iterator[Part]:
    """Rows of tables, lines one below the other of the same number of cells."""
    rows: list[tuple[list[Span], bool]] = []
    for first, last in _lines(text, start, end):
        line = text[first:last]
        if rows and is_rule(line) and "-" in line and set("|+") & set(line):
            rows.append(([(first, last)], True))
            continue
        cells = _cells(text, first, last, [atom for atom in atoms if atom[0] < last and first < atom[1]])
        if rows and len(cells) != len(rows[0][0]):
            yield from _table(text, rows, end, atoms)
            rows = []
        if cells:
            rows.append((cells, False))
    yield from _table(text, rows, end, atoms)


def _table(text: str, rows: list[tuple[list[Span], bool]], end: int, atoms: list[Part]) -> Iterator[Part]:
    """The parts of a table; none where a single line without marks at its ends was taken for one."""
    if not rows:
        return
    at = text.rfind("\n", 0, rows[0][0][0][0]) + 1
    line = text[at:end].split("\n", 1)[0].strip()
    if len(rows) == 1 and not (line.startswith("|") and line.endswith("|")):
        return
    for cells, rule in rows:
        for number, (first, last) in enumerate(cells):
            yield at, last if rule else first, "rule" if rule else "cell" if number else "row"
            for escape in () if rule else _ESCAPED.finditer(text, first, last):
                if not any(a <= escape.start() < b for a, b, _ in atoms):
                    yield *escape.span(), "sign"
            at = last
    yield at, min((text.find("\n", at, end) + 1) or end, end), "end"


def _lines(text: str, start: int, end: int) -> Iterator[Span]:
    at = start
    for line in text[start:end].split("\n"):
        yield at, at + len(line)
        at += len(line) + 1


def _cells(text: str, start: int, end: int, atoms: list[Part]) -> list[Span]:
    """The cells of a row without the space around them; none for a line that is no row of two cells or more, or that a
    formula or code begins or ends in."""
    line = text[start:end]
    width = columns(line)
    if width < 2 or any(a < start or end < b for a, b, _ in atoms):
        return []
    if apart := tabbed(line):
        return [(start + first, start + last) for first, last in apart]
    bars = [start + one.start() for one in _BAR.finditer(line)]
    bars = [bar for bar in bars if not any(a <= bar < b for a, b, _ in atoms)]
    marked = bars and line.lstrip().startswith("|") and line[bars[-1] - start :].rstrip() == "|"
    if not marked:
        bars = [bar for bar in bars if text[bar - 1 : bar].isspace() and text[bar + 1 : bar + 2].isspace()]
        bars = [start - 1, *bars, end]
    cells = [_stripped(text, left + 1, right) for left, right in pairwise(bars)]
    return cells if len(cells) == width else []


def _stripped(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _framed(whole: Span, inner: Span, kind: str, taken: list[Part]) -> list[Part]:
    """Signs around characters of a kind, which other parts may stand between; none where one stands in the way."""
    (start, end), (first, last) = whole, inner
    meeting = [one for one in taken if start <= one[0] < end or one[0] < start < one[1]]
    if any(one[0] < first or one[1] > last for one in meeting):
        return []
    signs = [(a, b, "sign") for a, b in ((start, first), (last, end)) if a < b]
    found, at = [], first
    for a, b, _ in [*sorted(meeting), (last, last, "")]:
        found += [(at, a, kind)] if at < a else []
        at = b
    return found + signs
