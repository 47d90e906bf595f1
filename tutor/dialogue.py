"""Follow-ups: the question that stands alone, made from the question asked and the turns before it.

A question that leans on what was said ("and in the GRU?", "why is that?") is searched together with the questions it
leans on. Answers are left out: what the tutor said must not become evidence for what it says next.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lm.reading import content_stems
from tutor.answer import History
from tutor.swapping import named, swapped

_OPENER = re.compile(
    r"^\W*(?:and|but|so|or|then|what about|how about|what if|are you sure|really|tell me more|more|again|go on|"
    r"explain(?=\W*(?:it|that|this|more|why|how)?\W*$)|for example|an example|why not|how so|compared to)\b",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"\b(?:it|its|this|these|those|they|them|their|that|ones?|there|here|former|latter|same|others?|above|both|two"
    r"|first|second)\b",
    re.IGNORECASE,
)
_AGAIN = re.compile(
    r"\b(?:again|repeat|once more|sure|summar\w+|shorter|simpl\w+|rephrase|in other words)\b", re.IGNORECASE
)
_MARKERS = re.compile(r"\s*\[\d+\]")
_FEW_WORDS = 2
_OWN_WORDS, _OWN_WORDS_POINTING = 4, 6
"""Most content words of a question that leans, without and with a word that points back."""
_FOREIGN, _FOUND = 0.36, 0.55
"""What a search finds for a question with little content of its own: nearer than the second, it is about what it names;
farther than the first, it is about something that the material does not have; between them, it leans."""

Nearness = Callable[[str], float]
"""The score of the best passage that a search finds for a text, 0 to 1."""


def leans(question: str, nearness: Nearness) -> bool:
    """Whether a question seems to need the ones before it: it opens like a continuation or is a scrap, it has little
    content of its own and points back, or it has less still and a search for it finds nothing in particular.

    2026-11-21, evidence in the first passage / the first five. Follow-ups of the course's dialogues, train (219) and
    dev (71): read alone 0.29 / 0.49 and 0.37 / 0.58, by these rules 0.57 / 0.83 and 0.76 / 0.93, rewritten by hand
    0.74 / 0.95 and 0.87 / 1.00. Questions that follow one on another lecture: 0.59 / 0.87 against 0.66 / 0.93 alone.
    """
    if _OPENER.match(question) or len(question.split()) <= _FEW_WORDS:
        return True
    own = len(content_stems(question))
    if _POINTER.search(question):
        return own <= _OWN_WORDS_POINTING
    return own <= _OWN_WORDS and _FOREIGN <= nearness(question) < _FOUND


def standalone(question: str, history: History, nearness: Nearness) -> str:
    """The question with what it leans on in front of it: the last earlier question that stands alone, and the one
    asked just before. Where it only names something else, the earlier question asked of that (`tutor.swapping`); the
    question itself when it stands alone.

    >>> standalone("And in the GRU?", [("What do the gates of an LSTM do?", "They ...")], lambda text: 0.0)
    'What do the gates of an GRU do?'
    >>> standalone("And why is that?", [("What do the gates of an LSTM do?", "They ...")], lambda text: 0.0)
    'What do the gates of an LSTM do? And why is that?'
    """
    asked = [earlier.strip() for earlier, _ in history if earlier.strip()]
    if not asked or not (named(question) or leans(question, nearness)):
        return question
    anchor = next((one for one in reversed(asked) if not named(one) and not leans(one, nearness)), asked[0])
    if found := swapped(question, anchor):
        return found
    if not leans(question, nearness):
        return question
    return " ".join(dict.fromkeys((anchor, asked[-1], question)))


def told_before(question: str, history: History) -> str:
    """What the earlier answers say, without their markers; nothing for a question that wants to hear it again.

    >>> told_before("And why?", [("What is a gate?", "A vector. [1]")])
    'A vector.'
    >>> told_before("Are you sure?", [("What is a gate?", "A vector. [1]")])
    ''
    """
    return "" if _AGAIN.search(question) else "\n".join(_MARKERS.sub("", said) for _, said in history)
