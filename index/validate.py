"""Measures rankers on groups that they were not trained on, source by source.

    python -m index.validate runs/ranker/1 runs/ranker/2 --data held.jsonl.gz

Without a folder it measures the shipped ranker. A source and its groups without an answer ("notes" and "notes
unanswered") make one line. How an answer is chosen of what it reads is measured by `python -m tutor.evaluate`.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import StoreError
from index.progress import Stages, silent, stages_on_stderr

if TYPE_CHECKING:
    from index.training import Group

_UNANSWERED = " unanswered"


def lines(folders: Sequence[Path], data: Sequence[Path], progress: Stages = silent) -> Iterator[str]:
    """A line for every ranker and source, of the shipped ranker where none is named. StoreError or ValueError where a
    file cannot be read."""
    from index.embedder import load_embedder
    from index.ranker import SHIPPED, fresh_cross_encoder, read_ranker, take_weights
    from index.training import read_groups, validate

    folders = folders or [SHIPPED]
    embedder = load_embedder()
    by_source: dict[str, list[Group]] = defaultdict(list)
    for group in read_groups(data, embedder.pieces()):
        by_source[group.source.removesuffix(_UNANSWERED)].append(group)
    count, done = len(folders) * sum(map(len, by_source.values())), 0
    for folder in folders:
        found = read_ranker(folder)
        model = fresh_cross_encoder(embedder.directory, found.settings).eval()
        take_weights(model, found.weights)
        for source, groups in sorted(by_source.items()):
            progress("groups measured", done, count)
            figures = validate(model, groups)
            done += len(groups)
            yield (
                f"{folder}  {source}: {len(groups):,} groups, loss {figures['loss']:.3f}, "
                f"best sentence answers {figures['first']:.3f}, tells what has an answer {figures['told']:.3f}"
            )


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    cli = argparse.ArgumentParser(prog="python -m index.validate", description="Measure rankers on held-out groups.")
    cli.add_argument("folders", type=Path, nargs="*", help="folders of rankers (default: the shipped one)")
    cli.add_argument("--data", type=Path, nargs="+", required=True, help="groups, .jsonl or .jsonl.gz")
    arguments = cli.parse_args(argv)
    try:
        with stages_on_stderr() as progress:
            for line in lines(arguments.folders, arguments.data, progress):
                print(line)
    except (ValueError, KeyError, OSError, StoreError) as fault:
        print(f"index.validate: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
