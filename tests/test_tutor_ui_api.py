"""What programs can call over HTTP, what a page with uploads takes, and that nothing else is offered."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_tutor import PASSAGES, FakeTutor, answer_for
from page_server import called, fetch, served

from tutor.ui.api import endpoints
from tutor.ui.loading import Loading

QUESTION = "What does the forget gate do?"


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
        (lambda: retrieve(QUESTION, True), "k is True; it must be a whole number from 1 to 50"),
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


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("page"), uploads=False) as found:
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
    assert fetch(f"{address}/monitoring/summary")[0] == 404
    assert fetch(f"{address}/gradio_api/upload", {})[0] == 403
    assert fetch(f"{address}/gradio_api/file=/etc/passwd")[0] in {403, 404}


def test_the_page_holds_no_connection_open(address: str) -> None:
    """A browser has six for all its pages of one server; the seventh page would wait for ever."""
    assert json.loads(fetch(f"{address}/config")[1])["connect_heartbeat"] is False


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
    with served(tmp_path) as address:
        status, text = uploaded(address, 10, Origin=address)
        assert status == 200
        own = json.loads(text)[0]
        assert own.startswith(str(tmp_path / "gradio"))
        assert uploaded(address, 10, Origin="http://evil.example")[0] == 403
        assert fetch(f"{address}/gradio_api/process_recording", {})[0] == 404
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
