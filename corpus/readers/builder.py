"""Helps readers put a document together, by appending pieces or by marking blocks in a text that stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath

from corpus.document import Block, BlockKind, Document

_MARKUP = re.compile(r"<[^<>]{1,60}>|\*\*|__|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)|`")
_NO_TITLE = re.compile(
    r"\.(?:pptx?|docx?|tex|pdf|dvi|indd)$|^(?:microsoft|untitled|slide 1$|(?:powerpoint )?presentation|word document)",
    re.IGNORECASE,
)
"""What programs write into the title field of a file that nobody gave a title."""
LONGEST_TITLE = 200
"""Characters of a title or heading that are kept as such: each passage below carries them. The text has them all."""
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
"""What moves a terminal's cursor or turns the direction of writing round: of no use in a title."""


class Builder:
    """Collects pieces of text in reading order; two pieces stand a blank line apart."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self.blocks: list[Block] = []
        self.warnings: list[str] = []
        self.page_labels: dict[int, str] = {}

    @property
    def length(self) -> int:
        """Characters collected so far."""
        return self._length

    def add(
        self,
        kind: BlockKind,
        text: str,
        *,
        level: int = 0,
        page: int | None = None,
        slide: int | None = None,
        cell: int | None = None,
    ) -> None:
        """Appends one block; text of white space alone is left out."""
        text = text.strip("\n").rstrip()
        if not text.strip():
            return
        start = self._open(text)
        self.blocks.append(
            Block(kind=kind, start=start, end=self._length, level=level, page=page, slide=slide, cell=cell)
        )

    def add_marked(
        self, text: str, blocks: Iterable[Block], *, cell: int | None = None, slide: int | None = None
    ) -> None:
        """Appends a text whose blocks are already known, with offsets into `text`."""
        if not text.strip():
            return
        start = self._open(text)
        for block in blocks:
            self.blocks.append(
                Block(
                    kind=block.kind,
                    start=start + block.start,
                    end=start + block.end,
                    level=block.level,
                    page=block.page,
                    slide=block.slide if slide is None else slide,
                    cell=cell,
                )
            )

    def _open(self, text: str) -> int:
        if self._parts:
            self._parts.append("\n\n")
            self._length += 2
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        return start

    def document(self, *, source: str, title: str = "", course: str = "") -> Document:
        """The finished document; without a title that says something, the first heading or the file name is it."""
        text = "".join(self._parts)
        title = " ".join(title.split())
        if not title or _NO_TITLE.search(title):
            title = title_of(text, self.blocks, source)
        return Document(
            source=source,
            title=title,
            text=text,
            blocks=tuple(self.blocks),
            course=course,
            page_labels=self.page_labels,
            warnings=tuple(self.warnings),
        )


def plain_title(text: str) -> str:
    """`text` as a title or another name: one line of at most LONGEST_TITLE characters that shows what it holds."""
    return " ".join(_UNSEEN.sub(" ", text).split())[:LONGEST_TITLE].rstrip()


def plain_heading(text: str) -> str:
    """A heading as people say it: without `#`, emphasis marks and tags, at most LONGEST_TITLE characters.

    >>> plain_heading("## **Gates** ##")
    'Gates'
    """
    line = text.strip()
    if line.startswith("#"):
        line = re.sub(r"\s+#+$", "", line.lstrip("#"))
    else:
        line = re.sub(r"\n[ \t]*(?:=+|-+)[ \t]*$", "", line)
    return plain_title(_MARKUP.sub("", line))


def title_of(text: str, blocks: Sequence[Block], source: str) -> str:
    """The first heading of the highest level among the first three headings, else the file name in words."""
    headings = [block for block in blocks if block.kind == "heading"][:3]
    for block in sorted(headings, key=lambda block: block.level):
        title = plain_heading(text[block.start : block.end])
        if title:
            return title
    return title_from_name(source)


def title_from_name(source: str) -> str:
    """The file name in words: `slides/week_3-lstm.pdf` becomes `week 3 lstm`."""
    path = PurePath(source)
    return " ".join(re.sub(r"[_\-]+", " ", path.stem).split()) or path.name


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as a Markdown table; the first row is the head. Line breaks and bars in cells are made harmless."""
    cells = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows]
    cells = [row for row in cells if any(row)]
    if not cells:
        return ""
    width = max(len(row) for row in cells)
    lines = ["| " + " | ".join(row + [""] * (width - len(row))) + " |" for row in cells]
    lines.insert(1, "|" + " --- |" * width)
    return "\n".join(lines)


def fill_gaps(text: str, blocks: Iterable[Block]) -> list[Block]:
    """The blocks, with a paragraph for every stretch of `text` between them that is not white space.

    Where two blocks overlap the later one is shortened, so that the result always ascends.
    """
    filled: list[Block] = []
    position, page = 0, None
    for block in blocks:
        filled.extend(_gap(text, position, block.start, page))
        if block.end > max(position, block.start):
            filled.append(replace(block, start=max(position, block.start)))
        position, page = max(position, block.end), block.page
    return [*filled, *_gap(text, position, len(text), page)]


def _gap(text: str, start: int, end: int, page: int | None) -> Iterator[Block]:
    gap = text[start:end]
    if gap.strip():
        indent = len(gap) - len(gap.lstrip())
        yield Block(kind="paragraph", start=start + indent, end=start + len(gap.rstrip()), page=page)
