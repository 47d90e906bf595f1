"""The page served by a process of its own with a made-up tutor, and requests to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


MADE_UP, HOSTILE = "fake_tutor:FakeTutor", "hostile:HostileTutor"
"""Tutors that are no models: one that answers, and one whose texts try to break the page."""

_SERVE = """
import sys
from importlib import import_module
from pathlib import Path
from tutor.ui.checks import read_root_path
from tutor.ui.loading import Loading
from tutor.ui.start import Settings, launch

port, store, tutor, uploads, root_path = sys.argv[1:]
module, _, name = tutor.partition(":")
loading = Loading(getattr(import_module(module), name), ("fake", "gru", "rnn"))
loading.start()
settings = Settings(
    store=Path(store),
    model=None,
    device=None,
    host="127.0.0.1",
    port=int(port),
    users=(),
    mcp=False,
    uploads=uploads == "uploads",
    public=read_root_path(root_path),
)
launch(settings, loading)
print("ready", flush=True)
sys.stdin.read()
"""


def free_port() -> int:
    """A port of this machine that nothing listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def fetch(address: str, data: object = None, **headers: str) -> tuple[int, str]:
    """Status and text of a request; a POST where there is data."""
    body = None if data is None else json.dumps(data).encode()
    call = urllib.request.Request(address, body, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(call, timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def called(address: str, name: str, *arguments: object) -> tuple[str, Any]:
    """The last event of a call of the page's API and its data."""
    status, text = fetch(f"{address}/gradio_api/call/{name}", {"data": arguments})
    assert status == 200, text
    _, events = fetch(f"{address}/gradio_api/call/{name}/{json.loads(text)['event_id']}")
    event, data = events.strip().split("\n\n")[-1].split("\n")
    return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@contextmanager
def served(folder: Path, *, tutor: str = MADE_UP, uploads: bool = True, root_path: str = "") -> Iterator[str]:
    """The address of a page with a tutor that is no model behind it, served by a process of its own."""
    port = free_port()
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    surroundings = {**os.environ, "PYTHONPATH": path, "GRADIO_TEMP_DIR": str(folder / "gradio")}
    options = [str(port), str(folder / "store"), tutor, "uploads" if uploads else "", root_path]
    command, pipe = [sys.executable, "-c", _SERVE, *options], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=surroundings, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        assert server.stdout.readline() == "ready\n"
        yield f"http://127.0.0.1:{port}"
        server.stdin.close()
