"""The quiz as a reader has it, in a browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from browser import Page, chromium, missing, served

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(missing()), reason=missing())]

FIELD = "#gb-quiz-answer textarea"
FEEDBACK = "return document.querySelector('#gb-quiz-feedback').innerText.includes(arguments[0])"
PROGRESS = "return document.querySelector('.gb-quiz-progress')?.innerText.includes(arguments[0])"
NEW = """
    const now = document.querySelector("#gb-quiz-question").innerText;
    return now && now !== arguments[0] && !now.startsWith("Looking");
"""
SETTLED = """
    for (let one = document.querySelector("#gb-quiz-feedback p"); one; one = one.parentElement) {
      if (getComputedStyle(one).opacity !== "1") return false;
    }
    return true;
"""
"""Whether what changed is no longer faded."""

GATE = "A gate is a vector of numbers between 0 and 1 that is multiplied with another vector."


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with served(tmp_path_factory.mktemp("page")) as address, chromium() as driver:
        yield Page(driver, address)


def begun(page: Page, **screen: Any) -> Page:
    """The quiz with nothing asked before, and a first question."""
    page.open()
    page.run("localStorage.clear()")
    page.open(**screen)
    page.tab("Quiz")
    page.until("return document.querySelector('#gb-quiz-ask')?.offsetParent")
    following(page, "#gb-quiz-ask")
    return page


def question(page: Page) -> str:
    return str(page.run("return document.querySelector('#gb-quiz-question').innerText"))


def push(page: Page, button: str) -> None:
    page.run("document.querySelector(arguments[0]).click()", button)


def following(page: Page, button: str) -> None:
    """Press a button that brings another question, and wait until it can be answered."""
    before = question(page)
    push(page, button)
    page.until(NEW, before)
    page.until(f"return document.activeElement.matches('{FIELD}') && document.activeElement.value === ''")


def answer(page: Page, text: str, told: str) -> None:
    page.type(FIELD, text)
    page.press("Enter")
    page.until(FEEDBACK, told)
    page.until(SETTLED)


def test_two_tries_then_the_sentence_and_the_progress_is_kept(window: Page) -> None:
    page = begun(window)
    answer(page, "bananas", "Not yet.")
    assert "Look in Long short-term memory" in page.run("return document.querySelector('#gb-quiz-feedback').innerText")
    assert not page.all(".gb-quiz-card .gb-mark")
    page.until("return document.activeElement.id === 'gb-quiz-again'")
    page.press("Enter")
    page.until(f"return document.activeElement.matches('{FIELD}')")
    answer(page, GATE if "What is a gate" in question(page) else "gate", "Right.")
    assert page.until("return document.querySelector('.gb-quiz-card .gb-mark')").is_displayed()
    page.until(PROGRESS, "1 of 1")
    following(page, "#gb-quiz-next")
    push(page, "#gb-quiz-show")
    page.until(FEEDBACK, "The answer.")
    page.until(PROGRESS, "1 of 2")
    page.open().tab("Quiz")
    page.until(PROGRESS, "1 of 2")
    push(page, "#gb-quiz-ask")
    page.until("return document.querySelector('#gb-quiz-question').innerText.includes('Nothing more')")
    push(page, "#gb-quiz-anew")
    page.until("return document.querySelector('.gb-quiz-progress').innerText === ''")


def test_formulas_are_set_and_what_is_typed_stays_text(window: Page) -> None:
    page = begun(window)
    if "LSTM" not in question(page):
        following(page, "#gb-quiz-next")
    page.until("return document.querySelector('#gb-quiz-question .katex-html')")
    assert "____" in question(page)
    page.strangers()
    answer(page, "<img src=http://evil.example/x onerror=window.gbHit=1> ${1} {{1}} gate", "Partly.")
    page.until("return document.querySelector('.gb-quiz-card .gb-text')")
    assert page.run("return 'gbHit' in window") is False
    assert not page.all("#gb-quiz img")
    assert page.strangers() == []


@pytest.mark.parametrize(("dark", "width"), [(False, 1440), (True, 390)])
def test_the_quiz_is_for_everybody(window: Page, dark: bool, width: int) -> None:
    page = begun(window, dark=dark, width=width)
    assert page.faults() == []
    answer(page, "bananas", "Not yet.")
    assert page.faults() == []
    push(page, "#gb-quiz-show")
    page.until(FEEDBACK, "The answer.")
    page.until(SETTLED)
    assert page.faults() == []
    assert page.run("return document.documentElement.scrollWidth") <= width
