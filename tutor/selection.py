"""Chooses the sentences of the retrieved passages that go into a prompt.

The search engine scores every sentence by its likeness to the question. The best ones are kept until the prompt is
full; they stay in reading order within their passage, and every left-out stretch is marked by a gap. A sentence also
takes a share of the score of the one before it, since what follows a good sentence often completes it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.store import Hit
from lm.reading import Piece, content_stems
from lm.tokenizer import Tokenizer

_CARRY = 0.8
"""Share of a sentence's score that the next one may claim. 2026-11-21, all key facts of an answer on the dev questions
of the course and on 210 questions on slide transcripts: 0.48 and 0.28 with 0.6, 0.51 and 0.29 with 0.8, 0.47 and 0.29
with 0.9."""

_BEHIND = 5.0
"""What a sentence loses in log-odds for a point that its passage is behind the first in the score of the search."""

PLAUSIBLE = 0.12
"""What the model writes out of a sentence with less than this share of the best one's odds is not let through."""

ALSO = 0.12
"""A sentence is part of the answer, too, when its odds to answer are at least this share of the best one's."""

SENTENCES = 3
"""Most sentences of an answer."""

_SAID = 0.7
"""A sentence of which this share of the content words has been said is not said again."""

_MARKER = re.compile(r"(?:[-*+•▶►■◦➤–]|\d{1,3}[.)]|>|\\item)[ \t]+(?:[•▶►■◦➤][ \t]*)?")
_SILENT = re.compile(
    r"#{1,6}(?:\s|$)|[-=*_|: \t]*$|<!--|\\(?:sub)*(?:section|paragraph|chapter|frametitle)\*?\{|\\maketitle"
    r"|\\(?:begin|end)\{(?:itemize|enumerate|description|document|frame|center|figure|quote|abstract|block|columns?)"
)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A sentence of a passage: characters [start, end) of its text and a score (larger is more like the question).

    `heading` says that the passage stands under these very words: they tell the reader what it is about and answer
    nothing.
    """

    passage: int
    start: int
    end: int
    text: str
    score: float
    heading: bool = False


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The pieces of one prompt source and the candidate that each came from; `passage` is their passage."""

    passage: int
    pieces: tuple[Piece, ...]
    candidates: tuple[Candidate, ...]


def candidate(passage: int, text: str, start: int, end: int, score: float) -> Candidate | None:
    """The sentence text[start:end] without its list marker; None for headings and rules, which answer nothing."""
    sentence = text[start:end]
    if _SILENT.match(sentence):
        return None
    if marker := _MARKER.match(sentence):
        start += marker.end()
    return Candidate(passage=passage, start=start, end=end, text=text[start:end], score=score) if start < end else None


def log_odds(p: float) -> float:
    """ln(p / (1 - p)) of a probability, taken as at least one in a million away from 0 and 1."""
    p = min(max(p, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


def sigmoid(x: float) -> float:
    """The probability whose log-odds are x."""
    return 1 / (1 + math.exp(-x))


def read_hits(hits: Sequence[Hit]) -> list[Candidate]:
    """The sentences of the passages found, in reading order of each.

    Their score is the ranker's probability, less by `_BEHIND` in log-odds for each point that their passage is behind
    the first one; the cosine where no ranker has read them.
    """
    found: list[Candidate] = []
    for number, hit in enumerate(hits):
        headings = {" ".join(heading.split()).casefold() for heading in hit.passage.locator.headings}
        for sentence in hit.sentences:
            score = sentence.score
            if sentence.answers is not None:
                score = sigmoid(log_odds(sentence.answers) - _BEHIND * max(0.0, hits[0].score - hit.score))
            one = candidate(number, hit.passage.text, sentence.start, sentence.end, score)
            if one is not None:
                found.append(replace(one, heading=" ".join(one.text.split()).casefold() in headings))
    return found


def plausible(one: Candidate, candidates: Sequence[Candidate]) -> bool:
    """Whether the odds of a sentence to answer are at least the share `PLAUSIBLE` of the best one's."""
    best = max(other.score for other in candidates)
    return log_odds(one.score) >= log_odds(best) + math.log(PLAUSIBLE)


def left_out(candidates: Sequence[Candidate], said: str, most: int) -> list[Candidate]:
    """At most `most` candidates that belong to the answer beside `said`, in reading order: about as likely to answer
    as the best one, and not said yet."""
    ranked = sorted((one for one in candidates if not one.heading), key=lambda one: -one.score)
    if not ranked:
        return []
    least = log_odds(ranked[0].score) + math.log(ALSO)
    stems = set(content_stems(said))
    found: list[Candidate] = []
    for one in ranked:
        own = set(content_stems(one.text))
        if len(found) == most or log_odds(one.score) < least:
            break
        if own and len(own & stems) < _SAID * len(own):
            found.append(one)
            stems |= own
    return sorted(found, key=lambda one: (one.passage, one.start))


def select(
    candidates: Sequence[Candidate], tokenizer: Tokenizer, *, budget: int, keep: frozenset[int] = frozenset()
) -> tuple[Chosen, ...]:
    """Fill `budget` tokens with the best candidates (given in reading order), grouped by passage in their order.

    `keep` names positions in `candidates` that are taken first whatever their score.
    """
    scores = [one.score for one in candidates]
    for number in range(1, len(candidates)):
        if candidates[number].passage == candidates[number - 1].passage:
            scores[number] = max(scores[number], _CARRY * candidates[number - 1].score)
    order = sorted(range(len(candidates)), key=lambda number: (number not in keep, -scores[number], number))
    taken: set[int] = set()
    used = 0
    for number in order:
        cost = len(tokenizer.encode(" " + candidates[number].text).ids) + 1
        if used + cost <= budget or number in keep or not taken:
            taken.add(number)
            used += cost
    by_score = sorted(taken, key=lambda number: (-candidates[number].score, number))
    ranks = {number: place for place, number in enumerate(by_score, 1)}
    return tuple(_group(candidates, sorted(taken), ranks))


def _group(candidates: Sequence[Candidate], taken: Sequence[int], ranks: dict[int, int]) -> list[Chosen]:
    chosen: list[Chosen] = []
    for passage in dict.fromkeys(candidates[number].passage for number in taken):
        numbers = [number for number in taken if candidates[number].passage == passage]
        pieces = tuple(
            Piece(text=candidates[number].text, rank=ranks[number], gap=place > 0 and numbers[place - 1] != number - 1)
            for place, number in enumerate(numbers)
        )
        chosen.append(
            Chosen(passage=passage, pieces=pieces, candidates=tuple(candidates[number] for number in numbers))
        )
    return chosen
