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


SERVE = """
import sys
from pathlib import Path
from fake_tutor import FakeTutor
from tutor.ui.loading import Loading
from tutor.ui.start import Settings, launch

loading = Loading(FakeTutor)
loading.start()
settings = Settings(
    store=Path(sys.argv[2]),
    model=None,
    device=None,
    host="127.0.0.1",
    port=int(sys.argv[1]),
    users=(),
    mcp=False,
    uploads=sys.argv[3] == "uploads",
)
launch(settings, loading)
print("ready", flush=True)
sys.stdin.read()
"""


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
def served(scratch: Path, uploads: str) -> Iterator[str]:
    """The address of a page with the fake tutor behind it, served by a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    surroundings = {**os.environ, "PYTHONPATH": path, "GRADIO_TEMP_DIR": str(scratch / "gradio")}
    command = [sys.executable, "-c", SERVE, str(port), str(scratch / "store"), uploads]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=surroundings, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        assert server.stdout.readline() == "ready\n"
        yield f"http://127.0.0.1:{port}"
        server.stdin.close()
