"""Averages the weights of models that were trained from the same one, which may be better than each of them.

    python -m lm.average runs/one/last runs/two/last runs/mean

Model soups (Wortsman et al. 2022, arXiv:2203.05482).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m lm.average", description="Average the weights of models.")
    cli.add_argument("models", nargs="+", metavar="model", help="checkpoint name or directory")
    cli.add_argument("output", type=Path, help="directory to write")
    return cli


def average(models: Sequence[str], output: Path) -> None:
    """Write the mean of the weights of checkpoints to `output` in fp32, with the training of each. Raises
    CheckpointError for one that cannot be read, ValueError for one of another shape or other words than the first."""
    import torch

    from lm.checkpoint import load, save

    found = [load(model) for model in models]
    first = found[0]
    for name, one in zip(models, found, strict=True):
        if one.model.config != first.model.config or one.tokenizer.to_json() != first.tokenizer.to_json():
            raise ValueError(f"{name} has another shape or other words than {models[0]}; average models of one start")
    weights = [one.model.state_dict() for one in found]
    mean = {name: torch.stack([one[name] for one in weights]).mean(dim=0) for name in weights[0]}
    first.model.load_state_dict(mean)
    training = {"averaged": [one.training for one in found], "parameters": first.model.parameters_count()}
    save(output, first.model, first.tokenizer, training=training)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    arguments = parser().parse_args(argv)
    try:
        average(arguments.models, arguments.output)
    except (ValueError, OSError) as fault:
        print(f"lm.average: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
