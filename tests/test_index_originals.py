from pathlib import Path

import pytest
from fake_embedder import FakeEmbedder

from index.build import build
from index.database import Source
from index.originals import original_file
from index.store import Store
from index.uploads import UPLOADED, uploads_folder


def source(name: str, root: Path | str, course: str = "c") -> Source:
    return Source(course=course, source=name, root=str(root))


def test_a_file_is_found_in_the_folder_that_was_named(tmp_path: Path) -> None:
    file = tmp_path / "week1" / "a.pdf"
    file.parent.mkdir()
    file.write_text("x")
    store = tmp_path / "store"
    assert original_file(store, source("week1/a.pdf", tmp_path)) == file
    assert original_file(store, source("a.pdf", file)) == file
    assert original_file(store, source(f"{tmp_path.name}/week1/a.pdf", tmp_path)) == file
    assert original_file(store, source("gone.pdf", tmp_path)) is None
    assert original_file(store, source("a.pdf", "")) is None


def test_an_upload_is_found_beside_the_store(tmp_path: Path) -> None:
    store = tmp_path / "store"
    file = uploads_folder(store) / "My course" / "a.pdf"
    file.parent.mkdir(parents=True)
    file.write_text("x")
    assert original_file(store, source("a.pdf", UPLOADED, "My course")) == file
    assert original_file(store, source("uploads/a.pdf", UPLOADED, "My course")) == file
    assert original_file(store, source("a.pdf", UPLOADED, "Another")) is None


@pytest.mark.parametrize("name", ["../secret.pdf", "/etc/passwd", "link.pdf"])
def test_nothing_outside_of_the_folder_is_found(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.pdf").write_text("x")
    root = tmp_path / "slides"
    root.mkdir()
    (root / "link.pdf").symlink_to(tmp_path / "secret.pdf")
    assert original_file(tmp_path / "store", source(name, root)) is None


def test_a_store_knows_the_file_of_a_passage(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("# Gates\n\nA gate opens and closes.\n", encoding="utf-8")
    build([notes], tmp_path / "store", embedder=FakeEmbedder())
    with Store.open(tmp_path / "store", embedder=FakeEmbedder()) as store:
        (passage,) = store.passages()
        found = store.original(passage)
        assert found is not None
        assert found[0] == notes / "a.md"
        assert found[1] == store.sources()[0].sha256
        (notes / "a.md").unlink()
        assert store.original(passage) is None
