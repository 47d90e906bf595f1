"""Asks before every system call by which a child process changes a folder, and may let the call fail or end the child.

Linux only (seccomp_unotify(2), Linux 5.5 and later): the child puts a filter on itself, and from then on the kernel
asks this process before each of the calls below. So it makes no difference who writes, Python, SQLite or FAISS. What
is written through a memory map is no call; setting its room aside and flushing it are.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import select
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

KILL = -1
"""What `Decide` gives to end the child before the call is made."""

_AT = {"openat": "open", "mkdirat": "make", "unlinkat": "remove", "renameat": "rename", "renameat2": "rename"}
_PLAIN = {"open": "open", "creat": "open", "mkdir": "make", "unlink": "remove", "rmdir": "remove", "rename": "rename"}
_HANDLE = {
    "read": "read",
    "pread64": "read",
    "write": "write",
    "pwrite64": "write",
    "writev": "write",
    "fsync": "sync",
    "fdatasync": "sync",
    "fallocate": "room",
    "ftruncate": "room",
}
_ADDRESS = {"msync": "sync"}
_KIND = _AT | _PLAIN | _HANDLE | _ADDRESS

_NUMBERS: dict[str, tuple[int, dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        {
            "read": 0, "write": 1, "open": 2, "pread64": 17, "pwrite64": 18, "writev": 20, "msync": 26, "fsync": 74,
            "fdatasync": 75, "ftruncate": 77, "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "unlink": 87,
            "openat": 257, "mkdirat": 258, "unlinkat": 263, "renameat": 264, "fallocate": 285, "renameat2": 316,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "mkdirat": 34, "unlinkat": 35, "renameat": 38, "ftruncate": 46, "fallocate": 47, "openat": 56, "read": 63,
            "write": 64, "writev": 66, "pread64": 67, "pwrite64": 68, "fsync": 82, "fdatasync": 83, "msync": 227,
            "renameat2": 276,
        },
    ),
}  # fmt: skip
"""By machine: what the kernel calls it, and the numbers of its calls."""

_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ASK, _GO_ON = 0x7FFF0000, 0x7FC00000, 1
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_SECCOMP_CALL = {"x86_64": 317, "aarch64": 277}
_NO_NEW_PRIVILEGES, _FILTER_MODE, _NEW_LISTENER = 38, 1, 8


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call that is about to be made on the folder: the first one has the `number` 0. `kind` is one of read, open
    (to write), write, sync, room, make, rename, remove; `paths` are the files it is about."""

    number: int
    kind: str
    name: str
    paths: tuple[Path, ...]


Decide = Callable[[Call], int]
"""0 lets a call be made, an errno makes it fail with that, KILL ends the child instead."""


def unavailable() -> str:
    """Why calls cannot be watched here; "" where they can."""
    if sys.platform != "linux" or platform.machine() not in _NUMBERS:
        return "system calls are watched on Linux, x86_64 and aarch64, alone"
    known = Path("/proc/sys/kernel/seccomp/actions_avail")
    if not known.is_file() or "user_notif" not in known.read_text(encoding="ascii").split():
        return "this kernel does not tell of system calls"
    return ""


def ask_first(parent: socket.socket) -> None:
    """In the child: from now on the process at the other end of `parent` is asked before each call."""
    machine, numbers = _NUMBERS[platform.machine()]
    jumps = sorted(numbers.values())
    program = [(_LOAD, 0, 0, 4), (_EQUAL, 0, len(jumps) + 1, machine), (_LOAD, 0, 0, 0)]
    program += [(_EQUAL, len(jumps) - place, 0, number) for place, number in enumerate(jumps)]
    program += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ASK)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    whole = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot give up privileges")
    listener = libc.syscall(_SECCOMP_CALL[platform.machine()], _FILTER_MODE, _NEW_LISTENER, whole)
    if listener < 0:
        raise OSError(ctypes.get_errno(), "cannot install the filter")
    socket.send_fds(parent, [b"!"], [listener])
    os.close(listener)


@contextmanager
def answering(child: socket.socket, folder: Path, decide: Decide) -> Iterator[None]:
    """Answers the calls that the process at the other end of `child` asks about, until it has ended. The block starts
    it and waits for it; what goes wrong in `decide` is raised at its end."""
    listening = _Answers(child, folder.resolve(), decide)
    thread = threading.Thread(target=listening.run, name="answer-calls", daemon=True)
    thread.start()
    try:
        yield
    finally:
        listening.over.set()
        thread.join(30)
    if listening.fault:
        raise listening.fault


