from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_embedder import FakeEmbedder

from index.build import build
from index.embedder import load_embedder
from index.errors import StoreError
from index.query_adapter import QueryAdapter, adapter_for
from index.store import Store
from index.train_adapter import Choices, main, missed
from index.trained_files import CONFIG, WEIGHTS

SUBJECTS = ("sails", "stones", "rivers", "owls", "boats", "bells")


def _groups(path: Path) -> Path:
    """Whoever asks about a mill's "toil" means what the notes call "work"."""
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for subject in SUBJECTS:
            texts = [f"The work of {subject}.", f"The colour of {subject}.", f"The toil of nothing, {subject} aside."]
            passages = [
                {"context": "Mills", "text": text, "sentences": [[0, len(text)]], "gold": [0] if number == 0 else []}
                for number, text in enumerate(texts)
            ]
            group = {"question": f"What is the toil of {subject}?", "source": "mills", "passages": passages}
            file.write(json.dumps(group) + "\n")
        file.write(json.dumps({"question": "Who?", "source": "mills", "passages": passages[1:]}) + "\n")
    return path


def test_a_trained_adapter_finds_what_other_words_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, embedder = str(_groups(tmp_path / "groups.jsonl.gz")), FakeEmbedder(dimension=64)
    arguments = ["--data", data, "--held-out", data, "--output", str(tmp_path / "query")]
    assert main([*arguments, "--epochs", "200", "--lr", "1e-2", "--penalty", "0"], embedder) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["before"]["passage"] < 0.5
    assert figures["after"] == {"passage": 1.0, "sentence": 1.0}
    assert json.loads((tmp_path / "query" / CONFIG).read_text())["training"]["questions"] == len(SUBJECTS)
    adapter = adapter_for(embedder.fingerprint(), tmp_path / "query")
    assert adapter is not None
    asked, work, toil = embedder.encode(["the toil of tides", "the work of tides", "the toil of pipes"])
    (moved,) = adapter.moved(asked[np.newaxis])
    assert np.linalg.norm(moved) == pytest.approx(1)
    assert asked @ toil == pytest.approx(asked @ work, abs=0.01)
    assert moved @ work > moved @ toil + 0.1
    assert adapter_for(FakeEmbedder(dimension=64, salt="other").fingerprint(), tmp_path / "query") is None


def test_the_loss_is_that_of_its_equation() -> None:
    torch.manual_seed(0)
    questions, vectors, others = torch.randn(2, 3), torch.randn(5, 3), torch.randn(2, 3)
    choices = Choices(
        texts=torch.tensor([[0, 1, 2, 3], [4, 1, 0, 0]]), answers=torch.tensor([[1, 0, 1, -1], [0, 0, -1, -1]])
    )
    cosines = questions @ torch.cat([vectors, others]).T / 0.5
    share = cosines[0, [0, 2]].exp().sum() / cosines[0, [0, 1, 2, 5, 6]].exp().sum()
    torch.testing.assert_close(missed(questions, vectors, choices, 0.5, others), -share.log() / 2)
    share = cosines[0, [0, 2]].exp().sum() / cosines[0, [0, 1, 2]].exp().sum()
    torch.testing.assert_close(missed(questions, vectors, choices, 0.5), -share.log() / 2)


def test_a_store_searches_by_the_moved_vector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = FakeEmbedder(dimension=64)
    for name, text in (("sails.md", "Sails catch wind."), ("stones.md", "Stones grind rye.")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    build([tmp_path / "sails.md", tmp_path / "stones.md"], tmp_path / "store", embedder=embedder)
    wanted = embedder.encode(["Stones grind rye."])[0]
    away = QueryAdapter(np.zeros((64, 64), dtype=np.float32), 1e3 * wanted)
    with Store.open(tmp_path / "store", embedder=embedder) as store:
        assert store.search("wind")[0].passage.text == "Sails catch wind."
    monkeypatch.setattr("index.store.adapter_for", lambda fingerprint: away)
    with Store.open(tmp_path / "store", embedder=embedder) as store:
        first = max(store.search("wind"), key=lambda hit: hit.dense)
        assert first.passage.text == "Stones grind rye."
        assert max(one.score for one in first.sentences) == pytest.approx(1, abs=1e-3)


def test_the_shipped_adapter_is_for_the_packaged_embedder() -> None:
    embedder = load_embedder()
    adapter = adapter_for(embedder.fingerprint())
    assert adapter is not None
    assert adapter.matrix.shape == (embedder.dimension, embedder.dimension)
    assert adapter_for(FakeEmbedder().fingerprint()) is None


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_damaged_adapter_is_refused(tmp_path: Path, name: str) -> None:
    data, embedder = str(_groups(tmp_path / "groups.jsonl.gz")), FakeEmbedder(dimension=8)
    assert main(["--data", data, "--held-out", data, "--output", str(tmp_path), "--epochs", "1"], embedder) == 0
    path = tmp_path / name
    contents = path.read_bytes()
    for broken in (contents[:-9] + bytes([contents[-9] ^ 1]) + contents[-8:], b"{}", None):
        path.unlink() if broken is None else path.write_bytes(broken)
        with pytest.raises(StoreError, match="restore it"):
            adapter_for(embedder.fingerprint(), tmp_path)


def test_faults_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing, empty = tmp_path / "none.jsonl.gz", tmp_path / "empty.jsonl.gz"
    empty.write_bytes(gzip.compress(b""))
    for path, said in ((missing, "No such file"), (empty, "add groups")):
        arguments = ["--data", str(path), "--held-out", str(path), "--output", str(tmp_path / "query")]
        assert main(arguments, FakeEmbedder()) == 1
        error = capsys.readouterr().err
        assert said in error
        assert len(error.splitlines()) == 1
