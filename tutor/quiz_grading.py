"""Grades a typed answer against the sentence of the material that answers: which of its key facts it has.

Key facts are the rarest terms of the sentence, its numbers and its formulas, as far as the question has not told them.
Where the question asks for a part of the sentence only (`tutor.quiz_asked`), that part is enough. A word counts as said
in any of its forms, or by another word whose vector is near (a synonym), unless the passage itself uses that other
word, which then means something else; who does what to whom is looked at besides (`tutor.quiz_direction`). No model
judges the answer, so no answer can talk to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tutor.quiz_asked import Asked
from tutor.quiz_direction import turned
from tutor.quiz_facts import Fact
from tutor.quiz_said import Encode, Said
from tutor.quizzable import Gold

RIGHT, PARTLY = 0.5, 0.2
"""Least weight of the facts that a right answer and a partly right one have, where it is not to the point. 2026-11-21,
600 questions of the course (train and dev) held against their evidence: right are 0.97 of the reference answers, 0.44
of the listed key facts alone (0.23 if all of the sentence counted always) and 0.34 of the first of them (0.10), 0.01 of
the references and 0.003 of the key facts of other questions on the same lecture, and never the question itself."""

_LONG_WORDS = 50
"""Words that can say any sentence; an answer that is longer, and three times its sentence, lists everything."""

_SPARE = 3
"""Content words that an answer for a gap may have beside it."""

_NEGATION = re.compile(r"\b(?:not|no|never|cannot|without|nor|neither|nothing|none)\b|n['’]t\b", re.IGNORECASE)
_YES_OR_NO = re.compile(r"^\W*(?:yes|no)\b[\s:,.;]+(?=\w)", re.IGNORECASE)
_CHOICE = re.compile(r"\b(?:or|either|maybe|perhaps|possibly)\b", re.IGNORECASE)
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
    OTHER = "Mind which one is asked about: the answer names another of its kind."
    TURNED = "Mind the direction: the answer turns round what the passage says."
    CHOICE = "Settle on one: an answer that leaves the choice open shows little."


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


def grade(
    facts: Sequence[Fact],
    question: str,
    gold: Gold,
    answer: str,
    encode: Encode,
    *,
    asked: Asked | None = None,
    gap: bool = False,
) -> Grade:
    """Hold an answer against the facts of a sentence, of which those that are `asked` for are enough. `gap` says that
    nothing but the one fact was asked for."""
    texts = tuple(fact.text for fact in facts)
    if not answer.strip() or _GIVES_UP.match(answer):
        return Grade(verdict=Verdict.NOT_YET, share=0.0, present=(), missing=texts, gold=gold, remark=Remark.EMPTY)
    words = Said(answer, question, gold, encode)
    shares = {fact: words.share(fact) for fact in facts}
    whole = sum(fact.weight for fact in facts)
    share = sum(part * fact.weight for fact, part in shares.items()) / whole if whole else 0.0
    to_the_point = asked is not None and words.meet(asked)
    miscounted = any(part < 1 for fact, part in shares.items() if fact.kind == "number") and words.other_numbers()
    uncounted = (
        asked is not None
        and asked.exact
        and any(words.share(fact) < 1 for fact in asked.facts if fact.kind == "number")
    )
    verdict = Verdict.PARTLY if to_the_point or share >= PARTLY else Verdict.NOT_YET
    if (to_the_point and asked and asked.enough) or (share >= (1.0 if gap else RIGHT) and not uncounted):
        verdict = Verdict.PARTLY if miscounted else Verdict.RIGHT
    remark = Remark.NONE
    if verdict is not Verdict.NOT_YET:
        remark = _remark(words, facts, asked if to_the_point and share < RIGHT else None, gap=gap)
    if verdict is Verdict.RIGHT and remark:
        verdict = Verdict.PARTLY
    if asked is not None and to_the_point:
        shares |= {fact: 1.0 for fact in asked.facts if not any(fact.text in text for text in texts)}
    return Grade(
        verdict=verdict,
        share=share,
        present=tuple(fact.text for fact, part in shares.items() if part >= 0.5),
        missing=tuple(fact.text for fact, part in shares.items() if part < 0.5),
        gold=gold,
        remark=remark,
    )


def _remark(words: Said, facts: Sequence[Fact], asked: Asked | None, *, gap: bool) -> Remark:
    """What keeps an answer with the right words from being right."""
    if gap:
        told = f"{words.question} {words.gold.text}"
        too_long = words.beside(facts[0]) > _SPARE
    else:
        told = words.gold.text if asked is None else asked.within
        too_long = len(words.answer.split()) > max(_LONG_WORDS, 3 * len(words.gold.text.split())) or words.listed()
    if too_long:
        return Remark.LONG
    denies, denied = bool(_NEGATION.search(_YES_OR_NO.sub("", words.answer))), bool(_NEGATION.search(told))
    # Who fills a gap or names what is asked for need not repeat what is denied beside it.
    if denies != denied and (denies or not (gap or (asked is not None and asked.exact))):
        return Remark.NEGATED
    if not gap and words.name_another():
        return Remark.OTHER
    if not gap and turned(words.answer, words.gold.text, words.question):
        return Remark.TURNED
    if _CHOICE.search(words.answer) and not _CHOICE.search(f"{words.question} {words.gold.text}"):
        return Remark.CHOICE
    return Remark.NONE