class _Answers:
    def __init__(self, child: socket.socket, folder: Path, decide: Decide) -> None:
        self.child, self.folder, self.decide = child, folder, decide
        self.over = threading.Event()
        self.fault: Exception | None = None
        self._asked = 0

    def run(self) -> None:
        """Until no process of the child's is left."""
        handles: list[int] = []
        while not handles and not self.over.is_set():
            if select.select([self.child], [], [], 0.05)[0]:
                handles = socket.recv_fds(self.child, 1, 1)[1] or [-1]
        if not handles or handles == [-1]:
            return
        poll = select.poll()
        poll.register(handles[0], select.POLLIN)
        while True:
            events = sum(event for _, event in poll.poll(50))
            if events & select.POLLIN:
                self._answer(handles[0])
            elif events or self.over.is_set():
                break
        os.close(handles[0])

    def _answer(self, listener: int) -> None:
        notice = bytearray(80)
        try:
            fcntl.ioctl(listener, _RECEIVE, notice)
        except OSError as gone:
            if gone.errno in (errno.ENOENT, errno.EINTR):
                return
            raise
        identity, pid, _, number = struct.unpack_from("=QIIi", notice)
        arguments = struct.unpack_from("=6Q", notice, 32)
        decision = self._decided(pid, number, arguments)
        if decision == KILL:
            os.kill(_leader(pid), signal.SIGKILL)
            return
        answer = struct.pack("=QqiI", identity, 0, -decision, 0 if decision else _GO_ON)
        try:
            fcntl.ioctl(listener, _SEND, bytearray(answer))
        except OSError as gone:
            if gone.errno != errno.ENOENT:
                raise

    def _decided(self, pid: int, number: int, arguments: tuple[int, ...]) -> int:
        if self.fault:
            return 0
        try:
            call = self._call(pid, number, arguments)
            if call is None:
                return 0
            self._asked += 1
            return self.decide(call)
        except OSError as gone:
            return 0 if gone.errno in (errno.ENOENT, errno.ESRCH) else self._noted(gone)
        except Exception as fault:  # told by the thread that waits
            return self._noted(fault)

    def _noted(self, fault: Exception) -> int:
        self.fault = fault
        return 0

    def _call(self, pid: int, number: int, arguments: tuple[int, ...]) -> Call | None:
        """The call, or None where it is about other files."""
        name = next(name for name, one in _NUMBERS[platform.machine()][1].items() if one == number)
        flags = 0
        if name in _HANDLE:
            paths = [_linked(Path(f"/proc/{pid}/fd/{arguments[0]}"))]
        elif name in _ADDRESS:
            paths = [_mapped(pid, arguments[0])]
        elif name in _PLAIN:
            names = arguments[:2] if name == "rename" else arguments[:1]
            paths = [_named(pid, _HERE, one) for one in names]
            flags = os.O_WRONLY if name == "creat" else arguments[1] if name == "open" else 0
        else:
            pairs = [arguments[:2], arguments[2:4]] if name.startswith("renameat") else [arguments[:2]]
            paths = [_named(pid, at, one) for at, one in pairs]
            flags = arguments[2] if name == "openat" else 0
        if not any(path.is_relative_to(self.folder) for path in paths):
            return None
        kind = _KIND[name]
        if kind == "open" and not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            kind = "read"
        return Call(number=self._asked, kind=kind, name=name, paths=tuple(paths))


_HERE = 0xFFFFFF9C
"""AT_FDCWD."""


def _linked(link: Path) -> Path:
    return Path(str(link.readlink()).removesuffix(" (deleted)"))


def _named(pid: int, at: int, address: int) -> Path:
    """The path at an address of the process, which may be relative to one of its directories."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        text = memory.read(4096).partition(b"\0")[0]
    base = f"/proc/{pid}/cwd" if at & 0xFFFFFFFF == _HERE else f"/proc/{pid}/fd/{at & 0xFFFFFFFF}"
    path = Path(os.fsdecode(text))
    return path if path.is_absolute() else _linked(Path(base)) / path


def _mapped(pid: int, address: int) -> Path:
    """The file that is mapped at an address of the process; / for none."""
    for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
        first, _, last = line.partition(" ")[0].partition("-")
        if int(first, 16) <= address < int(last, 16) and "/" in line:
            return Path(line[line.index("/") :])
    return Path("/")


def _leader(thread: int) -> int:
    """The process of a thread."""
    for line in Path(f"/proc/{thread}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("Tgid:"):
            return int(line.split()[1])
    raise ProcessLookupError(thread)
