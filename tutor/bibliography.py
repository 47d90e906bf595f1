"""Whose picture a slide shows and which paper it quotes is no answer, unless the question is after that."""

from __future__ import annotations

import re

_YEAR = r"(?:19|20)\d\d"
_CREDIT = re.compile(
    r"\W*(?:(?:image|figure|fig\.?|photo|picture|slide|table|video)s?\s+)?(?:credits?|courtesy)\b[^:]{0,20}:"
    r"|\W*(?:sources?|references?|bibliography|further reading|read more|see(?: also)?)\s*:",
    re.IGNORECASE,
)
_TITLED = re.compile(r"[\"“][^\"”]{12,}[\"”]|\*[^*]{12,}\*|\b_[^_]{12,}_\b|\[[^\]]{6,}\]\(\S+?\)")
_ADDRESS = re.compile(r"<?\bhttps?://\S+|\bdoi:\S+|\barXiv:?\s?\d\S*", re.IGNORECASE)
_LINK = re.compile(r"\]\(https?://")
_NAMES_LAST = re.compile(rf"[,.]\s[A-Z][\w.-]+(?:\s[A-Z][\w.-]+)*,? et al\.?,?\s*\(?(?:[A-Z]\w+,?\s)?{_YEAR}\)?\W*\Z")
_WORD = re.compile(r"(?<!\w)[a-z][a-z'’-]+")
_LITTLE = frozenset(
    "a accessed advances al an and at available by conference de der ed eds et for in international journal la le no of"
    " on pp preprint press proceedings the university van vol von workshop".split()
)
"""Words of a reference that say nothing."""

_WISH = re.compile(
    r"\b(?:who|whose|whom|when|years?|authors?|papers?|publi\w+|articles?|books?|cit(?:e[ds]?|ing|ations?)|sources?"
    r"|references?|credit\w*|links?|urls?|websites?|blogs?|read|reading|literature|wrote|written)\b",
    re.IGNORECASE,
)


def is_reference(text: str) -> bool:
    """Whether a sentence only names a source: a credit, an address, a work with its authors and year.

    >>> is_reference("Credits: Jo Doe, [On salt](https://x.example), 2013."), is_reference("Salt melts (Doe, 2013).")
    (True, False)
    """
    if "$" in text or "`" in text:
        return False
    linked = _ADDRESS.search(text) or _LINK.search(text)
    bare = not set(_WORD.findall(_ADDRESS.sub(" ", _TITLED.sub(" ", text)))) - _LITTLE
    if credit := _CREDIT.match(text):
        return "credit" in credit[0].casefold() or bool(linked)
    if _NAMES_LAST.search(text):
        return True
    dated = re.search(rf"\b{_YEAR}\b", text) and (re.search(r"\bet al\b", text) or _TITLED.search(text))
    return bare and bool(dated or linked)


def wishes_reference(question: str) -> bool:
    """Whether a question may be after a source: who, when, in which paper."""
    return _WISH.search(question) is not None
