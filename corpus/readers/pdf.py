"""PDF by pdfium, page by page. Lines become paragraphs by their distance, headings by their type size."""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice, zip_longest
from typing import TYPE_CHECKING

from corpus.document import Document
from corpus.readers import UnreadableError
from corpus.readers.builder import Builder

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage

_BROKEN_WORD = re.compile("[\ufffe\u00ad\x02]\r?\n?")
_BRIDGE = "\u200b"
_BULLET = re.compile(r"\s*(?:[-*•▶►▪◦●○■–‣]|\(?\d{1,2}[.)])\s")
_SYMBOL = re.compile("[\ue000-\uf8ff] ?")
"""A letter of a symbol font, which is a bullet at the start of a line."""
_MOST_DRAWN = 2000
"""Objects of a page that are looked at in the search for bullets that are drawn rather than written."""
_WIDE = 0.6
"""A line that ends before this share of the page's width is not taken to be full."""
_LARGER = 1.15
"""Type this much larger than the text of the document makes a heading."""
_LONGEST_HEADING = 120
_GAP = 1.6
"""Lines whose tops are further apart than this many type sizes belong to two paragraphs."""
_MOST_PAGES = 0.6
"""A first or last line on this share of the pages is page furniture."""
_MOST_PAGES_READ = 20_000
"""A page tree may name itself, and be endless."""
_PASSWORD = 4
"""pdfium's FPDF_ERR_PASSWORD."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a page: text, type size in points (rounded to a half), distance of its base from the page's foot.

    `full` says that the first word of the next line would not have fitted behind it.
    """

    text: str
    size: float
    foot: float
    full: bool = False


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """A line with its left and right end and the width of its first word, in points."""

    line: Line
    left: float
    right: float
    word: float


def read(data: bytes, *, source: str) -> Document:
    """Reads the text of every page but running heads and page numbers. Encrypted files are refused.

    A page without text is named in the warnings.
    """
    pages, labels, title = _extract(data)
    pages = _without_furniture(pages)
    builder = Builder()
    builder.page_labels.update({page: label for page, label in labels.items() if label and label != str(page)})
    weights: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            weights[line.size] += len(line.text)
    body = weights.most_common(1)[0][0] if weights else 0.0
    sizes = sorted({size for size in weights if size > _LARGER * body}, reverse=True)
    for number, lines in enumerate(pages, start=1):
        _add_page(builder, lines, number, sizes)
    empty = [str(number) for number, lines in enumerate(pages, start=1) if not lines]
    if empty:
        shown = ", ".join(empty[:10]) + (" and more" if len(empty) > 10 else "")
        builder.warnings.append(
            f"no text on {len(empty)} of {len(pages)} pages ({shown}); a scan needs text recognition"
        )
    return builder.document(source=source, title=title)


def _without_furniture(pages: Sequence[list[Line]]) -> list[list[Line]]:
    """The pages without running heads, running feet and page numbers.

    These are the first and last lines that, numbers aside, stand in the same type on most pages of a document of four
    or more.
    """
    edges = [{_shape(line) for line in (lines[:1] + lines[-2:])} for lines in pages]
    common = Counter(shape for shapes in edges for shape in shapes)
    furniture = {shape for shape, times in common.items() if times >= max(4, _MOST_PAGES * len(pages))}
    kept = []
    for lines in pages:
        first = 1 if lines and _shape(lines[0]) in furniture else 0
        last = len(lines)
        while last > max(first, len(lines) - 2) and _shape(lines[last - 1]) in furniture:
            last -= 1
        kept.append(lines[first:last])
    return kept


def _shape(line: Line) -> tuple[str, float]:
    return re.sub(r"\d+", "0", line.text), line.size


def _extract(data: bytes) -> tuple[list[list[Line]], dict[int, str], str]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD:
            raise UnreadableError("encrypted; save it without a password") from error
        raise UnreadableError(f"damaged PDF ({error}); export it again") from error
    if len(document) > _MOST_PAGES_READ:
        raise UnreadableError(f"has {len(document):,} pages, more than {_MOST_PAGES_READ:,}; split it into parts")
    pages, labels = [], {}
    for index in range(len(document)):
        labels[index + 1] = document.get_page_label(index)
        pages.append(_page_lines(document, index))
    title = " ".join(str(document.get_metadata_dict().get("Title", "")).split())
    document.close()
    return pages, labels, title


def _page_lines(document: PdfDocument, index: int) -> list[Line]:
    from pypdfium2 import PdfiumError

    try:
        page = document[index]
    except PdfiumError:
        return []
    textpage = page.get_textpage()
    measured = _measured_lines(textpage)
    dots = _dots(page) if measured else []
    margin = max([one.right for one in measured], default=0.0)
    enough = margin > _WIDE * page.get_width()
    lines = []
    for one, following in zip_longest(measured, measured[1:]):
        text = one.line.text
        if any(_is_bullet(dot, one) for dot in dots):
            text = f"- {text}"
        full = enough and following is not None and one.right + following.word > margin
        lines.append(
            replace(one.line, text=_SYMBOL.sub("- ", text, count=1) if _SYMBOL.match(text) else text, full=full)
        )
    textpage.close()
    page.close()
    return lines


