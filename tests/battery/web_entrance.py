"""A page that other machines reach: who comes in, and who does not."""

from __future__ import annotations

import contextlib
import io

import app
from tests.battery.service import Service, serving
from tests.battery.trials import Trials
from tests.battery.web_tries import API, TAKERS, posted
from tutor.ui.entrance import MOST_WRONG

WALLED = (
    *("/config", "/logout"),
    *(API + name for name in ("info", "openapi.json", "queue/status", "queue/data?session_hash=x", "heartbeat/x")),
    *(API + name for name in ("call/ask/x", "upload_progress?upload_id=x", "user", "token", "app_id")),
)


def entrance(trials: Trials) -> None:
    """Starts that are refused; then strangers at a page with `--auth`, one who guesses, and one who signs in."""
    for options in (["--host", "0.0.0.0"], ["--host", "::"], ["--host", "0.0.0.0", "--uploads"]):
        with trials.trial("a page for others without a word on who may come in", options=options):
            said = io.StringIO()
            with contextlib.redirect_stderr(said):
                assert app.main(options) == 1, "expected not to start"
            assert "--auth" in said.getvalue(), f"expected to be told of --auth, got {said.getvalue()}"
    users = trials.place / "users"
    users.write_text("ada:lovelace\n", encoding="utf-8")
    options = ("--host", "0.0.0.0", "--auth", str(users))
    with serving(trials.place / "walled", *options, quick=True) as service:
        with trials.trial("what it lets in is said at the start"):
            said = service.said.read_text(encoding="utf-8")
            assert "opens this page to other machines" in said, f"expected to be told, got {said}"
        strangers(trials, service)
        member(trials, service)
        guesses(trials, service)


def strangers(trials: Trials, service: Service) -> None:
    """Nothing of the page without a password."""
    for path in WALLED:
        with trials.trial("strangers ask", path=path):
            reply = service.ask_for(path)
            assert reply.status in (401, 404), f"expected to be asked to sign in, got {reply.status} {reply.text[:99]}"
    for path in TAKERS:
        with trials.trial("strangers send", path=path):
            one = posted(path, {"data": ["What?", None], "fn_index": 1, "session_hash": "x", "event_id": "x"})
            reply = service.ask_for(path, body=one.body, headers=one.headers)
            assert reply.status == 401, f"expected to be asked to sign in, got {reply.status} {reply.text[:99]}"
    for cookie in ("access-token-unsecure-x=y", "access-token=", ";;;=", "a=" + "b" * 5_000):
        with trials.trial("strangers with a cookie", cookie=cookie[:60]):
            assert service.ask_for("/config", headers={"Cookie": cookie}).status == 401, (
                "expected to be asked to sign in"
            )


def signed_in(service: Service, password: str) -> tuple[int, str]:
    """Status of a try to sign in, and the cookie that it brought."""
    body = f"username=ada&password={password}".encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = service.ask_for("/login", body=body, headers=kind)
    cookies = [value for name, value in reply.headers.items() if name.lower() == "set-cookie"]
    return reply.status, (cookies[-1] if cookies else "").partition(";")[0]


def member(trials: Trials, service: Service) -> None:
    """Who signs in gets the page; another page in the same browser does not."""
    with trials.trial("somebody signs in"):
        status, cookie = signed_in(service, "lovelace")
        assert status == 200, f"expected to come in, got {status}"
        assert service.ask_for("/config", headers={"Cookie": cookie}).status == 200, "expected the page"
        for origin in ("http://evil.example", "null"):
            reply = service.ask_for("/config", headers={"Cookie": cookie, "Origin": origin})
            assert reply.status == 403, f"expected a page of others not to read, got {reply.status}"


def guesses(trials: Trials, service: Service) -> None:
    """Wrong passwords are slowed down, the right one then, too."""
    with trials.trial("passwords are guessed"):
        found = [signed_in(service, f"guess{number}")[0] for number in range(MOST_WRONG + 3)]
        assert set(found) == {400, 429}, f"expected to be refused and then held off, got {found}"
        assert signed_in(service, "lovelace")[0] == 429, "expected to have to wait"
