from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.ingest import DocumentReader, Limits, ReadResult, find_files, read_file, read_files, read_sources
from corpus.readers import FORMATS, Format
from corpus.readers.builder import LONGEST_TITLE
from corpus.wire import document_from_json

TINY_LIMITS = Limits(cpu_seconds=1, wall_seconds=20)

ReadWith = Callable[..., list[ReadResult]]


@pytest.fixture
def read_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReadWith:
    """Reads files `*.bad`, each with a reader of the given source code in turn, and then a harmless text file."""
    monkeypatch.syspath_prepend(tmp_path)

    def read(code: str, limits: Limits = TINY_LIMITS) -> list[ReadResult]:
        head = "from corpus.document import Block, Document\ndef read(data, *, source):\n    "
        (tmp_path / "bad_reader.py").write_text(head + code, encoding="utf-8")
        folder = tmp_path / "notes"
        folder.mkdir()
        (folder / "a.bad").write_text("anything", encoding="utf-8")
        (folder / "b.txt").write_text("Harmless.", encoding="utf-8")
        formats = (Format(name="bad", suffixes=(".bad",), module="bad_reader"), *FORMATS)
        return list(read_files(find_files([folder], formats=formats), limits=limits, formats=formats))

    return read


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os; os.abort()", "made its parser crash (SIGABRT)"),
        ("import os; os.kill(os.getpid(), 11)", "made its parser crash (SIGSEGV)"),
        ("import os; os._exit(3)", "made its parser stop (exit status 3)"),
        ("raise KeyError('a\\nb')", "cannot be parsed as bad (KeyError"),
        ("return read(data, source=source)", "cannot be parsed as bad (RecursionError"),
        ("while True: pass", "took more than 1 s of processor time"),
        ("return Document(source=source, title='', text=' ', blocks=())", "holds no text"),
        (
            "return Document(source=source, title='', text='x', blocks=(Block(kind='code', start=0, end=9),))",
            "nonsense",
        ),
        (
            "return Document(source=source, title='', text='x', blocks=(Block(kind='evil', start=0, end=1),))",
            "nonsense",
        ),
        ("raise ImportError('No module named lxml')", "install the packages"),
    ],
)
def test_a_reader_that_fails_costs_one_file(read_with: ReadWith, code: str, reason: str) -> None:
    bad, good = read_with(code)
    assert bad.status == "skipped"
    assert reason in bad.reason
    assert "\n" not in bad.reason
    assert good.status == "read"


def test_a_reader_that_waits_is_ended_at_the_wall_limit(read_with: ReadWith) -> None:
    bad, good = read_with("import time; time.sleep(60)", Limits(wall_seconds=1.0))
    assert "took longer than 1 s" in bad.reason
    assert bad.seconds < 10
    assert good.status == "read"


def test_memory_is_limited(read_with: ReadWith) -> None:
    bad, good = read_with("return bytearray(3_000_000_000)", Limits(memory_bytes=1_000_000_000))
    assert "needs more than 1.0 GB of memory" in bad.reason
    assert good.status == "read"


def test_text_is_limited(read_with: ReadWith) -> None:
    code = "return Document(source=source, title='', text='x' * 5000, blocks=())"
    bad, good = read_with(code, Limits(text_characters=1000))
    assert "holds 5,000 characters, more than 1,000" in bad.reason
    assert good.status == "read"


def test_what_a_reader_prints_does_not_reach_the_pipe(read_with: ReadWith) -> None:
    noise = "print('{}'); import os; os.write(1, b'noise\\n'); "
    code = noise + "return Document(source=source, title='', text='x', blocks=())"
    first, second = read_with(code)
    assert (first.status, second.status) == ("read", "read")


def test_text_that_cannot_be_stored_is_cleaned(read_with: ReadWith) -> None:
    code = "return Document(source=source, title='\\ud800', text='a\\ud800\\x00b', blocks=())"
    first, _ = read_with(code)
    assert first.document is not None
    assert first.document.text == "a\ufffd b"
    first.document.title.encode()


def test_control_characters_are_replaced_one_for_one_and_names_are_one_short_line(read_with: ReadWith) -> None:
    names = "title='a\\n\\x1b[31m\\u202eb' + 'x' * 999, course='\\x07 C', page_labels={1: 'i\\n\\ni'}"
    more = "text='a\\x1b[2J\\x9bb\\n\\tc', blocks=(), warnings=tuple(f'w{n}\\x00' for n in range(99))"
    code = f"return Document(source=source, {names}, {more})"
    first, _ = read_with(code)
    assert first.document is not None
    assert first.document.text == "a [2J b\n\tc"
    assert first.document.title == "a [31m b" + "x" * (LONGEST_TITLE - 8)
    assert first.document.course == "C"
    assert first.document.page_labels == {1: "i i"}
    assert first.warnings[::20] == ("w0", "and 79 more remarks like these")


