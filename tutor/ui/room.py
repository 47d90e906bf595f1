"""How much of what was uploaded may lie about before it is added to the index."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 1_000_000_000
MOST_FILES = 3_000
"""Of all uploads that lie about."""

LONGEST = 1800.0
"""Seconds that an upload may lie about."""

_MINUTE = 60.0


class Room:
    """The folder that uploads come into. What is not added in time is removed, and what broke off on its way, too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._granted: list[tuple[float, int]] = []

    def __call__(self, size: int) -> bool:
        """Whether so many bytes may come in; then they count at once, for uploads come side by side."""
        now = time.monotonic()
        self._granted = [(at, granted) for at, granted in self._granted if at > now - _MINUTE]
        sizes = [*self._tidied(), *(granted for _, granted in self._granted)]
        if len(sizes) >= MOST_FILES or sum(sizes) + size > MOST_BYTES:
            return False
        self._granted.append((now, size))
        return True

    def _tidied(self) -> list[int]:
        """The sizes of the files in the folder, once the old ones are removed."""
        oldest, sizes = time.time() - LONGEST, []
        for path in self._folder.rglob("*"):
            with suppress(OSError):
                found = path.lstat()
                if path.is_dir() and not path.is_symlink():
                    continue
                if found.st_mtime < oldest:
                    path.unlink()
                else:
                    sizes.append(found.st_size)
        return sizes
