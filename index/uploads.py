"""Lecture files that were uploaded to a store: a folder for each course, kept beside the store.

    .glassbox/store                     the store, and
    .glassbox/uploads/COURSE/...        its uploads; those of another store DIR are in DIR-uploads/COURSE/...

Every build of the store reads them along, each as a file of the course that its folder is named after.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from corpus.files import SourceFile, find_files

UPLOADED = "uploads"
"""Stands as `root` of an uploaded source in a store, so that store and uploads may move together."""

_OWN_HOME = ".glassbox"


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An uploaded file and the course it belongs to."""

    course: str
    file: SourceFile


def uploads_folder(store: Path) -> Path:
    """Where the uploads of a store are kept; the folder need not exist."""
    store = store.expanduser().resolve()
    return store.with_name(UPLOADED if store.parent.name == _OWN_HOME else f"{store.name}-{UPLOADED}")


def find_uploads(store: Path) -> list[Upload]:
    """The uploaded files of a store, hashed, not read; those that cannot be read have their `problem`."""
    folder = uploads_folder(store)
    if not folder.is_dir():
        return []
    courses = sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    return [
        Upload(course=course.name, file=file)
        for course in courses
        if not course.name.startswith(".")
        for file in find_files([course])
        if file.path != course
    ]
