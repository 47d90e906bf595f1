"""A sentence of a passage as the tutor sees it: its words, a score, and what it is on the page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from corpus.sentences import NUMBERED
from corpus.tables import columns
from tutor.table import table_of

_MARKER = re.compile(r"(?:[-*+•▶►■◦➤–]|\d{1,3}[.)]|>|\\item)[ \t]+(?:[•▶►■◦➤][ \t]*)?")
_COUNT = re.compile(r"\d{1,3}[.)]")
_NUMBERED = re.compile(NUMBERED)
_SILENT = re.compile(
    r"#{1,6}(?:\s|$)|[-=*_|: \t]*$|<!--|\\(?:sub)*(?:section|paragraph|chapter|frametitle)\*?\{|\\maketitle"
    r"|\\(?:begin|end)\{(?:itemize|enumerate|description|document|frame|center|figure|quote|abstract|block|columns?)"
    r"|(?:\[?!\[(?:[^\s\]]++[ \t]*+){0,3}\]\([^()\n]*\)(?:\]\([^()\n]*\))?[.,;\s]*)+\Z"
)
"""What says nothing: titles, rules, comments, commands of TeX, pictures that are not described."""
_REFUTED = re.compile(
    r"\W*(?:(?:common|popular|frequent)\s+)?(?:misconception|misunderstanding|myth|fallacy|wrong|false|incorrect)"
    r"(?:\s+(?:no\.\s*)?\d+)?[*_]*\s*[:–—]",
    re.IGNORECASE,
)
_LEGEND = re.compile(r"(?:here|where|in which|with)\b[^.$\\]{0,60}(?:\$|\\\()", re.IGNORECASE)
_APART = 4
"""Most characters of white space between a formula and what explains it."""
_NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight")
_ANNOUNCES = re.compile(
    rf"\b({'|'.join(_NUMBERS)})(?:\s+[\w-]+){{0,2}}\s+(?:kinds|types|ways|reasons|(?:dis)?advantages|benefits|drawbacks"
    r"|steps|stages|phases|parts|forms|limits|limitations|flaws|weaknesses|strengths|biases|problems|differences|points"
    r"|respects|conventions|measures|methods|approaches|variants|remedies|causes|purposes|roles|uses|rules|options"
    r"|families|criteria|properties|components|stages|sublayers|gates|cases|ingredients|ideas|questions|tasks|terms)\b",
    re.IGNORECASE,
)
_BACK = re.compile(r"(?:it|its|he|his|she|her|they|their|these|those)\b", re.IGNORECASE)
_LONGEST_LEAD = 12
"""Words."""
_POINTS = re.compile(
    r"\b(?:(?:following|next)\s+(?:\w+\s+)?(?:table|code|program|function|listing)|below)\b"
    r"|(?:the|this)\s+(?:\w+\s+)?(?:table|code|program|listing|snippet)\b(?!\s+above)",
    re.IGNORECASE,
)
_LEAST_RUN = 3
"""Lines."""
_LONGEST_TITLE = 9
_LONGEST_ITEM = 50
"""Words."""
_NO_TITLE = re.compile(r"[.?!;,:][\"')\]”’]*$|[$\\|`]")
_EMPHASIS = "*_` \t"
_UNFINISHED = re.compile(
    r",\Z|(?<![\w-])(?:an?|and|are|as|at|because|by|for|from|if|in|into|is|of|on|or|such|than|that|the|their|then|these|this"
    r"|to|using|via|was|were|when|where|which|with)\Z",
    re.IGNORECASE,
)
"""How a line ends that goes on in the next one."""


class Kind(Enum):
    """What a sentence is on its page: a heading that the passage stands under, a title (a short line of its own that
    stops without a mark), an item of a list, a row of a table, or running text."""

    HEADING = "heading"
    TITLE = "title"
    ITEM = "item"
    ROW = "row"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A sentence of a passage: characters [start, end) of its text and a score (larger is more like the question).

    `table` is where the table of a row begins, and `headed` whether the row there is a head; `listing` is where the
    list of an item begins, `number` what it is numbered with there, such as "3.", and `level` how far it is indented;
    `antecedent` is where the sentence begins that says what the "it" or "she" is that this one begins with. Where the
    question has several parts, `by_part` is the score for each.
    """

    passage: int
    start: int
    end: int
    text: str
    score: float
    kind: Kind = Kind.TEXT
    table: int = -1
    headed: bool = False
    listing: int = -1
    number: str = ""
    level: int = 0
    antecedent: int = -1
    by_part: tuple[float, ...] = ()

    @property
    def leads(self) -> bool:
        """Whether it only opens what the sentences after it say: it ends in a colon or is `unfinished`, is a title, the
        head of a table or `refuted`."""
        opens = self.text.rstrip(_EMPHASIS).endswith(":") or self.unfinished
        return opens or self.kind is Kind.TITLE or self.heads or self.refuted

    @property
    def unfinished(self) -> bool:
        """Whether it is running text that stops in the middle of a statement ("The weights are normalised by")."""
        return self.kind is Kind.TEXT and bool(_UNFINISHED.search(self.text.rstrip(_EMPHASIS)))

    @property
    def heads(self) -> bool:
        """Whether it is the head of a table."""
        return self.kind is Kind.ROW and self.headed and self.start == self.table

    def belongs(self, other: Candidate) -> bool:
        """Whether two rows are of one table."""
        return self.kind is other.kind is Kind.ROW and (self.passage, self.table) == (other.passage, other.table)

    @property
    def announces(self) -> int:
        """How many sentences it announces ("Dropout has two advantages."); 0 for most."""
        found = _ANNOUNCES.search(self.text) if self.kind is Kind.TEXT else None
        return _NUMBERS.index(found[1].casefold()) + 2 if found and len(self.text.split()) <= _LONGEST_LEAD else 0

    @property
    def points(self) -> bool:
        """Whether it points to the table or the code after it ("The following table ...")."""
        return self.kind is Kind.TEXT and bool(_POINTS.search(self.text))

    @property
    def asks(self) -> bool:
        """Whether it is a question in bold, which is answered after it."""
        return self.kind is Kind.TEXT and self.text.startswith("**") and self.text.rstrip().endswith("?**")

    @property
    def formula(self) -> bool:
        """Whether it is a formula that stands by itself."""
        text = self.text.strip().rstrip(".,;")
        return text.startswith(("$", "\\")) and text.endswith(("$", "\\]", "\\)", "}"))

    @property
    def code(self) -> bool:
        """Whether it is a block of code."""
        return self.text.startswith(("```", "~~~"))

    def above(self, other: Candidate) -> bool:
        """Whether it is an item of the list of `other` that is indented less."""
        same = (self.passage, self.listing) == (other.passage, other.listing)
        return self.kind is other.kind is Kind.ITEM and same and self.level < other.level

    def follows(self, other: Candidate) -> bool:
        """Whether it begins with a word ("It ended in ...") for what the sentence right before it, `other`, is on."""
        near = other.passage == self.passage and 0 <= self.start - other.end <= _APART
        return near and self.kind is other.kind is Kind.TEXT and not other.formula and bool(_BACK.match(self.text))

    def goes_on(self, other: Candidate) -> bool:
        """Whether it may stand after `other`: what it begins with is no word for what another sentence is on."""
        on = other.passage == self.passage and self.antecedent in (other.start, other.antecedent)
        return self.antecedent < 0 or on

    def explains(self, formula: Candidate) -> bool:
        """Whether it says what the letters of the formula right before it mean ("Here $h$ is the hidden state")."""
        near = formula.passage == self.passage and 0 <= self.start - formula.end <= _APART
        return near and formula.formula and bool(_LEGEND.match(self.text))

    @property
    def continues(self) -> bool:
        """Whether it begins in the middle of a statement: with a small letter, or as a formula by itself."""
        return self.text[:1].islower() or self.formula

    @property
    def refuted(self) -> bool:
        """Whether it is said only to be put right by what follows ("Misconception: ...")."""
        return bool(_REFUTED.match(self.text))


