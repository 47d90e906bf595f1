"""Fits the weights by which `tutor.dialogue` tells a follow-up from a new question, and says what they find.

    python -m tutor.fit_dialogue

Examples are the follow-ups of the shipped dialogues, and questions put after one or two others, drawn at random, that
they have nothing to do with. Each is searched alone and together with the questions before it; what a
wrong guess costs is the difference of the reciprocal ranks of the evidence. The weights minimise the binary
cross-entropy on the train split, each example counting by that, follow-ups a little more in all than new questions.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tutor.dialogue import leans, signs, standalone, stands_alone
from tutor.evaluate import progress
from tutor.logistic import Floats, fit
from tutor.pointing import pointed
from tutor.questions import Question, holds, shipped_or_named
from tutor.swapping import named, swapped

if TYPE_CHECKING:
    from index.hits import Hit
    from index.store import Store

_NEW = {"train": 700, "dev": 300}
"""New questions by split."""

_NEW_SHARE = 0.8
"""Weight of all new questions, where that of all follow-ups is 1."""

_DEEP = 5


@dataclass(frozen=True, kw_only=True)
class Example:
    """A question after others, with the rank of the evidence (from 1; 0 where it is not among the first) as the tutor
    searches it, alone, and joined with the questions before it; `signs` as the model sees them, `certain` where it is
    not asked."""

    follows: bool
    split: str
    as_it_is: int
    alone: int
    joined: int
    certain: bool
    signs: tuple[float, ...]


class Searched:
    """A store whose searches are remembered."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._found: dict[str, tuple[Hit, ...]] = {}

    def hits(self, text: str) -> tuple[Hit, ...]:
        """The first passages found, unread by the ranker."""
        if text not in self._found:
            self._found[text] = self.store.search(text, k=_DEEP, read=False)
        return self._found[text]

    def nearness(self, text: str) -> float:
        """As `tutor.dialogue` asks for it."""
        return self.hits(text)[0].score if self.hits(text) else 0.0

    def rank(self, text: str, gold: Sequence[str]) -> int:
        """The rank of the first passage with evidence, 0 where none of the first has it."""
        ranks = (rank for rank, hit in enumerate(self.hits(text), 1) if holds(hit.passage.text, gold))
        return next(ranks, 0)


def example(searched: Searched, one: Question, asked: Sequence[str], *, follows: bool) -> Example:
    """A question after the questions `asked`, oldest first."""
    nearness, says = searched.nearness, searched.store.says
    stand = (each for each in reversed(asked) if not named(each) and not leans(each, nearness, says))
    anchor = next(stand, asked[0])
    return Example(
        follows=follows,
        split=one.split,
        as_it_is=searched.rank(standalone(one.question, [(each, "") for each in asked], nearness, says), one.gold),
        alone=searched.rank(one.question, one.gold),
        joined=searched.rank(" ".join(dict.fromkeys((anchor, asked[-1], one.question))), one.gold),
        certain=bool(pointed(one.question, asked[-1]) or swapped(one.question, anchor))
        or stands_alone(one.question, says),
        signs=signs(one.question, nearness),
    )


def examples(searched: Searched, questions: Sequence[Question], seed: int) -> Iterator[Example]:
    """Follow-ups as they are, and new questions after others drawn at random."""
    draw = random.Random(seed)
    for one in questions:
        if one.answerable and one.history:
            yield example(searched, one, [asked for asked, _ in one.history], follows=True)
    for split, count in _NEW.items():
        alone = [one for one in questions if one.answerable and not one.history and one.split == split]
        for number in range(count if len(alone) > 2 else 0):
            one, *before = draw.sample(alone, 2 + number % 2)
            yield example(searched, one, [other.question for other in before], follows=False)


def fitted(found: Sequence[Example]) -> Floats:
    """Weights and bias by the examples that the model is asked about."""
    gains = np.array([_reciprocal(one.joined) - _reciprocal(one.alone) for one in found])
    follows = np.array([one.follows for one in found])
    share = np.where(follows, 1 / max(int(follows.sum()), 1), _NEW_SHARE / max(int((~follows).sum()), 1))
    asked = np.array([not one.certain for one in found])
    signs = np.array([one.signs for one in found])
    return fit(signs[asked], (gains[asked] > 0).astype(float), (np.abs(gains) * share)[asked])


def _reciprocal(rank: int) -> float:
    return 1 / rank if rank else 0.0


def lines(found: Sequence[Example]) -> Iterator[str]:
    """The report: the weights that fit best, then what is found with those in use, alone and joined."""
    weights = fitted([one for one in found if one.split == "train"])
    yield f"WEIGHTS = ({', '.join(f'{weight:.2f}' for weight in weights[:-1])})"
    yield f"BIAS = {weights[-1]:.2f}"
    for follows in (True, False):
        for split in _NEW:
            own = [one for one in found if one.split == split and one.follows == follows]
            as_it_is = _shares([one.as_it_is for one in own])
            alone, joined = _shares([one.alone for one in own]), _shares([one.joined for one in own])
            what = "follow-ups" if follows else "new questions"
            yield f"{len(own)} {what}, {split}: {as_it_is} as it is, {alone} alone, {joined} joined"


def _shares(ranks: Sequence[int]) -> str:
    """Shares of evidence in the first passage, and in the first few."""
    return f"{np.mean(np.array(ranks) == 1):.2f} / {np.mean(np.array(ranks) > 0):.2f}" if ranks else "-"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(
        prog="python -m tutor.fit_dialogue", description="Fit when a question is a follow-up."
    )
    cli.add_argument("--store", type=Path, help="a store of the shipped lectures; by default the default one")
    cli.add_argument("--seed", type=int, default=3, help="draws the new questions (default 3)")
    return cli


def _run(arguments: argparse.Namespace) -> None:
    from index.build import build_shipped
    from index.paths import default_store
    from index.store import Store

    path = arguments.store or default_store()
    if arguments.store is None:
        build_shipped(path)
    searched = Searched(Store.open(path))
    questions = [one for split in _NEW for one in shipped_or_named([], split)]
    found = []
    for number, one in enumerate(examples(searched, questions, arguments.seed), 1):
        found.append(one)
        progress(number, sum(bool(one.history and one.answerable) for one in questions) + sum(_NEW.values()))
    for line in lines(found):
        print(line)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of the store."""
    arguments = parser().parse_args(argv)
    from index.errors import StoreError

    try:
        _run(arguments)
    except (ValueError, StoreError, OSError) as fault:
        print(f"tutor.fit_dialogue: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
