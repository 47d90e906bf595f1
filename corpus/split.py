"""Splits documents into passages small enough to embed whole, along the document's own seams.

A passage is a run of units (see `corpus.units`). Where to cut is a shortest path: every run that fits costs something
(too small, too large, across a slide, in the middle of a paragraph), and the cheapest way through the document wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from corpus.document import Document, Locator, Passage, passage_id
from corpus.units import MOST_SECONDS, Unit, UnitCutter

_EXPLAINS = re.compile(r"Here\b|Where\b|With\b|In which\b|[a-z]")
"""How the words that name the symbols of an equation begin: a new sentence of their own, or the rest of one."""

_CAPTION = 80
"""Most characters of a caption, which stays with the table below it."""

CountTokens = Callable[[str], int]

_TITLE_NUMBER = re.compile(r"\W+(?:(?:[ivx]+|\d+)(?:/\d+)?|cont(?:inued|['’]?d)?)\W*$")

TARGET = 200
TINY = 5
"""A passage below this part of the target (40 of 200) is joined with a neighbour if the two fit."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What a cut, a join and a size cost. Only the proportions matter; they were set by trying on lecture slides.

    `cut_*`: cutting at that seam. `join_*`: a passage that runs on across that seam. A size costs up to `short` as it
    falls from the target to nothing, up to `long` as it rises from the target to the limit, and `tiny` on top where
    TINY says so. 2026-11-23, passages of the 38 shipped lectures that begin with code, and with a
    formula or a table: 58 and 17 of 826 with 0.3 for `cut_code` and 0.6 for `cut_led_up`, 13 and 1 of 822 with these.
    Test questions are answered as before, dev questions 0.004 worse in key facts; what "the code below" means is shown.
    """

    short: float = 1.0
    long: float = 0.3
    tiny: float = 6.0
    cut_heading: float = 40.0
    cut_block: float = 0.3
    cut_wide_gap: float = 0.12
    cut_item: float = 0.5
    cut_row: float = 1.5
    cut_led_up: float = 1.2
    cut_code: float = 1.5
    cut_explained: float = 1.2
    cut_sentence: float = 0.9
    cut_forced: float = 1.5
    join_same_title: float = 0.0
    join_place: float = 0.15
    join_section: float = 0.3
    join_chapter: float = 0.45


def split(
    document: Document,
    *,
    count_tokens: CountTokens,
    limit: int = 256,
    target: int = TARGET,
    costs: Costs | None = None,
    report: Callable[[str], None] | None = None,
    seconds: float = MOST_SECONDS,
) -> list[Passage]:
    """The passages of a document: ascending, not overlapping, covering all of it that is not white space.

    `count_tokens` gives the word pieces of a text with the embedder's special tokens; no passage has more than
    `limit`. `target` is the size aimed at. `report` gets one line for each equation, block of code or table row that
    had to be cut because it alone is above the limit. Raises ValueError where the limit is not above the special
    tokens, and SplitError where it takes more than `seconds` of processor time or comes to too many pieces.
    """
    cutter = UnitCutter(document.text, count_tokens, limit, seconds)
    units = cutter.units(document)
    for block, pieces in cutter.cuts:
        if report and block.kind in ("equation", "code", "table"):
            line = document.text.count("\n", 0, block.start) + 1
            report(f"{document.source}: {block.kind} on line {line} is above {limit} word pieces, cut into {pieces}")
    if not units:
        return []
    costs = costs or Costs()
    joints = [_joint(document.text, before, after, costs) for before, after in pairwise(units)]
    edges = _edges(units, joints, cutter, min(target, cutter.room), costs)
    return [_passage(document, units[first:after]) for first, after in pairwise(edges)]


def embedding_text(passage: Passage, count_tokens: CountTokens, limit: int = 256) -> str:
    """What is embedded for a passage: as much of its heading path and title as fits in front, then all its text.

    The nearest heading comes first into consideration, the document title last; what the text itself opens with is
    not said twice. The result never has more than `limit` word pieces if the passage has not.
    """
    opening = passage.text[:400].casefold()
    context: list[str] = []
    for heading in (*reversed(passage.locator.headings), passage.document):
        if not heading or heading.casefold() in opening or heading in context:
            continue
        longer = [heading, *context]
        if count_tokens(_with_context(longer, passage.text)) > limit:
            break
        context = longer
    return _with_context(context, passage.text)


def _with_context(context: Sequence[str], text: str) -> str:
    return f"{' > '.join(context)}\n\n{text}" if context else text


@dataclass(frozen=True)
class _Joint:
    """The place between two units: what it costs to cut there and what to run on."""

    cut: float
    join: float


def _joint(text: str, before: Unit, after: Unit, costs: Costs) -> _Joint:
    if before.block.kind == "heading" and before.block is not after.block:
        new_place = _place(before) != _place(after)
        return _Joint(costs.cut_block if new_place else costs.cut_heading, 0.0)
    if after.seam == "cut":
        return _Joint(costs.cut_forced, 0.0)
    if after.seam == "sentence":
        return _Joint(costs.cut_sentence, 0.0)
    if after.seam == "item":
        return _Joint(costs.cut_row if after.block.kind == "table" else costs.cut_item, 0.0)
    if after.block.kind == "heading":
        return _Joint(0.0, _join_cost(before.headings, after.headings, costs))
    if _place(before) != _place(after):
        if after.block.cell is not None and (before.block.kind, after.block.kind) == ("paragraph", "code"):
            return _Joint(costs.cut_led_up, 0.0)
        return _Joint(0.0, costs.join_place)
    if after.block.kind == "table" and before.block.kind == "paragraph" and before.end - before.start <= _CAPTION:
        return _Joint(costs.cut_led_up, 0.0)
    tail = text[max(before.start, before.end - 3) : before.end].rstrip("*_ ")
    if after.block.kind == "code":
        return _Joint(costs.cut_code, 0.0)
    if after.block.kind == "equation" or tail.endswith(":"):
        return _Joint(costs.cut_led_up, 0.0)
    if before.block.kind == "equation" and _EXPLAINS.match(text, after.start):
        return _Joint(costs.cut_explained, 0.0)
    wide = text.count("\n", before.end, after.start) > 3
    return _Joint(costs.cut_wide_gap if wide else costs.cut_block, 0.0)


def _place(unit: Unit) -> tuple[int | None, int | None, int | None]:
    return unit.block.page, unit.block.slide, unit.block.cell


def _join_cost(before: tuple[str, ...], after: tuple[str, ...], costs: Costs) -> float:
    """What it costs to run on from under one heading into the next; leaving a subsection for a section costs more."""
    if before and after and _topic(before[-1]) == _topic(after[-1]):
        return costs.join_same_title
    return costs.join_chapter if len(after) < len(before) else costs.join_section


def _topic(title: str) -> str:
    """A title without the number that tells slides of one topic apart ("Hidden State II", "(2/3)", "cont.")."""
    return _TITLE_NUMBER.sub("", title.casefold(), count=1)


def _edges(units: Sequence[Unit], joints: Sequence[_Joint], cutter: UnitCutter, target: int, costs: Costs) -> list[int]:
    """Unit numbers at which passages start, and the number of units.

    The sum of unit sizes is the size of a run where the embedder breaks words at white space, as nearly all do. So
    the sums are trusted first and the passages counted after; where one is too large, every run is counted.
    """
    edges = _cheapest(units, joints, lambda start, end: True, cutter, target, costs)
    if all(_fits(units, start, end, cutter) for start, end in pairwise(edges)):
        return edges
    return _cheapest(units, joints, lambda start, end: _fits(units, start, end, cutter), cutter, target, costs)


def _fits(units: Sequence[Unit], start: int, end: int, cutter: UnitCutter) -> bool:
    return end == start + 1 or cutter.size(units[start].start, units[end - 1].end) <= cutter.room


def _cheapest(
    units: Sequence[Unit],
    joints: Sequence[_Joint],
    fits: Callable[[int, int], bool],
    cutter: UnitCutter,
    target: int,
    costs: Costs,
) -> list[int]:
    """The cheapest way through the document (dynamic programming).

    best[j] = min over i < j of best[i] + size(i, j) + joins inside (i, j) + cut at j, over the runs that fit.
    """
    total, room = len(units), cutter.room
    best = [0.0] + [float("inf")] * total
    came_from = [0] * (total + 1)
    for start in range(total):
        cutter.check_time()
        pieces, joins = 0, 0.0
        for end in range(start + 1, total + 1):
            pieces += units[end - 1].size
            joins += joints[end - 2].join if end - 1 > start else 0.0
            if pieces > room and end > start + 1:
                break
            cut = joints[end - 1].cut if end < total else 0.0
            cost = best[start] + _size_cost(pieces, target, room, costs) + joins + cut
            if cost < best[end] and fits(start, end):
                best[end], came_from[end] = cost, start
    edges = [total]
    while edges[-1]:
        edges.append(came_from[edges[-1]])
    return edges[::-1]


def _size_cost(pieces: int, target: int, room: int, costs: Costs) -> float:
    if pieces > target:
        return costs.long * ((pieces - target) / max(1, room - target)) ** 2
    return costs.short * ((target - pieces) / target) ** 2 + (costs.tiny if TINY * pieces < target else 0.0)


def _passage(document: Document, units: Sequence[Unit]) -> Passage:
    start, end = units[0].start, units[-1].end
    text = document.text[start:end]
    first, last = units[0].block, units[-1].block
    ordinal = next((place for place in (last.page, last.slide, last.cell) if place is not None), None)
    locator = Locator(
        source=document.source,
        start=start,
        end=end,
        headings=_headings(units),
        page=first.page,
        slide=first.slide,
        cell=first.cell,
        last=ordinal,
        page_label=document.page_labels.get(first.page) if first.page is not None else None,
    )
    return Passage(
        passage_id=passage_id(course=document.course, source=document.source, start=start, text=text),
        document=document.title,
        text=text,
        locator=locator,
        course=document.course,
    )


def _headings(units: Sequence[Unit]) -> tuple[str, ...]:
    """The heading path of the first unit that is not a heading itself, else of the last one."""
    body = next((unit for unit in units if unit.block.kind != "heading"), units[-1])
    return body.headings
