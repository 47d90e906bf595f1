"""One reader per file format, behind a registry by suffix.

A reader is a module with `read(data: bytes, *, source: str) -> Document`. It runs in a child process and may fail in
any way; a refusal with a reason for people is an `UnreadableError`. Adding a format means one module and one line here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath


class UnreadableError(Exception):
    """The file cannot be read; the message is one line that says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """A file format: its name for people, its suffixes (lower case, with the dot), the module that reads it.

    `content` is what the first bytes must be: "pdf", "zip" (then `member` must be in the archive) or "text".
    """

    name: str
    suffixes: tuple[str, ...]
    module: str
    content: str = "text"
    member: str = ""


FORMATS: tuple[Format, ...] = (
    Format(name="PDF", suffixes=(".pdf",), module="corpus.readers.pdf", content="pdf"),
    Format(
        name="PowerPoint",
        suffixes=(".pptx", ".pptm", ".ppsx"),
        module="corpus.readers.pptx",
        content="zip",
        member="ppt/presentation.xml",
    ),
    Format(
        name="Word",
        suffixes=(".docx", ".docm"),
        module="corpus.readers.docx",
        content="zip",
        member="word/document.xml",
    ),
    Format(name="HTML", suffixes=(".html", ".htm", ".xhtml"), module="corpus.readers.html"),
    Format(name="Markdown", suffixes=(".md", ".markdown", ".mdx", ".qmd", ".rmd"), module="corpus.readers.markdown"),
    Format(name="plain text", suffixes=(".txt", ".text"), module="corpus.readers.plain"),
    Format(name="Jupyter notebook", suffixes=(".ipynb",), module="corpus.readers.notebook"),
    Format(name="TeX", suffixes=(".tex",), module="corpus.readers.tex"),
)

_SAVE_AS: Mapping[str, str] = {
    ".ppt": "an old PowerPoint file; save it as .pptx",
    ".doc": "an old Word file; save it as .docx",
    ".odp": "an OpenDocument presentation; save it as .pptx or .pdf",
    ".odt": "an OpenDocument text; save it as .docx or .pdf",
    ".key": "a Keynote file; save it as .pptx or .pdf",
    ".rtf": "a rich-text file; save it as .docx",
    ".epub": "an EPUB book; save it as .html or .pdf",
}


def format_of(name: str, formats: Sequence[Format] = FORMATS) -> Format | None:
    """The format that the suffix of `name` stands for, or None."""
    suffix = PurePath(name).suffix.lower()
    return next((known for known in formats if suffix in known.suffixes), None)


def refusal(name: str, formats: Sequence[Format] = FORMATS) -> str:
    """Why a file of no known format is not read, in one line."""
    suffix = PurePath(name).suffix.lower()
    if suffix in _SAVE_AS:
        return f"is {_SAVE_AS[suffix]}"
    known = " ".join(known.suffixes[0] for known in formats)
    return f"is no kind of file that can be read ({suffix or 'no suffix'}); readable are {known}"
