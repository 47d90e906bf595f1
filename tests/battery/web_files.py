"""Files that are not the page's to give or to take: FileData of other places and machines, uploads with odd names."""

from __future__ import annotations

import io
import json
import stat
import threading
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

from tests.battery.service import Reply, Service
from tests.battery.visitor import Page, messages
from tests.battery.web_tries import API, JOIN

NAMES = (
    *(
        "../../../secret.md",
        "..\\..\\secret.md",
        "/etc/cron.d/x.md",
        "a/../../b.md",
        "....//x.md",
        "C:\\x.md",
        "~/x.md",
    ),
    *(".", "..", "", " ", "CON", ".bashrc", "-rf.md", "x.md::$DATA", "%2e%2e%2fx.md", "$(touch x).md", "a;b.md"),
    *("x" * 4_000 + ".md", "x.md\x00.png", "é\u202egnp.md", "a\nb.md", "\ud7ff.md", "x.svg", "x.html"),
    "<img src=x onerror=alert(1)>.md",
)


class Canary:
    """A server on loopback that nobody has a reason to call; `calls` are the paths that it was called by."""

    def __init__(self, port: int, calls: list[str]) -> None:
        self.address, self.calls = f"http://127.0.0.1:{port}", calls


@contextmanager
def canary() -> Iterator[Canary]:
    """A canary that listens."""
    calls: list[str] = []

    class Listening(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_error(404)

        do_HEAD = do_POST = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Listening) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Canary(server.server_address[1], calls)
        server.shutdown()


def file_data(random: Random, secrets: list[Path], canary: Canary) -> dict[str, object]:
    """A file as a browser names it after an upload, which never was one."""
    secret = str(random.choice(secrets))
    paths = (
        *(secret, f"/tmp/../{secret}", f"file://{secret}", f"{secret}\x00.md", f"{API}file={secret}", "", "."),
        *(f"{canary.address}/path", f"{canary.address}/../{secret}", "http://169.254.169.254/latest/meta-data"),
        *(
            f"http://127.0.0.1.evil.example{secret}",
            f"http://[::1]:1/{secret}",
            "\\\\127.0.0.1\\x",
            "/proc/self/environ",
        ),
    )
    urls = (None, f"{canary.address}/url", f"http://127.0.0.1:1/file={secret}", f"file://{secret}", "gopher://x")
    return {
        "path": random.choice(paths),
        "url": random.choice(urls),
        "orig_name": random.choice(["x.md", "../x.md", secret]),
        "meta": {"_type": "gradio.FileData"},
        "size": random.choice([None, -1, 10]),
        "is_stream": random.choice([True, False]),
        "mime_type": random.choice([None, "text/markdown"]),
    }


class Adding:
    """The form of the page that adds lectures."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._add = Page(service).function("gb-add-button", "click")

    def add(self, files: list[object], course: str = "Stolen") -> str:
        """All that the page says when these files are to be added."""
        session = uuid.uuid4().hex
        call = {"data": [files, course], "fn_index": self._add, "session_hash": session}
        joined = self.service.ask_for(JOIN, data=call)
        if joined.status != 200:
            return joined.text
        connection, said = self.service.connect(), ""
        try:
            connection.request("GET", f"{API}queue/data?session_hash={session}")
            for raw, message in messages(connection.getresponse()):
                said += raw
                if message["msg"] in ("process_completed", "unexpected_error", "close_stream"):
                    break
        finally:
            connection.close()
        return said

    def upload(self, name: str, content: bytes) -> Reply:
        """The reply to an upload of one file of that name, which is sent as it is."""
        mark = uuid.uuid4().hex.encode()
        told = name.encode("utf-8", "surrogatepass").replace(b'"', b"%22")
        head = b'--%s\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n' % (mark, told)
        body = head + content + b"\r\n--%s--\r\n" % mark
        kind = {"Content-Type": f"multipart/form-data; boundary={mark.decode()}"}
        return self.service.ask_for(f"{API}upload", body=body, headers=kind)

    def upload_and_add(self, name: str, content: bytes) -> str:
        """What the page says of a file that was uploaded under that name, or why it was not taken."""
        reply = self.upload(name, content)
        if reply.status != 200:
            return reply.text
        path = reply.json()[0]
        return self.add([{"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}])


def hostile_archive(random: Random) -> bytes:
    """A ZIP archive of which no member may be taken: they lead elsewhere, are links, or are no lectures."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in random.sample(
            ["../out.md", "/etc/out.md", "a/../../out.md", "..\\out.md", "C:/out.md", "x.exe"], 3
        ):
            archive.writestr(name, "# Out\n\nThis leads out.\n")
        link = zipfile.ZipInfo("link.md")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return packed.getvalue()


def declared(service: Service, sizes: list[int]) -> int:
    """The status of the last of uploads that say that they will be so large, and of which nothing comes."""
    with ExitStack() as stack:
        for size in sizes:
            connection = service.connect()
            stack.callback(connection.close)
            connection.putrequest("POST", f"{API}upload")
            connection.putheader("Content-Type", "multipart/form-data; boundary=x")
            connection.putheader("Content-Length", str(size))
            connection.endheaders(b"--x\r\n")
        return connection.getresponse().status


def reveals(text: str, sent: str, place: Path, secret: str) -> str:
    """What a reply tells that it should not, or nothing; what the request itself said may come back."""
    for told in (secret, "Traceback (most recent call last)", 'File "/', "site-packages"):
        if told in text and told not in sent:
            return told
    return str(place) if str(place) in text and str(place) not in sent else ""


def shown(value: object) -> str:
    """A request in one line, for a failure."""
    return json.dumps(value, default=str)[:2_000]
