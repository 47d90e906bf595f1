"""Who may come in where the page asks for a password: those who have signed in, and not those who guess."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, MutableMapping
from typing import Any

MOST_WRONG = 10
"""Wrong passwords from one address in a minute."""

_MINUTE = 60.0
_REMEMBERED = 10_000
"""Addresses."""


class Entrance:
    """Knows the tokens of those who have signed in, and the addresses that wrong passwords came from.

    `tokens` gives the tokens that are good at this moment, `cookie` the name of the cookies that hold one.
    """

    def __init__(self, tokens: Callable[[], Collection[str]], cookie: Callable[[], str]) -> None:
        self._tokens, self._cookie = tokens, cookie
        self._wrong: dict[str, list[float]] = {}

    def signed_in(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers comes from somebody who has signed in."""
        pairs = (pair.strip().partition("=") for pair in headers.get("cookie", "").split(";"))
        names = {f"access-token-{kind}{self._cookie()}" for kind in ("", "unsecure-")}
        return any(name in names and value in self._tokens() for name, _, value in pairs)

    def open(self, scope: MutableMapping[str, Any]) -> bool:
        """Whether the address that a request comes from may try a password."""
        recent = [at for at in self._wrong.get(_address(scope), []) if at > time.monotonic() - _MINUTE]
        return len(recent) < MOST_WRONG

    def tried(self, scope: MutableMapping[str, Any], status: int) -> None:
        """Somebody tried a password and was answered with this status."""
        if status < 400:
            return
        address, now = _address(scope), time.monotonic()
        recent = [at for at in self._wrong.pop(address, []) if at > now - _MINUTE]
        self._wrong[address] = [*recent, now]
        while len(self._wrong) > _REMEMBERED:
            del self._wrong[next(iter(self._wrong))]


def _address(scope: MutableMapping[str, Any]) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""
