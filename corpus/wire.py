"""Documents as JSON, for the pipe between the program and the child process that parses a file.

The child is not trusted: whatever comes back is checked field by field before it becomes a `Document`.
"""

from __future__ import annotations

import re
from typing import Any, get_args

from corpus.document import Block, BlockKind, Document

_KINDS = frozenset(get_args(BlockKind))
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean_text(text: str) -> str:
    """`text` with NUL and lone surrogates, which no store takes, replaced one for one."""
    return _SURROGATE.sub("\ufffd", text).replace("\x00", " ")


def document_to_json(document: Document) -> dict[str, Any]:
    """A JSON-ready dictionary; every text in it can be encoded in UTF-8 and holds no NUL."""
    return {
        "source": document.source,
        "title": clean_text(document.title),
        "text": clean_text(document.text),
        "blocks": [
            [block.kind, block.start, block.end, block.level, block.page, block.slide, block.cell]
            for block in document.blocks
        ],
        "course": clean_text(document.course),
        "page_labels": {str(page): clean_text(label) for page, label in document.page_labels.items()},
        "warnings": [clean_text(warning) for warning in document.warnings],
    }


def document_from_json(data: dict[str, Any], *, source: str) -> Document:
    """The document in `data`. Raises ValueError, TypeError or KeyError where it is not a sound one."""
    text = _text(data["text"])
    return Document(
        source=source,
        title=_text(data["title"]),
        text=text,
        blocks=_blocks(data["blocks"], len(text)),
        course=_text(data["course"]),
        page_labels={int(page): _text(label) for page, label in data["page_labels"].items()},
        warnings=tuple(_text(warning) for warning in data["warnings"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or _SURROGATE.search(value) or "\x00" in value:
        raise ValueError("a text field is missing or holds characters that cannot be stored")
    return value


def _blocks(rows: list[list[Any]], length: int) -> tuple[Block, ...]:
    blocks: list[Block] = []
    position = 0
    for kind, start, end, level, page, slide, cell in rows:
        numbers = (start, end, level, *(number for number in (page, slide, cell) if number is not None))
        if kind not in _KINDS or not all(isinstance(number, int) for number in numbers):
            raise ValueError(f"block {len(blocks)} is malformed")
        if not (position <= start <= end <= length and 0 <= level <= 6):
            raise ValueError(f"block {len(blocks)} at {start}-{end} is out of place")
        blocks.append(Block(kind=kind, start=start, end=end, level=level, page=page, slide=slide, cell=cell))
        position = end
    return tuple(blocks)
