"""Measures other choices and other models beside those that are used, on the same questions and the same passages.

    python -m tutor.ablate --vary also=0.12 --vary own_words=false          # dev questions of the shipped course
    python -m tutor.ablate QUESTIONS.jsonl --store DIR --models mini gru --every 3

Every question is searched once. Prints a Markdown table: the share of answers with all key facts and token F1, each
with the half-width of its 95 % interval (refusals count as empty answers), citation and refusal precision / recall, and
words of an answer; with `--alone` also what each model wrote before the tutor checked and completed it. A variation is
NAME=VALUE of `tutor.choices`, several joined by commas.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tutor.evaluate import Outcome, measure, progress, report
from tutor.questions import shipped_or_named

if TYPE_CHECKING:
    from index.hits import Hit
    from index.store import Store
    from tutor.tutor import Tutor

_HEAD = ("", "key facts", "F1", "citation P / R", "refusal P / R", "words")


class Recalling:
    """A store that remembers what it was asked: the same search is done once. In all else the store itself."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._found: dict[tuple[str, str], tuple[Hit, ...]] = {}

    def search(self, query: str, **how: Any) -> tuple[Hit, ...]:
        """What the store finds; see `Store.search`."""
        key = (query, repr(sorted(how.items())))
        if key not in self._found:
            self._found[key] = self._store.search(query, **how)
        return self._found[key]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def variants(tutor: Tutor, models: Sequence[str], variations: Sequence[str]) -> Iterator[tuple[str, Tutor]]:
    """The tutor as it is with each model, and with the first of them each variation, all on one store that recalls."""
    from tutor.tutor import Tutor

    store = cast("Store", Recalling(tutor.store))
    for number, name in enumerate(models or [tutor.model_name]):
        checkpoint = (tutor if number == 0 else tutor.with_model(name)).checkpoint
        yield name, Tutor(store, checkpoint, tutor.choices)
    for variation in variations:
        yield variation, Tutor(store, tutor.checkpoint, tutor.choices.changed(variation.split(",")))


def rows(measured: dict[str, list[Outcome]], k: int) -> Iterator[tuple[str, ...]]:
    """The rows of the table: baselines, then each variant."""
    reports = {name: report(outcomes, k) for name, outcomes in measured.items()}
    first = next(iter(reports.values()))
    for name in (key[len("f1 (") : -1] for key in first if key.startswith("f1 (")):
        if name in ("tutor", "alone"):
            continue
        yield name.replace("_", " "), *(_figure(first, f"{what} ({name})") for what in ("key_facts", "f1")), "", "", ""
    for name, found in reports.items():
        pairs = (_pair(found, "citation"), _pair(found, "refusal"))
        words = "-" if found["words"] is None else f"{found['words']:.0f}"
        yield name, _figure(found, "key_facts (tutor)"), _figure(found, "f1 (tutor)"), *pairs, words
        if "f1 (alone)" in found:
            yield f"{name} alone", _figure(found, "key_facts (alone)"), _figure(found, "f1 (alone)"), "", "", ""


def _figure(found: dict[str, Any], name: str) -> str:
    value, width = found[name], found["interval"][name]
    return "-" if value is None else f"{value:.3f}" + (f" ± {width:.3f}" if width is not None else "")


def _pair(found: dict[str, Any], name: str) -> str:
    values = (found[f"{name}_precision"], found[f"{name}_recall"])
    return " / ".join("-" if value is None else f"{value:.2f}" for value in values)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m tutor.ablate", description="Measure other choices and other models.")
    cli.add_argument("questions", type=Path, nargs="*", help="question files; by default those of the shipped course")
    cli.add_argument("--split", help="only this split (default dev for the shipped questions, all for named files)")
    cli.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th question")
    cli.add_argument("--store", type=Path, help="store to search; by default the shipped lectures")
    cli.add_argument("--models", nargs="+", default=[], metavar="NAME_OR_DIR", help="models to answer with")
    cli.add_argument("--vary", action="append", default=[], metavar="NAME=VALUE,...", help="another choice; repeat")
    cli.add_argument("--alone", action="store_true", help="also the answers as the models write them")
    cli.add_argument("-k", type=int, default=5, help="passages to read (default 5)")
    return cli


def _run(arguments: argparse.Namespace) -> None:
    from tutor.tutor import Tutor

    if arguments.every < 1:
        raise ValueError(f"--every is {arguments.every}; it must be at least 1")
    questions = shipped_or_named(arguments.questions, arguments.split)[:: arguments.every]
    tutor = Tutor.load(arguments.store, arguments.models[0] if arguments.models else None)
    tutors = list(variants(tutor, arguments.models, arguments.vary))
    measured: dict[str, list[Outcome]] = {name: [] for name, _ in tutors}
    for number, question in enumerate(questions, 1):
        for name, one in tutors:
            measured[name].append(measure(one, question, arguments.k, alone=arguments.alone))
        progress(number, len(questions))
    print(f"{len(questions)} questions, {sum(not one.answerable for one in questions)} of them without an answer\n")
    print("| " + " | ".join(_HEAD) + " |\n|" + "---|" * len(_HEAD))
    for row in rows(measured, arguments.k):
        print("| " + " | ".join(row) + " |")


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input, store or model."""
    arguments = parser().parse_args(argv)
    from index.errors import StoreError

    try:
        _run(arguments)
    except (ValueError, StoreError, OSError) as fault:
        print(f"tutor.ablate: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
