"""A build that dies, and files that rot: the old index answers or the new one does, and damage is never silent."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from fake_embedder import FakeEmbedder

from index.build import build
from index.check import faults, main
from index.errors import StoreError
from index.generation import GENERATIONS, TEMPORARY, current_generation
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


def build_and_die(notes: str, store: str, step: str) -> None:
    """Runs in a child process: ends it as kill -9 does when the build has come to `step`."""

    def die(reached: str) -> None:
        if reached == step:
            os.kill(os.getpid(), signal.SIGKILL)

    build([notes], store, embedder=FakeEmbedder(), fail_point=die)


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_build_leaves_an_index_that_answers_and_the_next_build_cleans_up(
    step: str, notes: Path, store: Path
) -> None:
    (notes / "gates.md").write_text("# Gates\n\nThe reset gate replaced it.\n", encoding="utf-8")
    child = multiprocessing.get_context("spawn").Process(target=build_and_die, args=(str(notes), str(store), step))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert ("reset" if step == "published" else "forget") in answer(store, "gate")
    assert list(faults(store, embedder=FakeEmbedder())) == []
    build([notes], store, embedder=FakeEmbedder())
    assert "reset" in answer(store, "gate")
    left = sorted(path.name for path in (store / GENERATIONS).iterdir())
    assert not any(name.startswith(TEMPORARY) for name in left)
    assert len(left) <= 2
    assert current_generation(store).directory.name == left[-1]


@pytest.mark.parametrize("step", STEPS[:-1])
def test_a_build_that_fails_publishes_nothing_and_leaves_no_litter(step: str, notes: Path, store: Path) -> None:
    def fail(reached: str) -> None:
        if reached == step:
            raise OSError(28, "No space left on device")

    before = (store / "CURRENT").read_bytes()
    (notes / "gates.md").write_text("# Gates\n\nThe reset gate replaced it.\n", encoding="utf-8")
    with pytest.raises(OSError, match="No space left"):
        build([notes], store, embedder=FakeEmbedder(), fail_point=fail)
    assert (store / "CURRENT").read_bytes() == before
    assert "forget" in answer(store, "gate")
    assert not list((store / GENERATIONS).glob(TEMPORARY + "*"))


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "bit flip":
        data[len(data) // 2] ^= 1
    elif how == "cut short":
        del data[len(data) // 2 :]
    elif how == "emptied":
        data.clear()
    path.write_bytes(data)
    if how == "missing":
        path.unlink()


@pytest.mark.parametrize("how", ["bit flip", "cut short", "emptied", "missing"])
@pytest.mark.parametrize("name", [*FILES, MANIFEST, "CURRENT"])
def test_damage_to_any_file_is_refused_in_one_line(
    name: str, how: str, notes: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = store / name if name == "CURRENT" else current_generation(store).directory / name
    damage(path, how)
    with pytest.raises(StoreError) as caught:
        Store.open(store, embedder=FakeEmbedder())
    assert "\n" not in str(caught.value)
    assert str(store) in str(caught.value)
    assert main(["--store", str(store)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    if (store / "CURRENT").exists():
        with pytest.raises(StoreError, match="--force"):
            build([notes], store, embedder=FakeEmbedder())
    build([notes], store, embedder=FakeEmbedder(), force=True)
    assert "forget" in answer(store, "gate")
    assert list(faults(store, embedder=FakeEmbedder())) == []


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


def test_a_store_of_a_later_format_is_refused(store: Path) -> None:
    import hashlib

    generation = current_generation(store)
    path = generation.directory / MANIFEST
    text = path.read_text(encoding="utf-8").replace('"format": 1', '"format": 99')
    path.write_text(text, encoding="utf-8")
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    (store / "CURRENT").write_text(f"{generation.directory.name} {digest}\n", encoding="utf-8")
    with pytest.raises(StoreError, match="format 99"):
        Store.open(store, embedder=FakeEmbedder())
