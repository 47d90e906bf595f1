"""Where the words of an answer came from, by the copy weights that made them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lm.generate import Generated
from lm.reading import Prompt
from tutor.answer import Span
from tutor.candidate import Candidate, Kind
from tutor.selection import Chosen

_CITED_SHARE = 0.3
"""A passage is cited for a sentence when it holds at least this share of the copied weight of the sentence."""

_USED_WEIGHT = 0.2
"""A prompt token counts as used by an answer token when it holds most of its copy weight, or at least this much."""

_ABOUT_AS_LIKELY = 0.3
"""Prompt tokens with at least this share of the largest copy weight are taken as possible origins of a word."""

_GIVES = 0.2
"""A sentence of the material is an origin of a written one when it gave at least this share of its words."""


@dataclass(frozen=True, kw_only=True)
class Word:
    """A generated token with its text; `start` and `end` are offsets in the text without markers."""

    generated: Generated
    start: int
    end: int


class Evidence:
    """Where the weights of copied tokens lie: prompt position to passage and characters."""

    def __init__(self, prompt: Prompt, chosen: Sequence[Chosen]) -> None:
        self.owner: NDArray[np.int64] = np.full(len(prompt.places), -1)
        self.spans: list[Span] = []
        self.sentences: list[Candidate | None] = [None] * len(prompt.places)
        for position, place in enumerate(prompt.places):
            span = (place.start, place.end)
            if place.source >= 0:
                group = chosen[place.source]
                first = group.candidates[place.piece].start
                self.owner[position] = group.passage
                self.sentences[position] = group.candidates[place.piece]
                span = (first + place.start, first + place.end)
            self.spans.append(span)

    def of(self, words: Sequence[Word]) -> tuple[dict[int, float], dict[int, list[Span]]]:
        """Copied weight by passage, those below the citing share left out, and the passage spans used."""
        mass: dict[int, float] = {}
        used: dict[int, list[Span]] = {}
        for word in words:
            weights = word.generated.copy * np.float32(word.generated.p_copy)
            for position in np.flatnonzero(weights > 0.01):
                passage = int(self.owner[position])
                if passage < 0:
                    continue
                mass[passage] = mass.get(passage, 0.0) + float(weights[position])
                if word.generated.copy[position] >= _USED_WEIGHT or position == weights.argmax():
                    used.setdefault(passage, []).append(self.spans[position])
        total = sum(mass.values())
        cited = {passage: weight for passage, weight in mass.items() if weight >= _CITED_SHARE * total and weight > 0}
        return dict(sorted(cited.items(), key=lambda pair: -pair[1])), used

    def after_heading(self, words: Sequence[Word]) -> list[Word]:
        """The words without those at the start that were copied from a heading."""
        for number, word in enumerate(words):
            sentence = self.sentences[int(word.generated.copy.argmax())]
            if sentence is None or sentence.kind is not Kind.HEADING or word.generated.p_copy < 0.5:
                return list(words[number:])
        return []

    def origins(self, words: Sequence[Word]) -> list[Candidate]:
        """The sentences of the material that gave at least the share `_GIVES` of the words, the first used first."""
        given: Counter[Candidate] = Counter()
        for word in words:
            sentence = self.sentences[int(word.generated.copy.argmax())]
            if sentence is not None and word.generated.p_copy >= 0.5:
                given[sentence] += 1
        return [sentence for sentence, count in given.items() if count >= _GIVES * len(words)]

    def woven(self, words: Sequence[Word]) -> bool:
        """Whether the copying jumps from the midst of one sentence of the material into the midst of another.

        Going on from the end of one to the start of another is not weaving, nor is skipping words within one. Where
        several places are about as likely (the same words twice), it is enough that one pair of them is in order.
        """
        before: list[int] = []
        for word in words:
            copy = word.generated.copy
            here = (
                np.flatnonzero(copy >= _ABOUT_AS_LIKELY * copy.max()).tolist() if word.generated.p_copy >= 0.5 else []
            )
            if before and here and not any(self._in_order(one, other) for one in before for other in here):
                return True
            before = here
        return False

    def _in_order(self, one: int, other: int) -> bool:
        """Whether prompt token `other` may follow `one` in an answer that does not weave."""
        first, second = self.sentences[one], self.sentences[other]
        if first is None or second is None or first == second or other == one + 1:
            return True
        return self.spans[one][1] >= first.end and self.spans[other][0] <= second.start
