"""PowerPoint: slide by slide, shapes in the order the eye meets them, speaker notes after each slide."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from corpus.document import Document
from corpus.readers.builder import Builder, markdown_table
from corpus.readers.omml import MATH, latex

_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_ROW_EMU = 200_000
"""Shapes whose tops are within about half a centimetre stand in one row and read from left to right."""


def read(data: bytes, *, source: str) -> Document:
    """Reads titles as headings, text, tables and notes (blocks of kind "notes"); hidden slides are read too."""
    from pptx import Presentation

    deck = Presentation(io.BytesIO(data))
    builder = Builder()
    for number, slide in enumerate(deck.slides, start=1):
        before = builder.length
        title = slide.shapes.title
        if title is not None:
            heading = " ".join(" ".join(_lines(title._element)).split())
            builder.add("heading", heading, level=1 if _is_title_slide(slide) else 2, slide=number)
        for shape in _in_reading_order(slide.shapes):
            if title is None or shape.shape_id != title.shape_id:
                _shape(builder, shape, number)
        if builder.length == before:
            builder.warnings.append(f"slide {number} has no text")
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            builder.add("notes", slide.notes_slide.notes_text_frame.text.replace("\v", "\n"), slide=number)
    return builder.document(source=source, title=deck.core_properties.title or "")


def _is_title_slide(slide: Any) -> bool:
    return slide.slide_layout is not None and slide.slide_layout.name in ("Title Slide", "Section Header")


def _in_reading_order(shapes: Iterable[Any]) -> Iterator[Any]:
    """Shapes from top to bottom and left to right, groups opened where they stand."""
    placed = sorted(shapes, key=lambda shape: ((shape.top or 0) // _ROW_EMU, shape.left or 0))
    for shape in placed:
        if hasattr(shape, "shapes"):
            yield from _in_reading_order(shape.shapes)
        else:
            yield shape


def _shape(builder: Builder, shape: Any, slide: int) -> None:
    if getattr(shape, "has_table", False):
        rows = [[_cell(cell) for cell in row.cells] for row in shape.table.rows]
        builder.add("table", markdown_table(rows), slide=slide)
        return
    if not getattr(shape, "has_text_frame", False):
        return
    lines = list(_lines(shape._element))
    if len(lines) == 1 and lines[0].startswith("$$"):
        builder.add("equation", lines[0], slide=slide)
    elif len(lines) > 1 and _is_bulleted(shape):
        builder.add("list", "\n".join(lines), slide=slide)
    else:
        builder.add("paragraph", "\n".join(line.strip() for line in lines), slide=slide)


def _cell(cell: Any) -> str:
    return " ".join(line.strip() for line in _lines(cell._tc))


def _is_bulleted(shape: Any) -> bool:
    return bool(shape.is_placeholder) or shape._element.find(f".//{_DRAWING}buChar") is not None


def _lines(element: Any) -> Iterator[str]:
    """One line a paragraph, indented by two spaces a level and marked `-` below the first; equations as LaTeX."""
    for paragraph in element.iter(_DRAWING + "p"):
        if any(parent.tag == _FALLBACK for parent in paragraph.iterancestors()):
            continue
        properties = paragraph.find(_DRAWING + "pPr")
        level = int(properties.get("lvl", "0")) if properties is not None else 0
        text = "".join(_runs(paragraph)).replace("\v", "\n").strip()
        if text:
            yield f"{'  ' * level}- {text}" if level else text


def _runs(node: Any) -> Iterator[str]:
    for child in node:
        if child.tag == _FALLBACK:
            continue
        if child.tag == _DRAWING + "t":
            yield child.text or ""
        elif child.tag == _DRAWING + "br":
            yield "\n"
        elif child.tag == MATH + "oMathPara":
            yield f"$${latex(child)}$$"
        elif child.tag == MATH + "oMath":
            yield f"${latex(child)}$"
        else:
            yield from _runs(child)
