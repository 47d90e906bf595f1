"""What no client sends: requests byte by byte."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from random import Random

from tests.battery.service import NAME, Service
from tests.battery.web_tries import CALL, JOIN


def raw(random: Random, port: int) -> Iterator[bytes]:
    """Broken, doubled, smuggled and endless requests."""
    host = f"Host: {NAME}:{port}\r\n".encode()
    start = f"POST {random.choice([JOIN, CALL])} HTTP/1.1\r\n".encode() + host
    hidden = b"GET /gradio_api/file=/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"
    kinds = (
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.0\r\nOrigin: http://evil.example\r\n\r\n",
        b"GET / HTTP/9.9\r\n" + host + b"\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /config HTTP/1.1\r\n" + host + b"Host: evil.example\r\n\r\n",
        b"GET /config HTTP/1.1\r\nHost: evil.example\r\n" + host + b"\r\n",
        b"GET /config HTTP/1.1\r\nHost:\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /gradio_api/../../etc/passwd HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /assets/../../../../etc/passwd HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /\x00 HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n" + host + b"\r\n",
        b"GET / HTTP/1.1\r\n" + host + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + host + b"X: a\r\n" * 20_000 + b"\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + host + b"\r\n",
        b"GET / HTTP/1.1\r\n" + host + b"Origin: http://evil\r\nOrigin: http://127.0.0.1\r\n\r\n",
        b"GET /config HTTP/1.1\r\n" + host + b"X-Forwarded-Host: evil.example\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
        start + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n",
        start + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + hidden,
        start + b"Content-Length: 4\r\nContent-Length: 60\r\n\r\n{}\r\n" + hidden,
        start + b"Content-Length: 4\r\nTransfer-Encoding: xchunked\r\n\r\n{}\r\n" + hidden,
        start + b"Content-Length: 100\r\n\r\n{\"data\":",
        start + b"Content-Length : 2\r\n\r\n{}",
        start + b"Content-Length: 2\r\n continued\r\n\r\n{}",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 300,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + host + b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        b"\r\n" * 5_000,
        b"GET",
        bytes(random.randrange(256) for _ in range(500)),
    )  # fmt: skip
    while True:
        yield random.choice(kinds)


def sent(service: Service, data: bytes) -> bytes:
    """All that comes back within a second."""
    found = b""
    with socket.create_connection((NAME, service.port), 5) as connection:
        connection.settimeout(1.0)
        try:
            connection.sendall(data)
            while part := connection.recv(65_536):
                found += part
        except OSError:
            pass
    return found


def statuses(reply: bytes) -> list[int]:
    """The statuses of the responses in what came back."""
    lines = (line for line in reply.split(b"\r\n") if line.startswith(b"HTTP/1.1 "))
    return [int(line.split()[1]) for line in lines]
