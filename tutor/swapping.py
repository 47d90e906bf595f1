"""Follow-ups that name something else ("and the input gate?"): the earlier question, asked of that."""

from __future__ import annotations

import re

from index.defining import asked_terms, explained_terms
from lm.reading import content_stems

_NAMES = re.compile(
    r"^\W*(?:(?:no|nope|sorry|oh|ah|actually|ok|okay|right|thanks|fine|but|so|then|well)\b[\s,.!–-]*)*"
    r"(?:no\b|(?:i|we) (?:meant|mean)\b|(?:and )?(?:what|how) about\b|what of\b|and\b|(?:the )?same for\b)"
    r"[\s,:.]*(?:(?:in|for|with|of|on|about)\s+)?(?:(?:a|an|the|those|your)\s+)?"
    r"(?P<name>[^?!.,;:]{2,60}?)(?:\s+(?:then|instead|though|please))?\s*[?!.]*$",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"\b(?:is|are|am|do|does|did|was|were|can|could|should|would|will|has|have|had|if|it|its|that|this|they|them|their"
    r"|there|these|those|why|how|what|when|where|which|who|whose|one|ones|other|others|more|same|else|not|i|you|me|my|we"
    r"|show|give|tell|write|explain|twice|half|double|first|second|third|last|next|former|latter|two|both|three)\b",
    re.IGNORECASE,
)
_ASPECT = frozenset(
    content_stems(
        "formula equation code example picture drawing figure proof derivation reason source author name year date"
        " meaning definition advantage disadvantage benefit drawback cost catch price limit problem purpose use value"
        " number size shape history result effect difference detail answer summary rest"
    )
)
"""What is asked of a thing rather than put in its place."""
_OF = re.compile(
    r"^\W*(?:what(?:['’]s| is| are| was| were)|explain|describe|define|derive|show|give)\b.*\bof (?:an? |the |your )?"
    r"(?P<what>(?:(?!(?:in|for|with|and|or|to|on|at|by)\b)[\w-]+\s*){1,3}?)[?.!]*$",
    re.IGNORECASE,
)
"""What a question ends in asking something of."""
_WORD = re.compile(r"[^\s,;:?!()\"“”]+")
_MOST_WORDS = 5


def named(question: str) -> str:
    """What a follow-up names, "" for any other question.

    >>> named("And the input gate?"), named("no, I meant GRUs"), named("And why is that?"), named("The input gate?")
    ('input gate', 'GRUs', '', '')
    """
    match = _NAMES.match(question)
    name = match["name"] if match else ""
    stems = content_stems(name)
    if _NO_NAME.search(name) or len(name.split()) > _MOST_WORDS or not stems or stems[-1] in _ASPECT:
        return ""
    return name


def swapped(question: str, earlier: str) -> str:
    """The earlier question with what the follow-up names in place of what is of its kind: something with the same last
    word (a gate for a gate), an abbreviation for the only other one, or all that the earlier one asks about. What an
    abbreviation after several is to stand for is open: it is asked to be defined.

    >>> swapped("And the input gate?", "What does the forget gate do?")
    'What does the input gate do?'
    >>> swapped("what about GRUs?", "How many gates has an LSTM?"), swapped("and FAISS?", "Why is dropout used?")
    ('How many gates has an GRUs?', '')
    >>> swapped("and DETR?", "How do Fast R-CNN and YOLO differ?")
    'What is DETR?'
    """
    name = named(question)
    if not name:
        return ""
    words = [match.span() for match in _WORD.finditer(earlier)]
    stems = [content_stems(earlier[start:end]) for start, end in words]
    head = content_stems(name)[-1:]
    for last in reversed(range(len(words))):
        if stems[last][-1:] == head:
            first = last
            while first > 0 and stems[first - 1]:
                first -= 1
            return earlier[: words[first][0]] + name + earlier[words[last][1] :]
    match = _OF.search(earlier)
    if match and (re.search(r"\bof\b", question) or (match["what"][0].isupper() and name[0].isupper())):
        return earlier[: match.start("what")] + name + earlier[match.end("what") :]
    short = [span for span in words if _is_short(earlier[span[0] : span[1]])]
    if len(short) == 1 and any(map(_is_short, name.split())):
        at = last = words.index(short[0])
        # A name of several words stands for all that the abbreviation stands before.
        while len(name.split()) > 1 and last + 1 < len(words) and stems[last + 1]:
            last += 1
        return earlier[: words[at][0]] + name + earlier[words[last][1] :]
    if len(short) > 1 and any(map(_is_short, name.split())):
        return f"What is {name}?"
    terms = explained_terms(earlier)
    if not terms or any(" of " in term for term in terms):
        return ""
    return f"What is {name}?" if asked_terms(earlier) else f"How does {name} work?"


def _is_short(word: str) -> bool:
    """Whether a word is an abbreviation: LSTM, GRUs, BM25."""
    return sum(map(str.isupper, word)) >= 2
