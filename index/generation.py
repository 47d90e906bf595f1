"""Generations of a store on the disk: which one answers, who may write, and how a new one takes over.

    STORE/lock                      held while a build writes
    STORE/CURRENT                   one line: the generation that answers, and the SHA-256 of its manifest
    STORE/generations/000001/       a generation: it never changes once it has its name
    STORE/generations/.building-*   a build at work, or what a crash left of one

Everything a generation holds is hashed in its manifest, and the manifest in CURRENT.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from index.disk import make_directory, replace_text, sync, sync_tree
from index.errors import StoreError, build_command
from index.manifest import DATABASE, POINTER, Manifest, file_faults, read_manifest

LOCK = "lock"
GENERATIONS = "generations"
TEMPORARY = ".building-"

FailPoint = Callable[[str], None]
"""Called with the name of each step of publishing once it is done; a test may raise or kill the process there."""


@dataclass(frozen=True, kw_only=True)
class Generation:
    """A published generation: its directory, what its manifest says, and the SHA-256 of that."""

    directory: Path
    manifest: Manifest
    sha256: str


def no_fail(step: str) -> None:
    """The fail point of a build that is let through."""


def has_generation(store: Path) -> bool:
    """Whether anything was ever published in this store."""
    return (store / POINTER).exists()


def is_current(store: Path, generation: Generation) -> bool:
    """Whether this generation is the one that answers. Reads the pointer alone; StoreError when there is none."""
    return _read_pointer(store) == (generation.manifest.generation, generation.sha256)


def current_generation(store: Path, *, verify: bool = True) -> Generation:
    """The generation that answers, with all its files verified. Raises StoreError when there is none or it is damaged.

    A build may replace the generation between two steps of this; then the pointer has moved and it starts again.
    """
    while True:
        pointer = _read_pointer(store)
        try:
            return _open(store, pointer, verify)
        except StoreError:
            if _read_pointer(store) == pointer:
                raise


def salvaged(store: Path, *, older: bool) -> Generation | None:
    """The newest generation of a damaged store if its texts are whole, so that it can be built anew from these; else,
    where an `older` one will do, the newest of which they are; else None."""
    names = sorted(_names(store), key=int, reverse=True)
    for name in names if older else names[:1]:
        directory = store / GENERATIONS / name
        with suppress(StoreError, OSError, LookupError, TypeError):
            manifest = read_manifest(directory)
            if not any(file_faults(directory, manifest, [DATABASE])):
                return Generation(directory=directory, manifest=manifest, sha256="")
    return None


def _open(store: Path, pointer: tuple[str, str], verify: bool) -> Generation:
    name, sha256 = pointer
    directory = store / GENERATIONS / name
    try:
        manifest = read_manifest(directory, sha256)
        fault = next(file_faults(directory, manifest), None) if verify else None
    except OSError as error:
        raise StoreError(f"{error.filename or directory} cannot be read ({error.strerror}); check the disk") from error
    if fault:
        raise StoreError(f"{fault}; {build_command(store, '--force')}")
    return Generation(directory=directory, manifest=manifest, sha256=sha256)


def _read_pointer(store: Path) -> tuple[str, str]:
    """Name of the current generation and the SHA-256 of its manifest."""
    path = store / POINTER
    try:
        text = path.read_bytes().decode("ascii")
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(f"no store at {store}; {build_command(store)}") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}); check its permissions") from error
    except UnicodeDecodeError:
        text = ""
    match = re.fullmatch(r"(\d{6,}) ([0-9a-f]{64})\n", text)
    if match is None:
        raise StoreError(f"{path} is damaged; {build_command(store, '--force')}")
    return match[1], match[2]


@contextmanager
def writing(store: Path) -> Iterator[None]:
    """Holds the lock of a store, and clears away before and after what is no longer of use. Raises StoreError when
    another build has it."""
    import fcntl

    if (
        store.is_dir()
        and any(store.iterdir())
        and not any((store / name).exists() for name in (POINTER, LOCK, GENERATIONS))
    ):
        raise StoreError(f"{store} is a folder with other things in it, not a store; name a new or empty folder")
    try:
        make_directory(store / GENERATIONS)
        lock = (store / LOCK).open("a", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write a store at {store} ({error.strerror}); name another with --store") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"another build is writing to {store}; wait until it has finished, then repeat") from None
        _tidy(store)
        try:
            yield
        finally:
            with suppress(OSError):
                _tidy(store)


def _tidy(store: Path) -> None:
    """Deletes what dead builds left, and generations that nobody needs."""
    generations = store / GENERATIONS
    for path in (*generations.glob(TEMPORARY + "*"), *(generations / name for name in _unused(store))):
        shutil.rmtree(path, ignore_errors=True)


def _unused(store: Path) -> list[str]:
    """All generations but the one that answers and, for those who still read it, the one before. None where it cannot
    be told which one answers."""
    names = sorted(_names(store), key=int)
    if not has_generation(store):
        return names
    try:
        place = names.index(current_generation(store, verify=False).directory.name)
    except StoreError:
        return []
    return names[: max(0, place - 1)] + names[place + 1 :]


def new_directory(store: Path) -> Path:
    """An empty directory to build a generation in. Call with the lock held."""
    return Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=store / GENERATIONS))


def next_name(store: Path) -> str:
    """The name for the next generation: one above the highest there is."""
    return f"{max((int(name) for name in _names(store)), default=0) + 1:06d}"


def publish(store: Path, built: Path, manifest: Manifest, sha256: str, fail_point: FailPoint) -> Generation:
    """Makes the generation in `built`, whose manifest is written and has this hash, the one that answers.

    Call with the lock held. Raises StoreError, with the old generation still answering, when what came back from the
    disk is not what was written.
    """
    sync_tree(built)
    fail_point("flushed")
    name = manifest.generation
    directory = store / GENERATIONS / name
    built.replace(directory)
    sync(directory.parent)
    fail_point("renamed")
    generation = _open(store, (name, sha256), verify=True)
    fail_point("verified")
    replace_text(store / POINTER, f"{name} {sha256}\n")
    fail_point("published")
    return generation


def _names(store: Path) -> list[str]:
    generations = store / GENERATIONS
    return [path.name for path in (generations.iterdir() if generations.is_dir() else ()) if path.name.isdigit()]
