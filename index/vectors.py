"""The vector index: which kind for which size, written to and read from one FAISS file."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.embedder import Vectors
from index.errors import damaged
from index.manifest import MANIFEST, SENTENCES, VECTORS, Manifest

FLAT_LIMIT = 100_000
"""Up to here every search is exact.

2026-11-21, `python -m index.benchmark --sizes 10000 100000 200000`, two busy cores, 384 dimensions, made-up clusters;
build, median query, recall@10:
 10,000: Flat 0.03 s, 1.1 ms, 1.00; IVF512 0.5 s, 0.06 ms, 1.00; HNSW32 1.5 s, 0.2 ms, 1.00
100,000: Flat 0.2 s, 12-24 ms, 1.00; IVF1024 7 s, 0.2 ms, 1.00; HNSW32 19 s, 0.3 ms, 1.00
200,000: Flat 2.7 s, 36 ms, 1.00; IVF2048 33 s, 0.5 ms, 1.00
1,000,000 (idle): Flat 3.0 s, 58 ms, 1.00; IVF4096 57 s, 2.1 ms, 1.00; 1.5 GB in memory either way
Encoding the question takes 17 ms, so that exact search adds little up to 100,000 passages. Above, inverted lists are
built more quickly than a graph, which matters as a store is published whole, answer as fast, and take less room.
"""
_EXACT_ROWS = 20_000
"""Where a filter leaves no more rows than this, they are all compared: a graph or a list may not lead to them."""

NORM_TOLERANCE = 2e-3
"""How far a vector kept in half precision may be from unit length."""

_LOOKED_AT = 100
"""Vectors whose length is looked at when a store is opened; `index.check` looks at all of them."""


def choose_index(count: int) -> str:
    """FAISS factory string for `count` vectors: flat, or inverted lists, about 4 sqrt(N) of them."""
    return "Flat" if count <= FLAT_LIMIT else f"IVF{list_count(count)},Flat"


def list_count(count: int) -> int:
    """Number of inverted lists for `count` vectors: the power of two nearest to 4 sqrt(N)."""
    return int(2 ** round(math.log2(4 * math.sqrt(count))))


def build_index(vectors: Vectors, kind: str | None = None) -> Any:
    """A FAISS inner-product index of `vectors` [N, D]; row i keeps the number i."""
    faiss = _faiss()
    count, dimension = vectors.shape
    index = faiss.index_factory(dimension, kind or choose_index(count), faiss.METRIC_INNER_PRODUCT)
    if isinstance(index, faiss.IndexHNSW):
        index.hnsw.efConstruction = 100
    if isinstance(index, faiss.IndexIVF):
        index.cp.niter, index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 10, 1, 64
    if not index.is_trained:
        index.train(vectors)
    index.add(vectors)
    return index


def write_index(index: Any, path: Path) -> None:
    """Writes a FAISS index to a file. Raises OSError where the disk does not take it; FAISS by itself would lose the
    last few kilobytes in silence, as it does not look whether the file could be closed."""
    faiss = _faiss()
    with path.open("wb") as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))


def read_index(path: Path) -> Any:
    """Reads a FAISS index. Raises StoreError when the file is not one."""
    try:
        index = _faiss().read_index(str(path))
    except RuntimeError as error:
        raise damaged(path, "is not a readable vector file") from error
    if hasattr(index, "make_direct_map"):
        index.make_direct_map()
    return index


def open_vectors(directory: Path, manifest: Manifest) -> tuple[Any, NDArray[np.float16]]:
    """The FAISS index of a generation's passages [N, D] and, in a memory map, the vectors of its sentences [M, D].
    Raises StoreError when they are not what the manifest says."""
    index = read_index(directory / VECTORS)
    try:
        sentences: NDArray[np.float16] = np.load(directory / SENTENCES, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise damaged(directory / SENTENCES, f"cannot be read ({error})") from error
    counts, dimension = manifest.counts, manifest.dimension
    if index.metric_type != _faiss().METRIC_INNER_PRODUCT:
        raise damaged(directory / VECTORS, "has another metric than the inner product")
    for name, found, expected in (
        (VECTORS, (index.ntotal, index.d), (counts["passages"], dimension)),
        (SENTENCES, sentences.shape, (counts["sentences"], dimension)),
    ):
        if found != expected:
            raise damaged(directory / name, f"holds vectors of the shape {found}; {MANIFEST} says {expected}")
    some = np.unique(np.linspace(0, index.ntotal - 1, min(index.ntotal, _LOOKED_AT)).astype(np.int64))
    norms = np.linalg.norm(rows_of(index, some), axis=1)
    if not np.allclose(norms, 1, rtol=0, atol=NORM_TOLERANCE):
        raise damaged(directory / VECTORS, "holds vectors that are not of unit length")
    return index, sentences


def rows_of(index: Any, rows: NDArray[np.int64]) -> Vectors:
    """The stored vectors of some rows, float32 [len(rows), D]."""
    return np.asarray(index.reconstruct_batch(rows), dtype=np.float32)


def nearest(index: Any, query: Vectors, depth: int, allowed: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """Rows nearest to `query` [D], best first, at most `depth`, among the rows where `allowed` [N] holds."""
    faiss = _faiss()
    settings: dict[str, Any] = {}
    if allowed is not None:
        left = np.flatnonzero(allowed)
        if len(left) <= _EXACT_ROWS:
            best = np.argsort(-(rows_of(index, left) @ query), kind="stable")[:depth]
            return np.asarray(left[best], dtype=np.int64)
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
