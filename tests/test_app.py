import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fake_tutor import PASSAGES, FakeTutor, answer_for

import app
from tutor.ui.api import endpoints
from tutor.ui.guard import Guard, host_name
from tutor.ui.loading import Loading
from tutor.ui.page import ASSETS, head
from tutor.ui.start import CannotStart, allows_uploads, check_port, read_users

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "What does the forget gate do?"


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def failure(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Runs the command, which has to fail with one line, and returns that line."""
    assert app.main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("error: ")
    return captured.err


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, app\n"
        "try: app.main(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'torch', 'gradio', 'faiss'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--store" in done.stdout


def test_a_missing_store_names_the_command_that_builds_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, free_port: int
) -> None:
    line = failure(capsys, "--store", str(tmp_path / "none"), "--port", str(free_port))
    assert "python -m index.build" in line


def test_a_missing_model_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path, free_port: int) -> None:
    (tmp_path / "CURRENT").write_text("x", encoding="utf-8")
    line = failure(capsys, "--store", str(tmp_path), "--model", "no-such-model", "--port", str(free_port))
    assert "no model 'no-such-model'" in line


def test_a_port_in_use_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        line = failure(capsys, "--port", str(taken.getsockname()[1]))
    assert "choose another --port" in line


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 0), ("127.0.0.1", 70000), ("203.0.113.1", 7860)])
def test_an_impossible_address_is_refused(host: str, port: int) -> None:
    with pytest.raises(CannotStart, match=r"--host|not from 1 to 65535"):
        check_port(host, port)


def test_mcp_without_its_package_says_how_to_install_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert "pip install" in failure(capsys, "--mcp")


def test_users_are_read(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("ada:love:lace\n\n grace:hopper \n", encoding="utf-8")
    assert read_users(file) == (("ada", "love:lace"), ("grace", "hopper"))


@pytest.mark.parametrize("content", [b"ada", b"ada:", b":secret", b"", b"\xff:x"])
def test_a_bad_file_of_users_is_one_line(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str], free_port: int
) -> None:
    file = tmp_path / "users"
    file.write_bytes(content)
    line = failure(capsys, "--auth", str(file), "--port", str(free_port))
    assert "user:password" in line
    assert "secret" not in line


def test_a_missing_file_of_users_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot read" in failure(capsys, "--auth", str(tmp_path / "none"))


def test_nothing_of_the_page_is_remote() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tutor" / "ui").glob("*.py"))
    assert all(path.name in code for path in ASSETS.iterdir())
    # A namespace is a name and never fetched.
    local = ("http://{settings.host}", "http://www.w3.org/2000/svg")
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
):
    """Status and headers that the guard gives a request."""
    headers = [(b"host", host.encode())] + ([(b"content-length", length.encode())] if length is not None else [])
    headers += [(b"origin", origin.encode())] if origin is not None else []
    scope = {"type": "http", "path": path, "method": method, "headers": headers}
    sent: list[dict] = []

    async def inner(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message) -> None:
        sent.append(dict(message))

    asyncio.run(Guard(inner, upload=upload)(scope, None, send))
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
        ({**POSTED, "upload": 9_000_000, "path": "/gradio_api/process_recording"}, 403),
        ({**POSTED, "upload": 9_000_000, "origin": "http://127.0.0.1:7860"}, 200),
        ({**POSTED, "upload": 9_000_000, "origin": "http://evil.example"}, 403),
        ({**POSTED, "upload": 9_000_000, "origin": "null"}, 403),
        ({"path": "/gradio_api/queue/join", "method": "POST", "length": "3", "origin": "http://evil.example"}, 403),
    ],
)
def test_the_guard_turns_away(arguments: dict, status: int) -> None:
    assert request(**arguments)[0] == status


def test_uploads_are_on_for_this_machine_and_off_for_others_unless_asked_for() -> None:
    for host, uploads, allowed in [
        ("127.0.0.1", None, True),
        ("127.0.0.1", False, False),
        ("0.0.0.0", None, False),
        ("0.0.0.0", True, True),
    ]:
        assert allows_uploads(host, uploads) is allowed
    options = app.arguments().parse_args
    assert [options(line).uploads for line in ([], ["--uploads"], ["--no-uploads"])] == [None, True, False]


def test_host_names() -> None:
    assert [host_name(name) for name in ("Localhost:1", "[::1]:7860", "127.0.0.1")] == ["localhost", "::1", "127.0.0.1"]


def loaded() -> Loading:
    loading = Loading(FakeTutor)
    loading.start()
    return loading


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_programs_get_one_line_for_an_error() -> None:
    ask, retrieve, *_ = endpoints(loaded())
    import gradio

    for call, reason in [
        (lambda: ask("a long question"), "9,999 characters"),
        (lambda: ask(QUESTION, [["a"]]), "pairs"),
        (lambda: retrieve(QUESTION, 0), "from 1 to 50"),
        (lambda: retrieve("", 3), "empty"),
    ]:
        with pytest.raises(gradio.Error, match=reason):
            call()
    with pytest.raises(RuntimeError, match="inner workings"):
        ask("bug")


def test_programs_get_answers_and_passages() -> None:
    ask, retrieve, *_ = endpoints(loaded())
    assert ask(QUESTION, [["a", "b"]]) == answer_for(QUESTION).to_json()
    assert [one["passage_id"] for one in retrieve(QUESTION, 2)] == [one.passage_id for one in PASSAGES[:2]]


SERVE = """
import sys
from pathlib import Path
from fake_tutor import FakeTutor
from tutor.ui.loading import Loading
from tutor.ui.start import Settings, launch

loading = Loading(FakeTutor)
loading.start()
settings = Settings(
    store=Path(sys.argv[2]),
    model=None,
    device=None,
    host="127.0.0.1",
    port=int(sys.argv[1]),
    users=(),
    mcp=False,
    uploads=sys.argv[3] == "uploads",
)
launch(settings, loading)
print("ready", flush=True)
sys.stdin.read()
"""


def fetch(address: str, data: object = None, **headers: str) -> tuple[int, str]:
    """Status and text of a request; a POST where there is data."""
    body = None if data is None else json.dumps(data).encode()
    call = urllib.request.Request(address, body, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(call, timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def called(address: str, name: str, *arguments: object) -> tuple[str, Any]:
    """The last event of a call of the page's API and its data."""
    status, text = fetch(f"{address}/gradio_api/call/{name}", {"data": arguments})
    assert status == 200, text
    _, events = fetch(f"{address}/gradio_api/call/{name}/{json.loads(text)['event_id']}")
    event, data = events.strip().split("\n\n")[-1].split("\n")
    return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@contextmanager
def served(scratch: Path, uploads: str) -> Iterator[str]:
    """The address of a page with the fake tutor behind it, served by a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    surroundings = {**os.environ, "PYTHONPATH": path, "GRADIO_TEMP_DIR": str(scratch / "gradio")}
    command = [sys.executable, "-c", SERVE, str(port), str(scratch / "store"), uploads]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=surroundings, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        assert server.stdout.readline() == "ready\n"
        yield f"http://127.0.0.1:{port}"
        server.stdin.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("page"), "") as found:
        yield found


def test_the_page_answers_programs(address: str) -> None:
    assert called(address, "ask", QUESTION, None) == ("complete", [answer_for(QUESTION).to_json()])
    event, data = called(address, "retrieve", QUESTION, 2)
    assert (event, len(data[0])) == ("complete", 2)
    event, data = called(address, "ask", "a long question", None)
    assert (event, data["error"]) == ("error", "the question has 9,999 characters; ask in at most 2,000")
    event, data = called(address, "health")
    assert (event, data[0]["loaded"], data[0]["faults"]) == ("complete", True, [])
    event, data = called(address, "ask", "bug", None)
    assert event == "error"
    assert "inner workings" not in json.dumps(data)


def test_the_page_offers_its_functions_and_nothing_else(address: str) -> None:
    _, text = fetch(f"{address}/gradio_api/info")
    assert set(json.loads(text)["named_endpoints"]) == {"/ask", "/retrieve", "/explain", "/health", "/quiz", "/grade"}
    assert fetch(f"{address}/monitoring/summary")[0] == 403
    assert fetch(f"{address}/gradio_api/upload", {})[0] == 403
    assert fetch(f"{address}/gradio_api/file=/etc/passwd")[0] in {403, 404}


def test_the_page_is_for_this_machine(address: str) -> None:
    status, text = fetch(address)
    assert status == 200
    assert "fonts.googleapis" not in text
    assert fetch(address, Host="evil.example")[0] == 421


def uploaded(address: str, size: int, **headers: str) -> tuple[int, str]:
    """Status and text of the upload of one file."""
    ends = (b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\n', b"\r\n--x--\r\n")
    kind = {"Content-Type": "multipart/form-data; boundary=x", **headers}
    call = urllib.request.Request(f"{address}/gradio_api/upload", ends[0] + b"x" * size + ends[1], kind)
    try:
        with urllib.request.urlopen(call, timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_page_with_uploads_takes_files_from_itself_and_gives_them_to_no_one_else(tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("Nobody should read this line.", encoding="utf-8")
    with served(tmp_path, "uploads") as address:
        status, text = uploaded(address, 10, Origin=address)
        assert status == 200
        own = json.loads(text)[0]
        assert own.startswith(str(tmp_path / "gradio"))
        assert uploaded(address, 10, Origin="http://evil.example")[0] == 403
        assert fetch(f"{address}/gradio_api/process_recording", {})[0] == 403
        _, text = fetch(f"{address}/config")
        config = json.loads(text)
        labels = {one["id"]: one["props"].get("elem_id") for one in config["components"]}
        adds = [one["id"] for one in config["dependencies"] if "gb-files" in {labels[part] for part in one["inputs"]}]
        assert len(adds) == 1

        def added(path: str, course: str) -> str:
            file = {"path": path, "meta": {"_type": "gradio.FileData"}}
            call = {"data": [[file], course], "fn_index": adds[0], "session_hash": "x"}
            assert fetch(f"{address}/gradio_api/queue/join", call)[0] == 200
            return fetch(f"{address}/gradio_api/queue/data?session_hash=x")[1]

        assert "Name the course" in added(own, "")
        events = added(str(secret), "")
        assert '"success":false' in events.replace(" ", "")
        assert "Name the course" not in events
    assert not (tmp_path / "store-uploads").exists()
