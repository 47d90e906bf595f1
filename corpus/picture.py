"""A page of a PDF as a picture, with the places on it where a passage stands: `page_picture`.

The page is drawn by a child process of its own (`python -m corpus.picture`, a JSON request in, a JSON reply out) that
limits its memory and processor time, because a hostile file can end or hang the library that draws.
"""

from __future__ import annotations

import base64
import ctypes
import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.ingest import Limits
from corpus.readers import UnreadableError
from corpus.worker import load, set_limits

if TYPE_CHECKING:
    from PIL.Image import Image
    from pypdfium2 import PdfPage, PdfTextPage

Box = tuple[float, float, float, float]
"""Left, top, right and bottom as shares of the page's width and height, from its upper left corner."""

LIMITS = Limits(cpu_seconds=10, wall_seconds=20.0)
PICTURE_BYTES = 220_000
"""Most bytes of a picture; as a data URL it has a third more."""

_WIDTH = 1100
_COLOURS = (256, 64, 16)
_SMALLEST = 400
_LARGEST_PAGE = 14_400
"""Points: the largest side that the format allows."""
_ALIKE = 12
"""A line of a passage is looked for when it has so many characters, or is the whole of a shorter passage."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class PictureError(Exception):
    """There is no picture; the message is one line that says why."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A page in PNG, its size in pixels, and the boxes of the lines that were looked for, none where none was found."""

    png: bytes
    width: int
    height: int
    boxes: tuple[Box, ...]


