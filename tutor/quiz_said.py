"""What an answer says of a fact, and what else it says.

A word counts as said in any of its forms, or by another word whose vector is near (a synonym), unless the passage
itself uses that other word, which then means something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lm.reading import content_stems
from tutor.quiz_asked import Asked
from tutor.quiz_facts import WORD, Fact, is_among, number_of, numbers_in, telling
from tutor.quiz_formula import Formulas
from tutor.quizzable import Gold

ENOUGH = 0.5
"""Least weight of the facts of a part of the sentence that are said where that part is asked for."""

SYNONYM = 0.65
"""Least cosine of the vectors of two words that mean the same. 2026-11-21, 50 pairs of synonyms, 51 pairs that students
mix up, 6,750 pairs of words of one passage: above 0.55 lie 0.52, 0.31, 0.008; above 0.65 0.34, 0.20, 0.005; above 0.75
0.12, 0.02, 0.004. All the pairs mixed up that lie above 0.6 are opposites, and those are listed below."""

OPPOSITES = frozenset(
    frozenset(pair.split("/"))
    for pair in (
        "larger/smaller large/small big/small bigger/smaller low/high lower/higher lowers/raises positive/negative "
        "numerator/denominator encoder/decoder encoders/decoders encode/decode open/closed opens/closes "
        "forward/backward short/long shorter/longer early/late earlier/later maximum/minimum maximise/minimise "
        "row/column rows/columns increase/decrease increases/decreases grows/shrinks input/output inputs/outputs "
        "question/answer first/last new/old left/right before/after upper/lower inside/outside slow/fast "
        "slower/faster more/less most/least add/subtract multiply/divide true/false weak/strong wide/narrow "
        "source/target easy/hard cheap/expensive hard/soft read/write reads/writes start/end begins/ends "
        "always/never above/below full/empty"
    ).split()
)
"""Words of which one says the reverse of the other."""

_LISTED, _SHORT = 3, 3
"""An answer that names so many things in a list, each in at most so many words, of which neither sentence nor question
speaks, names whatever comes to mind."""

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
"""Unit vectors [N, D] of N texts."""

_LIST = re.compile(r"[,;/\n]|\b(?:and|or)\b", re.IGNORECASE)


class Said:
    """The words of an answer, and what they say of a fact."""

    def __init__(self, answer: str, question: str, gold: Gold, encode: Encode) -> None:
        self.answer, self.question, self.gold = answer, question, gold
        self._encode = encode
        self._stems = list(dict.fromkeys(content_stems(answer)))
        self._numbers = numbers_in(answer)
        self._formulas = Formulas(answer)
        self._asked = set(content_stems(question))
        known = set(content_stems(gold.passage.text)) | self._asked
        self._others = [word for word in WORD.findall(answer) if telling(word) and not known & set(content_stems(word))]
        self._vectors: NDArray[np.float32] | None = None

    def share(self, fact: Fact) -> float:
        """How much of a fact is said, 0 to 1."""
        if fact.kind == "number":
            return float(fact.stems[0][0] in self._numbers)
        if fact.kind == "formula":
            return float(self._formulas.say(fact.stems[0][0]))
        weights = dict(fact.stems)
        said = sum(
            sum(weights.get(stem, 0.0) for stem in content_stems(word))
            for word in WORD.findall(fact.text)
            if all(self._has(stem) for stem in content_stems(word) if stem in weights) or self._synonym(word)
        )
        return min(1.0, said / fact.weight) if fact.weight else 0.0

    def other_numbers(self) -> bool:
        """Whether a number stands in the answer that neither sentence nor question has."""
        return bool(self._numbers - numbers_in(f"{self.question} {self.gold.text}"))

    def meet(self, asked: Asked) -> bool:
        """Whether what is asked for is said, and where it is exact no other of its kind."""
        if not asked.exact:
            whole = sum(fact.weight for fact in asked.facts)
            said = sum(self.share(fact) * fact.weight for fact in asked.facts)
            strange = self._strange(self.answer, f"{self.question} {self.gold.text}")
            terse = 2 * strange <= len(self._stems)
            return (terse and said >= ENOUGH * whole) or self._ends(asked.within)
        if any(self.share(fact) < 1 for fact in asked.facts):
            return False
        numbers = numbers_in(" ".join(fact.text for fact in asked.facts))
        if numbers and self._numbers - numbers - numbers_in(self.question):
            return False
        terms = [fact.text for fact in asked.facts if fact.kind == "term"]
        return not terms or self._strange(self.answer, " ".join((self.question, asked.within, *terms))) == 0

    def _ends(self, text: str) -> bool:
        """Whether a text ends with the answer, word for word, which need not be telling words."""
        words = [word.casefold() for word in WORD.findall(self.answer)]
        told = {word.casefold() for word in WORD.findall(self.question)}
        there = [word.casefold() for word in WORD.findall(text)]
        return len(words) > 1 and not told & set(words) and there[-len(words) :] == words

    def listed(self) -> bool:
        """Whether the answer is a list of things of which neither sentence nor question speaks."""
        known = f"{self.question} {self.gold.text}"
        pieces = [piece for piece in _LIST.split(self.answer) if len(piece.split()) <= _SHORT]
        return sum(self._strange(piece, known) > 0 for piece in pieces) >= _LISTED

    def name_another(self) -> bool:
        """Whether the answer has "input gate" where the question has "forget gate" and the sentence no input."""
        known = content_stems(f"{self.question} {self.gold.text}")
        asked = pairwise(WORD.findall(self.question))
        nouns = {stem for kind, noun in asked if _is_kind(kind) for stem in telling(noun)}
        return any(
            set(telling(noun)) & nouns and _is_kind(kind) and not all(is_among(stem, known) for stem in telling(kind))
            for kind, noun in pairwise(WORD.findall(self.answer))
        )

    def _strange(self, text: str, known: str) -> int:
        """How many telling words of a text are not among the known ones."""
        stems = content_stems(known)
        return sum(
            not is_among(stem, stems) for word in WORD.findall(text) if not number_of(word) for stem in telling(word)
        )

    def beside(self, fact: Fact) -> int:
        """Content words that belong neither to the fact nor to the question."""
        own = [stem for stem, _ in fact.stems]
        return sum(one not in self._asked and not is_among(one, own) for one in self._stems)

    def _has(self, stem: str) -> bool:
        return is_among(stem, self._stems)

    def _synonym(self, word: str) -> bool:
        """Whether a word of the answer that the passage does not use means this one."""
        if not self._others:
            return False
        if self._vectors is None:
            self._vectors = self._encode(self._others)
        nearness = (self._encode([word]) @ self._vectors.T)[0]
        return any(
            cosine >= SYNONYM and frozenset((word.casefold(), other.casefold())) not in OPPOSITES
            for other, cosine in zip(self._others, nearness.tolist(), strict=True)
        )


def _is_kind(word: str) -> bool:
    """Whether a word before a noun may say which one it is."""
    return bool(telling(word)) and not number_of(word) and word.casefold() not in ("times", "different", "many")
