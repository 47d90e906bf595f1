"""Word documents: headings, paragraphs, lists, tables and equations in the order of the page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from corpus.document import Document
from corpus.readers.builder import Builder, markdown_table
from corpus.readers.omml import MATH, latex
from corpus.whole import fenced

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_HEADING = re.compile(r"(?:heading|überschrift|titre|título|titolo)\s*([1-9])", re.IGNORECASE)
_CODE_STYLE = re.compile(r"\bcode\b|source ?code|listing|verbatim|preformatted|\bmacro\b|quelltext", re.IGNORECASE)
_ONE_WIDTH = re.compile(
    r"Courier|Consolas|Menlo|Monaco|Cascadia|Inconsolata|Lucida (?:Console|Sans Typewriter)|.*\bMono(?:space)?\b",
    re.IGNORECASE,
)
"""Names of typefaces whose letters are all of one width."""
_LEFT_OUT = frozenset((_WORD + "del", _WORD + "instrText", _WORD + "pPr", _WORD + "rPr", _FALLBACK))


def read(data: bytes, *, source: str) -> Document:
    """Reads the body of a document. Deleted text of tracked changes is left out; text boxes are read in place."""
    from docx import Document as open_docx
    from docx.table import Table

    word = open_docx(io.BytesIO(data))
    builder = Builder()
    code: list[str] = []
    for item in word.iter_inner_content():
        if not isinstance(item, Table) and _is_code(item, going_on=bool(code)):
            code.append("".join(_runs(item._p)))
            continue
        builder.add("code", fenced("\n".join(code)))
        code.clear()
        if isinstance(item, Table):
            builder.add("table", _table(item))
        else:
            _paragraph(builder, item)
    builder.add("code", fenced("\n".join(code)))
    properties = word.core_properties
    return builder.document(source=source, title=properties.title or "")


def _is_code(paragraph: Any, *, going_on: bool) -> bool:
    """Whether a paragraph is in a style for code or all in type of one width; an empty one carries code on."""
    runs = [run for run in paragraph.runs if run.text.strip()]
    if not runs:
        return going_on and not "".join(_runs(paragraph._p)).strip()
    return _is_code_style(paragraph.style) or all(
        _ONE_WIDTH.match(run.font.name or "") or _is_code_style(run.style) for run in runs
    )


def _is_code_style(style: Any) -> bool:
    return style is not None and bool(_CODE_STYLE.search(style.name or "") or _ONE_WIDTH.match(style.font.name or ""))


def _paragraph(builder: Builder, paragraph: Any) -> None:
    boxes = [box for box in paragraph._p.iter(_WORD + "txbxContent") if not _in_fallback(box)]
    text = "".join(_runs(paragraph._p)).strip("\n")
    style = (paragraph.style.name or "") if paragraph.style is not None else ""
    heading = _HEADING.match(style)
    if heading or style in ("Title", "Titel"):
        builder.add("heading", " ".join(text.split()), level=min(6, int(heading[1])) if heading else 1)
    elif style.startswith("List") or paragraph._p.find(f"{_WORD}pPr/{_WORD}numPr") is not None:
        builder.add("list", "\n".join(f"- {line}" for line in text.splitlines() if line.strip()))
    elif paragraph._p.find(f"{MATH}oMathPara") is not None and text.startswith("$$"):
        builder.add("equation", text)
    else:
        builder.add("paragraph", text)
    for box in boxes:
        for inner in box.iter(_WORD + "p"):
            builder.add("paragraph", "".join(_runs(inner)))


def _runs(node: Any) -> Iterator[str]:
    """The text of a paragraph element, equations as LaTeX; text boxes are left to the caller."""
    for child in node:
        if child.tag in _LEFT_OUT or child.tag == _WORD + "txbxContent":
            continue
        if child.tag == _WORD + "t":
            yield child.text or ""
        elif child.tag == _WORD + "tab":
            yield "\t"
        elif child.tag in (_WORD + "br", _WORD + "cr"):
            yield "\n"
        elif child.tag == MATH + "oMathPara":
            yield f"$${latex(child)}$$"
        elif child.tag == MATH + "oMath":
            yield f"${latex(child)}$"
        else:
            yield from _runs(child)


def _table(table: Any) -> str:
    rows = []
    for row in table.rows:
        cells = []
        for cell in row._tr.tc_lst:
            cells.append(" ".join("".join(_runs(paragraph)) for paragraph in cell.iter(_WORD + "p")))
        rows.append(cells)
    return markdown_table(rows)


def _in_fallback(node: Any) -> bool:
    return any(parent.tag == _FALLBACK for parent in node.iterancestors())
