"""Cuts text into sentences and the other things a reader takes in at once: a line of a slide, a list item, a table
row, a display equation with the words that announce it, a block of code.

The cuts are conservative: an equation, an inline formula and a code block are never divided.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpus.tables import same_table

Span = tuple[int, int]

_PROSE = r"(?:itemize|enumerate|description|document|frame|center|figure|quote|quotation|abstract|block|columns?)\*?\}"
"""TeX environments whose inside is read sentence by sentence."""

_WHOLE = re.compile(
    r"""(?P<code>^[ \t]*(?P<fence>```+|~~~+)[^\n]*\n.*?(?:^[ \t]*(?P=fence)[ \t]*$|\Z))
      | (?P<math>\$\$.+?\$\$|\\\[.+?\\\]|\\begin\{(?!LISTS)(?P<env>[A-Za-z]+\*?)\}.+?\\end\{(?P=env)\})""".replace(
        "LISTS", _PROSE
    ),
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_INLINE = re.compile(r"\$[^$\n]{1,300}\$|`[^`\n]+`|\\\(.{1,300}?\\\)")
NUMBERED = r"(?:Step|Stage|Phase|Rule|Case)[ \t]+\d{1,2}[ \t]*[.:)]"
"""What opens an item that is numbered in words."""

_ITEM = re.compile(rf"[ \t]*(?:[-*+•▶►■◦–]|\(?\d{{1,3}}[.)]|\(?[a-z][.)]|{NUMBERED}|#{{1,6}}|\||>|\\item\b)(?=\s|\|)")
_END = re.compile(r"""[.!?]["'”’)\]*_]*(?=\s)""")
_OPENER = re.compile(r"""\s+["'“‘(\[*_]*(?:[A-Z0-9$`\\]|[^\x00-\x7f])""")
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Z]|e\.g|i\.e|cf|vs|etc|al|approx|resp|Dr|Mr|Mrs|Ms|Prof|St|No|Fig|Figs|Eq|Eqs|Sec|Ch|Vol|Jr|Sr|Inc)"
    r"|[A-Z]\.[A-Z])\.$"
)
_FULL_LINE = 60
"""A line at least this long that ends in mid-sentence is taken to run on into the next (hard-wrapped prose)."""
_LONGEST_ANNOUNCEMENT = 200
_LONGEST_ROW = 400
"""Characters of a line whose cells are parted by tabs, up to which it is a table row."""


def sentence_spans(text: str) -> list[Span]:
    """Character spans of the sentences of `text`, ascending, without surrounding white space.

    Together they cover every character that is not white space.

    >>> [text[a:b] for text in ["One, e.g. this. Two:\\n\\n$$x = 1.\\n y$$\\n- item"] for a, b in sentence_spans(text)]
    ['One, e.g. this.', 'Two:\\n\\n$$x = 1.\\n y$$', '- item']
    """
    spans: list[Span] = []
    position = 0
    for whole in _WHOLE.finditer(text):
        spans.extend(_prose(text, position, whole.start()))
        announced = whole["math"] is not None and spans and _announces(text, spans[-1], whole.start())
        start = spans.pop()[0] if announced else whole.start()
        spans.append(_strip(text, start, whole.end()))
        position = whole.end()
    spans.extend(_prose(text, position, len(text)))
    return spans


def _announces(text: str, span: Span, equation: int) -> bool:
    """Whether the unfinished sentence `span` leads up to the display equation that starts at `equation`."""
    said = text[span[0] : span[1]]
    unfinished = not said.endswith((".", "!", "?", "```", "$$", "|")) and not said.lstrip().startswith("#")
    return unfinished and len(said) <= _LONGEST_ANNOUNCEMENT and text[span[1] : equation].count("\n") <= 2


def _prose(text: str, start: int, end: int) -> Iterator[Span]:
    for line_start, line_end in _logical_lines(text, start, end):
        yield from _sentences(text, line_start, line_end)


def _logical_lines(text: str, start: int, end: int) -> Iterator[Span]:
    """Lines, with hard-wrapped prose joined: a line runs on where the next is plainly its continuation."""
    begin = position = start
    while position < end:
        newline = text.find("\n", position, end)
        if newline == -1:
            break
        following = text.find("\n", newline + 1, end)
        next_line = text[newline + 1 : following if following != -1 else end]
        if not _runs_on(text[position:newline], next_line):
            yield begin, newline
            begin = newline + 1
        position = newline + 1
    yield begin, end


def _runs_on(line: str, following: str) -> bool:
    line, stripped = line.rstrip(), following.strip()
    if not line.strip() or not stripped or _ITEM.match(following) or line.lstrip().startswith(("#", "|")):
        return False
    if _is_row(line) or _is_row(following) or same_table(line, following):
        return False
    if line.endswith((".", "!", "?", ":", ";")):
        return len(line) >= _FULL_LINE and not line.endswith((":", ";"))
    return stripped[0].islower() or len(line) >= _FULL_LINE


def _is_row(line: str) -> bool:
    return "\t" in line.strip() and len(line) <= _LONGEST_ROW


def _sentences(text: str, start: int, end: int) -> Iterator[Span]:
    if _is_row(text[start:end]):
        yield _strip(text, start, end)
        return
    inline = [match.span() for match in _INLINE.finditer(text, start, end)]
    item = _ITEM.match(text, start, end)
    begin, position = start, item.end() if item else start
    while match := _END.search(text, position, end):
        position = match.end()
        inside = any(a < match.start() + 1 < b for a, b in inline)
        short = _ABBREVIATION.search(text, max(begin, match.start() - 12), match.start() + 1)
        if not inside and not (short and match[0][0] == ".") and _OPENER.match(text, position, end):
            yield from _kept(_strip(text, begin, position))
            begin = position
    yield from _kept(_strip(text, begin, end))


def _strip(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _kept(span: Span) -> Iterator[Span]:
    if span[0] < span[1]:
        yield span
