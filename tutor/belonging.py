"""What belongs together in an answer: the sentences about as likely as the best one, and on slides the whole list of an
item and the items that a title or a lead-in opens.

A *unit* is a sentence with what it leads to and with the items of its list, all of one passage, in reading order.
Candidates are given in reading order of their passages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tutor.candidate import Candidate, Kind
from tutor.odds import log_odds, log_share

_LIST_ITEMS, _LIST_WORDS = 12, 100
"""Most items of a list that are told together, and most words."""


def opened(candidates: Sequence[Candidate], number: int) -> Iterator[int]:
    """What the sentence `number` leads to: the list after it, or a sentence or equation, up to the next title."""
    lead = candidates[number]
    after = number + 1
    following = candidates[after] if after < len(candidates) else lead
    if following.explains(lead):
        yield after
        return
    if lead.above(following):
        yield from _indented(candidates, number)
        return
    if lead.asks:
        yield from _answered(candidates, number)
        return
    listing = lead.announces and following.kind is Kind.ITEM
    if lead.announces and not lead.leads and not listing:
        yield from _announced(candidates, number, lead.announces)
        return
    points = lead.points and following.passage == lead.passage and (following.heads or following.code)
    words = 0
    for place in range(after, len(candidates) if lead.leads or listing or points else 0):
        one = candidates[place]
        words += len(one.text.split())
        ends = one.passage != lead.passage or one.kind in (Kind.TITLE, Kind.HEADING)
        if ends or (place > number + 1 and (one.leads or words > _LIST_WORDS)) or place > number + _LIST_ITEMS:
            return
        if (lead.heads and not one.belongs(lead)) or (points and place > after and not one.belongs(following)):
            return
        if place > after and candidates[place - 1].kind is Kind.ITEM and not _beside(candidates[place - 1], one):
            return
        yield place
        runs_on = place + 1 < len(candidates) and candidates[place + 1].kind is Kind.ITEM
        goes_on = one.kind in (Kind.ITEM, Kind.ROW) or (one.formula and not lead.unfinished)
        if not goes_on and not runs_on:
            return


def _indented(candidates: Sequence[Candidate], number: int) -> Iterator[int]:
    """The items below the item `number` that are indented more, as far as they are not too many."""
    lead, words = candidates[number], 0
    for place in range(number + 1, min(number + 1 + _LIST_ITEMS, len(candidates))):
        words += len(candidates[place].text.split())
        if not lead.above(candidates[place]) or words > _LIST_WORDS:
            return
        yield place


def _answered(candidates: Sequence[Candidate], number: int) -> Iterator[int]:
    """The sentences after a question, up to the end of its paragraph."""
    words = 0
    for place in range(number + 1, len(candidates)):
        one, before = candidates[place], candidates[place - 1]
        words += len(one.text.split())
        if one.passage != before.passage or one.kind is not Kind.TEXT or one.start - before.end > 1 or one.asks:
            return
        if words > _LIST_WORDS:
            return
        yield place


def paragraph(candidates: Sequence[Candidate], number: int) -> Iterator[int]:
    """A sentence and those after it, up to the next label in bold, as far as they are not too long."""
    words = 0
    for place in range(number, len(candidates)):
        one = candidates[place]
        words += len(one.text.split())
        if one.passage != candidates[number].passage or one.kind is not Kind.TEXT or words > _LIST_WORDS:
            return
        if place > number and one.text.startswith("**"):
            return
        yield place


def _announced(candidates: Sequence[Candidate], number: int, count: int) -> Iterator[int]:
    """The next `count` sentences of running text, as far as they are that many and not too long."""
    lead, words = candidates[number], 0
    for place in range(number + 1, min(number + 1 + count, len(candidates))):
        one = candidates[place]
        words += len(one.text.split())
        if one.passage != lead.passage or one.kind is not Kind.TEXT or words > _LIST_WORDS:
            return
        yield place


def needed(candidates: Sequence[Candidate], number: int) -> list[int]:
    """What the sentence `number` cannot be understood without: the head of its table, the item that it is indented
    under, the formula before it whose letters it explains, the beginning of its statement, the sentence before it that
    says what its "it" is."""
    one = candidates[number]
    before = candidates[number - 1] if number > 0 else None
    if before and before.unfinished and before.passage == one.passage and one.continues:
        return [number - 1]
    if one.kind is Kind.ROW:
        return [place for place in range(number) if candidates[place].heads and candidates[place].belongs(one)]
    if one.kind is Kind.ITEM:
        return [place for place in range(number) if candidates[place].above(one)][-1:]
    if before and one.explains(before):
        return [number - 1]
    return [place for place in range(number) if is_antecedent(candidates[place], one)]


def is_antecedent(one: Candidate, other: Candidate) -> bool:
    """Whether `other` begins with a word for what `one` is on."""
    return one.passage == other.passage and one.start == other.antecedent


def listed(candidates: Sequence[Candidate], number: int, least_share: float) -> list[int]:
    """The other items of the list, or rows of the table, that `number` stands in, the likeliest first, as far as their
    odds are at least the share `least_share` of its own."""
    one = candidates[number]
    if one.kind not in (Kind.ITEM, Kind.ROW):
        return []
    first = last = number
    while first > 0 and _beside(candidates[first - 1], one):
        first -= 1
    while last + 1 < len(candidates) and _beside(candidates[last + 1], one):
        last += 1
    least = log_odds(one.score) + log_share(least_share)
    likely = [place for place in range(first, last + 1) if log_odds(candidates[place].score) >= least]
    found: list[int] = []
    words = len(one.text.split())
    for place in sorted(likely, key=lambda place: -candidates[place].score):
        words += len(candidates[place].text.split())
        if place != number and (len(found) + 2 > _LIST_ITEMS or words > _LIST_WORDS + len(one.text.split())):
            break
        found += [place] if place != number else []
    return found


def _beside(one: Candidate, other: Candidate) -> bool:
    items = one.kind is other.kind is Kind.ITEM
    return one.belongs(other) or (items and (one.passage, one.listing) == (other.passage, other.listing))


def plausible(one: Candidate, candidates: Sequence[Candidate], least_share: float) -> bool:
    """Whether the odds of a sentence to answer, or of one that leads to it, are at least the share
    `least_share` of the best one's."""
    best = max(other.score for other in candidates)
    least = log_odds(best) + log_share(least_share)
    likely = (number for number, other in enumerate(candidates) if log_odds(other.score) >= least)
    return any(one == candidates[number] or one in _at(candidates, opened(candidates, number)) for number in likely)


def _at(candidates: Sequence[Candidate], numbers: Iterator[int]) -> list[Candidate]:
    return [candidates[number] for number in numbers]
