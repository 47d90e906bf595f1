"""What the tests of uploads share: builds in another process that go well, fail, die or wait, and files to upload."""

from __future__ import annotations

import os
import signal
import threading
import zipfile
from collections.abc import Collection
from pathlib import Path

from fake_embedder import FakeEmbedder

from index.build import build
from index.progress import Stages


def rebuild(store: Path, new: Collection[Path], progress: Stages) -> None:
    build((), store, new=new, progress=progress, embedder=FakeEmbedder())


def fail(store: Path, new: Collection[Path], progress: Stages) -> None:
    raise OSError(28, "No space left on device")


def die(store: Path, new: Collection[Path], progress: Stages) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for_file(gate: Path, store: Path, new: Collection[Path], progress: Stages) -> None:
    """Reads once the file `gate` is there."""
    progress("reading", 0, 1)
    while not gate.exists():
        threading.Event().wait(0.02)
    rebuild(store, new, progress)


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def archive(path: Path, members: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return path
