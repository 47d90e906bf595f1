"""Which lectures a question asks for an overview of: "Summarise lecture 14", "What does this course cover?".

Such a question is recognised by its words: all that is left without those that ask for an overview must name a
document, by number, file or title. A question with more to it is answered as any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from corpus.document import Passage
from index.catalogue import SourceInfo
from lm.reading import content_stems, stem

POINTS, _MOST_POINTS = 7, 9
"""Points of an overview where the question does not say how many, and most that it gets."""

_SUMS_UP = r"summ?ar\w+|overviews?|recap\w*|gist|synopsis|tl;?dr|takeaways?|in (?:short|brief|a nutshell)"
_TOPICS = (
    r"outlines?|topics|contents?|cover(?:s|ed)?|teach(?:es)?|taught|learn(?:t|ed)?|discuss(?:es|ed)?|deals? with"
    r"|treat(?:s|ed)?"
)
_MAIN = (
    r"(?:main|key|most important|central|big|core)\W+(?:points?|ideas?|messages?|concepts?|lessons?|things?|themes?)"
)
_ASKS = re.compile(rf"\b(?:{_SUMS_UP}|{_TOPICS}|{_MAIN}|about)\b", re.IGNORECASE)
_TOPIC = re.compile(rf"\b(?:{_TOPICS})\b", re.IGNORECASE)
_ALONE = re.compile(rf"\b(?:{_SUMS_UP}|outline|topics)\b", re.IGNORECASE)
"""What asks for an overview of everything where no word says of what."""
_FORMULAS = r"(?:equations|formulas|formulae)"
_FORMULAS_OF = re.compile(rf"\b{_FORMULAS}\W+(?:of|for|behind|in|from)\b", re.IGNORECASE)
_ACRONYMS_FORMULAS = re.compile(rf"\b[A-Z]{{2,}}s?(?:['’]s)?\s+(?:\w+\s+)?{_FORMULAS}\b")
_ONE = re.compile(
    r"\b(?:lectures?|lec|lessons?|class|slides|slide ?decks?|decks?|chapters?|documents?|files?|readings?|units?|weeks?"
    r"|sessions?|modules?|presentations?|handouts?|transcripts?|talks?|papers?|scripts?|notes)\b",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"\b(?:courses?|materials?|(?:all|these|the|your|our)\W+(?:lectures|documents|files|notes|readings|slides))\b", re.I
)
_WHICH = re.compile(
    r"\b(?:which|what|where)\W+(?:of\W+the\W+)?(?:lecture|lesson|class|slide|chapter|document|file|note)s?\b", re.I
)
_HOW_MANY = re.compile(
    r"\bin (?:(?:about|at most|just|only) )?(?P<count>\d|one|two|three|four|five|six|seven|eight|nine)\W+(?:\w+\W+)?"
    r"(?:sentences?|points?|bullets?(?: points?)?|lines?|items?)\b",
    re.IGNORECASE,
)
_THIS = re.compile(rf"\b(?:this|that|the(?: same)?)\W+(?:{_ONE.pattern})", re.IGNORECASE)
_COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_POLITE = frozenset(
    "please give tell show write make create provide want need would like short quick brief briefly shortly quickly"
    " concise summary main general high level whole entire complete full hello hi thanks thank help subject content"
    " title titled called named number no nr know expect important thing say today course subject today's list define"
    " all defining display explain equation formula down out up".split()
)
_NUMBERED = re.compile(
    r"(?:lecture|lec|lesson|class|chapter|unit|week|session|module|deck|l|w)[ _-]*0*(\d+)|^0*(\d+)(?!\d)", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What is asked for: an overview of `sources`, none where the question names some that are not there; of `points`
    points, `topics` rather than what is said of them, or the `formulas` of one."""

    sources: tuple[SourceInfo, ...]
    points: int
    topics: bool
    formulas: bool = False


