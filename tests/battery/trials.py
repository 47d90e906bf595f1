"""What a row of the battery is given: chance with a seed, a place to work in, and a count of what survived."""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(kw_only=True)
class Trials:
    """The trials of one row. `count` says how many are wanted; `random` is the only source of chance; `place` is an
    empty directory that is removed at the end; `keep` holds a directory for each failure."""

    row: str
    count: int
    seed: int
    place: Path
    keep: Path
    tried: Counter[str] = field(default_factory=Counter)
    survived: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    figures: dict[str, float | str] = field(default_factory=dict)
    skipped: str = ""

    def __post_init__(self) -> None:
        self.random = random.Random(f"{self.row} {self.seed}")

    @contextmanager
    def trial(self, kind: str, **about: Any) -> Iterator[None]:
        """One trial of a kind ("fail point", "bit flip"): it survives unless the block raises. `about` is what
        reproduces it: values that JSON holds, and paths of files, which are copied."""
        self.tried[kind] += 1
        try:
            yield
        except Exception as fault:  # every failure counts, whatever it is
            self._keep(kind, about, fault)
        else:
            self.survived[kind] += 1
        self._progress()

    def _keep(self, kind: str, about: dict[str, Any], fault: Exception) -> None:
        said = " ".join(str(fault).split())[:300]
        self.failures.append(f"{kind}: {type(fault).__name__}: {said}")
        place = self.keep / f"{self.row}-{len(self.failures):03}"
        place.mkdir(parents=True, exist_ok=True)
        for name, value in about.items():
            if isinstance(value, Path) and value.exists():
                copy = shutil.copytree if value.is_dir() else shutil.copy2
                copy(value, place / f"{name}{value.suffix}")
        told = {"row": self.row, "seed": self.seed, "kind": kind, "about": about, "fault": traceback.format_exc()}
        (place / "failure.json").write_text(json.dumps(told, indent=1, default=str), encoding="utf-8")

    def _progress(self) -> None:
        done = self.tried.total()
        if sys.stderr.isatty() or done % 50 == 0:
            print(f"\r{self.row}: {done:,} tried, {len(self.failures)} failed ", end="", file=sys.stderr, flush=True)


@contextmanager
def started(row: str, count: int, seed: int, keep: Path) -> Iterator[Trials]:
    """Trials with a place of their own to work in; their seconds are among the figures."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="glassbox-battery-") as place:
        trials = Trials(row=row, count=count, seed=seed, place=Path(place), keep=keep)
        yield trials
    trials.figures["seconds"] = round(time.monotonic() - began, 1)
