"""The app in a process of its own on loopback, with a store of a few notes, and what can be seen of it from outside."""

from __future__ import annotations

import atexit
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from index.build import build
from tests.fake_embedder import FakeEmbedder

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = "127.0.0.1"
PATIENCE = 300.0
"""Seconds after which a start or a reply counts as hung."""

NOTES = {
    "lstm.md": "# LSTM\n\n## The forget gate\n\nThe forget gate of an LSTM decides how much of the old cell state is "
    "kept. It is a sigmoid layer over the input and the last hidden state.\n\n## The input gate\n\nThe input gate "
    "decides how much of the candidate is written into the cell state.\n",
    "attention.md": "# Attention\n\n## Scores\n\nAttention scores are divided by the square root of the dimension, "
    "because dot products of long vectors grow with their length.\n\n## Heads\n\nSeveral heads attend to different "
    "places at once. Each head has its own projections of queries, keys and values.\n",
    "tokens.md": "# Tokens\n\n## Pairs\n\nByte-pair encoding merges the most frequent pair of symbols again and again, "
    "so that frequent words become one token.\n",
}
QUESTIONS = (
    "What does the forget gate do?",
    "Why are attention scores divided by the square root of the dimension?",
    "What does the input gate decide?",
    "What do several heads do?",
    "How does byte-pair encoding merge symbols?",
)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer over HTTP."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


class Service:
    """A server that runs. `place` holds all that it may write to, `said` what it printed."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, place: Path) -> None:
        self.process, self.port, self.place = process, port, place
        self.log, self.said = place / "answers.jsonl", place / "terminal.txt"

    def connect(self, seconds: float = PATIENCE) -> http.client.HTTPConnection:
        """A connection of its own."""
        return http.client.HTTPConnection(NAME, self.port, timeout=seconds)

    def ask_for(
        self,
        path: str,
        *,
        method: str = "",
        body: bytes | None = None,
        data: object = None,
        headers: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
    ) -> Reply:
        """The reply to a request; `data` goes as JSON, and makes it a POST as a `body` does. Of a stream of events,
        what came until nothing more came for `patience` seconds."""
        sent = {"Content-Type": "application/json"} if data is not None else {}
        body = json.dumps(data).encode() if data is not None else body
        connection = self.connect(patience)
        try:
            connection.request(
                method or ("GET" if body is None else "POST"), path, body, {**sent, **dict(headers or {})}
            )
            response = connection.getresponse()
            headers = dict(response.getheaders())
            text = received(response, stream="text/event-stream" in headers.get("content-type", ""))
            return Reply(status=response.status, headers=headers, text=text)
        finally:
            connection.close()

    def call(self, name: str, *arguments: object, session: str | None = None) -> tuple[str, Any]:
        """The last event of a function for programs ("complete", "error" or "busy") and its data."""
        begun = self.ask_for(f"/gradio_api/call/{name}", data={"data": arguments, "session_hash": session})
        if begun.status == 503:
            return "busy", begun.json()["detail"]
        assert begun.status == 200, f"expected the call to be taken, got {begun.status} {begun.text[:200]}"
        events = self.ask_for(f"/gradio_api/call/{name}/{begun.json()['event_id']}").text
        event, data = events.strip().split("\n\n")[-1].split("\n")
        return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    def health(self) -> dict[str, Any]:
        """What the server says of itself."""
        event, data = self.call("health")
        assert event == "complete", f"expected to hear how the server is, got {event}"
        found: dict[str, Any] = data[0]
        return found

    def idle(self, seconds: float) -> float:
        """How long it takes until no answer is being made any more; AssertionError after `seconds`."""
        began = time.monotonic()
        while (working := self.health()["working"]) and time.monotonic() - began < seconds:
            time.sleep(0.02)
        took = time.monotonic() - began
        assert not working, f"expected all to be idle within {seconds:g} s, but {working} answers are still being made"
        return took

    def logged(self) -> list[dict[str, Any]]:
        """The lines of the log so far."""
        lines = self.log.read_text(encoding="ascii").splitlines() if self.log.exists() else []
        return [json.loads(line) for line in lines]

    def megabytes(self) -> float:
        """Memory of the process that is not shared with the disk's cache (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("RssAnon:")[2].split()[0]) / 1024

    def threads(self) -> int:
        """Threads of the process (Linux)."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def files(self) -> int:
        """Open files and sockets of the process (Linux)."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


def received(response: http.client.HTTPResponse, *, stream: bool) -> str:
    """The body; of a `stream`, and of one that breaks off, as much as came."""
    whole = b""
    try:
        while part := response.read1(65_536):
            whole += part
    except http.client.IncompleteRead as broken:
        whole += broken.partial
    except TimeoutError:
        if not stream:
            raise
    return whole.decode("utf-8", "replace")


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((NAME, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(place: Path, *options: str, quick: bool, pause: float = 0.1) -> Iterator[Service]:
    """The app over `NOTES`, ready to answer. `options` are those of `app.py`; it may write below `place` alone.

    `quick` starts it with the embedder of the tests and without the ranker; as often as a question says "slowly", its
    model waits for `pause` seconds before each step.
    """
    place.mkdir(parents=True, exist_ok=True)
    for name in ("home", "tmp", "work", "notes"):
        (place / name).mkdir()
    for name, text in NOTES.items():
        (place / "notes" / name).write_text(text, encoding="utf-8")
    build([place / "notes"], place / "store", **({"embedder": FakeEmbedder()} if quick else {}))
    port = free_port()
    program = ["-m", "tests.battery.quick_app", f"--pause={pause}"] if quick else [str(ROOT / "app.py")]
    command = [sys.executable, *program, "--store", str(place / "store"), "--port", str(port), *options]
    command += ["--log", str(place / "answers.jsonl")]
    surroundings = {
        **os.environ,
        "HOME": str(place / "home"),
        "TMPDIR": str(place / "tmp"),
        "GLASSBOX_STORE": str(place / "store"),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    with (place / "terminal.txt").open("wb") as said:
        process = subprocess.Popen(command, cwd=place / "work", env=surroundings, stdout=said, stderr=said)
        service = Service(process, port, place)
        try:
            _wait(service)
            yield service
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@cache
def shared() -> Service:
    """A quick app that the short rows of one process use one after the other; it ends with this process."""
    stack = ExitStack()
    atexit.register(stack.close)
    place = Path(stack.enter_context(TemporaryDirectory(prefix="glassbox-battery-")))
    return stack.enter_context(serving(place / "app", quick=True))


@contextmanager
def served(place: Path, count: int) -> Iterator[Service]:
    """What a row of so many trials asks: from 100 on `app.py` itself, in a process of its own; else the app that is
    `shared`."""
    if count < 100:
        yield shared()
        return
    with serving(place, quick=False) as service:
        yield service


def _wait(service: Service) -> None:
    """Until the server says that it answers."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            if service.ask_for("/health").status == 200:
                return
        except OSError:
            pass
        if service.process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"expected the app to answer, but it said: {service.said.read_text()[-600:]}")
