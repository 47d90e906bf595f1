"""Grades a typed answer against the sentence of the material that answers: which of its key facts it has.

Key facts are the rarest terms of the sentence, its numbers and its formulas, as far as the question has not told them.
A word counts as said in any of its forms, or by another word whose vector is near (a synonym), unless the passage
itself uses that other word, which then means something else. No model judges the answer, so no answer can talk to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lm.reading import content_stems
from tutor.quiz_facts import WORD, Fact, number_of, plain_formula, right_side, telling
from tutor.quizzable import Gold

RIGHT, PARTLY = 0.5, 0.2
"""Least weight of the facts that a right answer and a partly right one have. 2026-11-21, 400 questions of the
course (train and dev) held against their evidence: reference answers reach 0.5 in 0.975 of the cases and 0.2 in 0.99,
the listed key facts alone in 0.28 and 0.76, references of other questions on the same lecture in 0.01 and 0.10, the
question itself in none and 0.02."""

SYNONYM = 0.65
"""Least cosine of the vectors of two words that mean the same. 2026-11-21, 50 pairs of synonyms, 51 pairs that students
mix up, 6,750 pairs of words of one passage: above 0.55 lie 0.52, 0.31, 0.008; above 0.65 0.34, 0.20, 0.005; above 0.75
0.12, 0.02, 0.004. All the pairs mixed up that lie above 0.6 are opposites, and those are listed below."""

_OPPOSITES = frozenset(
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

_LONG_WORDS = 50
"""Words that can say any sentence; an answer that is longer, and three times its sentence, lists everything."""

_SPARE = 3
"""Content words that an answer for a gap may have beside it."""

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
"""Unit vectors [N, D] of N texts."""

_NEGATION = re.compile(r"\b(?:not|no|never|cannot|without|nor|neither|nothing|none)\b|n['’]t\b", re.IGNORECASE)
_GIVES_UP = re.compile(
    r"^\W*(?:i (?:do not|don['’]?t|dont) (?:know|remember)|no idea|don['’]?t know|dunno|idk|not sure|"
    r"i (?:forgot|give up)|no clue|(?:pass|skip|help)\W*$)\b.{0,20}$|^[\W_]*$",
    re.IGNORECASE,
)


class Verdict(StrEnum):
    """How an answer meets the passage."""

    RIGHT = "right"
    PARTLY = "partly"
    NOT_YET = "not yet"


class Remark(StrEnum):
    """What is said besides the facts; "" is nothing."""

    NONE = ""
    EMPTY = "It stands here: look it up, then try again."
    NEGATED = "Mind the “not”: answer and passage do not deny the same."
    LONG = "Say it in a sentence or two: an answer that names everything shows little."


@dataclass(frozen=True, kw_only=True)
class Grade:
    """What an answer is worth: `share` is the weight of the facts that it has, 0 to 1; `gold` the sentence it was
    held against. Facts are spelled as the passage spells them."""

    verdict: Verdict
    share: float
    present: tuple[str, ...]
    missing: tuple[str, ...]
    gold: Gold
    remark: Remark = Remark.NONE

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary; `start` and `end` are offsets into the passage's text."""
        return {
            "verdict": self.verdict.value,
            "share": round(self.share, 4),
            "present": list(self.present),
            "missing": list(self.missing),
            "remark": self.remark.value,
            "citation": {
                "passage": self.gold.passage.to_json(),
                "start": self.gold.start,
                "end": self.gold.end,
                "sentence": self.gold.text,
            },
        }


