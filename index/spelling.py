"""Mends typing errors in a question by the words of the material.

A word is taken for an error only if neither the material nor the embedder's vocabulary of whole words has it, and only
a word of the material replaces it that begins alike and from which fingers slip to it: once, twice from eight letters
on. Terms that differ as slips do not are two terms (nitrite and nitrate, adduction and abduction, hypertension and
hypotension). So a name or a term that the material does not have stays what it is, and the tutor can say that it is not
covered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST, LONGEST = 4, 40
"""Letters of a word that can be mended ..."""
_SURE = 5
"""... and from which on any slip is evidence: of words of four letters only two exchanged are."""
_TWO_SLIPS = 8
_WORD = re.compile(r"[^\W\d_]+")
_ENDING = re.compile(r"(?:ies|ied|ing|es|ed|er|ly|s|d|y)$")
_OPENS = re.compile(r"(?:^|[.?!:])\W*$")
_VOWELS = frozenset("aeiou")
_PREFIX, _SUFFIX = 3, 4
"""Letters at the beginning of a word and at its end (without the s of a plural) where another vowel makes another term:
micro and macro, ethane and ethene ..."""
_UNSTRESSED = re.compile(r"[ae](?!.e)[a-z]{1,2}s?$")
"""... but who hears no difference writes e for a: gradient and gradiant."""
_ALIKE = frozenset({frozenset("iy"), frozenset("cs")})
"""Letters that sound alike."""

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = frozenset(
    frozenset(pair)
    for upper, lower in zip(_ROWS, (*_ROWS[1:], ""), strict=True)
    for pair in (
        *pairwise(upper),
        *zip(upper, lower, strict=False),
        *zip(upper[1:], lower, strict=False),
    )
)
"""Letters side by side on a keyboard, or one below the other."""

Similar = Callable[[str, int], Iterable[tuple[str, int]]]
"""Words of the material that begin with the same letter and differ in length by at most so much, each with the number
of passages that have it."""


def vocabulary(texts: Iterable[str]) -> Counter[str]:
    """For each word that could mend another, in lower case, the number of texts that have it."""
    counts: Counter[str] = Counter()
    for text in texts:
        found = set(_WORD.findall(text.lower()))
        counts.update(word for word in found if SHORTEST <= len(word) <= LONGEST)
    return counts


def mended(query: str, similar: Similar, known: Callable[[str], bool]) -> str:
    """The query with its typing errors mended; `known` says that a word is one in general.

    In a name, a word with a capital inside a sentence, one slip is looked for, and no wrong letter.
    """
    shouted = not any(letter.islower() for letter in query)

    def mend(match: re.Match[str]) -> str:
        word = match[0].lower()
        if not SHORTEST <= len(word) <= LONGEST:
            return match[0]
        name = match[0][0].isupper() and not shouted and not _OPENS.search(query[: match.start()])
        most = 2 if len(word) >= _TWO_SLIPS and not name else 1
        candidates = dict(similar(word, most))
        if not candidates or word in candidates or known(word):
            return match[0]
        near = process.extract(word, candidates.keys(), scorer=OSA.distance, score_cutoff=most, limit=None)
        slipped = [
            (least, -candidates[one], one)
            for one, *_ in near
            if (len(word) >= _SURE or sorted(one) == sorted(word)) and (least := slips(word, one, most, name))
        ]
        best = min(slipped, default=None)
        if best is None or _is_form(word, best[2]):
            # Another form of a word is no error, and the search knows the stem.
            return match[0]
        return best[2]

    return _WORD.sub(mend, query)


def _is_form(word: str, other: str) -> bool:
    """Whether two words are forms of one, and not the same but for an e that one of them lacks at its end.

    >>> _is_form("initialise", "initialised"), _is_form("gradients", "gradient"), _is_form("languag", "language")
    (True, True, False)
    """
    stems = (_ENDING.sub("", one).removesuffix("e") for one in (word, other))
    return len(set(stems)) == 1 and other != word + "e"


def slips(typed: str, meant: str, most: int, name: bool = False) -> int:
    """The fewest slips of the fingers, at most `most`, that make `typed` of another word; 0 where there are none.

    A slip is two neighbours exchanged, a letter missing or too many, the key beside the right one, or a letter that
    sounds alike; between two slips a letter is right. In a `name` only neighbours exchanged, missing letters and
    doubled ones are slips.

    >>> slips("atention", "attention", 1), slips("seperate", "separate", 2), slips("ethane", "ethene", 1)
    (1, 1, 0)
    """
    return min(_slips(typed, meant, 0, 0, most, name), default=0)


def _slips(typed: str, meant: str, at: int, to: int, most: int, name: bool) -> Iterator[int]:
    """How many slips may lead from meant[to:] to typed[at:]; so far they led to typed[:at]."""
    begun = at
    while typed[at : at + 1] == meant[to : to + 1] != "":
        at, to = at + 1, to + 1
    if typed[at:] == meant[to:]:
        yield 0
    elif most and (at > begun or not at):
        for wide, deep in _slip(typed, meant, at, to, name):
            # A letter missing here and one too many there are a wrong letter.
            if (wide - deep) * (at - to) >= 0:
                yield from (1 + more for more in _slips(typed, meant, at + wide, to + deep, most - 1, name))


def _slip(typed: str, meant: str, at: int, to: int, name: bool) -> Iterator[tuple[int, int]]:
    """How many letters typed and meant one slip takes at a place where the words differ."""
    own, right = typed[at : at + 1], meant[to : to + 1]
    if own and right and typed[at : at + 2] == meant[to : to + 2][::-1]:
        yield 2, 2
    if right:
        yield 0, 1
    if own and (not name or own == typed[at - 1]):
        yield 1, 0
    if own and right and not name:
        pair = frozenset((own, right))
        if pair in _NEIGHBOURS or pair in _ALIKE or (pair <= _VOWELS and _unheard(typed, meant, at, to)):
            yield 1, 1


def _unheard(typed: str, meant: str, at: int, to: int) -> bool:
    """Whether a wrong vowel is no sign of another term."""
    left = min(len(typed.removesuffix("s")) - at, len(meant.removesuffix("s")) - to)
    within = at >= _PREFIX and left > _SUFFIX
    return within or bool(_UNSTRESSED.fullmatch(typed[at:]) and _UNSTRESSED.fullmatch(meant[to:]))
