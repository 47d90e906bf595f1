"""What the material holds on a question: the passages found, the sentences read, and whether they cover it.

A question that asks two things is searched and read as a whole, and then once more part by part (`tutor.parts`): what
answers one of them well may have little to do with the other, so that the search for both does not find it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tutor.candidate import Candidate
from tutor.courtesy import asks_something, is_small_talk
from tutor.coverage import probability, signals
from tutor.odds import read_hits

if TYPE_CHECKING:
    from index.hits import Hit
    from index.store import Store
    from tutor.choices import Choices

_SURELY = 0.8
"""Least probability that a part is covered when it is answered without the others."""

Search = Callable[[str], "tuple[Hit, ...]"]
"""The best passages for a query, best first."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found for a question: passages, best first, and the sentences of those that are read, in reading order.

    `covered` is the probability that the material covers the question; `uncovered` are the parts that it does not cover
    while it does another one. `small_talk` tells that nothing was asked.
    """

    hits: tuple[Hit, ...]
    candidates: tuple[Candidate, ...]
    covered: float
    uncovered: tuple[str, ...] = ()
    small_talk: bool = False


def find(store: Store, search: Search, query: str, asked: str, told: str, k: int, choices: Choices) -> Found:
    """What a store holds on a question that is searched by `query` and was put as `asked`, in `k` passages at most, of
    which those are read that the choices say; `told` is what was answered before. Whether it is covered does not hang
    on `k`."""
    found = search(query)
    hits = found[:k]
    candidates = tuple(read_hits(hits[: choices.read], asked, told))
    covered = _covered(store, query, found)
    return Found(hits=hits, candidates=candidates, covered=covered, small_talk=is_small_talk(query))


def with_parts(
    store: Store, found: Found, search: Search, parts: Sequence[str], queries: Sequence[str], k: int, choices: Choices
) -> Found:
    """The same with what is found for each part of the question by its query, up to `k` passages in all: every sentence
    has a score for each part, which the part is read for by itself. Its query may hold the part before it ("What is a
    pawl? why does it hold?"), and what answers that one would be the likeliest for both.

    Two questions on things apart may be covered one by one and not as a whole. Where only one is, and surely so, it is
    the one that is answered; where none is, nothing is changed.
    """
    searched = [search(query) for query in queries]
    covered = found.covered
    if covered < choices.threshold:
        each = [_covered(store, query, hits) for query, hits in zip(queries, searched, strict=True)]
        covered = min(each)
        if covered < choices.threshold:
            sure = each.index(max(each))
            if each[sure] < _SURELY:
                return found
            answered = find(store, lambda query: searched[sure], queries[sure], parts[sure], "", k, choices)
            return replace(answered, uncovered=tuple(part for part in parts if part != parts[sure]))
    hits = _together(found.hits, searched, k, choices.read)
    place_of = {hit.passage.passage_id: number for number, hit in enumerate(hits)}
    places = [place_of[hit.passage.passage_id] for hit in found.hits if hit.passage.passage_id in place_of]
    none = (0.0,) * len(queries)
    read = {
        (places[one.passage], one.start): replace(one, passage=places[one.passage], by_part=none)
        for one in found.candidates
    }
    for part, (asked, query) in enumerate(zip(parts, queries, strict=True)):
        again = searched[part] if query == asked else store.read(asked, searched[part])
        own = [hit for hit in again if hit.passage.passage_id in place_of][: choices.read]
        for one in read_hits(own, asked):
            place = place_of[own[one.passage].passage.passage_id]
            known = read.get((place, one.start), replace(one, passage=place, score=0.0, by_part=none))
            scores = (*known.by_part[:part], one.score, *known.by_part[part + 1 :])
            read[place, one.start] = replace(known, by_part=scores)
    return Found(hits=hits, candidates=tuple(read[key] for key in sorted(read)), covered=covered)


def _covered(store: Store, query: str, hits: Sequence[Hit]) -> float:
    """The probability that what was found for a query covers it."""
    return probability(signals(query, hits, store.says)) if asks_something(query, store.says) else 0.0


def _together(whole: Sequence[Hit], searched: Sequence[Sequence[Hit]], k: int, read: int) -> tuple[Hit, ...]:
    """At most `k` passages, best first: those that are read for the whole question come in before those that are read
    for its parts in turn, and these before the rest of the whole."""
    turns = [hits[place] for place in range(read) for hits in searched if place < len(hits)]
    kept: dict[str, Hit] = {}
    for hit in (*whole[:read], *turns, *whole[read:]):
        kept.setdefault(hit.passage.passage_id, hit)
    return tuple(sorted(list(kept.values())[:k], key=lambda hit: -hit.score))
