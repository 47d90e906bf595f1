"""Builds in child processes that may be killed, starved or watched, and what became of them."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache, partial
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from tests.battery.syscalls import Decide, answering, ask_first
from tests.fake_embedder import FakeEmbedder

PATIENCE = 180.0
"""Seconds after which a child counts as hung."""

_NUMBERS = itertools.count()
_LOADED = ["pytest", "index.build", "index.store", "index.vectors", "faiss", "tests.battery.rows", __name__]
_LOADED += ["lm.run", "torch._dynamo"]
"""The latter is what the first optimizer that is made loads."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A build to make: of the folder `source` into `store`, or with other `arguments` than these. The child ends itself
    with SIGKILL at the fail point `die_at`; it may write no file of more than `most_bytes` (0: as large as it likes).
    Whatever embedder is asked for by name, it is `embedder`."""

    source: Path
    store: Path
    arguments: tuple[str, ...] = ()
    force: bool = False
    die_at: str = ""
    most_bytes: int = 0
    embedder: FakeEmbedder = field(default_factory=FakeEmbedder)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a child ended: its exit status, minus the signal that ended it, and what it wrote to standard error."""

    code: int
    said: str


class Build:
    """A child under way."""

    def __init__(self, process: ForkServerProcess, signals: socket.socket, errors: Path) -> None:
        self._process, self._signals, self._errors = process, signals, errors

    def begun(self) -> None:
        """Waits until all is loaded and the build begins."""
        self._signals.settimeout(PATIENCE)
        assert self._signals.recv(1), "expected the child to begin"

    def kill(self) -> None:
        """Ends the process as `kill -9` does."""
        self._process.kill()

    def terminate(self) -> None:
        """Asks the process to end as `kill` does."""
        self._process.terminate()

    def ended(self) -> Ended:
        """Waits for the end."""
        self._process.join(PATIENCE)
        code = self._process.exitcode
        assert code is not None, f"expected the build to end within {PATIENCE:g} s"
        said = self._errors.read_text(encoding="utf-8", errors="replace") if self._errors.exists() else ""
        return Ended(code=code, said=said)


@cache
def processes() -> ForkServerContext:
    """Starts children from a process that has loaded everything: they are there at once, and each as good as new."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LOADED)
    return context


@contextmanager
def child(target: Callable[..., object], *arguments: object) -> Iterator[ForkServerProcess]:
    """A process that calls `target(*arguments)`; it does not outlive the block."""
    process = processes().Process(target=target, args=arguments, daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join(PATIENCE)


@contextmanager
def building(order: Order, *, decide: Decide | None = None) -> Iterator[Build]:
    """Runs `python -m index.build`, with the quick embedder, in a process of its own. `decide` is asked before each
    system call on the folder of the store."""
    errors = order.store.with_name(f"errors-{next(_NUMBERS)}.txt")
    here, there = socket.socketpair()
    with here, child(_build, order, errors, there, decide is not None) as process:
        there.close()
        with answering(here, order.store, decide) if decide else nullcontext():
            yield Build(process, here, errors)
    errors.unlink(missing_ok=True)


def built(order: Order, *, decide: Decide | None = None) -> Ended:
    """Runs such a build to its end."""
    with building(order, decide=decide) as build:
        return build.ended()


def _build(order: Order, errors: Path, parent: socket.socket, watched: bool) -> None:
    with errors.open("wb") as file:
        os.dup2(file.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    import index.build as command

    def die(reached: str) -> None:
        if reached == order.die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    build = partial(command.build, fail_point=die)
    vars(command).update(load_embedder=lambda name="": order.embedder, build=build)
    if order.most_bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.most_bytes, order.most_bytes))
    if watched:
        ask_first(parent)
    else:
        parent.send(b".")
    force = ["--force"] if order.force else []
    sys.exit(command.main(order.arguments or [str(order.source), "--store", str(order.store), *force]))
