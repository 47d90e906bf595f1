"""Averages the weights of rankers that were trained from the same one, so that less is forgotten.

    python -m index.average runs/ranker/2 runs/ranker/3 --output runs/ranker/mean

Model soups (Wortsman et al. 2022, arXiv:2203.05482); with the ranker that training began from among them, WiSE-FT
(Wortsman et al. 2022, arXiv:2109.01903). One whose updates are of lower rank, or in fewer layers, than those of the
largest is taken in its shape: it says the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from index.errors import StoreError
from index.trained_files import Weights, write_trained


def average(folders: Sequence[Path], output: Path) -> None:
    """Write the mean of the weights of the rankers in `folders` to `output`, with the training of each. Raises
    StoreError where one cannot be read or does not fit into the shape of the largest."""
    from index.ranker import read_ranker

    found = [read_ranker(folder) for folder in folders]
    largest = max(found, key=lambda one: (one.settings.layers, one.settings.rank))
    for folder, one in zip(folders, found, strict=True):
        own, most = one.settings, largest.settings
        if own.scale != most.scale or own.rank > most.rank:
            raise StoreError(f"{folder} has the shape {own}, which does not fit into {most}; average others")
    weights = [grown(one.weights, largest.weights) for one in found]
    mean = {name: np.mean([one[name] for one in weights], axis=0) for name in largest.weights}
    output.mkdir(parents=True, exist_ok=True)
    write_trained(output, mean, largest.settings, {"averaged": [one.training for one in found]})


def grown(weights: Weights, like: Weights) -> Weights:
    """The same updates s B A in the shape of `like`: A takes its further rows from there, as it may have begun with
    them, and B has zeros for them."""
    found = {}
    for name, model in like.items():
        weight = np.zeros_like(model) if name.endswith(".b") else model.copy()
        own = weights.get(name, weight)
        weight[tuple(slice(size) for size in own.shape)] = own
        found[name] = weight
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    cli = argparse.ArgumentParser(prog="python -m index.average", description="Average the weights of rankers.")
    cli.add_argument("folders", type=Path, nargs="+", help="folders of rankers")
    cli.add_argument("--output", type=Path, required=True, help="folder of the mean")
    arguments = cli.parse_args(argv)
    try:
        average(arguments.folders, arguments.output)
    except (OSError, StoreError) as fault:
        print(f"index.average: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
