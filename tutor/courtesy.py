"""Whether anything is asked at all, or only greeted, thanked, agreed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lm.reading import content_stems
from tutor.names import SUFFIX, TOKEN

_GREETINGS = frozenset(
    "hi hello hey hallo yo greetings thanks thank thx cheers ok okay cool great nice fine good wow lol haha yes yeah"
    " yep no nope bye goodbye ciao".split()
)
_PRAISE = frozenset("perfect awesome excellent brilliant amazing helpful welcome appreciated alright".split())
_BESIDE = frozenset(
    "a again all and day did for got have i i'll is it it's job lot made makes me morning much my now of oh right sense"
    " sir so sounds sure that that's the then this too tutor understood very was well done you your".split()
)
"""What may stand beside these where nothing is asked."""

_SMALL_TALK = _GREETINGS | frozenset(
    "morning afternoon evening night day dear tutor hmm please sorry help test".split()
)
_REACTIONS = _PRAISE | frozenset(
    "helped helps sure right appreciate understand understood got get know don didn can idea confused lost well done"
    " love like work job".split()
)
"""Words of small talk, but not in a question: "What is a well?"."""

_ASKS = re.compile(
    r"\s*(?:what|who|whom|whose|which|when|where|why|how|is|are|was|were|do|does|did|can|could|define|explain|describe"
    r"|tell|give|list|show|compare|name)\b|.*\?",
    re.IGNORECASE | re.DOTALL,
)


_LONGEST_MARKER = 2
"""Digits of a number that is the marker of a citation or a choice, and not asked about."""


def is_small_talk(question: str) -> bool:
    """Whether nothing is asked at all: a greeting, thanks, the number of a source.

    >>> is_small_talk("Thank you, that was helpful!"), is_small_talk("[1]"), is_small_talk("what are gates?")
    (True, True, False)
    """
    return not any(_asking(question))


def is_courtesy(said: str) -> bool:
    """Whether a turn of a dialogue only thanks, greets or agrees, or is the number of a source: nothing to go on from.

    >>> is_courtesy("Ok, thanks, that was very helpful!"), is_courtesy("ok, and why?"), is_courtesy("I don't get it")
    (True, False, False)
    """
    words = [word.casefold() for word in TOKEN.findall(said)]
    if "?" in said or not words:
        return False
    polite = [word for word in words if word in _GREETINGS | _PRAISE or _is_marker(word)]
    return bool(polite) and all(word in _BESIDE for word in words if word not in polite)


def asks_something(question: str, says: Callable[[str], bool]) -> bool:
    """Whether a question has a word with a meaning that the material says; small talk has none.

    >>> says = "gates of an lstm".__contains__
    >>> asks_something("what do gates do?", says), asks_something("hello there", says), asks_something("??", says)
    (True, False, False)
    """
    return any(map(says, _asking(question)))


def _asking(question: str) -> Iterator[str]:
    """The words of a question that it may be about."""
    chat = _SMALL_TALK if _ASKS.match(question) else _SMALL_TALK | _REACTIONS
    for word in TOKEN.findall(question):
        folded = SUFFIX.sub("", word.casefold())
        if folded not in chat and not _is_marker(folded) and content_stems(folded):
            yield word.casefold()


def _is_marker(word: str) -> bool:
    return word.isdigit() and len(word) <= _LONGEST_MARKER
