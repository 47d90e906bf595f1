"""Answers to questions about lectures as a whole (`tutor.whole`), which no passage answers.

Of a document they quote, stretch by stretch, the sentence that is nearest to all of it (to the centroid of its
passages, as in Radev and others, 2004), or its agenda where topics are asked for; where there are hardly any sentences,
as on slides, its titles and short items. Of many documents they give the titles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import Protocol

from corpus.document import Passage, shown
from index.catalogue import SourceInfo
from index.hits import Hit, SentenceScore
from tutor.candidate import Candidate, Kind, candidate, folded
from tutor.formulas import MOST, stated
from tutor.whole import whole

_DOCUMENTS = 100
"""Most titles that are listed."""

_LEAST_WORDS, _MOST_WORDS = 6, 45
_SHORTEST_ITEM = 3
"""Words of an item that is told where there is no sentence."""
_FEW, _FEWEST_FORMULAS = 3, 2
"""Fewer sentences, or formulas, than these are no overview."""
_HEADLINE = re.compile(r"(?:#{1,6}[ \t]+|\\(?:(?:sub)*section|chapter|frametitle)\*?\{)(?P<title>[^{}\n]+?)[\s#}]*$")
_LEADS_OFF, _PROSE = 0.1, 0.1
"""What the first sentence under a heading gains, and one of running text, in cosine."""
_LEANS = re.compile(
    r"(?:this|these|that|those|it|its|they|their|them|he|she|his|her|such|here|there|but|however|so|then|and|or|also"
    r"|thus|therefore|hence|both|in contrast|by contrast|instead|for (?:example|instance)|again|another|if|note"
    r"|otherwise|the (?:same|former|latter|first|second|third|other)|where|source|adapted|see)\b",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    r"\b(?:misconceptions?|worked examples?|exercises?|glossary|references|further reading|outline|agenda|questions"
    r"|thanks?|sources|homework|quiz|announcements?|logistics|bibliography|acknowledge?ments|appendix|contents|notation)\b",
    re.IGNORECASE,
)
_AGENDA = re.compile(
    r"\W*(?:(?:lecture|course|session|today['’]?s?)\W+)?(?:outline|agenda|overview|contents?|road ?map|topics|today"
    r"|plan|(?:learning )?(?:objectives|goals|outcomes)|what (?:you|we)(?: will)? (?:learn|see|cover))\b",
    re.IGNORECASE,
)
_ANY = re.compile(r"\W*(?:(?:summary|recap|introduction|conclusions?|motivation|examples?|notes?)\W*)+|[\W\d]*", re.I)
_LONGEST_HEADING = 6
"""Words."""
_EARLY = 0.34
"""The agenda of a lecture is looked for in this share of it, from its beginning."""
_LINK = re.compile(r"https?:|www\.|\$\$|\\\[|\\begin")


class Library(Protocol):
    """What is needed of a store; see `index.store.Store`."""

    def sources(self, course: str | None = ..., documents: Sequence[str] | None = ...) -> tuple[SourceInfo, ...]: ...

    def whole(self, source: SourceInfo) -> tuple[Hit, ...]: ...


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What is told of documents: `head` opens it, then each of `points`, whose `passage` is a position in `hits`.

    `titles` tells that the points are no sentences of the passages but the titles of their documents. Where there are
    `units`, made of the points, they are told as running text and not as a list.
    """

    head: str
    points: tuple[Candidate, ...]
    hits: tuple[Hit, ...]
    titles: bool = False
    units: tuple[tuple[Candidate, ...], ...] = ()


