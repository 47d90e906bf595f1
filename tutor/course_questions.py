"""What the shipped course gives to learn from: its questions on the passages that the search finds for them, questions
to be asked, and follow-ups to be rewritten. Only the `train` split is read."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.sentences import sentence_spans
from lm.data import read_records
from tutor.candidate import candidate
from tutor.dialogue import standalone
from tutor.items import Item, Paragraphs, standing
from tutor.records import Found, Ready, align

if TYPE_CHECKING:
    from index.store import Store

FOUND = 5
"""Passages of the search that a question comes with."""

_ASKED_ABOUT = 1200
"""Characters of a passage that a question is to be asked about; a longer one is cut to what is around the answer."""

_TERM = 6
"""Characters of the shortest stretch of a question that counts as copied."""

_UNRELATED = (0.5, 0.3, 0.2)
"""Chances that none, one, two questions about something else were asked before those that a follow-up leans on."""


def train_records(folder: Path) -> list[dict[str, Any]]:
    """The questions and turns of dialogues of a course folder that are there to learn from."""
    paths = sorted((folder / "questions").glob("*.jsonl"))
    return [record for path in paths for record in read_records(path) if record["split"] == "train"]


def read_found(records: Sequence[dict[str, Any]], store: Store, paragraphs: Paragraphs) -> Iterator[Found]:
    """Questions on the passages found for them. A turn of a dialogue is asked in the form that stands alone, and as
    it was asked with the questions it leans on."""

    def nearness(text: str) -> float:
        hits = store.search(text, k=1, read=False)
        return hits[0].score if hits else 0.0

    passages = store.passages()
    numbers = {one.passage_id: paragraphs.add("course", one.document, one.text, one.context) for one in passages}
    for count, record in enumerate(records, 1):
        if count % 200 == 0:
            print(f"searched for {count:,} of {len(records):,} questions of the course", file=sys.stderr)
        quotes = [gold["quote"] for gold in record["gold"]]
        places = tuple((numbers[one.passage_id], span) for one in passages for span in standing(one.text, quotes))
        if bool(places) != bool(record["answerable"]):
            continue
        history = tuple((str(asked), str(said)) for asked, said in record.get("history") or ())
        as_asked = store.mended(standalone(record["question"], history, nearness, store.says))
        for question in dict.fromkeys((as_asked, record.get("standalone") or record["question"])):
            hits = store.search(question, k=FOUND)
            yield Found(
                source="course",
                title=str(record["lecture"]),
                question=question,
                passages=tuple(numbers[hit.passage.passage_id] for hit in hits),
                places=places,
                answer=str(record["reference"]),
                facts=tuple(record["key_facts"]),
                answerable=bool(record["answerable"]),
            )


def read_asking(items: Iterator[Item | Found], paragraphs: Paragraphs) -> Iterator[Ready]:
    """Questions to be asked: the passage that answers, its sentences that do in rank 1, and the question. Questions
    that are no whole sentences are left out, since nobody wants to be asked those."""
    for item in items:
        if isinstance(item, Found):
            place = item.places[0][0] if item.places else -1
            gold = [span for number, span in item.places if number == place]
        else:
            place, gold = item.context, [item.gold] if item.gold else []
        if not item.answerable or not gold or not (item.question[0].isupper() and item.question.endswith("?")):
            continue
        if pieces := asked_about(paragraphs.texts[place], gold, paragraphs.sentences[place]):
            yield Ready(source=item.source, title=item.title, record=asking(pieces, item.question))


def asked_about(
    text: str, gold: Sequence[tuple[int, int]], sentences: Sequence[tuple[int, int]] | None = None
) -> list[list[Any]]:
    """The pieces (text, rank, gap) of a passage for a question on what stands at `gold`: those in rank 1. `sentences`
    are the spans of the passage's; [] where none of them is asked about."""
    pieces = []
    for start, end in sentence_spans(text) if sentences is None else sentences:
        if one := candidate(0, text, start, end, 0.0):
            golden = any(one.start < last and first < one.end for first, last in gold)
            pieces.append([one.text, 1 if golden else 4, 0])
    return _around(pieces) if any(piece[1] == 1 for piece in pieces) else []


def _around(pieces: list[list[Any]]) -> list[list[Any]]:
    """The pieces of rank 1 and those beside them, up to `_ASKED_ABOUT` characters together."""
    ranked = [number for number, piece in enumerate(pieces) if piece[1] == 1]
    first, last = ranked[0], ranked[-1]
    kept = pieces[first : last + 1]
    while len(kept) < len(pieces) and sum(len(piece[0]) for piece in kept) < _ASKED_ABOUT:
        first, last = max(0, first - 1), min(len(pieces) - 1, last + 1)
        kept = pieces[first : last + 1]
    return kept


def asking(pieces: list[list[Any]], question: str) -> dict[str, Any]:
    """The record of a question to be asked about the pieces (text, rank, gap) of rank 1."""
    spans = align(question, [[piece[0] for piece in pieces]], _TERM)
    return {"question": "", "sources": [pieces], "mode": "ask", "answer": question, "spans": spans}


def rewriting(question: str, earlier: Sequence[str], answer: str = "") -> dict[str, Any]:
    """The record of a question to be rewritten, given those asked before it, the latest last.

    They are the sources, and the question is the last of them besides, so that its own words can be copied too.
    """
    said = [*earlier, question]
    spans = align(answer, [[one] for one in said], _TERM)
    sources = [[[one, 0, 0]] for one in said]
    return {"question": question, "sources": sources, "mode": "rewrite", "answer": answer, "spans": spans}


def read_rewriting(records: Sequence[dict[str, Any]], random: np.random.Generator, count: int) -> Iterator[Ready]:
    """`count` questions to be rewritten: follow-ups of the dialogues, often after questions about something else, and
    for every fourth a question that stands alone and stays as it is."""
    turns = [one for one in records if one.get("history")]
    alone = [one for one in records if not one.get("history")]
    for number in range(count):
        lonely = number % 4 == 3
        record = (alone if lonely else turns)[int(random.integers(len(alone if lonely else turns)))]
        others = [one for one in alone if one["lecture"] != record["lecture"]]
        unrelated = int(random.choice(len(_UNRELATED), p=_UNRELATED)) + lonely
        earlier = [str(others[int(random.integers(len(others)))]["question"]) for _ in range(unrelated)]
        earlier += [str(asked) for asked, _ in record.get("history") or ()]
        answer = str(record.get("standalone") or record["question"])
        yield Ready(
            source="rewrite",
            title=str(record["lecture"]),
            record=rewriting(str(record["question"]), earlier, answer),
        )
