"""From generated tokens to the text of an answer with its citations, sentence by sentence.

A sentence is released when it is complete and supported: most of its content words must stand in the prompt. Each
sentence is cited to the passages that its tokens were copied from, by the copy weights that made them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from corpus.sentences import sentence_spans
from lm.generate import Generated
from lm.reading import Prompt, content_stems
from tutor.answer import Citation, Ranked, Span
from tutor.selection import Candidate, Chosen

SUPPORT = 0.6
"""Least share of a sentence's content words that must stand in the prompt's passages."""

_CITED_SHARE = 0.3
"""A passage is cited for a sentence when it holds at least this share of the copied weight of the sentence."""

_USED_WEIGHT = 0.2
"""A prompt token counts as used by an answer token when it holds most of its copy weight, or at least this much."""

_ABOUT_AS_LIKELY = 0.3
"""Prompt tokens with at least this share of the largest copy weight are taken as possible origins of a word."""

_SCRAP = 3
"""Stretches of a passage of at most this many characters are not marked as used beside longer ones."""

_CLOSERS = {"$$": 2, "```": 2}
_PAIRS = (("\\[", "\\]"), ("\\begin{", "\\end{"))


@dataclass(frozen=True, kw_only=True)
class Word:
    """A generated token with its text; `start` and `end` are offsets in the text without markers."""

    generated: Generated
    start: int
    end: int


@dataclass(kw_only=True)
class Draft:
    """An answer in the making: `text` with its `[n]` markers, and for the citations what rests on what.

    `moved` says where the sentences that were released came to stand: (start, end) in the text without markers and
    the start in `text`, ascending.
    """

    text: str = ""
    numbers: dict[int, int] = field(default_factory=dict)
    answer_spans: dict[int, list[Span]] = field(default_factory=dict)
    used: dict[int, list[Span]] = field(default_factory=dict)
    weights: dict[int, float] = field(default_factory=dict)
    moved: list[tuple[int, int, int]] = field(default_factory=list)

    def place(self, span: Span) -> Span | None:
        """Where a stretch of the text without markers stands in `text`; None if its sentence was not released."""
        for start, end, placed in self.moved:
            if span[0] < end and start < span[1]:
                return max(span[0], start) + placed - start, min(span[1], end) + placed - start
        return None

    def add(self, sentence: str, raw_start: int, cited: dict[int, float], used: dict[int, list[Span]]) -> str:
        """Append a sentence that starts at `raw_start` of the text without markers; returns what was appended."""
        before = len(self.text)
        joint = "" if not self.text else "\n\n" if "\n" in sentence or "\n" in self.text[-4:] else " "
        start = before + len(joint)
        self.moved.append((raw_start, raw_start + len(sentence), start))
        self.text += joint + sentence
        markers = ""
        for passage, weight in cited.items():
            number = self.numbers.setdefault(passage, len(self.numbers) + 1)
            self.answer_spans.setdefault(passage, []).append((start, start + len(sentence)))
            self.used.setdefault(passage, []).extend(used.get(passage, []))
            self.weights[passage] = self.weights.get(passage, 0.0) + weight
            markers += f"[{number}]"
        if markers:
            # A closing fence must stand alone on its line.
            self.text += ("\n" if sentence.endswith(("```", "~~~")) else " ") + markers
        return self.text[before:]

    def citations(self, passages: Sequence[Ranked]) -> tuple[Citation, ...]:
        """The citations in the order of their numbers; weights are shares of all that was copied."""
        total = sum(self.weights.values()) or 1.0
        return tuple(
            Citation(
                number=number,
                passage=passages[passage].passage,
                answer_spans=tuple(self.answer_spans[passage]),
                passage_spans=merge(self.used[passage], passages[passage].passage.text),
                weight=self.weights[passage] / total,
            )
            for passage, number in self.numbers.items()
        )


def supported(sentence: str, prompt_stems: frozenset[str]) -> bool:
    """Whether a sentence has content words and enough of them stand in the passages."""
    stems = content_stems(sentence)
    return bool(stems) and sum(stem in prompt_stems for stem in stems) >= SUPPORT * len(stems)


def whole(sentence: str) -> bool:
    """Whether every formula and code block that a sentence opens is closed in it."""
    even = all(sentence.count(mark) % modulus == 0 for mark, modulus in _CLOSERS.items())
    return even and all(sentence.count(opening) == sentence.count(closing) for opening, closing in _PAIRS)


def complete_sentences(text: str, *, final: bool) -> list[Span]:
    """Spans of the sentences of `text` that will not grow any more; all of them when the text is final."""
    spans = sentence_spans(text)
    return spans if final else spans[:-1]


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
            if sentence is None or not sentence.heading or word.generated.p_copy < 0.5:
                return list(words[number:])
        return []

    def origin(self, words: Sequence[Word]) -> tuple[Candidate | None, float]:
        """The sentence of the material that most of the words came from, and the share of the words it gave."""
        given: Counter[Candidate] = Counter()
        for word in words:
            sentence = self.sentences[int(word.generated.copy.argmax())]
            if sentence is not None and word.generated.p_copy >= 0.5:
                given[sentence] += 1
        if not given:
            return None, 0.0
        sentence, count = given.most_common(1)[0]
        return sentence, count / len(words)

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


def best_sentence(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate most like the question; whole sentences before fragments of a few words, headings last."""
    return max(candidates, key=lambda one: one.score - (1 if one.heading else 0.15 if len(one.text.split()) < 4 else 0))


def merge(spans: Sequence[Span], text: str) -> tuple[Span, ...]:
    """Spans in order, joined where only white space or nothing stands between them, trimmed of white space, without
    the scraps that common words leave beside longer stretches."""
    merged: list[Span] = []
    for start, end in sorted(set(spans)):
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if start >= end:
            continue
        if merged and not text[merged[-1][1] : start].strip():
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    longest = max((end - start for start, end in merged), default=0)
    return tuple((start, end) for start, end in merged if end - start > _SCRAP or longest <= _SCRAP)
