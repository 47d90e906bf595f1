"""What hostile texts do to the page, in a browser: nothing."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from browser import QUESTION, Page, chromium, missing, served
from hostile import QUESTIONS
from payloads import AWAY, PAYLOADS

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(missing()), reason=missing())]

FRAME = """
    const seen = (selector) => document.querySelectorAll(selector).length;
    const box = document.querySelector("#gb-question").getBoundingClientRect();
    return {
      ran: "gbHit" in window, title: document.title, place: location.href,
      heading: document.querySelector("h1").innerText,
      tabs: [...document.querySelectorAll("#gb-right button[role=tab]")].map((one) => one.innerText).join(),
      ground: getComputedStyle(document.body).backgroundColor, top: Math.round(box.top), left: Math.round(box.left),
      width: document.documentElement.scrollWidth,
      active: seen("iframe, object, embed, base, form[action], meta[http-equiv=refresh], portal"),
      handlers: seen("#gb-columns *[onerror], #gb-columns *[onload], #gb-columns *[onclick], #gb-columns *[ontoggle]"),
      inside: seen("#gb-columns script, #gb-columns style, #gb-columns link, #gb-columns meta"),
      links: seen("a[href^='javascript:' i], a[href^='data:' i], [*|href^='javascript:' i]"),
      over: document.elementFromPoint(box.left + 40, box.top + box.height / 2).closest("#gb-question") !== null,
    };
"""


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with served(tmp_path_factory.mktemp("page")) as address, chromium() as driver:
        yield Page(driver, address)


@pytest.fixture
def page(window: Page) -> Page:
    return window.open()


def framed(page: Page) -> dict[str, Any]:
    """What hostile texts may not change."""
    found = page.run(FRAME)
    assert isinstance(found, dict)
    return found


def test_hostile_texts_change_nothing_and_reach_nobody(page: Page) -> None:
    assert len(PAYLOADS) >= 40
    page.ask(QUESTION)
    page.strangers()
    before = framed(page)
    for question in QUESTIONS:
        page.ask(question)
        page.run("document.querySelector('#gb-tab-attention').click()")
        assert framed(page) == before, question
        page.run("document.querySelector('#gb-tab-sources').click()")
        assert framed(page) == before, question
        assert page.strangers() == [], question
    page.tab("Lectures")
    page.until("return document.querySelector('#gb-lecture-text')?.innerText.length > 100")
    assert page.strangers() == []


def test_a_request_off_this_machine_would_be_seen(window: Page) -> None:
    bypass = "Page.setBypassCSP"
    window.driver.execute_cdp_cmd(bypass, {"enabled": True})
    page = window.open()
    page.run("new Image().src = arguments[0]", AWAY)
    end = time.monotonic() + 5
    while not (seen := page.strangers()) and time.monotonic() < end:
        time.sleep(0.05)
    page.driver.execute_cdp_cmd(bypass, {"enabled": False})
    assert seen == [AWAY]
