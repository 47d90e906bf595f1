"""What is let in of an upload: kinds, names, sizes and number of files, and what is in archives."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest
from small_stores import OWLS
from upload_samples import archive, written

from tutor.ui import receiving
from tutor.ui.receiving import Rejected, name_fault, receive


def received(tmp_path: Path, *paths: Path) -> tuple[list[str], dict[str, str]]:
    """Names that were let in, and the reasons of those that were not."""
    folder = tmp_path / "received"
    folder.mkdir()
    found = receive(paths, folder)
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert there == sorted(found.files)
    return there, {one.name: one.reason for one in found.rejected}


def test_files_and_what_is_in_archives_come_in_and_others_are_named_with_the_reason(
    tmp_path: Path, inbox: Path
) -> None:
    members: dict[str, str | bytes] = {"week 1/owls.txt": "owl", "week 1/": "", "__MACOSX/._a": "x", ".DS_Store": "x"}
    bad: dict[str, str | bytes] = {"old.ppt": "x", "empty.md": "", "inner.zip": b"PK"}
    files = [
        written(inbox / "gates.md", "# Gates"),
        written(inbox / "film.mp4", "x"),
        archive(inbox / "week.zip", {**members, **bad}),
    ]
    names, rejected = received(tmp_path, *files, inbox / "gone.md")
    assert names == ["gates.md", "week 1/owls.txt"]
    assert set(rejected) == {"film.mp4", "gone.md", "week.zip", *(f"week.zip: {name}" for name in bad)}
    assert "save it as .pptx" in rejected["week.zip: old.ppt"]
    assert "archive inside an archive" in rejected["week.zip: inner.zip"]
    assert "2 hidden files" in rejected["week.zip"]


def test_a_line_break_that_a_browser_sent_in_a_name_is_a_space(tmp_path: Path, inbox: Path) -> None:
    paths = [written(inbox / name, "x") for name in ("line%0D%0Abreak 5%0x.md", "a%0A.mp4")]
    files, rejected = received(tmp_path, *paths)
    assert (files, [*rejected]) == (["line break 5%0x.md"], ["a .mp4"])


@pytest.mark.parametrize(
    "name",
    ["../a.md", "/a.md", "a/../../b.md", "..\\a.md", "C:a.md", "a//b.md", "./a.md", "a\u202e.md", "a\n.md", ".a.md",
     "a/.b/c.md", "x" * 300 + ".md", "/".join("abcdefghi") + ".md"],
)  # fmt: skip
def test_no_name_leads_out_of_the_folder_or_hides(name: str, tmp_path: Path, inbox: Path) -> None:
    assert name_fault(name)
    files, rejected = received(tmp_path, archive(inbox / "a.zip", {name: "text"}))
    assert files == []
    assert rejected
    assert {path.name for path in tmp_path.iterdir()} == {"inbox", "received"}


def test_links_devices_and_encrypted_members_are_not_unpacked(tmp_path: Path, inbox: Path) -> None:
    link, locked = zipfile.ZipInfo("link.md"), zipfile.ZipInfo("locked.md")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(inbox / "a.zip", "w") as opened:
        opened.writestr(link, "/etc/passwd")
        opened.writestr(locked, "secret")
    data = (inbox / "a.zip").read_bytes()
    at = data.rindex(b"PK\x01\x02")
    (inbox / "a.zip").write_bytes(data[: at + 8] + b"\x01" + data[at + 9 :])
    files, rejected = received(tmp_path, inbox / "a.zip", archive(inbox / "b.zip", {"a.md": "x"}, zipfile.ZIP_BZIP2))
    assert files == []
    assert "link or device" in rejected["a.zip: link.md"]
    assert "encrypted" in rejected["a.zip: locked.md"]
    assert "ordinary ZIP" in rejected["b.zip: a.md"]


def test_bombs_and_damaged_archives_are_refused(tmp_path: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "MOST_FILES", 20)
    large = archive(inbox / "large.zip", {"a.txt": b"\0" * 60_000_000})
    many = archive(inbox / "many.zip", {f"{n}.txt": "x" for n in range(21)})
    false = written(inbox / "false.zip", "no archive")
    cut = written(inbox / "cut.zip", archive(inbox / "a.zip", {"a.md": OWLS * 50}).read_bytes()[:-30])
    data = bytearray(archive(inbox / "b.zip", {"b.md": OWLS}, zipfile.ZIP_STORED).read_bytes())
    data[data.index(b"turns")] ^= 1
    torn = written(inbox / "torn.zip", bytes(data))
    files, rejected = received(tmp_path, large, many, false, cut, torn)
    assert files == []
    assert "ZIP bomb" in rejected["large.zip"]
    assert "21 files" in rejected["many.zip"]
    assert "not a readable ZIP" in rejected["false.zip"]
    assert "ZIP archive" in rejected["cut.zip"]
    assert "damaged" in rejected["torn.zip: b.md"]


def test_an_archive_that_lies_about_its_sizes_brings_in_no_more_than_it_says(tmp_path: Path, inbox: Path) -> None:
    path = archive(inbox / "a.zip", {"a.txt": b"x" * 1_000_000})
    small = (100).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace((1_000_000).to_bytes(4, "little"), small))
    files, rejected = received(tmp_path, path)
    assert files == []
    assert "damaged" in rejected["a.zip: a.txt"]


def test_a_list_of_contents_that_would_fill_the_memory_is_not_read(tmp_path: Path, inbox: Path) -> None:
    tail = b"PK\x05\x06" + b"\0" * 8 + (5_000_000).to_bytes(4, "little") + b"\0" * 6
    wide = b"PK\x06\x07" + b"\0" * 16 + b"PK\x05\x06" + b"\0" * 18
    _, rejected = received(tmp_path, written(inbox / "a.zip", b"x" * 99 + tail), written(inbox / "b.zip", wide))
    assert all("too many" in reason for reason in rejected.values())
    assert len(rejected) == 2


def test_number_and_size_have_limits(tmp_path: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "MOST_FILES", 2)
    monkeypatch.setattr(receiving, "LARGEST_FILE", 50)
    monkeypatch.setattr(receiving, "LARGEST_UNPACKED", 60)
    sizes = {"a.md": 51, "b.md": 50, "c.md": 11, "d.md": 10, "e.md": 1}
    files, rejected = received(tmp_path, *(written(inbox / name, "x" * size) for name, size in sizes.items()))
    assert files == ["b.md", "d.md"]
    assert [rejected[name].split(";")[0] for name in ("a.md", "c.md", "e.md")] == [
        "is larger than 0 MB",
        "does not fit into the 0 MB of one upload",
        "is more than the 2 files of one upload",
    ]


def test_names_that_meet_are_told(tmp_path: Path, inbox: Path) -> None:
    files, rejected = received(
        tmp_path,
        written(inbox / "a.md", "one"),
        archive(inbox / "b.zip", {"a.md": "two", "a.md/c.md": "three"}),
    )
    assert files == ["a.md"]
    assert all("rename" in rejected[f"b.zip: {name}"] for name in ("a.md", "a.md/c.md"))


def test_a_reason_names_no_place_on_the_disk(tmp_path: Path) -> None:
    gone = Rejected(name="a.md", reason="is no longer there; upload it again")
    assert receive([tmp_path / "gone" / "a.md"], tmp_path).rejected == (gone,)
