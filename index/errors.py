"""The one exception of this package that is meant for the user."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path


class StoreError(Exception):
    """Something the user can mend; the message is one line that says what to do next."""


class UnreadError(StoreError):
    """Uploads that came new could not be read. `files` says why, by path."""

    def __init__(self, files: Mapping[Path, str]) -> None:
        super().__init__("; ".join(f"{path.name} {reason}" for path, reason in files.items()))
        self.files = dict(files)


_LONGEST = 100
"""Characters of a name in a message."""


def quoted(name: str) -> str:
    """A name in quotation marks for a message, the end of a very long one left out."""
    return repr(name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…")


def build_command(store: Path, *options: str) -> str:
    """The command that builds a store, for a message."""
    return "run: " + shlex.join(["python", "-m", "index.build", "--store", str(store), *options])


def damaged(path: Path, what: str) -> StoreError:
    """The error for a file of a generation, STORE/generations/NAME/FILE, that cannot be used: which file, what is the
    matter with it, and the command that mends the store."""
    return StoreError(f"{path} {what}; {build_command(path.parents[2], '--force')}")
