"""How near each sentence of a passage is to a question: asked once of the embedder or the ranker, then kept.

What was scored is kept in one SQLite file beside the output, under a hash of the scorer, the question and the passage,
so that an interrupted or changed preparation goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index.scoring import Readable
from tutor.items import Paragraphs
from tutor.mixture import Scores
from tutor.records import Draft

_SAVE = 20.0
"""Seconds between two writes to the disk, each with a line of progress."""

Values = NDArray[np.float32]


class Scorer(Protocol):
    """Scores of sentences in view of a question."""

    fingerprint: str
    """Names the weights, so that scores of others are not taken for these."""

    def scores(self, question: str, passages: Sequence[Readable]) -> Sequence[Values]:
        """One array for each passage, with a number for each of its sentences."""


class ByEmbedder:
    """Cosines of question and sentence."""

    def __init__(self) -> None:
        from index.embedder import load_embedder

        self._embedder = load_embedder()
        self.fingerprint = "embedder " + json.dumps(self._embedder.fingerprint(), sort_keys=True)
        self._vectors: dict[str, Values] = {}

    def scores(self, question: str, passages: Sequence[Readable]) -> list[Values]:
        """See `Scorer`."""
        sentences = [[one.text[start:end] for start, end in one.sentences] for one in passages]
        missing = [one for one in {question, *(one for part in sentences for one in part)} if one not in self._vectors]
        if missing:
            self._vectors |= dict(zip(missing, self._embedder.encode(missing).astype(np.float16), strict=True))
        asked = self._vectors[question].astype(np.float32)
        return [np.array([self._vectors[one] @ asked for one in part], dtype=np.float32) for part in sentences]


class ByRanker:
    """Log-odds of a cross-encoder; see `index.ranker`."""

    def __init__(self, folder: Path | None) -> None:
        import torch

        from index.ranker import SHIPPED, Ranker
        from index.trained_files import CONFIG
        from lm.trainer import faster_precision

        self._ranker = Ranker.load(folder)
        self._halves = faster_precision(torch.device("cpu")) == "bf16"
        self.fingerprint = "ranker " + hashlib.sha256(((folder or SHIPPED) / CONFIG).read_bytes()).hexdigest()

    def scores(self, question: str, passages: Sequence[Readable]) -> list[Values]:
        """See `Scorer`. In bf16 the log-odds are off by up to 0.1, which noise drowns, and come twice as fast."""
        import torch

        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._halves):
            return self._ranker.scores(question, passages)


def make_scorer(settings: Scores) -> Scorer | None:
    """The scorer that a mixture names; None where nothing is scored."""
    if settings.by in ("drawn", "none"):
        return None
    return ByEmbedder() if settings.by == "embedder" else ByRanker(Path(settings.ranker) if settings.ranker else None)


class Scored:
    """Scores of the passages of drafts, from the cache file or from the scorer."""

    def __init__(self, path: Path, scorer: Scorer, paragraphs: Paragraphs) -> None:
        self._scorer, self._paragraphs = scorer, paragraphs
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path)
        self._database.execute("CREATE TABLE IF NOT EXISTS scores (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def score(self, drafts: Iterable[Draft]) -> None:
        """Score all passages of the drafts that are not known yet, showing progress."""
        wanted = dict.fromkeys((one.question, number) for one in drafts for number in one.passages)
        missing: dict[str, list[int]] = defaultdict(list)
        for question, number in wanted:
            if self._found(self._key(question, number)) is None:
                missing[question].append(number)
        total, done = sum(map(len, missing.values())), 0
        started = saved = time.perf_counter()
        for question, numbers in missing.items():
            found = self._scorer.scores(question, [self._readable(number) for number in numbers])
            rows = [
                (self._key(question, number), value.astype("<f4").tobytes())
                for number, value in zip(numbers, found, strict=True)
            ]
            self._database.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?)", rows)
            done += len(numbers)
            if done == total or time.perf_counter() - saved > _SAVE:
                self._database.commit()
                saved = time.perf_counter()
                speed = done / (saved - started)
                print(
                    f"scored {done:,} of {total:,} passages, {speed:.0f} a second, "
                    f"{(total - done) / speed / 60:.0f} min left",
                    file=sys.stderr,
                )

    def of(self, draft: Draft) -> list[Values]:
        """The scores of a draft that was scored."""
        found = [self._found(self._key(draft.question, number)) for number in draft.passages]
        return [one for one in found if one is not None]

    def _readable(self, number: int) -> Readable:
        paragraphs = self._paragraphs
        return Readable(
            context=paragraphs.headings[number],
            text=paragraphs.texts[number],
            sentences=paragraphs.sentences[number],
        )

    def _key(self, question: str, number: int) -> bytes:
        parts = (self._scorer.fingerprint, question, self._paragraphs.headings[number], self._paragraphs.texts[number])
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).digest()[:16]

    def _found(self, key: bytes) -> Values | None:
        row = self._database.execute("SELECT value FROM scores WHERE key = ?", (key,)).fetchone()
        return None if row is None else np.frombuffer(row[0], dtype="<f4").astype(np.float32)


def noisy(scores: Iterable[Values], deviation: float, random: np.random.Generator) -> Iterator[Values]:
    """Scores with Gaussian noise: a ranker is surer of questions that it was trained on than of others."""
    for values in scores:
        yield values + deviation * random.standard_normal(len(values), dtype=np.float32)