def whole(
    question: str, sources: Sequence[SourceInfo], spoken_of: Callable[[], Passage | None] | None = None
) -> Whole | None:
    """What a question asks of whole documents; None if it asks for something else.

    In a dialogue `spoken_of` gives a passage of what was spoken of last: "this lecture" is that one's.
    """
    if not sources or _WHICH.search(question):
        return None
    if _FORMULAS_OF.search(question) or _ACRONYMS_FORMULAS.search(question):
        of = _meant(question, sources, loosely=True) or []
        return Whole(sources=tuple(of), points=POINTS, topics=False, formulas=True) if len(of) == 1 else None
    if not _ASKS.search(question):
        return None
    named = _ONE.search(question) or _ALL.search(question) or _file(question, sources)
    # Without a word for a document it is a question about what was said, where something was.
    if not named and (spoken_of is not None or not _ALONE.search(question)):
        return None
    count = _HOW_MANY.search(question)
    meant = _meant(_HOW_MANY.sub(" ", question), sources)
    if meant is None:
        return None
    if len(meant) == len(sources) and _THIS.search(question) and spoken_of is not None:
        last = spoken_of()
        if last is not None:
            meant = [one for one in sources if (one.course, one.source) == (last.course, last.locator.source)]
    points = min(_count(count["count"]), _MOST_POINTS) if count else POINTS
    return Whole(sources=tuple(meant), points=points, topics=bool(_TOPIC.search(question)))


def _meant(question: str, sources: Sequence[SourceInfo], *, loosely: bool = False) -> list[SourceInfo] | None:
    """The sources that a question asks for an overview of, none where it names some that are not there; None if it
    asks for something else. `loosely`: their subject may stand for them, without a word for a document."""
    if source := _file(question, sources):
        name = re.escape(PurePosixPath(source.source).name)
        return [source] if not _rest(re.sub(name, " ", question, flags=re.IGNORECASE)) else None
    rest = _rest(question)
    numbers = {int(word) for word in rest if word.isdigit()}
    words = {word for word in rest if not word.isdigit()}
    if numbers:
        found = [source for source in sources if _number(source) in numbers and words <= _names(source)]
        if {_number(source) for source in found} == numbers:
            return found
        return None if words or not _ONE.search(question) else []
    if not words:
        return list(sources)
    same = [source for source in sources if words in (set(content_stems(source.title)), _names(source))]
    within = [source for source in sources if words <= _names(source) or words == {_initials(source)}]
    return (same or within) if len(same or within) == 1 and (loosely or _ONE.search(question)) else None


def _file(question: str, sources: Sequence[SourceInfo]) -> SourceInfo | None:
    """The source whose file a question names, such as `14-lstm.md`."""
    asked = question.casefold()
    return next((one for one in sources if PurePosixPath(one.source).name.casefold() in asked), None)


def _rest(question: str) -> set[str]:
    """The stems of what a question says beside asking for an overview of a document."""
    question = _ONE.sub(" ", _ALL.sub(" ", _ASKS.sub(" ", question)))
    return {one for one in content_stems(question) if one not in _POLITE_STEMS}


_POLITE_STEMS = frozenset(map(stem, _POLITE))


def _names(source: SourceInfo) -> set[str]:
    """The stems of the words that a source is called by."""
    stems = content_stems(f"{source.title} {re.sub(r'[_-]', ' ', PurePosixPath(source.source).stem)}")
    return {one for one in stems if not one.isdigit()}


def _initials(source: SourceInfo) -> str:
    """The stem of what a title of three words or more is called in short.

    >>> from types import SimpleNamespace
    >>> _initials(SimpleNamespace(title="Long short-term memory"))
    'lstm'
    """
    letters = [word[0] for word in re.findall(r"[A-Za-z]+", source.title)]
    return stem("".join(letters).casefold()) if len(letters) > 2 else ""


def _number(source: SourceInfo) -> int | None:
    """The number of a lecture: the one behind such a word in its file name or title, or the one that they begin with.

    >>> from types import SimpleNamespace
    >>> names = "w/14-lstm.md", "cs224n-lecture05.pdf", "b2b.txt"
    >>> [_number(SimpleNamespace(source=name, title="")) for name in names]
    [14, 5, None]
    """
    for name in (PurePosixPath(source.source).stem, source.title):
        if match := _NUMBERED.search(name):
            return int(match[1] or match[2])
    return None


def _count(text: str) -> int:
    return max(1, int(text)) if text.isdigit() else _COUNTS.index(text.casefold()) + 1
