"""From generated tokens to the text of an answer with its citations, sentence by sentence.

A sentence is released when it is complete and says what the one says that it was drawn from (`intact`); else that one
is quoted. Each sentence is cited to the passages that its tokens were copied from (`tutor.evidence`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from corpus.sentences import sentence_spans
from lm.reading import content_stems
from tutor.answer import Citation, Ranked, Span
from tutor.candidate import Candidate, Kind
from tutor.table import empty_head, parts, rule

QUOTED = 1_000_000
"""Where quoted sentences begin in the text without markers: after all that a model may have written."""

_TOLD = 0.7
"""Least share of the content words of its origin that a written sentence must tell to stand for it."""

_LONGER = 1.25
"""Most words of a written sentence, as a multiple of those of its origin: more is a model that turns in circles."""

_FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$|\\\(.+?\\\)|\\\[.+?\\\]|`[^`]+`", re.DOTALL)

_REFERENCE = re.compile(r"(?<![\w\])}\\])\[(\d+)\](?!\()")

_TURNS = re.compile(
    r"\b(?:no|nor|not|never|none|neither|cannot|without|unless|except|only|hardly|rarely|instead|before|after|above"
    r"|below|more|less|fewer|most|least)\b|n['’]t\b",
    re.IGNORECASE,
)
"""Words that turn a statement around when they are left out or put in."""

_PIECE = re.compile(r"\$[^$]*\$|`[^`]*`|\w+(?:[-'’]\w+)*|[^\w\s]")
_FEW = 3
"""Words that a sentence may leave out of its origin."""

_IN_ORDER = 0.8
"""Least share of the content words of a written sentence that must follow each other as in its origin."""

_INDENT = "   "
"""What an item stands behind that is one below another, whether that has a number or not."""

_SCRAP = 3
"""Stretches of a passage of at most this many characters are not marked as used beside longer ones."""


@dataclass(kw_only=True)
class Draft:
    """An answer in the making: `text` with its `[n]` markers, and for the citations what rests on what.

    `moved` says where the sentences that were released came to stand: (start, end) in the text without markers and
    the start in `text`, in the order of `text`. `quoted` are the stretches of `text` that the model did not write and
    `quotes` the sentences of the material that stand there; `units` counts what was added.
    """

    text: str = ""
    numbers: dict[int, int] = field(default_factory=dict)
    answer_spans: dict[int, list[Span]] = field(default_factory=dict)
    used: dict[int, list[Span]] = field(default_factory=dict)
    weights: dict[int, float] = field(default_factory=dict)
    moved: list[tuple[int, int, int]] = field(default_factory=list)
    quoted: list[Span] = field(default_factory=list)
    quotes: list[Candidate] = field(default_factory=list)
    units: int = 0
    _listed: bool = False
    """Whether what was added last ends its line."""

    def place(self, span: Span) -> Span | None:
        """Where a stretch of the text without markers stands in `text`; None if its sentence was not released."""
        for start, end, placed in self.moved:
            if span[0] < end and start < span[1]:
                return max(span[0], start) + placed - start, min(span[1], end) + placed - start
        return None

    def add(self, sentence: str, raw_start: int, cited: dict[int, float], used: dict[int, list[Span]]) -> str:
        """Append a sentence that starts at `raw_start` of the text without markers; returns what was appended."""
        before = len(self.text)
        self.text += self._joint(sentence)
        self._place(sentence, raw_start, cited)
        for passage, weight in cited.items():
            self.used.setdefault(passage, []).extend(used.get(passage, []))
            self.weights[passage] = self.weights.get(passage, 0.0) + weight
        self.units += 1
        self._mark(cited)
        return self.text[before:]

    def point(self, one: Candidate, *, quoted: bool) -> str:
        """Append an item, with its marker, to the list that the answer is: a sentence word for word, or what is no
        quotation. Returns what was appended."""
        before = len(self.text)
        self.text += ("\n" if self._listed else "\n\n") + "- "
        if quoted:
            self._quote(one)
        else:
            self._rest_on(one, 0)
        self._listed = True
        self.units += 1
        self._mark((one.passage,))
        return self.text[before:]

    def remark(self, text: str) -> str:
        """Append a paragraph that rests on nothing. Returns what was appended."""
        before = len(self.text)
        self.text += f"\n\n{_unmarked(text)}"
        return self.text[before:]

    def quote(self, unit: Sequence[Candidate]) -> str:
        """Append sentences of one passage word for word, items of a list on lines of their own, with one marker at the
        end. In the text without markers they stand from `QUOTED` on. Returns what was appended."""
        before = len(self.text)
        # Markdown counts by itself from the first number on.
        numbers = [one.number.rstrip(".)") for one in unit]
        counted = numbers == [str(int(numbers[0] or 0) + place) for place in range(len(unit))]
        for number, one in enumerate(unit):
            item, row = len(unit) > 1 and one.kind is Kind.ITEM, one.kind is Kind.ROW
            if number > 0 and (item or (row and unit[number - 1].belongs(one))):
                self.text += "\n"
            else:
                apart = item or row or one.kind is Kind.TITLE
                self.text += "\n\n" if self.text and apart else self._joint(one.text)
                self.text += empty_head(one.text) if row and not one.heads else ""
            inside = _INDENT * len({other.level for other in unit[:number] if other.above(one)})
            self.text += f"{inside}{one.number if counted else '-'} " if item else ""
            self._quote(one)
            self._listed = item or row or one.kind is Kind.TITLE
            self.text += f"\n{rule(one.text)}" if one.heads else ""
        self.units += 1
        self._mark((unit[0].passage,))
        return self.text[before:]

    def _quote(self, one: Candidate) -> None:
        raw_start = QUOTED + sum(len(other.text) + 1 for other in self.quotes) + 1
        cells = parts(one.text) if one.kind is Kind.ROW else [(0, len(one.text))]
        # What tabs part in the material stands between bars here.
        for number, (first, last) in enumerate(cells):
            self.text += "" if len(cells) == 1 else " | " if number else "| "
            if first < last:
                start = len(self.text)
                self._place(one.text[first:last], raw_start + first, (one.passage,))
                self.quoted.append((start, len(self.text)))
        self.text += " |" if len(cells) > 1 else ""
        self._credit(one)
        self.quotes.append(one)

    def _rest_on(self, one: Candidate, raw_start: int) -> None:
        self._place(one.text, raw_start, (one.passage,))
        self._credit(one)

    def _credit(self, one: Candidate) -> None:
        self.used.setdefault(one.passage, []).append((one.start, one.end))
        self.weights[one.passage] = self.weights.get(one.passage, 0.0) + len(one.text.split())

    def _joint(self, sentence: str) -> str:
        """What stands between the text and a sentence after it."""
        apart = self._listed or "\n" in sentence or "\n" in self.text[-4:]
        return "" if not self.text else "\n\n" if apart else " "

    def _place(self, sentence: str, raw_start: int, passages: Iterable[int]) -> None:
        start = len(self.text)
        self.moved.append((raw_start, raw_start + len(sentence), start))
        self.text += _unmarked(sentence)
        self._listed = False
        for passage in passages:
            self.numbers.setdefault(passage, len(self.numbers) + 1)
            self.answer_spans.setdefault(passage, []).append((start, start + len(sentence)))

    def _mark(self, passages: Iterable[int]) -> None:
        if markers := "".join(f"[{self.numbers[passage]}]" for passage in passages):
            # A closing fence must stand alone on its line, and what stands behind a row is a cell.
            table = self._listed and bool(self.quotes) and self.quotes[-1].kind is Kind.ROW
            self.text += ("\n\n" if table else "\n" if self.text.endswith(("```", "~~~")) else " ") + markers

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


def _unmarked(sentence: str) -> str:
    """The sentence with reference numbers of its own, such as [12], in round brackets: square ones mark the citations.

    >>> _unmarked("Salt melts ice [12], as `a[1]` and $x_{[2]}$ show.")
    'Salt melts ice (12), as `a[1]` and $x_{[2]}$ show.'
    """
    if sentence.startswith(("```", "~~~")):
        return sentence
    kept = [match.span() for match in _FORMULA.finditer(sentence)]

    def told(match: re.Match[str]) -> str:
        return match[0] if any(a <= match.start() < b for a, b in kept) else f"({match[1]})"

    return _REFERENCE.sub(told, sentence)


def intact(sentence: str, origin: Candidate) -> bool:
    """Whether a written sentence can stand for the one of the material that it was drawn from: running text that says
    most of what that says in its order and little besides, from its beginning to its end, denies what that denies,
    formulas and code unchanged."""
    plain = _FORMULA.sub("", sentence)
    if origin.kind is not Kind.TEXT or origin.leads or set("$\\`") & set(plain):
        return False
    at = 0
    for formula in _FORMULA.findall(sentence):
        at = origin.text.find(formula, at) + len(formula)
        if at < len(formula):
            return False
    if len(sentence.split()) > _LONGER * len(origin.text.split()):
        return False
    if _turns(sentence) != _turns(origin.text):
        return False
    told, own = content_stems(sentence), content_stems(origin.text)
    if (told[:1], told[-1:]) != (own[:1], own[-1:]):
        return False
    same = SequenceMatcher(None, told, own, autojunk=False).get_matching_blocks()
    if sum(block.size for block in same) < _IN_ORDER * len(told):
        return False
    return len(set(told) & set(own)) >= _TOLD * len(set(own)) and not _skips(sentence, origin.text)


def _skips(sentence: str, origin: str) -> bool:
    """Whether a sentence leaves out of its origin what may be the end of one statement and the beginning of another:
    more than a few words, or anything with a mark between clauses, that is no aside."""
    told, own = _PIECE.findall(sentence.casefold()), _PIECE.findall(origin.casefold())
    for kind, start, end, _, _ in SequenceMatcher(None, own, told, autojunk=False).get_opcodes():
        gone = own[start:end]
        if kind == "equal" or not gone:
            continue
        opens, closes = {gone[0], *own[max(0, start - 1) : start]}, {gone[-1], *own[end : end + 1]}
        aside = opens & set(",(–—") and closes & set(",)–—") and len(gone) > 1
        if {";", ":"} & set(gone) or (not aside and (len(gone) > _FEW or "," in gone)):
            return True
    return False


def _turns(text: str) -> list[str]:
    return [word.casefold() for word in _TURNS.findall(text)]


def complete_sentences(text: str, *, final: bool) -> list[Span]:
    """Spans of the sentences of `text` that will not grow any more; all of them when the text is final."""
    spans = sentence_spans(text)
    return spans if final else spans[:-1]


def best_sentence(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate most like the question; whole sentences before fragments of a few words, headings last."""

    def worth(one: Candidate) -> float:
        return one.score - (1 if one.kind is Kind.HEADING else 0.15 if len(one.text.split()) < 4 else 0)

    return max(candidates, key=worth)


def merge(spans: Sequence[Span], text: str) -> tuple[Span, ...]:
    """Spans in order, widened to whole words, joined where only white space or nothing stands between them, trimmed of
    white space, without the scraps that common words leave beside longer stretches."""
    merged: list[Span] = []
    for start, end in sorted(set(spans)):
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if start >= end:
            continue
        while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
            start -= 1
        while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
            end += 1
        if merged and not text[merged[-1][1] : start].strip():
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    longest = max((end - start for start, end in merged), default=0)
    return tuple((start, end) for start, end in merged if end - start > _SCRAP or longest <= _SCRAP)
