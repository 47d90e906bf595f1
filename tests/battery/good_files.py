"""Sound files of every format that holds bytes, and what may happen to any bytes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from random import Random

LINES = (
    "Reservoir computing", "A reservoir is a recurrent network whose weights are never trained.",
    "Only a linear layer that reads its state is fitted, by least squares.",
    "The spectral radius decides how long an echo of the input stays in the state.",
)  # fmt: skip
"""A title and what stands below it."""


def pdf_of(objects: Sequence[bytes], trailer: bytes = b"", *, prev: bytes = b"") -> bytes:
    """A PDF of numbered objects, the first of which is the catalogue. `prev` stands for the offset of its own table."""
    data, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    more = trailer + (b" /Prev %d" % start if prev else b"")
    data += b"trailer\n<< /Size %d /Root 1 0 R %b >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, more, start)
    return bytes(data)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """A stream object of a PDF."""
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), entries, content)


FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
PAGE = (
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> %b >>"
)


def one_page(content: bytes, page: bytes = b"", entries: bytes = b"") -> list[bytes]:
    """The objects of a PDF of one page with this content stream and these entries of the page and the stream."""
    return [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", PAGE % page,
        stream(content, entries), FONT,
    ]  # fmt: skip


def shown_lines(lines: Sequence[str] = LINES) -> bytes:
    """A content stream that writes lines below one another."""
    rows = " ".join(f"({line}) Tj 0 -16 Td" for line in lines)
    return f"BT /F1 12 Tf 72 700 Td {rows} ET".encode()


@cache
def pdf() -> bytes:
    """A PDF of one page."""
    return pdf_of(one_page(shown_lines()))


@cache
def pptx() -> bytes:
    """Two slides with a list, a table and notes."""
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = LINES[0]
    slide.placeholders[1].text_frame.text = "\n".join(LINES[1:])
    slide.notes_slide.notes_text_frame.text = LINES[2]
    table = deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_table(2, 2, 0, 0, Inches(3), Inches(1)).table
    table.cell(0, 0).text, table.cell(1, 1).text = "radius", "0.9"
    return _saved(deck.save)


@cache
def docx() -> bytes:
    """A heading, paragraphs and a table."""
    from docx import Document

    document = Document()
    document.add_heading(LINES[0], level=1)
    for line in LINES[1:]:
        document.add_paragraph(line)
    document.add_table(2, 2).cell(1, 1).text = "0.9"
    return _saved(document.save)


def _saved(save: Callable[[io.BytesIO], None]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


@cache
def html() -> bytes:
    """A page with a list and a formula."""
    items = "".join(f"<li>{line}</li>" for line in LINES[2:])
    return f"<!doctype html><title>{LINES[0]}</title><h1>{LINES[0]}</h1><p>{LINES[1]}<ul>{items}</ul>".encode()


@cache
def markdown() -> bytes:
    """Notes with front matter, a list, a table, a formula and code."""
    head = f"---\ntitle: {LINES[0]}\n---\n# {LINES[0]}\n\n{LINES[1]}\n\n- {LINES[2]}\n- {LINES[3]}\n\n"
    return (head + "| a | b |\n|---|---|\n| 1 | 2 |\n\n$$x_t = \\tanh(W x_{t-1})$$\n\n```python\nx = 1\n```\n").encode()


@cache
def tex() -> bytes:
    """Two frames of beamer."""
    frames = "".join(f"\\begin{{frame}}{{{LINES[0]}}}\n{line}\n\\end{{frame}}\n" for line in LINES[1:])
    return f"\\documentclass{{beamer}}\n\\begin{{document}}\n{frames}\\end{{document}}\n".encode()


def cell(kind: str, source: object, **more: object) -> dict[str, object]:
    """A cell of a notebook."""
    code = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source, **code, **more}


def notebook_of(cells: object, **more: object) -> bytes:
    """A notebook of these cells."""
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4, **more}).encode()


@cache
def notebook() -> bytes:
    """A cell of words and one of code."""
    return notebook_of([cell("markdown", f"# {LINES[0]}\n\n{LINES[1]}"), cell("code", ["x = 1\n", "print(x)"])])


@cache
def plain() -> bytes:
    """Lines of text."""
    return "\n\n".join(LINES).encode()


GOOD = {
    ".pdf": pdf, ".pptx": pptx, ".docx": docx, ".html": html, ".md": markdown, ".tex": tex, ".ipynb": notebook,
    ".txt": plain,
}  # fmt: skip
"""A maker of a sound file for every kind of file that is read."""


def packed(members: Mapping[str, bytes]) -> bytes:
    """A ZIP archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    """The members of a ZIP archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def cut(random: Random, data: bytes) -> bytes:
    """The beginning of a file."""
    return data[: random.randrange(1, len(data))]


def flipped(random: Random, data: bytes) -> bytes:
    """A file with one to two hundred bits flipped."""
    changed = bytearray(data)
    for _ in range(random.choice([1, 5, 200])):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def spliced(random: Random, data: bytes) -> bytes:
    """Pieces of a file, lost, doubled, moved, or with random bytes between them."""
    for _ in range(random.randint(1, 5)):
        at, end = sorted((random.randrange(len(data) + 1), random.randrange(len(data) + 1)))
        piece = random.choice([b"", data[at:end], random.randbytes(random.randint(1, 60)), data[at:end][::-1]])
        spot = random.choice([at, end, random.randrange(len(data) + 1)])
        data = data[:spot] + piece + data[random.choice([spot, end]) :]
        data = data[:2_000_000] or b"x"
    return data


DAMAGES = (cut, flipped, spliced)
