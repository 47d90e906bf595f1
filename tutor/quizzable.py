"""Which sentences of the material one can be asked about, and the questions that they turn into by fixed rules.

Asked about is a sentence that is whole and stands by itself: "This is why it fails." points at what was said before,
"Misconception: ..." is false, a line of a worked example holds for that example only. Two rules make questions:

- a sentence that defines a term, or an entry of a glossary: "What is a gate?", "What does “gate” mean?";
- a sentence that names a term of its lecture, or counts something: the sentence with a gap in place of that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from corpus.document import Passage
from corpus.sentences import Span, sentence_spans
from lm.reading import content_stems
from tutor.candidate import Kind, candidate, folded
from tutor.definitions import defined, vague
from tutor.hint import GAP, LITTLE

_APART = re.compile(
    r"\b(?:misconceptions?|sources|references|bibliography|literature|further reading|exercises?|homework|quiz|"
    r"questions|examples?|by hand|agenda|outline|contents|acknowledge?ments?|solutions?|in code|this tutor)\b",
    re.IGNORECASE,
)
"""Headings of what is not said of the subject as such."""

_HEADING = re.compile(r"#{2,6}\s+(.+)")
_SHORTEST, _LONGEST = 45, 260
_OPENS = re.compile(
    r"^(?:this|these|those|that|it|its|they|their|he|his|she|her|we|our|you|your|i|but|and|so|or|nor|yet|however|also|"
    r"thus|then|therefore|hence|here|there|such|another|both|neither|either|none|most|some|many|each|all|one|two|three|"
    r"four|others?|first|second|third|finally|last|next|now|again|instead|otherwise|similarly|conversely|likewise|"
    r"moreover|furthermore|besides|still|only|even|just|in fact|in this|for this|for example|for instance|by contrast|"
    r"in contrast|as a result|consider|suppose|assume|let|note|recall|imagine|take|if|when|since|because|after|before|"
    r"misconception|answer|exercise|question|example|the (?:example|same|other|others|former|latter|first|second|third|"
    r"last|latter|rest|result|results|reason|difference|answer|code|program|output|table|figure|two|three|new|"
    r"computation|loop|names?|idea|point|problem|effect|price|catch|key (?:is|to)))\b",
    re.IGNORECASE,
)
_POINTS = re.compile(
    r"\b(?:this|these|those|above|below|following|previous|former|latter|therefore|thus|hence|also|however|here|"
    r"instead|too|example|exercise|take its place|figure|table|slide|lecture|chapter|section|we|our|us|you|your|i|my)\b"
    r"|\bthe two[:;,.]"
    r"|https?:",
    re.IGNORECASE,
)
_UNFIT = re.compile(r"`|\$\$|\\\[|\\begin|[|<>{}#\x00]|\S@\S|\]\(")
_FORMULA = re.compile(r"\$[^$\n]+\$|\\\(.+?\\\)")
_GLOSSARY = re.compile(r"^\*\*(?P<term>[^*\n:]{2,40}?):?\*\*\s*(?:[:=–—-]\s*)?(?P<rest>[^\s:=–—-].{14,})$")
_NO_TERM = re.compile(
    r"^(?:remed\w+|causes?|signs?|prices?|costs?|reach|strengths?|advantages?|drawbacks?|benefits?|flaws?|weakness|savings?|"
    r"consequences?|vectors? for|tools?|effects?|uses?|lessons?|aims?|tasks?|steps?|ideas?|choices?|mistakes?|simplest|"
    r"best)\b",
    re.IGNORECASE,
)
"""What a sentence that begins so says is a remark on something, not what a term means."""

_VERB_ASKED = {
    "refers to": "mean", "means": "mean", "consists of": "consist of", "computes": "compute", "measures": "measure",
    "describes": "describe",
}  # fmt: skip
_LONGEST_TERM = 4
_FEWEST, _MOST_NUMBERS = 6, 2
"""Content words that a sentence with a gap keeps, and numbers in a sentence that is no example of a calculation."""

_NO_DEFINITION = re.compile(
    r"\b(?:is|are) (?:an? |the )?(?:choice|default|remed\w+|frequent|common|good|bad|natural|usual|popular|first|last|"
    r"best|simplest|most|cheapest|poor|reason|case|only|same|true|one (?:of|reason|way)|matter|middle|question|answer|"
    r"called|to|used because|used since)\b"
)

_COUNTED = re.compile(
    r"\b(?:has|have|had|carr(?:y|ies)|contains?|stores?|uses?|needs?|takes?|took|holds?|finds?|found|adds?|keeps?|"
    r"consists? of|with|in|into|on|about|only|at (?:most|least)|up to)[ ]"
    r"(?P<number>\d{1,4}|\d{1,3}(?:,000)+|two|three|four|five|six|seven|eight|nine|ten|twelve)[ ]"
    r"(?P<what>(?:[a-z]+[ ])?(?:[a-z]{3,}s|per cent|percent|million|billion|thousand|times))\b"
    r"(?! (?:or|to|earlier|later|ago)\b)"
)
_SUPPOSED = re.compile(r"^(?:\w+ing|With|For|Under|At|In an? )|\b(?:such as|say|perhaps|one or|between)\b")
_NUMBER = re.compile(r"(?<![\w.,])\d[\d.,]*")
_NO_COUNT = re.compile(r"(?:ss|us|is|as|was|has|does|this|its|less)$")
_ALIKE = 0.6
_MARKED = re.compile(r"\*\*([^*\n:]{2,40}?):?\*\*")


@dataclass(frozen=True, kw_only=True)
class Gold:
    """A sentence that answers: characters [start, end) of the text of a passage, list markers left out."""

    passage: Passage
    start: int
    end: int

    @property
    def text(self) -> str:
        """The sentence."""
        return self.passage.text[self.start : self.end]

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of its content words."""
        return frozenset(content_stems(self.text))


