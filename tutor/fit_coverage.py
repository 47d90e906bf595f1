"""Fits the weights of `tutor.coverage` on questions with and without an answer, and says what each threshold gives.

    python -m tutor.fit_coverage --course 3 --on STORE QUESTIONS.jsonl --on OTHER_STORE OTHER.jsonl

`--course N` takes every N-th dev question of the shipped course. The weights minimise the binary cross-entropy, both
outcomes weighing the same, plus 1e-3 of their squares. The figures are those of five-fold cross-validation: the area
under the curve, and for each threshold and set the precision and recall of refusals and the share of answerable
questions that are lost.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tutor.evaluate import progress
from tutor.logistic import Floats, balanced, fit
from tutor.questions import Question, read_questions, shipped_or_named

if TYPE_CHECKING:
    from tutor.tutor import Tutor

_FOLDS = 5
_THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)


def cross_validated(x: Floats, covered: Floats) -> Floats:
    """P(covered) [N] of each question by the weights fitted on the other folds."""
    fold = np.arange(len(x)) % _FOLDS
    found = np.zeros(len(x))
    for number in range(_FOLDS):
        others = covered[fold != number]
        weights = fit(x[fold != number], others, balanced(others))
        found[fold == number] = 1 / (1 + np.exp(-(x[fold == number] @ weights[:-1] + weights[-1])))
    return found


def area(p: Floats, covered: Floats) -> float:
    """Area under the ROC curve: how often a covered question gets more than one that is not, draws counting half."""
    more = p[covered == 1][:, None] - p[covered == 0][None]
    return float((np.sign(more) + 1).mean() / 2)


def signals_of(tutor: Tutor, questions: Sequence[Question]) -> Iterator[tuple[float, ...]]:
    """The signals of each question, as `Signals.vector` orders them."""
    from tutor.coverage import signals

    for number, question in enumerate(questions, 1):
        alone = tutor.query(question.question, question.history)
        yield signals(alone, tutor.store.search(alone), tutor.store.says).vector()
        progress(number, len(questions))


def lines(x: Floats, covered: Floats, names: Sequence[str]) -> Iterator[str]:
    """The report on signals [N, F], outcomes [N] and the set [N] that each question is of."""
    weights = fit(x, covered, balanced(covered))
    yield f"WEIGHTS = ({', '.join(f'{weight:.3f}' for weight in weights[:-1])})"
    yield f"BIAS = {weights[-1]:.3f}"
    p, without = cross_validated(x, covered), int((1 - covered).sum())
    yield f"{len(x)} questions, {without} without an answer; area under the curve {area(p, covered):.3f}"
    of = np.array(names)
    for threshold in _THRESHOLDS:
        parts = []
        for name in dict.fromkeys(names):
            own = of == name
            refused, right = (p < threshold) & own, covered == 0
            precision = f"{right[refused].mean():.2f}" if refused.any() else "-"
            recall = (refused & right).sum() / max((own & right).sum(), 1)
            lost = (refused & ~right).sum() / max((own & ~right).sum(), 1)
            parts.append(f"{name} {precision} / {recall:.2f}, {lost:.3f} lost")
        yield f"{threshold:.2f}: " + "; ".join(parts)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m tutor.fit_coverage", description="Fit when the tutor declines.")
    cli.add_argument("--course", type=int, default=0, metavar="N", help="every N-th dev question of the shipped course")
    cli.add_argument("--on", nargs=2, action="append", default=[], metavar=("STORE", "QUESTIONS"), type=Path)
    return cli


def _run(arguments: argparse.Namespace) -> None:
    from tutor.tutor import Tutor

    sets: list[tuple[str, Any, list[Question]]] = []
    if arguments.course > 0:
        sets.append(("course", None, shipped_or_named([], "dev")[:: arguments.course]))
    sets += [(path.stem, store, read_questions([path], None)) for store, path in arguments.on]
    if not sets:
        raise ValueError("there is nothing to fit on; give --course N or --on STORE QUESTIONS")
    x, covered, names = [], [], []
    for name, store, questions in sets:
        x += list(signals_of(Tutor.load(store), questions))
        covered += [float(one.answerable) for one in questions]
        names += [name] * len(questions)
    for line in lines(np.array(x), np.array(covered), names):
        print(line)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input, store or model."""
    arguments = parser().parse_args(argv)
    from index.errors import StoreError

    try:
        _run(arguments)
    except (ValueError, StoreError, OSError) as fault:
        print(f"tutor.fit_coverage: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
