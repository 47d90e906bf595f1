"""Mends typing errors in a question by the words of the material.

A word is taken for an error only if neither the material nor the embedder's vocabulary of whole words has it, and only
a word of the material that begins alike and is one edit away (two from eight letters on) replaces it. So a name or a
term that the material does not have stays what it is, and the tutor can say that it is not covered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST, LONGEST = 5, 40
"""Letters of a word that can be mended: between words of four letters one edit is no evidence."""
_TWO_EDITS = 8
_WORD = re.compile(r"[^\W\d_]+")
_ENDING = re.compile(r"(?:ies|ied|ing|es|ed|er|ly|s|d|y)$")

Similar = Callable[[str, int], Iterable[tuple[str, int]]]
"""Words of the material that begin with the same letter and differ in length by at most so much, each with the number
of passages that have it."""


def vocabulary(texts: Iterable[str]) -> Counter[str]:
    """For each word that could mend another, in lower case, the number of texts that have it."""
    counts: Counter[str] = Counter()
    for text in texts:
        found = set(_WORD.findall(text.lower()))
        counts.update(word for word in found if SHORTEST - 1 <= len(word) <= LONGEST)
    return counts


def mended(query: str, similar: Similar, known: Callable[[str], bool]) -> str:
    """The query with its typing errors mended; `known` says that a word is one in general.

    The distance is that of Damerau and Levenshtein in its restricted form: insertion, deletion, substitution, and
    exchange of two neighbours count one each.
    """

    def mend(match: re.Match[str]) -> str:
        word = match[0].lower()
        if not SHORTEST <= len(word) <= LONGEST:
            return match[0]
        edits = 2 if len(word) >= _TWO_EDITS else 1
        candidates = dict(similar(word, edits))
        if not candidates or word in candidates or known(word):
            return match[0]
        near = process.extract(word, candidates.keys(), scorer=OSA.distance, score_cutoff=edits, limit=None)
        best = min(near, key=lambda one: (one[1], -candidates[one[0]], one[0]), default=None)
        if best is None or _ENDING.sub("", word) == _ENDING.sub("", best[0]):
            # Another form of a word is no error, and the search knows the stem.
            return match[0]
        return str(best[0])

    return _WORD.sub(mend, query)
