"""PowerPoint: slide by slide, shapes in the order the eye meets them, speaker notes after each slide."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from corpus.document import Document
from corpus.readers.builder import Builder, markdown_table
from corpus.readers.omml import MATH, latex

_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TYPED_BULLET = re.compile(r"[-*•▶►■◦–][ \t]+")
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
            heading = " ".join(" ".join(text for _, text in _paragraphs(title._element)).split())
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
    lines = list(_lines(shape))
    for marked, group in groupby(lines, key=lambda line: line[0]):
        text = "\n".join(line for _, line in group)
        formula = text.startswith("$$") and text.endswith("$$") and text.count("$$") == 2
        builder.add("list" if marked else "equation" if formula else "paragraph", text, slide=slide)


def _cell(cell: Any) -> str:
    return " ".join(text for _, text in _paragraphs(cell._tc))


def _lines(shape: Any) -> Iterator[tuple[bool, str]]:
    """(Whether it is an item of a list, text) of every paragraph of a shape.

    An item is a line that opens with its mark, indented by two spaces a level. A paragraph by itself is prose.
    """
    paragraphs = list(_paragraphs(shape._element))
    numbers: Counter[int] = Counter()
    for paragraph, text in paragraphs:
        properties = paragraph.find(_DRAWING + "pPr")
        level = int(properties.get("lvl", "0")) if properties is not None else 0
        mark = _mark(shape, properties, level) if len(paragraphs) > 1 and not text.startswith("$$") else ""
        for deeper in [one for one in numbers if one > level or (one == level and mark != "1.")]:
            del numbers[deeper]
        if mark == "1.":
            if not numbers[level]:
                numbers[level] = _first_number(properties) - 1
            numbers[level] += 1
            mark = f"{numbers[level]}."
        if mark:
            text = " ".join(_TYPED_BULLET.sub("", text).split())
        yield bool(mark), f"{'  ' * level}{mark} {text}" if mark else text


def _mark(shape: Any, properties: Any, level: int) -> str:
    """What marks a paragraph: "-", "1." where PowerPoint numbers it, or nothing.

    The paragraph says so itself, or its shape does for the level, or the placeholder of the layout that it fills.
    """
    body = shape.is_placeholder and shape.placeholder_format.type in _bodies()
    below = shape._base_placeholder if body else None
    styles = [owner.find(f".//{_DRAWING}lstStyle/{_DRAWING}lvl{level + 1}pPr") for owner in _elements(shape, below)]
    for holder in (properties, *styles):
        if holder is None:
            continue
        if holder.find(_DRAWING + "buNone") is not None:
            return ""
        if holder.find(_DRAWING + "buAutoNum") is not None:
            return "1."
        if holder.find(_DRAWING + "buChar") is not None or holder.find(_DRAWING + "buBlip") is not None:
            return "-"
    return "-" if body or level else ""


def _elements(*shapes: Any) -> list[Any]:
    return [shape._element for shape in shapes if shape is not None]


def _bodies() -> frozenset[Any]:
    """The kinds of placeholders whose text PowerPoint bullets unless told otherwise."""
    from pptx.enum.shapes import PP_PLACEHOLDER as KIND

    return frozenset((KIND.BODY, KIND.OBJECT, KIND.VERTICAL_BODY, KIND.VERTICAL_OBJECT))


def _first_number(properties: Any) -> int:
    numbering = properties.find(_DRAWING + "buAutoNum") if properties is not None else None
    first = numbering.get("startAt", "1") if numbering is not None else "1"
    return int(first) if first.isdecimal() else 1


def _paragraphs(element: Any) -> Iterator[tuple[Any, str]]:
    """(Element, text) of the paragraphs in an element that are not empty; equations as LaTeX."""
    for paragraph in element.iter(_DRAWING + "p"):
        if any(parent.tag == _FALLBACK for parent in paragraph.iterancestors()):
            continue
        text = "".join(_runs(paragraph)).replace("\v", "\n").strip()
        if text:
            yield paragraph, text


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
