"""Vectors for a build: those of unchanged text are taken from the last generation, the others are made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.database import Database
from index.embedder import Embedder, Progress, Vectors
from index.errors import StoreError, build_command
from index.generation import Generation
from index.manifest import DATABASE, SENTENCES, VECTORS, Manifest, Probe

PROBES = (
    "The gate decides how much of the old state is kept.",
    "A lighthouse keeper counts the ships that pass before dawn.",
    "Let $A$ be a symmetric matrix with eigenvalues $\\lambda_1 \\le \\dots \\le \\lambda_n$.",
)
PROBE_COSINE = 0.999
"""A probe sentence must come out this near to its stored vector: other weights give far less, other hardware more."""

_SLAB = 20_000
"""Texts encoded before their vectors are put in place, so that a large build does not hold them all twice."""


def identity_of(fingerprint: dict[str, Any]) -> bytes:
    """What stands for an embedder in content keys: the hash of its fingerprint without the name."""
    text = json.dumps({**fingerprint, "name": ""}, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).digest()


def content_key(identity: bytes, text: str) -> bytes:
    """Names the vector that the embedder `identity` gives to `text`: 16 bytes of SHA-256 over both."""
    return hashlib.sha256(identity + text.encode("utf-8")).digest()[:16]


def probe_cosine(manifest: Manifest, embedder: Embedder) -> float:
    """The lowest cosine of a probe sentence's vector now and when the store was built; 1 where nothing changed."""
    found = embedder.encode([probe.text for probe in manifest.probes])
    stored = np.array([probe.vector for probe in manifest.probes], dtype=np.float32)
    return float((found * stored).sum(axis=1).min())


class VectorMaker:
    """Makes the vectors of a generation with `embedder`, reusing those of `old` (None for no reuse).

    `old` must have been built with an embedder of the same fingerprint. `embedded` counts the texts that were not
    taken over. The embedder's weights are loaded only if there is such a text; `loading` is called before.
    """

    def __init__(self, embedder: Embedder, old: Generation | None, loading: Callable[[], None]) -> None:
        self.identity = identity_of(embedder.fingerprint())
        self.embedder = embedder
        self._old = old
        self._loading = loading
        self._awake = False
        self._passage_rows: dict[bytes, int] = {}
        self._sentence_rows: dict[bytes, int] = {}
        if old:
            self._read_keys(old.directory / DATABASE)

    def knows(self, key: bytes) -> bool:
        """Whether the vector of a passage with this content key can be taken over."""
        return key in self._passage_rows

    def _read_keys(self, path: Path) -> None:
        database = Database(path)
        for row in database.rows():
            self._passage_rows[row.key] = row.row
            for number, (start, end) in enumerate(row.sentences):
                key = content_key(self.identity, row.passage.text[start:end])
                self._sentence_rows[key] = row.first_sentence + number
        database.close()

    def passages(self, out: Vectors, keys: Sequence[bytes], text_of: Callable[[int], str], progress: Progress) -> int:
        """Writes the vector of passage i to out[i], [N, D]; returns how many were not there to be taken over."""
        here = [position for position, key in enumerate(keys) if key in self._passage_rows]
        if here and self._old:
            from index.vectors import read_index, rows_of

            rows = np.array([self._passage_rows[keys[position]] for position in here], dtype=np.int64)
            out[here] = rows_of(read_index(self._old.directory / VECTORS), rows)
        return self._make(out, keys, self._passage_rows, text_of, progress)

    def sentences(
        self, out: NDArray[np.float16], keys: Sequence[bytes], text_of: Callable[[int], str], progress: Progress
    ) -> int:
        """Writes the vector of sentence i to out[i], [M, D]; returns how many were not there to be taken over."""
        here = [position for position, key in enumerate(keys) if key in self._sentence_rows]
        if here and self._old:
            stored = np.load(self._old.directory / SENTENCES, mmap_mode="r")
            out[here] = stored[[self._sentence_rows[keys[position]] for position in here]]
        return self._make(out, keys, self._sentence_rows, text_of, progress)

    def probes(self) -> tuple[Probe, ...]:
        """The probe sentences with their vectors, for the manifest."""
        return self._old.manifest.probes if self._old else self._new_probes

    @cached_property
    def _new_probes(self) -> tuple[Probe, ...]:
        vectors = self.embedder.encode(PROBES)
        return tuple(
            Probe(text=text, vector=tuple(vector.tolist())) for text, vector in zip(PROBES, vectors, strict=True)
        )

    def _make(
        self, out: NDArray[Any], keys: Sequence[bytes], known: dict[bytes, int], text_of: Callable[[int], str],
        progress: Progress,
    ) -> int:  # fmt: skip
        """Embeds the texts whose keys are not known, each once however often it stands there."""
        missing: dict[bytes, list[int]] = {}
        for position, key in enumerate(keys):
            if key not in known:
                missing.setdefault(key, []).append(position)
        places = list(missing.values())
        if places:
            self._wake()
            progress(0, len(places))
        for start in range(0, len(places), _SLAB):
            slab = places[start : start + _SLAB]

            def report(done: int, total: int, before: int = start) -> None:
                progress(before + done, len(places))

            vectors = self.embedder.encode(
                [text_of(positions[0]) for positions in slab],
                progress=report,
            )
            for positions, vector in zip(slab, vectors, strict=True):
                out[positions] = vector
        return sum(map(len, places))

    def _wake(self) -> None:
        """Loads the embedder with the probes. New vectors must lie in the space of the old ones they stand beside."""
        if self._awake:
            return
        self._loading()
        if self._old is None:
            self.probes()
        elif probe_cosine(self._old.manifest, self.embedder) < PROBE_COSINE:
            store = self._old.directory.parents[1]
            raise StoreError(
                f"{self.embedder.name} no longer gives the vectors of {store}; {build_command(store, '--force')}"
            )
        self._awake = True
