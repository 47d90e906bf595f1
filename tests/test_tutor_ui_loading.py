"""The models of the page and the generations of its store."""

import threading
from pathlib import Path

import pytest
import torch
from fake_embedder import FakeEmbedder
from fake_tutor import FakeStore, FakeTutor

from index.build import build
from index.errors import StoreError
from index.store import Store
from lm.checkpoint import CheckpointError, save
from lm.config import preset
from lm.model import LanguageModel
from lm.reading import FEATURES
from lm.tokenizer import Tokenizer
from tutor.tutor import Tutor
from tutor.ui.loading import Loading, NotLoaded
from tutor.ui.models import model_folders, what_is

NAMES = ("fake", "other", "damaged")
NOTE = "# Zoblins\n\nA zoblin is a purple machine that sorts letters.\n"


def started(tutor, names=NAMES) -> Loading:
    loading = Loading(lambda: tutor, names)
    loading.start()
    loading.get()
    return loading


def test_the_started_model_is_the_default_and_another_is_loaded_once() -> None:
    tutor = FakeTutor()
    loading = started(tutor)
    assert loading.models() == NAMES
    assert loading.get() is loading.get("fake") is tutor
    other = loading.get("other")
    assert other.model_name == "other"
    assert other.store is tutor.store
    assert loading.get("other") is other


def test_a_tutor_without_names_has_its_own() -> None:
    gate = threading.Event()
    loading = Loading(lambda: gate.wait(5) and FakeTutor("lone"))
    assert loading.models() == ()
    loading.start()
    gate.set()
    assert loading.get("lone").model_name == "lone"
    assert loading.models() == ("lone",)


@pytest.mark.parametrize(("name", "line"), [("../other", "choose one of: fake, other"), ("damaged", "restore the")])
def test_a_model_that_cannot_be_had_is_one_line(name: str, line: str) -> None:
    with pytest.raises(NotLoaded, match=line):
        started(FakeTutor()).get(name)


def test_a_newer_generation_is_opened_for_all_models_at_once() -> None:
    tutor = FakeTutor()
    loading = started(tutor)
    other = loading.get("other")
    assert not loading.refresh()
    tutor.store.rebuilt = FakeStore("000002")
    assert loading.refresh()
    assert not loading.refresh()
    assert {loading.get(name).store.generation for name in ("fake", "other")} == {"000002"}
    assert loading.get().store is loading.get("other").store
    assert tutor.store.generation == other.store.generation == "000001"


def test_asking_for_the_tutor_follows_the_store() -> None:
    tutor = FakeTutor()
    loading = started(tutor)
    tutor.store.rebuilt = FakeStore("000002")
    assert loading.get().store.generation == "000002"


def test_a_generation_that_cannot_be_opened_leaves_the_old_one_answering(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(FakeStore):
        def newest(self) -> FakeStore:
            raise StoreError("vectors.faiss is damaged")

    loading = started(FakeTutor(store=Broken()))
    assert loading.get().store.generation == "000001"
    assert capsys.readouterr().err.count("vectors.faiss is damaged") == 1
    with pytest.raises(StoreError, match="damaged"):
        loading.refresh()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "note.md").write_text(NOTE, encoding="utf-8")
    build([tmp_path / "note.md"], tmp_path / "store", embedder=FakeEmbedder())
    return Store.open(tmp_path / "store", embedder=FakeEmbedder(), ranker=Nobody())


class Nobody:
    def scores(self, question, passages):
        return [torch.zeros(len(one.sentences)).numpy() for one in passages]


def test_the_newest_generation_shares_embedder_and_ranker(store: Store, tmp_path: Path) -> None:
    assert store.newest() is store
    (tmp_path / "note.md").write_text(NOTE.replace("purple", "yellow"), encoding="utf-8")
    build([tmp_path / "note.md"], store.path, embedder=FakeEmbedder())
    newest = store.newest()
    assert (store.generation, newest.generation) == ("000001", "000002")
    assert newest.embedder is store.embedder
    assert newest.ranker is store.ranker
    assert "yellow" in newest.search("zoblin")[0].passage.text
    assert "purple" in store.search("zoblin")[0].passage.text


def test_a_store_that_was_removed_and_built_anew_is_another(store: Store, tmp_path: Path) -> None:
    store.path.rename(tmp_path / "old")
    with pytest.raises(StoreError, match="no store at"):
        store.newest()
    (tmp_path / "note.md").write_text(NOTE.replace("purple", "yellow"), encoding="utf-8")
    build([tmp_path / "note.md"], store.path, embedder=FakeEmbedder())
    newest = store.newest()
    assert newest is not store
    assert newest.generation == store.generation == "000001"


def test_a_store_built_with_another_embedder_loads_that_one(store: Store, tmp_path: Path) -> None:
    build([tmp_path / "note.md"], store.path, embedder=FakeEmbedder(salt="2"))
    with pytest.raises(StoreError, match="fake2"):
        store.newest()


def checkpoint(folder: Path) -> Path:
    tokenizer = Tokenizer.train([NOTE], vocabulary=300)
    model = LanguageModel(preset("tiny", vocabulary=tokenizer.size, features=FEATURES, context=512))
    save(folder, model, tokenizer, training={})
    return folder


def test_a_tutor_with_another_model_or_store_shares_the_rest(store: Store, tmp_path: Path) -> None:
    from lm.checkpoint import load

    tutor = Tutor(store, load(checkpoint(tmp_path / "one")))
    other = tutor.with_model(checkpoint(tmp_path / "two"))
    assert (tutor.model_name, other.model_name) == ("one", "two")
    assert other.store is store
    again = tutor.with_store(opened := Store.open(store.path, embedder=store.embedder))
    assert again.checkpoint is tutor.checkpoint
    assert again.store is opened
    with pytest.raises(CheckpointError, match="no model"):
        tutor.with_model("none-such")


def test_models_are_named_by_what_ships_or_by_their_folders(tmp_path: Path) -> None:
    from lm.checkpoint import DEFAULT, SHIPPED

    assert next(iter(model_folders(None))) == next(iter(model_folders(str(SHIPPED / DEFAULT)))) == DEFAULT
    folder = checkpoint(tmp_path / "run" / "last")
    assert model_folders(str(folder)) == {"run/last": folder} | model_folders(None)


def test_a_model_is_said_to_be_what_its_file_says(tmp_path: Path) -> None:
    from lm.checkpoint import DEFAULT, SHIPPED

    assert what_is(SHIPPED / DEFAULT).startswith("Transformer, ")
    assert what_is(checkpoint(tmp_path / "one")) == "Transformer"
    (tmp_path / "one" / "config.json").write_text("[]", encoding="utf-8")
    assert what_is(tmp_path / "one") == ""
    loading = Loading(FakeTutor, ("one", "two"), {"one": "GRU", "two": ""})
    assert [loading.label(name) for name in loading.models()] == ["one (GRU)", "two"]
