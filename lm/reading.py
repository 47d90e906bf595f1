"""The layout of a reading prompt: question first, sources after it, then the order to answer.

    <|question|> question <|source|> pieces ... <|source|> pieces ... <|short|>, <|full|>, <|ask|> or <|rewrite|>

The order is to answer with a span (short) or in sentences (full), to ask a question on the sources (ask), or to write
the question anew so that it can be understood without the sources (rewrite).

Beside its id every token carries a feature id, a small integer that tells the model what a search engine knows about
the token (the exact-match features of DrQA, Chen et al. 2017, section 3.2, with the neighbourhood added):

- 0: special tokens and everything generated;
- 1, 2: question tokens whose word is absent from, present in, the sources;
- 3 and up: source tokens, `3 + (rank * 4 + density) * 2 + match`. `match`: the token's word stands in the question.
  `density`: which share of the question's content words stands within `WINDOW` words of it, in four steps.
  `rank`: a bucket of the caller's own ranking of the pieces (0 not known, 1 first, 2 second and third, 3 to sixth,
  4 the rest).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lm.tokenizer import ASK, FULL, GAP, QUESTION, REWRITE, SHORT, SOURCE, SPECIAL, TEXT, Tokenizer

Mode = Literal["short", "full", "ask", "rewrite"]
ORDERS: dict[Mode, int] = {"short": SHORT, "full": FULL, "ask": ASK, "rewrite": REWRITE}
RANKS = 5
DENSITIES = 4
FIRST_SOURCE_FEATURE = 3
FEATURES = FIRST_SOURCE_FEATURE + RANKS * DENSITIES * 2
WINDOW = 10

_STOP = frozenset(
    "a an and are as at be been but by can could did do does for from had has have how i if in into is it its me my of "
    "on or our s should so t than that the their them then there these they this those to was we were what when where "
    "which who whom whose why will with would you your".split()
)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A sentence of a source. `rank` is its place by likeness to the question, from 1; 0 when nobody ranked it.

    `gap` says that text between this piece and the one before it was left out.
    """

    text: str
    rank: int = 0
    gap: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a prompt token comes from: characters [start, end) of piece `piece` of source `source`.

    For the question `source` is -1 and the offsets are the question's; for a special token `source` is -2.
    """

    source: int
    piece: int
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """Token ids, feature ids and places, all of one length S; the first `prefix` tokens see one another both ways."""

    tokens: list[int]
    features: list[int]
    places: list[Place]
    prefix: int


_SPECIAL_PLACE = Place(source=-2, piece=-1, start=0, end=0)


def stem(word: str) -> str:
    """A word without case and common English endings; crude on purpose, the same for question and source.

    >>> [stem(word) for word in ("Gates", "gating", "gated", "gate", "class")]
    ['gat', 'gat', 'gat', 'gat', 'class']
    """
    word = word.casefold()
    for ending in ("ing", "ies", "ed", "es", "s", "e", "ly"):
        if len(word) - len(ending) >= 3 and word.endswith(ending) and not word.endswith("ss"):
            return word[: -len(ending)]
    return word


def content_stems(text: str) -> list[str]:
    """Stems of the words of `text` that are not function words, in order, repeats kept."""
    return [stem(word) for word in _WORD.findall(text) if word.casefold() not in _STOP]


def rank_bucket(rank: int) -> int:
    """0 for an unknown rank, else 1 (first), 2 (second, third), 3 (fourth to sixth), 4 (beyond)."""
    return 0 if rank <= 0 else 1 if rank == 1 else 2 if rank <= 3 else 3 if rank <= 6 else 4


def build_prompt(
    tokenizer: Tokenizer, question: str, sources: Sequence[Sequence[Piece]], *, mode: Mode = "full"
) -> Prompt:
    """Lay out question and sources. Piece texts are joined by one space; no text is trimmed here.

    ValueError for an order that the tokenizer is too old to know.
    """
    order = ORDERS[mode]
    if order >= tokenizer.special:
        raise ValueError(f"this model knows no {SPECIAL[order]}, the order to {mode}; take a newer one")
    asked = set(content_stems(question))
    tokens, features, places = [QUESTION], [0], [_SPECIAL_PLACE]
    said = {stem(word) for pieces in sources for piece in pieces for word in _WORD.findall(piece.text)}
    found = [match.span() for match in _WORD.finditer(question) if stem(match[0]) in said & asked]
    encoding = tokenizer.encode(question)
    for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        tokens.append(token)
        features.append(2 if any(a < end and start < b for a, b in found) else 1)
        places.append(Place(source=-1, piece=-1, start=start, end=end))
    for number, pieces in enumerate(sources):
        tokens.append(SOURCE)
        features.append(0)
        places.append(_SPECIAL_PLACE)
        for token, feature, place in _source_tokens(tokenizer, asked, pieces, number):
            tokens.append(token)
            features.append(feature)
            places.append(place)
    tokens.append(order)
    features.append(0)
    places.append(_SPECIAL_PLACE)
    return Prompt(tokens=tokens, features=features, places=places, prefix=len(tokens))


def text_prompt(tokenizer: Tokenizer, text: str) -> Prompt:
    """Plain text to continue, after its start token."""
    encoding = tokenizer.encode(text)
    places = [Place(source=-1, piece=-1, start=start, end=end) for start, end in encoding.offsets]
    return Prompt(
        tokens=[TEXT, *encoding.ids],
        features=[0] * (len(encoding.ids) + 1),
        places=[_SPECIAL_PLACE, *places],
        prefix=1,
    )


def _source_tokens(
    tokenizer: Tokenizer, asked: set[str], pieces: Sequence[Piece], number: int
) -> list[tuple[int, int, Place]]:
    """Tokens of one source with features and places."""
    matches, densities, word_of = _lexical(asked, [piece.text for piece in pieces])
    result: list[tuple[int, int, Place]] = []
    for order, piece in enumerate(pieces):
        if piece.gap and result:
            result.append((GAP, 0, _SPECIAL_PLACE))
        # A leading space makes the first word the same piece here as in the middle of a sentence.
        encoding = tokenizer.encode(" " + piece.text)
        owners = word_of[order]
        for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            start, end = max(0, start - 1), max(0, end - 1)
            word = owners[min(end, len(piece.text)) - 1] if end > 0 and owners.size else -1
            match = int(word >= 0 and matches[word])
            density = int(densities[word]) if word >= 0 else 0
            feature = FIRST_SOURCE_FEATURE + (rank_bucket(piece.rank) * DENSITIES + density) * 2 + match
            result.append((token, feature, Place(source=number, piece=order, start=start, end=end)))
    return result


def _lexical(
    asked: set[str], texts: Sequence[str]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], list[NDArray[np.int64]]]:
    """For the words of a source: is it asked for, how dense are asked words around it; and each character's word.

    A character outside a word belongs to the word before it; before the first word of all, to that first one.
    """
    stems: list[str] = []
    word_of: list[NDArray[np.int64]] = []
    for text in texts:
        owner = np.full(len(text), max(0, len(stems) - 1), dtype=np.int64)
        for match in _WORD.finditer(text):
            owner[match.start() :] = len(stems)
            stems.append(stem(match[0]))
        word_of.append(owner)
    if not stems:
        return np.zeros(1, dtype=np.bool_), np.zeros(1, dtype=np.int64), word_of
    matched = np.array([word in asked for word in stems])
    share = np.zeros(len(stems))
    for asked_word in {word for word, hit in zip(stems, matched, strict=True) if hit}:
        here = np.array([word == asked_word for word in stems], dtype=np.float64)
        share += np.convolve(here, np.ones(2 * WINDOW + 1))[WINDOW : WINDOW + len(stems)] > 0
    share /= max(1, len(asked))
    densities = np.digitize(share, [1e-9, 0.34, 0.67]).astype(np.int64)
    return matched, densities, word_of
