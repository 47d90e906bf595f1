"""Who comes in, how much may lie about, and that nothing goes out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tutor.ui.checks import CannotStart, check_entrance, check_log, read_root_path
from tutor.ui.entrance import MOST_WRONG, Entrance
from tutor.ui.guard import OFFERED, OPEN, PublicAddress, among
from tutor.ui.room import LONGEST, Room
from tutor.ui.start import Settings, notice

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def entrance() -> Entrance:
    return Entrance(lambda: {"good": "ada"}, lambda: "xyz")


@pytest.mark.parametrize(
    ("cookie", "known"),
    [
        ("access-token-xyz=good", True),
        ("a=1; access-token-unsecure-xyz=good", True),
        ('odd={"a": 1}; access-token-xyz=good', True),
        ("access-token-xyz=bad", False),
        ("access-token-abc=good", False),
        ("access-token-xyz=", False),
        ("access-token-xyz", False),
        ("", False),
    ],
)
def test_a_cookie_with_a_good_token_is_known(cookie: str, known: bool, entrance: Entrance) -> None:
    assert entrance.signed_in({"cookie": cookie}) is known
    assert not entrance.signed_in({})


def test_who_guesses_has_to_wait_and_others_have_not(entrance: Entrance, monkeypatch: pytest.MonkeyPatch) -> None:
    scope, other = {"client": ("10.0.0.1", 1)}, {"client": ("10.0.0.2", 1)}
    for _ in range(MOST_WRONG):
        assert entrance.open(scope)
        entrance.tried(scope, 400)
    entrance.tried(other, 200)
    assert not entrance.open(scope)
    assert entrance.open(other)
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert entrance.open(scope)


HERE = ("/", "/config", "/config/", "/assets/index.js", "/gradio_api/call/ask", "/gradio_api/queue/join")
ELSEWHERE = (
    *("/assets/../secret", "/assets/a\\b", "/assets", "//", "/configuration", "/monitoring/summary", "/gradio_api/"),
    *("/gradio_api/file=/etc/passwd", "/gradio_api/queue", "/gradio_api/deep_link", "/gradio_api/mcp/"),
)


@pytest.mark.parametrize("path", HERE + ELSEWHERE)
def test_what_is_not_listed_is_not_offered(path: str) -> None:
    assert among(path, OPEN | OFFERED) is (path in HERE)


@pytest.mark.parametrize(
    ("host", "root_path", "users", "everybody", "mcp", "word"),
    [
        ("0.0.0.0", "", False, False, False, "--auth FILE"),
        ("192.168.1.5", "/tutor", False, False, False, "--open"),
        ("127.0.0.1", "https://school.example/tutor", False, False, False, "--root-path https://school.example/tutor"),
        ("127.0.0.1", "", True, True, False, "leave one of them out"),
        ("127.0.0.1", "", True, False, True, "--mcp"),
    ],
)
def test_a_page_for_others_says_who_may_come_in(
    host: str, root_path: str, users: bool, everybody: bool, mcp: bool, word: str
) -> None:
    with pytest.raises(CannotStart, match=word):
        check_entrance(host, read_root_path(root_path), users, everybody, mcp)


@pytest.mark.parametrize(
    ("host", "root_path", "users", "everybody", "mcp"),
    [
        ("127.0.0.1", "", False, False, True),
        ("127.0.0.1", "http://localhost:8000/tutor", False, False, False),
        ("127.0.0.1", "https://school.example", True, False, False),
        ("0.0.0.0", "", True, False, False),
        ("0.0.0.0", "", False, True, True),
    ],
)
def test_other_entrances_are_fine(host: str, root_path: str, users: bool, everybody: bool, mcp: bool) -> None:
    check_entrance(host, read_root_path(root_path), users, everybody, mcp)


@pytest.mark.parametrize(
    ("text", "path", "origin"),
    [
        ("", "", ""),
        ("/", "", ""),
        ("/tutor/", "/tutor", ""),
        ("/a/b-c", "/a/b-c", ""),
        ("https://school.example", "", "https://school.example"),
        ("http://[::1]:80/t", "/t", "http://[::1]:80"),
    ],
)
def test_where_a_proxy_shows_the_page(text: str, path: str, origin: str) -> None:
    assert read_root_path(text) == PublicAddress(path, origin)


@pytest.mark.parametrize(
    "text", ["tutor", "//school.example", "ftp://a/b", "/a/../b", "/a b", "/a?b", "https://", "/a#b"]
)
def test_what_is_no_place_for_a_page_is_one_line(text: str) -> None:
    with pytest.raises(CannotStart, match="give one such as /tutor"):
        read_root_path(text)


def test_a_log_is_tried_before_the_start(tmp_path: Path) -> None:
    check_log(None, False)
    check_log(tmp_path / "log", True)
    for log, questions, word in [(None, True, "--log FILE"), (tmp_path / "none" / "log", False, "cannot write")]:
        with pytest.raises(CannotStart, match=word):
            check_log(log, questions)


def settings(host: str, users: int = 0, uploads: bool = False, root_path: str = "") -> Settings:
    names = tuple((f"user{number}", "secret") for number in range(users))
    return Settings(
        store=Path("store"),
        model=None,
        device=None,
        host=host,
        port=1,
        users=names,
        mcp=False,
        uploads=uploads,
        public=read_root_path(root_path),
    )


def test_whoever_starts_a_page_for_others_is_told_what_that_means() -> None:
    assert notice(settings("127.0.0.1")) == []
    assert notice(settings("127.0.0.1", root_path="/tutor")) == []
    assert "--root-path https://a.b opens" in notice(settings("127.0.0.1", users=1, root_path="https://a.b/c"))[0]
    told = "\n".join(notice(settings("0.0.0.0", users=2)))
    for word in ("0.0.0.0", "one of 2", "they can ask;", "unencrypted"):
        assert word in told
    assert "secret" not in told
    told = "\n".join(notice(settings("0.0.0.0", uploads=True)))
    assert "everybody" in told
    assert "change the lectures" in told


def test_there_is_room_for_so_much_and_old_uploads_make_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutor.ui.room.MOST_BYTES", 1000)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old.pdf").write_bytes(b"x" * 900)
    (tmp_path / "new.pdf").write_bytes(b"x" * 300)
    past = time.time() - LONGEST - 1
    os.utime(tmp_path / "a" / "old.pdf", (past, past))
    room = Room(tmp_path)
    assert room(600)
    assert not room(600), "what was granted a moment ago counts"
    assert not (tmp_path / "a" / "old.pdf").exists()
    assert (tmp_path / "new.pdf").exists()
    monkeypatch.setattr("tutor.ui.room.MOST_FILES", 1)
    assert not Room(tmp_path)(1)


CALLS_OUT = """
import socket
from tutor.ui.outside import stay_inside

with socket.socket() as server:
    server.bind(("127.0.0.1", 0))
    server.listen()
    stay_inside({"lab"})
    socket.create_connection(server.getsockname()).close()
    socket.create_connection(("localhost", server.getsockname()[1])).close()
def refused(call):
    try:
        call()
    except PermissionError as fault:
        return "calls no other machine" in str(fault)
    except OSError:
        return False
assert refused(lambda: socket.create_connection(("203.0.113.1", 80), 1))
assert refused(lambda: socket.getaddrinfo("example.org", 80))
assert refused(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("203.0.113.1", 53)))
assert refused(lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)))
assert not refused(lambda: socket.getaddrinfo("lab", 80))
"""


def test_the_program_calls_nobody() -> None:
    done = subprocess.run([sys.executable, "-c", CALLS_OUT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
