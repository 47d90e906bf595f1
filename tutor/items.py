"""What training examples are made from: questions on paragraphs, read from files of several kinds, and plain text.

Records under a non-commercial licence, or under none, are left out. A reader yields what it read once; how often an
example is made of it is decided in `tutor.prepare`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np

from corpus.sentences import sentence_spans
from lm.data import DataError, read_records
from tutor.cloze import clozes
from tutor.definitions import Question, definitions

Span = tuple[int, int]
OWN_LICENCE = "Apache-2.0"
"""That of the shipped course, dialogues and reading passages."""
DEFINITIONS = "definitions"
"""The source of questions that are made of defining sentences."""

_RESTATED = 20
"""Characters of the shortest stretch of a paragraph that counts as repeated by an answer."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """A question on a paragraph. `gold`: the span of the answer in the paragraph, None where it is in other words, and
    `also` what else the answer rests on; `answer`: what to say in full, None to quote the sentences of the gold span;
    `answerable` false: nothing says it."""

    source: str
    title: str
    context: int
    question: str
    gold: Span | None
    answer: str | None
    answerable: bool = True
    also: tuple[Span, ...] = ()


@dataclass(kw_only=True)
class Paragraphs:
    """Distinct paragraphs with their sentences, the headings they stand under and where they come from."""

    texts: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    sentences: list[list[Span]] = field(default_factory=list)
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    by_title: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    by_source: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, source: str, title: str, text: str, headings: str = "") -> int:
        """Number of the paragraph, new or known."""
        key = (source, text)
        if key not in self.numbers:
            number = self.numbers[key] = len(self.texts)
            self.texts.append(text)
            self.headings.append(headings)
            self.sentences.append(sentence_spans(text))
            self.by_title[source, title].append(number)
            self.by_source[source].append(number)
        return self.numbers[key]


@dataclass(kw_only=True)
class Licences:
    """How many records of a source were read, by licence, and how many were left out for theirs."""

    read: Counter[str] = field(default_factory=Counter)
    left_out: int = 0

    def allowed(self, records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The records that may be learned from."""
        for record in records:
            licence = str(record.get("licence") or "NC (none is stated)")
            if "NC" in licence:
                self.left_out += 1
                continue
            self.read[licence] += 1
            yield record


def standing(text: str, quotes: Sequence[str]) -> list[Span]:
    """Where those of the quotes that stand in a text do so."""
    return [(at, at + len(quote)) for quote in quotes for at in [text.find(quote)] if at >= 0]


def restated(answer: str, context: str) -> tuple[Span, ...]:
    """The stretches of a paragraph that an answer in words of its own repeats."""
    return tuple(
        (start + block.b, start + block.b + block.size)
        for start, end in sentence_spans(context)
        for block in SequenceMatcher(None, answer, context[start:end], autojunk=False).get_matching_blocks()
        if block.size >= _RESTATED
    )


def read_items(path: Path, paragraphs: Paragraphs, licences: Licences | None = None) -> Iterator[Item]:
    """Items of a reading-comprehension file; DataError where all of its records are under licences that forbid it."""
    source = path.name.split(".")[0]
    licences = licences or Licences()
    for record in licences.allowed(read_records(path)):
        context = record.get("context")
        if not context:
            continue
        context = str(context)
        title = str(record.get("title") or record["id"])
        place = paragraphs.add(source, title, context)
        question = str(record["question"]).strip()
        if "answers" in record:
            spans = [(one["start"], one["start"] + len(one["text"].strip())) for one in record["answers"]]
            spans = [span for span in spans if 0 <= span[0] < span[1] <= len(context)]
            if spans:
                gold = min(spans, key=lambda span: span[1] - span[0])
                yield Item(source=source, title=title, context=place, question=question, gold=gold, answer=None)
        else:
            answer = str(record.get("answer") or "").strip()
            literal = next(iter(standing(context, [answer])), None) if answer else None
            yield Item(
                source=source,
                title=title,
                context=place,
                question=question,
                gold=literal,
                also=() if literal else restated(answer, context),
                answer=None if literal else answer,
                answerable=bool(answer),
            )
    if licences.left_out and not licences.read:
        raise DataError(
            f"{path}: all records are under non-commercial (NC) licences; nothing that ships may learn them"
        )


def read_reading(path: Path, paragraphs: Paragraphs) -> Iterator[Item]:
    """Training questions of a file of reading passages (`corpus/reading/`), each on its own passage."""
    source = f"reading {path.name.split('.')[0]}"
    for record in read_records(path):
        if record["split"] != "train":
            continue
        text, title = str(record["text"]), str(record["id"])
        place = paragraphs.add(source, title, text)
        for question in record["questions"]:
            spans = standing(text, question["gold"])
            yield Item(
                source=source,
                title=title,
                context=place,
                question=question["question"],
                gold=spans[0] if spans else None,
                also=tuple(spans[1:]),
                answer=question["reference"] or None,
                answerable=bool(question["answerable"]),
            )


def read_definitions(
    paths: Sequence[Path], count: int, seed: int, paragraphs: Paragraphs, licences: Licences | None = None
) -> Iterator[Item]:
    """Up to `count` questions that defining sentences of plain text answer."""
    return _made(DEFINITIONS, definitions, paths, count, seed, paragraphs, licences or Licences())


def read_clozes(
    paths: Sequence[Path], count: int, seed: int, paragraphs: Paragraphs, licences: Licences | None = None
) -> Iterator[Item]:
    """Up to `count` questions for terms left out of sentences of plain text."""
    return _made("cloze", clozes, paths, count, seed, paragraphs, licences or Licences())


def _made(
    source: str,
    make: Callable[[str, np.random.Generator], Iterator[Question]],
    paths: Sequence[Path],
    count: int,
    seed: int,
    paragraphs: Paragraphs,
    licences: Licences,
) -> Iterator[Item]:
    """Items from documents in a random order. Where a term answers it is quoted, else the whole sentence is said."""
    random = np.random.default_rng(seed)
    documents = list(licences.allowed(record for path in paths for record in read_records(path)))
    for number in random.permutation(len(documents)):
        record = documents[int(number)]
        for one in make(record["text"], random):
            if count <= 0:
                return
            count -= 1
            title = str(record["path"])
            place = paragraphs.add(source, title, one.context)
            answer = None if one.term else one.context[slice(*one.sentence)]
            gold = one.term or one.sentence
            yield Item(source=source, title=title, context=place, question=one.question, gold=gold, answer=answer)


def read_texts(path: Path, random: np.random.Generator, licences: Licences) -> Iterator[str]:
    """Documents of a file of plain text in a random order."""
    documents = list(licences.allowed(read_records(path)))
    for number in random.permutation(len(documents)):
        yield str(documents[int(number)]["text"])
