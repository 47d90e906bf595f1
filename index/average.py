"""Averages the weights of rankers that were trained from the same one, so that less is forgotten.

    python -m index.average runs/ranker/2 runs/ranker/3 --output runs/ranker/mean

Model soups (Wortsman et al. 2022, arXiv:2203.05482); with the ranker that training began from among them, WiSE-FT
(Wortsman et al. 2022, arXiv:2109.01903).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from index.errors import StoreError
from index.trained_files import write_trained


def average(folders: Sequence[Path], output: Path) -> None:
    """Write the mean of the weights of the rankers in `folders` to `output`, with the training of each. Raises
    StoreError where one cannot be read or has another shape than the first."""
    from index.ranker import read_ranker

    found = [read_ranker(folder) for folder in folders]
    for folder, one in zip(folders, found, strict=True):
        if one.settings != found[0].settings:
            raise StoreError(f"{folder} has another shape than {folders[0]}; average rankers of one shape")
    mean = {name: np.mean([one.weights[name] for one in found], axis=0) for name in found[0].weights}
    output.mkdir(parents=True, exist_ok=True)
    write_trained(output, mean, found[0].settings, {"averaged": [one.training for one in found]})


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    cli = argparse.ArgumentParser(prog="python -m index.average", description="Average the weights of rankers.")
    cli.add_argument("folders", type=Path, nargs="+", help="folders of rankers of one shape")
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
