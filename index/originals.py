"""The lecture file that a source of the store was read from, as long as it is still there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from index.database import Source
from index.uploads import UPLOADED, uploads_folder


def original_file(store: Path, source: Source) -> Path | None:
    """The file of a source, or None where none of its name is left. It may hold other bytes by now: compare the hash.

    Nothing outside of the folder that was named to the build, or of the uploads of the store, is ever returned.
    """
    root = uploads_folder(store) / source.course if source.root == UPLOADED else Path(source.root)
    if not source.root:
        return None
    if root.is_file():
        return root
    for name in _names(source.source):
        path = root / name
        if path.is_file() and path.resolve().is_relative_to(root.resolve()):
            return path
    return None


def _names(source: str) -> Iterator[PurePosixPath]:
    """The name, then without the folders that the store put in front of it to tell it from another source."""
    parts = PurePosixPath(source).parts
    for first in range(len(parts)):
        yield PurePosixPath(*parts[first:])
