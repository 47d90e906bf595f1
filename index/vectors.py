"""The vector index: which kind for which size, written to and read from one FAISS file."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.embedder import Vectors
from index.errors import StoreError

FLAT = "Flat"
HNSW = "HNSW32"


def choose_index(count: int) -> str:
    """FAISS factory string for `count` vectors."""
    return FLAT


def build_index(vectors: Vectors, kind: str | None = None) -> Any:
    """A FAISS inner-product index of `vectors` [N, D]; row i keeps the number i."""
    faiss = _faiss()
    count, dimension = vectors.shape
    index = faiss.index_factory(dimension, kind or choose_index(count), faiss.METRIC_INNER_PRODUCT)
    if isinstance(index, faiss.IndexHNSW):
        index.hnsw.efConstruction = 100
    if not index.is_trained:
        index.train(vectors)
    index.add(vectors)
    return index


def write_index(index: Any, path: Path) -> None:
    """Writes a FAISS index to a file."""
    _faiss().write_index(index, str(path))


def read_index(path: Path) -> Any:
    """Reads a FAISS index. Raises StoreError when the file is not one."""
    try:
        index = _faiss().read_index(str(path))
    except RuntimeError as error:
        raise StoreError(f"{path} is not a readable vector file; build the store again with --force") from error
    if hasattr(index, "make_direct_map"):
        index.make_direct_map()
    return index


def rows_of(index: Any, rows: NDArray[np.int64]) -> Vectors:
    """The stored vectors of some rows, float32 [len(rows), D]."""
    return np.asarray(index.reconstruct_batch(rows), dtype=np.float32)


def nearest(index: Any, query: Vectors, depth: int, allowed: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """Rows nearest to `query` [D], best first, at most `depth`, among the rows where `allowed` [N] holds."""
    faiss = _faiss()
    settings: dict[str, Any] = {}
    if allowed is not None:
        settings["sel"] = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    if isinstance(index, faiss.IndexHNSW):
        parameters = faiss.SearchParametersHNSW(efSearch=max(128, 2 * depth), **settings)
    elif isinstance(index, faiss.IndexIVF):
        parameters = faiss.SearchParametersIVF(nprobe=max(16, index.nlist // 32), **settings)
    else:
        parameters = faiss.SearchParameters(**settings)
    _, rows = index.search(query[None, :], min(depth, index.ntotal), params=parameters)
    found: NDArray[np.int64] = rows[0][rows[0] >= 0]
    return found


def _faiss() -> Any:
    """FAISS, whose published type stubs do not know all of it. Imported late: it takes a fifth of a second."""
    return importlib.import_module("faiss")
