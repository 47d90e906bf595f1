"""Finds and hashes the files of a course, without parsing any, so that an index can tell what changed first."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from corpus.document import shown
from corpus.readers import FORMATS, Format, format_of, refusal

MAX_FILE_BYTES = 200_000_000


class SourceError(Exception):
    """A source named by the user is not there; the message is one line that says what to do."""


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A file found under a source.

    `source` is its name relative to the source it was found in, with forward slashes, unique within one call of
    `find_files`. `problem` is empty for a file to be read; else it says in one line why this entry is left out, and
    `size` and `sha256` may be 0 and empty.
    """

    path: Path
    source: str
    size: int = 0
    sha256: str = ""
    problem: str = ""


def find_files(
    sources: Sequence[Path],
    *,
    max_bytes: int = MAX_FILE_BYTES,
    formats: Sequence[Format] = FORMATS,
    progress: Callable[[str], None] | None = None,
) -> list[SourceFile]:
    """The files under `sources` (files or folders), in sorted order, with their hashes.

    Everything that is left out is in the list too, with its reason in `problem`: hidden files, links that lead out
    of the folder, devices, unknown kinds, files too large or not readable, a folder with nothing to read.
    `progress` is called with each name before it is hashed. Raises SourceError where a source does not exist.
    """
    found: list[SourceFile] = []
    taken: set[str] = set()
    seen: dict[str, str] = {}
    for root in sources:
        root = Path(root)
        if not root.exists():
            raise SourceError(f"{root}: no such file or folder; name a lecture file or a folder of them")
        before = len(found)
        for path, name, problem in _walk(root):
            file = _inspect(path, name, problem, max_bytes, formats, progress)
            file = replace(file, source=_unique(name, root, taken))
            # Unlike `Path.resolve` this does not raise where a link leads to itself.
            same = seen.setdefault(os.path.realpath(path), file.source)
            if not file.problem and same != file.source:
                file = replace(file, problem=f"is the same file as {shown(same)}")
            taken.add(file.source)
            found.append(file)
        if root.is_dir() and all(file.problem for file in found[before:]):
            known = " ".join(known.suffixes[0] for known in formats)
            reason = f"holds no new file that can be read; readable are {known}"
            found.append(SourceFile(path=root, source=root.name or str(root), problem=reason))
    return found


def _walk(root: Path) -> Iterator[tuple[Path, str, str]]:
    """Path, relative name and reason to leave it out (or "") of everything under `root`, folders in sorted order."""
    if not root.is_dir():
        yield root, root.name, ""
        return
    inside = root.resolve()
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            entries = sorted(folder.iterdir(), key=lambda path: path.name)
        except OSError as error:
            yield folder, _relative(folder, root), f"cannot be opened ({error.strerror})"
            continue
        folders = []
        for path in entries:
            name = _relative(path, root)
            if path.name.startswith((".", "~$")):
                yield path, name, "is hidden"
            elif path.is_symlink() and (problem := _link_problem(path, inside)):
                yield path, name, problem
            elif path.is_dir():
                folders.append(path)
            else:
                yield path, name, ""
        pending.extend(reversed(folders))


def _relative(path: Path, root: Path) -> str:
    return os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "replace")


def _link_problem(path: Path, inside: Path) -> str:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return "is a link that leads nowhere"
    if not target.is_relative_to(inside):
        return "is a link that leads out of the folder"
    return "is a link to a folder" if target.is_dir() else ""


def _inspect(
    path: Path,
    name: str,
    problem: str,
    max_bytes: int,
    formats: Sequence[Format],
    progress: Callable[[str], None] | None,
) -> SourceFile:
    if problem:
        return SourceFile(path=path, source=name, problem=problem)
    try:
        status = path.stat()
        problem = _problem(name, status, max_bytes, formats)
        if problem:
            return SourceFile(path=path, source=name, size=status.st_size, problem=problem)
        if progress:
            progress(name)
        return SourceFile(path=path, source=name, size=status.st_size, sha256=hash_file(path))
    except OSError as error:
        return SourceFile(path=path, source=name, problem=f"cannot be opened ({error.strerror}); check its permissions")


def _problem(name: str, status: os.stat_result, max_bytes: int, formats: Sequence[Format]) -> str:
    if not stat.S_ISREG(status.st_mode):
        return "is no ordinary file (a device, pipe or socket)"
    if format_of(name, formats) is None:
        return refusal(name, formats)
    if status.st_size == 0:
        return "is empty"
    if status.st_size > max_bytes:
        return f"is {status.st_size / 1e6:,.0f} MB, more than {max_bytes / 1e6:,.0f} MB; split it into parts"
    return ""


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unique(name: str, root: Path, taken: set[str]) -> str:
    """`name`, or with as much of the folder's own path in front (then a number) as no other source has."""
    if name not in taken:
        return name
    folder = (root if root.is_dir() else root.parent).resolve()
    prefix = name
    for part in reversed(folder.parts[1:]):
        prefix = f"{part}/{prefix}"
        if prefix not in taken:
            return prefix
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})"
