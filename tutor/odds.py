"""How likely each sentence of the passages found is to answer: what the ranker says, moved by what the search says."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tutor.candidate import Candidate, Kind, candidate, connected, folded
from tutor.echo import asks_back, echoes

if TYPE_CHECKING:
    from index.hits import Hit

_SURE = 0.85
"""Share of the ranker's log-odds that counts: it is a little surer than it is right."""

_NEAR, _NEARNESS = 4.0, 0.45
"""What a sentence gains in log-odds for a point that its cosine with the question is above the second number ..."""

_BEHIND = 20.0
"""... and what it loses for a point that its passage is behind the first in the score of the search. The ranker reads a
passage at a time and is misled by a turn of phrase that the search knows to be off the subject."""

_DEFINING = 2.0
"""What a sentence gains in log-odds that defines what the question asks to define."""

_TOLD = 3.0
"""What a sentence loses in log-odds that the answers before have told."""

_WORD = re.compile(r"[^\W_]+")


def log_odds(p: float) -> float:
    """ln(p / (1 - p)) of a probability, taken as at least one in a million away from 0 and 1."""
    p = min(max(p, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


def sigmoid(x: float) -> float:
    """The probability whose log-odds are x."""
    return 1 / (1 + math.exp(-x))


def read_hits(hits: Sequence[Hit], question: str, told: str = "") -> list[Candidate]:
    """The sentences of the passages found for a question, in reading order of each, without those that only ask it.

    Their score is the ranker's probability (`_SURE`), moved by what the search says of the sentence and of its passage
    (`_NEAR`, `_BEHIND`, `_DEFINING`); the cosine where no ranker has read them. A passage that repeats the question is
    not what the others are measured by. `told` is what the asker was told before: who asks on wants something else.
    """
    found: list[Candidate] = []
    told = _words(told) if told else ""
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
            if told and _words(hit.passage.text[sentence.start : sentence.end]) in told:
                score = sigmoid(log_odds(score) - _TOLD)
            read.append(candidate(number, hit.passage.text, sentence.start, sentence.end, score, headings))
        for one in connected(read, hit.passage.text):
            if not asks_back(one.text, question, title=one.kind is Kind.HEADING):
                found.append(one)
    return found


def _words(text: str) -> str:
    """What is compared of what was told: words alone, since a page may set formulas in other marks."""
    return " ".join(["", *_WORD.findall(text.casefold()), ""])
