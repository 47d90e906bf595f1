"""A reverse proxy on this machine that shows a page below a path, as a web server would that has other pages, too."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

PATH = "/school/tutor"


@contextmanager
def proxied(address: str, port: int, *, strip: bool, keep_host: bool) -> Iterator[str]:
    """The address below which the page at `address` is shown. `strip` takes the path off what is passed on;
    `keep_host` passes on the name that the page was asked for by."""

    class Pass(BaseHTTPRequestHandler):
        def passed(self) -> None:
            if not self.path.startswith(PATH):
                self.send_error(404)
                return
            headers = {name: value for name, value in self.headers.items() if keep_host or name.lower() != "host"}
            behind = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = self.path.removeprefix(PATH) or "/"
            behind.request(self.command, path if strip else self.path, body or None, {**headers, "Connection": "close"})
            reply = behind.getresponse()
            self.send_response(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                while part := reply.read1(65_536):
                    self.wfile.write(part)
            except OSError:
                self.close_connection = True
            finally:
                behind.close()

        do_GET = do_POST = do_HEAD = passed

        def log_message(self, *told: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", port), Pass) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{port}{PATH}/"
        finally:
            server.shutdown()
