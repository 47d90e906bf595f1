"""What stands in front of the page: who may ask for it, how much may be sent to it, nothing remote on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names under which a page on the loopback interface may be asked for."""

LARGEST_REQUEST = 1_000_000
"""Bytes of a request that is no upload."""

UPLOAD = "/gradio_api/upload"
RECORDING = "/gradio_api/process_recording"
"""Gradio keeps the files that come this way, too; this page has no use for them."""

_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})

HEADERS = {
    "content-security-policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Lecture text can hold links and images; the browser loads none of them. Gradio needs inline code and eval."""


class Guard:
    """ASGI middleware. `hosts` are the names the page may be asked for by; None allows any.

    `upload` is the most bytes of an upload; 0 allows none.
    """

    def __init__(self, app: Application, hosts: frozenset[str] | None = LOOPBACK, upload: int = 0) -> None:
        self._app = app
        self._hosts = hosts
        self._upload = upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        fault = self._fault(scope)
        if fault is not None:
            status, text = fault
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": text.encode()})
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _fault(self, scope: Scope) -> tuple[int, str] | None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if self._hosts is not None and host_name(headers.get("host", "")) not in self._hosts:
            return 421, "This page answers to the name of this machine only."
        path = scope["path"].rstrip("/")
        uploads = path.endswith(UPLOAD)
        if path.endswith(RECORDING) or (uploads and not self._upload):
            return 403, "This page takes no files."
        if scope["method"] in _WRITING:
            # A page of somebody else may send here from the reader's browser, though it cannot read what comes back.
            if "origin" in headers and origin_name(headers["origin"]) != host_name(headers.get("host", "")):
                return 403, "This page takes requests from itself only; a proxy has to pass its Host header on."
            length = headers.get("content-length", "")
            if not length.isdigit():
                return 411, "The request does not say how long it is."
            most = self._upload if uploads else LARGEST_REQUEST
            if int(length) > most:
                return 413, f"A request may have at most {most:,} bytes."
        return None


def host_name(header: str) -> str:
    """The host of a Host header, without the port and without the brackets of an IPv6 address."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def origin_name(header: str) -> str:
    """The host of an Origin header; empty where it names none, as `null` does."""
    return host_name(header.partition("://")[2])
