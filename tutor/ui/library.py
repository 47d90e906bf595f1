"""The lectures behind the page: what is indexed, whether it is sound, and how lectures are added and removed."""

from __future__ import annotations

import threading
import time
import traceback
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from index.errors import UnreadError
from index.paths import shipped_lectures
from index.uploads import uploads_folder
from tutor.ui.loading import Loading, user_errors
from tutor.ui.rebuilding import Change, LibraryError, Work, build_apart, changing, rebuild
from tutor.ui.receiving import Rejected, receive

if TYPE_CHECKING:
    from index.catalogue import SourceInfo

LARGEST_LIBRARY = 2_000_000_000
"""Bytes of all uploads of a store."""
LONGEST_COURSE = 60
"""Characters of the name of a course."""

KEPT = {
    "shipped": "a build of the shipped lectures would bring it back",
    "folder": "take it out of the folder that it was read from and run python -m index.build on that folder",
}
"""Why a document cannot be removed here, by its origin."""

_NO_UPLOADS = "the lectures cannot be changed from this page; start it with --uploads to allow it"
_BUSY = "the lectures are being read at this moment; wait until that has finished"
_BUG = "something went wrong inside the program; the reason stands in the terminal that runs it"


@dataclass(frozen=True, kw_only=True)
class Document:
    """A lecture file of the store and where it came from; only what was uploaded can be removed."""

    course: str
    source: str
    title: str
    passages: int
    origin: Literal["uploaded", "shipped", "folder"]
    warnings: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a change did to the index: (course, source) of the files that came, changed and went; the number of those
    that stayed; and the files that were not taken."""

    added: tuple[tuple[str, str], ...] = ()
    changed: tuple[tuple[str, str], ...] = ()
    removed: tuple[tuple[str, str], ...] = ()
    unchanged: int = 0
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Status:
    """The change at work, or the last one. `done` of `total` counts the steps of the `stage`; `fault` is one line."""

    busy: bool = False
    stage: str = ""
    done: int = 0
    total: int = 0
    difference: Difference | None = None
    fault: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Health:
    """A check of the store from end to end: one line for each fault, none where it is sound."""

    generation: str
    faults: tuple[str, ...]
    seconds: float


class Library:
    """The store of a page. One change at a time; the old index answers until the new one is there."""

    def __init__(self, loading: Loading, store: Path, *, uploads: bool, work: Work = rebuild) -> None:
        """`uploads` allows changes; `work` is what brings the store up to date, in another process."""
        self.uploads = uploads
        self._loading = loading
        self.store = store
        self._folder = uploads_folder(store)
        self._work = work
        self._status = Status()
        self._one = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def status(self) -> Status:
        """What is going on, or how the last change ended."""
        return self._status

    def documents(self) -> tuple[Document, ...]:
        """Every file of the store, in the order of courses and names. Raises NotLoaded."""
        shipped = shipped_lectures()
        return tuple(_document(one, shipped) for one in self._sources().values())

    def health(self) -> Health:
        """Check every file, count, passage and vector of the store. Raises NotLoaded, StoreError without a store."""
        from index.check import faults

        started = time.perf_counter()
        store = self._loading.get().store
        lines = tuple(self._plain(line) for line in faults(self.store, embedder=store.embedder))
        return Health(generation=store.generation, faults=lines, seconds=time.perf_counter() - started)

    def add(self, files: Sequence[Path], course: str) -> None:
        """Begin to take files and ZIP archives of them into a course, replacing those of the same name.

        Returns at once; `status` tells of it. Raises LibraryError where nothing was begun.
        """
        course = check_course(course, (*self._loading.get().store.courses(), *self._folders()))
        if not files:
            raise LibraryError("choose files first, or a ZIP archive of them")
        self._begin(lambda change: self._put(change, files, course))

    def remove(self, course: str, source: str) -> None:
        """Begin to remove an uploaded file. Raises LibraryError for one that is not there or was not uploaded here."""
        sources = self._sources()
        found = sources.pop((course, source), None)
        if found is None:
            raise LibraryError(f"there is no {source} in {course} any more")
        origin = _document(found, shipped_lectures()).origin
        if origin != "uploaded":
            raise LibraryError(f"{source} cannot be removed here: {KEPT[origin]}")
        if all(one.reason for one in sources.values()):
            raise LibraryError(f"{source} is the only document of the index; add another one first")
        path = found.path

        def take_away(change: Change) -> tuple[Rejected, ...]:
            change.take_away(path)
            return ()

        self._begin(take_away)

    def wait(self) -> Status:
        """The status once the change at work has ended."""
        if self._thread is not None:
            self._thread.join()
        return self._status

    def _begin(self, change: Callable[[Change], tuple[Rejected, ...]]) -> None:
        if not self.uploads:
            raise LibraryError(_NO_UPLOADS)
        if not self._one.acquire(blocking=False):
            raise LibraryError(_BUSY)
        self._status = Status(busy=True, stage="checking the files")
        self._thread = threading.Thread(target=self._run, args=(change,), name="change-lectures", daemon=True)
        self._thread.start()

    def _run(self, change: Callable[[Change], tuple[Rejected, ...]]) -> None:
        started = time.perf_counter()
        try:
            difference, fault = self._changed(change), ""
        except Exception as error:
            # The border to the page: whatever happens below, the reader sees a line and the terminal the reason.
            difference, fault = None, self._line(error)
        seconds = time.perf_counter() - started
        self._status = Status(difference=difference, fault=fault, seconds=seconds)
        self._one.release()

    def _changed(self, change: Callable[[Change], tuple[Rejected, ...]]) -> Difference:
        before = self._sources()
        with changing(self._folder) as files:
            rejected = change(files)
            rejected += self._built(files)
        self._tell("opening the new index", 0, 0)
        self._loading.refresh()
        return difference(before, self._sources(), rejected)

    def _built(self, change: Change) -> tuple[Rejected, ...]:
        """Builds for a change; returned are the new files that cannot be read, which are taken back."""
        rejected: list[Rejected] = []
        while change.made:
            self._tell("starting", 0, 0)
            try:
                build_apart(self._work, self.store, frozenset(change.came), self._tell)
                break
            except UnreadError as unread:
                change.give_up(unread.files)
                rejected += [self._not_kept(path, reason) for path, reason in unread.files.items()]
        return tuple(rejected)

    def _not_kept(self, path: Path, reason: str) -> Rejected:
        """What is told of a new file that was taken back."""
        name = Path(*path.relative_to(self._folder).parts[1:]).as_posix()
        end = "; not kept" + (", the earlier file of this name stays" if path.exists() else "")
        return Rejected(name=name, reason=reason + end)

    def _put(self, change: Change, files: Sequence[Path], course: str) -> tuple[Rejected, ...]:
        received = receive(files, change.incoming)
        size = sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())
        if received.files and size > LARGEST_LIBRARY:
            raise LibraryError(f"the uploads would hold more than {LARGEST_LIBRARY / 1e9:g} GB; remove some first")
        for name in received.files:
            change.put(course, name)
        return received.rejected

    def _tell(self, stage: str, done: int, total: int) -> None:
        self._status = replace(self._status, stage=stage, done=done, total=total)

    def _sources(self) -> dict[tuple[str, str], SourceInfo]:
        return {(one.course, one.source): one for one in self._loading.get().store.sources()}

    def _folders(self) -> Iterable[str]:
        return (path.name for path in self._folder.glob("[!.]*") if path.is_dir())

    def _line(self, fault: Exception) -> str:
        if isinstance(fault, user_errors()):
            return self._plain(str(fault))
        if isinstance(fault, OSError):
            return (
                f"the files cannot be kept ({fault.strerror or fault}); make room on the disk or mend its permissions"
            )
        traceback.print_exception(fault)
        return _BUG

    def _plain(self, line: str) -> str:
        """A line without the place of the store on this machine."""
        return " ".join(line.replace(str(self.store), "the index").split())


def _document(one: SourceInfo, shipped: Path) -> Document:
    origin: Literal["uploaded", "shipped", "folder"] = "uploaded" if one.uploaded else "folder"
    if one.path is not None and one.path.resolve().is_relative_to(shipped):
        origin = "shipped"
    return Document(
        course=one.course,
        source=one.source,
        title=one.title,
        passages=one.passages,
        origin=origin,
        warnings=one.warnings,
        reason=one.reason,
    )


def difference(
    before: dict[tuple[str, str], SourceInfo],
    after: dict[tuple[str, str], SourceInfo],
    rejected: Sequence[Rejected],
) -> Difference:
    """What lies between two states of a store, beside the files that were `rejected`."""
    were = {key: one.sha256 for key, one in before.items() if not one.reason}
    are = {key: one.sha256 for key, one in after.items() if not one.reason}
    return Difference(
        added=tuple(key for key in are if key not in were),
        changed=tuple(key for key in are if key in were and are[key] != were[key]),
        removed=tuple(key for key in before if key not in after or (key in were and key not in are)),
        unchanged=sum(are[key] == were.get(key) for key in are),
        rejected=tuple(rejected),
    )


def check_course(name: str, known: Iterable[str]) -> str:
    """The name of a course as it is kept; one of the `known` where it differs in capitals only. Raises LibraryError."""
    name = unicodedata.normalize("NFC", " ".join(name.split()))
    if not name:
        raise LibraryError("name the course that the files belong to")
    if len(name) > LONGEST_COURSE:
        raise LibraryError(f"the name of the course has {len(name)} characters; use at most {LONGEST_COURSE}")
    odd = next((c for c in name if unicodedata.category(c)[0] not in "LMN" and c not in " .,&()'+-_:#"), "")
    if odd or not name[0].isalnum():
        raise LibraryError("the name of a course has letters, digits, spaces and . , & ( ) ' + - _ : # only")
    return next((one for one in known if one.casefold() == name.casefold()), name)
