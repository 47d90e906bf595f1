"""Whether an answer says the reverse of a sentence with the sentence's own words.

Two signs of it can be read without a parser. What stood on one side of a verb or of "to", "from", "than" stands on its
other side: "the cell state sees the gate" where the gate sees the cell state. And a word is replaced by its opposite:
"the error grows" where it shrinks; where two are, the reverse of the reverse is meant. A passive turns both sides round
and keeps the meaning, so it is left alone.
"""

from __future__ import annotations

import re
from itertools import product

from lm.reading import content_stems
from tutor.cloze import VERBS
from tutor.quiz_facts import WORD, same_word
from tutor.quiz_said import OPPOSITES

_NEAR = 5
"""Words on each side of a verb that are looked at."""

_NOUNS = frozenset(
    "state model score sample sum link list form set point rang run share step store map end limit".split()
)
"""Stems of verbs that are nouns more often."""

_ALIKE = frozenset("resemble relat equal differ combine connect".split())
"""Stems of verbs whose sides may be exchanged."""

_BETWEEN = frozenset("to into from than before after".split())
_VERBS = frozenset(
    stem for verb in (VERBS + " sees see sends writes reads feeds attends asks").split() for stem in content_stems(verb)
) - (_NOUNS | _ALIKE)
_PASSIVE = re.compile(r"\bby\b")
_ENDS = re.compile(r"[.;:]\s|\b(?:because|whereas|while|but)\b")

Side = frozenset[str]


def turned(answer: str, sentence: str, question: str) -> bool:
    """Whether an answer to the question turns round what the sentence says. 2026-11-22: of 3,312 reference answers of
    the course (train and dev) held against their first quote 1 was taken for its reverse.

    >>> sentence = "A peephole is a connection through which a gate sees the cell state."
    >>> turned("the cell state sees the gates through it", sentence, "What is a peephole?")
    True
    >>> turned("the cell state is seen by the gates", sentence, "What is a peephole?")
    False
    """
    return _exchanged(answer, sentence) or _opposite(answer, sentence, question)


def _exchanged(answer: str, sentence: str) -> bool:
    """Whether the sides of a verb have changed places."""
    return any(
        same_word(verb, other) and _crossed(before - after, after - before, first - last, last - first)
        for (verb, before, after), (other, first, last) in product(_relations(sentence), _relations(answer))
    )


def _crossed(before: Side, after: Side, first: Side, last: Side) -> bool:
    """Whether what was before is last, and what was after is first, in its place."""
    return bool(before & last and after & first) and not before & first


def _relations(text: str) -> list[tuple[str, Side, Side]]:
    """Every verb in the active voice and every word between two sides that stands there once, with the stems near it on
    both sides."""
    found: dict[str, list[tuple[str, Side, Side]]] = {}
    for clause in _ENDS.split(text):
        words = WORD.findall(clause)
        passive = _PASSIVE.search(clause) is not None
        for place, word in enumerate(words):
            between = word.casefold() in _BETWEEN
            stems = [word.casefold()] if between else [one for one in content_stems(word) if one in _VERBS]
            if len(stems) == 1 and (between or not passive):
                before, after = words[max(0, place - _NEAR) : place], words[place + 1 : place + 1 + _NEAR]
                found.setdefault(stems[0], []).append((stems[0], _side(before), _side(after)))
    return [one for ones in found.values() if len(ones) == 1 for one in ones]


def _side(words: list[str]) -> Side:
    return frozenset(content_stems(" ".join(words)))


def _opposite(answer: str, sentence: str, question: str) -> bool:
    """Whether an odd number of words of the sentence have their opposites in the answer in their place."""
    said, there, asked = ({word.casefold() for word in WORD.findall(text)} for text in (answer, sentence, question))
    replaced = [
        pair for pair in OPPOSITES if len(pair & there) == len(pair & said) == 1 and pair & there != pair & said
    ]
    return sum(not pair & asked for pair in replaced) % 2 == 1
