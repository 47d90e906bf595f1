"""The child process that parses files: `python -m corpus.worker`, one JSON request per line in, one reply per line out.

It limits its own memory and processor time, so that a hostile file ends this process and not the program.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import resource
import sys
import time
from contextlib import suppress
from typing import Any, BinaryIO

from corpus.readers import Format, UnreadableError
from corpus.readers.content import check_content
from corpus.wire import document_to_json


def main() -> int:
    """Serves requests until standard input ends. Standard output is kept for replies alone."""
    replies = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path of ours
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        set_limits(request["memory_bytes"], request["cpu_seconds"])
        reply = answer(request)
        _send(replies, reply)
        if reply.get("exhausted"):
            return 1
    return 0


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Parses the file named in `request`; the reply holds a document or the reason why there is none."""
    started = time.perf_counter()
    reply: dict[str, Any] = {}
    try:
        data = load(request["path"], request["file_bytes"])
        reply["sha256"] = hashlib.sha256(data).hexdigest()
        reply["document"] = _parse(data, request)
    except UnreadableError as error:
        reply["reason"] = str(error)
    except MemoryError:
        reply.update(reason=_too_large(request), exhausted=True)
    except ImportError as error:
        reply["reason"] = f"cannot be read: {error}; install the packages that the project names"
    except OSError as error:
        reply["reason"] = f"cannot be opened ({error.strerror or error})"
    except Exception as error:  # the border: a parser given a hostile file may raise anything at all
        detail = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        reply["reason"] = f"cannot be parsed as {request['name']} ({detail}); export it again"
    reply["seconds"] = time.perf_counter() - started
    return reply


def _parse(data: bytes, request: dict[str, Any]) -> dict[str, Any]:
    known = Format(
        name=request["name"],
        suffixes=tuple(request["suffixes"]),
        module=request["module"],
        content=request["content"],
        member=request["member"],
    )
    check_content(data, known)
    document = importlib.import_module(known.module).read(data, source=request["source"])
    if not document.text.strip():
        hint = "; if it is a scan, run text recognition on it first" if known.content == "pdf" else ""
        raise UnreadableError(f"holds no text{hint}")
    if len(document.text) > request["text_characters"]:
        raise UnreadableError(
            f"holds {len(document.text):,} characters, more than {request['text_characters']:,}; split it into parts"
        )
    if len(document.blocks) > request["blocks"]:
        raise UnreadableError(
            f"holds {len(document.blocks):,} paragraphs or lists, more than {request['blocks']:,}; split it into parts"
        )
    return document_to_json(document)


def load(path: str, limit: int) -> bytes:
    """At most `limit` bytes of a regular file; never waits on a pipe or a device."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(limit + 1)
    if data is None or len(data) > limit:
        raise UnreadableError(f"is larger than {limit / 1e6:,.0f} MB; split it into parts")
    return data


def _too_large(request: dict[str, Any]) -> str:
    return f"needs more than {request['memory_bytes'] / 1e9:.1f} GB of memory; split it into parts"


def set_limits(memory_bytes: int, cpu_seconds: int) -> None:
    """Memory for the process; processor time from now on, since one child reads many files."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = int(used.ru_utime + used.ru_stime) + 1 + cpu_seconds
    limits = ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CPU, cpu), (resource.RLIMIT_CORE, 0))
    for which, soft in limits:
        hard = resource.getrlimit(which)[1]
        # Some systems refuse a limit on memory; the time limits and the parent's watch still hold there.
        with suppress(ValueError, OSError):
            resource.setrlimit(which, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _send(replies: BinaryIO, reply: dict[str, Any]) -> None:
    try:
        line = json.dumps(reply, ensure_ascii=False).encode("utf-8", "replace")
    except MemoryError:
        line = json.dumps({"reason": "needs too much memory; split it into parts", "exhausted": True}).encode("utf-8")
    replies.write(line + b"\n")
    replies.flush()


if __name__ == "__main__":
    raise SystemExit(main())
