"""Follow-ups that say "it" of what the question before them is on ("What is dropout?", "when is it off?")."""

from __future__ import annotations

import re

from index.defining import explained
from lm.reading import content_stems

_MANY, _OWNING = frozenset({"they", "them", "their"}), frozenset({"its", "their"})
_POINTER = re.compile(r"\b(?:its?|they|them|their)\b", re.IGNORECASE)
_EMPTY = re.compile(
    r"\b(?:(?:is|was|be|would|does|will|can)\s+it\s+(?:[\w-]+\s+){1,4}?(?:to|that|if|whether)\b"
    r"|it(?:\s+(?:is|was|would be)|['’]s)\s+(?:[\w-]+\s+){1,3}?(?:to|that|if|whether)\b"
    r"|it\s+(?:seems|turns out|follows|depends|matters|takes|makes sense|pays)\b)",
    re.IGNORECASE,
)
"""Where "it" stands for what comes after it ("Is it a good idea to ...")."""
_OPENING = re.compile(r"^\W*(?:(?:and|but|so|then|well|ok|okay|also|now|yes|no|right|thanks)\b[\s,]*)*", re.IGNORECASE)
_CLAUSE = re.compile(
    r"[,;:.?!–—]|\b(?:and|but|or|if|when|while|because|since|after|before|that|which|who|whose|how|what|where|why|than)\b",
    re.IGNORECASE,
)
"""What begins another clause than the first: a word in that one may be what "it" stands for."""
_FIRST = re.compile(r"\s*[\w'’]+")
_PLURAL = re.compile(r"^\W*(?:(?:and|so)\W+)*what are\b", re.IGNORECASE)


def pointed(question: str, earlier: str) -> str:
    """The question with the subject of the `earlier` one in place of the "it" or "they" of its first clause; "" where
    that has none, or where it may stand for something else.

    >>> pointed("And when is it off?", "What is dropout?"), pointed("What are its gates for?", "What is an LSTM?")
    ('And when is dropout off?', "What are an LSTM's gates for?")
    >>> pointed("If the loss grows, what stops it?", "What is dropout?"), pointed("Is it wise to ask?", "What is BPTT?")
    ('', '')
    """
    found = next((one for one in _POINTER.finditer(question) if not _is_empty(one, question)), None)
    name = explained(earlier) if found else ""
    several = bool(_PLURAL.search(earlier))
    if not found or not content_stems(name) or (found[0].casefold() in _MANY) is not several:
        return ""
    head = _OPENING.sub("", question[: found.start()])
    first, owns = _FIRST.match(head), found[0].casefold() in _OWNING
    if len(content_stems(head)) > 1 and (owns or _CLAUSE.search(head, first.end() if first else 0)):
        return ""
    ending = "" if not owns else "'" if name.endswith("s") else "'s"
    return question[: found.start()] + name + ending + question[found.end() :]


def _is_empty(pointer: re.Match[str], question: str) -> bool:
    return any(one.start() <= pointer.start() < one.end() for one in _EMPTY.finditer(question))
