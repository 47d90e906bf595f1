"""What training records are made from: questions on paragraphs, read from files of several kinds, and plain text.

Records under a non-commercial licence are refused, or skipped where a file mixes licences.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from corpus.sentences import sentence_spans
from lm.data import DataError, read_records
from tutor.definitions import definitions

Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Item:
    """A question on a paragraph. `gold`: the span of the answer in the paragraph, None where it is in other words;
    `answer`: what to say in full, None to quote the sentences of the gold span; `answerable` false: nothing says it."""

    source: str
    title: str
    context: int
    question: str
    gold: Span | None
    answer: str | None
    answerable: bool = True


@dataclass(kw_only=True)
class Paragraphs:
    """Distinct paragraphs with their sentences and where they come from."""

    texts: list[str] = field(default_factory=list)
    sentences: list[list[Span]] = field(default_factory=list)
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    by_title: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    by_source: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, source: str, title: str, text: str) -> int:
        """Number of the paragraph, new or known."""
        key = (source, text)
        if key not in self.numbers:
            number = self.numbers[key] = len(self.texts)
            self.texts.append(text)
            self.sentences.append(sentence_spans(text))
            self.by_title[source, title].append(number)
            self.by_source[source].append(number)
        return self.numbers[key]


def read_items(path: Path, paragraphs: Paragraphs) -> Iterator[Item]:
    """Items of a reading-comprehension file; DataError where a record may not be used."""
    source = path.name.split(".")[0]
    for number, record in enumerate(read_records(path), 1):
        licence, context = str(record.get("licence", "")), record.get("context")
        if "NC" in licence:
            raise DataError(f"{path}, record {number} is under {licence}; weights that ship may not be trained on it")
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
            start = context.find(answer) if answer else -1
            span = (start, start + len(answer)) if start >= 0 else None
            yield Item(
                source=source,
                title=title,
                context=place,
                question=question,
                gold=span,
                answer=None if span else answer,
                answerable=bool(answer),
            )


def read_course(path: Path, lectures: Path, paragraphs: Paragraphs) -> Iterator[Item]:
    """Training questions of the course: each on the section of the lecture that its first gold quote stands in. A
    turn of a dialogue is asked in the form that stands alone."""
    for record in read_records(path):
        if record["split"] != "train":
            continue
        question = record.get("standalone") or record["question"]
        if not record["answerable"]:
            yield Item(
                source="course",
                title=record["lecture"],
                context=-1,
                question=question,
                gold=None,
                answer=None,
                answerable=False,
            )
            continue
        first = record["gold"][0]
        text = (lectures / first["lecture"]).read_text(encoding="utf-8")
        start = text.find(first["quote"])
        if start < 0:
            raise DataError(f"{path}: the quote of {record['id']} does not stand in {first['lecture']}; mend it")
        begin, end = text.rfind("\n#", 0, start) + 1, text.find("\n#", start)
        section = text[begin : end if end >= 0 else len(text)].strip()
        offset = section.find(first["quote"])
        place = paragraphs.add("course", first["lecture"], section)
        yield Item(
            source="course",
            title=first["lecture"],
            context=place,
            question=question,
            gold=(offset, offset + len(first["quote"])) if offset >= 0 else None,
            answer=record["reference"],
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
            start = text.find(question["gold"][0]) if question["gold"] else -1
            yield Item(
                source=source,
                title=title,
                context=place,
                question=question["question"],
                gold=(start, start + len(question["gold"][0])) if start >= 0 else None,
                answer=question["reference"] or None,
                answerable=bool(question["answerable"]),
            )


def read_definitions(paths: Sequence[Path], count: int, seed: int, paragraphs: Paragraphs) -> Iterator[Item]:
    """Up to `count` questions that defining sentences of plain text answer; non-commercial documents are skipped."""
    random = np.random.default_rng(seed)
    documents = [record for path in paths for record in read_records(path) if "NC" not in record.get("licence", "NC")]
    for number in random.permutation(len(documents)):
        record = documents[int(number)]
        for question, context, gold in definitions(record["text"], random):
            if count <= 0:
                return
            count -= 1
            title = str(record["path"])
            place = paragraphs.add("definitions", title, context)
            answer = context[gold[0] : gold[1]]
            yield Item(source="definitions", title=title, context=place, question=question, gold=gold, answer=answer)


def plain_text(paths: Sequence[Path], characters: int, seed: int) -> Iterator[dict[str, Any]]:
    """Documents drawn by chance from files of {"text", "licence"}, up to `characters`; non-commercial ones skipped."""
    documents = [record for path in paths for record in read_records(path) if "NC" not in record.get("licence", "NC")]
    for number in np.random.default_rng(seed).permutation(len(documents)):
        text = documents[int(number)]["text"]
        characters -= len(text)
        if characters < 0:
            return
        yield {"text": text}
