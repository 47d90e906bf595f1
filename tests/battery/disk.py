"""Disks that are full, broken or read-only, and power cuts, while a store is built."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from index.generation import GENERATIONS, has_generation
from tests.battery import powercut
from tests.battery.asking import open_edition, stale
from tests.battery.children import Ended, Order, built
from tests.battery.editions import Editions
from tests.battery.syscalls import Call, Decide, unavailable
from tests.battery.trials import Trials

NOTHING = -1
"""Stands for the edition of a store that holds nothing yet."""

_PROGRESS = re.compile(r"(reading|embedding \w+): [\d,]+ of [\d,]+")
_GROWS = ("open", "write", "room", "make")
_PERMITTED = ("read", "open", "make", "rename", "remove")
FIRST = "first build"
_OLD = {FIRST: NOTHING, "rebuild": 1, "forced rebuild": 1}
"""The edition of the store before the build of edition 2."""
SCENES = tuple(_OLD)
Logs = dict[str, tuple[list[Call], powercut.Log]]
"""By scene: the calls on the store of a build that nothing disturbs, and what they did to it."""


def disk(trials: Trials) -> None:
    """At most `count` trials of each kind, and no more than there are: an error of the disk, no space from then on, and
    no permission at the n-th system call on the store of a first build, a rebuild or a forced rebuild; a full file
    system; a limit on the size of files; and `count` states of the disk after a power cut in each of these builds.

    Reading from and writing to memory maps are no calls: the latter meets only the file system that is really full.
    """
    disks = _Disks(trials)
    if reason := unavailable():
        trials.figures["calls, power cuts"] = reason
    else:
        logs = {scene: disks.log(scene) for scene in SCENES}
        disks.faulty_calls("input/output error at a call", lambda call: True, _once(errno.EIO), logs)
        disks.faulty_calls("no space from a call on", lambda call: call.kind in _GROWS, _full, logs)
        disks.faulty_calls("no permission at a call", lambda call: call.kind in _PERMITTED, _once(errno.EACCES), logs)
        for scene, (_, log) in logs.items():
            disks.power_cuts(scene, log)
    disks.small_files()
    disks.small_disks()


def _once(code: int) -> Callable[[int], Decide]:
    def at(place: int) -> Decide:
        return lambda call: code if call.number == place else 0

    return at


def _full(place: int) -> Decide:
    return lambda call: errno.ENOSPC if call.number >= place and call.kind in _GROWS else 0


class _Disks:
    """Makes the trials, each with a store of its own."""

    def __init__(self, trials: Trials) -> None:
        self.trials = trials
        self.editions = Editions(trials.place)
        self.ready = trials.place / "ready"
        """A store of edition 1, with edition 0 still there."""
        for edition in range(2):
            self.editions.write(edition)
            assert built(Order(source=self.editions.folder, store=self.ready)).code == 0
        self.editions.write(2)
        self.number = 0

    @contextmanager
    def order(self, scene: str, place: Path | None = None) -> Iterator[Order]:
        """A build of edition 2 into a store that is as the scene wants it, in `place`; the store is removed after."""
        self.number += 1
        home = (place or self.trials.place) / f"trial-{self.number}"
        home.mkdir()
        if scene != FIRST:
            shutil.copytree(self.ready, home / "store")
        yield Order(source=self.editions.folder, store=home / "store", force=scene == "forced rebuild")
        shutil.rmtree(home)

    def log(self, scene: str) -> tuple[list[Call], powercut.Log]:
        """The calls on the store of a build that nothing disturbs, and what they did to it."""
        calls: list[Call] = []
        with self.order(scene) as order:
            log = powercut.Log(order.store)

            def decide(call: Call) -> int:
                calls.append(call)
                return log.note(call)

            assert built(order, decide=decide).code == 0
            log.take()
        self.trials.figures[f"calls of a {scene}"] = len(calls)
        return calls, log

    def faulty_calls(
        self, kind: str, wanted: Callable[[Call], bool], fault: Callable[[int], Decide], logs: Logs
    ) -> None:
        """Lets one of the calls fail, each of them where there are no more than `count`."""
        places = [(scene, call) for scene, (calls, _) in logs.items() for call in calls if wanted(call)]
        for scene, call in self.trials.random.sample(places, min(self.trials.count, len(places))):
            about = {"scene": scene, "call": call.number, "name": f"{call.name} {call.paths[-1].name}"}
            with self.order(scene) as order, self.trials.trial(kind, store=order.store, **about):
                ended = built(order, decide=fault(call.number))
                self.survived(scene, order, ended, may_tidy=call.kind not in ("read", "remove"))

    def power_cuts(self, scene: str, log: powercut.Log) -> None:
        """Opens what may be left after a power cut; where `number` is a multiple of ten, the build is made again."""
        random = self.trials.random
        for number in range(self.trials.count):
            calls = random.randint(0, len(log.names))
            about = {"scene": scene, "calls": calls, "last": log.names[calls - 1] if calls else ""}
            with self.order(FIRST) as order, self.trials.trial("power cut", store=order.store, **about):
                powercut.write(log.after(calls, random), order.store)
                edition = _edition(order.store)
                expected = {2} if calls == len(log.names) else {_OLD[scene], 2}
                assert edition in expected, f"expected edition {expected} after {calls} calls, got {edition}"
                if number % 10 == 0:
                    _recovers(order)

    def small_files(self) -> None:
        """A limit on the size of every file that is written, anything up to the largest one of a store."""
        largest = max(path.stat().st_size for path in self.ready.rglob("*"))
        for _ in range(self.trials.count):
            scene, most = self.trials.random.choice(SCENES), self.trials.random.randint(100, largest)
            about = {"scene": scene, "most": most}
            with self.order(scene) as order, self.trials.trial("limit on file size", store=order.store, **about):
                self.survived(scene, order, built(replace(order, most_bytes=most)))

    def small_disks(self) -> None:
        """A file system that has room for a part of the new generation."""
        needed = sum(path.stat().st_size for path in self.ready.rglob("*"))
        page = os.sysconf("SC_PAGE_SIZE")
        for _ in range(self.trials.count):
            scene, free = self.trials.random.choice(SCENES), self.trials.random.randrange(page, needed, page)
            with _file_system(self.trials.place / "small") as resize:
                if not resize(2 * needed):
                    self.trials.figures["full file system"] = "may not be mounted here"
                    return
                with self.order(scene, self.trials.place / "small") as order:
                    resize(shutil.disk_usage(order.store.parent).used + free)
                    with self.trials.trial("full file system", store=order.store, scene=scene, free=free):
                        ended = built(order)
                        resize(8 * needed)
                        self.survived(scene, order, ended)

    def survived(self, scene: str, order: Order, ended: Ended, *, may_tidy: bool = True) -> None:
        """An old index or a new one; where the build failed, one line of cause and nothing left behind, if it could
        read and delete what it left; and a next build that succeeds."""
        edition = _edition(order.store)
        if ended.code == 0:
            assert edition == 2, f"expected the new index after success, got edition {edition}"
        else:
            assert ended.code == 1, f"expected exit status 1, got {ended.code}: {ended.said}"
            lines = [line for line in ended.said.splitlines() if not _PROGRESS.fullmatch(line)]
            assert len(lines) == 1, f"expected one line of cause, got {ended.said!r}"
            assert lines[0].startswith("error: "), f"expected a line that begins with error:, got {lines[0]}"
            assert edition in (_OLD[scene], 2), f"expected edition {_OLD[scene]} or 2, got {edition}"
            left = [path.name for path in order.store.glob("*")] + _generations(order.store)
            most = 3 + (0 if edition == NOTHING else 1 if scene == FIRST else 2)
            assert not may_tidy or len(left) <= most, f"expected nothing left behind, got {left}"
        _recovers(order)


def _recovers(order: Order) -> None:
    ended = built(order)
    assert ended.code == 0, f"expected the next build to succeed, it said {ended.said}"
    edition = _edition(order.store)
    assert edition == 2, f"expected the new index after the next build, got edition {edition}"
    left = stale(order.store)
    assert len(left) <= 1, f"expected at most one stale directory, got {left}"


def _generations(store: Path) -> list[str]:
    return [path.name for path in (store / GENERATIONS).glob("*")]


def _edition(store: Path) -> int:
    return open_edition(store)[0] if has_generation(store) else NOTHING


@contextmanager
def _file_system(place: Path) -> Iterator[Callable[[int], bool]]:
    """Mounts a file system in memory at `place` when what it yields is called with its size in bytes for the first
    time, then changes its size; False where that is not permitted."""
    place.mkdir(exist_ok=True)
    mounted = False

    def resize(size: int) -> bool:
        nonlocal mounted
        options = f"size={size}" + (",remount" if mounted else "")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], capture_output=True, check=False)
        mounted = mounted or done.returncode == 0
        return done.returncode == 0

    try:
        yield resize
    finally:
        if mounted:
            subprocess.run(["umount", place], check=True)
