"""Learning curves of several training runs in one chart: `python -m lm.curves RUN RUN ... --output FILE`."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from lm.plot import Series, line_chart, save_chart
from lm.run import METRICS, whole_lines


def smoothed(values: Iterable[float], keep: float) -> list[float]:
    """The exponential moving average over the sum of its weights: sum_i keep^(t-i) v_i / sum_i keep^(t-i)."""
    found, total, weight = [], 0.0, 0.0
    for value in values:
        total, weight = keep * total + value, keep * weight + 1
        found.append(total / weight)
    return found


def learning_curves(runs: Sequence[Path]) -> str:
    """SVG of the training loss of each run over the tokens that it has seen, averaged over about a tenth of its steps.

    The first twentieth, where all fall from the same height, is left out. FileNotFoundError where a folder is no run,
    ValueError where a run has no step yet or there are more than a chart shows.
    """
    curves = []
    for run in runs:
        steps = list(whole_lines((run / METRICS).read_text(encoding="utf-8")))
        if not steps:
            raise ValueError(f"{run} has no step yet; wait for one")
        seen, tokens = 0, []
        for step in steps:
            seen += step["tokens"]
            tokens.append(seen / 1e6)
        first = math.ceil(len(steps) / 20)
        average = smoothed((step["loss"] for step in steps), keep=1 - 10 / max(len(steps), 20))
        curves.append(Series(run.name, tokens[first:], average[first:]))
    return line_chart(curves, title="Training loss", x_label="million tokens", y_label="nats per token, smoothed")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m lm.curves", description="Draw learning curves into one chart.")
    cli.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders that lm.train wrote to")
    cli.add_argument("--output", type=Path, required=True, metavar="FILE", help="the SVG to write")
    return cli


def main(argv: Sequence[str] | None = None) -> int:
    """Draw; 2 and one line where a folder is no run."""
    arguments = parser().parse_args(argv)
    try:
        save_chart(arguments.output, learning_curves(arguments.runs))
    except (OSError, ValueError) as fault:
        print(f"lm.curves: {fault}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
