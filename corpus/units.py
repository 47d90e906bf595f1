"""Takes a document apart into the smallest pieces that may stand at the edge of a passage.

A unit is a heading, a sentence, a list item, a table row, a whole equation or a whole code block. Units cover the
document. What may not be cut (equations, code, table rows) is a single unit unless it alone is above the limit.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from corpus.document import Block, Document
from corpus.readers.builder import fill_gaps, plain_heading
from corpus.sentences import Span, sentence_spans
from corpus.whole import WHOLE_ENVIRONMENT

CHARACTERS_PER_PIECE = 16
"""An overlong word is one unknown piece to an embedder however long it is; it is taken to cost this much instead."""
MOST_UNITS = 100_000
MOST_SECONDS = 8.0
"""Most sentences and lines of a document, and most seconds of processor time for splitting it: a book of two thousand
pages has half as many and takes about as long, hostile text would take hours."""
_SLACK = 1.15
"""How much longer than an equal share a piece of something cut may be, to reach a line end."""
_CHUNK, _SLAB = 3000, 20_000
"""Characters of a paragraph that are looked at in one go, so that cutting stays linear in hostile text, and of
anything that are counted in one go, so that there is time to stop."""
_WHOLE = re.compile(
    rf"\$\$.{{1,1500}}?\$\$|\\\[.{{1,1500}}?\\\]|\\begin\{{({WHOLE_ENVIRONMENT})\}}.{{1,1500}}?\\end\{{\1\}}", re.DOTALL
)
_INLINE = re.compile(r"\$[^$\n]{1,300}\$|\\\(.{1,300}?\\\)")
_LINE = re.compile(r"[^\n\r\v\f\u2028\u2029]+")
_ROW_END = re.compile(r"\\\\")


class SplitError(Exception):
    """Splitting a document costs too much; the message is one line that says so and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """`document.text[start:end]` with its size in word pieces (special tokens not counted).

    `seam` says what stands before it: "block" for the start of a block, "item" for a list item, row or line of one,
    "sentence", or "cut" where something whole had to be divided. `headings` is the path above it, itself included
    where it is a heading.
    """

    start: int
    end: int
    size: int
    seam: str
    block: Block
    headings: tuple[str, ...] = ()


