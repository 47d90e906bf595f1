"""Does the material cover the question? A logistic model over what search and reader say.

    P(covered) = sigmoid(w . x + b)

with x = the best sentence cosine, the best passage cosine, the share of the question's content words that stand in
the passages found, the reader's log-odds that there is an answer, and the ranker's largest log-odds of a sentence. The
weights were fitted (2026-11-21) by `python -m tutor.fit_coverage` on 255 dev questions of the course, 110 on slide
decks and 280 on five slide transcripts, 123 of the 645 without an answer; what each threshold (`tutor.choices`) gives
stands in `tutor/README.md`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from index.store import Hit
from lm.reading import content_stems
from tutor.candidate import log_odds


@dataclass(frozen=True, kw_only=True)
class Signals:
    """What speaks for an answer: cosines (-1 to 1), a share (0 to 1), log-odds (clipped to -8 to 8)."""

    sentence: float
    passage: float
    words: float
    reader: float
    ranker: float

    def vector(self) -> tuple[float, ...]:
        """The signals in the order of `WEIGHTS`."""
        return self.sentence, self.passage, self.words, self.reader, self.ranker


WEIGHTS = (3.273, 1.438, 0.209, 0.199, 0.519)
BIAS = -1.749


def signals(question: str, hits: Sequence[Hit], p_none: float) -> Signals:
    """Signals of a question, its hits and the reader's probability of the no-answer token."""
    asked = set(content_stems(question))
    said = {stem for hit in hits for stem in content_stems(" ".join((*hit.passage.locator.headings, hit.passage.text)))}
    answers = [one.answers for hit in hits for one in hit.sentences if one.answers is not None]
    return Signals(
        sentence=max((sentence.score for hit in hits for sentence in hit.sentences), default=-1.0),
        passage=max((hit.dense for hit in hits), default=-1.0),
        words=len(asked & said) / len(asked) if asked else 0.0,
        reader=max(-8.0, min(8.0, log_odds(1 - p_none))),
        ranker=max(-8.0, min(8.0, log_odds(max(answers)))) if answers else 0.0,
    )


def probability(found: Signals) -> float:
    """P(covered)."""
    z = BIAS + sum(weight * value for weight, value in zip(WEIGHTS, found.vector(), strict=True))
    return 1.0 / (1.0 + math.exp(-z))
