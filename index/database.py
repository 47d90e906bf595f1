"""The passages of one generation in SQLite: sources, passages with their places, sentences, and a full-text table."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.document import Locator, Passage
from corpus.sentences import Span
from index.errors import StoreError, damaged
from index.spelling import vocabulary

SCHEMA = """
CREATE TABLE sources (
    source_id INTEGER PRIMARY KEY, course TEXT NOT NULL, source TEXT NOT NULL, title TEXT NOT NULL,
    root TEXT NOT NULL, assigned INTEGER NOT NULL, sha256 TEXT NOT NULL, reader TEXT NOT NULL,
    warnings TEXT NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE TABLE passages (
    row INTEGER PRIMARY KEY, passage_id TEXT NOT NULL UNIQUE, source_id INTEGER NOT NULL REFERENCES sources,
    key BLOB NOT NULL, text TEXT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, headings TEXT NOT NULL,
    page INTEGER, slide INTEGER, cell INTEGER, last INTEGER, page_label TEXT, first_sentence INTEGER NOT NULL,
    sentences BLOB NOT NULL
) STRICT;
CREATE TABLE vocabulary (word TEXT PRIMARY KEY, passages INTEGER NOT NULL) WITHOUT ROWID, STRICT;
CREATE VIRTUAL TABLE words USING fts5(body, headings, content='', tokenize='porter unicode61');
"""
HEADING_WEIGHT = 0.5
"""Weight of a word in the headings or the title, against 1 for a word in the text."""

_PASSAGE = """SELECT p.row, p.passage_id, s.title, s.course, s.source, p.text, p.start, p.stop, p.headings, p.page,
    p.slide, p.cell, p.last, p.page_label, p.source_id, p.key, p.first_sentence, p.sentences
    FROM passages p JOIN sources s USING (source_id)"""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A lecture file as the store knows it.

    `root` is the folder or file named to the build, `assigned` whether its course was named there too. `reader` is
    the fingerprint of the code that read it. `reason` is empty, or says why nothing of the file is in the store.
    """

    course: str
    source: str
    title: str = ""
    root: str = ""
    assigned: bool = False
    sha256: str = ""
    reader: str = ""
    warnings: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A stored passage: its number in the vector file, its source, and its sentences.

    `key` is the content hash of what was embedded for it. Sentence i of the passage, `passage.text[a:b]` for
    `(a, b) = sentences[i]`, has the vector number `first_sentence + i` in the sentence file.
    """

    row: int
    source_id: int
    passage: Passage
    key: bytes
    sentences: tuple[Span, ...]
    first_sentence: int


def write_database(path: Path, sources: Sequence[Source], rows: Iterable[Row]) -> None:
    """Writes a new database; `Row.source_id` is the position in `sources`."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            _write(connection, sources, rows)
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        raise StoreError(f"cannot write {path} ({error}); make room on the disk or name another --store") from error


def _write(connection: sqlite3.Connection, sources: Sequence[Source], rows: Iterable[Row]) -> None:
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;" + SCHEMA)
    for number, source in enumerate(sources):
        values = {**vars(source), "warnings": _json(source.warnings), "source_id": number}
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        connection.execute(f"INSERT INTO sources ({names}) VALUES ({marks})", tuple(values.values()))
    counts: Counter[str] = Counter()
    for row in rows:
        _insert(connection, row)
        counts.update(vocabulary([" ".join((row.passage.text, *row.passage.locator.headings))]))
    connection.executemany("INSERT INTO vocabulary VALUES (?, ?)", sorted(counts.items()))
    connection.execute("INSERT INTO words(words) VALUES ('optimize')")
    connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, row: Row) -> None:
    passage, place = row.passage, row.passage.locator
    values = (
        row.row, passage.passage_id, row.source_id, row.key, passage.text, place.start, place.end,
        _json(place.headings), place.page, place.slide, place.cell, place.last, place.page_label, row.first_sentence,
        np.array(row.sentences, dtype="<u4").tobytes(),
    )  # fmt: skip
    connection.execute(f"INSERT INTO passages VALUES ({', '.join('?' * len(values))})", values)
    context = " ".join((passage.document, *place.headings))
    connection.execute("INSERT INTO words(rowid, body, headings) VALUES (?, ?, ?)", (row.row, passage.text, context))


