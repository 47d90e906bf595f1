"""Training that is killed, interrupted, poisoned, starved of disk or begun twice, and then goes on."""

from __future__ import annotations

import errno
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from lm.run import STATE
from tests.battery.children import Ended
from tests.battery.learning import (
    LESSONS,
    STEPS,
    Order,
    Result,
    measured,
    result,
    same,
    saved_step,
    steps_made,
    training,
    write_data,
)
from tests.battery.service import ROOT
from tests.battery.syscalls import KILL, Call, Decide, unavailable
from tests.battery.trials import Trials
from tests.battery.watching import patience

SOON = 3.0
"""Seconds in which a run ends that is asked to, on an idle machine."""
_READY = 0.1
"""Seconds after which a process surely listens to signals."""
TIMES = (1, 1, 2, 3, 5)
"""How often in a row a run is killed before one is let through."""

_GROWS = ("open", "write", "room", "make")


def training_runs(trials: Trials) -> None:
    """`count` runs each: killed at points in time, one to five times in a row; killed before a system call on the run's
    folder; asked to end; with a loss or gradient that is no number; with a disk that is full from a call on, fails once
    at a call, or takes no large files; and two on one folder. A tenth of `count` are killed as the command itself.
    Optimizers take turns. Whatever happens, what was saved loads, and the end is the one of the uninterrupted run."""
    runs = _Runs(trials)
    for number in range(trials.count):
        runs.killed_in_time(number)
        runs.asked_to_end(number + 1)
        runs.poisoned(number)
        runs.large_files(number + 1)
        runs.twice(number)
    for number in range(trials.count // 10):
        runs.killed_command(number)
    if reason := unavailable():
        trials.figures["calls"] = reason
    else:
        for number in range(trials.count):
            runs.killed_at_call(number + 1)
            runs.full(number)
            runs.failing(number + 1)
    trials.figures |= {
        "killed before the first save": runs.unsaved,
        "after it": runs.saved,
        "not killed in time": runs.missed,
        "slowest end in seconds when asked to": round(runs.slowest, 2),
    }


class _Runs:
    """Runs that are disturbed, and those that were not."""

    def __init__(self, trials: Trials) -> None:
        self.trials, self.random = trials, trials.random
        self.data = write_data(trials.place / "data")
        self.unsaved = self.saved = self.missed = self.number = 0
        self.slowest = 0.0
        self.whole: dict[str, tuple[Result, float]] = {}
        self.calls: dict[str, list[Call]] = {}
        for optimizer in LESSONS:
            order = self._order(optimizer)
            self.whole[optimizer] = measured(order)
            shutil.rmtree(order.output)

    def killed_in_time(self, number: int) -> None:
        """After some seconds, a few times."""
        with self.trial("killed at a point in time", number, times=self.random.choice(TIMES)) as (order, times):
            for _ in range(times):
                before = saved_step(order.output)
                with training(order) as run:
                    run.begun()
                    time.sleep(self.random.uniform(0, 0.9 * self.whole[order.optimizer][1]))
                    run.kill()
                    self._died(order, run.ended(), before)

    def killed_at_call(self, number: int) -> None:
        """Before a system call on its folder."""
        with self.trial("killed before a system call", number, times=self.random.choice(TIMES[:3])) as (order, times):
            for _ in range(times):
                before = saved_step(order.output)
                call = self._call(order, lambda call: call.kind != "read")
                with training(order, decide=_at(call, KILL)) as run:
                    self._died(order, run.ended(), before)

    def killed_command(self, number: int) -> None:
        """The command as it is typed, imports and all."""
        with self.trial("killed as a command", number, times=2) as (order, times):
            order.output.mkdir()
            for _ in range(times):
                before = saved_step(order.output)
                command = [sys.executable, "-m", "lm.train", *order.arguments()]
                with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
                    deadline = time.monotonic() + self.random.uniform(1, 15) * patience()
                    while process.poll() is None and time.monotonic() < deadline and not self._under_way(order, before):
                        time.sleep(0.01)
                    process.kill()
                    self._died(order, Ended(code=process.wait(), said=""), before)

    def asked_to_end(self, number: int) -> None:
        """SIGTERM, wherever it is."""
        with self.trial("asked to end", number, times=self.random.choice(TIMES[:3])) as (order, times):
            for _ in range(times):
                before = saved_step(order.output)
                with training(order) as run:
                    run.begun()
                    time.sleep(self.random.uniform(_READY * patience(), 0.9 * self.whole[order.optimizer][1]))
                    asked = time.monotonic()
                    run.terminate()
                    ended = run.ended()
                seconds = time.monotonic() - asked
                self.slowest = max(self.slowest, seconds)
                assert seconds < SOON * patience(), f"expected an end within {SOON:g} s, it took {seconds:.1f}"
                step = saved_step(order.output)
                assert step >= before, f"expected step {before} or later to be saved, got {step}"
                # A signal that comes when all is done ends the interpreter on its way out.
                codes = (0, 130, -signal.SIGTERM) if step == STEPS else (130,)
                assert ended.code in codes, f"expected exit {codes}, got {ended} at step {step}"
                if ended.code == 130:
                    where = f"to go on from {order.output / STATE}" if step else "to begin; nothing was saved yet"
                    told = f"stopped; run the same command {where}"
                    lines = _lines(ended)
                    assert lines == [told], f"expected it to say {told}, got {lines}"
                    made = steps_made(order.output)
                    assert step == made, f"expected all {made} steps to be saved, got {step}"

    def poisoned(self, number: int) -> None:
        """A loss or a gradient that is no number."""
        poison, at = self.random.choice(("nan", "inf", "gradient")), self.random.randint(1, STEPS)
        with self.trial("a loss that is no number", number, poison=poison, at=at) as (order, _):
            with training(replace(order, poison=poison, poisoned_at=at)) as run:
                ended = run.ended()
            self._refused(order, ended, 0, says="no longer a number")
            assert (made := steps_made(order.output)) == at - 1, f"expected {at - 1} steps to be noted, got {made}"

    def full(self, number: int) -> None:
        """No space from a system call on."""
        with self.trial("no space from a call on", number) as (order, _):
            call = self._call(order, lambda call: call.kind in _GROWS)

            def decide(reached: Call) -> int:
                return errno.ENOSPC if reached.number >= call and reached.kind in _GROWS else 0

            self._starved(order, decide)

    def failing(self, number: int) -> None:
        """One system call fails."""
        with self.trial("input/output error at a call", number) as (order, _):
            self._starved(order, _at(self._call(order, lambda call: call.kind != "read"), errno.EIO))

    def large_files(self, number: int) -> None:
        """A limit on the size of every file that is written."""
        most = self.random.randint(100, 500_000)
        with self.trial("limit on file size", number, most=most) as (order, _):
            with training(replace(order, most_bytes=most)) as run:
                ended = run.ended()
            if ended.code:
                self._refused(order, ended, 0)

    def twice(self, number: int) -> None:
        """Two processes on one folder: one at a time trains."""
        with self.trial("two on one folder", number) as (order, _):
            with training(order) as one:
                one.begun()
                time.sleep(self.random.uniform(0, self.whole[order.optimizer][1]))
                with training(order) as other:
                    ended = other.ended()
                ended_first = one.ended()
            assert ended_first.code in (0, 1), f"expected exit 0 or 1, got {ended_first}"
            assert 0 in (ended.code, ended_first.code), f"expected one to succeed, got {ended} and {ended_first}"
            for found in (ended, ended_first):
                if found.code:
                    self._refused(order, found, 0, says="another process is training")

    @contextmanager
    def trial(self, kind: str, number: int, times: int = 1, **about: object) -> Iterator[tuple[Order, int]]:
        """A run to disturb, `times` in a row; at the end nothing disturbs it and it ends as it would have."""
        order = self._order(tuple(LESSONS)[number % len(LESSONS)])
        with self.trials.trial(kind, optimizer=order.optimizer, times=times, run=order.output, **about):
            yield order, times
            with training(order) as run:
                ended = run.ended()
            assert ended.code == 0, f"expected the same command to go on, it said {ended.said}"
            found, (expected, _) = result(order.output), self.whole[order.optimizer]
            same(found.metrics, expected.metrics, "metrics")
            same(found.state, expected.state)
            assert saved_step(order.output) == STEPS
        shutil.rmtree(order.output, ignore_errors=True)

    def _order(self, optimizer: str) -> Order:
        self.number += 1
        return Order(optimizer=optimizer, data=self.data, output=self.trials.place / f"run-{self.number}")

    def _died(self, order: Order, ended: Ended, before: int) -> None:
        """Killed, or quicker than that; what was saved before loads, or what was saved since."""
        assert ended.code in (-signal.SIGKILL, 0), f"expected a kill, got {ended}"
        step = saved_step(order.output)
        assert step >= before, f"expected step {before} or later to be saved, got {step}"
        self.missed += ended.code == 0
        self.saved += ended.code != 0 and step > 0
        self.unsaved += ended.code != 0 and step == 0

    def _starved(self, order: Order, decide: Decide) -> None:
        before = saved_step(order.output)
        with training(order, decide=decide) as run:
            ended = run.ended()
        if ended.code:
            self._refused(order, ended, before)

    def _refused(self, order: Order, ended: Ended, before: int, says: str = "lm.train: ") -> None:
        """One line of cause, and what was saved still loads."""
        assert ended.code == 1, f"expected exit status 1, got {ended}"
        lines = _lines(ended)
        assert len(lines) == 1, f"expected one line of cause, got {lines}"
        assert says in lines[0], f"expected a line that says {says!r}, got {lines[0]}"
        step = saved_step(order.output)
        assert step >= before, f"expected step {before} or later to be saved, got {step}"

    def _call(self, order: Order, wanted: Callable[[Call], bool]) -> int:
        """The number of a call of a run that nothing disturbs."""
        if order.optimizer not in self.calls:
            self.calls[order.optimizer] = calls = []
            watched = self._order(order.optimizer)

            def note(call: Call) -> int:
                calls.append(call)
                return 0

            with training(watched, decide=note) as run:
                assert run.ended().code == 0
            shutil.rmtree(watched.output)
        return self.random.choice([call.number for call in self.calls[order.optimizer] if wanted(call)])

    def _under_way(self, order: Order, before: int) -> bool:
        """Whether by a throw of dice it has saved enough."""
        return self.random.random() < 0.02 and (order.output / STATE).exists() and saved_step(order.output) > before


def _at(place: int, answer: int) -> Decide:
    return lambda call: answer if call.number == place else 0


def _lines(ended: Ended) -> list[str]:
    """What it said but for its progress."""
    lines = ended.said.splitlines()
    return [line for line in lines if not line.startswith(("step ", "resuming ")) and " parameters, " not in line]