def askable(passage: Passage) -> tuple[Gold, ...]:
    """The sentences of a passage that one can be asked about, in reading order."""
    apart = any(_APART.search(heading) for heading in passage.locator.headings[1:])
    headings = frozenset(folded(heading) for heading in passage.locator.headings)
    found = []
    for start, end in sentence_spans(passage.text):
        if heading := _HEADING.match(passage.text[start:end]):
            apart = _APART.search(heading[1]) is not None
        if apart:
            continue
        one = candidate(0, passage.text, start, end, 0.0, headings)
        if one and one.kind in (Kind.TEXT, Kind.ITEM) and _stands_alone(one.text):
            found.append(Gold(passage=passage, start=one.start, end=one.end))
    return tuple(found)


def _stands_alone(sentence: str) -> bool:
    plain = _FORMULA.sub("x", sentence)
    if entry := _GLOSSARY.match(sentence):
        return len(sentence) <= _LONGEST and not _UNFIT.search(plain) and not _POINTS.search(entry["rest"])
    return (
        _SHORTEST <= len(sentence) <= _LONGEST
        and sentence.endswith(".")
        and sentence[0].isupper()
        and "\n" not in sentence.strip()
        and not (_UNFIT.search(plain) or _OPENS.match(sentence) or _POINTS.search(plain))
        and all(sentence.count(left) == sentence.count(right) for left, right in ("()", "“”", "[]"))
        and sentence.count('"') % 2 == sentence.count("**") % 2 == sentence.count("$") % 2 == 0
    )


