import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from pdf_samples import make_pdf
from PIL import Image

from corpus import picture
from corpus.ingest import Limits
from corpus.picture import PICTURE_BYTES, PictureError, page_picture

LINES = [
    (24, 740, "Recurrent networks"),
    (12, 700, "A state is carried along,"),
    (12, 686, "one step at a time."),
    (12, 400, "Another paragraph of the page."),
]
TEXT = "A state is carried along,\none step at a time."


@pytest.fixture
def slides(tmp_path: Path) -> Path:
    path = tmp_path / "slides.pdf"
    path.write_bytes(make_pdf([LINES, [(12, 700, "Second page.")]]))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_page_is_drawn_with_the_lines_of_the_passage(slides: Path) -> None:
    found = page_picture(slides, sha256=sha256(slides), page=1, text=TEXT)
    image = Image.open(io.BytesIO(found.png)).convert("L")
    assert image.size == (found.width, found.height) == (825, 1100)
    assert len(found.png) <= PICTURE_BYTES
    assert len(found.boxes) == 2
    for (left, top, right, bottom), foot in zip(found.boxes, (700, 686), strict=True):
        assert left == pytest.approx(50 / 600, abs=0.005)
        assert top < 1 - foot / 800 < bottom + 0.002
        assert 0.1 < right - left < 0.4
        inside = image.crop((int(left * 825), int(top * 1100), int(right * 825), int(bottom * 1100)))
        assert min(inside.tobytes()) < 100


def test_a_turned_page_has_its_boxes_where_the_words_are(tmp_path: Path) -> None:
    path = tmp_path / "turned.pdf"
    path.write_bytes(make_pdf([LINES]).replace(b"/MediaBox", b"/Rotate 90 /MediaBox", 1))
    found = page_picture(path, sha256=sha256(path), page=1, text=LINES[3][2])
    image = Image.open(io.BytesIO(found.png)).convert("L")
    assert image.width > image.height
    ((left, top, right, bottom),) = found.boxes
    assert bottom - top > right - left
    box = (int(left * image.width), int(top * image.height), int(right * image.width), int(bottom * image.height))
    assert min(image.crop(box).tobytes()) < 100


@pytest.mark.parametrize("text", ["", "Nothing of this stands there.", "\x00\ud800", "at"])
def test_text_that_is_not_on_the_page_has_no_box(slides: Path, text: str) -> None:
    boxes = page_picture(slides, sha256=sha256(slides), page=2, text=text).boxes
    assert boxes == ()


@pytest.mark.parametrize("page", [0, 3])
def test_a_page_that_is_not_there_is_said(slides: Path, page: int) -> None:
    with pytest.raises(PictureError, match=f"no page {page}"):
        page_picture(slides, sha256=sha256(slides), page=page, text="")


def test_another_file_by_now_is_said(slides: Path) -> None:
    before = sha256(slides)
    slides.write_bytes(make_pdf([LINES]))
    with pytest.raises(PictureError, match="changed since it was indexed"):
        page_picture(slides, sha256=before, page=1, text="")
    slides.unlink()
    with pytest.raises(PictureError, match="cannot be opened"):
        page_picture(slides, sha256=before, page=1, text="")


@pytest.mark.parametrize("data", [b"%PDF-1.7 and nothing else", b"", b"just words"])
def test_a_broken_file_is_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(data)
    with pytest.raises(PictureError) as fault:
        page_picture(path, sha256=sha256(path), page=1, text="")
    assert "\n" not in str(fault.value)


def test_the_limits_hold(slides: Path) -> None:
    with pytest.raises(PictureError, match="longer than"):
        page_picture(slides, sha256=sha256(slides), page=1, text="", limits=Limits(wall_seconds=0.01))
    with pytest.raises(PictureError, match="larger than"):
        page_picture(slides, sha256=sha256(slides), page=1, text="", limits=Limits(file_bytes=100))


@pytest.mark.parametrize(
    "reply",
    [{}, {"png": "AAAA", "boxes": []}, {"png": "not base64!", "boxes": []}, {"png": 3}],
)
def test_a_child_that_answers_nonsense_is_not_believed(reply: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 0, stdout=json.dumps(reply).encode())
    monkeypatch.setattr(picture.subprocess, "run", lambda *arguments, **options: done)
    with pytest.raises(PictureError, match="could not be drawn"):
        page_picture(Path("a.pdf"), sha256="", page=1, text="")


def test_the_parent_does_not_load_the_library() -> None:
    code = "import sys, corpus.picture; sys.exit(bool({'pypdfium2', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
