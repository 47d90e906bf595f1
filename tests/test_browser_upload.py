"""A lecture that comes in over the page while somebody asks: the program itself, in a browser."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import Page, app, chromium, missing
from pdf_samples import make_pdf

from index.build import build

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the building process is found in /proc"),
]

NOTES = """# Gates

## The forget gate

The forget gate of the LSTM decides how much of the old cell state is kept at each step.

## The output gate

The output gate of the LSTM decides how much of the cell state is shown to the next layer.
"""
KNOWN, NEW = "What does the forget gate of the LSTM decide?", "At which temperature does the quorl lamp glow green?"
PAGES = [
    [(24, 740, "The quorl lamp"), (12, 700, "A quorl lamp is a lamp of blown glass that is filled with quorl oil.")],
    [(24, 740, "Colours"), (12, 700, "The quorl lamp glows green at a temperature of 57 degrees, and red at 90.")],
]
LOADED = 90
"""Seconds for what loads a model or builds an index, on a busy machine."""

CHANGE = "return document.querySelector('#gb-change').innerText.includes(arguments[0])"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    notes = tmp_path / "Networks"
    notes.mkdir()
    (notes / "gates.md").write_text(NOTES, encoding="utf-8")
    build([notes], tmp_path / "store")
    return tmp_path / "store"


def building(server: int) -> int:
    """The process that builds the index for the page, once it is there."""
    end = time.monotonic() + LOADED
    while time.monotonic() < end:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
                command = stat.with_name("cmdline").read_bytes()
            except OSError:
                continue
            if parent == server and b"spawn_main" in command:
                return int(stat.parent.name)
        time.sleep(0.01)
    raise AssertionError("no process builds the index")


@contextmanager
def held_up(process: int) -> Iterator[None]:
    """Makes a process wait meanwhile."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_the_chat_answers_from_the_old_index_while_a_lecture_is_read_and_from_the_new_one_afterwards(
    store: Path, tmp_path: Path
) -> None:
    (tmp_path / "lamps.pdf").write_bytes(make_pdf(PAGES))
    with app(tmp_path, "--store", str(store)) as (address, server), chromium() as driver:
        page = Page(driver, address).open()
        page.ask(NEW, seconds=LOADED)
        assert "does not cover" in page.answer().text
        page.tab("Lectures")
        page.until("return document.querySelector('#gb-lecture-text')?.innerText.includes('old cell state')")
        page.run("document.querySelector('#gb-add > button').click()")
        page.until("return document.querySelector('#gb-files input[type=file]')").send_keys(str(tmp_path / "lamps.pdf"))
        page.until("return document.querySelector('#gb-files').innerText.includes('lamps')")
        page.type("#gb-course textarea, #gb-course input", "Lamps")
        page.run("document.querySelector('#gb-add-button').click()")
        with held_up(building(server)):
            page.until(CHANGE, "The chat goes on answering")
            page.ask(KNOWN, seconds=LOADED)
            assert "old cell state is kept" in page.answer().text
            page.ask(NEW, seconds=LOADED)
            assert "does not cover" in page.answer().text
            assert page.run(CHANGE, "The chat goes on answering"), "the index was built meanwhile"
        page.until(CHANGE, "answers come from the new index", seconds=LOADED)
        assert page.run(CHANGE, "Lamps: lamps.pdf")
        page.ask(NEW, seconds=LOADED)
        assert "57 degrees" in page.answer().text
        page.tab("This answer")
        source = page.until("return document.querySelector('.gb-card[data-passage=\"0\"] summary')?.innerText")
        assert "Lamps: lamps.pdf, page 1-2" in source
        page.ask(KNOWN, seconds=LOADED)
        assert "old cell state is kept" in page.answer().text
