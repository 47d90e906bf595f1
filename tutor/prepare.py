"""Makes training records for the reader from question-answer files, in the form the tutor uses them.

    python -m tutor.prepare --output runs/data/train.jsonl.gz --held-out runs/data/dev.jsonl.gz READING.jsonl.gz ...

An input line is {"title", "context", "question", "answers": [{"text", "start"}], "licence"} or the same with one
`answer` text. Files named by `--course` are question sets of the shipped course, those named by `--reading` passages
with questions; only their `train` split is read. Each example gets distractors from the same source, a prompt filled
by the sentence scores of the embedder, and either the span or the whole sentences that answer; about a fifth have the
answer taken out. Records under a non-commercial licence are refused.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lm.tokenizer import Tokenizer
from tutor.items import Item, Paragraphs, plain_text, read_course, read_definitions, read_items, read_reading
from tutor.selection import Candidate, Chosen, candidate, select

_HELD_OUT = 0.03
_NO_ANSWER = 0.18
_UNRANKED = 0.25
_BUDGETS = (96, 128, 192, 256)


class Maker:
    """Turns items into records, with chance from one generator."""

    def __init__(
        self, paragraphs: Paragraphs, vectors: dict[str, NDArray[Any]], tokenizer: Tokenizer, seed: int
    ) -> None:
        self.paragraphs, self.vectors, self.tokenizer = paragraphs, vectors, tokenizer
        self.random = np.random.default_rng(seed)

    def record(self, item: Item) -> dict[str, Any] | None:
        """One training record; None where no fair example can be made."""
        answerable = item.answerable and self.random.random() >= _NO_ANSWER
        # A passage that was written not to answer stays; one whose answer is taken out goes.
        shown = answerable or (not item.answerable and item.context >= 0)
        contexts = ([item.context] if shown else []) + self._distractors(item, least=0 if shown else 1)
        if not contexts:
            return None
        self.random.shuffle(contexts)
        asked = self.vectors[item.question]
        candidates = [one for place, number in enumerate(contexts) for one in self._candidates(place, number, asked)]
        if not candidates:
            return None
        gold = self._gold(item, candidates, contexts.index(item.context)) if answerable else []
        if answerable and not gold and item.answer is None:
            return None
        budget = int(self.random.choice(_BUDGETS))
        chosen = select(candidates, self.tokenizer, budget=budget, keep=frozenset(gold))
        ranked = self.random.random() >= _UNRANKED
        record: dict[str, Any] = {
            "question": item.question,
            "sources": [
                [[piece.text, piece.rank if ranked else 0, int(piece.gap)] for piece in one.pieces] for one in chosen
            ],
            "mode": "full",
            "answer": None,
            "spans": [],
        }
        if not answerable:
            record["mode"] = str(self.random.choice(["short", "full"]))
            return record
        self._answer(record, item, [candidates[number] for number in gold], chosen)
        return record

    def _answer(self, record: dict[str, Any], item: Item, gold: list[Candidate], chosen: Sequence[Chosen]) -> None:
        """Fill in the answer: the span (short), the sentences around it (full), or the given words aligned."""
        if item.answer is not None:
            record["answer"] = item.answer
            record["spans"] = align(item.answer, chosen)
            return
        assert item.gold is not None
        inside = len(gold) == 1 and gold[0].start <= item.gold[0] and item.gold[1] <= gold[0].end
        if inside and item.gold[1] - item.gold[0] <= 120 and self.random.random() < 0.5:
            record["mode"] = "short"
            record["answer"] = self.paragraphs.texts[item.context][item.gold[0] : item.gold[1]]
            record["spans"] = [[0, len(record["answer"]), *_standing(gold[0], chosen), item.gold[0] - gold[0].start]]
            return
        words, spans = "", []
        for one in gold:
            words += " " if words else ""
            spans.append([len(words), len(words) + len(one.text), *_standing(one, chosen), 0])
            words += one.text
        record["answer"], record["spans"] = words, spans

    def _candidates(self, place: int, number: int, asked: NDArray[Any]) -> Iterator[Candidate]:
        text = self.paragraphs.texts[number]
        for start, end in self.paragraphs.sentences[number]:
            score = float(asked @ self.vectors[text[start:end]])
            if one := candidate(place, text, start, end, score):
                yield one

    def _gold(self, item: Item, candidates: Sequence[Candidate], place: int) -> list[int]:
        if item.gold is None:
            return []
        start, end = item.gold
        return [
            number
            for number, one in enumerate(candidates)
            if one.passage == place and one.start < end and start < one.end
        ][:3]

    def _distractors(self, item: Item, least: int) -> list[int]:
        count = max(least, int(self.random.choice([0, 1, 2, 3, 4], p=[0.3, 0.25, 0.2, 0.15, 0.1])))
        near = [number for number in self.paragraphs.by_title[item.source, item.title] if number != item.context]
        pool = near if len(near) >= count else near + self.paragraphs.by_source[item.source]
        said = self._said(item)
        found: list[int] = []
        for number in self.random.permutation(len(pool))[: 4 * count + 8]:
            other = pool[int(number)]
            if other not in found and other != item.context and not (said and said in self.paragraphs.texts[other]):
                found.append(other)
            if len(found) == count:
                break
        return found

    def _said(self, item: Item) -> str:
        return self.paragraphs.texts[item.context][item.gold[0] : item.gold[1]] if item.gold else ""


def _standing(one: Candidate, chosen: Sequence[Chosen]) -> tuple[int, int]:
    """Source and piece numbers of a candidate in the prompt."""
    for source, group in enumerate(chosen):
        if one in group.candidates:
            return source, group.candidates.index(one)
    raise AssertionError("a kept candidate was not chosen")


def align(answer: str, chosen: Sequence[Chosen], shortest: int = 12) -> list[list[int]]:
    """Spans of a freely worded answer that stand in the prompt: [start, end, source, piece, offset] each."""
    spans: list[list[int]] = []
    covered = np.zeros(len(answer), dtype=bool)
    matches = [
        (block.size, block.a, source, number, block.b)
        for source, group in enumerate(chosen)
        for number, piece in enumerate(group.pieces)
        for block in SequenceMatcher(None, answer, piece.text, autojunk=False).get_matching_blocks()
        if block.size >= shortest
    ]
    for size, start, source, number, offset in sorted(matches, reverse=True):
        if not covered[start : start + size].any():
            covered[start : start + size] = True
            spans.append([start, start + size, source, number, offset])
    return spans


def embed(texts: Sequence[str], cache: Path) -> dict[str, NDArray[Any]]:
    """Unit vectors of texts, taken from and added to the file `cache`."""
    known: dict[str, NDArray[Any]] = {}
    if cache.exists():
        with np.load(cache, allow_pickle=False) as stored:
            names = json.loads(bytes(stored["texts"]).decode())
            known = dict(zip(names, stored["vectors"], strict=True))
    missing = [text for text in dict.fromkeys(texts) if text not in known]
    if missing:
        from index.embedder import load_embedder

        print(f"embedding {len(missing):,} sentences", file=sys.stderr)
        vectors = load_embedder().encode(missing, progress=_progress)
        known |= dict(zip(missing, vectors.astype(np.float16), strict=True))
        cache.parent.mkdir(parents=True, exist_ok=True)
        names = np.frombuffer(json.dumps(list(known)).encode(), dtype=np.uint8)
        with cache.open("wb") as file:
            np.savez(file, texts=names, vectors=np.stack(list(known.values())))
    return {text: known[text].astype(np.float32) for text in dict.fromkeys(texts)}


def _progress(done: int, total: int) -> None:
    print(f"\r{done:,} of {total:,} ", end="\n" if done == total else "", file=sys.stderr, flush=True)


def prepare(arguments: argparse.Namespace) -> dict[str, int]:
    """Write both record files; returns how many records each source gave."""
    from index.paths import shipped_lectures

    tokenizer = Tokenizer.load(arguments.tokenizer)
    paragraphs = Paragraphs()
    items = [item for path in arguments.files for item in read_items(path, paragraphs)]
    for path in arguments.course or []:
        items += [item for item in read_course(path, shipped_lectures(), paragraphs)] * arguments.course_repeats
    for path in arguments.reading or []:
        items += [item for item in read_reading(path, paragraphs)] * arguments.reading_repeats
    items += read_definitions(arguments.definitions or [], arguments.definitions_count, arguments.seed, paragraphs)
    texts = [item.question for item in items]
    for text, spans in zip(paragraphs.texts, paragraphs.sentences, strict=True):
        texts += [text[start:end] for start, end in spans]
    maker = Maker(paragraphs, embed(texts, arguments.cache), tokenizer, arguments.seed)
    counts: dict[str, int] = defaultdict(int)
    with _writer(arguments.output) as train, _writer(arguments.held_out) as held_out:
        for number in np.random.default_rng(arguments.seed).permutation(len(items)):
            item = items[int(number)]
            record = maker.record(item)
            if record is None:
                continue
            # A title is held out whole, so that no paragraph of the dev records was read in training.
            held = zlib.crc32(f"{item.source}/{item.title}".encode()) % 1000 < 1000 * _HELD_OUT
            held = held and item.source != "course" and not item.source.startswith("reading ")
            (held_out if held else train).write(json.dumps(record, ensure_ascii=False) + "\n")
            counts[item.source + (" held out" if held else "")] += 1
        for record in plain_text(arguments.text or [], arguments.text_characters, arguments.seed):
            train.write(json.dumps(record, ensure_ascii=False) + "\n")
            counts["plain text"] += 1
    return dict(counts)


def _writer(path: Path) -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    return gzip.open(path, "wt", encoding="utf-8", compresslevel=3)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m tutor.prepare", description="Make training records for the reader.")
    cli.add_argument("files", type=Path, nargs="*", help="reading-comprehension files, .jsonl or .jsonl.gz")
    cli.add_argument("--course", type=Path, nargs="*", help="question sets of the shipped course (train split only)")
    cli.add_argument("--course-repeats", type=int, default=1, help="examples made from each course question")
    cli.add_argument("--reading", type=Path, nargs="*", help="reading passages with questions (train split only)")
    cli.add_argument("--reading-repeats", type=int, default=1, help="examples made from each of their questions")
    cli.add_argument("--definitions", type=Path, nargs="*", help="plain text to make definition questions from")
    cli.add_argument("--definitions-count", type=int, default=5000, help="how many of them")
    cli.add_argument("--text", type=Path, nargs="*", help="plain text to mix in, .jsonl.xz with text and licence")
    cli.add_argument("--text-characters", type=int, default=6_000_000, help="how much of it")
    cli.add_argument("--tokenizer", type=Path, required=True, help="tokenizer.json, to measure prompts")
    cli.add_argument("--output", type=Path, required=True, help="training records, .jsonl.gz")
    cli.add_argument("--held-out", type=Path, required=True, help="records of held-out titles, .jsonl.gz")
    cli.add_argument("--cache", type=Path, default=Path("runs/data/vectors.npz"), help="embeddings kept between runs")
    cli.add_argument("--seed", type=int, default=1)
    return cli


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    arguments = parser().parse_args(argv)
    try:
        counts = prepare(arguments)
    except (ValueError, OSError) as fault:
        print(f"tutor.prepare: {fault}", file=sys.stderr)
        return 1
    for source, count in sorted(counts.items()):
        print(f"{source}: {count:,}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
