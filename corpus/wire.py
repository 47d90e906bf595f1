"""Documents as JSON, for the pipe between the program and the child process that parses a file.

The child is not trusted: whatever comes back is checked field by field before it becomes a `Document`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, get_args

from corpus.document import Block, BlockKind, Document
from corpus.readers.builder import plain_title

_KINDS = frozenset(get_args(BlockKind))
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
MOST_WARNINGS = 20


def clean_text(text: str) -> str:
    """`text` with lone surrogates, which no store takes, and control characters, which a terminal would obey, replaced
    one for one; tabs, line ends and form feeds stay."""
    return _CONTROL.sub(" ", _SURROGATE.sub("\ufffd", text))


def clean_name(text: str) -> str:
    """`text` as a title or the name of a course; see `plain_title`."""
    return plain_title(clean_text(text))


def few(remarks: Sequence[str]) -> list[str]:
    """The first MOST_WARNINGS remarks on a file, each a short line, and how many more there are."""
    more = len(remarks) - MOST_WARNINGS
    return [*map(clean_name, remarks[:MOST_WARNINGS]), *([f"and {more:,} more remarks like these"] if more > 0 else [])]


def document_to_json(document: Document) -> dict[str, Any]:
    """A JSON-ready dictionary; every text in it is clean."""
    return {
        "source": document.source,
        "title": clean_name(document.title),
        "text": clean_text(document.text),
        "blocks": [
            [block.kind, block.start, block.end, block.level, block.page, block.slide, block.cell]
            for block in document.blocks
        ],
        "course": clean_name(document.course),
        "page_labels": {str(page): clean_name(label) for page, label in document.page_labels.items()},
        "warnings": few(document.warnings),
    }


def document_from_json(data: dict[str, Any], *, source: str) -> Document:
    """The document in `data`. Raises ValueError, TypeError or KeyError where it is not a sound one."""
    text = _text(data["text"])
    return Document(
        source=source,
        title=_name(data["title"]),
        text=text,
        blocks=_blocks(data["blocks"], len(text)),
        course=_name(data["course"]),
        page_labels={int(page): _name(label) for page, label in data["page_labels"].items()},
        warnings=tuple(_name(warning) for warning in data["warnings"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or _SURROGATE.search(value) or _CONTROL.search(value):
        raise ValueError("a text field is missing or holds characters that cannot be stored")
    return value


def _name(value: object) -> str:
    text = _text(value)
    if text != clean_name(text):
        raise ValueError("a name is too long or holds characters that cannot be shown")
    return text


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
