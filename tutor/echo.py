"""What only says the question once more.

Nothing is more like a question than itself: an exercise sheet, or a page whose title is the question, would be found
first, quoted as its own answer, and put everything else far behind.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lm.reading import content_stems

if TYPE_CHECKING:
    from index.hits import Hit

_ASKED = 0.7
"""A sentence with a question mark of which this share of the content words was asked is the question once more, and
one that has this share of the question's words, too, is the whole question."""

_UNSAID = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>|https?://\S+|\]\([^)]*\)", re.DOTALL | re.IGNORECASE)
"""What of a sentence is not said: tags, scripts and addresses."""

_ASKS = re.compile(r"[^\s(]\?")
"""A question mark after a word, and not the "(?)" of one who is not sure."""

_OPENS = re.compile(r"\W*(?:what|which|who|whose|whom|when|where|why|how)\b", re.IGNORECASE)
"""How a title begins that is a question without its mark."""

_SETS = re.compile(
    r"(?:\W*(?:(?:exercise|problem|question|task|part|q)\s*)?(?:\d{1,3}(?:\.\d+)*|[a-h])?\s*[.):](?=\s))?\W*"
    r"(?:please\s+|briefly\s+|in your own words,?\s+)?(?:name|list|explain|describe|discuss|define|state|give"
    r"|tell|compute|calculate|derive|determine|find|prove|show|verify|solve|sketch|draw|write|compare|contrast"
    r"|identify|outline|summari[sz]e|justify|illustrate|evaluate|estimate|mention|comment)\b(?:\s+briefly\b)?",
    re.IGNORECASE,
)
"""How an exercise begins that is no question: "3. Derive the update", "(b) Name three parts"."""


def asks_back(sentence: str, question: str, *, title: bool = False) -> bool:
    """Whether a sentence or `title` asks what was asked, or a part of it, or sets it as an exercise, instead of
    answering it.

    >>> asks_back("3. Why do gradients vanish?", "Why do the gradients of an RNN vanish?")
    True
    >>> asks_back("Why? Every factor is below one.", "Why do the gradients of an RNN vanish?")
    False
    """
    own, asked, said = _stems(sentence), _stems(question), _UNSAID.sub(" ", sentence)
    asks = _ASKS.search(said) or (title and _OPENS.match(said))
    if not asks and (asks := _SETS.match(said)):
        own = _stems(said[asks.end() :])
    return bool(asks) and len(own & asked) >= _ASKED * len(own)


def echoes(hit: Hit, question: str) -> bool:
    """Whether a heading or a sentence of a passage is the whole question, so that its likeness to it says nothing."""
    text, asked = hit.passage.text, _stems(question)
    said = [(text[one.start : one.end], False) for one in hit.sentences]
    said += [(heading, True) for heading in hit.passage.locator.headings]
    return bool(asked) and any(
        asks_back(one, question, title=title) and len(_stems(one) & asked) >= _ASKED * len(asked) for one, title in said
    )


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem for stem in content_stems(_UNSAID.sub(" ", text)) if len(stem) > 1)