def page_picture(path: Path, *, sha256: str, page: int, text: str, limits: Limits = LIMITS) -> Picture:
    """Page `page` (from 1) of the PDF with this hash, and where the lines of `text` stand on it.

    Raises PictureError where the file is gone or another one by now, is no PDF with such a page, or cannot be drawn
    within the limits.
    """
    request = {
        "path": str(path.absolute()),
        "sha256": sha256,
        "page": page,
        "text": text,
        "file_bytes": limits.file_bytes,
        "memory_bytes": limits.memory_bytes,
        "cpu_seconds": limits.cpu_seconds,
    }
    paths = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "corpus.picture"],
            input=json.dumps(request).encode("ascii"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
            timeout=limits.wall_seconds,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PictureError(f"the page took longer than {limits.wall_seconds:g} s to draw") from None
    try:
        reply = json.loads(done.stdout) if done.returncode == 0 else {"reason": "the page could not be drawn"}
        if "reason" in reply:
            raise PictureError(" ".join(str(reply["reason"]).split())[:300])
        return _checked(reply)
    except (ValueError, TypeError, KeyError):
        raise PictureError("the page could not be drawn") from None


def _checked(reply: dict[str, Any]) -> Picture:
    """The picture in a reply; the child is not trusted. ValueError, TypeError or KeyError for a reply that is none."""
    png = base64.b64decode(reply["png"], validate=True)
    if not png.startswith(_SIGNATURE) or len(png) > PICTURE_BYTES:
        raise ValueError("no picture")
    boxes = [tuple(min(max(float(side), 0.0), 1.0) for side in box) for box in reply["boxes"]]
    if any(len(box) != 4 for box in boxes):
        raise ValueError("a box has four sides")
    width, height = int(reply["width"]), int(reply["height"])
    return Picture(png=png, width=width, height=height, boxes=tuple((a, b, c, d) for a, b, c, d in boxes))


def main() -> int:
    """Answers one request on standard input."""
    request = json.loads(sys.stdin.buffer.read())
    set_limits(request["memory_bytes"], request["cpu_seconds"])
    try:
        reply = draw(request)
    except UnreadableError as error:
        reply = {"reason": str(error)}
    except OSError as error:
        reply = {"reason": f"the file cannot be opened ({error.strerror or error})"}
    sys.stdout.write(json.dumps(reply))
    return 0


def draw(request: dict[str, Any]) -> dict[str, Any]:
    """The reply to a request: picture and boxes. UnreadableError says why there are none."""
    import pypdfium2

    data = load(request["path"], request["file_bytes"])
    if hashlib.sha256(data).hexdigest() != request["sha256"]:
        raise UnreadableError("the file has changed since it was indexed; build the index again")
    try:
        document = pypdfium2.PdfDocument(data)
        if not 1 <= request["page"] <= len(document):
            raise UnreadableError(f"the file has no page {request['page']}")
        page = document[request["page"] - 1]
    except pypdfium2.PdfiumError as error:
        raise UnreadableError(f"the page cannot be drawn ({error})") from error
    width, height = page.get_size()
    if not (0 < width <= _LARGEST_PAGE and 0 < height <= _LARGEST_PAGE):
        raise UnreadableError("the page has no size that can be drawn")
    boxes = list(_boxes(page, page.get_textpage(), request["text"]))
    scale = _WIDTH / max(width, height)
    image = page.render(scale=scale).to_pil().convert("RGB")
    png = _compressed(image)
    return {
        "png": base64.b64encode(png).decode("ascii"),
        "width": image.width,
        "height": image.height,
        "boxes": boxes,
    }


def _compressed(image: Image) -> bytes:
    """The image in PNG with as many colours, and then pixels, as `PICTURE_BYTES` allow."""
    while True:
        for colours in _COLOURS:
            file = io.BytesIO()
            image.quantize(colours).save(file, "PNG", optimize=True)
            if file.tell() <= PICTURE_BYTES:
                return file.getvalue()
        if max(image.size) <= _SMALLEST:
            raise UnreadableError("the page has too many details for a small picture")
        image = image.resize((max(1, image.width * 3 // 4), max(1, image.height * 3 // 4)))


def _boxes(page: PdfPage, textpage: PdfTextPage, text: str) -> Iterator[Box]:
    """The boxes of the lines of `text` that stand on the page, in their order; white space and hyphens do not count."""
    count = textpage.count_chars()
    whole = textpage.get_text_range() if count else ""
    letters = [(letter, place) for place, letter in enumerate(whole) if _counts(letter)]
    packed = "".join(letter for letter, _ in letters)
    at = 0
    lines = ["".join(filter(_counts, line)) for line in text.splitlines()]
    for line in lines:
        if len(line) < min(_ALIKE, max(map(len, lines))):
            continue
        found = packed.find(line, at)
        found = packed.find(line) if found < 0 else found
        if found < 0:
            continue
        at = found + len(line)
        sides = [textpage.get_charbox(place) for _, place in letters[found:at] if place < count]
        yield from (_on_picture(page, row) for row in _rows(sides))


def _on_picture(page: PdfPage, row: Box) -> Box:
    """Left, bottom, right and top in the page's own points as a box, however the page is turned or cropped."""
    from pypdfium2 import raw

    x, y, fine = ctypes.c_int(), ctypes.c_int(), 100_000
    corners = []
    for across, up in ((row[0], row[1]), (row[2], row[3])):
        raw.FPDF_PageToDevice(page, 0, 0, fine, fine, 0, across, up, x, y)
        corners.append((x.value / fine, y.value / fine))
    (a, b), (c, d) = corners
    return min(a, c), min(b, d), max(a, c), max(b, d)


def _counts(letter: str) -> bool:
    return not (letter.isspace() or letter in "-\u00ad\ufffe\x02\u200b")


def _rows(sides: Sequence[Box]) -> Iterator[Box]:
    """Left, bottom, right and top of each printed line that the characters stand on."""
    row: Box | None = None
    for left, bottom, right, top in sides:
        if right <= left or top <= bottom:
            continue
        if row is not None and bottom < row[3] and top > row[1] and left >= row[0]:
            row = (row[0], min(row[1], bottom), max(row[2], right), max(row[3], top))
            continue
        if row is not None:
            yield row
        row = (left, bottom, right, top)
    if row is not None:
        yield row


if __name__ == "__main__":
    raise SystemExit(main())
