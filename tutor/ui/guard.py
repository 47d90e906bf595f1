"""What stands in front of the page: who may ask for it, what of it there is, how much may be sent to it, and nothing
remote on it.

Gradio serves more than this page needs: files by their paths, a proxy, recordings, links that are kept on the disk,
monitoring. Only what stands in `OPEN` and `OFFERED` is passed on to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from tutor.ui.entrance import Entrance

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names under which a page on the loopback interface may be asked for."""

LARGEST_REQUEST = 1_000_000
"""Bytes of a request that is no upload."""

_API = "/gradio_api/"
UPLOAD = "/gradio_api/upload"

LOGIN, HEALTH = "/login", "/health"

OPEN = frozenset(
    {"/", LOGIN, HEALTH, "/favicon.ico", "/manifest.json", "/theme.css", "/assets/", "/static/"}
    | {_API + name for name in ("startup-events", "theme.css")}
)
"""What everybody may ask for; a name that ends with a slash stands for all below it."""

OFFERED = frozenset(
    {"/config", "/logout"}
    | {_API + name for name in ("info", "openapi.json", "queue/join", "queue/data", "queue/status", "cancel", "reset")}
    | {_API + name for name in ("heartbeat/", "call/", "run/", "api/", "component_server", "upload", "upload_progress")}
)
"""What those may ask for, besides, who have signed in where that is asked for."""

MCP = frozenset({_API + "mcp", _API + "mcp/"})
"""Offered with `--mcp` alone."""

_DIGITS = 15
"""Of a length that is read at all."""

_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})

HEADERS = {
    "content-security-policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Lecture text can hold links and images; the browser loads none of them. Gradio needs inline code and eval."""


@dataclass(frozen=True)
class PublicAddress:
    """Where a reverse proxy shows the page: below `path` ("" or "/tutor") of an `origin` ("https://school.example"; ""
    where it has the name that it is asked for by)."""

    path: str = ""
    origin: str = ""

    @property
    def host(self) -> str:
        """Name and port of the origin."""
        return self.origin.partition("://")[2].lower()


class Guard:
    """ASGI middleware. `hosts` are the names the page may be asked for by; None allows any.

    `public` is where a proxy shows the page, which may pass the path on with its prefix or without.
    `upload` is the most bytes of an upload; 0 allows none. `room` says whether so many bytes more may be kept.
    `entrance` knows who has signed in; None lets everybody in. `mcp` offers the MCP tools.
    """

    def __init__(
        self,
        app: Application,
        hosts: frozenset[str] | None = LOOPBACK,
        upload: int = 0,
        room: Callable[[int], bool] = lambda size: True,
        entrance: Entrance | None = None,
        mcp: bool = False,
        public: PublicAddress | None = None,
    ) -> None:
        self._app = app
        self._public = public or PublicAddress()
        self._hosts = hosts
        self._upload = upload
        self._room = room
        self._entrance = entrance
        self._offered = OFFERED | MCP if mcp else OFFERED

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        if self._public.path and scope["path"] == self._public.path:
            # The page names its parts as seen from the folder that it stands in.
            await _refuse(send, 308, "", location=f"{self._public.path}/")
            return
        scope = self._without_prefix(scope)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        fault = self._stranger(headers) or self._elsewhere(scope, headers) or self._too_much(scope, headers)
        if fault is not None:
            await _refuse(send, *fault)
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *extra]}
                if self._entrance is not None and is_login(scope):
                    self._entrance.tried(scope, message["status"])
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _without_prefix(self, scope: Scope) -> Scope:
        """The request as it is without a proxy."""
        path, prefix = str(scope["path"]), self._public.path
        if not prefix or not path.startswith(prefix + "/"):
            return scope
        path = path.removeprefix(prefix)
        return {**scope, "path": path, "raw_path": path.encode("utf-8")}

    def _stranger(self, headers: dict[str, str]) -> tuple[int, str] | None:
        """Why a request in this name, or from that page, is not answered."""
        host = headers.get("host", "").lower()
        own = {host, self._public.host} - {""}
        if not host or (self._hosts is not None and host_name(host) not in self._hosts and host != self._public.host):
            return 421, "This page answers to the name of this machine only."
        # The page of somebody else may send here from the reader's browser, and would read what comes back.
        if "origin" in headers and headers["origin"].partition("://")[2].lower() not in own:
            return 403, "This page takes requests from itself only; a proxy has to pass its Host header on."
        return None

    def _elsewhere(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Why what is asked for is not given."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        known = among(path, OPEN)
        if not known and not among(path, self._offered):
            return 404, "There is nothing here."
        if self._entrance is None:
            return None
        if is_login(scope) and not self._entrance.open(scope):
            return 429, "Too many wrong passwords came from there; try again in a minute."
        if not known and not self._entrance.signed_in(headers):
            return 401, "Sign in first."
        return None

    def _too_much(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Why a request with what it brings is not taken."""
        uploads = scope["path"].rstrip("/").endswith(UPLOAD)
        if uploads and not self._upload:
            return 403, "This page takes no files."
        if scope["method"] not in _WRITING:
            return None
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return 411, "The request does not say how long it is."
        most = self._upload if uploads else LARGEST_REQUEST
        if len(length) > _DIGITS or int(length) > most:
            return 413, f"A request may have at most {most:,} bytes."
        if uploads and not self._room(int(length)):
            return 507, "Too many files wait to be added; try again in half an hour."
        return None


async def _refuse(send: Send, status: int, text: str, **more: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    headers += [(name.encode(), value.encode()) for name, value in more.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


def among(path: str, names: frozenset[str]) -> bool:
    """Whether a path is one of the names, or below one of those that end with a slash; never outside of it."""
    if path in names or (len(path) > 1 and path.rstrip("/") in names):
        return True
    parts = path.split("/")
    if ".." in parts or "\\" in path or "\0" in path:
        return False
    return any(path.startswith(name) for name in names if name.endswith("/") and name != "/")


def is_login(scope: Scope) -> bool:
    """Whether somebody tries to sign in."""
    return scope["method"] == "POST" and str(scope["path"]).rstrip("/").endswith(LOGIN)


def host_name(header: str) -> str:
    """The host of a Host header, without the port and without the brackets of an IPv6 address."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()
