"""Makes training groups for the ranker: a question with passages whose sentences answer it or do not.

    python -m tutor.groups READING.jsonl.gz ... --course corpus/questions/*.jsonl --reading corpus/reading/*.jsonl \
        --decks corpus/decks --output groups.jsonl.gz

A line is {"question", "source", "passages": [{"context", "text", "sentences": [[start, end], ...], "gold": [number of a
sentence, ...], "also"?: [...]}, ...]}; `gold` names the sentences that answer, none where the passage does not, `also`
those that answer besides the evidence and are neither right nor wrong. Questions of the course, of slide decks and of
notes and slides of others come with the passages that the search finds for them; some of decks, notes and slides once
more without those that answer, as "decks unanswered" and so on. Those of other files come with their own passage and
those of the same file that share the most words with the question, a tenth of them without their own, so that nothing
answers. Only `train` splits are read, and nothing under a non-commercial licence.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sqlite3
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from corpus.course import deck_files
from corpus.document import Passage
from corpus.sentences import sentence_spans
from index.build import build
from index.progress import stages_on_stderr
from index.scoring import query_terms
from index.store import Store
from lm.data import read_records
from tutor.items import DEFINITIONS, Item, Paragraphs, Span, read_definitions, read_items, read_reading, standing
from tutor.notes import read_notes

_FOUND = 4
"""Passages of the search that a question of the course or of a slide deck comes with."""

_FOUND_IN_NOTES = 6
"""The same for a question on course notes, which have more passages."""

_LONGEST = 900
"""Characters of a paragraph from another file; a longer one is cut to the sentences around the answer."""

_NEAR = 6
"""Paragraphs that are looked up for a question by its words, and taken in turn while they do not hold the answer."""
_UNANSWERED = 0.4
"""Share of the questions on decks and notes that come once more without the passages that answer them."""
_ALONE = 0.1
"""Share of the questions that come without the paragraph that answers them."""
_HELD_OUT, _HELD_OUT_OF_NOTES = 0.02, 0.05
_AS_LINES = 0.15
"""Share of paragraphs that are laid out as a slide is: one sentence a line, after a bullet."""


def overlapping(spans: Sequence[Span], gold: Sequence[Span]) -> list[int]:
    """Numbers of the `spans` of which a gold span covers at least half, or that cover half of one."""
    return [
        number
        for number, (start, end) in enumerate(spans)
        if any(2 * (min(end, last) - max(start, first)) >= min(end - start, last - first) for first, last in gold)
    ]


def course_groups(paths: Sequence[Path], split: str, found: int = _FOUND) -> Iterator[dict[str, Any]]:
    """Questions of the shipped course with the passages found for them, and the one that answers among them."""
    from tutor.tutor import Tutor

    if not paths:
        return
    tutor = Tutor.load()
    passages = tutor.store.passages()
    for path in paths:
        for record in read_records(path):
            if record["split"] != split:
                continue
            history = tuple((str(asked), str(said)) for asked, said in record.get("history") or ())
            for asked in dict.fromkeys((tutor.query(record["question"], history), record.get("standalone"))):
                if not asked:
                    continue
                hits = tutor.store.search(asked, k=found)
                if group := _found_group(asked, record, [hit.passage for hit in hits], passages):
                    yield {"question": asked, "source": "course", "passages": group}


def deck_groups(folder: Path, found: int = _FOUND) -> Iterator[dict[str, Any]]:
    """Questions on slide decks with the passages that the search finds in the same deck, and those that answer; those
    of the dev split are held out."""
    asked = {
        deck: [record for record in read_records(deck.with_suffix(".jsonl")) if record["split"] in ("train", "dev")]
        for deck in deck_files(folder)
    }
    for record, group in _searched(asked, found):
        held_out = record["split"] == "dev"
        for source, one in _with_and_without("decks", group):
            yield one | {"source": source, "held_out": held_out}


def note_groups(
    questions: Sequence[Path], texts: Sequence[Path], found: int = _FOUND_IN_NOTES
) -> Iterator[dict[str, Any]]:
    """Questions on course notes and slides of others with the passages that the search finds in the same part of them,
    and those that answer; a few parts are held out."""
    with tempfile.TemporaryDirectory() as place:
        asked = {}
        for note in read_notes(questions, texts):
            path = Path(place) / note.name
            path.write_text(note.text, encoding="utf-8")
            asked[path] = note.questions
        for record, group in _searched(asked, found):
            held_out = _picked(record["part"], _HELD_OUT_OF_NOTES)
            for source, one in _with_and_without(record["of"], group):
                yield one | {"source": source, "held_out": held_out}


def _with_and_without(source: str, group: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A group, and of some groups what is left of its passages when none may answer, each with its source."""
    yield source, group
    left = [one for one in group["passages"] if not one["gold"] and not one.get("also")]
    if 1 < len(left) < len(group["passages"]) and _picked(group["question"], _UNANSWERED):
        yield f"{source} unanswered", group | {"passages": left}


