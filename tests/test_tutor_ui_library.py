"""Lectures that come in over the page: what is let in, what is kept, what a change does, and what a failure leaves."""

from __future__ import annotations

import json
import os
import signal
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from fake_embedder import FakeEmbedder
from fake_tutor import FakeTutor

from index.build import build
from index.generation import writing
from index.paths import shipped_lectures
from index.progress import Stages
from index.store import Store
from index.uploads import uploads_folder
from tutor.ui import receiving
from tutor.ui.library import Difference, Library, Status, check_course
from tutor.ui.loading import Loading
from tutor.ui.rebuilding import LibraryError, build_apart, changing
from tutor.ui.receiving import Rejected, name_fault, receive
from tutor.ui.shelf import fault_json, library_json, status_json

OWLS = "# Owls\n\nAn owl turns its head because its eyes do not move.\n"


def rebuild(store: Path, progress: Stages) -> None:
    build((), store, progress=progress, embedder=FakeEmbedder())


def fail(store: Path, progress: Stages) -> None:
    raise OSError(28, "No space left on device")


def die(store: Path, progress: Stages) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for_file(gate: Path, store: Path, progress: Stages) -> None:
    progress("reading", 0, 1)
    while not gate.exists():
        threading.Event().wait(0.02)
    rebuild(store, progress)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "gates.md").write_text("# Gates\n\nThe forget gate keeps or drops the old state.\n", encoding="utf-8")
    path = tmp_path / "store"
    build([notes], path, embedder=FakeEmbedder())
    return path


@pytest.fixture
def loading(store: Path) -> Iterator[Loading]:
    with Store.open(store, embedder=FakeEmbedder()) as opened:
        tutor = Loading(lambda: FakeTutor(store=opened))
        tutor.start()
        tutor.get()
        yield tutor
        tutor.get().store.close()


@pytest.fixture
def library(store: Path, loading: Loading) -> Library:
    return Library(loading, store, uploads=True, work=rebuild)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def archive(path: Path, members: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return path


def received(tmp_path: Path, *paths: Path) -> tuple[list[str], dict[str, str]]:
    """Names that were let in, and the reasons of those that were not."""
    folder = tmp_path / "received"
    folder.mkdir()
    found = receive(paths, folder)
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert there == sorted(found.files)
    return there, {one.name: one.reason for one in found.rejected}


def texts(loading: Loading) -> str:
    return "\n".join(passage.text for passage in loading.get().store.passages())


def kept(store: Path) -> list[str]:
    folder = uploads_folder(store)
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if name != ".lock")


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


def test_an_upload_is_indexed_and_the_difference_told(
    library: Library, loading: Loading, store: Path, inbox: Path
) -> None:
    before = loading.get().store
    files = [
        written(inbox / "owls.md", OWLS),
        written(inbox / "broken.pdf", "%PDF-1.7 and nothing else"),
        written(inbox / "film.mp4", "x"),
    ]
    library.add(files, " Night   birds ")
    status = library.wait()
    assert (status.busy, status.fault) == (False, "")
    assert status.difference is not None
    assert status.difference.added == (("Night birds", "owls.md"),)
    assert (status.difference.changed, status.difference.removed, status.difference.unchanged) == ((), (), 1)
    assert [one.name for one in status.difference.rejected] == ["film.mp4", "broken.pdf"]
    assert "eyes do not move" in texts(loading)
    assert "forget gate" in before.search("forget gate")[0].passage.text
    library.add(files[1:2], "Night birds")
    again = library.wait().difference
    assert again is not None
    assert [one.name for one in again.rejected] == ["broken.pdf"]
    assert [(one.course, one.source, one.origin) for one in library.documents()] == [
        ("Night birds", "broken.pdf", "uploaded"),
        ("Night birds", "owls.md", "uploaded"),
        ("notes", "gates.md", "folder"),
    ]
    assert kept(store) == ["Night birds/broken.pdf", "Night birds/owls.md"]
    assert library.health().faults == ()


def test_a_second_upload_of_the_same_name_replaces_the_first(library: Library, loading: Loading, inbox: Path) -> None:
    library.add([written(inbox / "owls.md", OWLS)], "Birds")
    library.wait()
    library.add([written(inbox / "owls.md", OWLS.replace("owl", "hawk"))], "BIRDS")
    found = library.wait().difference
    assert found is not None
    assert (found.added, found.changed, found.unchanged) == ((), (("Birds", "owls.md"),), 1)
    assert "hawk" in texts(loading)
    assert "owl turns" not in texts(loading)
    library.add([inbox / "owls.md"], "Birds")
    assert library.wait().difference == Difference(unchanged=2)


