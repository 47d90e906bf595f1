"""Lectures that come in over the page: what is kept, what a change does, and what a failure leaves."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from fake_embedder import FakeEmbedder
from fake_tutor import FakeTutor
from small_stores import GATES, OWLS, build_store
from upload_samples import archive, die, fail, rebuild, wait_for_file, written

from index.build import build
from index.generation import writing
from index.paths import shipped_lectures
from index.progress import Stages
from index.store import Store
from index.uploads import uploads_folder
from tutor.ui.library import Difference, Library, Status, check_course
from tutor.ui.loading import Loading
from tutor.ui.rebuilding import LibraryError
from tutor.ui.shelf import fault_json, library_json, status_json


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return build_store(tmp_path, GATES)


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


def texts(loading: Loading) -> str:
    return "\n".join(passage.text for passage in loading.get().store.passages())


def kept(store: Path) -> list[str]:
    folder = uploads_folder(store)
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if name != ".lock")


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
    (broken,) = again.rejected
    assert (broken.name, broken.reason.endswith("; not kept")) == ("broken.pdf", True)
    assert [(one.course, one.source, one.origin) for one in library.documents()] == [
        ("Night birds", "owls.md", "uploaded"),
        ("notes", "gates.md", "folder"),
    ]
    assert kept(store) == ["Night birds/owls.md"]
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


def test_a_file_that_cannot_be_read_does_not_replace_one_that_could(
    library: Library, loading: Loading, store: Path, inbox: Path
) -> None:
    library.add([written(inbox / "owls.md", OWLS)], "Birds")
    library.wait()
    generation = loading.get().store.generation
    library.add([written(inbox / "owls.md", b"\x00" * 5_000)], "Birds")
    found = library.wait().difference
    assert found is not None
    assert (found.added, found.changed, found.removed, found.unchanged) == ((), (), (), 2)
    assert [one.reason.endswith("; not kept, the earlier file of this name stays") for one in found.rejected] == [True]
    assert loading.get().store.generation == generation
    library.add([inbox / "owls.md", written(inbox / "more.md", "# More\n\nA heron stands.")], "Birds")
    found = library.wait().difference
    assert found is not None
    assert (found.added, found.unchanged, len(found.rejected)) == ((("Birds", "more.md"),), 2, 1)
    assert "eyes do not move" in texts(loading)
    assert kept(store) == ["Birds/more.md", "Birds/owls.md"]
    assert (uploads_folder(store) / "Birds" / "owls.md").read_text(encoding="utf-8") == OWLS
    assert library.health().faults == ()


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
    broken = uploads_folder(store) / "Birds" / "broken.pdf"
    broken.parent.mkdir()
    written(broken, "%PDF-1.7 and nothing else")
    build([], store, embedder=FakeEmbedder())
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
