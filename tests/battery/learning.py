"""Training in child processes that may be killed, starved, poisoned or watched, and what it must leave behind."""

from __future__ import annotations

import itertools
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from lm import checkpoint
from lm.data import Example, ExampleSet, examples_of
from lm.model import LanguageModel
from lm.run import METRICS, STATE
from lm.source import LossOf
from lm.text import TextSet
from tests.battery.children import Build, child
from tests.battery.syscalls import Decide, answering, ask_first
from tests.lm_samples import TEXTS, small_tokenizer

STEPS = 16

_NUMBERS = itertools.count()

_LESSON = (
    "--preset", "tiny", "--precision", "fp32", "--device", "cpu", "--steps", str(STEPS), "--batch-tokens", "96",
    "--validate-every", "5", "--warmup", "4", "--dropout", "0.1", "--ema", "0.9", "--save-minutes", "0.002",
)  # fmt: skip
LESSONS = {
    "adamw": ("--optimizer", "adamw", "--architecture", "lstm", "--window", "12"),
    "muon": ("--optimizer", "muon", "--architecture", "transformer"),
}
"""By optimizer: an LSTM on plain text, whose state goes from window to window, and a Transformer on examples."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A run to begin or to take up, in the folder `output`. The loss or its gradient is `poison` ("nan", "inf" or
    "gradient") at the update `poisoned_at` of this process; no file may have more than `most_bytes` (0: any size)."""

    optimizer: str
    data: Path
    output: Path
    further: tuple[str, ...] = ()
    poison: str = ""
    poisoned_at: int = 0
    most_bytes: int = 0

    def arguments(self) -> list[str]:
        """Those of `python -m lm.train`."""
        kind = "text" if self.optimizer == "adamw" else "examples"
        train, held_out = (str(self.data / f"{kind}-{part}.npz") for part in ("train", "dev"))
        files = ["--tokenizer", str(self.data / "tok.json"), "--data", train, "--validation", held_out]
        return [*files, "--output", str(self.output), *_LESSON, *LESSONS[self.optimizer], *self.further]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run has come to: its loss curve and its weights, optimizers and place in the data."""

    metrics: list[dict[str, Any]]
    state: dict[str, Any]


def write_data(folder: Path) -> Path:
    """Little to learn from, packed both as text and as examples."""
    folder.mkdir(parents=True)
    tokenizer = small_tokenizer()
    (folder / "tok.json").write_text(tokenizer.to_json(), encoding="utf-8")
    for part, texts in (("train", TEXTS[:3]), ("dev", TEXTS[3:])):
        TextSet.pack(tokenizer, [" ".join(texts)] * 3).save(folder / f"text-{part}.npz", tokenizer=tokenizer)
        examples: list[Example] = list(examples_of(tokenizer, [_record(text) for text in texts]))
        ExampleSet.pack(examples).save(folder / f"examples-{part}.npz", tokenizer=tokenizer)
    return folder


def _record(text: str) -> dict[str, Any]:
    """Its first sentence answers."""
    answer = text[: text.index(".") + 1] if "." in text else text
    spans = [[0, len(answer), 0, 0, 0]]
    return {"question": "What?", "sources": [[[text, 1, 0]]], "mode": "full", "answer": answer, "spans": spans}


@contextmanager
def training(order: Order, *, decide: Decide | None = None) -> Iterator[Build]:
    """Runs `python -m lm.train` in a process of its own. `decide` is asked before each system call on its folder."""
    errors = order.output.with_name(f"errors-{next(_NUMBERS)}.txt")
    here, there = socket.socketpair()
    with here, child(_train, order, errors, there, decide is not None) as process:
        there.close()
        with answering(here, order.output, decide) if decide else nullcontext():
            yield Build(process, here, errors)
    errors.unlink(missing_ok=True)


def _train(order: Order, errors: Path, parent: socket.socket, watched: bool) -> None:
    with errors.open("wb") as file:
        os.dup2(file.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    import lm.trainer
    from lm.train import main

    torch.set_num_threads(1)
    if order.poison:
        vars(lm.trainer)["LossOf"] = partial(_Poisoned, order.poison, order.poisoned_at)
    if order.most_bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.most_bytes, order.most_bytes))
    if watched:
        ask_first(parent)
    else:
        parent.send(b".")
    sys.exit(main(order.arguments()))


class _Poisoned(LossOf):
    """A loss that is no number, or has no gradient, when it is asked for the n-th time."""

    def __init__(self, poison: str, at: int, model: LanguageModel) -> None:
        super().__init__(model)
        self._poison, self._left = poison, at

    def forward(self, what: str, *arguments: Any) -> Any:
        """See `LossOf`."""
        found = super().forward(what, *arguments)
        self._left -= 1
        if self._left:
            return found
        text = isinstance(found, torch.Tensor)
        losses = found if text else found.nll
        # The square root of nothing is a number, its gradient is none.
        losses = losses + {"nan": torch.nan, "inf": torch.inf, "gradient": (0 * losses).sqrt()}[self._poison]
        return losses if text else replace(found, nll=losses)


def result(folder: Path) -> Result:
    """What stands in the directory of a run."""
    lines = (folder / METRICS).read_text(encoding="utf-8").splitlines()
    return Result(metrics=[json.loads(line) for line in lines], state=_state(folder))


def saved_step(folder: Path) -> int:
    """The step that a run would be taken up at, 0 where it would begin anew. State and checkpoints load."""
    for name in ("last", "best"):
        if (folder / name / checkpoint.CONFIG).exists():
            checkpoint.load(folder / name)
    return int(_state(folder)["step"]) if (folder / STATE).exists() else 0


def steps_made(folder: Path) -> int:
    """How many steps are noted."""
    metrics = folder / METRICS
    return len(metrics.read_text(encoding="utf-8").splitlines()) if metrics.exists() else 0


def _state(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(folder / STATE, weights_only=True, map_location="cpu")
    return found


def same(found: Any, expected: Any, name: str = "state") -> None:
    """Both are alike to the last bit."""
    if isinstance(expected, torch.Tensor):
        assert torch.equal(found, expected), f"expected {name} to be that of the uninterrupted run"
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys(), f"expected {name} to hold {list(expected)}, got {list(found)}"
        for key, value in expected.items():
            same(found[key], value, f"{name} {key}")
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected), f"expected {name} to have {len(expected)} parts, got {len(found)}"
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            same(one, other, f"{name} {number}")
    else:
        assert found == expected, f"expected {name} to be {expected}, got {found}"


def measured(order: Order) -> tuple[Result, float]:
    """The result of a run that nothing disturbs, and its seconds."""
    with training(order) as run:
        run.begun()
        began = time.monotonic()
        ended = run.ended()
    assert ended.code == 0, f"expected the run to succeed, it said {ended.said}"
    return result(order.output), time.monotonic() - began
