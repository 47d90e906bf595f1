"""Votes on answers, in a SQLite file on this machine. Nothing of it is sent anywhere.

One row for each answer that was voted on, of the latest vote: `vote` is 1 for a good answer and -1 for a bad one,
`citations` is JSON as `Answer.to_json` gives it, `generation` that of the store, `time` in UTC. The instructor reads
it with any SQLite program, or with `Feedback.votes`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tutor.errors import TutorError

FORMAT = 1
FILE = "feedback.sqlite"
GOOD, BAD = 1, -1

_TABLE = (
    "CREATE TABLE IF NOT EXISTS votes (key TEXT PRIMARY KEY, time TEXT NOT NULL, vote INTEGER NOT NULL, "
    "question TEXT NOT NULL, answer TEXT NOT NULL, citations TEXT NOT NULL, model TEXT NOT NULL, "
    "generation TEXT NOT NULL)"
)


@dataclass(frozen=True, kw_only=True)
class Vote:
    """A row of the file."""

    key: str
    time: str
    vote: int
    question: str
    answer: str
    citations: list[dict[str, Any]]
    model: str
    generation: str


def file_beside(store: Path) -> Path:
    """Where the votes on answers from a store are kept: `feedback.sqlite` beside it."""
    return store.absolute().parent / FILE


class Feedback:
    """The votes in a file, which is made with the first one. Safe for several threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def vote(self, key: str, vote: int, record: Mapping[str, Any]) -> None:
        """Store the vote on an answer, in the place of an earlier one; `record` is its `tutor.ui.chat.record_of`.

        Raises TutorError where the file cannot be written.
        """
        if vote not in (GOOD, BAD):
            raise ValueError(f"vote is {vote}; it must be {GOOD} or {BAD}")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        citations = json.dumps(record["citations"], ensure_ascii=False)
        row = (key, now, vote, record["question"], record["answer"], citations, record["model"], record["generation"])
        with self._opened() as database:
            # Half a surrogate pair, as a browser may send it, is no text for SQLite.
            clean = [one.encode("utf-8", "replace").decode() if isinstance(one, str) else one for one in row]
            database.execute("INSERT OR REPLACE INTO votes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", clean)

    def withdraw(self, key: str) -> None:
        """Forget the vote on an answer. Raises TutorError where the file cannot be written."""
        with self._opened() as database:
            database.execute("DELETE FROM votes WHERE key = ?", (key,))

    def votes(self) -> list[Vote]:
        """All votes, the oldest first. Raises TutorError where the file cannot be read."""
        if not self.path.exists():
            return []
        with self._opened() as database:
            rows = database.execute("SELECT * FROM votes ORDER BY time, rowid").fetchall()
        names = ("key", "time", "vote", "question", "answer", "citations", "model", "generation")
        found = [dict(zip(names, row, strict=True)) for row in rows]
        return [Vote(**{**one, "citations": json.loads(one["citations"])}) for one in found]

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The database within a transaction."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=10)) as database, database:
                known = database.execute("PRAGMA user_version").fetchone()[0]
                if known not in (0, FORMAT):
                    raise TutorError(
                        f"{self.path} has format {known}; this program writes {FORMAT}; move the file away"
                    )
                database.execute(_TABLE)
                database.execute(f"PRAGMA user_version = {FORMAT}")
                yield database
        except (OSError, sqlite3.Error) as fault:
            raise TutorError(f"the vote cannot be kept in {self.path} ({fault}); check that file") from None
