"""What the tests of the readers look at in a document."""

from __future__ import annotations

from corpus.document import Document

Row = tuple[str, int, str]


def outline(document: Document) -> list[Row]:
    return [(block.kind, block.level, document.text[block.start : block.end]) for block in document.blocks]


def covered(document: Document) -> bool:
    """Whether blocks ascend and leave nothing but white space out."""
    position = 0
    for block in document.blocks:
        if block.start < position or document.text[position : block.start].strip():
            return False
        position = block.end
    return not document.text[position:].strip()
