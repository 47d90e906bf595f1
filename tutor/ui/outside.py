"""Keeps the program on this machine: it answers calls and makes none."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterable
from typing import Any

_FAMILIES = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})


def stay_inside(names: Iterable[str]) -> None:
    """From here on nothing in this process can call another machine or look up its name: PermissionError.

    `names` are those of this machine. What runs here reads texts and links of strangers; none of them can make the
    program ask for anything, whatever its libraries would do with them. There is no way back.
    """
    own = frozenset({"localhost", "", *names})

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _FAMILIES:
            address = arguments[1] if len(arguments) > 1 else None
            host = address[0] if isinstance(address, tuple) and address else None
        elif event in _LOOKUPS:
            host = arguments[0]
        else:
            return
        if not _here(host, own):
            raise PermissionError(f"this program calls no other machine, and not {os.fsdecode(host or '')!r}")

    sys.addaudithook(watch)


def _here(host: object, own: frozenset[str]) -> bool:
    """Whether a name or an address is this machine's; a socket of the file system has neither."""
    if host is None:
        return True
    name = os.fsdecode(host) if isinstance(host, (str, bytes)) else ""
    if name in own:
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
