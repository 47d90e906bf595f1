"""Reads the sources of a mixture, and its plain text."""

from __future__ import annotations

import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tutor.course_questions import read_asking, read_found, read_rewriting, train_records
from tutor.items import (
    OWN_LICENCE,
    Item,
    Licences,
    Paragraphs,
    read_clozes,
    read_definitions,
    read_items,
    read_reading,
    read_texts,
)
from tutor.mixture import Mixture, SourceSpec
from tutor.records import Found, Ready

Entry = Item | Found | Ready


@dataclass(kw_only=True)
class Source:
    """What was read of a source of the mixture: entries to learn from, and those of held-out documents."""

    spec: SourceSpec
    train: Sequence[Entry]
    held: Sequence[Entry]
    licences: Licences


class Reading:
    """Reads the sources of a mixture; the course is searched once for all of them."""

    def __init__(self, mixture: Mixture, data: Path, course: Path) -> None:
        self.mixture, self.data, self.course = mixture, data, course
        self.paragraphs = Paragraphs()
        self._found: list[Found] | None = None

    def sources(self) -> list[Source]:
        """All sources; ValueError for one that gives nothing."""
        found = []
        for number, spec in enumerate(self.mixture.sources):
            licences = Licences()
            entries = list(self._read(spec, licences, self.mixture.seed + number))
            print(f"{spec.name}: {len(entries):,} read", file=sys.stderr)
            if not entries and any(spec.examples.values()):
                raise ValueError(f"the source {spec.name!r} holds nothing to learn from; take it out of the mixture")
            held = [one for one in entries if self._held(one)]
            train = [one for one in entries if not self._held(one)]
            found.append(Source(spec=spec, train=train, held=held, licences=licences))
        return found

    def _held(self, entry: Entry) -> bool:
        # A document is held out whole, so that no paragraph of the held-out examples was read in training.
        # The shipped course, dialogues and passages have splits of their own.
        own = entry.source in ("course", "rewrite") or entry.source.startswith("reading ")
        share = zlib.crc32(f"{entry.source}/{entry.title}".encode()) % 1000
        return not own and share < 1000 * self.mixture.held_out

    def _read(self, spec: SourceSpec, licences: Licences, seed: int) -> Iterator[Entry]:
        files = [self.data / name for name in spec.files]
        count = sum(spec.examples.values())
        if spec.kind == "definitions":
            yield from read_definitions(files, count, seed, self.paragraphs, licences)
        elif spec.kind == "cloze":
            yield from read_clozes(files, count, seed, self.paragraphs, licences)
        elif spec.kind == "rewrite":
            records = train_records(self.course)
            licences.read[OWN_LICENCE] += len(records)
            yield from read_rewriting(records, np.random.default_rng(seed), count)
        elif spec.kind == "ask":
            yield from read_asking(self._questions(spec.of, licences), self.paragraphs)
        else:
            yield from self._questions(spec.file or spec.kind, licences)

    def _questions(self, of: str, licences: Licences) -> Iterator[Item | Found]:
        """Questions to be answered: of the course, of the shipped passages, or of a file."""
        if of == "course":
            if self._found is None:
                self._found = list(self._searched())
            licences.read[OWN_LICENCE] += len(self._found)
            yield from self._found
        elif of == "passages":
            for path in sorted((self.course / "reading").glob("*.jsonl")):
                for item in read_reading(path, self.paragraphs):
                    licences.read[OWN_LICENCE] += 1
                    yield item
        else:
            yield from read_items(self.data / of, self.paragraphs, licences)

    def _searched(self) -> Iterator[Found]:
        from index.build import build_shipped
        from index.paths import default_store
        from index.store import Store

        build_shipped(default_store())
        with Store.open(default_store()) as store:
            yield from read_found(train_records(self.course), store, self.paragraphs)


class Texts:
    """Plain text of several files, drawn by weight."""

    def __init__(self, weights: dict[Path, float]) -> None:
        self._weights = weights
        self.licences = Licences()
        """What the last drawing found in the files."""

    def draw(self, seed: int) -> Iterator[str]:
        """Documents, each once, the next always from the file that has fallen behind its weight most."""
        random, self.licences = np.random.default_rng(seed), Licences()
        files = {path: read_texts(path, random, self.licences) for path in self._weights}
        drawn: Counter[Path] = Counter()
        while files:
            path = min(files, key=lambda one: drawn[one] / self._weights[one])
            text = next(files[path], None)
            if text is None:
                print(f"{path.name}: all of it is drawn", file=sys.stderr)
                del files[path]
            else:
                drawn[path] += len(text)
                yield text
