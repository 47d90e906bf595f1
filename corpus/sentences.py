"""Cuts text into sentences and the other things a reader takes in at once: a line of a slide, a list item, a table
row, a display equation with the words that announce it, a block of code.

The cuts are conservative: an equation, an inline formula and a code block are never divided.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from corpus.abbreviations import ends_sentence
from corpus.tables import columns, same_table
from corpus.transcript import pieces
from corpus.whole import whole_spans

Span = tuple[int, int]

_INLINE = re.compile(r"\$[^$\n]{1,300}\$|`[^`\n]+`|\\\(.{1,300}?\\\)")
NUMBERED = r"(?:Step|Stage|Phase|Rule|Case)[ \t]+\d{1,2}[ \t]*[.:)]"
"""What opens an item that is numbered in words."""

_ITEM = re.compile(rf"[ \t]*(?:[-*+•▶►■◦–]|\(?\d{{1,3}}[.)]|\(?[a-z][.)]|{NUMBERED}|#{{1,6}}|\||>|\\item\b)(?=\s|\|)")
_END = re.compile(r"""[.!?]["'”’)\]*_]*(?=\s)""")
_OPENER = re.compile(r"""\s+["'“‘(\[*_]*(?:[A-Z0-9$`\\]|[^\x00-\x7f])""")
_ENVIRONMENT = re.compile(r"[ \t]*\\(?:begin|end)\{")
_LABEL = re.compile(r"\*\*[^*\n]{2,80}\.\*\*")
"""What names a statement before it is made: "**Theorem (Coase).** If ..."."""
_QUESTION = re.compile(r"\*\*[^*\n]{2,200}\?\*\*")
"""A question that is answered after it: "**It does not learn. What is wrong?** Mostly ..."."""
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
    for start, end, code in whole_spans(text):
        spans.extend(_prose(text, position, start))
        announced = not code and spans and _announces(text, spans[-1], start)
        spans.append(_strip(text, spans.pop()[0] if announced else start, end))
        position = end
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
    if _ENVIRONMENT.match(line) or _ENVIRONMENT.match(following):
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
    asked = _QUESTION.match(text, start, end)
    item = _ITEM.match(text, start, end)
    begin, position = start, item.end() if item else start
    while match := _END.search(text, position, end):
        position = match.end()
        inside = any(a < match.start() + 1 < b for a, b in inline) or (asked and position < asked.end())
        if inside or not _OPENER.match(text, position, end) or _LABEL.fullmatch(text[begin:position].strip()):
            continue
        if match[0][0] != "." or ends_sentence(text, begin, match.start() + 1):
            yield from _kept(text, begin, position, inline)
            begin = position
    yield from _kept(text, begin, end, inline)


def _strip(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _kept(text: str, start: int, end: int, inline: Sequence[Span]) -> Iterator[Span]:
    """The sentence without white space around it; in pieces where it is speech without marks."""
    start, end = _strip(text, start, end)
    if start >= end:
        return
    if _ITEM.match(text, start, end) or any(columns(line) for line in text[start:end].splitlines()):
        yield start, end
    else:
        yield from pieces(text, start, end, inline)
