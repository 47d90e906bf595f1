"""Exact match and F1 of answers, as SQuAD v1.1 defines them (Rajpurkar et al. 2016, section 6.1).

Both compare words after normalisation: lower case, ASCII punctuation and the articles a, an and the left out, white
space folded. Against several reference answers the best counts.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """The words of `text` that count, joined by single spaces.

    >>> normalise("The  U.S. (a union)")
    'us union'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def exact_match(prediction: str, references: Sequence[str]) -> float:
    """1.0 if the normalised prediction is one of the normalised references, else 0.0."""
    return _best(lambda one, other: float(one == other), prediction, references)


def f1(prediction: str, references: Sequence[str]) -> float:
    """The largest harmonic mean of precision and recall over words, repeats counted, with one of the references.

    >>> f1("the red big barn", ["a big barn", "house"])
    0.8
    """
    return _best(_f1, prediction, references)


def _best(score: Callable[[str, str], float], prediction: str, references: Sequence[str]) -> float:
    if not references:
        raise ValueError("no reference answer to compare with; give at least one")
    answer = normalise(prediction)
    return max(score(answer, normalise(reference)) for reference in references)


def _f1(prediction: str, reference: str) -> float:
    predicted, expected = Counter(prediction.split()), Counter(reference.split())
    common = (predicted & expected).total()
    if common == 0:
        return 0.0
    precision, recall = common / predicted.total(), common / expected.total()
    return 2 * precision * recall / (precision + recall)