def _searched(
    asked: Mapping[Path, Sequence[dict[str, Any]]], found: int
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The questions on lecture files that make a group, and the group, of passages of the same file."""
    if not asked:
        return
    with tempfile.TemporaryDirectory() as place:
        with stages_on_stderr() as progress:
            build(list(asked), Path(place) / "store", progress=progress)
        with Store.open(Path(place) / "store") as store:
            passages: dict[str, list[Passage]] = {}
            for passage in store.passages():
                passages.setdefault(passage.locator.source, []).append(passage)
            for path, records in asked.items():
                for record in records:
                    question = store.mended(str(record["question"]))
                    hits = store.search(question, k=found, documents=[path.name])
                    if group := _found_group(question, record, [hit.passage for hit in hits], passages[path.name]):
                        yield record, {"question": question, "passages": group}


def _found_group(
    asked: str, record: dict[str, Any], found: Sequence[Passage], passages: Sequence[Passage]
) -> list[dict[str, Any]]:
    """The passages found and all that hold a gold quote, with the sentences that answer; empty where none does though
    one should, or the other way round."""
    quotes = [gold["quote"] for gold in record.get("gold") or ()]
    also = [one["quote"] for one in record.get("also") or ()]
    shown = {passage.passage_id: passage for passage in found}
    shown |= {passage.passage_id: passage for passage in passages if standing(passage.text, quotes)}
    group = []
    for passage in shown.values():
        spans = sentence_spans(passage.text)
        gold = overlapping(spans, standing(passage.text, quotes))
        others = set(overlapping(spans, standing(passage.text, also))).difference(gold)
        group.append(_passage(passage.context, passage.text, spans, gold, sorted(others)))
    return group if any(one["gold"] for one in group) == bool(record["answerable"]) else []


class Nearby:
    """Finds the paragraphs of a source that share the most words with a question, by BM25."""

    def __init__(self, paragraphs: Paragraphs) -> None:
        self._paragraphs = paragraphs
        self._words = sqlite3.connect(":memory:")
        self._words.execute("create virtual table words using fts5(source, text, tokenize='porter unicode61')")
        named = {number: _folded(source) for source, numbers in paragraphs.by_source.items() for number in numbers}
        rows = [(number, named[number], text) for number, text in enumerate(paragraphs.texts)]
        self._words.executemany("insert into words (rowid, source, text) values (?, ?, ?)", rows)

    def find(self, item: Item, random: np.random.Generator) -> list[int]:
        """One or two numbers of paragraphs other than the item's own that do not hold its answer; fewer where there
        are none, and none for a definition, which may be given elsewhere in other words."""
        terms = query_terms(item.question)
        if not terms or item.source == DEFINITIONS:
            return []
        asked = " OR ".join(f'text:"{term}"' for term in terms)
        found = self._words.execute(
            "select rowid from words where words match ? order by bm25(words) limit ?",
            (f'source:"{_folded(item.source)}" AND ({asked})', _NEAR),
        )
        said = self._paragraphs.texts[item.context][slice(*item.gold)].casefold() if item.gold else ""
        others = [
            number
            for (number,) in found
            if number != item.context and not (said and said in self._paragraphs.texts[number].casefold())
        ]
        return others[: 1 + int(random.random() < 0.5)]


def _folded(source: str) -> str:
    return re.sub(r"[^a-z0-9]", "", source.lower())


def item_group(
    item: Item, paragraphs: Paragraphs, nearby: Nearby, random: np.random.Generator
) -> dict[str, Any] | None:
    """A question on its own paragraph, if the place of the answer is known, beside others with the same words."""
    if item.context < 0 or (item.answerable and item.gold is None):
        return None
    gold = [item.gold] if item.gold and item.answerable else []
    own = _cut(paragraphs, item.context, gold, random)
    if item.answerable and not own["gold"]:
        return None
    others = [_cut(paragraphs, number, [], random) for number in nearby.find(item, random)]
    group = others if others and random.random() < _ALONE else [own, *others]
    return {"question": item.question, "source": item.source, "passages": group}


def _cut(paragraphs: Paragraphs, number: int, gold: Sequence[Span], random: np.random.Generator) -> dict[str, Any]:
    text, spans = paragraphs.texts[number], paragraphs.sentences[number]
    numbers = overlapping(spans, gold)
    first = numbers[0] if numbers else int(random.integers(len(spans)))
    last = numbers[-1] if numbers else first
    while (first > 0 or last + 1 < len(spans)) and spans[last][1] - spans[first][0] < _LONGEST:
        if last + 1 == len(spans) or (first > 0 and random.random() < 0.5):
            first -= 1
        else:
            last += 1
    numbers = [one - first for one in numbers]
    if random.random() < _AS_LINES:
        lines = ["- " + " ".join(text[start:end].split()).removesuffix(".") for start, end in spans[first : last + 1]]
        ends = np.cumsum([len(line) + 1 for line in lines]).tolist()
        moved = [(end - 1 - len(line), end - 1) for line, end in zip(lines, ends, strict=True)]
        return _passage("", "\n".join(lines), moved, numbers)
    begin = spans[first][0]
    moved = [(start - begin, end - begin) for start, end in spans[first : last + 1]]
    return _passage("", text[begin : spans[last][1]], moved, numbers)


def _picked(name: str, share: float) -> bool:
    return zlib.crc32(name.encode()) % 1000 < 1000 * share


def _passage(
    context: str, text: str, spans: Sequence[Span], gold: Sequence[int], also: Sequence[int] = ()
) -> dict[str, Any]:
    found = {"context": context, "text": text, "sentences": [list(span) for span in spans], "gold": list(gold)}
    return found | ({"also": list(also)} if also else {})


def groups(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """All groups, in the order of the sources."""
    random = np.random.default_rng(arguments.seed)
    paragraphs = Paragraphs()
    yield from course_groups(arguments.course or [], "train")
    if arguments.decks:
        yield from deck_groups(arguments.decks)
    yield from note_groups(arguments.notes or [], arguments.texts or [])
    items: list[Item] = []
    for path in arguments.reading or []:
        items += read_reading(path, paragraphs)
    for path in arguments.files:
        found = list(read_items(path, paragraphs))
        picked = random.permutation(len(found))[: arguments.most]
        items += [found[int(number)] for number in picked]
    items += read_definitions(arguments.definitions or [], arguments.definitions_count, arguments.seed, paragraphs)
    nearby = Nearby(paragraphs)
    for item in items:
        if group := item_group(item, paragraphs, nearby, random):
            group["held_out"] = _picked(f"{item.source}/{item.title}", _HELD_OUT)
            yield group


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m tutor.groups", description="Make training groups for the ranker.")
    cli.add_argument("files", type=Path, nargs="*", help="reading-comprehension files, .jsonl or .jsonl.gz")
    cli.add_argument("--course", type=Path, nargs="*", help="question sets of the shipped course (train split only)")
    cli.add_argument("--reading", type=Path, nargs="*", help="reading passages with questions (train split only)")
    cli.add_argument("--decks", type=Path, help="folder of slide decks with their questions (dev split held out)")
    cli.add_argument("--notes", type=Path, nargs="*", help="questions on course notes, which stand in --texts")
    cli.add_argument("--texts", type=Path, nargs="*", help="files of plain text that hold the course notes")
    cli.add_argument("--definitions", type=Path, nargs="*", help="plain text to make definition questions from")
    cli.add_argument("--definitions-count", type=int, default=2500, help="how many of them")
    cli.add_argument("--most", type=int, default=4500, help="questions taken of one file")
    cli.add_argument("--output", type=Path, required=True, help="groups, .jsonl.gz")
    cli.add_argument("--held-out", type=Path, help="groups of held-out documents, .jsonl.gz")
    cli.add_argument("--seed", type=int, default=1)
    return cli


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    arguments = parser().parse_args(argv)
    counts: Counter[str] = Counter()
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            gzip.open(arguments.output, "wt", encoding="utf-8", compresslevel=3) as train,
            gzip.open(arguments.held_out or "/dev/null", "wt", encoding="utf-8") as held,
        ):
            for group in groups(arguments):
                out = held if group.pop("held_out", False) else train
                out.write(json.dumps(group, ensure_ascii=False) + "\n")
                counts[group["source"]] += 1
                if counts.total() % 500 == 0:
                    print(f"\r{counts.total():,} groups ", end="", file=sys.stderr, flush=True)
    except (ValueError, OSError) as fault:
        print(f"tutor.groups: {fault}", file=sys.stderr)
        return 1
    for source, count in sorted(counts.items()):
        print(f"{source}: {count:,}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
