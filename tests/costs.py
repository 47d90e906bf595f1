"""What the page costs: seconds from opening it to an answer, and milliseconds and bytes of every panel, as a table.

    python -m tests.costs                   # serves the page anew; needs chromium and chromedriver
    python -m tests.costs --store DIR

Times are taken in the browser's eyes: until what was asked for is drawn. Bytes are those that came over the wire.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.browser import ANSWERED, Page, app, chromium, missing
from tests.panels import LOADED, PANELS, seen, still

QUESTIONS = (
    "What does the forget gate do?",
    "Why do gradients vanish in a recurrent network?",
    "What is attention?",
    "How does byte pair encoding work?",
    "What is perplexity?",
)
_WORDS = """
    const bots = document.querySelectorAll("#gb-chat [data-testid=bot]");
    const text = bots.length >= arguments[0] ? bots[bots.length - 1].innerText.trim() : "";
    return text.length > 1 && !text.startsWith("Loading");
"""
"""Whether an answer has its first words."""


class Wire:
    """What the browser receives, as it came over the wire; what it has kept from before does not come again."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._counted: Counter[str] = Counter()

    def received(self) -> int:
        """Bytes since the last look, headers included."""
        before = self._counted.total()
        for line in self._page.driver.get_log("performance"):
            event = json.loads(line["message"])["message"]
            of = event["params"]
            if event["method"] == "Network.dataReceived":
                self._counted[of["requestId"]] += of["encodedDataLength"]
            elif event["method"] == "Network.loadingFinished":
                self._counted[of["requestId"]] = max(0, of["encodedDataLength"])
        return self._counted.total() - before


def measured(wire: Wire, act: Callable[[], object]) -> tuple[float, int]:
    """Milliseconds that `act` takes, and the bytes that came with it and what it set off."""
    wire.received()
    start = time.perf_counter()
    act()
    taken = 1000 * (time.perf_counter() - start)
    time.sleep(0.5)
    return taken, wire.received()


def opening(page: Page, wire: Wire) -> list[str]:
    """Rows for the page itself: with nothing kept by the browser, and again."""
    page.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    return [row("opening the page, nothing cached", *measured(wire, page.open)),
            row("opening it again", *measured(wire, page.open))]  # fmt: skip


def answers(page: Page, wire: Wire) -> list[str]:
    """Rows for an answer: the medians of some questions, each on a page opened afresh."""
    first, whole, size = [], [], []
    for question in QUESTIONS:
        page.open()
        wire.received()
        start = time.perf_counter()
        page.ask(question, wait=False)
        page.until(_WORDS, 1, seconds=LOADED)
        first.append(1000 * (time.perf_counter() - start))
        page.until(ANSWERED, 1, seconds=LOADED)
        whole.append(1000 * (time.perf_counter() - start))
        page.until(seen(".gb-card, .gb-note"))
        still(page)
        size.append(wire.received())
    middle = statistics.median
    return [row(f"first words of an answer, median of {len(QUESTIONS)}", middle(first), None),
            row("whole answer with its sources and attention, median", middle(whole), round(middle(size)))]  # fmt: skip


def panels(page: Page, wire: Wire) -> list[str]:
    """A row for every panel, each opened from the one before."""
    page.open()
    found = []
    for panel in PANELS:
        cost = measured(wire, lambda panel=panel: panel.reach(page))  # type: ignore[misc]
        found.append(row(panel.title, *cost))
        still(page)
    return found[1:]


def row(what: str, milliseconds: float, size: int | None) -> str:
    """A row of the table."""
    return f"| {what} | {milliseconds:,.0f} | {'' if size is None else f'{size / 1000:,.1f}'} |"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m tests.costs", description="Measure what the page costs.")
    cli.add_argument("--store", type=Path, help="index behind the page; by default that of the shipped lectures")
    return cli


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the page and print the table; 1 with one line where something is missing."""
    arguments = parser().parse_args(argv)
    if lack := missing():
        print(f"tests.costs: {lack}", file=sys.stderr)
        return 1
    options = ["--store", str(arguments.store)] if arguments.store else []
    with chromium() as driver, tempfile.TemporaryDirectory() as home:
        start = time.perf_counter()
        with app(Path(home), *options) as (address, _):
            print("| what | ms | kB received |\n|---|---|---|")
            print(row("from `python app.py` until it serves", 1000 * (time.perf_counter() - start), None))
            page = Page(driver, address)
            wire = Wire(page)
            start = time.perf_counter()
            page.open().ask(QUESTIONS[0], seconds=LOADED)
            print(row("from opening the page at once to the first answer", 1000 * (time.perf_counter() - start), None))
            start = time.perf_counter()
            page.open().ask(QUESTIONS[1], seconds=LOADED)
            print(row("the same once the model is loaded", 1000 * (time.perf_counter() - start), None))
            for part in (opening, answers, panels):
                print("\n".join(part(page, wire)), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
