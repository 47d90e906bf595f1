from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from corpus.document import Locator
from corpus.files import MAX_FILE_BYTES, SourceError, find_files


def problems(sources: list[Path], max_bytes: int = MAX_FILE_BYTES) -> dict[str, str]:
    return {file.source: file.problem for file in find_files(sources, max_bytes=max_bytes)}


def write(path: Path, text: str = "Some text.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_folder_is_walked_in_order_with_hashes(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.md", "a/b/c.txt", "a.txt"):
        write(tmp_path / name, name)
    files = find_files([tmp_path])
    assert [file.source for file in files] == ["a.txt", "b.txt", "a/z.md", "a/b/c.txt"]
    assert all(file.sha256 == hashlib.sha256(file.source.encode()).hexdigest() for file in files)
    assert [file.size for file in files] == [len(file.source) for file in files]


def test_everything_left_out_is_listed_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    write(folder / "good.txt")
    write(folder / ".hidden" / "x.txt")
    write(folder / "~$lock.docx")
    write(folder / "old.ppt")
    write(folder / "picture.png")
    write(folder / "LICENSE")
    write(folder / "empty.md", "")
    write(folder / "huge.txt", "x" * 100)
    write(tmp_path / "secret.txt")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "lost.txt").symlink_to(tmp_path / "nothing")
    (folder / "loop").symlink_to(folder)
    (folder / "self.md").symlink_to("self.md")
    os.mkfifo(folder / "pipe.txt")
    found = problems([folder], max_bytes=50)
    assert found.pop("good.txt") == ""
    expected = {
        ".hidden": "hidden",
        "~$lock.docx": "hidden",
        "old.ppt": "save it as .pptx",
        "picture.png": "no kind of file that can be read (.png)",
        "LICENSE": "no suffix",
        "empty.md": "is empty",
        "huge.txt": "split it",
        "out.txt": "out of the folder",
        "lost.txt": "leads nowhere",
        "loop": "link to a folder",
        "self.md": "leads nowhere",
        "pipe.txt": "no ordinary file",
    }
    assert found.keys() == expected.keys()
    for name, words in expected.items():
        assert words in found[name], name
        assert "\n" not in found[name]


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    sources = [tmp_path / "rnn", tmp_path / "lstm", tmp_path / "x" / "lstm"]
    for source in sources:
        write(source / "notes.md", str(source))
    names = [file.source for file in find_files(sources)]
    assert names[:2] == ["notes.md", "lstm/notes.md"]
    assert len(set(names)) == 3
    single = [write(tmp_path / name / "week1.txt", name) for name in ("p", "q")]
    assert [file.source for file in find_files(single)] == ["week1.txt", "q/week1.txt"]


def test_one_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt")
    (tmp_path / "b.txt").symlink_to(path)
    files = find_files([tmp_path, path])
    assert [file.path for file in files if not file.problem] == [path]
    assert all("same file as a.txt" in file.problem for file in files if file.path != path or file.source != "a.txt")


def test_a_name_with_line_ends_is_told_in_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a\nread b.txt")
    (tmp_path / "c.txt").symlink_to(path)
    assert problems([tmp_path])["c.txt"] == "is the same file as a?read b.txt"
    assert Locator(source="a\x1b[2J\n.txt", start=0, end=1, page=3).describe() == "a?[2J?.txt, page 3"


def test_a_missing_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file or folder"):
        find_files([tmp_path / "nothing"])


def test_a_folder_with_nothing_to_read_says_so(tmp_path: Path) -> None:
    write(tmp_path / "picture.png")
    found = problems([tmp_path])
    assert "holds no new file that can be read; readable are .pdf" in found[tmp_path.name]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_without_permission_is_listed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt")
    path.chmod(0)
    assert "check its permissions" in problems([tmp_path])["a.txt"]


def test_names_that_are_not_utf8_are_found(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    Path(os.fsdecode(path)).write_text("Some text.", encoding="utf-8")
    (file,) = find_files([tmp_path])
    assert file.source == "caf\ufffd.txt"
    assert file.sha256
