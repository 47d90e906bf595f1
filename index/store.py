"""A published store, opened for reading: search, passages, sources."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from corpus.document import Passage
from index.catalogue import Catalogue, SourceInfo
from index.database import Database
from index.defining import asked_terms, defining, explained_terms, surest
from index.embedder import Embedder, Vectors, load_embedder, same_vectors
from index.embedding import PROBE_COSINE, probe_cosine
from index.errors import StoreError, build_command, damaged
from index.generation import Generation, current_generation, is_current
from index.hits import Hit, hit_of, readable, with_answers
from index.manifest import DATABASE, file_faults
from index.query_adapter import adapter_for
from index.scoring import (
    Readable,
    Weights,
    clean_query,
    covered,
    distinct,
    fuse,
    normalised,
    query_terms,
)
from index.spelling import mended
from index.vectors import nearest, open_vectors, rows_of

_DEPTH = 100
"""Candidates taken from the vectors, and again from the words, before they are scored together."""

RERANKED = 5
"""Of these, so many are read again by the ranker. 2026-11-22: with eight the first three passages hold the
evidence of 1 to 2 questions in a hundred more on three sets, and answers take a third longer."""


class Reader(Protocol):
    """What the store needs of a ranker; see `index.ranker.Ranker.scores`."""

    def scores(self, question: str, passages: Sequence[Readable]) -> list[NDArray[np.float32]]: ...


class Store:
    """One generation of a store, as `Store.open` found it; later builds do not change it. Safe for several threads."""

    def __init__(
        self,
        path: Path,
        generation: Generation,
        embedder: Embedder,
        weights: Weights | None = None,
        ranker: Reader | None = None,
    ) -> None:
        self.path, self.ranker = path, ranker
        self._generation, self.manifest = generation, generation.manifest
        self.embedder = embedder
        self.weights = weights or Weights()
        directory = generation.directory
        self._lock = threading.Lock()
        self._probed = False
        self._database = Database(directory / DATABASE)
        self._index, self._sentences = open_vectors(directory, self.manifest)
        self._source_of_row, self._first_sentence = self._database.layout()
        self._adapter = adapter_for(self.manifest.embedder)
        self._catalogue = Catalogue(path, self._database.sources(), self._database.passage_counts())
        if (len(self), int(self._first_sentence[-1])) != (self._index.ntotal, len(self._sentences)):
            raise damaged(directory / DATABASE, "holds another number of passages or sentences than there are vectors")

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        embedder: Embedder | None = None,
        weights: Weights | None = None,
        ranker: Reader | None = None,
    ) -> Store:
        """Opens the current generation of the store at `path`; a `ranker` reads what a search finds once more.

        Every file is checked against its SHA-256, and `embedder` (by default the one the store was built with)
        against the fingerprint. Raises StoreError with one line that names the file or the command that mends it.
        """
        path = Path(path)
        while True:
            generation = current_generation(path)
            if embedder is None:
                embedder = load_embedder(generation.manifest.embedder["name"])
            _check_embedder(path, generation, embedder)
            try:
                return cls(path, generation, embedder, weights, ranker)
            except StoreError:
                if is_current(path, generation):
                    raise

    def newest(self) -> Store:
        """The generation that answers now, with the embedder and the ranker of this store; this store if it is its own.

        Quick where nothing was built since. This store stays open for those who read it. Raises StoreError as `open`.
        """
        if is_current(self.path, self._generation):
            return self
        built = current_generation(self.path, verify=False).manifest.embedder
        embedder = self.embedder if same_vectors(built, self.embedder.fingerprint()) else None
        return Store.open(self.path, embedder=embedder, weights=self.weights, ranker=self.ranker)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the database. Vectors that are in use stay valid."""
        with self._lock:
            self._database.close()

    @property
    def generation(self) -> str:
        """The name of the generation this store reads, such as `000003`."""
        return self.manifest.generation

    @property
    def created(self) -> str:
        """When this generation was built, such as `2026-11-21T19:20:00+00:00`."""
        return self.manifest.created

    def __len__(self) -> int:
        return len(self._source_of_row)

    def faults(self) -> tuple[str, ...]:
        """One line for each file of this generation that is now missing or changed, named without its folder.

        `index.check.faults` also looks at what is in them.
        """
        directory = self._generation.directory
        return tuple(fault.replace(f"{directory}/", "") for fault in file_faults(directory, self.manifest))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of `texts`, float32 [N, D]. Raises StoreError where the embedder has changed."""
        if not self._probed:
            self._check_probes()
        return self.embedder.encode(texts)

    def _asked(self, query: str) -> Vectors:
        """The unit vector that a query is searched by, float32 [D]."""
        found = self.encode([query])
        return np.asarray((self._adapter.moved(found) if self._adapter else found)[0])

    def says(self, phrase: str) -> bool:
        """Whether the words of a phrase stand in this order anywhere in the material, in whatever form of them."""
        with self._lock:
            return bool(self._database.match([phrase], 1, None))

    def mended(self, query: str) -> str:
        """The query without typing errors, as far as the words of the material tell; see `index.spelling`."""
        with self._lock:
            return mended(query, self._database.similar, self._whole)

    def _whole(self, word: str) -> bool:
        """Whether the embedder knows a word as a whole."""
        return self.embedder.count_tokens(word) == self.embedder.count_tokens("a")

    def search(
        self,
        query: str,
        *,
        k: int = 5,
        course: str | None = None,
        documents: Sequence[str] | None = None,
        read: bool = True,
    ) -> tuple[Hit, ...]:
        """The `k` best passages for `query`, best first, near-duplicates left out; typing errors are mended first.

        With a ranker the foremost passages are read and ordered once more; `read` off saves that. `course` keeps to
        one course, `documents` to some of its sources or titles. Raises StoreError for an empty query or a course or
        document that is not in the store, ValueError for k below 1.
        """
        if k < 1:
            raise ValueError(f"k is {k}; it must be at least 1")
        query = self.mended(clean_query(query))
        if not query:
            raise StoreError("the query is empty; ask something")
        allowed = self._catalogue.allowed(course, documents)
        vector = self._asked(query)
        depth = max(_DEPTH, 10 * k)
        with self._lock:
            matched = dict(self._database.match(query_terms(query), depth, allowed))
        mask = None if allowed is None else np.isin(self._source_of_row, allowed)
        rows = np.union1d(nearest(self._index, vector, depth, mask), np.fromiter(matched, np.int64, len(matched)))
        reads = read and self.ranker is not None
        hits = self._rank(rows, vector, matched, query, max(k, RERANKED) if reads else k)
        return self.read(query, hits)[:k] if reads else hits

    def read(self, query: str, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """The hits with what the ranker says of their sentences, the foremost ones in a new order; as they are without
        a ranker."""
        if self.ranker is None:
            return tuple(hits)
        first, rest = hits[:RERANKED], hits[RERANKED:]
        found = self.ranker.scores(query, [readable(hit) for hit in first])
        scored = [with_answers(hit, answers) for hit, answers in zip(first, found, strict=True)]
        # What was not read stays behind what was.
        return (*sorted(scored, key=lambda hit: -hit.score), *rest)

    def _rank(
        self, rows: NDArray[np.int64], vector: Vectors, matched: dict[int, float], query: str, k: int
    ) -> tuple[Hit, ...]:
        """The best `k` of the candidate `rows` [C]: by the three signals, the foremost then by all five."""
        if not len(rows):
            return ()
        dense = rows_of(self._index, rows) @ vector
        lexical = normalised(np.array([matched.get(int(row), 0.0) for row in rows], dtype=np.float32))
        cosines = [self._sentence_cosines(int(row), vector) for row in rows]
        best = np.array([found.max(initial=-1.0) for found in cosines], dtype=np.float32)
        score = fuse(dense, best, lexical, self.weights)
        order = np.argsort(-score, kind="stable")[: 4 * k + 20]
        with self._lock:
            fetched = self._database.fetch(rows[order].tolist())
        words, terms, asked = query_terms(query), explained_terms(query), bool(asked_terms(query))
        says: dict[int, list[float]] = {}
        for position in order:
            row = fetched[int(rows[position])]
            text = " ".join((*row.passage.locator.headings, row.passage.text))
            sentences = [row.passage.text[start:end] for start, end in row.sentences]
            says[position] = defining(terms, sentences, row.passage.locator.headings)
            score[position] += self.weights.words * covered(words, text)
        says = surest(says)
        for position in order:
            score[position] += self.weights.defines * max(0.0, *says[position])
        order = order[np.argsort(-score[order], kind="stable")]
        ranked = [fetched[int(rows[position])] for position in order]
        return tuple(
            hit_of(ranked[place], float(score[at]), float(dense[at]), float(lexical[at]), cosines[at], told)
            for place in distinct([row.passage.text for row in ranked], k)
            for at in [int(order[place])]
            for told in [says[at] if asked else ()]
        )

    def _sentence_cosines(self, row: int, vector: Vectors) -> NDArray[np.float32]:
        first, after = self._first_sentence[row : row + 2]
        found: NDArray[np.float32] = self._sentences[first:after].astype(np.float32) @ vector
        return found

    def passages(self) -> tuple[Passage, ...]:
        """Every passage, in the order of courses and sources and then of the text."""
        with self._lock:
            return tuple(row.passage for row in self._database.rows())

    def whole(self, source: SourceInfo) -> tuple[Hit, ...]:
        """Every passage of a source in the order of its text, scored like a search for the whole of it: for the mean
        of the vectors of its passages. A source of which nothing is in the store has none."""
        rows = np.flatnonzero(np.isin(self._source_of_row, self._catalogue.numbers(source.course, source.source)))
        if not len(rows):
            return ()
        vectors = rows_of(self._index, rows)
        mean = vectors.mean(axis=0)
        mean /= max(float(np.linalg.norm(mean)), 1e-12)
        with self._lock:
            fetched = self._database.fetch(rows.tolist())
        found = []
        for row, dense in zip(rows.tolist(), (vectors @ mean).tolist(), strict=True):
            cosines = self._sentence_cosines(row, mean)
            found.append(hit_of(fetched[row], dense, dense, 0.0, cosines))
        return tuple(sorted(found, key=lambda hit: hit.passage.locator.start))

    def get(self, passage_id: str) -> Passage:
        """The passage with this id. Raises StoreError when the store has none."""
        with self._lock:
            row = self._database.find(passage_id)
        if row is None:
            raise StoreError(f"no passage {passage_id!r} in {self.path}; it may have changed in a later build")
        return row.passage

    def courses(self) -> tuple[str, ...]:
        """The names of the courses, sorted."""
        return self.manifest.courses

    def sources(self, course: str | None = None, documents: Sequence[str] | None = None) -> tuple[SourceInfo, ...]:
        """Every lecture file of the store, those that were skipped included; with filters, as for `search`, those that
        were read and that they leave."""
        return self._catalogue.infos(self._catalogue.allowed(course, documents))

    def original(self, passage: Passage) -> tuple[Path, str] | None:
        """The file that a passage was read from and the SHA-256 it had then; None where it is no longer there."""
        return self._catalogue.original(passage)

    def _check_probes(self) -> None:
        if probe_cosine(self.manifest, self.embedder) < PROBE_COSINE:
            raise StoreError(
                f"{self.embedder.name} no longer gives the vectors that {self.path} was built with; "
                + build_command(self.path, "--force")
            )
        self._probed = True


def _check_embedder(path: Path, generation: Generation, embedder: Embedder) -> None:
    built, now = generation.manifest.embedder, embedder.fingerprint()
    if same_vectors(built, now):
        return
    differs = next(key for key in sorted({*built, *now} - {"name"}) if built.get(key) != now.get(key))
    raise StoreError(
        f"{path} was built with the embedder {built['name']}, not {now['name']} ({differs} differs); "
        + build_command(path, "--embedder", now["name"])
    )
