"""The command line of the page: what it says where it cannot start, who is let in."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

import app
from tutor.ui.checks import CannotStart, allows_uploads, check_port, read_root_path, read_users

ROOT = Path(__file__).resolve().parent.parent


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


def test_uploads_are_on_for_this_machine_and_off_for_others_unless_asked_for() -> None:
    for host, root_path, uploads, allowed in [
        ("127.0.0.1", "", None, True),
        ("127.0.0.1", "", False, False),
        ("127.0.0.1", "/tutor", None, True),
        ("127.0.0.1", "https://school.example", None, False),
        ("0.0.0.0", "", None, False),
        ("0.0.0.0", "", True, True),
    ]:
        assert allows_uploads(host, read_root_path(root_path), uploads) is allowed
    options = app.arguments().parse_args
    assert [options(line).uploads for line in ([], ["--uploads"], ["--no-uploads"])] == [None, True, False]