def overview(
    question: str,
    store: Library,
    course: str | None = None,
    documents: Sequence[str] | None = None,
    spoken_of: Callable[[], Passage | None] | None = None,
) -> Overview | None:
    """What answers a question about whole documents; None for any other question, and where nothing can be told.

    `spoken_of` is that of `tutor.whole.whole`. Raises StoreError for an unknown course or document.
    """
    sources = [one for one in store.sources(course, documents) if one.passages]
    asked = whole(question, sources, spoken_of)
    if asked is None:
        return None
    if asked.formulas:
        return _formulas(asked.sources[0], store)
    if not asked.sources or len(asked.sources) > max(asked.points // 2, 1):
        return _titles(asked.sources or sources, store, lacking=not asked.sources)
    said: list[tuple[Candidate, Hit]] = []
    for source in asked.sources:
        found = store.whole(source)
        agenda = _agenda(found) if asked.topics else []
        said += [(one, found[one.passage]) for one in agenda or _central(found, asked.points // len(asked.sources))]
    return _told(" and ".join(map(_named, asked.sources)) + " in short:", said) if said else None


def _told(head: str, said: Sequence[tuple[Candidate, Hit]], *, titles: bool = False) -> Overview:
    """An overview of points with the passages that they rest on, which are ranked as those of a search are."""
    unique = {hit.passage.passage_id: hit for _, hit in said}
    hits = tuple(sorted(unique.values(), key=lambda hit: -hit.score))
    points = tuple(replace(one, passage=hits.index(hit)) for one, hit in said)
    return Overview(head=head, points=points, hits=hits, titles=titles)


def _formulas(source: SourceInfo, store: Library) -> Overview | None:
    """The formulas of a document; None where it has no two of them."""
    found = store.whole(source)
    units = stated(found)
    if len(units) < _FEWEST_FORMULAS:
        return None
    told = units[:MOST]
    count = f"first {len(told)} of {len(units)} formulas" if len(told) < len(units) else "formulas"
    whole = _told(f"The {count} of {_named(source)}:", [(one, found[one.passage]) for one in chain(*told)])
    points = iter(whole.points)
    return replace(whole, units=tuple(tuple(islice(points, len(unit))) for unit in told))


def _central(hits: Sequence[Hit], most: int) -> list[Candidate]:
    """At most `most` sentences of a document in reading order: of each of so many stretches of about the same length
    the one nearest to the whole; where there are few, of the others a title or a short item. `passage` is the position
    in `hits`."""
    found: dict[int, tuple[float, Candidate]] = {}
    items: dict[int, tuple[float, Candidate]] = {}
    titles: list[tuple[int, tuple[float, Candidate]]] = []
    total, before, open_title = sum(len(hit.passage.text) for hit in hits), 0, False
    told = {folded(hit.passage.document) for hit in hits}
    for number, hit in enumerate(hits):
        first = True
        aside = beside = any(map(_BESIDE.search, hit.passage.locator.headings))
        for sentence in hit.sentences:
            (one,) = _candidates(number, hit, sentence) or (None,)
            title = _title(number, hit, sentence, one)
            stretch = int((before + (sentence.start + sentence.end) / 2) * most / total)
            if title is not None:
                first, aside = True, _says_nothing(title.text)
                open_title = not aside and folded(title.text) not in told
                if open_title:
                    told.add(folded(title.text))
                    titles.append((stretch, (title.score, title)))
            elif one is None:
                first = True
            elif _tells(one):
                if not beside:
                    _keep(found, stretch, one.score + _LEADS_OFF * first + _PROSE * (one.kind is Kind.TEXT), one)
                    # A sentence speaks for its title.
                    titles, open_title = titles[: len(titles) - open_title], False
                first = False
            elif not aside and _tells(one, _SHORTEST_ITEM):
                _keep(items, stretch, one.score, one)
        before += len(hit.passage.text)
    if len(found) < min(_FEW, most):
        # The first title of a stretch tells more than an item.
        found = items | dict(reversed(titles)) | found
    return [one for _, (_, one) in sorted(found.items())]


def _keep(found: dict[int, tuple[float, Candidate]], stretch: int, worth: float, one: Candidate) -> None:
    if stretch not in found or worth > found[stretch][0]:
        found[stretch] = worth, one


def _title(number: int, hit: Hit, sentence: SentenceScore, one: Candidate | None) -> Candidate | None:
    """The words of a heading or a title, if a sentence is one; `one` is its candidate."""
    if match := _HEADLINE.match(hit.passage.text[sentence.start : sentence.end]):
        start, end = (sentence.start + place for place in match.span("title"))
        one = Candidate(passage=number, start=start, end=end, text=match["title"], score=0.0, kind=Kind.HEADING)
    return one if one is not None and one.kind in (Kind.HEADING, Kind.TITLE) else None


def _agenda(hits: Sequence[Hit]) -> list[Candidate]:
    """The items of the agenda at the beginning of a document; none where there is none with two of them."""
    for number, hit in enumerate(hits[: max(1, int(_EARLY * len(hits)))]):
        text, headings = hit.passage.text, hit.passage.locator.headings
        items: list[Candidate] = []
        within = bool(headings) and _heads_agenda(headings[-1])
        for sentence in hit.sentences:
            line = text[sentence.start : sentence.end]
            (one,) = _candidates(number, hit, sentence) or (None,)
            if _heads_agenda(line):
                items, within = [], True
            elif within and one is not None and one.kind in ((items[0].kind,) if items else (Kind.ITEM, Kind.TITLE)):
                items.append(one)
            elif len(items) > 1:
                break
            else:
                within = within and not items
        if len(items) > 1:
            return items
    return []


def _heads_agenda(line: str) -> bool:
    return len(line.split()) <= _LONGEST_HEADING and bool(_AGENDA.match(line))


def _candidates(number: int, hit: Hit, *sentences: SentenceScore) -> list[Candidate]:
    """The candidates of some sentences of a passage, or of all."""
    folds = frozenset(map(folded, hit.passage.locator.headings))
    of = sentences or hit.sentences
    made = (candidate(number, hit.passage.text, one.start, one.end, one.score, folds) for one in of)
    return [one for one in made if one is not None]


def _says_nothing(title: str) -> bool:
    """Whether a title is that of any lecture."""
    return bool(_BESIDE.search(title) or _ANY.fullmatch(title) or _heads_agenda(title))


def _tells(one: Candidate, least: int = _LEAST_WORDS) -> bool:
    """Whether a sentence of `least` words can stand alone."""
    text = one.text.strip()
    if one.kind not in (Kind.TEXT, Kind.ITEM) or one.leads or one.announces or one.points or one.code or "\n" in text:
        return False
    if _LEANS.match(text) or _LINK.search(text) or text.endswith("?") or text[0].islower():
        return False
    return least <= len(text.split()) <= _MOST_WORDS


def _named(source: SourceInfo) -> str:
    """How a source is called in an answer."""
    return f"{shown(source.title)} ({shown(PurePosixPath(source.source).name)})"


def _titles(sources: Sequence[SourceInfo], store: Library, *, lacking: bool) -> Overview:
    """The titles of many documents, each with the passage it begins with."""
    said = []
    for source in sources[:_DOCUMENTS]:
        hit = store.whole(source)[0]
        at = max(hit.passage.text.find(source.title), 0)
        line = hit.passage.text[at:].partition("\n")[0]
        said.append((Candidate(passage=0, start=at, end=at + len(line), text=_named(source), score=hit.score), hit))
    more = f", of them the first {_DOCUMENTS}" if len(sources) > _DOCUMENTS else ""
    lack = "There is no such document. " * lacking
    return _told(f"{lack}There are {len(sources)} documents{more}:", said, titles=True)
