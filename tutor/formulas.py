"""The formulas of a lecture in their order, for "the equations of the LSTM", which no one passage holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from corpus.whole import whole_spans
from index.hits import Hit
from tutor.candidate import Candidate, Kind, candidate, folded

MOST = 7
"""Formulas that are told."""
_LONGEST_LEAD = 45
"""Words of the sentence before a formula that is told with it."""
_STATES = re.compile(r"=|\\(?:leq?|geq?|propto|approx|sim|to|(?:left|right|Left|Right)arrow|in|coloneqq?|equiv)\b|[<>]")
"""What says something of what stands on its left."""
_CALCULATES = re.compile(r"(?<![\w{^])\d[\d.]*\s*\)*\s*(?:=|\\approx)\s*-?\d")
_BESIDE = re.compile(r"\b(?:examples?|exercises?|glossary|quiz|homework|by hand|questions)\b", re.IGNORECASE)


def stated(hits: Sequence[Hit]) -> list[tuple[Candidate, ...]]:
    """The displayed formulas of a document, each with the sentence before it; not those of examples and exercises, and
    none twice. `passage` is the position in `hits`."""
    told: set[str] = set()
    return [unit for number, hit in enumerate(hits) for unit in _of_passage(number, hit) if _is_new(unit[-1], told)]


def _of_passage(number: int, hit: Hit) -> Iterator[tuple[Candidate, ...]]:
    headings, text = hit.passage.locator.headings, hit.passage.text
    folds = frozenset(map(folded, headings))
    before: Candidate | None = None
    beside = any(map(_BESIDE.search, headings))
    for sentence in hit.sentences:
        one = candidate(number, text, sentence.start, sentence.end, sentence.score, folds)
        if text[sentence.start] == "#" or (one is not None and one.kind in (Kind.HEADING, Kind.TITLE)):
            beside = bool(_BESIDE.search(text[sentence.start : sentence.end]))
        formula = _formula(one.text) if one and not beside else ""
        if one is not None and _STATES.search(formula) and not _CALCULATES.search(formula):
            opens = before is not None and before.kind is Kind.TEXT and one.formula and not _formula(before.text)
            yield (before, one) if before and opens and len(before.text.split()) <= _LONGEST_LEAD else (one,)
        before = one


def _formula(text: str) -> str:
    """The displayed formulas of a sentence."""
    return "".join(text[start:end] for start, end, code in whole_spans(text) if not code)


def _is_new(one: Candidate, told: set[str]) -> bool:
    formula = "".join(_formula(one.text).split())
    if formula in told:
        return False
    told.add(formula)
    return True
