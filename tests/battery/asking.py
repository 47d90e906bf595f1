"""Readers that ask a store all the time while something happens to it, and what they saw."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from index.generation import GENERATIONS, current_generation
from index.store import Store
from tests.battery.children import PATIENCE, child, processes
from tests.battery.editions import edition_of
from tests.fake_embedder import FakeEmbedder


@dataclass(kw_only=True)
class Seen:
    """Answers as (when it was asked for, by the clock of the machine; the edition it is from), and what went wrong."""

    answers: list[tuple[float, int]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.answers) + len(self.faults)

    def move_to(self, other: Seen) -> None:
        """All of it is then there and no longer here."""
        other.answers += [self.answers.pop(0) for _ in range(len(self.answers))]
        other.faults += [self.faults.pop(0) for _ in range(len(self.faults))]


Asking = Callable[[Path, Seen, float], None]
"""Asks the store in a folder without end, with so many seconds between, and notes what it saw."""


class Readers:
    """Processes that ask a store all the time; see `reading`."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes
        self._published: list[tuple[float, int]] = []

    def published(self, edition: int) -> None:
        """Whoever asks from now on is answered from this edition or a later one."""
        self._published.append((time.monotonic(), edition))

    def check(self, newest: int) -> int:
        """The number of answers since the last call, at least one in each process. AssertionError unless all are sound
        and from an edition not older than was published when they were asked for and not after `newest`."""
        for pipe in self._pipes:
            pipe.send(None)
        answers = 0
        for pipe in self._pipes:
            assert pipe.poll(PATIENCE), "expected the readers to answer"
            seen: Seen = pipe.recv()
            assert not seen.faults, f"expected answers throughout, got {seen.faults[0]}"
            for asked, edition in seen.answers:
                least = max((known for when, known in self._published if when <= asked), default=0)
                assert least <= edition <= newest, f"expected an answer from edition {least} to {newest}, got {edition}"
            answers += len(seen.answers)
        return answers


@contextmanager
def reading(
    store: Path, *, many: int = 1, threads: int = 1, ask: Asking | None = None, pause: float = 0.03
) -> Iterator[Readers]:
    """So `many` processes ask as long as the block runs, each with so many threads that call `ask` (`ask_store`). The
    pause leaves others room on a small machine."""
    with ExitStack() as stack:
        pipes = []
        for _ in range(many):
            here, there = processes().Pipe()
            stack.enter_context(child(_read, store, there, threads, ask or ask_store, pause))
            there.close()
            pipes.append(here)
        yield Readers(pipes)


def _read(store: Path, parent: Connection, threads: int, ask: Asking, pause: float) -> None:
    seen = [Seen() for _ in range(threads)]
    for one in seen:
        threading.Thread(target=ask, args=(store, one, pause), daemon=True).start()
    while True:
        try:
            parent.recv()
        except EOFError:
            return
        before = sum(map(len, seen))
        while sum(map(len, seen)) == before:
            time.sleep(0.01)
        found = Seen()
        for one in seen:
            one.move_to(found)
        parent.send(found)


def ask_store(store: Path, seen: Seen, pause: float) -> None:
    """Opens the store anew, asks once more what is held open, and follows the store, again and again."""
    held = Store.open(store, embedder=FakeEmbedder())
    first = edition_of(held)
    while True:
        try:
            asked = time.monotonic()
            with Store.open(store, embedder=FakeEmbedder()) as opened:
                seen.answers.append((asked, edition_of(opened)))
            assert edition_of(held) == first, "expected an open store to stay as it was"
            asked = time.monotonic()
            newest = held.newest()
            if newest is not held:
                held.close()
                held, first = newest, edition_of(newest)
            seen.answers.append((asked, first))
        except Exception as fault:  # every fault is told to the parent
            seen.faults.append(f"{type(fault).__name__}: {fault}")
        time.sleep(pause)


def open_edition(store: Path) -> tuple[int, float]:
    """The edition a store answers from after it has been opened, and the seconds that took."""
    began = time.monotonic()
    with Store.open(store, embedder=FakeEmbedder()) as opened:
        return edition_of(opened), time.monotonic() - began


def stale(store: Path) -> list[str]:
    """Names of the directories among the generations of a store that do not answer."""
    current = current_generation(store, verify=False).directory.name
    return sorted(path.name for path in (store / GENERATIONS).iterdir() if path.name != current)
