"""A process that loads what may be damaged, so that a crash ends it alone."""

from __future__ import annotations

import contextlib
import io
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from index.errors import StoreError
from tests.battery.children import PATIENCE, child, processes
from tests.fake_embedder import FakeEmbedder


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a load: `refused` with one line for the user, `loaded`, or `crashed`; and what was said."""

    how: str
    said: str


class Loader:
    """Loads in another process; a new one where the last one died."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._pipe: Connection | None = None

    def load(self, kind: str, folder: Path) -> Outcome:
        """Loads the `store`, `checkpoint`, `ranker` or `adapter` in a folder, or the `tokenizer` that is in it."""
        if self._pipe is None:
            self._pipe, there = processes().Pipe()
            self._stack.enter_context(child(_serve, there))
            there.close()
        try:
            self._pipe.send((kind, folder))
            assert self._pipe.poll(PATIENCE), f"expected {folder} to be loaded within {PATIENCE:g} s"
            found: Outcome = self._pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.close()
            return Outcome(how="crashed", said="the process died")
        return found

    def close(self) -> None:
        """Ends the process."""
        self._stack.close()
        self._pipe = None


@contextmanager
def loading() -> Iterator[Loader]:
    """A loader for the block."""
    loader = Loader()
    try:
        yield loader
    finally:
        loader.close()


def _serve(parent: Connection) -> None:
    while True:
        try:
            kind, folder = parent.recv()
        except EOFError:
            return
        parent.send(_outcome(kind, folder))


def _outcome(kind: str, folder: Path) -> Outcome:
    from lm.checkpoint import CheckpointError

    try:
        _LOADS[kind](folder)
    except (StoreError, CheckpointError, _Refused) as refusal:
        return Outcome(how="refused", said=str(refusal))
    except BaseException:  # a parser in Rust may even panic
        return Outcome(how="crashed", said=traceback.format_exc())
    return Outcome(how="loaded", said="")


class _Refused(Exception):
    """Refused by what has no error of its own."""


def _store(folder: Path) -> None:
    """Opens a store; where that is refused, the command that checks stores has to refuse it, too."""
    from index.check import main
    from index.store import Store

    try:
        Store.open(folder, embedder=FakeEmbedder(dimension=DIMENSION)).close()
    except StoreError:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            code = main(["--store", str(folder)])
        assert code == 1, f"expected index.check to refuse the store, it ended with {code}"
        assert said.getvalue().strip(), "expected index.check to say why"
        raise


def _checkpoint(folder: Path) -> None:
    from lm import checkpoint

    checkpoint.load(folder)


def _ranker(folder: Path) -> None:
    from index.ranker import Ranker

    Ranker.load(folder)


def _adapter(folder: Path) -> None:
    from index.query_adapter import adapter_for

    adapter_for({}, folder)


def _tokenizer(folder: Path) -> None:
    from lm.tokenizer import Tokenizer

    try:
        Tokenizer.load(folder / "tokenizer.json")
    except (OSError, ValueError) as refusal:
        raise _Refused(str(refusal)) from refusal


_LOADS = {
    "store": _store,
    "checkpoint": _checkpoint,
    "ranker": _ranker,
    "adapter": _adapter,
    "tokenizer": _tokenizer,
}

DIMENSION = 16
"""Of the vectors in the stores that are damaged: small files, of which every bit can be tried."""
