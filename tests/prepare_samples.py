"""Small files of training data, and what reads them, for the tests of tutor.prepare and its parts."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path
from typing import Any

from corpus.document import Locator, Passage
from lm.tokenizer import Tokenizer

CONTEXTS = [
    "Ada built the first engine in 1843. It ran on steam. Nobody saw it.",
    "The harbour has three lighthouses. The oldest is red. Ships pass at dawn.",
    "Bread needs flour and water. Yeast makes it rise. Bakers wake early.",
]
SPANS = ["1843", "three", "Yeast"]
GLOSSARY = (
    "# Notes\n\nWe begin slowly here.\n\n## Gates\n\nA gate is a vector of numbers between zero and one. "
    "It multiplies another vector. This is a thing of beauty, and nobody would ever ask about it. "
    "There are a number of further remarks that fill the paragraph until it is long enough to be used.\n"
)
STORY = (
    "# Mills\n\nEarly mills were often built beside a river that never froze in winter. In 1712 the council asked the "
    "engineer Thomas Newcomen for a pump that could drain the lower mine. An oaken shaft drives a pair of heavy stones "
    "by means of wooden gears. The miller sings while he works, and nobody minds it very much.\n"
)


def record(context: str, text: str, number: int, **more: Any) -> dict[str, Any]:
    """A question on a paragraph with its answer's place."""
    answers = [{"text": text, "start": context.index(text)}]
    return {
        "id": f"r{number}",
        "title": "same",
        "context": context,
        "question": f"Question {number}?",
        "answers": answers,
        "licence": "MIT",
    } | more


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    """The records as JSON Lines, compressed as the name says."""
    opener: Any = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
    with opener(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for one in records)
    return path


def reading_file(folder: Path, name: str = "reading.jsonl.gz") -> Path:
    """A question on each of the CONTEXTS."""
    pairs = enumerate(zip(CONTEXTS, SPANS, strict=True))
    return write(folder / name, [record(context, text, number) for number, (context, text) in pairs])


def small_pieces() -> Tokenizer:
    """A tokenizer of the sample texts."""
    return Tokenizer.train([*CONTEXTS, GLOSSARY, STORY], vocabulary=350)


class FakeHit:
    """A passage found."""

    def __init__(self, passage: Passage, score: float) -> None:
        self.passage, self.score = passage, score


class FakeStore:
    """Finds the passages that share most words with the query."""

    def __init__(self, texts: list[str]) -> None:
        self._passages = tuple(
            Passage(
                passage_id=f"{number:04x}",
                document=f"Lecture {number}",
                text=text,
                locator=Locator(source=f"{number}.md", start=0, end=len(text), headings=(f"Part {number}",)),
            )
            for number, text in enumerate(texts)
        )

    def passages(self) -> tuple[Passage, ...]:
        return self._passages

    def mended(self, query: str) -> str:
        return query

    def says(self, phrase: str) -> bool:
        return any(phrase.casefold() in one.text.casefold() for one in self._passages)

    def search(self, query: str, *, k: int = 5, read: bool = True) -> tuple[FakeHit, ...]:
        assert read == (k > 1), "only how near the best passage is needs no ranker"
        asked = set(query.casefold().split())
        hits = [FakeHit(one, len(asked & set(one.text.casefold().split())) / 10) for one in self._passages]
        return tuple(sorted(hits, key=lambda hit: -hit.score)[:k])
