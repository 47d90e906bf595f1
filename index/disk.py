"""Writing that survives a crash: what has returned from here is on the disk, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Flushes a file, or the list of names of a directory, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(directory: Path) -> None:
    """Flushes every file under `directory`, then the directories themselves."""
    for path in sorted(directory.rglob("*")):
        sync(path)
    sync(directory)


def make_directory(directory: Path) -> None:
    """Makes a directory and the parents that are missing, each on the disk before anything is put into it."""
    missing = [path for path in directory.parents if not path.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    for path in (directory, *missing):
        sync(path.parent)


def reserve(path: Path) -> None:
    """Claims room on the disk for all of a sparse file: a full disk is an OSError here, a killed process later."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def replace_text(path: Path, text: str) -> None:
    """Replaces the file `path` by `text` in one step: a reader sees the old content or the new, nothing between."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)