def test_an_upload_into_a_course_of_a_folder_stands_beside_its_files(library: Library, inbox: Path) -> None:
    library.add([written(inbox / "owls.md", OWLS)], "notes")
    found = library.wait().difference
    assert found is not None
    assert (found.added, found.removed, found.unchanged) == ((("notes", "owls.md"),), (), 1)


def test_what_was_uploaded_can_be_removed_and_nothing_else(
    library: Library, loading: Loading, store: Path, inbox: Path
) -> None:
    library.add([archive(inbox / "a.zip", {"week/owls.md": OWLS, "more.md": "# More\n\nA heron."})], "Birds")
    library.wait()
    library.remove("Birds", "week/owls.md")
    found = library.wait().difference
    assert found is not None
    assert (found.removed, found.unchanged) == ((("Birds", "week/owls.md"),), 2)
    assert "eyes do not move" not in texts(loading)
    assert kept(store) == ["Birds/more.md"]
    assert not (uploads_folder(store) / "Birds" / "week").exists()
    with pytest.raises(LibraryError, match="folder that it was read from"):
        library.remove("notes", "gates.md")
    with pytest.raises(LibraryError, match="any more"):
        library.remove("Birds", "../../store/CURRENT")
    (uploads_folder(store) / "Birds" / "more.md").unlink()
    library.remove("Birds", "more.md")
    assert library.wait().difference == Difference(removed=(("Birds", "more.md"),), unchanged=1)
    library.add([written(inbox / "broken.pdf", "%PDF-1.7 and nothing else")], "Birds")
    library.wait()
    library.remove("Birds", "broken.pdf")
    assert library.wait().difference == Difference(removed=(("Birds", "broken.pdf"),), unchanged=1)


def test_what_ships_is_known_and_stays(tmp_path: Path) -> None:
    store = tmp_path / "store"
    build([min(shipped_lectures().glob("*.md"))], store, embedder=FakeEmbedder())
    with Store.open(store, embedder=FakeEmbedder()) as opened:
        loading = Loading(lambda: FakeTutor(store=opened))
        loading.start()
        library = Library(loading, store, uploads=True, work=rebuild)
        (only,) = library.documents()
        assert only.origin == "shipped"
        with pytest.raises(LibraryError, match="shipped lectures"):
            library.remove(only.course, only.source)


def test_the_only_document_stays(tmp_path: Path) -> None:
    store = tmp_path / "store"
    folder = uploads_folder(store) / "Birds"
    folder.mkdir(parents=True)
    written(folder / "owls.md", OWLS)
    build([], store, embedder=FakeEmbedder())
    with Store.open(store, embedder=FakeEmbedder()) as opened:
        loading = Loading(lambda: FakeTutor(store=opened))
        loading.start()
        with pytest.raises(LibraryError, match="only document"):
            Library(loading, store, uploads=True, work=rebuild).remove("Birds", "owls.md")


@pytest.mark.parametrize(("work", "reason"), [(fail, "No space left"), (die, "inside the program")])
def test_a_build_that_fails_leaves_index_and_uploads_as_they_were(
    work: Callable[[Path, Stages], None], reason: str, library: Library, loading: Loading, store: Path, inbox: Path
) -> None:
    library.add([written(inbox / "owls.md", OWLS)], "Birds")
    library.wait()
    generation, before = loading.get().store.generation, texts(loading)
    failing = Library(loading, store, uploads=True, work=work)
    changed = [written(inbox / "owls.md", "# Owls\n\nChanged."), written(inbox / "new.md", "# New")]
    for begin in (
        lambda: failing.add(changed, "Birds"),
        lambda: failing.add(changed, "Other"),
        lambda: failing.remove("Birds", "owls.md"),
    ):
        begin()
        status = failing.wait()
        assert reason in status.fault
        assert "\n" not in status.fault
        assert status.difference is None
        assert (loading.get().store.generation, texts(loading)) == (generation, before)
        assert kept(store) == ["Birds/owls.md"]
        assert (uploads_folder(store) / "Birds" / "owls.md").read_text(encoding="utf-8") == OWLS


