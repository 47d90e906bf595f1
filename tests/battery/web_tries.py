"""Requests that ought to be refused, as lists of what is tried; `tests.battery.web` sends them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

REFUSED, SURVIVED = "refused", "survived"
"""What is expected: a status from 400 on that is no fault of the server, or any but a fault of the server."""


@dataclass(frozen=True, kw_only=True)
class Try:
    """One request."""

    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    expected: str = REFUSED


def posted(path: str, data: object, expected: str = SURVIVED, **headers: str) -> Try:
    """A POST of JSON, or of bytes that say they are."""
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return Try(
        path=path, method="POST", body=body, headers={"Content-Type": "application/json", **headers}, expected=expected
    )


API = "/gradio_api/"
JOIN, CALL, RUN = API + "queue/join", API + "call/ask", API + "run/predict"
TAKERS = (JOIN, CALL, RUN, API + "cancel", API + "reset", API + "component_server")
"""All that takes JSON."""

FILE_ROUTES = (
    *(
        "/file=",
        "/file/",
        "/static/",
        "/static/img/",
        "/assets/",
        "/svelte/",
        "/theme.css/",
        "/pwa_icon/",
        "/proxy=",
        "/",
    ),
    *(API + name for name in ("file=", "file/", "proxy=", "stream/x/y/1/", "call/", "api/", "")),
    *(API + "custom_component/" + name for name in ("html/client/component/", "file/server/template/")),
)


def spellings(target: str) -> list[str]:
    """Ways to write the path of a file that a server might understand."""
    up, bare = "../" * 12, target.lstrip("/")
    ways = ("%2e%2e/", "..%2f", "%252e%252e%252f", "....//", "..\\", "..%5c", "..;/", "%c0%ae%c0%ae/", "..%u2215")
    return [
        *(up.replace("../", way) + bare for way in ways),
        *(target, f"/{target}", f"//{target}", f".{target}", up + bare, quote(up, safe="") + bare, target.upper()),
        *(quote(up + bare, safe=""), f"img/{up}{bare}", f"index.html/{up}{bare}", f"{target}/.", f"~/{bare}"),
        *(f"file://{target}", f"file:{target}", f"http://localhost{target}", f"@{target}", f"{target}%00.png"),
        f"{target}::$DATA",
    ]


def traversal(random: Random, secrets: list[Path]) -> Iterator[Try]:
    """Files by their paths, on every route that might give one."""
    targets = [*map(str, secrets), "/etc/passwd", "/proc/self/environ", "/proc/self/cwd/secret.txt", "/dev/null"]
    while True:
        route, target = random.choice(FILE_ROUTES), random.choice(targets)
        path = (route + random.choice(spellings(target))).replace(" ", "%20")
        yield Try(path=path, method=random.choice(["GET", "HEAD"]))


def unknown(random: Random) -> Iterator[Try]:
    """What gradio or another server might offer and this page does not."""
    own = """monitoring monitoring/summary monitoring/x/dashboard docs redoc openapi.json .git/config .env server-status
        robots.txt gradio_api / %2e%2e/ svelte/x login/x app.py config/x index.html store/CURRENT answers.jsonl
        feedback.sqlite pwa_icon logout/x static assets"""
    below = """deep_link?session_hash=x token dev/reload vibe-code vibe-edit undo-vibe-edit runs app_id queue nothing
        run-history/buckets run-history/connect profiling/traces custom_component/a/b/c/d process_recording stream/x
        stream/x/close user mcp/ mcp/sse mcp/schema"""
    names = [*(f"/{name}" for name in own.split()), *(API + name for name in below.split())]
    while True:
        method = random.choice(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
        body = b"{}" if method in ("POST", "PUT", "PATCH", "DELETE") else None
        yield Try(path=random.choice(names), method=method, body=body)


def origins(random: Random, port: int) -> Iterator[Try]:
    """Pages of others that a reader has open, too."""
    there = f"""http://evil.example https://evil.example null file:// http://127.0.0.1.evil.example:{port} evil ://
        http://127.0.0.1:1 http://localhost:{port} http://127.0.0.1@evil.example:{port} chrome-extension://abcdef
        http://[::1]:1 http://evil.example/127.0.0.1:{port} http://127.0.0.1:{port}.evil.example"""
    foreign = [*there.split(), ""]
    while True:
        origin = random.choice(foreign)
        path = random.choice(["/", "/config", API + "info", API + "queue/data?session_hash=x", *TAKERS, API + "upload"])
        if path in TAKERS or path.endswith("upload"):
            yield posted(path, {"data": [], "fn_index": 1, "session_hash": "x"}, REFUSED, Origin=origin)
        else:
            yield Try(path=path, headers={"Origin": origin})


def hosts(random: Random, port: int) -> Iterator[Try]:
    """Names of others that lead to this machine (DNS rebinding)."""
    foreign = f"""evil.example evil.example:{port} 127.0.0.1.evil.example:{port} localhost.evil.example 0.0.0.0 [::2] -
        2130706433:{port} 127.1 [::ffff:10.0.0.1] 192.168.1.1 127.0.0.1@evil.example localhost%00.x""".split()
    while True:
        path = random.choice(["/", "/config", API + "info", "/health"])
        yield Try(path=path, headers={"Host": random.choice(foreign)})


