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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from index.disk import replace_text, sync, sync_tree
from index.errors import StoreError
from index.manifest import Manifest, file_faults, read_manifest

POINTER = "CURRENT"
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
        except (StoreError, FileNotFoundError):
            if _read_pointer(store) == pointer:
                raise


def _open(store: Path, pointer: tuple[str, str], verify: bool) -> Generation:
    name, sha256 = pointer
    directory = store / GENERATIONS / name
    manifest = read_manifest(directory, sha256)
    fault = next(file_faults(directory, manifest), None) if verify else None
    if fault:
        raise StoreError(f"{fault}; build the store again with --force")
    return Generation(directory=directory, manifest=manifest, sha256=sha256)


def _read_pointer(store: Path) -> tuple[str, str]:
    """Name of the current generation and the SHA-256 of its manifest."""
    path = store / POINTER
    try:
        text = path.read_bytes().decode("ascii")
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(f"no store at {store}; run: python -m index.build --store {store}") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}); check its permissions") from error
    except UnicodeDecodeError:
        text = ""
    match = re.fullmatch(r"(\d{6,}) ([0-9a-f]{64})\n", text)
    if match is None:
        raise StoreError(f"{path} is damaged; build the store again with --force")
    return match[1], match[2]


@contextmanager
def writing(store: Path) -> Iterator[None]:
    """Holds the lock of a store and clears away what dead builds left. Raises StoreError when another build has it."""
    import fcntl

    if (
        store.is_dir()
        and any(store.iterdir())
        and not any((store / name).exists() for name in (POINTER, LOCK, GENERATIONS))
    ):
        raise StoreError(f"{store} is a folder with other things in it, not a store; name a new or empty folder")
    try:
        (store / GENERATIONS).mkdir(parents=True, exist_ok=True)
        lock = (store / LOCK).open("a", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write a store at {store} ({error.strerror}); name another with --store") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"another build is writing to {store}; wait until it has finished, then repeat") from None
        for leftover in (store / GENERATIONS).glob(TEMPORARY + "*"):
            shutil.rmtree(leftover)
        yield


def new_directory(store: Path) -> Path:
    """An empty directory to build a generation in. Call with the lock held."""
    return Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=store / GENERATIONS))


def next_name(store: Path) -> str:
    """The name for the next generation: one above the highest there is."""
    return f"{max((int(name) for name in _names(store)), default=0) + 1:06d}"


def publish(
    store: Path, built: Path, manifest: Manifest, sha256: str, *, old: str, fail_point: FailPoint
) -> Generation:
    """Makes the generation in `built`, whose manifest is written and has this hash, the one that answers.

    Call with the lock held. The generation called `old` ("" for none) stays for readers; older ones are deleted.

    Raises StoreError, with the old generation still answering, when what came back from the disk is not what was
    written.
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
    for other in _names(store):
        if other not in (name, old):
            shutil.rmtree(store / GENERATIONS / other, ignore_errors=True)
    return generation


def _names(store: Path) -> list[str]:
    return [path.name for path in (store / GENERATIONS).iterdir() if path.name.isdigit()]
