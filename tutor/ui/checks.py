"""What can be checked of the settings of a server before it starts, each with one line on what to do."""

from __future__ import annotations

import errno
import re
import socket
from pathlib import Path

from tutor.ui.guard import LOOPBACK, PublicAddress, host_name

_ROOT_PATH = re.compile(r"(https?://[\w.-]+(?::\d{1,5})?|https?://\[[\da-fA-F:]+\](?::\d{1,5})?)?((?:/[\w.~-]+)*)/?")


class CannotStart(Exception):
    """The page cannot be served; the message is one line that says what to do."""


def read_root_path(text: str) -> PublicAddress:
    """What `--root-path` says of a reverse proxy: a path, or an address with one. Raises CannotStart."""
    found = _ROOT_PATH.fullmatch(text)
    if found is None or ".." in text:
        raise CannotStart(
            f"--root-path {text!r} is no path; give one such as /tutor, or with its address: https://school.example/tutor"
        )
    return PublicAddress(path=found[2], origin=found[1] or "")


def is_local(host: str, public: PublicAddress) -> bool:
    """Whether a page on `host` is there for this machine alone."""
    return host in LOOPBACK and (not public.host or host_name(public.host) in LOOPBACK)


def check_entrance(host: str, public: PublicAddress, users: bool, everybody: bool, mcp: bool) -> None:
    """Raise CannotStart for a page that other machines reach without a word on who may come in, and for two words."""
    if users and everybody:
        raise CannotStart("--auth lets in some and --open everybody; leave one of them out")
    if users and mcp:
        raise CannotStart("MCP clients cannot sign in; leave out --mcp or --auth")
    if not is_local(host, public) and not users and not everybody:
        how = f"--host {host}" if host not in LOOPBACK else f"--root-path {public.origin}{public.path}"
        raise CannotStart(
            f"{how} opens the page to other machines; name who may come in with --auth FILE, "
            "or let everybody in with --open"
        )


def check_log(log: Path | None, questions: bool) -> None:
    """Raise CannotStart unless the log can be written."""
    if log is None:
        if questions:
            raise CannotStart("--log-questions needs --log FILE, the file that they are written to")
        return
    try:
        with log.open("a", encoding="ascii"):
            pass
    except OSError as fault:
        raise CannotStart(f"cannot write {log} ({fault.strerror or fault}); name another file with --log") from None


def allows_uploads(host: str, public: PublicAddress, asked: bool | None) -> bool:
    """Whether the lectures may be changed from a page on `host`: as asked for, else on this machine only."""
    return is_local(host, public) if asked is None else asked


def read_users(path: Path) -> tuple[tuple[str, str], ...]:
    """The (name, password) pairs of a file with lines `user:password`; empty lines are skipped."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8 text"
        raise CannotStart(f"cannot read {path} ({reason}); give a file of lines user:password") from None
    users = []
    for number, line in enumerate(lines, start=1):
        name, colon, password = line.strip().partition(":")
        if not line.strip():
            continue
        if not (name and colon and password):
            raise CannotStart(f"{path}, line {number}: not user:password")
        users.append((name, password))
    if not users:
        raise CannotStart(f"{path} names nobody; write lines user:password")
    return tuple(users)


def check_port(host: str, port: int) -> None:
    """Raise CannotStart unless the address can be listened on."""
    if not 1 <= port <= 65535:
        raise CannotStart(f"port {port} is not from 1 to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as fault:
        if isinstance(fault, socket.gaierror) or fault.errno == errno.EADDRNOTAVAIL:
            raise CannotStart(f"{host!r} is not an address of this machine; leave --host out or give one") from None
        raise CannotStart(f"cannot serve on {host}:{port} ({fault.strerror}); choose another --port") from None


def check_store(store: Path) -> None:
    """Raise CannotStart unless something was published at `store`."""
    from index.generation import has_generation

    if not has_generation(store):
        raise CannotStart(f"no index at {store}; build it with: python -m index.build SOURCE --store {store}")


def check_model(model: str | None) -> None:
    """Raise CannotStart unless there is such a model."""
    from lm.checkpoint import CheckpointError, resolve

    try:
        resolve(model)
    except CheckpointError as fault:
        raise CannotStart(str(fault)) from None
