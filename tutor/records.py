"""Makes training records for the reader in the form the tutor uses them: a draft, then scores, then the record.

A draft says which passages a prompt shows and what is to be answered; with the scores of their sentences it becomes a
record of `lm.data`, filled by the same `select` that fills the prompts of the tutor. Two steps, so that all sentences
can be scored at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lm.reading import Mode
from lm.tokenizer import Tokenizer
from tutor.candidate import Candidate, candidate
from tutor.items import Item, Paragraphs, Span
from tutor.mixture import Prompts
from tutor.selection import Chosen, select

Scores = Sequence[NDArray[np.float32]]
"""For each passage of a draft one score a sentence, larger where it is nearer to the question."""

_SPAN = 120
"""Characters of the longest span that is an answer by itself."""
_GOLD = 3
"""Most sentences of an answer that is quoted."""
_WHOLE = 512
"""Tokens of the longest sentence (equation, block of code) that a prompt takes in."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A question of the course on the passages that the search finds for it, best first; numbers of paragraphs.

    `places`: the spans that answer, in whatever passages hold them; `facts`: what a right answer must contain.
    """

    source: str
    title: str
    question: str
    passages: tuple[int, ...]
    places: tuple[tuple[int, Span], ...]
    answer: str
    facts: tuple[str, ...]
    answerable: bool


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A record that is made already and asks for no scores."""

    source: str
    title: str
    record: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A record before its sentences are scored.

    `passages`: numbers of the paragraphs shown, in order; `places`: spans of them that must be in the prompt; `quote`:
    answer with these spans, where `answer`, what to say in other words, is None; no answer at all where both are
    empty. `ranked`: whether the prompt says how near each sentence is.
    """

    source: str
    title: str
    question: str
    passages: tuple[int, ...]
    places: tuple[tuple[int, Span], ...]
    answer: str | None
    quote: bool
    mode: Mode
    budget: int
    ranked: bool


class Maker:
    """Turns items into drafts and drafts into records, with chance from one generator."""

    def __init__(self, paragraphs: Paragraphs, tokenizer: Tokenizer, settings: Prompts, seed: int) -> None:
        self.paragraphs, self.tokenizer, self.settings = paragraphs, tokenizer, settings
        self.random = np.random.default_rng(seed)

    def draft(self, item: Item | Found, unranked: float | None = None) -> Draft | None:
        """A draft with chance deciding what it shows; None where no fair example can be made. `unranked`: the share
        without ranks, where it is not that of the settings."""
        unranked = self.settings.unranked if unranked is None else unranked
        answerable = item.answerable and self.random.random() >= self.settings.no_answer
        shown = self._of_search(item, answerable) if isinstance(item, Found) else self._of_item(item, answerable)
        if shown is None:
            return None
        passages, places = shown
        quote = answerable and item.answer is None
        one_span = quote and places and places[0][1][1] - places[0][1][0] <= _SPAN
        short = self.random.random() < self.settings.short and (one_span or not answerable)
        return Draft(
            source=item.source,
            title=item.title,
            question=item.question,
            passages=passages,
            places=places,
            answer=item.answer if answerable else None,
            quote=quote,
            mode="short" if short else "full",
            budget=int(self.random.choice(self.settings.budgets)),
            ranked=self.random.random() >= unranked,
        )

    def _of_item(self, item: Item, answerable: bool) -> tuple[tuple[int, ...], tuple[tuple[int, Span], ...]] | None:
        """The paragraph of an item among others of its source, in any order."""
        # A passage that was written not to answer stays; one whose answer is taken out goes.
        shown = answerable or (not item.answerable and item.context >= 0)
        passages = ([item.context] if shown else []) + self._distractors(item, least=0 if shown else 1)
        spans = ((item.gold,) if item.gold else ()) + item.also
        if not passages or (answerable and not spans):
            return None
        self.random.shuffle(passages)
        return tuple(passages), tuple((item.context, span) for span in spans) if answerable else ()

    def _of_search(self, item: Found, answerable: bool) -> tuple[tuple[int, ...], tuple[tuple[int, Span], ...]] | None:
        """The best passages found, in their order; with one that answers among them, or with none."""
        golden = {number for number, _ in item.places}
        most = int(self.random.choice([2, 3, 4]))
        if not answerable:
            passages = [number for number in item.passages if number not in golden][:most]
            said = " ".join(self.paragraphs.texts[number] for number in passages).casefold()
            told = item.facts and all(fact.casefold() in said for fact in item.facts)
            return None if not passages or told else (tuple(passages), ())
        passages = list(item.passages[:most])
        if not golden & set(passages):
            number = int(self.random.choice(sorted(golden)))
            passages[-1:] = [number]
            if number not in item.passages:
                self.random.shuffle(passages)
        return tuple(passages), tuple(place for place in item.places if place[0] in passages)

    def _distractors(self, item: Item, least: int) -> list[int]:
        chances = self.settings.distractors
        count = max(least, int(self.random.choice(len(chances), p=np.array(chances) / sum(chances))))
        near = [number for number in self.paragraphs.by_title[item.source, item.title] if number != item.context]
        pool = near if len(near) >= count else near + self.paragraphs.by_source[item.source]
        said = self.paragraphs.texts[item.context][slice(*item.gold)] if item.gold else ""
        found: list[int] = []
        for number in self.random.permutation(len(pool))[: 4 * count + 8]:
            other = pool[int(number)]
            if other not in found and other != item.context and not (said and said in self.paragraphs.texts[other]):
                found.append(other)
            if len(found) == count:
                break
        return found

    def record(self, draft: Draft, scores: Scores | None) -> dict[str, Any] | None:
        """The record of a draft; without scores its prompt is filled around what answers. None where no sentence of
        its passages can be shown or what answers cannot."""
        scores = scores or self._around(draft)
        candidates = self._candidates(draft, scores)
        gold = [number for number, one in enumerate(candidates) if self._answers(draft, one)]
        gold = gold[:_GOLD] if draft.quote else gold
        if not candidates or (draft.quote and not gold):
            return None
        chosen = select(candidates, self.tokenizer, budget=draft.budget, keep=frozenset(gold))
        record: dict[str, Any] = {
            "question": draft.question,
            "sources": [
                [[piece.text, piece.rank if draft.ranked else 0, int(piece.gap)] for piece in one.pieces]
                for one in chosen
            ],
            "mode": draft.mode,
            "answer": draft.answer,
            "spans": [],
        }
        if draft.answer is not None:
            record["spans"] = align(draft.answer, [[piece.text for piece in one.pieces] for one in chosen])
        elif draft.quote:
            self._quote(record, draft, [candidates[number] for number in gold], chosen)
        return record

    def drawn_scores(self, draft: Draft, gain: float) -> Scores:
        """Probabilities by chance, as a ranker of that power gives them: log-odds of unit variance, `gain` more for
        what answers."""
        found = []
        for number in draft.passages:
            spans = self.paragraphs.sentences[number]
            golden = [span for place, span in draft.places if place == number]
            answers = [any(start < last and first < end for first, last in golden) for start, end in spans]
            log_odds = self.random.standard_normal(len(spans)) + gain * np.array(answers, dtype=np.float64) - gain
            found.append((1 / (1 + np.exp(-log_odds))).astype(np.float32))
        return found

    def _around(self, draft: Draft) -> Scores:
        """Scores that fall with the distance from what answers, elsewhere from a sentence taken by chance."""
        scores: list[NDArray[np.float32]] = []
        for number in draft.passages:
            spans = self.paragraphs.sentences[number]
            golden = [gold[0] for place, gold in draft.places if place == number]
            middle = int(self.random.integers(max(1, len(spans))))
            if golden:
                middle = next(at for at, (_, end) in enumerate(spans) if golden[0] < end)
            away = np.abs(np.arange(len(spans), dtype=np.float32) - middle)
            scores.append(-away - np.float32(self.random.random()))
        return scores

    def _candidates(self, draft: Draft, scores: Scores) -> list[Candidate]:
        found = []
        for place, (number, values) in enumerate(zip(draft.passages, scores, strict=True)):
            text = self.paragraphs.texts[number]
            for (start, end), score in zip(self.paragraphs.sentences[number], values, strict=True):
                one = candidate(place, text, start, end, float(score))
                if one and len(self.tokenizer.encode(one.text).ids) <= _WHOLE:
                    found.append(one)
        return found

    def _answers(self, draft: Draft, one: Candidate) -> bool:
        number = draft.passages[one.passage]
        return any(place == number and one.start < end and start < one.end for place, (start, end) in draft.places)

    def _quote(self, record: dict[str, Any], draft: Draft, gold: list[Candidate], chosen: Sequence[Chosen]) -> None:
        """Answer with the span (short) or with the sentences around it (full)."""
        number, (first, last) = draft.places[0]
        if draft.mode == "short":
            if len(gold) == 1 and gold[0].start <= first and last <= gold[0].end:
                record["answer"] = self.paragraphs.texts[number][first:last]
                record["spans"] = [[0, last - first, *_standing(gold[0], chosen), first - gold[0].start]]
                return
            record["mode"] = "full"
        words, spans = "", []
        for one in gold:
            words += " " if words else ""
            spans.append([len(words), len(words) + len(one.text), *_standing(one, chosen), 0])
            words += one.text
        record["answer"], record["spans"] = words, spans


def _standing(one: Candidate, chosen: Sequence[Chosen]) -> tuple[int, int]:
    """Source and piece numbers of a candidate in the prompt."""
    for source, group in enumerate(chosen):
        if one in group.candidates:
            return source, group.candidates.index(one)
    raise AssertionError("a kept candidate was not chosen")


def align(answer: str, sources: Sequence[Sequence[str]], shortest: int = 12) -> list[list[int]]:
    """Spans of a freely worded answer that stand in the pieces of the sources: [start, end, source, piece, offset]."""
    spans: list[list[int]] = []
    covered = np.zeros(len(answer), dtype=bool)
    matches = [
        (block.size, block.a, source, number, block.b)
        for source, pieces in enumerate(sources)
        for number, piece in enumerate(pieces)
        for block in SequenceMatcher(None, answer, piece, autojunk=False).get_matching_blocks()
        if block.size >= shortest
    ]
    for size, start, source, number, offset in sorted(matches, reverse=True):
        # A shorter match may still give what stands beside a longer one.
        free = np.flatnonzero(~covered[start : start + size])
        for run in np.split(free, np.flatnonzero(np.diff(free) > 1) + 1):
            if len(run) >= shortest:
                first, last = start + int(run[0]), start + int(run[-1]) + 1
                covered[first:last] = True
                spans.append([first, last, source, number, offset + int(run[0])])
    return spans
