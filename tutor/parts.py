"""Questions that ask two things ("What is a gate, and why does the LSTM need three of them?"): one part for each."""

from __future__ import annotations

import re

from index.defining import asked_terms
from lm.reading import content_stems

_WORDS = r"(?:what|why|how|when|where|who|whom|whose|which)"
_ASKS = (
    rf"(?:(?:(?:by|for|from|in|into|of|on|through|to|under|with)\s+)?{_WORDS}\b"
    r"|(?:is|are|was|were|does|do|did|can|could|may|should|must|will|would|has|have)\s+[\w-])"
)
_ORDERS = r"(?:explain|describe|define|compare|derive)\b"
_JOINTS = (
    re.compile(r"(?<=\?)[\"')\]]*\s+(?:(?:and|but|also|so)\b,?\s+)?(?=\S)", re.IGNORECASE),
    re.compile(
        rf"(?:\s*[,;:–—]\s*|\s+)(?:and|but)(?:\s+also)?,?\s+(?={_ASKS}|{_ORDERS})|\s*;\s+(?={_ASKS})", re.IGNORECASE
    ),
    re.compile(r",\s+(?=(?:what|why|how|who|where)\b)", re.IGNORECASE),
)
_ASKING = re.compile(rf"\b{_WORDS}\b|^\W*(?:{_ASKS}|{_ORDERS}|(?:give|list|name|show|tell)\b)", re.IGNORECASE)
_WHEN = re.compile(
    r"^\W*(?:if|while|since|because|given|suppose|when(?!\s+(?:is|are|am|was|were|do|does|did|can|could|should|would|will|has|have|may)\b))\b",
    re.IGNORECASE,
)
_LEAST_WORDS, _LEAST_STEMS = 3, 2


def parts(question: str) -> tuple[str, ...]:
    """The two things that a question asks, in their order; the question alone where it asks one.

    >>> parts("What is a gate, and why does the LSTM need three of them?")
    ('What is a gate?', 'why does the LSTM need three of them?')
    >>> parts("Who came up with dropout and when?")
    ('Who came up with dropout and when?',)
    """
    for joints in _JOINTS:
        for joint in joints.finditer(question):
            first, second = question[: joint.start()].strip(), question[joint.end() :].strip()
            if _stands(first) and _asks(second):
                return first.rstrip("?.! ") + "?", second
    return (question,)


def _asks(part: str) -> bool:
    return bool(_ASKING.search(part) and content_stems(part)) and len(part.split()) >= _LEAST_WORDS


def _stands(part: str) -> bool:
    """Whether a first part asks something by itself ("what do I gain" does not)."""
    return (
        _asks(part) and not _WHEN.match(part) and (len(content_stems(part)) >= _LEAST_STEMS or bool(asked_terms(part)))
    )
