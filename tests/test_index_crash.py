"""A build that fails, and files that rot: the old index answers or the new one does, and damage can be mended. What a
store survives at every moment and with every bit is tried in `tests/battery`."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_embedder import FakeEmbedder

from index.build import build
from index.check import faults, main
from index.errors import StoreError
from index.generation import GENERATIONS, current_generation
from index.manifest import FILES, MANIFEST
from index.store import Store

STEPS = ("written", "manifest", "flushed", "renamed", "verified", "published")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "gates.md").write_text("# Gates\n\nThe forget gate keeps or drops the old state.\n", encoding="utf-8")
    return folder


@pytest.fixture
def store(notes: Path, tmp_path: Path) -> Path:
    path = tmp_path / "store"
    build([notes], path, embedder=FakeEmbedder())
    return path


def answer(store: Path, query: str) -> str:
    with Store.open(store, embedder=FakeEmbedder()) as opened:
        return opened.search(query, k=1)[0].passage.text


@pytest.mark.parametrize("step", STEPS)
def test_a_build_that_fails_leaves_no_litter(step: str, notes: Path, store: Path) -> None:
    def fail(reached: str) -> None:
        if reached == step:
            raise OSError(28, "No space left on device")

    (notes / "gates.md").write_text("# Gates\n\nThe reset gate replaced it.\n", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            build([notes], store, embedder=FakeEmbedder(), force=True, fail_point=fail)
        left = sorted(path.name for path in (store / GENERATIONS).iterdir())
        assert len(left) == (2 if step == "published" else 1)
        assert current_generation(store).directory.name == left[-1]
        assert ("reset" if step == "published" else "forget") in answer(store, "gate")
    assert sorted(path.name for path in store.iterdir()) == ["CURRENT", "generations", "lock"]


@pytest.mark.parametrize("name", [*FILES, MANIFEST, "CURRENT"])
def test_a_file_that_is_missing_or_damaged_is_made_anew_by_force_alone(
    name: str, notes: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = store / name if name == "CURRENT" else current_generation(store).directory / name
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(StoreError, match="--force"):
        build([notes], store, embedder=FakeEmbedder())
    build([notes], store, embedder=FakeEmbedder(), force=True)
    (store / name if name == "CURRENT" else current_generation(store).directory / name).unlink()
    with pytest.raises(StoreError, match=r"run: python -m index\.build --store"):
        Store.open(store, embedder=FakeEmbedder())
    assert main(["--store", str(store)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    build([notes], store, embedder=FakeEmbedder(), force=True)
    assert "forget" in answer(store, "gate")
    assert list(faults(store, embedder=FakeEmbedder())) == []


@pytest.mark.parametrize("name", ["vectors.faiss", MANIFEST, "CURRENT"])
def test_force_keeps_the_other_courses_of_a_damaged_store(name: str, notes: Path, store: Path, tmp_path: Path) -> None:
    birds = tmp_path / "birds"
    birds.mkdir()
    (birds / "owls.md").write_text("# Owls\n\nAn owl turns its head.\n", encoding="utf-8")
    for text in ("# Owls\n\nAn owl turns its head.\n", "# Owls\n\nAn owl sees in the dark.\n"):
        (birds / "owls.md").write_text(text, encoding="utf-8")
        build([birds], store, embedder=FakeEmbedder())
    path = store / name if name == "CURRENT" else current_generation(store).directory / name
    path.write_bytes(b"")
    build([birds], store, embedder=FakeEmbedder(), force=True)
    assert "forget" in answer(store, "gate")
    assert "dark" in answer(store, "owl")


def test_where_no_texts_are_left_the_lectures_have_to_be_named(store: Path) -> None:
    (current_generation(store).directory / "passages.sqlite").write_bytes(b"")
    with pytest.raises(StoreError, match="name its lectures"):
        build([], store, embedder=FakeEmbedder(), force=True)


def test_check_finds_a_passage_whose_id_is_not_its_content(notes: Path, store: Path) -> None:
    import hashlib
    import json
    import sqlite3

    generation = current_generation(store)
    database = generation.directory / "passages.sqlite"
    connection = sqlite3.connect(database)
    connection.execute("UPDATE passages SET text = replace(text, 'forget', 'reset!')")
    connection.commit()
    connection.close()
    manifest = json.loads((generation.directory / MANIFEST).read_text(encoding="utf-8"))
    manifest["files"][database.name]["sha256"] = hashlib.sha256(database.read_bytes()).hexdigest()
    manifest["files"][database.name]["bytes"] = database.stat().st_size
    text = json.dumps(manifest)
    (generation.directory / MANIFEST).write_text(text, encoding="utf-8")
    name = generation.directory.name
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    (store / "CURRENT").write_text(f"{name} {digest}\n", encoding="utf-8")
    assert any("should have the id" in fault for fault in faults(store, embedder=FakeEmbedder()))


def test_check_says_that_a_sound_store_is_sound(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(faults(store, embedder=FakeEmbedder())) == []
    assert main(["--store", str(store)]) == 0
    assert "is sound: 1 sources" in capsys.readouterr().out
