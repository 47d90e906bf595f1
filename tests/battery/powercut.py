"""What a disk may hold after the power went: drawn from a log of all that a build did to a folder.

A log has a snapshot of the folder before each system call that changes it. What was flushed by then is on the disk.
Of everything else any part may be: of each directory some of its changes, in their order or not; of each file, block
by block, what was there before, what was written, or zeros, at the old length or the new one. File systems promise
more than this; a store that survives it survives them.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from pathlib import Path

from tests.battery.syscalls import Call

BLOCK = 512
ROOT = 0
Entries = dict[str, int]
"""Names in a directory and the numbers of the files or directories that they stand for."""


@dataclass(kw_only=True)
class Snapshot:
    """A folder at one moment: directories and files by number. The number of a file stays when its name changes."""

    directories: dict[int, Entries] = field(default_factory=dict)
    files: dict[int, bytes] = field(default_factory=dict)


class Log:
    """Snapshots of a folder before each call that may change it, and which of the calls flushed what."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.snapshots: list[Snapshot] = []
        self.names: list[str] = []
        self.flushed: dict[int, int] = {}
        """The number of what was flushed by position of the call."""
        self._numbers: dict[tuple[int, int], int] = {}
        self._last = ROOT

    def note(self, call: Call) -> int:
        """To be asked before each call; lets it be made."""
        if call.kind == "read":
            return 0
        self.take()
        self.names.append(f"{call.name} {call.paths[-1].name}")
        if call.kind == "sync":
            status = call.paths[0].stat()
            self.flushed[len(self.snapshots) - 1] = self._number(status)
        return 0

    def take(self) -> None:
        """A snapshot of the folder as it is now; one has to be taken at the end, too."""
        taken = Snapshot()
        self._visit(self.folder, ROOT, taken)
        present = taken.directories.keys() | taken.files.keys()
        # An inode that is free may come back as another file.
        self._numbers = {inode: number for inode, number in self._numbers.items() if number in present}
        self.snapshots.append(taken)

    def _visit(self, directory: Path, number: int, taken: Snapshot) -> None:
        entries = taken.directories[number] = {}
        if not directory.is_dir():
            return
        for path in sorted(directory.iterdir()):
            inside = entries[path.name] = self._number(path.stat())
            if path.is_dir():
                self._visit(path, inside, taken)
            else:
                taken.files[inside] = path.read_bytes()

    def _number(self, status: os.stat_result) -> int:
        if self.folder.is_dir() and status.st_ino == self.folder.stat().st_ino:
            return ROOT
        key = (status.st_dev, status.st_ino)
        if key not in self._numbers:
            self._last += 1
            self._numbers[key] = self._last
        return self._numbers[key]

    def after(self, calls: int, chance: random.Random) -> Snapshot:
        """What may be on the disk when the power goes after so many of the calls were made."""
        durable, pending = self._durable(calls)
        now = self.snapshots[calls]
        found = Snapshot()
        for number, entries in durable.directories.items():
            found.directories[number] = _some(entries, pending.get(number, []), chance)
        for number in durable.files.keys() | now.files.keys():
            old = durable.files.get(number, b"")
            found.files[number] = _torn(old, now.files.get(number, old), chance)
        return found

    def _durable(self, calls: int) -> tuple[Snapshot, dict[int, list[dict[str, int | None]]]]:
        """What is surely on the disk, and the changes of each directory that may be."""
        first = self.snapshots[0]
        durable = Snapshot(directories=dict(first.directories), files=dict(first.files))
        pending: dict[int, list[dict[str, int | None]]] = {}
        for place in range(calls):
            here, next_ = self.snapshots[place : place + 2]
            number = self.flushed.get(place)
            if number in here.files:
                durable.files[number] = here.files[number]
            elif number in here.directories:
                durable.directories[number] = here.directories[number]
                pending[number] = []
            for number, entries in next_.directories.items():
                durable.directories.setdefault(number, {})
                before = here.directories.get(number, {})
                change: dict[str, int | None] = {name: None for name in before if name not in entries}
                change |= {name: inside for name, inside in entries.items() if before.get(name) != inside}
                if change:
                    pending.setdefault(number, []).append(change)
        return durable, pending


def write(found: Snapshot, folder: Path, number: int = ROOT) -> None:
    """Makes `folder` hold what is in a snapshot."""
    folder.mkdir()
    for name, inside in found.directories[number].items():
        if inside in found.directories:
            write(found, folder / name, inside)
        else:
            (folder / name).write_bytes(found.files[inside])


def _some(entries: Entries, changes: list[dict[str, int | None]], chance: random.Random) -> Entries:
    """A directory with some of its changes: the first few, or any."""
    if chance.random() < 0.5:
        changes = changes[: chance.randint(0, len(changes))]
    else:
        changes = [change for change in changes if chance.random() < 0.5]
    found = dict(entries)
    for change in changes:
        for name, inside in change.items():
            if inside is None:
                found.pop(name, None)
            else:
                found[name] = inside
    return found


def _torn(old: bytes, new: bytes, chance: random.Random) -> bytes:
    """The old content of a file, the new one, or a mixture of blocks."""
    kind = chance.choice(("old", "new", "torn"))
    if old == new or kind != "torn":
        return old if kind == "old" else new
    size = chance.choice((len(old), len(new), chance.randint(0, len(new))))
    blocks = []
    for start in range(0, size, BLOCK):
        source = chance.choice((old, new, new, b""))
        blocks.append(source[start : start + BLOCK].ljust(BLOCK, b"\0"))
    return b"".join(blocks)[:size]
