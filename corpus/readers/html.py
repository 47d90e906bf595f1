"""Web pages; slides that a page holds as Markdown, as remark and reveal.js do, are read as such."""

from __future__ import annotations

import codecs
import re
from dataclasses import replace
from html import unescape

from corpus.document import Document
from corpus.readers import markdown
from corpus.readers.content import decode_text
from corpus.readers.html_page import read_elements

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_SLIDES = re.compile(
    r"<textarea\b[^<>]*?\s(?:id=[\"']?source\b|data-template)[^<>]*>(.*?)</textarea>", re.DOTALL | re.IGNORECASE
)


def read(data: bytes, *, source: str) -> Document:
    """Reads a page; the title is that of the `<title>` element, else the first heading."""
    text, warnings = _decode(data)
    if "</textarea>" in text and (slides := _SLIDES.findall(text)):
        deck = markdown.read("\n\n---\n\n".join(map(unescape, slides)).encode("utf-8", "replace"), source=source)
        # A field of a form may have that name, too.
        if any(block.slide for block in deck.blocks):
            return replace(deck, warnings=(*warnings, *deck.warnings))
    builder, title = read_elements(text)
    builder.warnings[:0] = warnings
    return builder.document(source=source, title=title)


def _decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    declared = _CHARSET.search(data[:4096])
    if declared and not data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        name = declared[1].decode("ascii")
        try:
            return data.decode("cp1252" if name.lower() == "iso-8859-1" else name), ()
        except (LookupError, UnicodeDecodeError):
            text, warnings = decode_text(data)
            return text, (*warnings, f"the page says it is {name}, which it is not")
    return decode_text(data)
