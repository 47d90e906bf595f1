"""The rows of the battery by name, with how many trials each makes in the fast part and in full."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from tests.battery.trials import Trials, started


@dataclass(frozen=True, kw_only=True)
class Row:
    """`run` names the function as `module:function`, imported when it is run."""

    run: str
    promise: str
    fast: int
    full: int

    def function(self) -> Callable[[Trials], None]:
        """What makes the trials."""
        module, _, name = self.run.partition(":")
        found: Callable[[Trials], None] = getattr(import_module(f"tests.battery.{module}"), name)
        return found


ROWS: dict[str, Row] = {
    "kill": Row(
        run="kill:kill",
        promise="a rebuild killed at any moment leaves one whole index answering, a quick start and a next build",
        fast=2,
        full=200,
    ),
    "disk": Row(
        run="disk:disk",
        promise="a full or failing disk or a power cut leaves the old index or the new one, and says why in one line",
        fast=2,
        full=1000,
    ),
    "corruption": Row(
        run="corruption:corruption",
        promise="no damaged file loads in silence or crashes: it is refused and named",
        fast=10,
        full=1000,
    ),
    "mismatch": Row(
        run="mismatch:mismatch",
        promise="what does not belong together is refused with what mends it, and that mends it",
        fast=1,
        full=20,
    ),
    "concurrency": Row(
        run="concurrency:concurrency",
        promise="builds, readers and tutors at once: every answer is from one whole generation, and one build writes",
        fast=1,
        full=50,
    ),
    "load": Row(
        run="load:load",
        promise="many at once: nobody sees another's words, all get their turn or a polite word, what is stopped stops",
        fast=8,
        full=800,
    ),
    "soak": Row(
        run="soak:soak",
        promise="thousands of questions leave no more memory, open files or threads behind than hundreds",
        fast=9,
        full=5_000,
    ),
    "questions": Row(
        run="questions:questions",
        promise="whatever is asked, there is a sound answer, a refusal or one line, soon",
        fast=40,
        full=10_000,
    ),
    "documents": Row(
        run="documents:documents",
        promise="a build ends whatever lies in the folder, says of each file what became of it, and good files answer",
        fast=20,
        full=560,
    ),
    "injection": Row(
        run="injection:injection",
        promise="an order in a passage is text: nothing is fetched or obeyed, no HTML gets through, sources are shown",
        fast=2,
        full=100,
    ),
    "http": Row(
        run="web:http",
        promise="whatever is sent to the page, nothing is read, written, fetched or revealed that should not be",
        fast=3,
        full=250,
    ),
    "training": Row(
        run="training:training_runs",
        promise="training that is killed, stopped, poisoned or starved goes on from its last save to the same end",
        fast=1,
        full=50,
    ),
    "gpu": Row(
        run="gpu:gpu",
        promise="where a GPU is missing, too small or breaks, the CPU writes the answer to its end, and a line says so",
        fast=1,
        full=200,
    ),
    "supply": Row(
        run="supply:supply",
        promise="nothing is unpickled, no weights load but those that were published, and every package is pinned",
        fast=1,
        full=50,
    ),
}


def run_row(name: str, count: int, seed: int, keep: Path) -> Trials:
    """All trials of a row."""
    with started(name, count, seed, keep) as trials:
        ROWS[name].function()(trials)
    return trials
