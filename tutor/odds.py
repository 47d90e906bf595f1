"""How likely each sentence of the passages found is to answer: what the ranker says, moved by what the search says."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING

from corpus.readers.builder import plain_heading
from lm.reading import content_stems
from tutor.bibliography import is_reference, wishes_reference
from tutor.candidate import Candidate, Kind, candidate, connected, folded
from tutor.echo import asks_back, echoes
from tutor.exemplifying import exemplifies, wishes_example
from tutor.names import counts

if TYPE_CHECKING:
    from index.hits import Hit

_SURE = 0.85
"""Share of the ranker's log-odds that counts: it is a little surer than it is right."""

_NEAR, _NEARNESS = 4.0, 0.33
"""What a sentence gains in log-odds for a point that its cosine with the question is above the second number ..."""

_BEHIND = 40.0
"""... and what it loses for a point that its passage is behind the first in the score of the search. The ranker reads a
passage at a time and is misled by a turn of phrase that the search knows to be off the subject."""

_DEFINING = 2.0
"""What a sentence gains in log-odds that defines what the question asks to define."""

_TOLD = 5.0
"""What a sentence loses in log-odds that the answers before have told."""

_EXAMPLE = 2.0
"""What a sentence gains in log-odds that may be the example asked for."""

_UNDER = 2.0
"""Most that an item of a list loses in log-odds against the likeliest one, or its title, where the title is what was
asked: an item says the answer in words of its own, which are rarely those of the question."""

_MOST_ASKED = 0.5
"""A title whose words were all asked is what was asked when it has at least this share of the question's words."""

_LABEL = re.compile(r"\A\W*(?:[a-z]+[ \t]+)?(?:[a-z]|[ivx]+|\d+(?:\.\d+)*)[.:)]\s+", re.IGNORECASE)
_AGAINST = re.compile(r"\b(?:vs|versus)\b", re.IGNORECASE)
_PICKS = re.compile(r"\b(?:who|whom|whose|when|where|which)\b", re.IGNORECASE)

_ASKING = 2.0
"""What a sentence loses in log-odds that is itself a question; one in bold is answered after it."""

_NAMING = 3.0
"""What a sentence loses in log-odds that only names a source, where the question is not after one."""

_WORD = re.compile(r"[^\W_]+")


def log_odds(p: float) -> float:
    """ln(p / (1 - p)) of a probability, taken as at least one in a million away from 0 and 1."""
    p = min(max(p, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


def log_share(share: float) -> float:
    """What odds lose in logarithm that are multiplied by a share; minus infinity for 0."""
    return math.log(share) if share > 0 else -math.inf


def sigmoid(x: float) -> float:
    """The probability whose log-odds are x."""
    return 1 / (1 + math.exp(-x))


def read_hits(hits: Sequence[Hit], question: str, told: str = "", *, choosing: bool = True) -> list[Candidate]:
    """The sentences of the passages found for a question, in reading order of each, without those that only ask it.

    Their score is the ranker's probability (`_SURE`), moved by what the search says of the sentence and of its passage
    (`_NEAR`, `_BEHIND`, `_DEFINING`); the cosine where no ranker has read them. A passage that repeats the question is
    not what the others are measured by. `told` is what the asker was told before: who asks on wants something else. An
    example that is asked for is favoured only in `choosing` what to say: an example of anything is no evidence.
    """
    found: list[Candidate] = []
    told = _words(told) if told else ""
    wished, named = choosing and wishes_example(question), wishes_reference(question)
    telling = [hit.searched for hit in hits if not echoes(hit, question)] or [hit.searched for hit in hits]
    first = max(telling, default=0.0)
    for number, hit in enumerate(hits):
        headings = frozenset(folded(heading) for heading in hit.passage.locator.headings)
        read: list[Candidate | None] = []
        for sentence in hit.sentences:
            score = sentence.score
            if sentence.answers is not None:
                near = _NEAR * (sentence.score - _NEARNESS) - _BEHIND * max(0.0, first - hit.searched)
                score = sigmoid(_SURE * log_odds(sentence.answers) + near + _DEFINING * sentence.defines)
            said = hit.passage.text[sentence.start : sentence.end]
            if told and _words(said) in told:
                score = sigmoid(log_odds(score) - _TOLD)
            if wished and exemplifies(question, said, hit.passage.locator.headings):
                score = sigmoid(log_odds(score) + _EXAMPLE)
            if said.endswith("?"):
                score = sigmoid(log_odds(score) - _ASKING)
            if not named and is_reference(said):
                score = sigmoid(log_odds(score) - _NAMING)
            read.append(candidate(number, hit.passage.text, sentence.start, sentence.end, score, headings))
        for one in _under_titles(list(connected(read, hit.passage.text)), hit, question):
            if not asks_back(one.text, question, title=one.kind is Kind.HEADING):
                found.append(one)
    return found


def _under_titles(read: Sequence[Candidate], hit: Hit, question: str) -> Sequence[Candidate]:
    """The same, the items below a title that is what was asked about as likely as the likeliest of them. Where a list
    has lost its marks, its first line may be its title."""
    if _PICKS.search(question) or counts(question):
        return read
    found, asked = list(read), set(content_stems(question))
    for place, one in enumerate(read):
        if one.kind is not Kind.ITEM or (place > 0 and read[place - 1].listing == one.listing):
            continue
        items = [place, *_following(read, place)]
        above, mark = _before(one, hit)
        if mark is None and _is_asked(one.text, asked):
            found[place] = replace(one, kind=Kind.TITLE)
            items, likely = items[1:], items
        elif _is_asked(above, asked):
            likely = [place - 1, *items] if place > 0 and read[place - 1].leads else items
        else:
            continue
        least = max(log_odds(read[other].score) for other in likely) - _UNDER
        for other in items:
            found[other] = replace(read[other], score=max(read[other].score, sigmoid(least)))
    return found


def _following(read: Sequence[Candidate], place: int) -> Iterator[int]:
    """The further items of the list that begins at `place`."""
    return takewhile(lambda other: read[other].listing == read[place].listing, range(place + 1, len(read)))


def _before(item: Candidate, hit: Hit) -> tuple[str, str | None]:
    """What stands above the list that begins with an item, its heading where that is nothing; and the item's mark, None
    where it has none and begins a paragraph."""
    text, headings = hit.passage.text, hit.passage.locator.headings
    start = text.rfind("\n", 0, item.start) + 1
    mark, above = text[start : item.start].strip(), text[:start].rstrip(" \t")
    line = plain_heading(above.rstrip().rpartition("\n")[2])
    begins = not above or above.endswith("\n\n")
    return line or (headings[-1] if headings else ""), mark or (None if begins else mark)


def _is_asked(title: str, asked: set[str]) -> bool:
    own = set(content_stems(_AGAINST.sub("", _LABEL.sub("", title, count=1))))
    return bool(own) and own <= asked and len(own) >= _MOST_ASKED * len(asked)


def _words(text: str) -> str:
    """What is compared of what was told: words alone, since a page may set formulas in other marks."""
    return " ".join(["", *_WORD.findall(text.casefold()), ""])
