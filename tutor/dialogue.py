"""Follow-ups: the question that stands alone, made from the question asked and the turns before it.

A question that leans on what was said ("and in the GRU?", "why is that?") is searched and read together with the
question it leans on. Answers are left out: what the tutor said must not become evidence for what it says next.
"""

from __future__ import annotations

import re

from lm.reading import content_stems
from tutor.answer import History

_OPENER = re.compile(
    r"^\W*(?:and|but|so|or|then|what about|how about|what if|are you sure|really|explain|tell me more|more|again|go on|"
    r"for example|an example|why not|how so|compared to)\b",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"\b(?:it|this|these|those|they|them|the former|the latter|the same|the other|above)\b"
    r"|\b(?:is|was|does|did|of|about|for|from|why|like) that\b|\bthat\W*$",
    re.IGNORECASE,
)
_FEW_CONTENT_WORDS = 2
_FEW_WORDS = 2
_LONGEST_CHAIN = 3


def leans(question: str) -> bool:
    """Whether a question seems to need the one before it: it opens like a continuation, points back with little
    content of its own, or is a scrap of one or two words."""
    if _OPENER.match(question) or len(question.split()) <= _FEW_WORDS:
        return True
    return len(content_stems(question)) <= _FEW_CONTENT_WORDS and _POINTER.search(question) is not None


def standalone(question: str, history: History) -> str:
    """The question with the earlier ones it leans on in front of it; the question itself when it stands alone.

    >>> standalone("And in the GRU?", [("What do the gates of an LSTM do?", "They ...")])
    'What do the gates of an LSTM do? And in the GRU?'
    """
    chain = [question]
    for earlier, _ in reversed(history):
        if len(chain) == _LONGEST_CHAIN or not leans(chain[0]):
            break
        chain.insert(0, earlier.strip())
    return " ".join(part for part in chain if part)