def test_blocks_are_limited(read_with: ReadWith) -> None:
    blocks = "tuple(Block(kind='code', start=n, end=n + 1) for n in range(9))"
    code = f"return Document(source=source, title='', text='x' * 9, blocks={blocks})"
    bad, good = read_with(code, Limits(blocks=8))
    assert "holds 9 paragraphs or lists, more than 8" in bad.reason
    assert good.status == "read"


def test_one_child_reads_many_files(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.txt").write_text(f"Lecture {number}.", encoding="utf-8")
    seen: list[tuple[int, int, str]] = []
    with DocumentReader() as reader:
        files = find_files([tmp_path])
        reader.read(files[0])
        assert reader._child is not None
        process = reader._child.pid
        results = [reader.read(file) for file in files]
        assert reader._child.pid == process
    assert reader._child is None
    assert sum(result.seconds for result in results) < 1.0
    progress = read_sources([tmp_path], course="C", progress=lambda *state: seen.append(state))
    courses = [result.document.course for result in progress if result.document]
    assert courses == ["C"] * 5
    assert seen == [(number, 5, f"{number}.txt") for number in range(5)]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("week1.pdf", b"\x89PNG\r\n\x1a\n" + bytes(100), "not a PDF (it is a PNG image)"),
        ("week1.pdf", b"just words", "not a PDF (it is text)"),
        ("week1.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 9, "damaged PDF"),
        ("a.pptx", b"%PDF-1.4 words", "not a PowerPoint file (it is a PDF)"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "encrypted or in the old format"),
        ("a.docx", b"PK\x03\x04" + bytes(100), "damaged Word file"),
        ("a.txt", b"\x7fELF" + bytes(200), "not text (it is a program)"),
        ("a.md", bytes(range(32)) * 50, "not text (it is binary data)"),
        ("a.txt", b" \n\x00\n", "is empty"),
        ("a.ipynb", b"{not json", "not a Jupyter notebook"),
        ("a.ipynb", b"[1, 2]", "not a Jupyter notebook"),
        ("a.html", b"<html><script>x()</script></html>", "holds no text"),
    ],
)
def test_lying_and_damaged_files_are_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    result = read_file(path)
    assert result.status == "skipped"
    assert reason in result.reason
    assert "\n" not in result.reason


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    member = "ppt/presentation.xml"
    bomb = archive(tmp_path / "bomb.pptx", {member: b"x", "ppt/media/a.bin": bytes(60 << 20)})
    assert "as a ZIP bomb does" in read_file(bomb).reason
    other = archive(tmp_path / "other.pptx", {"word/document.xml": b"x"})
    assert "without ppt/presentation.xml" in read_file(other).reason
    lie = archive(tmp_path / "lie.docx", {"word/document.xml": b"not xml"})
    assert "cannot be parsed as Word" in read_file(lie).reason


def test_a_file_that_changed_after_it_was_found_has_the_hash_of_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before", encoding="utf-8")
    (found,) = find_files([tmp_path])
    path.write_text("after", encoding="utf-8")
    result = read_file(found)
    assert result.sha256 == find_files([tmp_path])[0].sha256 != found.sha256
    path.unlink()
    assert "cannot be opened" in read_file(found).reason


def test_limits_are_checked() -> None:
    with pytest.raises(ValueError, match=r"Limits\.wall_seconds is 0"):
        Limits(wall_seconds=0)


def test_the_reply_of_a_child_is_not_trusted() -> None:
    sound = {"title": "T", "text": "abc", "blocks": [], "course": "", "page_labels": {}, "warnings": []}
    assert document_from_json(json.loads(json.dumps(sound)), source="a").text == "abc"
    for broken in (
        {"text": None},
        {"text": "\x1b"},
        {"title": "x" * (LONGEST_TITLE + 1)},
        {"course": "a\nb"},
        {"blocks": [["code", 2, 1, 0, None, None, None]]},
        {"blocks": [["code", 0, 2, 0, None, None, None], ["code", 1, 3, 0, None, None, None]]},
        {"blocks": [["code", 0, "2", 0, None, None, None]]},
    ):
        with pytest.raises((ValueError, TypeError)):
            document_from_json({**sound, **broken}, source="a")
