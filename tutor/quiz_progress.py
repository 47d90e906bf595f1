"""What a student has been asked and knows, lecture by lecture: a value that a page or a program keeps for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tutor.quiz_grading import Verdict
from tutor.quiz_item import NAME, Item

FORMAT = 1

TRIES = 2
"""An item is known when it is answered right within so many tries; later ones count for nothing."""

MOST = 5000
"""Items that are kept; the oldest are forgotten first."""

_LONGEST = 300
"""Characters of a name of a course or a lecture."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An item that was asked, where it stands, how often it was answered, and whether that shows that it is known."""

    course: str
    source: str
    document: str
    tries: int = 0
    known: bool = False


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a student knows of one lecture: `known` of the `asked` items."""

    course: str
    source: str
    document: str
    asked: int
    known: int

    @property
    def share(self) -> float:
        """The mastery, 0 to 1."""
        return self.known / self.asked if self.asked else 0.0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Items by their names, in the order in which they were first asked."""

    items: Mapping[str, Asked] = field(default_factory=dict)

    def asked(self, item: Item) -> Progress:
        """With an item that has just been asked."""
        if item.item_id in self.items:
            return self
        passage = item.gold.passage
        one = Asked(course=passage.course, source=passage.locator.source, document=passage.document)
        return Progress(items=dict([*self.items.items(), (item.item_id, one)][-MOST:]))

    def answered(self, item: Item, verdict: Verdict) -> Progress:
        """With one more try at an item; nothing changes once it is known or was tried `TRIES` times."""
        with_it = self.asked(item)
        one = with_it.items[item.item_id]
        if one.known or one.tries >= TRIES:
            return with_it
        one = replace(one, tries=one.tries + 1, known=verdict is Verdict.RIGHT)
        return Progress(items={**with_it.items, item.item_id: one})

    def shown(self, item: Item) -> Progress:
        """With an item whose answer was shown: it cannot become known any more."""
        with_it = self.asked(item)
        one = with_it.items[item.item_id]
        return Progress(items={**with_it.items, item.item_id: replace(one, tries=TRIES)})

    def tries(self, item: Item) -> int:
        """How often an item was answered."""
        return self.items[item.item_id].tries if item.item_id in self.items else 0

    def standings(self) -> tuple[Standing, ...]:
        """By lecture, in the order of courses and sources."""
        found: dict[tuple[str, str], Standing] = {}
        for one in self.items.values():
            key = one.course, one.source
            had = found.get(key) or Standing(**_place(one), asked=0, known=0)
            found[key] = replace(had, asked=had.asked + 1, known=had.known + one.known)
        return tuple(found[key] for key in sorted(found))

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        items = {
            name: [one.course, one.source, one.document, one.tries, int(one.known)] for name, one in self.items.items()
        }
        return {"format": FORMAT, "items": items}

    @classmethod
    def from_json(cls, data: object) -> Progress:
        """The progress that `to_json` gave. What is kept elsewhere may come back as anything: an entry that is none is
        left out, and something else altogether is no progress."""
        kept = data.get("items") if isinstance(data, dict) and data.get("format") == FORMAT else None
        if not isinstance(kept, dict):
            return cls()
        found = {name: one for name, entry in list(kept.items())[-MOST:] if (one := _entry(name, entry)) is not None}
        return cls(items=found)


def _place(one: Asked) -> dict[str, str]:
    return {"course": one.course, "source": one.source, "document": one.document}


def _entry(name: object, entry: object) -> Asked | None:
    if not isinstance(name, str) or not NAME.fullmatch(name) or not isinstance(entry, list) or len(entry) != 5:
        return None
    *texts, tries, known = entry
    if not all(isinstance(text, str) and len(text) <= _LONGEST for text in texts):
        return None
    if not isinstance(tries, int) or not 0 <= tries <= TRIES or known not in (0, 1):
        return None
    return Asked(course=texts[0], source=texts[1], document=texts[2], tries=tries, known=bool(known))
