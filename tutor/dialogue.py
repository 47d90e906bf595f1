"""Follow-ups: the question that stands alone, made from the question asked and the turns before it.

A question that leans on what was said ("and in the GRU?", "why is that?") is searched together with the questions it
leans on. Answers are left out: what the tutor said must not become evidence for what it says next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from index.defining import asked_terms
from lm.reading import content_stems
from tutor.answer import History
from tutor.courtesy import is_courtesy
from tutor.names import names
from tutor.numerals import Says
from tutor.pointing import pointed
from tutor.swapping import named, swapped

_OPENER = re.compile(
    r"^\W*(?:and|but|so|or|then|what about|how about|what if|are you sure|really|tell me more|more|again|go on|"
    r"explain(?=\W*(?:it|that|this|more|why|how)?\W*$)|for example|why not|how so|compared to"
    r"|(?:(?:please|(?:can|could) you)\s+)*(?:(?:give|show|tell)\s+(?:(?:me|us)\s+)?)?(?:an|another|some)\s+examples?"
    r")\b",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"\b(?:it|its|they|them|their|he|she|him|his|her|hers|this|these|those|former|latter)\b"
    r"|\bthat\b(?!\s+\w+\s+(?:is|are|was|were|has|have|can|does|do)\b)",
    re.IGNORECASE,
)
_RELATIVE = re.compile(
    r"\b(?!(?:is|are|was|were|does|do|did|can|could|will|would|should|has|have|had|and|but|or|so|of|in|with|by|for|to|about"
    r"|from|on|at|as|if|why|how|what|when|where|like|than|all|after|before|explain|show|mean)\b)[\w-]+\s+that\s+"
    r"(?:is|are|was|were|has|have|had|can|could|does|do|did|will|would|should|must|may|might|\w+(?:[^s\W]s|ed))\b",
    re.IGNORECASE,
)
"""A "that" which goes on about the word before it ("words that have two meanings") and points nowhere else."""
_PICKS = re.compile(
    r"\b(?:ones|others|above|(?:in|from|out) t?here|(?:one|other|same|both|first|second|two)"
    r"(?=\W*$|\W*[,?.!]|\s+(?:ones?|of (?:them|these|those|the)|is|are|was|does|do|can|has|have|in|for|at|by)\b))\b",
    re.IGNORECASE,
)
_AGAIN = re.compile(
    r"\b(?:again|repeat|once more|sure|summar\w+|shorter|simpl\w+|rephrase|in other words)\b", re.IGNORECASE
)
_DEFINES = re.compile(
    r"^\W*(?:what(?:['’]s| is| are| was| were)|who(?:['’]s| is| was)|define)\s+(?!the\b|your\b)", re.IGNORECASE
)
_EXAMPLE_OF = re.compile(r"\bexamples?\s+(?:of|for|where|when)\b(.*)", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"[^\W_]+")
_MARKERS = re.compile(r"\s*\[\d+\]")
_FEW_WORDS = 2
_MOST_OWN = 8
WEIGHTS = (0.68, 1.45, 0.71, 0.59, -0.56, -5.54)
"""Weights of what `signs` looks at."""
BIAS = 5.10
_CHATTED = frozenset(
    content_stems(
        "ok okay hm hmm well fine good great nice cool thanks sorry please catch downside upside drawback trick deal"
        " big bad worth bother rid life believe example point anyway again today"
    )
)
"""Words of talk: that the material never says them does not make a question one on something else."""

_NO_SUBJECT = _CHATTED | frozenset(content_stems("numbers values figures details calculation concrete real actual"))
"""Words that ask for more of what was spoken of, and not about something."""

Nearness = Callable[[str], float]
"""The score of the best passage that a search finds for a text, 0 to 1."""


def leans(question: str, nearness: Nearness, says: Says) -> bool:
    """Whether a question needs the ones before it: a logistic model over its words and over what it finds alone, but
    for what stands alone in any case.

    `python -m tutor.fit_dialogue` fits such weights on the course's train split, to find the evidence early (those in
    use are of another draw of new questions), and says what is found. Evidence in the first passage / the first five,
    2026-11-22:

                                              as it is      read alone    always joined
        219 follow-ups, train                 0.60 / 0.88   0.30 / 0.50   0.58 / 0.89
        71 follow-ups, dev                    0.80 / 0.96   0.41 / 0.61   0.76 / 0.94
        700 questions after others, train     0.61 / 0.86   0.64 / 0.90   0.25 / 0.58
        300 questions after others, dev       0.72 / 0.89   0.76 / 0.92   0.30 / 0.65
    """
    if stands_alone(question, says):
        return False
    return BIAS + sum(weight * sign for weight, sign in zip(WEIGHTS, signs(question, nearness), strict=True)) > 0


def signs(question: str, nearness: Nearness) -> tuple[float, ...]:
    """What tells whether a question leans on others, in the order of `WEIGHTS`: an opening like a continuation, a word
    that points back, one that picks from what was said, a scrap of few words (1 where it is so, else 0), the number of
    words with content of its own (at most `_MOST_OWN`), the nearness of what it finds."""
    found = (_OPENER.search(question), _points(question), _PICKS.search(question))
    few = len(question.split()) <= _FEW_WORDS
    return (
        *(float(bool(one)) for one in found),
        float(few),
        float(min(len(content_stems(question)), _MOST_OWN)),
        nearness(question),
    )


def stands_alone(question: str, says: Says) -> bool:
    """Whether a question without a sign of going on names something, asks for a definition or speaks of what the
    material does not; or asks for an example of something."""
    points = _points(question)
    if not points and (instance := _EXAMPLE_OF.search(question)) and content_stems(instance[1]):
        return True
    # What a word late in a question points back to may stand in the question itself.
    back = points is not None and len(content_stems(question[: points.start()])) <= 1
    if _OPENER.search(question) or _PICKS.search(question):
        return False
    return (not points and _names(question)) or (not back and _foreign(question, says))


def _points(question: str) -> re.Match[str] | None:
    """The first word of a question that points back.

    >>> bool(_points("Which words that have two senses?")), bool(_points("Why does that have a cost?"))
    (False, True)
    """
    return _POINTER.search(_RELATIVE.sub(lambda match: "-" * len(match[0]), question))


def _names(question: str) -> bool:
    """Whether a question names something or asks to define it."""
    return bool(names(question) or (_DEFINES.match(question) and asked_terms(question)))


def _foreign(question: str, says: Says) -> bool:
    """Whether a question speaks of what the material does not."""
    said = (word for word in _WORD.findall(question) if content_stems(word) and content_stems(word)[0] not in _CHATTED)
    return not all(map(says, said))


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """A question of the dialogue as it was asked and as it is understood; `alone` where that needs no other."""

    asked: str
    whole: str
    alone: bool


def standalone(question: str, history: History, nearness: Nearness, says: Says) -> str:
    """The question with what it leans on in front of it: the last earlier question that stands alone, what was named
    since, and the one asked just before. Where it only names something else, the earlier question asked of that
    (`tutor.swapping`); where its "it" stands for what the one before is on, the question with this (`tutor.pointing`);
    the question itself when it stands alone, or asks nothing.

    >>> standalone("And in the GRU?", [("What do the gates of an LSTM do?", "They ...")], lambda text: 0.0, bool)
    'What do the gates of an GRU do?'
    >>> standalone("And why is that?", [("What do the gates of an LSTM do?", "They ...")], lambda text: 0.0, bool)
    'What do the gates of an LSTM do? And why is that?'
    """
    if is_courtesy(question):
        return question
    turns: list[_Turn] = []
    for asked in (*(earlier.strip() for earlier, _ in history), question):
        if asked and not is_courtesy(asked):
            turns.append(_understood(asked, turns, nearness, says))
    return turns[-1].whole if turns else question


def _understood(question: str, turns: Sequence[_Turn], nearness: Nearness, says: Says) -> _Turn:
    alone = _Turn(asked=question, whole=question, alone=True)
    if turns and turns[-1].alone and (found := pointed(question, turns[-1].whole)):
        return _Turn(asked=question, whole=found, alone=True)
    leaning = bool(turns) and leans(question, nearness, says)
    if not turns or not (leaning or named(question)):
        return alone
    anchor = next((place for place in reversed(range(len(turns))) if turns[place].alone), 0)
    if found := swapped(question, turns[anchor].whole):
        return _Turn(asked=question, whole=found, alone=True)
    if not leaning:
        return alone
    since = [one.asked for one in turns[anchor + 1 :] if named(one.asked)][-1:]
    parts = (turns[anchor].whole, *since, *(one.asked for one in turns[anchor + 1 :][-1:]), question)
    return _Turn(asked=question, whole=" ".join(dict.fromkeys(parts)), alone=False)


def leant_on(question: str, history: History) -> int | None:
    """The place of the last earlier question with a subject, where this one has none of its own; else None.

    >>> leant_on("An example?", [("What is a gate?", "A vector."), ("Why?", "Because.")])
    0
    >>> leant_on("And the input gate?", [("What is a gate?", "A vector.")])
    """
    if _has_subject(question):
        return None
    return next((place for place in reversed(range(len(history))) if _has_subject(history[place][0])), None)


def _has_subject(question: str) -> bool:
    return not set(content_stems(question)) <= _NO_SUBJECT


def told_before(question: str, history: History) -> str:
    """What the earlier answers say, without their markers; nothing for a question that wants to hear it again.

    >>> told_before("And why?", [("What is a gate?", "A vector. [1]")])
    'A vector.'
    >>> told_before("Are you sure?", [("What is a gate?", "A vector. [1]")])
    ''
    """
    return "" if _AGAIN.search(question) else "\n".join(_MARKERS.sub("", said) for _, said in history)
