"""Does the material cover the question? A logistic model over what search and ranker say.

    P(covered) = sigmoid(w . x + b)

with x = the best sentence cosine, the best passage cosine, the log of the summed odds of all sentences found to
answer, whether the question names what the material never says, and whether it asks for a number that the two
likeliest sentences do not hold. No sentence answers where they speak of World War I and the question of World War II
(`tutor.numerals`), nor where nothing is near the question at all. What the language model itself thinks of an answer
adds nothing to these. The weights were fitted (2026-11-23) by `python -m tutor.fit_coverage` on 292 dev questions of
the course, 110 on slide decks, 170 on slides of others and 170 on five slide transcripts, 126 of the 742 without an
answer; what each threshold (`tutor.choices`) gives stands in `tutor/README.md`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

from index.hits import Hit
from index.store import RERANKED
from tutor.echo import asks_back
from tutor.names import counts, has_number, unknown
from tutor.numerals import another
from tutor.odds import log_odds, read_hits

_LIKELIEST = 2
_FAR = 0.22
"""A question that is nearer to nothing than this cosine is about something else; of the questions that the weights were
fitted on, none with an answer is."""
_MOST = 8.0
"""Most and, below zero, least log-odds that sentences answer."""


@dataclass(frozen=True, kw_only=True)
class Signals:
    """What speaks for an answer: cosines (-1 to 1), log-odds (clipped to -8 to 8), and what speaks against one, 1 where
    it is so and else 0."""

    sentence: float
    passage: float
    answers: float
    unknown: float
    uncounted: float

    def vector(self) -> tuple[float, ...]:
        """The signals in the order of `WEIGHTS`."""
        return astuple(self)


WEIGHTS = (0.101, 0.403, 1.031, -2.240, -0.516)
BIAS = 0.418


def signals(question: str, hits: Sequence[Hit], says: Callable[[str], bool], told: str = "") -> Signals:
    """Signals of a question and its best hits; `says` tells whether a phrase stands anywhere in the material, `told`
    what was answered before.

    Only the passages that a ranker reads count: in further ones the cosines would be taken for probabilities."""
    hits = hits[:RERANKED]
    candidates = sorted(read_hits(hits, question, told, choosing=False), key=lambda one: -one.score)
    found = [" ".join((hit.passage.context, hit.passage.text)) for hit in hits]
    odds = sum(math.exp(log_odds(one.score)) for one in candidates)
    answers = max(-_MOST, min(_MOST, math.log(odds))) if odds > 0 else -_MOST
    likeliest = [one.text for one in candidates[:_LIKELIEST]]
    sentence = max((_nearest(question, hit) for hit in hits), default=-1.0)
    passage = max((hit.dense for hit in hits), default=-1.0)
    return Signals(
        sentence=sentence,
        passage=passage,
        answers=-_MOST if max(sentence, passage) < _FAR or another(question, says, found) else answers,
        unknown=float(bool(unknown(question, says, found))),
        uncounted=float(counts(question) and not any(map(has_number, likeliest))),
    )


def _nearest(question: str, hit: Hit) -> float:
    """The largest cosine of the sentences of a passage that do more than ask the question."""
    text = hit.passage.text
    said = (one.score for one in hit.sentences if not asks_back(text[one.start : one.end], question))
    return max(said, default=-1.0)


def probability(found: Signals) -> float:
    """P(covered)."""
    z = BIAS + sum(weight * value for weight, value in zip(WEIGHTS, found.vector(), strict=True))
    return 1.0 / (1.0 + math.exp(-z))