class UnitCutter:
    """Cuts blocks into units that hold at most `room` word pieces each; counts every cut through something whole.

    Its methods raise SplitError once it has taken `seconds` of processor time.
    """

    def __init__(
        self, text: str, count_tokens: Callable[[str], int], limit: int, seconds: float = MOST_SECONDS
    ) -> None:
        self.text = text
        self._count = count_tokens
        self._seconds, self._began = seconds, time.thread_time()
        self.special = count_tokens("")
        self.room = limit - self.special
        self.cuts: list[tuple[Block, int]] = []
        if self.room < 1:
            raise ValueError(f"limit is {limit}; it must be above {self.special}, the special tokens alone")

    def check_time(self) -> None:
        """Raises SplitError where the splitting has taken too long."""
        if time.thread_time() - self._began > self._seconds:
            raise SplitError(f"takes more than {self._seconds:g} s to cut into passages; split it into parts")

    def size(self, start: int, end: int) -> int:
        """Word pieces of a stretch of text, special tokens not counted."""
        self.check_time()
        if end - start > _SLAB:
            return sum(self.size(at, min(at + _SLAB, end)) for at in range(start, end, _SLAB))
        pieces = self._count(self.text[start:end]) - self.special
        return max(pieces, -(-(end - start) // CHARACTERS_PER_PIECE))

    def units(self, document: Document) -> list[Unit]:
        """All units of the document in order, with their heading paths. Raises SplitError for more than MOST_UNITS."""
        result: list[Unit] = []
        path: list[tuple[int, str]] = []
        for block in fill_gaps(self.text, document.blocks):
            if block.kind == "heading":
                while path and path[-1][0] >= block.level:
                    path.pop()
                title = plain_heading(self.text[block.start : block.end])
                path.append((block.level, title))
            headings = tuple(title for _, title in path if title)
            for start, end, seam in self._cut_block(block):
                size = self.size(start, end)
                result.append(Unit(start=start, end=end, size=size, seam=seam, block=block, headings=headings))
                if len(result) > MOST_UNITS:
                    raise SplitError(f"breaks into more than {MOST_UNITS:,} sentences and lines; split it into parts")
        return result

    def _cut_block(self, block: Block) -> Iterator[tuple[int, int, str]]:
        """Spans of a block with the seam before each; every span fits."""
        for number, (start, end, seam) in enumerate(self._natural(block)):
            first = "block" if number == 0 else seam
            if self.size(start, end) <= self.room:
                yield start, end, first
                continue
            pieces = list(self._force(start, end, block))
            self.cuts.append((block, len(pieces)))
            yield (*pieces[0], first)
            for piece in pieces[1:]:
                yield (*piece, "cut")

    def _natural(self, block: Block) -> Iterator[tuple[int, int, str]]:
        """The pieces of a block that should stay whole, with the seam before each."""
        if block.kind in ("heading", "equation", "code"):
            length = len(self.text[block.start : block.end].rstrip())
            if length:
                yield block.start, block.start + length, "block"
        elif block.kind == "table":
            yield from self._rows(block)
        else:
            yield from self._sentences(block)

    def _sentences(self, block: Block) -> Iterator[tuple[int, int, str]]:
        """Sentences and list items of a block of prose; a long block is looked at in chunks."""
        before = -1
        for chunk_start, chunk_end in self._chunks(block.start, block.end):
            self.check_time()
            for start, end in sentence_spans(self.text[chunk_start:chunk_end]):
                start, end = start + chunk_start, end + chunk_start
                new_line = block.kind == "list" and before >= 0 and "\n" in self.text[before:start]
                yield start, end, "item" if new_line else "sentence"
                before = end

    def _chunks(self, start: int, end: int) -> Iterator[Span]:
        while end - start > _CHUNK:
            edge = max(self.text.rfind("\n", start + _CHUNK // 2, start + _CHUNK), start)
            if edge == start:
                edge = max(self.text.rfind(" ", start + _CHUNK // 2, start + _CHUNK), start)
            if edge == start:
                edge = start + _CHUNK
            edge = self._outside_equation(start, edge, end)
            yield start, edge
            start = edge
        yield start, end

    def _outside_equation(self, start: int, edge: int, end: int) -> int:
        """`edge`, moved to the end of the display equation that it falls into."""
        for match in _WHOLE.finditer(self.text, start, min(end, edge + _CHUNK)):
            if match.start() < edge < match.end():
                return match.end()
        return edge

    def _rows(self, block: Block) -> Iterator[tuple[int, int, str]]:
        for line in _LINE.finditer(self.text, block.start, block.end):
            if line[0].strip():
                yield line.start(), line.start() + len(line[0].rstrip()), "item"

    def _force(self, start: int, end: int, block: Block) -> Iterator[Span]:
        """Spans that fit, of one that does not: cut at line ends, else rows of an equation, white space, anywhere.

        The pieces come out about equally long, so that no line is left over at the end.
        """
        size = self.size(start, end)
        room = min(self.room, int(size / -(-size // self.room) * _SLACK) + 1)
        while start < end:
            stop = self._fitting(start, end, room)
            if stop < end:
                stop = self._edge(start, stop, block)
            kept = len(self.text[start:stop].rstrip())
            if kept:
                yield start, start + kept
            start = stop
            while start < end and self.text[start].isspace() and (block.kind != "code" or self.text[start] == "\n"):
                start += 1

    def _fitting(self, start: int, end: int, room: int) -> int:
        """The largest `stop` found for which text[start:stop] holds at most `room` pieces; at least one character."""
        low, high = start + 1, min(end, start + 64)
        while high < end and self.size(start, high) <= room:
            low, high = high, min(end, start + 2 * (high - start))
        if self.size(start, high) <= room:
            return high
        while low + 1 < high:
            middle = (low + high) // 2
            if self.size(start, middle) <= room:
                low = middle
            else:
                high = middle
        return low

    def _edge(self, start: int, stop: int, block: Block) -> int:
        """The best place to cut text[start:], at `stop` or a little before; after it where an equation ends there."""
        least = start if block.kind == "code" else start + (stop - start) // 3
        ahead = min(len(self.text), stop + _CHUNK)
        equations = [match.span() for match in _WHOLE.finditer(self.text, start, ahead)]
        whole = [(a, b) for a, b in equations if a < stop and self.size(a, b) <= self.room]
        if whole and whole[-1][1] > stop:
            return whole[-1][0] if whole[-1][0] > start else whole[-1][1]
        whole += [match.span() for match in _INLINE.finditer(self.text, start, min(ahead, stop + 300))]
        line = self.text.rfind("\n", least, stop) + 1
        rows = [match.end() for match in _ROW_END.finditer(self.text, least, stop)]
        blanks = [least + match.end() for match in re.finditer(r"\s+", self.text[least:stop])]
        for edge in (line, *reversed(rows), *reversed(blanks)):
            if edge > start and not any(a < edge < b for a, b in whole):
                return edge
        return stop