def grade(facts: Sequence[Fact], question: str, gold: Gold, answer: str, encode: Encode, *, gap: bool = False) -> Grade:
    """Hold an answer against the facts of a sentence. `gap` says that nothing but the one fact was asked for."""
    texts = tuple(fact.text for fact in facts)
    if not answer.strip() or _GIVES_UP.match(answer):
        return Grade(verdict=Verdict.NOT_YET, share=0.0, present=(), missing=texts, gold=gold, remark=Remark.EMPTY)
    words = _Said(answer, question, gold, encode)
    shares = [words.share(fact) for fact in facts]
    whole = sum(fact.weight for fact in facts)
    share = sum(part * fact.weight for part, fact in zip(shares, facts, strict=True)) / whole if whole else 0.0
    present = tuple(fact.text for fact, part in zip(facts, shares, strict=True) if part >= 0.5)
    missing = tuple(fact.text for fact, part in zip(facts, shares, strict=True) if part < 0.5)
    counts = [part == 1 for fact, part in zip(facts, shares, strict=True) if fact.kind == "number"]
    miscounted = not all(counts) and words.other_numbers()
    enough = 1.0 if gap else RIGHT
    verdict = Verdict.PARTLY if share >= PARTLY else Verdict.NOT_YET
    if share >= enough and not miscounted:
        verdict = Verdict.RIGHT
    remark = Remark.NONE
    if gap:
        too_long = words.beside(facts[0]) > _SPARE
    else:
        too_long = len(answer.split()) > max(_LONG_WORDS, 3 * len(gold.text.split()))
    denies = [bool(_NEGATION.search(text)) for text in (answer, f"{question} {gold.text}" if gap else gold.text)]
    if verdict is not Verdict.NOT_YET and too_long:
        remark = Remark.LONG
    elif verdict is not Verdict.NOT_YET and denies[0] != denies[1] and not (gap and denies[1]):
        remark = Remark.NEGATED
    if verdict is Verdict.RIGHT and remark:
        verdict = Verdict.PARTLY
    return Grade(verdict=verdict, share=share, present=present, missing=missing, gold=gold, remark=remark)


class _Said:
    """The words of an answer, and what they say of a fact."""

    def __init__(self, answer: str, question: str, gold: Gold, encode: Encode) -> None:
        self._encode = encode
        self._stems = list(dict.fromkeys(content_stems(answer)))
        self._numbers = {number_of(word) for word in WORD.findall(answer)} - {""}
        self._formulas = plain_formula(answer)
        self._known_numbers = {number_of(word) for word in WORD.findall(f"{question} {gold.text}")}
        self._asked = set(content_stems(question))
        known = set(content_stems(gold.passage.text)) | self._asked
        self._others = [word for word in WORD.findall(answer) if telling(word) and not known & set(content_stems(word))]
        self._vectors: NDArray[np.float32] | None = None

    def share(self, fact: Fact) -> float:
        """How much of a fact is said, 0 to 1."""
        if fact.kind == "number":
            return float(fact.stems[0][0] in self._numbers)
        if fact.kind == "formula":
            return float(right_side(fact.stems[0][0]) in self._formulas)
        weights = dict(fact.stems)
        said = sum(
            sum(weights.get(stem, 0.0) for stem in content_stems(word))
            for word in WORD.findall(fact.text)
            if all(self._has(stem) for stem in content_stems(word) if stem in weights) or self._synonym(word)
        )
        return min(1.0, said / fact.weight) if fact.weight else 0.0

    def other_numbers(self) -> bool:
        """Whether a number stands in the answer that neither sentence nor question has."""
        return bool(self._numbers - self._known_numbers)

    def beside(self, fact: Fact) -> int:
        """Content words that belong neither to the fact nor to the question."""
        own = [stem for stem, _ in fact.stems]
        return sum(one not in self._asked and not any(same_word(one, stem) for stem in own) for one in self._stems)

    def _has(self, stem: str) -> bool:
        return any(same_word(stem, one) for one in self._stems)

    def _synonym(self, word: str) -> bool:
        """Whether a word of the answer that the passage does not use means this one."""
        if not self._others:
            return False
        if self._vectors is None:
            self._vectors = self._encode(self._others)
        nearness = (self._encode([word]) @ self._vectors.T)[0]
        return any(
            cosine >= SYNONYM and frozenset((word.casefold(), other.casefold())) not in _OPPOSITES
            for other, cosine in zip(self._others, nearness.tolist(), strict=True)
        )


def same_word(stem: str, other: str) -> bool:
    """Whether two stems are of one word: the crude stems of "encoded" and "encoder" differ in their last letters.

    >>> same_word("encod", "encoder"), same_word("gat", "gatewai"), same_word("input", "output")
    (True, False, False)
    """
    short, long = sorted((stem, other), key=len)
    return short == long or (len(short) >= 5 and long.startswith(short) and len(long) - len(short) <= 3)
