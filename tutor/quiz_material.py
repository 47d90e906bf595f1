"""What of a store one can be asked about, document by document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from corpus.document import Passage
from index.errors import quoted
from tutor.candidate import folded
from tutor.errors import TutorError
from tutor.quiz_facts import Rarity, rarity_of
from tutor.quiz_item import NAME
from tutor.quizzable import Gold, askable, defines, terms_of

Key = tuple[str, str]
"""Course and source of a document."""

_COUNTED = 2000
"""Passages that the rarity of words is taken from."""


class Shelf(Protocol):
    """What is needed of a store."""

    def passages(self) -> tuple[Passage, ...]: ...


@dataclass(frozen=True, kw_only=True)
class Lecture:
    """What one document can be asked about, its terms, and the sentences that define each of them."""

    golds: tuple[Gold, ...]
    terms: frozenset[str]
    defining: dict[str, tuple[Gold, ...]]


class Material:
    """The documents of a store. It keeps what it has read."""

    def __init__(self, store: Shelf) -> None:
        self._store = store
        self._read: dict[Key, Lecture] = {}

    def chosen(self, course: str | None, documents: Sequence[str] | None) -> list[Key]:
        """The documents of a course, or those of some sources or titles."""
        titles = {key: passages[0].document for key, passages in self._passages.items()}
        found = [key for key in titles if course is None or key[0] == course]
        if not found and course is not None:
            raise TutorError(
                f"no course {quoted(course)} in the store; there are: {', '.join(sorted({key[0] for key in titles}))}"
            )
        for name in documents or ():
            if not any(name in (key[1], titles[key]) for key in found):
                raise TutorError(f"no document {quoted(name)} in the store; name one by its source or its title")
        return [key for key in found if not documents or {key[1], titles[key]} & set(documents)]

    def gold(self, item_id: str) -> Gold | None:
        """The sentence that the name of an item names, where the store still has it."""
        match = NAME.fullmatch(item_id)
        passage = self._by_id.get(match[2]) if match else None
        if match is None or passage is None or not int(match[3]) < int(match[4]) <= len(passage.text):
            return None
        return Gold(passage=passage, start=int(match[3]), end=int(match[4]))

    def lecture(self, key: Key) -> Lecture:
        """What the document of that key can be asked about."""
        if key not in self._read:
            passages = self._passages[key]
            golds = tuple(gold for passage in passages for gold in askable(passage))
            defining: dict[str, tuple[Gold, ...]] = {}
            for gold in golds:
                if found := defines(gold.text):
                    defining[folded(found[1])] = (*defining.get(folded(found[1]), ()), gold)
            self._read[key] = Lecture(golds=golds, terms=terms_of(passages), defining=defining)
        return self._read[key]

    @cached_property
    def _passages(self) -> dict[Key, list[Passage]]:
        found: dict[Key, list[Passage]] = {}
        for passage in self._store.passages():
            found.setdefault(key_of(passage), []).append(passage)
        return found

    @cached_property
    def _by_id(self) -> dict[str, Passage]:
        return {passage.passage_id: passage for passages in self._passages.values() for passage in passages}

    @cached_property
    def rarity(self) -> Rarity:
        """The rarity of words in the store."""
        return rarity_of([passage.text for passage in list(self._by_id.values())[:_COUNTED]])


def key_of(passage: Passage) -> Key:
    """What names the document of a passage."""
    return passage.course, passage.locator.source