def deep_json(random: Random) -> Iterator[Try]:
    """JSON that is deep, broken, huge, or says things twice."""
    while True:
        depth = random.choice([50, 500, 990, 5_000, 100_000])
        value = random.choice([b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth, b"[" * depth])
        bodies = [
            value,
            b'{"data": [' + value + b'], "fn_index": 3, "session_hash": "deep"}',
            b'{"data": ["x", ' + value + b'], "session_hash": "deep"}',
            b'{"data": [], "session_hash": ' + value + b"}",
            b'{"event_data": ' + value + b', "data": [], "fn_index": 2, "session_hash": "deep"}',
            b'{"component_id": 1, "session_hash": "deep", "fn_name": "effects", "data": ' + value + b"}",
            b'{"data": [NaN, Infinity, -0, 1e999], "fn_index": 1e3, "session_hash": "deep"}',
            b'{"data": [' + b"9" * 6000 + b"]}",
            b'{"data": ["\xff\xfe\\ud800"], "session_hash": "\\ud800"}',
            b"{" + b",".join(b'"%d": 1' % number for number in range(20_000)) + b"}",
            b'{"data": [], "data": [1], "fn_index": 1, "fn_index": 2}',
            *(b"\xef\xbb\xbf{}", b"", b"null", b"[]", b'"x"', b"{", b"\x00" * 900),
        ]
        yield posted(random.choice(TAKERS), random.choice(bodies)[:900_000])


def content_types(random: Random) -> Iterator[Try]:
    """Bodies that are not what they say."""
    kinds = (
        *("text/plain", "text/html", "application/xml", "image/svg+xml", "application/octet-stream", "", "/"),
        *("application/x-www-form-urlencoded", "application/json; charset=utf-7", "application/json\t;", "x" * 9_000),
        *("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x; boundary=y"),
        "multipart/form-data; boundary=" + "-" * 5_000,
    )
    bodies = (
        *(b"{}", b"a=1&b=2", b"<x/>", b"--x\r\n\r\n\r\n--x--\r\n", b"-" * 50_000, b"", b"--x--\r\n" + b"\r\n" * 20_000),
        b'{"data": ["a", null], "session_hash": "x"}',
    )
    while True:
        path = random.choice([*TAKERS, API + "upload", "/login"])
        headers = {"Content-Type": random.choice(kinds)}
        yield Try(path=path, method="POST", headers=headers, body=random.choice(bodies), expected=SURVIVED)


def sessions(random: Random) -> Iterator[Try]:
    """Sessions, events and functions of others, or of nobody."""
    odd = (
        None,
        "",
        "x",
        0,
        -1,
        10**30,
        1.5,
        [],
        {},
        True,
        "../../x",
        "x" * 100_000,
        "\x00",
        "<gradio-sep>",
        "__class__",
    )
    methods = "__init__ __class__ effects postprocess get_config _is_server_fn heads picture as_example".split()
    server = API + "component_server"

    def any_of() -> Any:
        return random.choice(odd)

    def some() -> list[Any]:
        return [any_of()] * random.randrange(9)

    while True:
        own, fn, part = {"session_hash": "own"}, random.randrange(60), random.randrange(150)
        name = random.choice(["ask", "retrieve", "grade", "health", "predict", "no", "__init__"])
        what = {"data": {"key": any_of()}, "component_id": any_of(), "session_hash": any_of(), "fn_name": any_of()}
        yield random.choice(
            [
                Try(path=API + f"queue/data?session_hash={random.getrandbits(64):x}", expected=SURVIVED),
                Try(path=API + f"call/{name}/{random.getrandbits(128):x}", expected=SURVIVED),
                posted(API + "cancel", {"session_hash": any_of(), "fn_index": any_of(), "event_id": any_of()}),
                posted(JOIN, {"data": [], "fn_index": any_of(), "session_hash": any_of(), "event_id": any_of()}),
                posted(JOIN, {"data": some(), "fn_index": fn, **own}),
                posted(RUN, {"data": some(), "fn_index": fn, "session_hash": any_of()}),
                posted(RUN, {"data": [], "fn_index": fn, "event_data": any_of(), "trigger_id": any_of(), **own}),
                posted(API + f"run/{name}", {"data": some()}),
                posted(API + f"call/{name}", {"data": some(), "session_hash": any_of()}),
                posted(API + f"call/v2/{name}", {"question": any_of(), "k": any_of()}),
                posted(server, {"data": any_of(), "component_id": part, "fn_name": random.choice(methods), **own}),
                posted(server, what),
            ]
        )


def lengths(random: Random) -> Iterator[Try]:
    """Requests that are too large, or lie about it."""
    told = ("9" * 30, "-1", "1e3", "0x10", "", "+5", "1000000000000", "200000000", "²", "NaN")
    while True:
        path = random.choice([*TAKERS, API + "upload", "/login"])
        if random.random() < 0.2:
            yield posted(random.choice(TAKERS), b'{"data": ["' + b"x" * 1_000_100 + b'"]}', REFUSED)
        else:
            yield Try(path=path, method="POST", headers={"Content-Length": random.choice(told)}, expected=REFUSED)