def candidate(
    passage: int, text: str, start: int, end: int, score: float, headings: frozenset[str] = frozenset()
) -> Candidate | None:
    """The sentence text[start:end] without its list marker; None for marked headings and rules, which answer nothing.

    `headings` are those of the passage, folded by `folded`: a sentence of the same words is one of them.
    """
    sentence = text[start:end]
    if _SILENT.match(sentence):
        return None
    kind, number, level = Kind.TEXT, "", 0
    if marker := _MARKER.match(sentence):
        level = _indent(text, start)
        start += marker.end()
        kind = Kind.ITEM
        number = found[0] if (found := _COUNT.match(sentence)) else ""
    elif _NUMBERED.match(sentence):
        kind = Kind.ITEM
    elif folded(sentence) in headings:
        kind = Kind.HEADING
    elif _alone(text, start, end) and len(sentence.split()) <= _LONGEST_TITLE and not _NO_TITLE.search(sentence):
        kind = Kind.TITLE
    if start >= end:
        return None
    if columns(sentence) and _alone(text, start, end) and (table := table_of(text, start)):
        begin, headed = table
        text = text[start:end]
        return Candidate(
            passage=passage, start=start, end=end, text=text, score=score, kind=Kind.ROW, table=begin, headed=headed
        )
    text = text[start:end]
    return Candidate(
        passage=passage, start=start, end=end, text=text, score=score, kind=kind, number=number, level=level
    )


