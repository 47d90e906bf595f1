"""What belongs together in an answer: the sentences about as likely as the best one, and on slides the whole list of an
item and the items that a title or a lead-in opens.

A *unit* is a sentence with what it leads to and with the items of its list, all of one passage, in reading order.
Candidates are given in reading order of their passages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from lm.reading import content_stems
from tutor.candidate import Candidate, Kind
from tutor.choices import Choices
from tutor.odds import log_odds

_LIST_ITEMS, _LIST_WORDS = 12, 100
"""Most items of a list that are told together, and most words."""

_WHY = re.compile(
    r"\b(?:why|prove[nsd]?|proof|how (?:do|can|could) (?:you|we|i|one) (?:know|show|see))\b", re.IGNORECASE
)
_REASON = re.compile(r"\b(?:because|since|so that|reasons?|therefore|thus|hence|due|otherwise|if)\b", re.IGNORECASE)
_PROOF = "**Proof"

_SAID = 0.7
"""A sentence of which this share of the content words has been said is not said again."""


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
        if one.kind not in (Kind.ITEM, Kind.ROW) and not one.formula and not runs_on:
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


def _paragraph(candidates: Sequence[Candidate], number: int) -> Iterator[int]:
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
    under, the formula before it whose letters it explains, the sentence before it that says what its "it" is."""
    one = candidates[number]
    if one.kind is Kind.ROW:
        return [place for place in range(number) if candidates[place].heads and candidates[place].belongs(one)]
    if one.kind is Kind.ITEM:
        return [place for place in range(number) if candidates[place].above(one)][-1:]
    if number > 0 and one.explains(candidates[number - 1]):
        return [number - 1]
    return [place for place in range(number) if _is_antecedent(candidates[place], one)]


def _is_antecedent(one: Candidate, other: Candidate) -> bool:
    return one.passage == other.passage and one.start == other.antecedent


def _log(share: float) -> float:
    return math.log(share) if share > 0 else -math.inf


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
    least = log_odds(one.score) + _log(least_share)
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
    least = log_odds(best) + _log(least_share)
    likely = (number for number, other in enumerate(candidates) if log_odds(other.score) >= least)
    return any(one == candidates[number] or one in _at(candidates, opened(candidates, number)) for number in likely)


def _at(candidates: Sequence[Candidate], numbers: Iterator[int]) -> list[Candidate]:
    return [candidates[number] for number in numbers]


