"""Measures kinds of vector index on made-up clustered vectors: `python -m index.benchmark`.

The figures decide `index.vectors.choose_index`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from index.embedder import Vectors
from index.vectors import build_index, list_count, nearest, read_index, write_index

_PER_CLUSTER = 50
_CLUSTERS_PER_TOPIC = 20
_SPREAD = 0.8
"""Length of what is a vector's own, against 1 for its cluster's; the same for a cluster and its topic."""
_QUERY_SPREAD = 1.2
"""The same for a query: its nearest vectors have a cosine of about 0.5, as questions and passages have."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One kind of index at one size. Times in seconds and milliseconds, `rate` in vectors a second.

    `memory_mb` is the size of the index in megabytes (10^6 bytes), on disk and, as it is read whole, in memory.

    `recall` is the share of the ten nearest by exact search that the index finds among its first ten.
    """

    kind: str
    vectors: int
    build_seconds: float
    rate: float
    p50_ms: float
    p95_ms: float
    recall: float
    memory_mb: float


def clustered_vectors(count: int, queries: int, dimension: int, seed: int) -> tuple[Vectors, Vectors]:
    """Unit vectors [count, dimension] in clusters of about 50 within topics of about 20 clusters, and queries."""
    generator = np.random.default_rng(seed)
    clusters = max(1, count // _PER_CLUSTER)
    topics = _near(np.zeros((max(1, clusters // _CLUSTERS_PER_TOPIC), dimension), np.float32), 1.0, generator)
    centres = _near(topics[generator.integers(len(topics), size=clusters)], _SPREAD, generator)
    vectors = np.empty((count, dimension), np.float32)
    for start in range(0, count, 100_000):
        block = vectors[start : start + 100_000]
        block[:] = _near(centres[generator.integers(clusters, size=len(block))], _SPREAD, generator)
    return vectors, _near(centres[generator.integers(clusters, size=queries)], _QUERY_SPREAD, generator)


def _near(vectors: Vectors, spread: float, generator: np.random.Generator) -> Vectors:
    """`vectors` with a random vector of length `spread` added to each, at unit length again."""
    noise = generator.standard_normal(vectors.shape, dtype=np.float32)
    moved = vectors + spread * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)


def kinds_for(count: int) -> list[str]:
    """The FAISS factory strings worth trying at a size. A graph of more than 100,000 takes many minutes to build."""
    kinds = ["Flat", f"IVF{list_count(count)},Flat"]
    return [*kinds, "HNSW32"] if count <= 100_000 else kinds


def measure(kind: str, vectors: Vectors, queries: Vectors, exact: Sequence[frozenset[int]]) -> Measurement:
    """Builds one index of `vectors` [N, D] and asks it `queries` [Q, D] one at a time."""
    started = time.perf_counter()
    index = build_index(vectors, kind)
    seconds = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.faiss"
        write_index(index, path)
        size = path.stat().st_size
        index = read_index(path)
    times, found = [], 0
    for query, expected in zip(queries, exact, strict=True):
        started = time.perf_counter()
        rows = nearest(index, query, 100)
        times.append(1000 * (time.perf_counter() - started))
        found += len(expected & set(rows[:10].tolist()))
    return Measurement(
        kind=kind,
        vectors=len(vectors),
        build_seconds=seconds,
        rate=len(vectors) / seconds,
        p50_ms=float(np.percentile(times, 50)),
        p95_ms=float(np.percentile(times, 95)),
        recall=found / sum(map(len, exact)),
        memory_mb=size / 1e6,
    )


def nearest_exactly(vectors: Vectors, queries: Vectors, most: int = 10) -> list[frozenset[int]]:
    """The `most` rows of largest inner product for each query."""
    best = []
    for query in queries:
        scores = vectors @ query
        best.append(frozenset(np.argpartition(-scores, min(most, len(scores) - 1))[:most].tolist()))
    return best


def main(argv: Sequence[str] | None = None) -> int:
    """The command `python -m index.benchmark`: prints a line for each kind and size."""
    parser = argparse.ArgumentParser(prog="python -m index.benchmark", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000], help="numbers of vectors")
    parser.add_argument("--dimension", type=int, default=384, help="length of a vector (default: %(default)s)")
    parser.add_argument("--queries", type=int, default=200, help="questions asked of each (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the made-up vectors (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print a JSON object for each line")
    options = parser.parse_args(argv)
    if min([*options.sizes, options.dimension, options.queries]) < 1:
        print("error: sizes, dimension and queries must be at least 1", file=sys.stderr)
        return 1
    if not options.json:
        print(
            f"{'vectors':>9} {'kind':<14} {'build s':>8} {'per s':>9} {'p50 ms':>7} {'p95 ms':>7} "
            f"{'recall@10':>9} {'MB':>7}"
        )
    for size in options.sizes:
        vectors, queries = clustered_vectors(size, options.queries, options.dimension, options.seed)
        exact = nearest_exactly(vectors, queries)
        for kind in kinds_for(size):
            result = measure(kind, vectors, queries, exact)
            print(json.dumps(asdict(result)) if options.json else _line(result), flush=True)
    return 0


def _line(result: Measurement) -> str:
    return (
        f"{result.vectors:>9,} {result.kind:<14} {result.build_seconds:>8.2f} {result.rate:>9,.0f} "
        f"{result.p50_ms:>7.2f} {result.p95_ms:>7.2f} {result.recall:>9.3f} {result.memory_mb:>7.1f}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
