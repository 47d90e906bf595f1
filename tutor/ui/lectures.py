"""The lectures as a student reads them: the indexed text of a document, put together from its passages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from tutor.ui.markdown import without_html

if TYPE_CHECKING:
    from corpus.document import Passage
    from index.catalogue import SourceInfo

_WHOLE = re.compile(r"^```.*?^```[ \t]*$|\$\$.+?\$\$|^\|[^\n]*(?:\n\|[^\n]*)*", re.DOTALL | re.MULTILINE)
"""What a line break may not be forced into: code, display equations, rows of tables."""


class Shelf(Protocol):
    """What the lecture reader needs of a store."""

    def sources(self) -> tuple[SourceInfo, ...]: ...

    def passages(self) -> tuple[Passage, ...]: ...


def choices(shelf: Shelf) -> list[tuple[str, str]]:
    """(label, key) of every document that has passages, in the order of courses and sources."""
    found = [one for one in shelf.sources() if one.passages]
    several = len({one.course for one in found}) > 1
    return [(f"{one.course}: {one.title}" if several else one.title, key(one.course, one.source)) for one in found]


def key(course: str, source: str) -> str:
    """What names a document: its source alone may stand in two courses."""
    return f"{course}\n{source}"


def read(shelf: Shelf, chosen: str) -> str:
    """The document of that key as Markdown, or a line that says that it is gone."""
    found = [one for one in shelf.passages() if key(one.course, one.locator.source) == chosen]
    return markdown(found) if found else "*This document is no longer in the index; choose another.*"


def markdown(passages: Sequence[Passage]) -> str:
    """Passages in reading order as Markdown without HTML; pages and slides are numbered, and keep their line breaks."""
    parts: list[str] = []
    place = ""
    for passage in sorted(passages, key=lambda one: one.locator.start):
        page, slide = passage.locator.page, passage.locator.slide
        here = f"Page {page}" if page is not None else f"Slide {slide}" if slide is not None else ""
        if here and here != place:
            place = here
            parts.append(f"---\n\n*{here}*")
        parts.append(_broken(passage.text) if here else passage.text)
    return without_html("\n\n".join(parts))


def _broken(text: str) -> str:
    """The text with its line breaks kept in Markdown, but for code, equations and tables."""
    pieces, at = [], 0
    for match in _WHOLE.finditer(text):
        pieces += [re.sub(r"(?<!\n)\n(?!\n)", "  \n", text[at : match.start()]), match[0]]
        at = match.end()
    return "".join([*pieces, re.sub(r"(?<!\n)\n(?!\n)", "  \n", text[at:])])