def test_one_change_at_a_time_while_the_old_index_answers(
    loading: Loading, store: Path, inbox: Path, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    library = Library(loading, store, uploads=True, work=partial(wait_for_file, gate))
    library.add([written(inbox / "owls.md", OWLS)], "Birds")
    try:
        while library.status.stage != "reading":
            assert library.status.busy
            threading.Event().wait(0.02)
        with pytest.raises(LibraryError, match="wait until that has finished"):
            library.add([inbox / "owls.md"], "Birds")
        other = Library(loading, store, uploads=True, work=rebuild)
        other.add([inbox / "owls.md"], "Birds")
        assert "another page" in other.wait().fault
        assert "forget gate" in loading.get().store.search("forget gate")[0].passage.text
        assert "eyes do not move" not in texts(loading)
    finally:
        gate.touch()
    assert library.wait().fault == ""
    assert "eyes do not move" in texts(loading)


def test_a_build_by_somebody_else_is_one_line_and_changes_nothing(library: Library, store: Path, inbox: Path) -> None:
    with writing(store):
        library.add([written(inbox / "owls.md", OWLS)], "Birds")
        fault = library.wait().fault
    assert "another build is writing to the index" in fault
    assert str(store) not in fault
    assert kept(store) == []
    library.add([inbox / "owls.md"], "Birds")
    assert library.wait().fault == ""


def test_nothing_that_was_let_in_builds_nothing(library: Library, loading: Loading, inbox: Path) -> None:
    generation = loading.get().store.generation
    library.add([written(inbox / "film.mp4", "x")], "Birds")
    found = library.wait().difference
    assert found is not None
    assert (found.added, len(found.rejected)) == ((), 1)
    assert loading.get().store.generation == generation


def test_a_page_without_uploads_changes_nothing(loading: Loading, store: Path, inbox: Path) -> None:
    library = Library(loading, store, uploads=False, work=rebuild)
    with pytest.raises(LibraryError, match="--uploads"):
        library.add([written(inbox / "owls.md", OWLS)], "Birds")
    assert not uploads_folder(store).exists()


def test_courses_have_names_that_can_be_folders() -> None:
    assert check_course(" Maschinelles  Lernen: Übung (2) ", ()) == "Maschinelles Lernen: Übung (2)"
    assert check_course("birds", ("Birds",)) == "Birds"
    for name in ("", "  ", ".", "..", "../x", "a/b", "a\\b", "a\0b", "-a", "<b>", "x" * 61):
        with pytest.raises(LibraryError):
            check_course(name, ())


def test_a_folder_where_a_file_should_go_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    (folder / "Birds" / "owls.md").mkdir(parents=True)
    (folder / "Birds" / "owls.md" / "a.md").write_text("x", encoding="utf-8")
    (folder / "Birds" / "file").write_text("x", encoding="utf-8")

    def put(name: str) -> None:
        with changing(folder) as change:
            (change.incoming / name).parent.mkdir(exist_ok=True)
            (change.incoming / name).write_text("new", encoding="utf-8")
            change.put("Birds", name)

    for name in ("owls.md", "file/a.md"):
        with pytest.raises(LibraryError, match="rename"):
            put(name)
    assert not list(folder.glob(".change-*"))


def test_what_a_killed_change_left_is_tidied_up(tmp_path: Path) -> None:
    (tmp_path / ".change-x").mkdir()
    (tmp_path / ".change-x" / "old-0").write_text("x", encoding="utf-8")
    with changing(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_progress_comes_from_the_other_process(store: Path) -> None:
    folder = uploads_folder(store) / "Birds"
    folder.mkdir(parents=True)
    (folder / "owls.md").write_text(OWLS, encoding="utf-8")
    seen: list[tuple[str, int, int]] = []
    build_apart(rebuild, store, lambda *step: seen.append(step))
    assert {stage for stage, _, _ in seen} == {"reading", "embedding passages", "embedding sentences"}
    assert all(0 <= done <= total for _, done, total in seen)


def test_the_page_gets_json(library: Library, loading: Loading, inbox: Path) -> None:
    library.add([written(inbox / "owls.md", OWLS), written(inbox / "a\x07.md", "x")], "Birds")
    status = json.loads(status_json(library.wait()))
    assert status["difference"]["added"] == [["Birds", "owls.md"]]
    assert status["difference"]["rejected"][0][0] == "a\ufffd.md"
    listed = json.loads(library_json(library, loading, library.health()))
    assert (listed["generation"], listed["uploads"], listed["health"]["faults"]) == ("000002", True, [])
    assert [one["source"] for one in listed["documents"]] == ["owls.md", "gates.md"]
    assert json.loads(status_json(Status()))["difference"] is None
    assert json.loads(fault_json(LibraryError("name  it"))) == {"fault": "Name it"}


def test_a_damaged_store_is_told_without_its_place(library: Library, loading: Loading, store: Path) -> None:
    generation = store / "generations" / loading.get().store.generation
    with (generation / "sentences.npy").open("r+b") as file:
        file.write(b"x")
    (line,) = library.health().faults
    assert "damaged" in line
    assert str(store) not in line


def test_a_reason_names_no_place_on_the_disk(tmp_path: Path) -> None:
    gone = Rejected(name="a.md", reason="is no longer there; upload it again")
    assert receive([tmp_path / "gone" / "a.md"], tmp_path).rejected == (gone,)
