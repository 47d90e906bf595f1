"""Plain text, and the block structure of text that looks like Markdown without promising to be.

Lecture transcripts often are slides turned into Markdown-like text: `#` headings, fences, `$$` equations, bullets of
many shapes, tables with tabs. The scanner here is line-based, never loses a character and never fails.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest

from corpus.document import Block, BlockKind, Document
from corpus.readers.builder import title_of
from corpus.readers.content import decode_text
from corpus.whole import WHOLE_ENVIRONMENT

_LINE = re.compile(r"[^\n\f]*[\n\f]|[^\n\f]+")
_FENCE = re.compile(r"[ \t]*(```+(?=[^`]*$)|~~~+)")
_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]+\S)")
_ITEM = re.compile(
    r"[ \t]*(?:[-*+•▶►‣▪◦●○■–∙·]|\$\\(?:black)?triangleright\$|\$\\bullet\$|\(?\d{1,2}[.)]|\(?[a-z][.)])[ \t]"
)
_UNDERLINE = re.compile(r" {0,3}(?:={3,}|-{3,})[ \t]*\n?$")
_BEGIN = re.compile(rf"[ \t]*\\begin\{{({WHOLE_ENVIRONMENT})\}}")
_LONGEST_EQUATION = 80
"""Lines that a display equation may run over; an opening mark without its end is ordinary text."""
_LONGEST_TITLE = 70


def read(data: bytes, *, source: str) -> Document:
    """Reads plain text verbatim; form feeds start pages."""
    text, warnings = decode_text(data)
    blocks = scan_blocks(text)
    if not any(block.kind == "heading" for block in blocks):
        blocks = promote_titles(text, blocks)
    title = title_of(text, blocks, source)
    return Document(source=source, title=title, text=text, blocks=tuple(blocks), warnings=warnings)


def scan_blocks(text: str) -> list[Block]:
    """The blocks of `text`; pages are numbered where it has form feeds."""
    return list(_Scanner(text).run())


class _Scanner:
    """Walks over the lines once; every `_take` method returns the line after the block that it found, or None."""

    def __init__(self, text: str) -> None:
        self.lines = _LINE.findall(text)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        self.paged = "\f" in text

    def run(self) -> Iterator[Block]:
        page, number = 1, 0
        while number < len(self.lines):
            kind, after, level = self._next(number)
            block = self._block(kind, number, after, level, page) if kind else None
            if block:
                yield block
            page += sum(line.endswith("\f") for line in self.lines[number:after])
            number = after

    def _next(self, number: int) -> tuple[BlockKind | None, int, int]:
        line = self.lines[number]
        if not line.strip():
            return None, number + 1, 0
        if heading := _HEADING.match(line):
            return "heading", number + 1, len(heading[1])
        if after := self._fence(number):
            return "code", after, 0
        if after := self._equation(number):
            return "equation", after, 0
        if after := self._table(number):
            return "table", after, 0
        return self._prose(number)

    def _block(self, kind: BlockKind, first: int, after: int, level: int, page: int) -> Block | None:
        start, end = self.starts[first], self.starts[after]
        body = "".join(self.lines[first:after])
        end -= len(body) - len(body.rstrip())
        if kind != "code":
            start += len(body) - len(body.lstrip())
        return Block(kind=kind, start=start, end=end, level=level, page=page if self.paged else None)

    def _fence(self, number: int) -> int | None:
        opening = _FENCE.match(self.lines[number])
        if not opening:
            return None
        mark = opening[1]
        for after in range(number + 1, len(self.lines)):
            body = self.lines[after].strip()
            if body.startswith(mark) and not body.strip(mark[0]):
                return after + 1
        return self._until_blank(number)

    def _until_blank(self, number: int) -> int:
        while number < len(self.lines) and self.lines[number].strip():
            number += 1
        return number

    def _equation(self, number: int) -> int | None:
        line = self.lines[number].strip()
        if line.startswith("$$"):
            closing, rest = "$$", line[2:]
        elif line.startswith("\\["):
            closing, rest = "\\]", line[2:]
        elif begin := _BEGIN.match(self.lines[number]):
            closing, rest = f"\\end{{{begin[1]}}}", line
        else:
            return None
        if closing in rest:
            return number + 1
        for after in range(number + 1, min(len(self.lines), number + _LONGEST_EQUATION)):
            if closing in self.lines[after]:
                return after + 1
        return None

    def _table(self, number: int) -> int | None:
        if self.lines[number].lstrip().startswith("|"):
            mark = "|"
        elif "\t" in self.lines[number].strip():
            mark = "\t"
        else:
            return None
        after = number
        while after < len(self.lines):
            line = self.lines[after].strip()
            if not (line.startswith("|") if mark == "|" else "\t" in line):
                break
            after += 1
        return after if mark == "|" or after - number > 1 else None

    def _prose(self, number: int) -> tuple[BlockKind, int, int]:
        """A paragraph or a list: up to a blank line or to whatever starts another block."""
        kind: BlockKind = "list" if _ITEM.match(self.lines[number]) else "paragraph"
        after = number + 1
        while after < len(self.lines) and self.lines[after].strip() and not self.lines[after - 1].endswith("\f"):
            line = self.lines[after]
            if after == number + 1 and kind == "paragraph" and self._underlined(number):
                return "heading", after + 1, 1 if "=" in line else 2
            if _HEADING.match(line) or _FENCE.match(line) or self._equation(after) or self._table(after):
                break
            if kind == "paragraph" and _ITEM.match(line):
                break
            after += 1
        return kind, after, 0

    def _underlined(self, number: int) -> bool:
        title, line = self.lines[number].strip(), self.lines[number + 1]
        return bool(_UNDERLINE.match(line)) and len(title) <= _LONGEST_TITLE


def promote_titles(text: str, blocks: list[Block]) -> list[Block]:
    """Makes headings of the lines that look like slide titles, for text that marks none.

    A title is a short line that stands alone, opens with a capital or a digit, does not end like a sentence and has
    something under it that is not an equation (a lone line above an equation is its label). One of a single word opens
    the text or stands in it more than once.
    """
    alone = Counter(text[block.start : block.end] for block in blocks if block.kind == "paragraph")
    result: list[Block] = []
    for block, following in zip_longest(blocks, blocks[1:]):
        line = text[block.start : block.end]
        worded = " " in line or alone[line] > 1 or block is blocks[0]
        looks_so = block.kind == "paragraph" and _looks_like_title(line) and worded
        if looks_so and following is not None and following.kind != "equation":
            block = replace(block, kind="heading", level=2)
        result.append(block)
    return result


def _looks_like_title(line: str) -> bool:
    if "\n" in line or not 3 <= len(line) <= _LONGEST_TITLE or line.endswith((".", ",", ";", ":")):
        return False
    letters = sum(character.isalpha() or character.isspace() for character in line)
    return (line[0].isupper() or line[0].isdigit()) and letters >= 0.7 * len(line) and "$" not in line
