"""Watches what this process and its children do: memory, and connections that somebody tries to make."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def patience() -> float:
    """By how much longer than on an idle machine something may take: in proportion to what waits for the processors."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class Memory:
    """The resident memory of this process in MB, where the system tells (Linux); else zeros."""

    def __init__(self) -> None:
        self._known = _STATUS.exists()
        self.restart()

    def restart(self) -> None:
        """Growth is counted from now on."""
        if self._known:
            _CLEAR.write_text("5")
        self._before = self._read("VmRSS")

    def grown(self) -> float:
        """The most that the process has grown by since the last restart."""
        return max(0.0, self._read("VmHWM") - self._before)

    def _read(self, name: str) -> float:
        if not self._known:
            return 0.0
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name))
        return int(line.split()[1]) / 1000


class Listener:
    """A port on this machine that nobody should call; `calls` counts who did, from whatever process."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/beacon"
        self.calls = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                call, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            call.close()

    def close(self) -> None:
        """Stop listening."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@contextmanager
def no_calls() -> Iterator[list[str]]:
    """Within, no connection leaves this process: each attempt is noted in the list and fails."""
    attempts: list[str] = []

    def refused(*arguments: Any, **more: Any) -> Any:
        attempts.append(str(arguments[-1:]))
        raise OSError("there is no network here")

    with (
        patch.object(socket.socket, "connect", refused),
        patch.object(socket.socket, "connect_ex", refused),
        patch.object(socket.socket, "sendto", refused),
        patch.object(socket, "getaddrinfo", refused),
    ):
        yield attempts
