"""Changes the uploads of a store and rebuilds it in a process of its own; what fails is undone."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

from index.build import build
from index.errors import StoreError, UnreadError
from index.progress import Stages
from tutor.errors import TutorError

Work = Callable[[Path, Collection[Path], Stages], object]
"""Brings a store up to date, or raises UnreadError for the new uploads among these paths that cannot be read; called in
another process, so it has to be a function of a module."""

_WORK = ".change-"
_LOCK = ".lock"
_DONE, _FAILED, _UNREAD = "done", "failed", "unread"
_PAUSE = 0.1
"""Seconds between two reports of progress."""


class LibraryError(TutorError):
    """The lectures cannot be changed like this; the message is one line for the user."""


def rebuild(store: Path, new: Collection[Path], progress: Stages) -> None:
    """Reads the uploads of a store again; everything else in it stays."""
    build((), store, new=new, progress=progress)


def build_apart(work: Work, store: Path, new: Collection[Path], progress: Stages) -> None:
    """Runs `work` in a child process that gives way to the others, and passes its progress on.

    Raises StoreError with its one line where it fails, as an UnreadError where it is on some of the uploads that are
    `new`, and RuntimeError where it dies without a word.
    """
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(work, store, new, sending), name="build-index", daemon=True)
    child.start()
    sending.close()
    try:
        while True:
            stage, done, total = receiving.recv()
            if stage == _DONE:
                return
            if stage == _UNREAD:
                raise UnreadError(done)
            if stage == _FAILED:
                raise StoreError(done)
            progress(stage, done, total)
    except EOFError:
        child.join()
        raise RuntimeError(f"the process that builds the index ended with status {child.exitcode}") from None
    finally:
        receiving.close()
        child.join()


def _child(work: Work, store: Path, new: Collection[Path], pipe: Connection) -> None:
    """The child process. Ctrl+C reaches the whole program; the parent ends this process then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
    last = 0.0

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _PAUSE or done == total:
            last = time.monotonic()
            pipe.send((stage, done, total))

    try:
        work(store, new, tell)
    except UnreadError as fault:
        pipe.send((_UNREAD, fault.files, 0))
    except StoreError as fault:
        pipe.send((_FAILED, str(fault), 0))
    except OSError as fault:
        pipe.send((_FAILED, f"the index cannot be written ({fault.strerror or fault}); make room on the disk", 0))
    else:
        pipe.send((_DONE, 0, 0))


class Change:
    """Files that come and go in the uploads of a store; `undo` puts all back as it was.

    `incoming` is an empty folder for what comes, `came` what was put in its place. `made` says whether there is
    anything to build for.
    """

    def __init__(self, folder: Path, work: Path) -> None:
        self.incoming = work / "new"
        self.incoming.mkdir()
        self.came: set[Path] = set()
        self.made = False
        self._folder = folder
        self._backups = work
        self._done: list[tuple[Path, Path | None]] = []

    def put(self, course: str, name: str) -> None:
        """Moves the file `name` from the folder `incoming` to the uploads of a course."""
        target = self._folder / course / name
        if target.is_dir():
            raise LibraryError(f"{name} is the name of a folder in {course}; rename the file")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise LibraryError(f"a folder of {name} has the name of a file in {course}; rename it") from None
        self.made = True
        self._set_aside(target)
        (self.incoming / name).replace(target)
        self.came.add(target)

    def take_away(self, path: Path | None) -> None:
        """Takes a file out of the uploads; None for one that is gone already."""
        self.made = True
        if path is not None:
            self._set_aside(path)

    def _set_aside(self, target: Path) -> None:
        backup = self._backups / f"old-{len(self._done)}"
        there = target.exists()
        if there:
            target.replace(backup)
        self._done.append((target, backup if there else None))

    def give_up(self, paths: Collection[Path]) -> None:
        """Restores what was at these paths before."""
        for target, backup in reversed(self._done):
            if target not in paths:
                continue
            if backup is None:
                target.unlink(missing_ok=True)
            else:
                backup.replace(target)
        self._done = [one for one in self._done if one[0] not in paths]
        self.came.difference_update(paths)
        self.made = bool(self._done)

    def undo(self) -> None:
        """Restores the uploads as they were before."""
        self.give_up([target for target, _ in self._done])


@contextmanager
def changing(folder: Path) -> Iterator[Change]:
    """Holds the uploads of a store while they change; an error inside undoes what was changed.

    Where the program is killed meanwhile, the next build finds the new files, and the next change tidies up.
    Raises LibraryError when another page is at it.
    """
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LibraryError("another page is changing the lectures of this index; try again afterwards") from None
        for leftover in folder.glob(_WORK + "*"):
            shutil.rmtree(leftover)
        work = Path(tempfile.mkdtemp(prefix=_WORK, dir=folder))
        change = Change(folder, work)
        try:
            yield change
        except BaseException:
            change.undo()
            raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
            _prune(folder)


def _prune(folder: Path) -> None:
    """Removes the folders that hold nothing any more."""
    for path in sorted(folder.rglob("*/"), key=lambda path: len(path.parts), reverse=True):
        if not path.is_symlink():
            with suppress(OSError):
                path.rmdir()
