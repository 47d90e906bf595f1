"""An answer that grows out of the sentences found, unit by unit, nothing being said twice.

What a unit is: `tutor.belonging`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lm.reading import content_stems
from tutor.belonging import is_antecedent, listed, needed, opened, paragraph
from tutor.candidate import Candidate, Kind
from tutor.choices import Choices
from tutor.odds import log_odds, log_share

_WHY = re.compile(
    r"\b(?:why|prove[nsd]?|proof|how (?:do|can|could) (?:you|we|i|one) (?:know|show|see))\b", re.IGNORECASE
)
_REASON = re.compile(r"\b(?:because|since|so that|reasons?|therefore|thus|hence|due|otherwise|if)\b", re.IGNORECASE)
_PROOF = "**Proof"

_SAID = 0.7
"""A sentence of which this share of the content words has been said is not said again."""


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
            least = log_odds(best) + log_share(self._choices.owed_share)
            if best >= self._choices.owed and not any(log_odds(scores[number]) >= least for number in self._taken):
                yield scores.index(best)

    def _goes_on(self, one: Candidate) -> bool:
        return one.antecedent < 0 or (self._last is not None and one.goes_on(self._last))

    def _anchored(self, unit: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        """The unit, told after what was told last: what it points back to is said again where something else was said
        in between."""
        if unit and not self._goes_on(unit[0]):
            unit = (*(one for one in self._candidates if is_antecedent(one, unit[0])), *unit)
        self._last = unit[-1] if unit else self._last
        return unit

    def _next(self) -> int | None:
        """The likeliest sentence that is not said yet and says something, if it is likely enough."""
        everything = range(len(self._candidates))
        left = [number for number in everything if number not in self._taken and self._tells(number)]
        if not self._taken:
            return max(left, key=self._standing, default=None)
        left = [number for number in left if self._is_beside(number) or self._is_likely(number)]
        if not left:
            return None
        number = max(left, key=self._standing)
        best = max(log_odds(self._candidates[number].score) for number in [*self._taken, *left])
        return number if self._standing(number) >= best + log_share(self._choices.also) else None

    def _is_beside(self, number: int) -> bool:
        """Whether a sentence stands right beside one of the answer, in the same passage."""
        near = (taken for taken in self._taken if abs(taken - number) == 1)
        return any(self._candidates[taken].passage == self._candidates[number].passage for taken in near)

    def _is_likely(self, number: int) -> bool:
        one = self._candidates[number]
        return one.formula or one.score >= self._choices.least

    def _standing(self, number: int) -> float:
        """Log-odds to belong to the answer as it is."""
        one = self._candidates[number]
        odds = log_odds(one.score)
        if any(self._candidates[taken].passage == one.passage for taken in self._taken):
            odds += log_share(self._choices.same_passage)
            if self._is_beside(number):
                odds += log_share(self._choices.beside)
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
            yield from paragraph(self._candidates, after)
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