def _indent(text: str, start: int) -> int:
    """Characters of white space before what begins a line at `start`."""
    before = text[text.rfind("\n", 0, start) + 1 : start]
    return len(before.expandtabs(4)) if not before.strip() else 0


def _alone(text: str, start: int, end: int) -> bool:
    """Whether text[start:end] fills its lines."""
    before, after = text[text.rfind("\n", 0, start) + 1 : start], text[end:].partition("\n")[0]
    return not before.strip() and not after.strip()


def folded(text: str) -> str:
    """Words as they are compared: no case, single spaces."""
    return " ".join(text.split()).casefold()


def connected(read: Sequence[Candidate | None], text: str) -> Iterator[Candidate]:
    """The candidates of a passage, items with where their list begins, and sentences that point back with where that
    is which they point to. None, for what answers nothing, parts both. Short lines right below each other are items of
    a list, too: slides often lose their marks on the way.
    """
    read = _whole_items(read, text)
    short = [one is not None and one.kind is Kind.TITLE for one in read]
    runs: list[int] = []
    for place, one in enumerate(read):
        runs_on = place > 0 and short[place] and short[place - 1] and _below(read[place - 1], one, text)
        runs.append(runs[-1] if runs_on else place)
    length, listing, antecedent = Counter(runs), -1, -1
    for place, one in enumerate(read):
        item = one is not None and (one.kind is Kind.ITEM or (short[place] and length[runs[place]] >= _LEAST_RUN))
        if one is None or not item:
            listing = -1
        elif listing < 0:
            listing = one.start
        before = read[place - 1] if place > 0 else None
        if one is None or before is None or not one.follows(before):
            antecedent = -1
        elif antecedent < 0:
            antecedent = before.start
        if one is not None:
            yield replace(one, kind=Kind.ITEM, listing=listing) if item else replace(one, antecedent=antecedent)


def _whole_items(read: Sequence[Candidate | None], text: str) -> list[Candidate | None]:
    """The same, the sentences of an item in one."""
    found: list[Candidate | None] = []
    for one in read:
        last = found[-1] if found else None
        if one is None or last is None or not _runs_on(last, one, text):
            found.append(one)
        else:
            words, score = text[last.start : one.end], max(last.score, one.score)
            found[-1] = replace(last, end=one.end, text=words, score=score)
    return found


def _runs_on(item: Candidate, other: Candidate, text: str) -> bool:
    """Whether `other` is a further sentence of an item that is not too long: on its line, or indented below it."""
    between = text[item.end : other.start]
    beside = not between.strip() and ("\n" not in between or re.fullmatch(r"[ \t]*\n[ \t]{2,}", between))
    if item.kind is not Kind.ITEM or other.kind is not Kind.TEXT or other.formula or other.code or not beside:
        return False
    return len(item.text.split()) + len(other.text.split()) <= _LONGEST_ITEM


def _below(one: Candidate | None, other: Candidate | None, text: str) -> bool:
    """Whether one line stands right below the other."""
    return one is not None and other is not None and text[one.end : other.start].count("\n") == 1