class Growth:
    """An answer that grows unit by unit out of candidates, nothing being said twice.

    A sentence counts as said when `_SAID` of its content words have been; a title that only repeats words of the
    question says nothing, and what is refuted nothing without what puts it right.
    """

    def __init__(self, candidates: Sequence[Candidate], question: str, choices: Choices) -> None:
        self._candidates, self._choices = candidates, choices
        self._asked, self._why = frozenset(content_stems(question)), bool(_WHY.search(question))
        self._stems = [frozenset(content_stems(one.text)) for one in candidates]
        self._said: set[str] = set()
        self._taken: list[int] = []
        self._context: set[int] = set()
        """Items that were taken only because others stand below them."""
        self._last: Candidate | None = None

    def repeats(self, sentence: str) -> bool:
        """Whether the answer has said this."""
        stems = frozenset(content_stems(sentence))
        return len(stems & self._said) >= _SAID * len(stems)

    def lacks(self, one: Candidate) -> bool:
        """Whether something that it needs is not said yet, or too long ago."""
        wanted = needed(self._candidates, self._candidates.index(one))
        return any(self._new(place) for place in wanted) or not self._goes_on(one)

    def tell(self, sentence: str, origin: Candidate) -> None:
        """Note that the answer says a sentence in words of its own, drawn from `origin`."""
        self._taken.append(self._candidates.index(origin))
        self._last = origin
        self._said |= set(content_stems(sentence)) | self._stems[self._taken[-1]]

    def take(self, one: Candidate) -> tuple[Candidate, ...]:
        """The unit of a candidate as far as it is not said yet, in reading order; it is said from now on."""
        return self._anchored(self._unit(self._candidates.index(one)))

    def rest(self, most: int) -> list[tuple[Candidate, ...]]:
        """What completes the units that were begun, and then at most `most` further ones, in reading order, those of
        the passages of the first sentences first."""
        begun = [self._unit(number) for number in list(self._taken) if number not in self._context]
        found = [unit for number in self._owed() if (unit := self._unit(number))]
        while most > 0 and (number := self._next()) is not None:
            if unit := self._unit(number):
                found.append(unit)
                most -= 1
        passages = list(dict.fromkeys(self._candidates[number].passage for number in self._taken))
        found.sort(key=lambda unit: (passages.index(unit[0].passage), unit[0].start))
        return [self._anchored(unit) for unit in (*begun, *found) if unit]

    def _owed(self) -> Iterator[int]:
        """For each part of the question that nothing answers yet, what answers it, where something does."""
        for scores in zip(*(one.by_part for one in self._candidates), strict=True):
            best = max(scores)
            least = log_odds(best) + _log(self._choices.owed_share)
            if best >= self._choices.owed and not any(log_odds(scores[number]) >= least for number in self._taken):
                yield scores.index(best)

    def _goes_on(self, one: Candidate) -> bool:
        return one.antecedent < 0 or (self._last is not None and one.goes_on(self._last))

    def _anchored(self, unit: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        """The unit, told after what was told last: what it points back to is said again where something else was said
        in between."""
        if unit and not self._goes_on(unit[0]):
            unit = (*(one for one in self._candidates if _is_antecedent(one, unit[0])), *unit)
        self._last = unit[-1] if unit else self._last
        return unit

    def _next(self) -> int | None:
        """The likeliest sentence that is not said yet and says something, if it is likely enough."""
        everything = range(len(self._candidates))
        left = [number for number in everything if number not in self._taken and self._tells(number)]
        if not left:
            return None
        number = max(left, key=self._standing)
        best = max(log_odds(self._candidates[number].score) for number in [*self._taken, *left])
        return number if not self._taken or self._standing(number) >= best + _log(self._choices.also) else None

    def _standing(self, number: int) -> float:
        """Log-odds to belong to the answer as it is."""
        one = self._candidates[number]
        odds = log_odds(one.score)
        if any(self._candidates[taken].passage == one.passage for taken in self._taken):
            odds += _log(self._choices.same_passage)
            if {number - 1, number + 1} & set(self._taken):
                odds += _log(self._choices.beside)
        return odds

    def _tells(self, number: int) -> bool:
        """Whether a sentence, or what it leads to, says something that was neither asked nor said."""
        return self._new(number) or any(self._new(place) for place in opened(self._candidates, number))

    def _new(self, number: int) -> bool:
        own, one = self._stems[number], self._candidates[number]
        if any(one.belongs(self._candidates[taken]) for taken in self._taken):
            return False
        if one.kind is Kind.HEADING or (one.kind is Kind.TITLE and own <= self._asked):
            return False
        if one.refuted and not set(opened(self._candidates, number)).difference(self._taken):
            return False
        if one.formula:
            return all(self._candidates[taken].text != one.text for taken in self._taken)
        return bool(own) and len(own & self._said) < _SAID * len(own)

    def _reasons(self, number: int) -> Iterator[int]:
        """The proof after a statement; after one that says all that was asked, but no reason, what goes on from it."""
        lead, after = self._candidates[number], number + 1
        if after == len(self._candidates) or self._candidates[after].passage != lead.passage:
            return
        if self._candidates[after].text.startswith(_PROOF):
            yield from _paragraph(self._candidates, after)
        elif self._stems[number] >= self._asked and not _REASON.search(lead.text):
            yield from [after] if self._candidates[after].follows(lead) else []

    def _above(self, number: int) -> bool:
        """Whether items stand below this one."""
        after = number + 1
        return after < len(self._candidates) and self._candidates[number].above(self._candidates[after])

    def _unit(self, number: int) -> tuple[Candidate, ...]:
        unit: list[int] = []
        told = (
            number,
            *opened(self._candidates, number),
            *(self._reasons(number) if self._why else ()),
            *listed(self._candidates, number, self._choices.in_list),
        )
        above = {place: needed(self._candidates, place) for place in told}
        self._context |= {one for ones in above.values() for one in ones if self._above(one)}.difference(told)
        places = [one for place in told for one in (*above[place], place)]
        fresh = [place for place in dict.fromkeys(places) if place not in self._taken and self._new(place)]
        if any(self._candidates[place].kind is Kind.ROW for place in fresh):
            # A head says nothing new and belongs to what stands below it all the same.
            fresh = [*(place for place in needed(self._candidates, number) if place not in fresh), *fresh]
        kept = (Kind.ROW, Kind.ITEM)
        for place in fresh:
            # Items of one list may share most words: "Precision = ...", "Recall = ...".
            if self._candidates[place].kind in kept or self._new(place):
                unit.append(place)
                self._taken.append(place)
                self._said |= self._stems[place]
        # A title is no answer where all that stands below it has been said.
        bare = all(one.kind is Kind.TITLE and "=" not in one.text for one in map(self._candidates.__getitem__, unit))
        if bare and any(True for place in unit for _ in opened(self._candidates, place)):
            return ()
        return tuple(self._candidates[place] for place in sorted(unit))
