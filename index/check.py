"""Verifies a store from end to end: `python -m index.check`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from corpus.document import passage_id
from index.database import Database, Row
from index.embedder import Embedder, load_embedder, same_vectors
from index.embedding import PROBE_COSINE, probe_cosine
from index.errors import StoreError
from index.generation import Generation, current_generation
from index.manifest import DATABASE, SENTENCES, VECTORS, file_faults
from index.paths import default_store


def faults(store: Path, *, embedder: Embedder | None = None) -> Iterator[str]:
    """One line for each fault of the store's current generation: files, counts, vectors, passages, embedder.

    Raises StoreError where there is no generation to look at. `embedder` is by default the one it was built with.
    """
    generation = current_generation(store, verify=False)
    damaged = list(file_faults(generation.directory, generation.manifest))
    yield from damaged
    if damaged:
        return
    with closing(Database(generation.directory / DATABASE)) as database:
        yield from (f"{generation.directory / DATABASE}: {fault}" for fault in database.faults())
        rows = list(database.rows())
        present = sum(not source.reason for source in database.sources())
    yield from _count_faults(generation, rows, present)
    yield from _passage_faults(rows)
    yield from _vector_faults(generation, rows)
    yield from _embedder_faults(generation, embedder)


def _count_faults(generation: Generation, rows: Sequence[Row], sources: int) -> Iterator[str]:
    found = {"sources": sources, "passages": len(rows), "sentences": sum(len(row.sentences) for row in rows)}
    for name, count in generation.manifest.counts.items():
        if found.get(name) != count:
            yield f"the manifest counts {count:,} {name}, the database {found.get(name):,}"


def _passage_faults(rows: Sequence[Row]) -> Iterator[str]:
    sentence = 0
    for number, row in enumerate(rows):
        passage, place = row.passage, row.passage.locator
        expected = passage_id(course=passage.course, source=place.source, start=place.start, text=passage.text)
        if passage.passage_id != expected:
            yield f"passage {passage.passage_id} ({place.describe()}) should have the id {expected}"
        if place.end - place.start != len(passage.text):
            yield f"passage {passage.passage_id} ({place.describe()}) is not as long as its place"
        if row.row != number or row.first_sentence != sentence:
            yield f"passage {passage.passage_id} ({place.describe()}) is numbered wrongly"
        if not all(0 <= start < end <= len(passage.text) for start, end in row.sentences):
            yield f"passage {passage.passage_id} ({place.describe()}) has a sentence outside its text"
        sentence += len(row.sentences)


def _vector_faults(generation: Generation, rows: Sequence[Row]) -> Iterator[str]:
    from index.vectors import NORM_TOLERANCE, read_index, rows_of

    index = read_index(generation.directory / VECTORS)
    stored = np.load(generation.directory / SENTENCES, mmap_mode="r")
    sentences = sum(len(row.sentences) for row in rows)
    dimension = generation.manifest.dimension
    if (index.ntotal, index.d) != (len(rows), dimension):
        yield f"{VECTORS} holds {index.ntotal:,} vectors of {index.d} for {len(rows):,} passages of {dimension}"
        return
    if stored.shape != (sentences, dimension):
        yield f"{SENTENCES} has the shape {stored.shape} for {sentences:,} sentences of {dimension}"
        return
    vectors = rows_of(index, np.arange(len(rows), dtype=np.int64))
    for name, block in ((VECTORS, vectors), (SENTENCES, np.asarray(stored, dtype=np.float32))):
        norms = np.linalg.norm(block, axis=1)
        bad = np.flatnonzero(~(np.abs(norms - 1) <= NORM_TOLERANCE))
        if len(bad):
            yield f"{name} holds {len(bad):,} vectors that are not finite or of unit length, first in row {bad[0]}"


def _embedder_faults(generation: Generation, embedder: Embedder | None) -> Iterator[str]:
    manifest = generation.manifest
    try:
        embedder = embedder or load_embedder(manifest.embedder["name"])
        if not same_vectors(manifest.embedder, embedder.fingerprint()):
            yield f"the embedder {embedder.name} is not the one of the store ({manifest.embedder['name']})"
        elif (cosine := probe_cosine(manifest, embedder)) < PROBE_COSINE:
            yield f"the embedder {embedder.name} gives other vectors than at the build (cosine {cosine:.4f})"
    except StoreError as error:
        print(f"note: vectors not compared with the embedder: {error}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """The command `python -m index.check`: exit status 0 for a sound store, else 1 with a line for each fault."""
    parser = argparse.ArgumentParser(prog="python -m index.check", description=__doc__)
    parser.add_argument("--store", type=Path, default=default_store(), help="the store's folder (default: %(default)s)")
    options = parser.parse_args(argv)
    try:
        found = list(faults(options.store))
        manifest = current_generation(options.store, verify=False).manifest
    except StoreError as error:
        found = [str(error)]
    if found:
        print("\n".join(found), file=sys.stderr)
        return 1
    counts = ", ".join(f"{count:,} {name}" for name, count in manifest.counts.items())
    print(f"{options.store} generation {manifest.generation} is sound: {counts}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
