"""The directory of a training run, and the loop that fills it.

    run.json        the command, settings, data hashes, seed, versions
    metrics.jsonl   a line per step
    loss.svg        loss curves
    state.pt        all that is needed to go on exactly where the run stopped
    last/ best/     checkpoints

A run goes on only with the data and settings that it began with; what may change is how long and how often
(`steps`, `minutes`, `decay`, `validate_every`, `save_minutes`). One process at a time writes to it.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from lm import checkpoint
from lm.checkpoint import write_atomically
from lm.data import DataError, ExampleSet
from lm.parallel import agreed, wait
from lm.plot import Series, line_chart
from lm.text import TextSet
from lm.tokenizer import Tokenizer
from lm.trainer import Stepped, Trainer

STATE, METRICS, ABOUT, PICTURE = "state.pt", "metrics.jsonl", "run.json", "loss.svg"
_FREE = {"steps", "minutes", "decay", "validate_every", "save_minutes"}
"""Settings that may differ when a run is taken up again."""
_LOG_EVERY = 10.0
"""Seconds between two lines of progress in a log."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a run; DataError where one is at work in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataError(f"another process is training in {folder}; wait for it or give another --output") from None
        yield


@contextmanager
def _kept(path: Path) -> Iterator[None]:
    """DataError where the disk refuses to write `path`, whatever was saved before then kept."""
    try:
        yield
    except (OSError, RuntimeError) as fault:
        # A full disk reaches torch.save as a RuntimeError of its zip writer.
        reason = getattr(fault, "strerror", None) or str(fault).splitlines()[0]
        raise DataError(
            f"cannot write {path} ({reason}); what was saved before is kept. Make room and run the same command again"
        ) from None


class Stop:
    """Turns the first interrupt (Ctrl-C, SIGTERM) into a wish that the loop reads after each step."""

    def __init__(self) -> None:
        self.wanted = False

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            self._before = {kind: signal.signal(kind, self._note) for kind in (signal.SIGINT, signal.SIGTERM)}
        else:
            self._before = {}
        return self

    def _note(self, kind: int, frame: Any) -> None:
        self.wanted = True
        # A second one is not held back.
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def __exit__(self, *fault: object) -> None:
        for kind, handler in self._before.items():
            signal.signal(kind, handler)


class Clock:
    """How much is left of the minutes that a command may take, counted from `started` (by `time.perf_counter`)."""

    def __init__(self, minutes: float, started: float) -> None:
        self._minutes, self._started = minutes, started
        self._seconds: dict[str, float] = {}

    def left(self) -> float:
        """The share of the time that is left, from 1 down to 0, less what the end will take; 1 without a limit."""
        if not self._minutes:
            return 1.0
        limit = max(60 * self._minutes - sum(self._seconds.values()), 1e-9)
        return max(0.0, 1 - (time.perf_counter() - self._started) / limit)

    @contextmanager
    def of_the_end(self, what: str) -> Iterator[None]:
        """Note how long something takes that the end will see again."""
        began = time.perf_counter()
        yield
        self._seconds[what] = time.perf_counter() - began


