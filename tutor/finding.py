"""What the material holds on a question: the passages found, the sentences read, and whether they cover it.

A question that asks two things is searched and read as a whole, and then once more part by part (`tutor.parts`): what
answers one of them well may have little to do with the other, so that the search for both does not find it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tutor.candidate import Candidate
from tutor.coverage import probability, signals
from tutor.names import asks_something
from tutor.odds import read_hits

if TYPE_CHECKING:
    from index.hits import Hit
    from index.store import Store
    from tutor.choices import Choices

Search = Callable[[str], "tuple[Hit, ...]"]
"""The best passages for a query, best first."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found for a question: passages, best first, and the sentences of those that are read, in reading order.

    `covered` is the probability that the material covers the question.
    """

    hits: tuple[Hit, ...]
    candidates: tuple[Candidate, ...]
    covered: float


def find(store: Store, search: Search, query: str, asked: str, told: str, choices: Choices) -> Found:
    """What a store holds on a question that is searched by `query` and was put as `asked`; `told` is what was answered
    before."""
    hits = search(query)
    covered = probability(signals(query, hits, store.says)) if asks_something(query, store.says) else 0.0
    return Found(hits=hits, candidates=tuple(read_hits(hits[: choices.read], asked, told)), covered=covered)


def with_parts(found: Found, search: Search, parts: Sequence[str], k: int, choices: Choices) -> Found:
    """The same with what is found for each part of the question: of its passages, those that are read take the places
    of the last ones of the whole, up to `k` in all, and every sentence has a score for each part."""
    searched = [search(part)[: choices.read] for part in parts]
    first = {hit.passage.passage_id: hit for hit in found.hits[: choices.read]}
    for place in range(choices.read):
        for hits in searched:
            if place < len(hits) and len(first) < k:
                first.setdefault(hits[place].passage.passage_id, hits[place])
    rest = {hit.passage.passage_id: hit for hit in found.hits}
    hits = tuple(list((first | rest).values())[:k])
    place_of = {hit.passage.passage_id: number for number, hit in enumerate(hits)}
    read = {(one.passage, one.start): replace(one, by_part=(0.0,) * len(parts)) for one in found.candidates}
    for part, own in enumerate(searched):
        own = tuple(hit for hit in own if hit.passage.passage_id in place_of)
        for one in read_hits(own, parts[part]):
            place = place_of[own[one.passage].passage.passage_id]
            blank = replace(one, passage=place, score=0.0, by_part=(0.0,) * len(parts))
            known = read.get((place, one.start), blank)
            scores = (*known.by_part[:part], one.score, *known.by_part[part + 1 :])
            read[place, one.start] = replace(known, by_part=scores)
    return Found(hits=hits, candidates=tuple(read[key] for key in sorted(read)), covered=found.covered)