def defines(sentence: str) -> tuple[str, str] | None:
    """The question that a sentence answers by defining its subject, and the term; None if it does not.

    >>> defines("A gate is a vector that lets another vector pass or blocks it.")
    ('What is a gate?', 'gate')
    >>> defines("**Gate**: a vector that scales another vector.")
    ('What does “Gate” mean?', 'Gate')
    """
    if entry := _GLOSSARY.match(sentence):
        term = entry["term"].strip()
        return None if vague(term) else (f"What does “{term}” mean?", term)
    found = defined(sentence)
    if found is None or len(found[2].split()) > _LONGEST_TERM or LITTLE & set(found[2].split()):
        return None
    kind, article, term = found
    if _NO_DEFINITION.search(sentence) or _NO_TERM.match(term) or (article == "the " and " " not in term):
        return None
    start = len(article)
    written = sentence[start : start + len(term)]
    name = re.search(r"[A-Z\d]", written.split(" ")[0][1:]) or (not article and re.search(r"'| [A-Z][a-z]", written))
    if name:
        term = written
    if kind in ("is", "are"):
        return f"What {kind} {article}{term}?", term
    after = sentence[len(article) + len(term) :]
    verb = next(asked for said, asked in _VERB_ASKED.items() if re.match(rf"(?: \([^)]*\))? {said}\b", after))
    return f"What does {article}{term} {verb}?", term


def terms_of(passages: Sequence[Passage]) -> frozenset[str]:
    """The terms that a lecture names as its own, folded: set in bold, defined, or a short heading."""
    found: set[str] = set()
    for passage in passages:
        found |= {match[1] for match in _MARKED.finditer(passage.text)}
        found |= {one[1] for start, end in sentence_spans(passage.text) if (one := defines(passage.text[start:end]))}
        found |= {re.sub(r"^(?:the|an?) ", "", heading, flags=re.IGNORECASE) for heading in passage.locator.headings}
    folds = {folded(term) for term in found}
    return frozenset(
        term
        for term in folds
        if len(term) >= 3 and len(term.split()) <= _LONGEST_TERM and _words_only(term) and not vague(term)
    )


def _words_only(term: str) -> bool:
    words = re.findall(r"\w+", term)
    plain = re.fullmatch(r"[^\W_][\w'’ -]*", term) is not None
    return plain and not LITTLE & set(words) and len(content_stems(term)) == len(words)


def gaps(gold: Gold, terms: frozenset[str]) -> Iterator[Span]:
    """What can be left out of a sentence, as offsets into its text: numbers of what is counted, then terms of the
    lecture, the longest first. What is left still says enough, and neither it nor the headings give the gap away."""
    sentence = gold.text
    if _GLOSSARY.match(sentence):
        return
    formulas = [match.span() for match in _FORMULA.finditer(sentence)]
    told = set(content_stems(" ".join((gold.passage.document, *gold.passage.locator.headings))))

    def fits(start: int, end: int) -> bool:
        own = set(content_stems(sentence[start:end]))
        rest = [one for one in content_stems(sentence[:start] + " " + sentence[end:]) if len(one) > 1]
        inside = any(a < end and start < b for a, b in formulas)
        return bool(own) and not inside and not own & {*rest, *told} and len(set(rest)) >= _FEWEST

    stated = not _SUPPOSED.search(sentence) and len(_NUMBER.findall(sentence)) <= _MOST_NUMBERS
    for match in _COUNTED.finditer(sentence) if stated else ():
        listed = ":" in sentence[match.end() :] and match["number"].isalpha()
        if not listed and not _NO_COUNT.search(match["what"]) and fits(*match.span("number")):
            yield match.span("number")
    lowered = sentence.casefold()
    for term in sorted(terms, key=lambda term: (-len(term), term)) if len(lowered) == len(sentence) else ():
        places = [one.span() for one in re.finditer(rf"(?<![\w-]){re.escape(term)}s?(?![\w-])", lowered)]
        if len(places) == 1 and fits(*places[0]):
            yield places[0]


def with_gap(sentence: str, gap: Span) -> str:
    """The sentence with a gap in place of those characters."""
    return f"{sentence[: gap[0]]}{GAP}{sentence[gap[1] :]}"


def alike(one: Gold, other: Gold) -> bool:
    """Whether two sentences say nearly the same: most content words of the shorter one stand in the other."""
    return len(one.stems & other.stems) >= _ALIKE * max(1, min(len(one.stems), len(other.stems)))
