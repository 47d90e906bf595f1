"""The vector index: every kind finds what exact search finds, with and without a filter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from index.benchmark import clustered_vectors, main, nearest_exactly
from index.errors import StoreError
from index.vectors import build_index, choose_index, nearest, read_index, rows_of, write_index


@pytest.mark.parametrize("kind", ["Flat", "HNSW16", "IVF8,Flat"])
def test_every_kind_finds_its_rows_again(kind: str, tmp_path: Path) -> None:
    vectors, queries = clustered_vectors(600, 5, 32, seed=0)
    write_index(build_index(vectors, kind), tmp_path / "vectors.faiss")
    index = read_index(tmp_path / "vectors.faiss")
    np.testing.assert_array_equal(rows_of(index, np.array([5, 0, 599])), vectors[[5, 0, 599]])
    allowed = np.zeros(600, dtype=np.bool_)
    allowed[[3, 77, 401]] = True
    for query, best in zip(queries, nearest_exactly(vectors, queries), strict=True):
        assert set(nearest(index, query, 10).tolist()) == best
        expected = sorted([3, 77, 401], key=lambda row: -float(vectors[row] @ query))
        assert nearest(index, query, 10, allowed).tolist() == expected


def test_no_rows_are_allowed() -> None:
    vectors, queries = clustered_vectors(50, 1, 8, seed=1)
    assert nearest(build_index(vectors), queries[0], 5, np.zeros(50, dtype=np.bool_)).tolist() == []


def test_small_stores_are_searched_exactly() -> None:
    assert choose_index(1) == choose_index(100_000) == "Flat"
    assert choose_index(1_000_000) == "IVF4096,Flat"


def test_a_file_that_is_no_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vectors.faiss").write_bytes(b"nothing of the kind")
    with pytest.raises(StoreError, match="not a readable vector file"):
        read_index(tmp_path / "vectors.faiss")


def test_the_benchmark_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--sizes", "300", "--dimension", "16", "--queries", "5", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [line["kind"] for line in lines] == ["Flat", "IVF64,Flat", "HNSW32"]
    assert lines[0]["recall"] == 1.0
    assert main(["--sizes", "0"]) == 1


def test_a_full_disk_is_an_error_however_small_the_index() -> None:
    vectors, _ = clustered_vectors(5, 1, 32, seed=0)
    with pytest.raises(OSError, match="No space left"):
        write_index(build_index(vectors), Path("/dev/full"))
