"""Progress of long work on standard error: a bar on a terminal, else a line every few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Stages = Callable[[str, int, int], None]
"""Called with (stage, done, in all); in all is 0 where it is not known."""

_QUIET_SECONDS = 1.0
_LINE_SECONDS = 5.0


def silent(stage: str, done: int, total: int) -> None:
    """Shows nothing."""


@contextmanager
def stages_on_stderr() -> Iterator[Stages]:
    """Yields a callback that shows each stage of the work on standard error."""
    if sys.stderr.isatty():
        with _bars() as show:
            yield show
    else:
        yield _lines()


@contextmanager
def _bars() -> Iterator[Stages]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=None)
            progress.update(tasks[stage], completed=done, total=total or None)
            for task in progress.tasks:
                progress.update(task.id, visible=task.total is not None or task.id == tasks[stage])

        yield show


def _lines() -> Stages:
    last = time.monotonic() - _LINE_SECONDS + _QUIET_SECONDS

    def show(stage: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _LINE_SECONDS:
            last = time.monotonic()
            print(f"{stage}: {done:,} of {total:,}" if total else stage, file=sys.stderr, flush=True)

    return show
