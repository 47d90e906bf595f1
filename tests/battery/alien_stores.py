"""Stores whose files are whole but do not belong together, and embedders that others were built with."""

from __future__ import annotations

import importlib
import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from corpus.files import hash_file
from index.generation import current_generation
from index.manifest import DATABASE, FILES, MANIFEST, POINTER, SENTENCES, VECTORS
from index.vectors import build_index, read_index, rows_of, write_index
from tests.fake_embedder import FakeEmbedder

Fields = dict[str, Any]

_TRAITS: dict[str, tuple[Any, Any]] = {
    "weights_sha256": ("5a" * 32, "a5" * 32),
    "tokenizer_sha256": ("3c" * 32, "c3" * 32),
    "pooling": ("mean_tokens", "cls_token"),
    "normalisation": ("unit length", "none"),
    "metric": ("inner product", "euclidean distance"),
    "max_tokens": (60, 61),
}
"""Of an embedder: what it is by default, and what it may be instead."""

TRAITS = ("dimension", *_TRAITS)
PASSAGES = "number of the passages"


class Fitted(FakeEmbedder):
    """A quick embedder that says of itself what a real one says."""

    def __init__(self, *, dimension: int = 128, salt: str = "", trait: str = "") -> None:
        super().__init__(dimension=dimension, salt=salt)
        self.trait = trait

    def fingerprint(self) -> Fields:
        traits = {name: values[name == self.trait] for name, values in _TRAITS.items()}
        return {"name": self.name, "dimension": self.dimension, **traits}


def other_fitted(trait: str, chance: random.Random) -> Fitted:
    """An embedder that differs in one trait from the default one."""
    dimension = chance.choice((32, 64, 127, 256)) if trait == "dimension" else 128
    return Fitted(dimension=dimension, salt=str(chance.randrange(9)), trait=trait)


def reseal(store: Path, change: Callable[[Path, Fields], None]) -> None:
    """Changes files of the generation that answers and fields of its manifest, and sets all hashes right again."""
    directory = current_generation(store, verify=False).directory
    path = directory / MANIFEST
    fields = json.loads(path.read_text(encoding="utf-8"))
    change(directory, fields)
    for name in FILES if "files" in fields else ():
        fields["files"][name] = {"bytes": (directory / name).stat().st_size, "sha256": hash_file(directory / name)}
    path.write_text(json.dumps(fields), encoding="utf-8")
    (store / POINTER).write_text(f"{directory.name} {hash_file(path)}\n", encoding="ascii")


def _vectors(directory: Path) -> Any:
    index = read_index(directory / VECTORS)
    return rows_of(index, np.arange(index.ntotal))


def _write(directory: Path, vectors: Any) -> None:
    write_index(build_index(np.ascontiguousarray(vectors)), directory / VECTORS)


def _dimension(chance: random.Random, directory: Path, fields: Fields) -> None:
    kept = _vectors(directory)[:, : chance.randrange(8, 120)]
    _write(directory, kept / np.linalg.norm(kept, axis=1, keepdims=True))


def _metric(chance: random.Random, directory: Path, fields: Fields) -> None:
    faiss = importlib.import_module("faiss")
    index = faiss.index_factory(fields["dimension"], "Flat", chance.choice((faiss.METRIC_L2, faiss.METRIC_L1)))
    index.add(_vectors(directory))
    write_index(index, directory / VECTORS)


def _normalisation(chance: random.Random, directory: Path, fields: Fields) -> None:
    _write(directory, _vectors(directory) * chance.choice((0.5, 0.99, 1.01, 3, np.nan)))


def _fewer_vectors(chance: random.Random, directory: Path, fields: Fields) -> None:
    _write(directory, _vectors(directory)[: -chance.randrange(1, 9)])


def _fewer_sentences(chance: random.Random, directory: Path, fields: Fields) -> None:
    np.save(directory / SENTENCES, np.load(directory / SENTENCES)[: -chance.randrange(1, 9)])


def _narrow_sentences(chance: random.Random, directory: Path, fields: Fields) -> None:
    np.save(directory / SENTENCES, np.load(directory / SENTENCES)[:, : -chance.randrange(1, 9)])


def _fewer_passages(chance: random.Random, directory: Path, fields: Fields) -> None:
    with closing(sqlite3.connect(directory / DATABASE)) as connection:
        connection.execute(
            "DELETE FROM passages WHERE row >= ?", (fields["counts"]["passages"] - chance.randrange(1, 9),)
        )
        connection.commit()


def _counts(chance: random.Random, directory: Path, fields: Fields) -> None:
    fields["counts"][chance.choice(("passages", "sentences"))] += chance.choice((-2, -1, 1, 2))


def _dimension_told(chance: random.Random, directory: Path, fields: Fields) -> None:
    fields["dimension"] += chance.choice((-1, 1))


def _format(chance: random.Random, directory: Path, fields: Fields) -> None:
    fields["format"] = chance.choice((0, 2, 99, "one", None))


def _missing(chance: random.Random, directory: Path, fields: Fields) -> None:
    del fields[chance.choice(("files", "counts", "embedder", "probes", "format"))]


STORES: dict[str, Callable[[random.Random, Path, Fields], None]] = {
    "dimension of the vectors": _dimension,
    "metric of the vectors": _metric,
    "normalisation of the vectors": _normalisation,
    "number of the vectors": _fewer_vectors,
    "number of the sentences": _fewer_sentences,
    "dimension of the sentences": _narrow_sentences,
    PASSAGES: _fewer_passages,
    "counts of the manifest": _counts,
    "dimension in the manifest": _dimension_told,
    "format of the manifest": _format,
    "fields of the manifest": _missing,
}
"""What may be wrong with a store whose hashes are all right."""
