"""Uploads stand beside a store: every build reads them along, and no build of something else drops them."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_embedder import FakeEmbedder
from small_stores import GATES, build_store

from index.build import build
from index.catalogue import SourceInfo
from index.check import faults
from index.errors import StoreError
from index.report import BuildReport
from index.store import Store
from index.uploads import find_uploads, uploads_folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return build_store(tmp_path, GATES)


@pytest.fixture
def notes(store: Path) -> Path:
    """The folder that the store was built from."""
    return store.parent / "notes"


def upload(store: Path, course: str, name: str, text: str) -> Path:
    path = uploads_folder(store) / course / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def sources_of(store: Path) -> dict[tuple[str, str], SourceInfo]:
    with Store.open(store, embedder=FakeEmbedder()) as opened:
        return {(one.course, one.source): one for one in opened.sources()}


def built(store: Path, *sources: Path, course: str = "") -> BuildReport:
    report = build(sources, store, course=course, embedder=FakeEmbedder())
    assert list(faults(store, embedder=FakeEmbedder())) == []
    return report


def test_the_uploads_of_the_default_store_lie_beside_it_and_those_of_another_under_its_name(tmp_path: Path) -> None:
    assert uploads_folder(tmp_path / ".glassbox" / "store") == tmp_path / ".glassbox" / "uploads"
    assert uploads_folder(tmp_path / "birds") == tmp_path / "birds-uploads"
    assert find_uploads(tmp_path / "birds") == []


def test_a_build_without_sources_reads_the_uploads_and_keeps_the_rest(store: Path, notes: Path) -> None:
    path = upload(store, "Birds", "night/owls.md", "# Owls\n\nAn owl turns its head.\n")
    upload(store, "notes", "more.md", "# More\n\nThe input gate takes in.\n")
    report = built(store)
    assert {(file.course, file.source, file.status) for file in report.files} == {
        ("Birds", "night/owls.md", "read"),
        ("notes", "more.md", "read"),
    }
    found = sources_of(store)
    assert {key: one.uploaded for key, one in found.items()} == {
        ("Birds", "night/owls.md"): True,
        ("notes", "gates.md"): False,
        ("notes", "more.md"): True,
    }
    assert found["Birds", "night/owls.md"].path == path
    assert found["notes", "gates.md"].path == notes / "gates.md"


def test_uploads_outlive_builds_of_their_course_and_of_others_and_builds_by_force(store: Path, notes: Path) -> None:
    upload(store, "notes", "more.md", "# More\n\nThe input gate takes in.\n")
    built(store)
    assert not built(store).changed
    assert not built(store, notes).changed
    (notes / "gates.md").write_text("# Gates\n\nThe reset gate.\n", encoding="utf-8")
    assert {file.status for file in built(store, notes).files} == {"read", "unchanged"}
    assert set(sources_of(store)) == {("notes", "gates.md"), ("notes", "more.md")}
    (store / "CURRENT").write_text("damaged", encoding="utf-8")
    build([notes], store, force=True, embedder=FakeEmbedder())
    assert set(sources_of(store)) == {("notes", "gates.md"), ("notes", "more.md")}


def test_an_upload_that_is_gone_goes_and_one_that_was_changed_is_read_again(store: Path) -> None:
    more = upload(store, "Birds", "more.md", "# More\n\nA hawk.\n")
    owls = upload(store, "Birds", "owls.md", "# Owls\n\nAn owl.\n")
    built(store)
    owls.unlink()
    more.write_text("# More\n\nA heron.\n", encoding="utf-8")
    assert {(file.source, file.status) for file in built(store).files} == {("owls.md", "removed"), ("more.md", "read")}
    with Store.open(store, embedder=FakeEmbedder()) as opened:
        assert "heron" in opened.search("heron")[0].passage.text


def test_an_upload_named_as_another_file_of_its_course_stands_beside_it(store: Path, notes: Path) -> None:
    path = upload(store, "notes", "gates.md", "# Gates\n\nThe forget gate keeps or drops the old state.\n")
    built(store)
    built(store, notes)
    found = sources_of(store)
    assert set(found) == {("notes", "gates.md"), ("notes", "uploads/gates.md")}
    assert found["notes", "uploads/gates.md"].path == path


def test_store_and_uploads_may_move_together(store: Path, tmp_path: Path) -> None:
    upload(store, "Birds", "owls.md", "# Owls\n\nAn owl.\n")
    built(store)
    other = tmp_path / "other"
    other.mkdir()
    moved = store.rename(other / "store")
    uploads_folder(store).rename(uploads_folder(moved))
    assert not built(moved).changed
    assert sources_of(moved)["Birds", "owls.md"].path == uploads_folder(moved) / "Birds" / "owls.md"


def test_uploads_that_cannot_be_read_do_not_stop_a_build_and_are_told(store: Path, notes: Path) -> None:
    upload(store, "Birds", "film.mp4", "x")
    upload(store, "Birds", "broken.pdf", "%PDF-1.7 and nothing else")
    report = built(store, notes)
    assert {file.source for file in report.files if file.status == "skipped"} == {"film.mp4", "broken.pdf"}
    assert all(file.reason for file in report.files if file.status == "skipped")


def test_folders_that_are_hidden_or_linked_and_files_beside_them_are_no_uploads(store: Path, notes: Path) -> None:
    upload(store, ".work", "owls.md", "# Owls\n\nAn owl.\n")
    uploads_folder(store).joinpath("linked").symlink_to(notes, target_is_directory=True)
    uploads_folder(store).joinpath("loose.md").write_text("# Loose", encoding="utf-8")
    uploads_folder(store).joinpath("Empty").mkdir()
    assert find_uploads(store) == []
    assert not built(store).changed


def test_the_last_document_cannot_go(tmp_path: Path) -> None:
    store = tmp_path / "birds"
    owls = upload(store, "Birds", "owls.md", "# Owls\n\nAn owl.\n")
    built(store)
    owls.unlink()
    with pytest.raises(StoreError, match="nothing to index"):
        build([], store, embedder=FakeEmbedder())
    assert set(sources_of(store)) == {("Birds", "owls.md")}
