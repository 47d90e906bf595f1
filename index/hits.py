"""What a search finds: a passage with its scores and those of its sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from corpus.document import Passage
from index.database import Row
from index.scoring import READING_WEIGHT, SUREST, Readable


@dataclass(frozen=True, kw_only=True)
class SentenceScore:
    """A sentence, `passage.text[start:end]`, and how well it meets the query: `score` is the cosine of its vector and
    the one that the query is searched by, `answers` the ranker's probability that the sentence answers (None where no
    ranker has read it), `defines` how far it says what the query asks to define, -1 to 1
    (`index.defining.defining`)."""

    start: int
    end: int
    score: float
    answers: float | None = None
    defines: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A passage found. `score` ranks within one query only, and so does `searched`, what the search gave before the
    ranker read the passage; `dense` is the cosine of the passage and the vector that the query is searched by.

    `lexical` is the BM25 score over the best one of this query, 0 to 1. `sentences` holds every sentence, line and
    equation of the passage in reading order.
    """

    passage: Passage
    score: float
    searched: float
    dense: float
    lexical: float
    sentences: tuple[SentenceScore, ...]


def readable(hit: Hit) -> Readable:
    """A passage found as a ranker reads it."""
    spans = [(sentence.start, sentence.end) for sentence in hit.sentences]
    return Readable(context=hit.passage.context, text=hit.passage.text, sentences=spans)


def with_answers(hit: Hit, log_odds: NDArray[np.float32]) -> Hit:
    """The hit with what a ranker says of its sentences, `log_odds` [number of them], and the score that this makes."""
    probabilities = 1.0 / (1.0 + np.exp(-log_odds.astype(np.float64)))
    sentences = tuple(
        replace(sentence, answers=float(p)) for sentence, p in zip(hit.sentences, probabilities, strict=True)
    )
    surest = float(np.clip(log_odds.max(initial=-SUREST), -SUREST, SUREST))
    score = hit.score + READING_WEIGHT * (surest + SUREST)
    return replace(hit, score=score, sentences=sentences)


def hit_of(
    row: Row, score: float, dense: float, lexical: float, cosines: NDArray[np.float32], says: Sequence[float] = ()
) -> Hit:
    """A stored passage as a search found it: `cosines` and, where something is to be defined, how far each sentence
    `says` what it is [number of its sentences]."""
    sentences = tuple(
        SentenceScore(start=start, end=end, score=float(cosine), defines=much)
        for (start, end), cosine, much in zip(row.sentences, cosines, says or [0.0] * len(cosines), strict=True)
    )
    return Hit(passage=row.passage, score=score, searched=score, dense=dense, lexical=lexical, sentences=sentences)
