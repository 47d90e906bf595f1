"""Rebuilds that are killed, at any time and at every step, while a reader asks."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from index.build import build
from index.check import faults
from index.paths import shipped_lectures
from tests.battery.asking import Readers, open_edition, reading, stale
from tests.battery.children import Ended, Order, building, built
from tests.battery.editions import Editions
from tests.battery.syscalls import KILL, Call, unavailable
from tests.battery.trials import Trials
from tests.fake_embedder import FakeEmbedder

START_SECONDS = 2.0


def kill(trials: Trials) -> None:
    """`count` builds killed at points in time over the length of a build, one at each fail point, and `count` before a
    system call that would change the store. Each is made up to three times before one is let through."""
    killed = _Killed(trials)
    steps, calls, seconds = killed.measured()
    with reading(killed.store) as killed.readers:
        for _ in range(trials.count):
            killed.trial("a point in time", {"after": trials.random.uniform(0, 1.1 * seconds)}, killed.later)
        for step in steps:
            killed.trial(f"fail point {step}", {"step": step}, killed.at_step)
        for place in trials.random.sample(list(calls), min(trials.count, len(calls))):
            killed.trial("before a system call", {"place": place, "call": calls[place]}, killed.at_call)
    trials.figures |= {
        "killed before its generation was published": killed.before,
        "after": killed.after,
        "not killed in time": killed.missed,
        "answers while builds were killed": killed.answers,
        "slowest start in seconds": round(killed.slowest, 2),
        "calls of a build that change the store": len(calls) or unavailable(),
    }


class _Killed:
    """One store that is built and killed again and again."""

    readers: Readers

    def __init__(self, trials: Trials) -> None:
        self.trials = trials
        self.store = trials.place / "store"
        self.editions = Editions(trials.place)
        self.edition = 0
        self.before = self.after = self.missed = self.answers = 0
        self.slowest = 0.0

    def measured(self) -> tuple[list[str], dict[int, str], float]:
        """Names of the fail points, the system calls that change the store, by number, and the seconds of a build. Some
        of the shipped lectures stand in the store beside the editions, so that it is not too small."""
        self.editions.write(0)
        lectures = sorted(shipped_lectures().glob("*.md"))[:5]
        build(lectures, self.store, embedder=FakeEmbedder())
        build([self.editions.folder], self.store, embedder=FakeEmbedder())
        steps: list[str] = []
        self._next_edition()
        build([self.editions.folder], self.store, embedder=FakeEmbedder(), fail_point=steps.append)
        calls: dict[int, str] = {}

        def note(call: Call) -> int:
            if call.kind != "read":
                calls[call.number] = f"{call.name} {call.paths[-1].name}"
            return 0

        self._next_edition()
        if not unavailable():
            assert built(self._order(), decide=note).code == 0
        self._next_edition()
        with building(self._order()) as child:
            child.begun()
            began = time.monotonic()
            assert child.ended().code == 0
        return steps, calls, time.monotonic() - began

    def later(self, after: float) -> Ended:
        """Killed after so many seconds."""
        with building(self._order()) as child:
            child.begun()
            time.sleep(after)
            child.kill()
            return child.ended()

    def at_step(self, step: str) -> Ended:
        """Killed at a fail point."""
        return built(self._order(die_at=step))

    def at_call(self, place: int, call: str) -> Ended:
        """Killed before one of the system calls on the store."""
        return built(self._order(), decide=lambda reached: KILL if reached.number == place else 0)

    def trial(self, kind: str, about: dict[str, object], die: Callable[..., Ended]) -> None:
        """Kills the next build one to three times, then lets it through."""
        self._next_edition()
        new, times = self.edition, self.trials.random.choice((1, 1, 2, 3))
        with self.trials.trial(kind, times=times, edition=new, store=self.store, **about):
            old, _ = open_edition(self.store)
            for turn in range(times):
                ended = die(**about)
                # A build may be quicker than the clock, and find nothing to do where the one before was killed late.
                may_end = turn > 0 or "after" in about
                assert ended.code in (-signal.SIGKILL, 0 if may_end else -signal.SIGKILL), (
                    f"expected a kill, got {ended}"
                )
                self._count(ended.code, self._sound({old, new}, most_stale=2), new)
            ended = built(self._order())
            assert ended.code == 0, f"expected the next build to succeed, it said {ended.said}"
            self._sound({new}, most_stale=1)
            self.readers.published(new)
            self.answers += self.readers.check(newest=new)

    def _count(self, code: int, edition: int, new: int) -> None:
        self.missed += code == 0
        self.after += code != 0 and edition == new
        self.before += code != 0 and edition != new

    def _sound(self, expected: set[int], most_stale: int) -> int:
        edition, seconds = open_edition(self.store)
        self.slowest = max(self.slowest, seconds)
        assert edition in expected, f"expected an answer from edition {expected}, got {edition}"
        assert seconds < START_SECONDS, f"expected a start within {START_SECONDS:g} s, it took {seconds:.1f}"
        assert not (found := list(faults(self.store, embedder=FakeEmbedder()))), f"expected a sound store: {found}"
        left = stale(self.store)
        assert len(left) <= most_stale, f"expected at most {most_stale} stale directories, got {left}"
        return edition

    def _next_edition(self) -> None:
        self.edition += 1
        self.editions.write(self.edition)

    def _order(self, die_at: str = "") -> Order:
        return Order(source=self.editions.folder, store=self.store, die_at=die_at)