def _dots(page: PdfPage) -> list[tuple[float, float, float, float]]:
    """Left, foot, right and top of the small drawings of a page that may be bullets."""
    from pypdfium2 import raw

    dots = []
    for drawn in islice(page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=3), _MOST_DRAWN):
        left, foot, right, top = drawn.get_bounds()
        if 0 < right - left < 2 * (top - foot) < 4 * (right - left):
            dots.append((left, foot, right, top))
    return dots


def _is_bullet(dot: tuple[float, float, float, float], one: _Measured) -> bool:
    """Whether a drawing stands where the bullet of a line would: right before it, lower than its letters."""
    left, foot, right, top = dot
    size, middle = one.line.size, (foot + top) / 2
    beside = right <= one.left and one.left - left < 2.5 * size
    return beside and top - foot < 0.8 * size and one.line.foot - 0.3 * size < middle < one.line.foot + 0.8 * size


def _measured_lines(textpage: PdfTextPage) -> list[_Measured]:
    raw = textpage.get_text_range() if textpage.count_chars() else ""
    lines, position = [], 0
    for piece in _BROKEN_WORD.sub(_bridge, raw).splitlines(keepends=True):
        text = " ".join(piece.replace(_BRIDGE, "").split())
        if text:
            first = position + len(piece) - len(piece.lstrip())
            last = position + len(piece.rstrip()) - 1
            size, left, foot, _ = _measure(textpage, first)
            word = _measure(textpage, min(last, first + len(piece.split()[0]) - 1))[3] - left
            right = _measure(textpage, last)[3]
            lines.append(_Measured(line=Line(text=text, size=size, foot=foot), left=left, right=right, word=word))
        position += len(piece)
    return lines


def _bridge(match: re.Match[str]) -> str:
    """Stands in for a hyphen at a line end, as long as it was, so that character numbers stay those of pdfium."""
    return _BRIDGE * len(match[0])


def _measure(textpage: PdfTextPage, index: int) -> tuple[float, float, float, float]:
    """Type size, left end, base and right end of the character at `index`, in points."""
    from pypdfium2 import raw

    left, right, bottom, top, across, foot = (ctypes.c_double() for _ in range(6))
    matrix = raw.FS_MATRIX()
    size = float(raw.FPDFText_GetFontSize(textpage, index))
    if raw.FPDFText_GetMatrix(textpage, index, matrix):
        # The size in the file is multiplied by the text matrix; some writers keep all of it there.
        size *= max(abs(matrix.d), abs(matrix.b)) or 1.0
    size = round(2 * size) / 2
    if not raw.FPDFText_GetCharBox(textpage, index, left, right, bottom, top):
        return size, 0.0, 0.0, 0.0
    if not raw.FPDFText_GetCharOrigin(textpage, index, across, foot):
        foot = bottom
    return size, float(left.value), float(foot.value), float(right.value)


def _add_page(builder: Builder, lines: Sequence[Line], page: int, sizes: Sequence[float]) -> None:
    """Groups the lines of a page into headings, lists and paragraphs."""
    group: list[Line] = []
    for line in [*lines, None]:
        if group and (line is None or _starts_block(group, line, sizes)):
            text = _joined(group)
            level = _level(group[0], sizes) if len(text) <= _LONGEST_HEADING else 0
            if level:
                builder.add("heading", text.replace("\n", " "), level=level, page=page)
            else:
                builder.add("list" if _BULLET.match(text) else "paragraph", text, page=page)
            group = []
        if line is not None:
            group.append(line)


def _joined(group: Sequence[Line]) -> str:
    """The lines of a block; a line that runs on because the page ends is joined to the next by a space."""
    parts = []
    for line, following in zip_longest(group, group[1:]):
        wrapped = line.full and following is not None and not _BULLET.match(following.text)
        parts += [line.text, " " if wrapped else "\n"]
    return "".join(parts[:-1])


def _level(line: Line, sizes: Sequence[float]) -> int:
    """Heading level by the rank of the type size among the sizes larger than the text, 0 for text."""
    return min(6, sizes.index(line.size) + 1) if line.size in sizes and re.search(r"\w", line.text) else 0


def _starts_block(group: Sequence[Line], line: Line, sizes: Sequence[float]) -> bool:
    before = group[-1]
    if (before.size in sizes or line.size in sizes) and before.size != line.size:
        return True
    drop = before.foot - line.foot
    if drop < -line.size or drop > _GAP * max(before.size, line.size):
        return True
    return bool(_BULLET.match(line.text)) and not _BULLET.match(group[0].text)
