"""How passages are ranked for a question: pure functions on numbers and words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_TERMS = 64
MOST_CHARACTERS = 4000
"""What is read of a question: more than the embedder's 256 word pieces hold."""

_WORD = re.compile(r"[^\W_]+")
_STEM = 5
STOP_WORDS = frozenset(
    """a about am an and any are as at be been but by can could did do does doing for from had has have having how i if
    in into is it its me my of on or our s shall should so t than that the their them then there these they this those
    to us was we were what when where which who whom whose why will with would you your""".split()
)


READING_WEIGHT, SUREST = 0.04, 4.0
"""What a passage gains, once the ranker has read it, for each point of log-odds that its likeliest sentence answers,
from minus to plus the second number. In a logistic model of where the evidence stands the score of the search weighs
9.4 and these log-odds 0.46. 2026-11-23, evidence in the first passage, 180 dev questions of the course, 97 on slide
decks, 140 on slides of others and 142 on slide transcripts: 0.82, 0.79, 0.74 and 0.75 with 0.15 for a probability of 1,
0.84, 0.84, 0.75 and 0.75 so."""


@dataclass(frozen=True, kw_only=True)
class Readable:
    """A passage for the ranker: its headings in one line (may be empty), its text, and the spans of its sentences."""

    context: str
    text: str
    sentences: Sequence[tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Shares of the five signals in the score of a passage; see `fuse`, `covered` and `index.defining.defines`.

    2026-11-21, 170 questions on five noisy slide transcripts (197 to 239 passages), evidence in the first passage /
    the first five, and 1,500 questions on 1,451 encyclopaedia passages, recall@1 / @5:
    dense alone 0.55 / 0.78 and 0.68 / 0.92; BM25 alone 0.69 / 0.91 and 0.50 / 0.78; best sentence alone 0.51 / 0.76
    and 0.61 / 0.89; reciprocal rank fusion of the three 0.66 / 0.91 and 0.65 / 0.89; these shares 0.74 / 0.95 and
    0.69 / 0.92. Anything from half to twice the two smaller shares is within two points. With the
    share of the question's words besides, 0.76 / 0.96 on the transcripts, a point up on each half of the questions.
    For "What is X?" on 150 terms of the glossaries of the shipped course, a passage that defines X: 0.49 / 0.95 with
    nothing for a definition, 0.63 / 0.99 with 0.05, 0.77 / 1.00 with 0.1, 0.87 / 1.00 with 0.15.
    All this without `index.query_adapter`.
    """

    dense: float = 0.48
    sentence: float = 0.24
    lexical: float = 0.15
    words: float = 0.13
    defines: float = 0.12


def clean_query(text: str) -> str:
    """A question as it is searched: no NUL, no half surrogates, single spaces, at most MOST_CHARACTERS."""
    text = text[: 4 * MOST_CHARACTERS].encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    return " ".join(text.split())[:MOST_CHARACTERS]


def query_terms(query: str) -> list[str]:
    """The words to look up, lower case, without stop words (unless there are no others), each once.

    >>> query_terms("What does the forget gate f_t do?")
    ['forget', 'gate', 'f']
    """
    words = list(dict.fromkeys(_WORD.findall(query.lower())))
    return ([word for word in words if word not in STOP_WORDS] or words)[:MOST_TERMS]


def fuse(
    dense: NDArray[np.float32], sentence: NDArray[np.float32], lexical: NDArray[np.float32], weights: Weights
) -> NDArray[np.float32]:
    """score = w_dense * cos(q, passage) + w_sentence * max_i cos(q, sentence_i) + w_lexical * lexical, each [C].

    A convex combination (Bruch et al. 2023, arXiv 2210.11934): unlike reciprocal rank fusion it keeps how far apart
    the candidates are. `lexical` is BM25 over the best BM25 among the candidates, so all three are at most 1.
    """
    score = weights.dense * dense + weights.sentence * sentence + weights.lexical * lexical
    return np.asarray(score, dtype=np.float32)


def covered(terms: Sequence[str], text: str) -> float:
    """The share of the query's words that stand in a text, 0 to 1; words are alike that share their first five letters
    (truncation as a stemmer: crude, and as good here as suffix rules). BM25 lets one rare word stand for many."""
    known = {word[:_STEM] for word in _WORD.findall(text.lower())}
    return sum(term[:_STEM] in known for term in terms) / max(1, len(terms))


def normalised(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores over the largest one, [C]; zeros stay zeros."""
    best = float(scores.max(initial=0.0))
    return np.asarray(scores / best, dtype=np.float32) if best > 0 else scores


def shingles(text: str, size: int = 3) -> frozenset[tuple[str, ...]]:
    """The runs of `size` words of a text, case and punctuation folded; the whole text where it is shorter."""
    words = _WORD.findall(text.casefold())
    return frozenset(tuple(words[start : start + size]) for start in range(max(1, len(words) - size + 1)))


def near_duplicate(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]], threshold: float = 0.9) -> bool:
    """Whether the Jaccard overlap |A & B| / |A | B| of two shingle sets reaches the threshold (Broder 1997)."""
    return len(one & other) >= threshold * len(one | other)


def distinct(texts: Sequence[str], most: int) -> list[int]:
    """Positions of the first `most` texts that are no near-duplicates of one before them."""
    kept: list[int] = []
    seen: list[frozenset[tuple[str, ...]]] = []
    for position, text in enumerate(texts):
        if len(kept) == most:
            break
        found = shingles(text)
        if not any(near_duplicate(found, other) for other in seen):
            kept.append(position)
            seen.append(found)
    return kept
