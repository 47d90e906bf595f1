"""Reads lecture files into documents, each in a child process that no file can escape from.

One child reads many files; a new one starts only when a file has killed it. Finding and hashing (`find_files`) is
apart from parsing (`read_files`), so that an index parses what changed and nothing else.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from corpus.document import Document, shown
from corpus.files import MAX_FILE_BYTES, SourceError, SourceFile, find_files, hash_file
from corpus.readers import FORMATS, Format, format_of, refusal
from corpus.wire import document_from_json

__all__ = [
    "DocumentReader",
    "Limits",
    "ReadResult",
    "SourceError",
    "SourceFile",
    "find_files",
    "hash_file",
    "read_file",
    "read_files",
    "read_sources",
]

Progress = Callable[[int, int, str], None]
"""Called before each file with (files done, files in all, name of the next one)."""

_REPLY_BYTES_PER_CHARACTER = 6
"""A character costs at most 6 bytes of JSON (a control character, escaped)."""
_REPLY_BYTES_BESIDE = 10_000_000
"""For blocks and field names."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one file may cost: bytes on disk, memory and processor time and seconds of its parser, characters and
    blocks out. Five million characters are a book of two thousand pages."""

    file_bytes: int = MAX_FILE_BYTES
    memory_bytes: int = 2_000_000_000
    cpu_seconds: int = 15
    wall_seconds: float = 25.0
    text_characters: int = 5_000_000
    blocks: int = 50_000

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"Limits.{name} is {value}; it must be above 0")


@dataclass(frozen=True, kw_only=True)
class ReadResult:
    """What became of one file. `document` is set where `status` is "read"; else `reason` says in one line why not.

    `sha256` is the hash of the bytes that were parsed (a file may change after it was found); `seconds` is wall time.
    """

    source: str
    path: Path
    status: Literal["read", "skipped"]
    document: Document | None = None
    reason: str = ""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    sha256: str = ""


def read_sources(
    sources: Sequence[Path], *, course: str = "", limits: Limits | None = None, progress: Progress | None = None
) -> Iterator[ReadResult]:
    """Finds and reads every file under `sources`; one result per file found, in order. Raises SourceError."""
    limits = limits or Limits()
    files = find_files(sources, max_bytes=limits.file_bytes)
    yield from read_files(files, course=course, limits=limits, progress=progress)


def read_files(
    files: Iterable[SourceFile],
    *,
    course: str = "",
    limits: Limits | None = None,
    formats: Sequence[Format] = FORMATS,
    progress: Progress | None = None,
) -> Iterator[ReadResult]:
    """Reads files that were found before, one after the other, in one child process as long as that lives."""
    files = list(files)
    with DocumentReader(limits=limits, formats=formats) as reader:
        for number, file in enumerate(files):
            if progress:
                progress(number, len(files), file.source)
            yield reader.read(file, course=course)


def read_file(
    file: SourceFile | Path, *, course: str = "", limits: Limits | None = None, formats: Sequence[Format] = FORMATS
) -> ReadResult:
    """Reads one file. A bare path becomes a source of that file name."""
    if isinstance(file, Path):
        limits = limits or Limits()
        file = find_files([file], max_bytes=limits.file_bytes, formats=formats)[0]
    with DocumentReader(limits=limits, formats=formats) as reader:
        return reader.read(file, course=course)


class _Killed(Exception):
    """The child is gone; the message is the reason for people."""


class DocumentReader:
    """Owns the child process; use it as a context manager. Not for several threads at once."""

    def __init__(self, *, limits: Limits | None = None, formats: Sequence[Format] = FORMATS) -> None:
        self.limits = limits or Limits()
        self.formats = formats
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> DocumentReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the child process."""
        self._end_child()

    def read(self, file: SourceFile, *, course: str = "") -> ReadResult:
        """Reads one file; whatever is in it, the result is a document or a reason."""
        started = time.perf_counter()
        result = ReadResult(source=file.source, path=file.path, status="skipped", sha256=file.sha256)
        known = format_of(file.path.name, self.formats)
        if file.problem or known is None:
            return replace(result, reason=file.problem or refusal(file.path.name, self.formats))
        try:
            reply = self._ask(self._request(file, known))
            reason = reply.get("reason", "")
            document = None if reason else document_from_json(reply["document"], source=file.source)
            sha256 = str(reply.get("sha256", file.sha256))
        except _Killed as error:
            reason, document, sha256 = str(error), None, file.sha256
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._end_child()
            reason, document, sha256 = f"its parser returned nonsense ({error}); export it again", None, file.sha256
        seconds = time.perf_counter() - started
        if document is None:
            return replace(result, reason=shown(" ".join(str(reason).split())[:500]), seconds=seconds, sha256=sha256)
        document = replace(document, course=document.course or course)
        return replace(
            result, status="read", document=document, warnings=document.warnings, seconds=seconds, sha256=sha256
        )

    def _request(self, file: SourceFile, known: Format) -> dict[str, Any]:
        return {
            "path": str(file.path.absolute()),
            "source": file.source,
            "name": known.name,
            "suffixes": known.suffixes,
            "module": known.module,
            "content": known.content,
            "member": known.member,
            "file_bytes": self.limits.file_bytes,
            "memory_bytes": self.limits.memory_bytes,
            "cpu_seconds": self.limits.cpu_seconds,
            "text_characters": self.limits.text_characters,
            "blocks": self.limits.blocks,
        }

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request, one reply. Raises _Killed with the reason where the child dies or has to be ended."""
        child = self._living_child()
        assert child.stdin is not None
        assert child.stdout is not None
        deadline = time.monotonic() + self.limits.wall_seconds
        try:
            child.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            child.stdin.flush()
            reply = self._receive(child.stdout.fileno(), deadline)
        except BrokenPipeError:
            reply = bytearray()
        except BaseException:
            self._end_child()
            raise
        if not reply.endswith(b"\n"):
            raise _Killed(self._cause_of_death())
        answer = json.loads(reply)
        if not isinstance(answer, dict):
            raise ValueError("no object")
        if answer.get("exhausted"):
            self._end_child()
        return answer

    def _receive(self, pipe: int, deadline: float) -> bytearray:
        """Bytes up to a line end or the end of the pipe. Raises _Killed at the deadline or when it is too much."""
        most = self.limits.text_characters * _REPLY_BYTES_PER_CHARACTER + _REPLY_BYTES_BESIDE
        reply = bytearray()
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise _Killed(f"took longer than {self.limits.wall_seconds:g} s to read; split it or export it again")
            part = os.read(pipe, 1 << 20)
            reply += part
            if not part or part.endswith(b"\n"):
                return reply
            if len(reply) > most:
                raise _Killed("its parser returned too much text; split it into parts")

    def _living_child(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._end_child()
            paths = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "corpus.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
                start_new_session=True,
            )
        return self._child

    def _cause_of_death(self) -> str:
        assert self._child is not None
        try:
            code = self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = 0
        self._end_child()
        if code == -signal.SIGXCPU:
            return f"took more than {self.limits.cpu_seconds} s of processor time; split it or export it again"
        if code < 0:
            return f"made its parser crash ({signal.Signals(-code).name}); export it again"
        return f"made its parser stop (exit status {code}); export it again"

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
