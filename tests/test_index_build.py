"""Building a store: what is read, embedded, reused, removed and reported."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
from fake_embedder import FakeEmbedder

from index import build as build_module
from index.build import build
from index.check import faults
from index.embedding import PROBES
from index.errors import StoreError
from index.generation import GENERATIONS, writing
from index.manifest import POINTER
from index.progress import stages_on_stderr
from index.store import Store
from index.uploads import uploads_folder

GATES = """# Gates

The forget gate decides what the cell keeps of its old state.

The input gate decides what the cell takes in at this step.
"""
OWLS = """# Owls

An owl turns its head because its eyes do not move.

Its feathers make no sound when it flies by night.
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "gates.md").write_text(GATES, encoding="utf-8")
    (folder / "owls.md").write_text(OWLS, encoding="utf-8")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def sources_of(path: Path) -> set[tuple[str, str]]:
    with Store.open(path, embedder=FakeEmbedder()) as store:
        return {(passage.course, passage.locator.source) for passage in store.passages()}


def test_a_build_makes_a_sound_store_with_every_passage(notes: Path, store: Path) -> None:
    report = build([notes], store, embedder=FakeEmbedder())
    assert report.changed
    assert report.courses == ("notes",)
    assert {(file.source, file.status) for file in report.files} == {("gates.md", "read"), ("owls.md", "read")}
    assert report.passages == report.embedded == sum(file.passages for file in report.files) > 0
    assert list(faults(store, embedder=FakeEmbedder())) == []
    with Store.open(store, embedder=FakeEmbedder()) as opened:
        assert len(opened) == report.passages == len(opened.passages())
        text = "".join(passage.text for passage in opened.passages())
        assert "".join(text.split()) == "".join((GATES + OWLS).split())
        first = opened.passages()[0]
        assert opened.get(first.passage_id) == first


def test_an_unchanged_build_embeds_and_publishes_nothing(notes: Path, store: Path) -> None:
    build([notes], store, embedder=FakeEmbedder())
    before = (store / "CURRENT").read_bytes()
    embedder = FakeEmbedder()
    report = build([notes], store, embedder=embedder)
    assert (report.changed, report.embedded, embedder.encoded) == (False, 0, [])
    assert {file.status for file in report.files} == {"unchanged"}
    assert (store / "CURRENT").read_bytes() == before
    assert "up to date" in "\n".join(report.lines())


def test_the_embedder_is_loaded_before_anything_is_counted(notes: Path, store: Path) -> None:
    embedder, seen = FakeEmbedder(), []
    for text in ("", "\n\nAn otter swims.\n"):
        (notes / "more.md").write_text(f"# More\n\nA kite flies.{text}", encoding="utf-8")
        before = len(embedder.encoded)
        build([notes], store, embedder=embedder, progress=lambda *step: seen.append((*step, len(embedder.encoded))))
        loading = seen.index(("loading the embedder", 0, 0, before))
        first, done, total, encoded = seen[loading + 1]
        assert (first, done, total > 0, encoded) == ("embedding passages", 0, True, before + len(PROBES))
    seen.clear()
    build([notes], store, embedder=embedder, progress=lambda *step: seen.append(step))
    assert "loading the embedder" not in [step[0] for step in seen]


