"""Markdown. The text stays as written, apart from front matter, HTML and, in slides, what styles them; markdown-it-py
finds the blocks in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from corpus.document import Block, BlockKind, Document
from corpus.readers.builder import Builder, fill_gaps, title_of
from corpus.readers.content import decode_text
from corpus.readers.markdown_html import without_tags
from corpus.readers.markdown_slides import slides_of
from corpus.readers.plain import scan_blocks
from corpus.whole import FENCE_ENDS, inside

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_FIELD = re.compile(r"^(title|course)[ \t]*:[ \t]*(.+?)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_FENCE = re.compile(r"[ \t]*(```+|~~~+)")
_MOST_UNCLOSED = 20
"""Fences of a text that are never closed; each costs another reading."""
_KINDS: dict[str, BlockKind] = {
    "heading_open": "heading",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "fence": "code",
    "code_block": "code",
}


def read(data: bytes, *, source: str) -> Document:
    """Reads Markdown; the front-matter fields `title` and `course` are used, the front matter itself is left out."""
    text, warnings = decode_text(data)
    matter = _FRONT_MATTER.match(text)
    fields, text = split_front_matter(text)
    slides = slides_of(text, matter[1] if matter else "")
    if slides is not None:
        return _deck(slides, fields, warnings, source)
    text = without_tags(text, mdx=source.lower().endswith(".mdx"))
    blocks = markdown_blocks(text)
    return Document(
        source=source,
        title=fields.get("title") or title_of(text, blocks, source),
        text=text,
        blocks=tuple(blocks),
        course=fields.get("course", ""),
        warnings=warnings,
    )


def _deck(slides: Sequence[str], fields: dict[str, str], warnings: Sequence[str], source: str) -> Document:
    builder = Builder()
    builder.warnings += warnings
    for number, slide in enumerate(slides, 1):
        builder.add_marked(slide, markdown_blocks(slide), slide=number)
    return builder.document(source=source, title=fields.get("title", ""), course=fields.get("course", ""))


def split_front_matter(text: str) -> tuple[dict[str, str], str]:
    """The `title` and `course` of the front matter, and the text after it.

    >>> split_front_matter('---\\ntitle: "Gates"\\n---\\nText')
    ({'title': 'Gates'}, 'Text')
    """
    matter = _FRONT_MATTER.match(text)
    if not matter:
        return {}, text
    fields = {name.lower(): value.strip("\"'") for name, value in _FIELD.findall(matter[1])}
    return fields, text[matter.end() :].lstrip("\n")


def markdown_blocks(text: str) -> list[Block]:
    """The top-level blocks of Markdown text, display equations among them, covering all of it."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    kept = [block for block in scan_blocks(text) if block.kind == "equation"]
    blocks = _parsed(text, starts, kept)
    for _ in range(_MOST_UNCLOSED):
        fence = _unclosed(text, blocks)
        if fence is None:
            break
        outside = [block for block in kept if block.end <= fence.start or block.start >= fence.end]
        kept = sorted([*outside, fence], key=lambda block: block.start)
        blocks = _parsed(text, starts, kept)
    taken = [(block.start, block.end) for block in blocks]
    free = [block for block in kept if not inside(block.start, taken)]
    return fill_gaps(text, sorted([*blocks, *free], key=lambda block: block.start))


def _parsed(text: str, starts: list[int], kept: list[Block]) -> list[Block]:
    """The blocks that the parser finds where `kept` is not; `starts` are where the lines start."""
    blocks: list[Block] = []
    for token in _parser().parse(_without(text, kept)):
        if token.level == 0 and token.map and token.nesting >= 0:
            kind = _KINDS.get(token.type, "paragraph")
            start, end = _trim(text, starts[token.map[0]], min(starts[token.map[1]], len(text)), kind)
            level = int(token.tag[1]) if kind == "heading" else 0
            if start < end:
                blocks.append(Block(kind=kind, start=start, end=end, level=level))
    return blocks


def _unclosed(text: str, blocks: list[Block]) -> Block | None:
    """What belongs to a fence that is never closed, where the last block is one: all up to a blank line with text at
    the margin after it."""
    if not blocks or blocks[-1].kind != "code":
        return None
    start, end = blocks[-1].start, blocks[-1].end
    opening = _FENCE.match(text, start)
    blank = FENCE_ENDS.search(text, start, end)
    if not opening or not blank or re.search(rf"\n[ \t>]*{opening[1]}{opening[1][0]}*[ \t]*\Z", text[start:end]):
        return None
    return Block(kind="code", start=start, end=blank.start())


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def _without(text: str, kept: list[Block]) -> str:
    """The text with what is kept whole blanked out, so that it is not taken for Markdown; lines keep their numbers."""
    parts, position = [], 0
    for block in kept:
        parts += [text[position : block.start], re.sub(r"[^\n]", " ", text[block.start : block.end])]
        position = block.end
    return "".join([*parts, text[position:]]).replace("\f", " ")


def _trim(text: str, start: int, end: int, kind: BlockKind) -> tuple[int, int]:
    body = text[start:end]
    end -= len(body) - len(body.rstrip())
    if kind != "code":
        start += len(body) - len(body.lstrip())
    return start, end
