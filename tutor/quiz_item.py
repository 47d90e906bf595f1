"""An item of the quiz: a question, what answers it, and its name, from which it can be made again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from corpus.sentences import Span
from tutor.quiz_facts import Fact, term_fact
from tutor.quizzable import Gold, with_gap

Kind = Literal["ask", "definition", "cloze"]
"""Written by the model; what a term means; a sentence with a gap."""

FILL = "Fill in the gap: "
NAME = re.compile(
    r"(ask|definition|cloze)-([0-9a-f]{16})-(\d{1,7})-(\d{1,7})(?:-(\d{1,5})-(\d{1,5}))?(?:-([0-9a-f]{8}))?"
)


@dataclass(frozen=True, kw_only=True)
class Item:
    """A question, the sentences that answer it (the first is the one that it was made from), and the key facts of
    that one which the question does not tell."""

    item_id: str
    kind: Kind
    question: str
    golds: tuple[Gold, ...]
    facts: tuple[Fact, ...]

    @property
    def gold(self) -> Gold:
        """The sentence that the question was made from."""
        return self.golds[0]

    def to_json(self, *, reveal: bool = False) -> dict[str, Any]:
        """A JSON-ready dictionary, with the answer only where it is to be revealed."""
        passage = self.gold.passage
        shown: dict[str, Any] = {
            "item_id": self.item_id,
            "kind": self.kind,
            "question": self.question,
            "document": passage.document,
            "course": passage.course,
            "source": passage.locator.source,
            "passage_id": passage.passage_id,
        }
        if reveal:
            shown["facts"] = [fact.text for fact in self.facts]
            shown["answers"] = [
                {"passage": one.passage.to_json(), "start": one.start, "end": one.end, "sentence": one.text}
                for one in self.golds
            ]
        return shown


def name_of(kind: Kind, gold: Gold) -> str:
    return f"{kind}-{gold.passage.passage_id}-{gold.start}-{gold.end}"


def cloze_item(gold: Gold, gap: Span) -> Item:
    return Item(
        item_id=f"{name_of('cloze', gold)}-{gap[0]}-{gap[1]}",
        kind="cloze",
        question=FILL + with_gap(gold.text, gap),
        golds=(gold,),
        facts=(term_fact(gold.text[slice(*gap)]),),
    )
