"""Chooses the sentences of the retrieved passages that go into a prompt.

The search engine scores every sentence by its likeness to the question. The best ones are kept until the prompt is
full; they stay in reading order within their passage, and every left-out stretch is marked by a gap. A sentence also
takes a share of the score of the one before it, since what follows a good sentence often completes it, and all that a
title or a lead-in opens takes a share of that one's, and a formula one of what explains its letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lm.reading import Piece
from lm.tokenizer import Tokenizer
from tutor.belonging import needed, opened
from tutor.candidate import Candidate, Kind

_CARRY = 0.8
"""Share of a sentence's score that the next one may claim. 2026-11-21, all key facts of an answer on the dev questions
of the course and on 210 questions on slide transcripts: 0.48 and 0.28 with 0.6, 0.51 and 0.29 with 0.8, 0.47 and 0.29
with 0.9."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The pieces of one prompt source and the candidate that each came from; `passage` is their passage."""

    passage: int
    pieces: tuple[Piece, ...]
    candidates: tuple[Candidate, ...]


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
    for number, one in enumerate(candidates):
        for place in (*needed(candidates, number), *opened(candidates, number)):
            scores[place] = max(scores[place], _CARRY * one.score)
    order = sorted(range(len(candidates)), key=lambda number: (number not in keep, -scores[number], number))
    taken: set[int] = set()
    used = 0
    for number in order:
        # What a sentence cannot be understood without comes with it or keeps it out.
        group = {number, *needed(candidates, number)} - taken
        cost = sum(len(tokenizer.encode(" " + candidates[one].text).ids) + 1 for one in group)
        if used + cost <= budget or number in keep or not taken:
            taken |= group
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


def with_shown(chosen: Sequence[Chosen], read: Sequence[Candidate]) -> list[Candidate]:
    """The sentences of a prompt in reading order, and the code, formulas and tables that they lead to though the prompt
    had no room for them: they are quoted as they stand. `read` are all sentences that were to choose from."""
    kept = {(one.passage, one.start) for group in chosen for one in group.candidates}
    shown = {
        (read[place].passage, read[place].start)
        for number, one in enumerate(read)
        if (one.passage, one.start) in kept and (one.points or (one.kind is Kind.TEXT and one.leads))
        for place in opened(read, number)
        if read[place].code or read[place].formula or read[place].kind is Kind.ROW
    }
    return [one for one in read if (one.passage, one.start) in kept | shown]
