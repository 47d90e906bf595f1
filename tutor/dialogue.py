"""Follow-ups: the question that stands alone, made from the question asked and the turns before it.

A question that leans on what was said ("and in the GRU?", "why is that?") is searched and read together with the
question it leans on. Answers are left out: what the tutor said must not become evidence for what it says next.
"""

from __future__ import annotations

import re

from lm.reading import content_stems
from tutor.answer import History

_LEANING = re.compile(
    r"^\W*(?:and|but|so|or|what about|how about|what if|why|why not|how so|are you sure|really|explain|more|again|"
    r"go on|for example|an example|in what way|which one|compared)\b"
    r"|\b(?:it|this|that|these|those|they|them|the former|the latter|the first one|"
    r"the second one|the same|the other|above|instead)\b",
    re.IGNORECASE,
)
_SHORT = 2
_LONGEST_CHAIN = 3


def leans(question: str) -> bool:
    """Whether a question seems to need the one before it."""
    content = content_stems(question)
    return len(content) <= _SHORT or (len(content) <= 6 and _LEANING.search(question) is not None)


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