class Run:
    """A trainer and the directory that it fills."""

    def __init__(self, trainer: Trainer, tokenizer: Tokenizer, folder: Path, about: dict[str, Any]) -> None:
        self.trainer, self.tokenizer, self.folder, self.about = trainer, tokenizer, folder, about
        self.identity = {
            "model": trainer.model.config.to_json(),
            "data": about.get("data", {}),
            "settings": {name: value for name, value in about.get("settings", {}).items() if name not in _FREE},
        }
        self._metrics: list[dict[str, Any]] = []

    @property
    def writes(self) -> bool:
        """Whether this process of a parallel run is the one that writes."""
        return self.trainer.share.rank == 0

    def resume(self) -> bool:
        """Take up the run where it stopped; False if it has not begun, DataError if it does not fit."""
        path = self.folder / STATE
        if not path.exists():
            return False
        try:
            state = torch.load(path, weights_only=True, map_location="cpu")
            if difference := _difference(json.loads(state["identity"]), self.identity):
                raise ValueError(difference)
            self.trainer.restore(state)
        except (OSError, RuntimeError, EOFError, KeyError, ValueError, TypeError, pickle.UnpicklingError) as fault:
            reason = (str(fault) or type(fault).__name__).splitlines()[0]
            raise DataError(
                f"cannot resume from {path} ({reason}); give the settings it began with or another --output"
            ) from None
        metrics = self.folder / METRICS
        if metrics.exists():
            lines = whole_lines(metrics.read_text(encoding="utf-8", errors="replace"))
            self._metrics = [line for line in lines if line["step"] <= self.trainer.step]
        return True

    def train(self, validation: ExampleSet | TextSet, started: float | None = None) -> bool:
        """Train to the last step or until the minutes since `started` (None: now) are over; False if it was
        interrupted. The run is then saved at the step it came to."""
        trainer, config = self.trainer, self.trainer.config
        clock, left, done = Clock(config.minutes, started or time.perf_counter()), 1.0, trainer.step >= config.steps
        if self.writes:
            with _kept(self.folder / ABOUT):
                write_atomically(self.folder / ABOUT, (json.dumps(self.about, indent=2) + "\n").encode())
            lines = "".join(json.dumps(line) + "\n" for line in self._metrics)
            with _kept(self.folder / METRICS):
                write_atomically(self.folder / METRICS, lines.encode())
        progress, saved = _Progress(trainer), time.perf_counter()
        with Stop() as stop:
            while not done and not stop.wanted:
                stepped = trainer.train_step(left)
                left = agreed(clock.left(), trainer.share, trainer.device) if config.minutes else 1.0
                record: dict[str, Any] = {"step": trainer.step, "loss": stepped.loss, "pointer": stepped.pointer}
                record |= {"norm": stepped.norm, "rate": stepped.rate, "tokens": stepped.tokens}
                done = trainer.step >= config.steps or left == 0
                if trainer.step % config.validate_every == 0 or done:
                    with clock.of_the_end("validation"):
                        if self.writes:
                            record["validation"] = self._validate(validation)
                        wait(trainer.share)
                self._note(record)
                if time.perf_counter() - saved > 60 * config.save_minutes or done:
                    with clock.of_the_end("saving"):
                        self.save()
                    saved = time.perf_counter()
                if self.writes:
                    progress.show(stepped, left)
            if stop.wanted and not done:
                self.save()
        if self.writes and sys.stderr.isatty():
            print(file=sys.stderr)
        return done

    def _validate(self, validation: ExampleSet | TextSet) -> float:
        loss = self.trainer.validate(validation)
        line = f"step {self.trainer.step}: validation loss {loss:.4f}"
        print(f"\r{line:<80}" if sys.stderr.isatty() else line, file=sys.stderr)
        if loss < self.trainer.best:
            self.trainer.best = loss
            self._checkpoint("best")
        return loss

    def _note(self, record: dict[str, Any]) -> None:
        if not self.writes:
            return
        self._metrics.append(record)
        with _kept(self.folder / METRICS), (self.folder / METRICS).open("a", encoding="utf-8") as metrics:
            metrics.write(json.dumps(record) + "\n")
        if "validation" in record:
            with _kept(self.folder / PICTURE):
                write_atomically(self.folder / PICTURE, loss_curves(self._metrics).encode())

    def save(self) -> None:
        """Write state and checkpoint; DataError where the disk refuses, what was saved before then kept."""
        if not self.writes:
            return
        part = self.folder / (STATE + ".part")
        with _kept(self.folder / STATE):
            try:
                with part.open("wb") as file:
                    torch.save(self.trainer.state() | {"identity": json.dumps(self.identity)}, file)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(self.folder / STATE)
            finally:
                part.unlink(missing_ok=True)
        self._checkpoint("last")

    def _checkpoint(self, name: str) -> None:
        with self.trainer.averaged() as model, _kept(self.folder / name):
            checkpoint.save(
                self.folder / name, model, self.tokenizer, training=self.about | {"step": self.trainer.step}
            )


class _Progress:
    """The line that shows how far a run is: written over on a terminal, one in a while into a log."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer, self._started, self._first = trainer, time.perf_counter(), trainer.step
        self._tokens, self._loss = 0, math.nan
        self._start, self._end, self._pause = ("\r", "", 0.0) if sys.stderr.isatty() else ("", "\n", _LOG_EVERY)
        self._shown = -math.inf

    def show(self, stepped: Stepped, share_left: float) -> None:
        self._tokens += stepped.tokens
        self._loss = stepped.loss if math.isnan(self._loss) else 0.98 * self._loss + 0.02 * stepped.loss
        elapsed, config = time.perf_counter() - self._started, self._trainer.config
        steps = config.steps
        left = (steps - self._trainer.step) * elapsed / max(1, self._trainer.step - self._first)
        left = min(left, 60 * config.minutes * share_left) if config.minutes else left
        if elapsed - self._shown < self._pause and self._trainer.step < steps:
            return
        self._shown = elapsed
        print(
            f"{self._start}step {self._trainer.step}/{steps} loss {self._loss:.3f} norm {stepped.norm:.2f} "
            f"{self._tokens / elapsed:,.0f} tokens/s, {left / 60:.1f} min left ",
            end=self._end,
            file=sys.stderr,
            flush=True,
        )


def loss_curves(metrics: list[dict[str, Any]]) -> str:
    """SVG of the training loss, smoothed over some steps, and of the validation loss."""
    steps, smooth, values = [], math.nan, []
    for record in metrics:
        smooth = record["loss"] if math.isnan(smooth) else 0.95 * smooth + 0.05 * record["loss"]
        steps.append(record["step"])
        values.append(smooth)
    curves = [Series("training, smoothed", steps, values)]
    if checked := [record for record in metrics if "validation" in record]:
        points = [record["step"] for record in checked], [record["validation"] for record in checked]
        curves.append(Series("validation", *points))
    return line_chart(curves, title="Loss", x_label="step", y_label="nats per token")


def whole_lines(text: str) -> Iterator[dict[str, Any]]:
    """The records of JSON Lines, but for one that was cut short, as the last may be where a disk was full."""
    for line in text.splitlines():
        with suppress(ValueError):
            yield json.loads(line)


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    """The first thing in which a run is not what it was, in words; empty if there is none."""
    for part, fields in now.items():
        for name in sorted({*fields, *before.get(part, {})}):
            one, other = before.get(part, {}).get(name), fields.get(name)
            if one != other:
                return f"it was begun with {part} {name} {_brief(one)}, now it is {_brief(other)}"
    return ""


def _brief(value: Any) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 24 else text[:12] + "..."
