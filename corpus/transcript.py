"""Cuts running text that has no sentence marks, as speech recognition writes it, into pieces of a sentence's size."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from corpus.abbreviations import ends_sentence

Span = tuple[int, int]

_WORD = re.compile(r"\S+")
_MARKED = re.compile(r"""[.!?…:;。！？]["'”’)\]*_]*\Z""")
_STOP = re.compile(r"\w{3,}[.!?]\Z")
_PAUSE = re.compile(r"[,;:—–]")
_CONNECTIVES = frozenset("alright and because but now ok okay or right so then well".split())
_CLAUSES = frozenset("if since that uh um when where which while who whose".split())
_LONGEST, _FEWEST, _AIM, _MOST = 45, 18, 25, 32
"""Words: of a span that stays whole; fewest, best number and most of a piece of one that does not."""

_LINE, _ANYWHERE = 2, 5
"""How good it is to cut at a line end and between any two words; smaller is better."""


def pieces(text: str, start: int, end: int, inline: Sequence[Span]) -> Iterator[Span]:
    """text[start:end] in pieces of some 25 words where it is long and has no mark at its end, else whole.

    The cuts are at line ends where there are some, else before a word such as "so" or "because"; never within one of
    the `inline` spans, which ascend.
    """
    words = [match.span() for match in _WORD.finditer(text, start, end)]
    marked = bool(_MARKED.search(text, max(start, end - 8), end))
    breathless = len(words) > 2 * _LONGEST and not _PAUSE.search(text, start, end)
    if len(words) <= _LONGEST or (marked and not breathless):
        yield start, end
        return
    free = _outside(words, inline)
    first = 0
    while len(words) - first > _MOST + _FEWEST // 2:
        cut = _cut(text, words, free, first)
        if cut == len(words):
            break
        yield words[first][0], words[cut - 1][1]
        first = cut
    yield words[first][0], end


def _cut(text: str, words: Sequence[Span], free: Sequence[bool], first: int) -> int:
    """The number of the word before which the piece from words[first] on ends; that of all words where none will do."""
    near = [n for n in range(first + _FEWEST, min(first + _MOST, len(words) - 1) + 1) if free[n]]
    far = [n for n in range(first + _FEWEST // 2, min(first + _LONGEST, len(words) - _FEWEST // 2) + 1) if free[n]]
    for places, worst in ((near, _LINE), (far, _LINE), (near, _ANYWHERE)):
        ranked = [(_rank(text, words, n), abs(n - first - _AIM), n) for n in places]
        if ranked and min(ranked)[0] <= worst:
            return min(ranked)[2]
    return next((n for n in range(first + _FEWEST, len(words)) if free[n]), len(words))


def _outside(words: Sequence[Span], inline: Sequence[Span]) -> list[bool]:
    """For every word whether a cut before it is outside the inline spans."""
    free, number = [], 0
    for start, _ in words:
        while number < len(inline) and inline[number][1] <= start:
            number += 1
        free.append(number == len(inline) or start <= inline[number][0])
    return free


def _rank(text: str, words: Sequence[Span], number: int) -> int:
    """How good a place before words[number] is to cut; smaller is better."""
    before, gap = text[words[number - 1][0] : words[number - 1][1]], text[words[number - 1][1] : words[number][0]]
    word = text[slice(*words[number])].casefold().rstrip(",")
    connective = word in _CONNECTIVES
    if _STOP.search(before) and ends_sentence(text, words[number - 1][0], words[number - 1][1]):
        return 0
    if "\n" in gap:
        return _LINE - connective
    clause = word in _CLAUSES or before.endswith((",", ";"))
    return _LINE + 1 if connective else _LINE + 2 if clause else _ANYWHERE