@pytest.mark.parametrize(("total", "line"), [(0, "loading\n"), (3, "loading: 0 of 3\n")])
def test_a_stage_without_a_number_is_told_without_one(
    total: int, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.monotonic", count(0, 9).__next__)
    with stages_on_stderr() as show:
        show("loading", 0, total)
    assert capsys.readouterr().err == line


@pytest.mark.parametrize("place", ["store", "deep/store"])
def test_a_store_among_its_lectures_is_none_of_them(notes: Path, place: str) -> None:
    store = notes / place
    build([notes], store, embedder=FakeEmbedder())
    folder = uploads_folder(store) / "more"
    folder.mkdir(parents=True)
    (folder / "new.md").write_text("# New\n\nA kite flies.\n", encoding="utf-8")
    report = build([notes], store, embedder=FakeEmbedder())
    assert {file.source for file in report.files} == {"gates.md", "owls.md", "new.md"}
    assert not build([notes], store, embedder=FakeEmbedder()).changed


def test_only_changed_passages_and_sentences_are_embedded(notes: Path, store: Path) -> None:
    long = "\n\n".join(f"## Part {n}\n\n" + f"Sentence number {n} speaks of topic{n} alone. " * 5 for n in range(8))
    (notes / "long.md").write_text(long, encoding="utf-8")
    first = build([notes], store, embedder=FakeEmbedder())
    (notes / "long.md").write_text(long.replace("topic3 alone", "otters alone", 1), encoding="utf-8")
    embedder = FakeEmbedder()
    report = build([notes], store, embedder=embedder)
    assert {file.source: file.status for file in report.files} == {
        "gates.md": "unchanged",
        "owls.md": "unchanged",
        "long.md": "read",
    }
    new = [text for text in embedder.encoded if text not in PROBES]
    assert 0 < report.embedded < first.passages / 3
    assert all("otters" in text for text in new)
    assert list(faults(store, embedder=FakeEmbedder())) == []
    with Store.open(store, embedder=FakeEmbedder()) as opened:
        assert "otters" in opened.search("otters")[0].passage.text
        assert "owl" in opened.search("the head of an owl")[0].passage.text


def test_a_reused_vector_is_the_one_that_would_be_made(notes: Path, store: Path, tmp_path: Path) -> None:
    build([notes], store, embedder=FakeEmbedder())
    (notes / "a.md").write_text("Something new that comes first.\n", encoding="utf-8")
    build([notes], store, embedder=FakeEmbedder())
    build([notes], tmp_path / "fresh", embedder=FakeEmbedder())
    with (
        Store.open(store, embedder=FakeEmbedder()) as one,
        Store.open(tmp_path / "fresh", embedder=FakeEmbedder()) as two,
    ):
        assert one.passages() == two.passages()
        assert one.search("forget gate", k=9) == two.search("forget gate", k=9)


def test_a_deleted_file_stops_answering(notes: Path, store: Path) -> None:
    build([notes], store, embedder=FakeEmbedder())
    (notes / "owls.md").unlink()
    embedder = FakeEmbedder()
    report = build([notes], store, embedder=embedder)
    assert [(file.source, file.status) for file in report.files] == [("gates.md", "unchanged"), ("owls.md", "removed")]
    assert report.embedded == 0
    assert embedder.encoded == []
    with Store.open(store, embedder=FakeEmbedder()) as opened:
        assert all("owl" not in hit.passage.text.lower() for hit in opened.search("owl feathers", k=20))


def test_courses_live_side_by_side_and_are_replaced_one_at_a_time(notes: Path, store: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "owls.md").write_text(OWLS.replace("owl", "hawk"), encoding="utf-8")
    build([notes], store, course="birds", embedder=FakeEmbedder())
    build([other], store, embedder=FakeEmbedder())
    assert sources_of(store) == {("birds", "gates.md"), ("birds", "owls.md"), ("other", "owls.md")}
    report = build([other], store, course="birds", embedder=FakeEmbedder())
    assert report.courses == ("birds", "other")
    assert sources_of(store) == {("birds", "owls.md"), ("other", "owls.md")}
    assert list(faults(store, embedder=FakeEmbedder())) == []


def test_a_course_is_removed_alone(notes: Path, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build([notes / "gates.md"], store, course="gates", embedder=FakeEmbedder())
    build([notes / "owls.md"], store, course="birds", embedder=FakeEmbedder())
    report = build([], store, without=" birds ", embedder=FakeEmbedder())
    assert [(file.source, file.status) for file in report.files] == [("owls.md", "removed")]
    assert report.embedded == report.embedded_sentences == 0
    assert sources_of(store) == {("gates", "gates.md")}
    assert not list(faults(store, embedder=FakeEmbedder()))
    before = (store / POINTER).read_bytes()
    with pytest.raises(StoreError, match="no course 'birds' in the store; there are: gates"):
        build([], store, without="birds", embedder=FakeEmbedder())
    with pytest.raises(StoreError, match="all that the store holds"):
        build([], store, without="gates", embedder=FakeEmbedder())
    (uploads_folder(store) / "gates").mkdir(parents=True)
    (uploads_folder(store) / "gates" / "bees.md").write_text("# Bees\n\nA bee dances.\n", encoding="utf-8")
    with pytest.raises(StoreError, match="remove these on the page first"):
        build([], store, without="gates", embedder=FakeEmbedder())
    assert (store / POINTER).read_bytes() == before
    with pytest.raises(SystemExit):
        build_module.main([str(notes), "--remove", "birds", "--store", str(store)])
    assert "--remove goes without a SOURCE" in capsys.readouterr().err


def test_front_matter_names_the_course_and_a_change_of_it_leaves_nothing_behind(notes: Path, store: Path) -> None:
    (notes / "owls.md").write_text("---\ncourse: Birds\n---\n" + OWLS, encoding="utf-8")
    build([notes], store, embedder=FakeEmbedder())
    assert sources_of(store) == {("Birds", "owls.md"), ("notes", "gates.md")}
    (notes / "owls.md").write_text("---\ncourse: Night\n---\n" + OWLS, encoding="utf-8")
    build([notes], store, embedder=FakeEmbedder())
    assert sources_of(store) == {("Night", "owls.md"), ("notes", "gates.md")}


def test_unreadable_files_are_listed_and_the_others_indexed(notes: Path, store: Path) -> None:
    (notes / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    (notes / "film.mp4").write_bytes(b"....")
    report = build([notes], store, embedder=FakeEmbedder())
    skipped = {file.source: file.reason for file in report.files if file.status == "skipped"}
    assert set(skipped) == {"broken.pdf", "film.mp4"}
    assert all(skipped.values())
    with Store.open(store, embedder=FakeEmbedder()) as opened:
        listed = {info.source: info.reason for info in opened.sources()}
        assert listed == {**skipped, "gates.md": "", "owls.md": ""}
    again = build([notes], store, embedder=FakeEmbedder())
    assert not again.changed
    assert {file.source for file in again.files if file.status == "skipped"} == set(skipped)


def test_another_embedder_makes_all_vectors_anew(notes: Path, store: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "hawks.md").write_text(OWLS, encoding="utf-8")
    build([other], store, embedder=FakeEmbedder())
    build([notes], store, embedder=FakeEmbedder())
    report = build([notes], store, embedder=FakeEmbedder(salt="2"))
    assert report.changed
    assert report.embedded == report.passages
    assert list(faults(store, embedder=FakeEmbedder(salt="2"))) == []
    with pytest.raises(StoreError, match=r"built with the embedder fake2, not fake .*--embedder"):
        Store.open(store, embedder=FakeEmbedder())


def test_an_embedder_that_drifted_is_noticed(notes: Path, store: Path) -> None:
    class Drifted(FakeEmbedder):
        def fingerprint(self) -> dict[str, object]:
            return {**super().fingerprint(), "name": "fake", "weights_sha256": "none"}

    build([notes], store, embedder=FakeEmbedder())
    (notes / "new.md").write_text("A new page about herons.\n", encoding="utf-8")
    with pytest.raises(StoreError, match="no longer gives the vectors"):
        build([notes], store, embedder=Drifted(salt="x"))
    with Store.open(store, embedder=Drifted(salt="x")) as opened, pytest.raises(StoreError, match="--force"):
        opened.search("owl")
    assert any("gives other vectors" in fault for fault in faults(store, embedder=Drifted(salt="x")))
    assert build([notes], store, embedder=Drifted(salt="x"), force=True).embedded > 0


def test_nothing_to_index_leaves_the_store_as_it_was(notes: Path, store: Path, tmp_path: Path) -> None:
    build([notes], store, embedder=FakeEmbedder())
    before = (store / "CURRENT").read_bytes()
    empty = tmp_path / "empty"
    empty.mkdir()
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "a.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    for source in (empty, broken, tmp_path / "missing"):
        with pytest.raises(StoreError) as caught:
            build([source], store, embedder=FakeEmbedder())
        assert "\n" not in str(caught.value)
    assert (store / "CURRENT").read_bytes() == before


def test_a_folder_that_is_no_store_is_not_touched(notes: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError, match="not a store"):
        build([notes], precious, embedder=FakeEmbedder())
    assert [path.name for path in precious.iterdir()] == ["thesis.tex"]


def test_two_builds_at_once_one_wins(notes: Path, store: Path) -> None:
    with writing(store), pytest.raises(StoreError, match="another build is writing"):
        build([notes], store, embedder=FakeEmbedder())
    assert build([notes], store, embedder=FakeEmbedder()).changed


def test_two_generations_are_kept_and_open_readers_go_on(notes: Path, store: Path) -> None:
    build([notes], store, embedder=FakeEmbedder())
    with Store.open(store, embedder=FakeEmbedder()) as old:
        for number in range(3):
            (notes / "gates.md").write_text(GATES + f"\nEdit {number}.\n", encoding="utf-8")
            build([notes], store, embedder=FakeEmbedder())
        assert sorted(path.name for path in (store / GENERATIONS).iterdir()) == ["000003", "000004"]
        assert old.generation == "000001"
        assert "forget gate" in old.search("forget gate")[0].passage.text
        assert len(old.passages()) == len(old)


def test_the_command_reports_in_lines_and_in_json(
    notes: Path, store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_module, "load_embedder", lambda name="": FakeEmbedder())
    assert build_module.main([str(notes), "--store", str(store), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["changed"] is True
    assert report["embedded"] + report["reused"] == report["passages"]
    assert build_module.main([str(notes), "--store", str(store)]) == 0
    assert "unchanged  2 files" in capsys.readouterr().out
    assert build_module.main([str(notes / "missing"), "--store", str(store)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_without_a_source_a_store_of_other_lectures_keeps_to_these(
    notes: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_module, "load_embedder", lambda name="": FakeEmbedder(salt=name))
    assert build_module.main([str(notes), "--store", str(store)]) == 0
    assert build_module.main(["--store", str(store), "--embedder", "2"]) == 0
    with Store.open(store, embedder=FakeEmbedder(salt="2")) as opened:
        assert opened.courses() == ("notes",)


def test_an_unchanged_build_loads_nothing_heavy(notes: Path, store: Path) -> None:
    """With the real embedder: what its fingerprint and word pieces need is read without it."""
    script = (
        "import sys, index.build as b\n"
        f"code = b.main([{str(notes)!r}, '--store', {str(store)!r}, '--json'])\n"
        "heavy = {'torch', 'sentence_transformers', 'transformers', 'faiss'} & set(sys.modules)\n"
        "print(sorted(heavy)); sys.exit(code)"
    )
    run = [sys.executable, "-c", script]
    root = Path(build_module.__file__).resolve().parent.parent
    first = subprocess.run(run, cwd=root, capture_output=True, text=True, check=True)
    assert json.loads(first.stdout.splitlines()[0])["changed"] is True
    second = subprocess.run(run, cwd=root, capture_output=True, text=True, check=True)
    report, heavy = second.stdout.splitlines()
    assert json.loads(report)["changed"] is False
    assert heavy == "[]"


def test_a_link_out_of_the_folder_is_skipped_and_told(notes: Path, store: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("Nobody should read this line.", encoding="utf-8")
    (notes / "leak.txt").symlink_to(tmp_path / "secret.txt")
    (notes / "line\nend.md").write_text("# Odd\n\nA file with an odd name.", encoding="utf-8")
    report = build([notes], store, embedder=FakeEmbedder())
    reasons = {file.source: file.reason for file in report.files if file.status == "skipped"}
    assert "out of the folder" in reasons["leak.txt"]
    assert all("\n" not in line for line in report.lines())
    with Store.open(store, embedder=FakeEmbedder()) as opened:
        assert not any("Nobody" in passage.text for passage in opened.passages())
