"""Which bracketed numbers of an answer are citations, and which are the lecture's own ("Honey keeps [3].")."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tutor.answer import Answer, Span
from tutor.ui.markdown import pieces

_BRACKETED = re.compile(r"\[\d+\](?!\()")
"""One before a bracket opens a link, and its number is what the link says."""


def put_by_tutor(answer: Answer) -> list[bool]:
    """Of every bracketed number in an answer, outside of formulas and code, in order: did the tutor put it?"""
    spans = [span for one in answer.citations for span in one.answer_spans]
    return [put for _, _, put in bracketed(answer.text, spans)]


def bracketed(text: str, spans: Iterable[Span]) -> Iterator[tuple[int, int, bool]]:
    """(start, end, whether the tutor put it) of the bracketed numbers outside of formulas and code; `spans` are the
    stretches of the text that rest on passages."""
    said = [*spans]
    aside = [(start, end) for start, end, _ in pieces(text)]
    for match in _BRACKETED.finditer(text):
        if not _within(match.start(), aside):
            yield *match.span(), not _within(match.start(), said)


def _within(place: int, spans: Iterable[Span]) -> bool:
    return any(start <= place < end for start, end in spans)
