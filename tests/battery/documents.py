"""The row `documents`: folders in which hostile files lie beside good ones."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from index.build import build
from index.embedder import load_embedder
from index.report import BuildReport, FileReport
from index.sources import find
from tests.battery.answers import check_answer, mini, open_quick, write_notes
from tests.battery.hostile_files import Kind, kinds
from tests.battery.hostile_office import SECRET
from tests.battery.trials import Trials
from tests.battery.watching import Listener, Memory, patience
from tests.fake_embedder import FakeEmbedder
from tutor import Tutor
from tutor.choices import Choices

TOGETHER = 20
"""Hostile files in one folder."""
MOST_MEGABYTES, MOST_SECONDS = 100.0, 30.0

BESIDE = {
    "0-lighthouse.md": "# Lighthouses\n\nThe keeper of the lighthouse winds the clockwork every four hours.\n",
    "zz-kestrel.md": "# Kestrels\n\nA kestrel hovers against the wind to look for voles.\n",
}
ASKED = {
    "How often does the keeper wind the clockwork?": "0-lighthouse.md",
    "What does a kestrel look for?": "zz-kestrel.md",
}


class CountingEmbedder(FakeEmbedder):
    """The quick embedder with the word pieces of the one that ships, so that splitting takes as long as it does."""

    def __init__(self) -> None:
        super().__init__()
        self._counting = load_embedder()
        self.max_tokens = self._counting.max_tokens

    def count_tokens(self, text: str) -> int:
        return self._counting.count_tokens(text)


_OBEYED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")


@dataclass(kw_only=True)
class Folder:
    """What one build was given and what it took: hostile files by name, and seconds and megabytes by source."""

    place: Path
    hostile: dict[str, Kind]
    seconds: dict[str, float] = field(default_factory=dict)
    megabytes: dict[str, float] = field(default_factory=dict)

    def build(self) -> BuildReport:
        """Builds a store of the folder, with a watch on every file."""
        sources = [file.source for file in find([self.place / "notes"], self.place / "store")]
        memory, last = Memory(), [0, time.perf_counter()]

        def progress(stage: str, done: int, total: int) -> None:
            now = time.perf_counter()
            if stage == "reading" and done > last[0]:
                self.seconds[sources[done - 1]] = now - last[1]
                self.megabytes[sources[done - 1]] = memory.grown()
                memory.restart()
            last[:] = [done, now]

        return build([self.place / "notes"], self.place / "store", embedder=CountingEmbedder(), progress=progress)


def documents(trials: Trials) -> None:
    """`count` hostile files of all kinds in turn, some in a folder together with two good notes; a trial for each file,
    and one for each folder."""
    outside = trials.place / "outside"
    write_notes(outside, {"secret.md": f"# Secret\n\nThis is {SECRET}.\n"})
    write_notes(trials.place / "warm" / "notes", BESIDE)
    Folder(place=trials.place / "warm", hostile={}).build()
    listener = Listener()
    every = kinds(outside / "secret.md", listener.url)
    most: dict[str, float] = {"MB": 0.0, "seconds": 0.0}
    for first in range(0, trials.count, TOGETHER):
        place = trials.place / f"folder-{first}"
        notes = write_notes(place / "notes", BESIDE)
        numbers = range(first, min(first + TOGETHER, trials.count))
        chosen = {number: every[number % len(every)] for number in numbers}
        hostile = {kind.place(notes, f"{number:03}", trials.random): kind for number, kind in chosen.items()}
        folder = Folder(place=place, hostile=hostile)
        try_folder(trials, folder)
        most["MB"] = max(most["MB"], *folder.megabytes.values(), 0.0)
        most["seconds"] = max(most["seconds"], *folder.seconds.values(), 0.0)
        shutil.rmtree(place)
    assert not listener.calls
    listener.close()
    trials.figures |= {f"most {unit} for a file": round(value, 1) for unit, value in most.items()}


def try_folder(trials: Trials, folder: Folder) -> None:
    """Builds a store of a folder and looks what became of each file, and whether the good ones answer."""
    report = None
    with trials.trial("folder", hostile=[f"{name!r}: {kind.what}" for name, kind in folder.hostile.items()]):
        report = folder.build()
        check_beside(folder, report)
    for name, kind in folder.hostile.items() if report else ():
        path = folder.place / "notes" / name
        small = path.is_file() and not path.is_symlink() and path.stat().st_size < 50_000_000
        with trials.trial(kind.family, what=kind.what, name=repr(name), file=path if small else repr(path)):
            assert report is not None
            check_file(folder, report, name, kind)


def check_beside(folder: Folder, report: BuildReport) -> None:
    """The good files are read and answer, nothing of the secret was read, and the report is a line a file."""
    by_name = {file.source: file for file in report.files}
    for name in BESIDE:
        assert by_name[name].status == "read", f"{name} is read, not {by_name[name].status}"
    lines = list(report.lines())
    assert len([line for line in lines if not line.startswith(" ")]) == len(report.files) + 1, "a line for each file"
    assert all(line.isprintable() for line in lines), "no line holds what a terminal would obey"
    with open_quick(folder.place / "store") as store:
        for passage in store.passages():
            place = passage.locator.describe()
            assert SECRET not in passage.text, f"nothing from outside the folder is in the store, but {place!r}"
            obeyed = _OBEYED.search(passage.text) or _OBEYED.search(f"{place}{passage.document}".replace("\n", "\x1b"))
            assert not obeyed, f"nothing that is shown moves a terminal's cursor, but {place!r}"
        tutor = Tutor(store, mini(), Choices(threshold=0.0))
        for question, name in ASKED.items():
            answer = tutor.ask(question, trace=False)
            check_answer(answer, k=5, longest=20_000, markers=False)
            cited = answer.citations[0].passage.locator.source
            assert cited == name, f"{question!r} is answered from {name}, not {cited!r}"


def check_file(folder: Folder, report: BuildReport, name: str, kind: Kind) -> None:
    """A hostile file was read, or stands in the report with its cause in one line; and it cost little."""
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    found = [file for file in report.files if file.source == shown or file.source.startswith(f"{shown}/")]
    assert found, f"{name!r} stands in the report"
    for file in found:
        check_report(file)
        assert kind.fate in ("", file.status), f"{kind.what} is {kind.fate}, not {file.status} ({file.reason})"
        seconds, grown = folder.seconds[file.source], folder.megabytes[file.source]
        assert seconds < MOST_SECONDS * patience(), f"{kind.what} takes {MOST_SECONDS:.0f} s at most, not {seconds:.1f}"
        assert grown < MOST_MEGABYTES, f"{kind.what} costs less than {MOST_MEGABYTES:.0f} MB, not {grown:.0f}"


def check_report(file: FileReport) -> None:
    """The entry of a file is read with passages, or skipped with a reason of one short line."""
    if file.status == "read":
        assert file.passages > 0, "what is read has passages"
        assert not file.reason, f"what is read has no reason not to be, but {file.reason!r}"
    else:
        assert file.status == "skipped", f"a new file is read or skipped, not {file.status}"
        assert file.reason, "what is skipped has a reason"
    assert len(file.warnings) <= 30, f"there are a few remarks at most, not {len(file.warnings):,}"
    for line in (file.reason, *file.warnings):
        assert line.isprintable(), f"the reason is one line that can be printed, not {line[:200]!r}"
        assert len(line) <= 600, f"the reason is short, not {len(line):,} characters"
