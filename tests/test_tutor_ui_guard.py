"""Who may ask what of the page, and that nothing of it is remote or parsed as HTML."""

import asyncio
import re
from pathlib import Path

import pytest

from tutor.ui.guard import Guard, PublicAddress, host_name
from tutor.ui.page import ASSETS, head

ROOT = Path(__file__).resolve().parent.parent


def test_nothing_of_the_page_is_remote() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tutor" / "ui").glob("*.py"))
    assert all(path.name in code for path in ASSETS.iterdir())
    # A namespace is a name and never fetched.
    local = ("http://{settings.host}", "http://www.w3.org/2000/svg", "https://school.example", "https?://")
    for path in [*ASSETS.iterdir(), *(ROOT / "tutor" / "ui").glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        for address in re.findall(r"https?:[^\s\"']*", text):
            assert address.startswith(local), f"{path.name}: {address}"
        assert "@import" not in text
        assert "url(" not in text


def test_the_page_never_parses_text_as_html() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in ASSETS.glob("*.js"))
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert way not in code
    assert "</script" not in code
    assert "</style" not in head().removesuffix("</style>")


def request(
    path: str = "/",
    *,
    method: str = "GET",
    host: str = "127.0.0.1:7860",
    length: str | None = None,
    origin: str | None = None,
    upload: int = 0,
    public: PublicAddress | None = None,
):
    """Status and headers that the guard gives a request; a header of ours says which path was passed on."""
    headers = [(b"host", host.encode())] + ([(b"content-length", length.encode())] if length is not None else [])
    headers += [(b"origin", origin.encode())] if origin is not None else []
    scope = {"type": "http", "path": path, "raw_path": path.encode(), "method": method, "headers": headers}
    sent: list[dict] = []

    async def inner(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"path", scope["raw_path"])]})

    async def send(message) -> None:
        sent.append(dict(message))

    asyncio.run(Guard(inner, upload=upload, public=public)(scope, None, send))
    return sent[0]["status"], dict(sent[0]["headers"])


def test_the_guard_lets_in_this_machine_and_forbids_remote_parts() -> None:
    status, headers = request(host="localhost:7860")
    assert status == 200
    policy = headers[b"content-security-policy"].decode()
    assert "default-src 'self'" in policy
    assert "http" not in policy


POSTED = {"path": "/gradio_api/upload", "method": "POST", "length": "5000000"}


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ({"host": "evil.example:7860"}, 421),
        ({"host": ""}, 421),
        ({"path": "/gradio_api/upload", "method": "POST", "length": "3"}, 403),
        ({"path": "/gradio_api/queue/join", "method": "POST"}, 411),
        ({"path": "/gradio_api/queue/join", "method": "POST", "length": "99999999"}, 413),
        ({"path": "/gradio_api/queue/join", "method": "POST", "length": "300"}, 200),
        ({**POSTED, "path": "/gradio_api/queue/join", "upload": 9_000_000}, 413),
        ({**POSTED, "upload": 9_000_000}, 200),
        ({**POSTED, "upload": 9_000_000, "path": "/gradio_api/upload/"}, 200),
        ({**POSTED, "upload": 4_000_000}, 413),
        ({**POSTED, "upload": 9_000_000, "length": None}, 411),
        ({**POSTED, "upload": 9_000_000, "path": "/gradio_api/process_recording"}, 404),
        ({**POSTED, "upload": 9_000_000, "origin": "http://127.0.0.1:7860"}, 200),
        ({**POSTED, "upload": 9_000_000, "origin": "http://evil.example"}, 403),
        ({**POSTED, "upload": 9_000_000, "origin": "null"}, 403),
        ({"path": "/gradio_api/queue/join", "method": "POST", "length": "3", "origin": "http://evil.example"}, 403),
    ],
)
def test_the_guard_turns_away(arguments: dict, status: int) -> None:
    assert request(**arguments)[0] == status


PROXIED = {"public": PublicAddress("/tutor", "https://school.example")}
SENT = {"method": "POST", "length": "3", "path": "/tutor/gradio_api/queue/join", **PROXIED}


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ({"path": "/tutor/", **PROXIED}, 200),
        ({"path": "/tutor", **PROXIED}, 308),
        ({"path": "/config", "host": "school.example", **PROXIED}, 200),
        ({"path": "/tutorial/config", **PROXIED}, 404),
        ({"path": "/tutor/config/../secret", **PROXIED}, 404),
        ({"host": "evil.example", **PROXIED}, 421),
        ({"origin": "https://school.example", "host": "school.example", **SENT}, 200),
        ({"origin": "https://school.example", "host": "127.0.0.1:7860", **SENT}, 200),
        ({"origin": "https://evil.example", "host": "school.example", **SENT}, 403),
        ({"origin": "null", "host": "school.example", **SENT}, 403),
    ],
)
def test_the_guard_behind_a_proxy(arguments: dict, status: int) -> None:
    assert request(**arguments)[0] == status


@pytest.mark.parametrize(("path", "passed"), [("/tutor/", "/"), ("/tutor/config", "/config"), ("/config", "/config")])
def test_the_path_of_a_proxy_is_taken_off(path: str, passed: str) -> None:
    assert request(path, **PROXIED)[1][b"path"] == passed.encode()


def test_host_names() -> None:
    assert [host_name(name) for name in ("Localhost:1", "[::1]:7860", "127.0.0.1")] == ["localhost", "::1", "127.0.0.1"]
