"""The values that `corpus` hands to every other room: documents, their blocks, passages and where each passage stands.

A `Document` is one file, read. Its `text` is the whole of what was read, and every later object points into that text
by character offsets, so that a citation is found by slicing and never by searching.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

BlockKind = Literal["heading", "paragraph", "list", "table", "code", "equation", "notes"]


def shown(name: str) -> str:
    """A file's name as people see it: it may hold anything, line ends and terminal codes too."""
    return "".join(c if c.isprintable() else "?" for c in name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """One piece of a document in reading order: `document.text[start:end]`.

    Blocks do not overlap and ascend; only white space stands between two of them. `page`, `slide` and `cell` count
    from 1 and are None where the format has none; `level` is 1 to 6 for a heading, else 0.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    page: int | None = None
    slide: int | None = None
    cell: int | None = None


@dataclass(frozen=True, kw_only=True)
class Document:
    """One lecture file as read.

    `source` is the path relative to the indexed folder, with forward slashes. `page_labels` maps a page index
    (from 1) to the number printed on the page, where the file knows it. `warnings` are one-line remarks on what
    could not be read (a page without text, bytes that are not UTF-8).
    """

    source: str
    title: str
    text: str
    blocks: tuple[Block, ...]
    course: str = ""
    page_labels: dict[int, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Locator:
    """Where a passage stands: file, page or slide or cell (counted from 1), heading path, character span.

    `start` and `end` are offsets into `Document.text`. `page`, `slide` and `cell` name the first one the passage
    touches and `last` the last one, when it runs over several.
    """

    source: str
    start: int
    end: int
    headings: tuple[str, ...] = ()
    page: int | None = None
    slide: int | None = None
    cell: int | None = None
    last: int | None = None
    page_label: str | None = None

    def describe(self) -> str:
        """A line for people, such as `week3.pdf, page 7, LSTM > Forget gate`."""
        place = [shown(self.source)]
        for word, number in (("page", self.page), ("slide", self.slide), ("cell", self.cell)):
            if number is not None:
                end = f"-{self.last}" if self.last is not None and self.last != number else ""
                label = f" (printed {self.page_label})" if word == "page" and self.page_label else ""
                place.append(f"{word} {number}{end}{label}")
        if self.headings:
            place.append(" > ".join(self.headings))
        return ", ".join(place)


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A stretch of one document small enough to embed whole: `text == document.text[locator.start:locator.end]`.

    The passages of a document do not overlap and, laid end to end, cover every character of it that is not white
    space. `passage_id` is a content hash: the same text at the same place keeps its id across builds.
    """

    passage_id: str
    document: str
    text: str
    locator: Locator
    course: str = ""

    @property
    def context(self) -> str:
        """What the passage stands under in one line: the title of its document and its headings, each once."""
        return " > ".join(dict.fromkeys((self.document, *self.locator.headings)))

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary, the same keys everywhere a passage is printed."""
        place = self.locator
        return {
            "passage_id": self.passage_id,
            "document": self.document,
            "course": self.course,
            "text": self.text,
            "source": place.source,
            "place": place.describe(),
            "page": place.page,
            "slide": place.slide,
            "cell": place.cell,
            "headings": list(place.headings),
            "start": place.start,
            "end": place.end,
        }


def passage_id(*, course: str, source: str, start: int, text: str) -> str:
    """Content hash of a passage: the first 16 hexadecimal digits of SHA-256 over course, source, offset and text."""
    digest = hashlib.sha256()
    for part in (course, source, str(start), text):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]
