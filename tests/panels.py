"""What a reader sees of the page, panel after panel: how each is opened, when it is there, and where it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.browser import Page

QUESTION = "What does the forget gate do?"
LOADED = 120.0
"""Seconds for what loads a model first."""

WINDOW, RIGHT = "body", "#gb-right"
"""Parts of the page: what the window shows, its right column."""

_BUTTON = """
    return [...document.querySelectorAll("#gb-page-attention button")].find((one) => one.innerText.startsWith("%s"))
"""
_SEEN = "return document.querySelectorAll('%s').length >= %d"
_STILL = """
    const busy = [...document.querySelectorAll(".progress-text, .generating, .eta-bar")];
    const stops = [...document.querySelectorAll("button")].filter((one) => one.innerText.trim() === "Stop");
    const running = document.getAnimations().some((one) => one.playState === "running");
    return !running && ![...busy, ...stops].some((one) => one.offsetParent);
"""


_COMPARED = """
    const buttons = [...document.querySelectorAll("#gb-compare-question button")].map((one) => one.innerText.trim());
    return buttons.includes("Compare") && document.querySelectorAll(".gb-compare-result tbody tr").length >= 2;
"""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel: `open` brings it up on a page that shows the one before, `shown` is the function body that says that it
    is there, and `part` the selector of what is to be seen of it."""

    name: str
    title: str
    open: Callable[[Page], None]
    shown: str
    part: str = RIGHT

    def reach(self, page: Page) -> None:
        """Open it and wait until it is there."""
        self.open(page)
        page.until(self.shown, seconds=LOADED)


def still(page: Page) -> None:
    """Wait until nothing moves any more."""
    page.until(_STILL, seconds=LOADED)


def seen(selector: str, least: int = 1) -> str:
    """The function body that is true once there are so many such elements."""
    return _SEEN % (selector, least)


def click(page: Page, selector: str) -> None:
    """Click the first such element once it is there."""
    page.run("arguments[0].click()", page.until("return document.querySelector(arguments[0])", selector))


def push(page: Page, begins: str) -> None:
    """Click the button of the attention panel whose text begins so."""
    page.run("arguments[0].click()", page.until(_BUTTON % begins))


def view(page: Page, selector: str) -> None:
    """Bring an element to the upper edge of what scrolls around it."""
    page.run("document.querySelector(arguments[0]).scrollIntoView({ block: 'start', behavior: 'instant' })", selector)


def _heads(page: Page) -> None:
    push(page, "Show every head")
    page.until(seen(".gb-small-map", 2), seconds=LOADED)
    view(page, ".gb-drawer")


def _head(page: Page) -> None:
    click(page, ".gb-heads .gb-small-map:nth-of-type(3)")
    page.until(seen(".gb-large-map"), seconds=LOADED)
    view(page, ".gb-heads")


def _reading(page: Page) -> None:
    page.tab("Lectures")
    page.until("return document.querySelector('#gb-lecture-text')?.innerText.length > 500", seconds=LOADED)


def _lectures(page: Page) -> None:
    for section in ("#gb-index", "#gb-add"):
        click(page, f"{section} > button")
    page.run("document.querySelector('#gb-lecture').scrollIntoView({ block: 'end', behavior: 'instant' })")


def _compare(page: Page) -> None:
    page.tab("Compare")
    boxes = "document.querySelectorAll('#gb-compare-models input')"
    page.until(f"return {boxes}.length > 1")
    page.run(f"for (const one of {boxes}) if (!one.checked) one.click()")
    page.until(f"return [...{boxes}].every((one) => one.checked)")
    page.submit("#gb-compare-question textarea", QUESTION, seen(".gb-compare-name", 2))


def _quiz(page: Page) -> None:
    page.tab("Quiz")
    click(page, "#gb-quiz-ask")


def _graded(page: Page) -> None:
    page.type("#gb-quiz-answer textarea", "a vector of numbers")
    page.press("Enter")


def _gates(page: Page) -> None:
    click(page, "#gb-clear")
    page.run("document.querySelector('#gb-model input').dispatchEvent(new Event('focus')); ")
    page.all("#gb-model input")[0].click()
    options = "[...document.querySelectorAll('[role=option]')]"
    page.until(f"return {options}.find((one) => one.innerText.startsWith('gru'))").click()
    page.turns = 0
    page.tab("This answer")
    page.ask(QUESTION, seconds=LOADED)
    click(page, "#gb-tab-attention")
    push(page, "Show the gates")
    page.until(seen(".gb-gate-map", 2), seconds=LOADED)
    view(page, ".gb-drawer")


PANELS = (
    Panel(
        name="chat",
        title="The chat: an answer with citations",
        open=lambda page: page.ask(QUESTION, wait=False),
        shown=seen("#gb-chat .gb-cite"),
        part=WINDOW,
    ),
    Panel(
        name="sources",
        title="Sources: the cited passage at the words that were used",
        open=lambda page: click(page, "#gb-chat .gb-cite"),
        shown=seen(".gb-card[open] .gb-mark"),
    ),
    Panel(
        name="attention",
        title="Attention: where every word came from",
        open=lambda page: click(page, "#gb-tab-attention"),
        shown=seen(".gb-strip .gb-token"),
    ),
    Panel(
        name="effects",
        title="Attention: what the answer loses without a passage",
        open=lambda page: push(page, "Effect when removed"),
        shown=seen(".gb-with-effects"),
    ),
    Panel(name="heads", title="Workings: every head in small", open=_heads, shown=seen(".gb-small-map", 2)),
    Panel(name="head", title="Workings: one head", open=_head, shown=seen(".gb-large-map")),
    Panel(
        name="reading",
        title="Lectures: reading one",
        open=_reading,
        shown="return document.querySelector('#gb-lecture-text')?.innerText.length > 500",
    ),
    Panel(
        name="lectures",
        title="Lectures: what is indexed, and adding to it",
        open=_lectures,
        shown=seen("#gb-library tbody tr", 10) + " && document.querySelector('#gb-files') !== null",
    ),
    Panel(
        name="compare",
        title="Compare: all models on the same passages",
        open=_compare,
        shown=_COMPARED,
    ),
    Panel(
        name="quiz",
        title="Quiz: a question",
        open=_quiz,
        shown="return document.querySelector('#gb-quiz-answer textarea')?.offsetParent != null",
    ),
    Panel(
        name="graded",
        title="Quiz: a first answer",
        open=_graded,
        shown="return document.querySelector('#gb-quiz-feedback').innerText.length > 3",
    ),
    Panel(
        name="told",
        title="Quiz: the answer, with its place",
        open=lambda page: click(page, "#gb-quiz-show"),
        shown=seen(".gb-quiz-card .gb-mark"),
    ),
    Panel(
        name="programs",
        title="For programs",
        open=lambda page: click(page, "#gb-programs > button"),
        shown="return document.querySelector('#gb-programs').innerText.includes('/gradio_api/')",
        part="#gb-programs",
    ),
    Panel(name="gates", title="Workings: the gates of a GRU", open=_gates, shown=seen(".gb-gate-map", 2)),
)
"""In an order in which each can be reached from the one before; the first from the page as it opens."""