class Database:
    """Reads the database of a published generation, which never changes. One connection: lock it between threads.

    All methods raise StoreError where the file is no database, or cannot be read any more.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise self._unreadable(error) from error
        next(self._select("SELECT count(*) FROM passages"))

    def _select(self, sql: str, values: Sequence[str | int] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._connection.execute(sql, values)
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: sqlite3.Error) -> StoreError:
        return damaged(self._path, f"is not a readable database ({error})")

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def sources(self) -> list[Source]:
        """All sources, those that could not be read included, in the order of their source_id."""
        names = "course, source, title, root, assigned, sha256, reader, warnings, reason"
        return [
            Source(
                course=course, source=source, title=title, root=root, assigned=bool(assigned), sha256=sha256,
                reader=reader, warnings=tuple(json.loads(warnings)), reason=reason,
            )
            for course, source, title, root, assigned, sha256, reader, warnings, reason in self._select(
                f"SELECT {names} FROM sources ORDER BY source_id"
            )
        ]  # fmt: skip

    def passage_counts(self) -> dict[int, int]:
        """Number of passages by source_id."""
        return dict(self._select("SELECT source_id, count(*) FROM passages GROUP BY source_id"))

    def rows(self) -> Iterator[Row]:
        """All passages in row order."""
        for values in self._select(_PASSAGE + " ORDER BY p.row"):
            yield _row(values)

    def fetch(self, numbers: Sequence[int]) -> dict[int, Row]:
        """The passages with these row numbers."""
        marks = ", ".join("?" * len(numbers))
        found = self._select(f"{_PASSAGE} WHERE p.row IN ({marks})", [int(number) for number in numbers])
        return {values[0]: _row(values) for values in found}

    def find(self, passage_id: str) -> Row | None:
        """The passage with this id."""
        values = next(self._select(_PASSAGE + " WHERE p.passage_id = ?", (passage_id,)), None)
        return _row(values) if values else None

    def layout(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """By row number: the source_id [N], and the first sentence [N + 1] (the last entry is their total)."""
        found = self._select("SELECT source_id, first_sentence, length(sentences) FROM passages ORDER BY row")
        table = np.array(list(found), dtype=np.int64).reshape(-1, 3)
        total = int(table[-1, 1] + table[-1, 2] // 8) if len(table) else 0
        return table[:, 0].copy(), np.append(table[:, 1], total)

    def match(self, terms: Sequence[str], depth: int, source_ids: Sequence[int] | None) -> list[tuple[int, float]]:
        """(row, BM25 score) of the passages that hold any of the `terms`, best first, at most `depth`.

        Scores are positive, larger is better (FTS5's bm25 with k1 = 1.2 and b = 0.75, its sign turned round).
        """
        if not terms:
            return []
        query = " OR ".join('"' + term.replace('"', '""') + '"' for term in terms)
        sql = f"SELECT words.rowid, -bm25(words, 1.0, {HEADING_WEIGHT}) AS score FROM words"
        values: list[str | int] = [query]
        where = " WHERE words MATCH ?"
        if source_ids is not None:
            sql += " JOIN passages p ON p.row = words.rowid"
            where += f" AND p.source_id IN ({', '.join('?' * len(source_ids))})"
            values.extend(source_ids)
        found = self._select(f"{sql}{where} ORDER BY score DESC, words.rowid LIMIT ?", (*values, depth))
        return [(int(row), float(score)) for row, score in found]

    def similar(self, word: str, edits: int) -> list[tuple[str, int]]:
        """(word, number of passages) of the words that begin like `word` and are at most `edits` longer or shorter;
        none in a store that was built before it kept a vocabulary."""
        if not next(self._select("SELECT 1 FROM sqlite_master WHERE name = 'vocabulary'"), None):
            return []
        sql = "SELECT word, passages FROM vocabulary WHERE word >= ? AND word < ? AND length(word) BETWEEN ? AND ?"
        first = word[0]
        values = (first, chr(ord(first) + 1), len(word) - edits, len(word) + edits)
        return [(str(found), int(passages)) for found, passages in self._select(sql, values)]

    def faults(self) -> Iterator[str]:
        """What is wrong inside the database, a line each."""
        try:
            for (line,) in self._connection.execute("PRAGMA integrity_check"):
                if line != "ok":
                    yield f"integrity check: {line}"
            passages = self._connection.execute("SELECT count(*) FROM passages").fetchone()[0]
            indexed = self._connection.execute("SELECT count(*) FROM words_docsize").fetchone()[0]
        except sqlite3.DatabaseError as error:
            yield str(error)
            return
        if passages != indexed:
            yield f"the full-text table has {indexed:,} rows for {passages:,} passages"


def _row(values: tuple[Any, ...]) -> Row:
    (
        row, identity, title, course, source, text, start, stop, headings, page, slide, cell, last, label, source_id,
        key, first, spans,
    ) = values  # fmt: skip
    place = Locator(
        source=source, start=start, end=stop, headings=tuple(json.loads(headings)), page=page, slide=slide, cell=cell,
        last=last, page_label=label,
    )  # fmt: skip
    passage = Passage(passage_id=identity, document=title, text=text, locator=place, course=course)
    pairs = np.frombuffer(spans, dtype="<u4").reshape(-1, 2).tolist()
    sentences = tuple((first_, last_) for first_, last_ in pairs)
    return Row(row=row, source_id=source_id, passage=passage, key=key, sentences=sentences, first_sentence=first)


def _json(values: Sequence[str]) -> str:
    return json.dumps(values)
