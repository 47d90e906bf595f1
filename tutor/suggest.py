"""What to ask next: questions that passages near an answer answer and that the answer itself did not.

Questions are made from headings and definitions (`tutor.suggest_wording`); one that the search does not lead back to
its document is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from corpus.document import Passage
from index.hits import Hit
from lm.reading import content_stems
from tutor.answer import Answer
from tutor.suggest_wording import questions_of

NEAR = 12
"""Passages that are looked at around the first one that an answer cites."""

FOUND = 0.27
"""Least cosine of a suggested question and the first passage that a search finds for it, and of the cited passage and
one of another lecture that a question is taken from. 2026-11-22, after 19 questions of the course: 51 suggestions, none
of them refused when asked."""

_TRIED = 12
"""Most questions that are tried on the search: each takes about 20 ms."""


class Searchable(Protocol):
    """What is needed of a store; see `index.store.Store`."""

    def search(
        self,
        query: str,
        *,
        k: int = ...,
        course: str | None = ...,
        documents: Sequence[str] | None = ...,
        read: bool = ...,
    ) -> tuple[Hit, ...]: ...


class Library(Searchable, Protocol):
    """What is needed of a store to look through it."""

    def passages(self) -> tuple[Passage, ...]: ...


def suggestions(
    answer: Answer,
    store: Searchable,
    *,
    asked: Sequence[str] = (),
    course: str | None = None,
    documents: Sequence[str] | None = None,
    most: int = 3,
) -> tuple[str, ...]:
    """At most `most` questions to go on with, none of which was `asked`; none after a refusal."""
    if not answer.citations:
        return ()

    def search(query: str, k: int) -> tuple[Hit, ...]:
        return store.search(query, k=k, course=course, documents=documents, read=False)

    cited = {one.passage.passage_id for one in answer.citations}
    seen = [frozenset(content_stems(one)) for one in (answer.question, *asked)]
    home = {_document(one.passage) for one in answer.citations}
    near = [one.passage for one in answer.passages if _document(one.passage) in home]
    around = search(answer.citations[0].passage.context, NEAR)
    near += [hit.passage for hit in around if hit.dense >= FOUND or _document(hit.passage) in home]
    found: list[str] = []
    tried = 0
    for passage in {one.passage_id: one for one in near if one.passage_id not in cited}.values():
        for question in questions_of(passage):
            stems = frozenset(content_stems(question))
            if len(found) == most or tried == _TRIED or any(stems <= one or one <= stems for one in seen):
                continue
            tried += 1
            hits = search(question, 1)
            if hits and hits[0].dense >= FOUND and _document(hits[0].passage) == _document(passage):
                found.append(question)
                seen.append(stems)
                break
    return tuple(found)


def starters(store: Library, examples: Sequence[str], most: int = 5) -> tuple[str, ...]:
    """Questions to begin with: those of the `examples` that the store is near to, then some of its own documents."""

    def near(question: str) -> bool:
        hits = store.search(question, k=1, read=False)
        return bool(hits) and hits[0].dense >= FOUND

    found = [question for question in examples if near(question)][:most]
    begun: set[tuple[str, str]] = set()
    tried = 0
    for passage in store.passages() if len(found) < most else ():
        document = _document(passage)
        for question in questions_of(passage) if document not in begun else ():
            if len(found) == most or tried == _TRIED:
                return tuple(found)
            tried += 1
            if question not in found and near(question):
                found.append(question)
                begun.add(document)
                break
    return tuple(found)


def _document(passage: Passage) -> tuple[str, str]:
    return passage.course, passage.locator.source
