"""Measures the ranker in bfloat16 beside float32: `python -m index.rank_benchmark --store DIR`.

Every question is the innermost heading of a passage, and what is read are the first passages that a search finds for
it. The two number formats take turns, question by question.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from index.errors import StoreError
from index.hits import readable
from index.paths import default_store
from index.ranker import Ranker, multiplies_bfloat16
from index.scoring import Readable
from index.store import RERANKED, Store


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Median seconds a question in float32 and in bfloat16, and the mean and the largest difference of a sentence's
    probability."""

    questions: int
    seconds: tuple[float, float]
    mean: float
    largest: float


def compared(asked: Sequence[tuple[str, Sequence[Readable]]]) -> Compared:
    """Read (question, passages) in both formats."""
    rankers = [Ranker.load(dtype=dtype) for dtype in (torch.float32, torch.bfloat16)]
    seconds: tuple[list[float], list[float]] = ([], [])
    differences = []
    for question, passages in asked:
        found = []
        for ranker, taken in zip(rankers, seconds, strict=True):
            started = time.perf_counter()
            log_odds = np.concatenate(ranker.scores(question, passages))
            taken.append(time.perf_counter() - started)
            found.append(1 / (1 + np.exp(-log_odds.astype(np.float64))))
        differences.append(np.abs(found[0] - found[1]))
    every = np.concatenate(differences)
    medians = float(np.median(seconds[0])), float(np.median(seconds[1]))
    return Compared(questions=len(asked), seconds=medians, mean=float(every.mean()), largest=float(every.max()))


def questions_of(store: Store, count: int) -> list[tuple[str, list[Readable]]]:
    """At most `count` headings of the store, evenly spread, with the passages found for each."""
    headings = list(dict.fromkeys(one.locator.headings[-1] for one in store.passages() if one.locator.headings))
    chosen = headings[:: max(1, len(headings) // count)][:count]
    return [(one, [readable(hit) for hit in store.search(one, k=RERANKED, read=False)]) for one in chosen]


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; 0 on success, 1 with one line on a fault."""
    parser = argparse.ArgumentParser(prog="python -m index.rank_benchmark", description=__doc__)
    parser.add_argument("--store", type=Path, help="a store (default: the one of the shipped lectures)")
    parser.add_argument("--questions", type=int, default=40, help="questions asked (default: %(default)s)")
    options = parser.parse_args(argv)
    if options.questions < 1:
        print("error: --questions must be at least 1", file=sys.stderr)
        return 1
    try:
        with Store.open(options.store or default_store()) as store:
            asked = questions_of(store, options.questions)
        if not asked:
            raise StoreError("the store has no headings to ask for; build one of lectures that have some")
        result = compared(asked)
    except StoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    single, half = result.seconds
    took = f"median {single:.3f} s in float32, {half:.3f} s in bfloat16 ({half / single:.2f})"
    print(f"{result.questions} questions; {took}")
    print(f"probabilities differ by {result.mean:.5f} on average and {result.largest:.3f} at most")
    print(f"this CPU has {'' if multiplies_bfloat16() else 'no '}instructions for bfloat16")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
