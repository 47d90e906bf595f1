"""What a reader sees of an answer's workings, in a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import QUESTION, Page, chromium, missing, served
from payloads import PAYLOADS

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(missing()), reason=missing())]

PANEL = "document.querySelector('#gb-page-attention')"


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder: Path = tmp_path_factory.mktemp("page")
    with served(folder) as address, chromium() as driver:
        yield Page(driver, address)


def asked(page: Page, question: str = QUESTION) -> Page:
    page.ask(question)
    page.until("return document.querySelector('.gb-foot')")
    page.run("document.querySelector('#gb-tab-attention').click()")
    return page


def push(page: Page, name: str) -> None:
    """Click the button of the panel whose text begins so."""
    script = f"return [...{PANEL}.querySelectorAll('button')].find((one) => one.innerText.startsWith(arguments[0]))"
    page.run("arguments[0].click()", page.until(script, name))


def focus(page: Page, selector: str) -> None:
    page.run("document.querySelector(arguments[0]).focus()", selector)


def told(page: Page, selector: str) -> str:
    return str(page.run("return document.querySelector(arguments[0]).innerText", selector))


def choose_model(page: Page, name: str) -> None:
    page.all("#gb-model input")[0].click()
    options = "[...document.querySelectorAll('[role=option]')]"
    page.until(f"return {options}.find((one) => one.innerText.toLowerCase().includes(arguments[0]))", name).click()


def test_effects_stand_beside_the_copy_mass(window: Page) -> None:
    page = asked(window.open())
    assert not page.all(".gb-with-effects")
    push(page, "Effect when removed")
    page.until("return document.querySelector('.gb-with-effects')")
    assert told(page, ".gb-with-effects").split().count("1.40") == 1
    assert "−0.01" in told(page, ".gb-with-effects")
    assert "taking [2] away costs the answer more" in told(page, "#gb-page-attention .gb-refused")
    page.run("document.querySelector('#gb-tab-sources').click(); document.querySelector('#gb-chat .gb-cite').click()")
    page.run("document.querySelector('#gb-tab-attention').click()")
    assert page.all(".gb-with-effects"), "what was asked for stays"


def test_every_head_can_be_seen_and_one_be_read_with_keys(window: Page) -> None:
    page = asked(window.open())
    push(page, "Show every head")
    page.until("return document.querySelectorAll('.gb-small-map').length === 12")
    names = [one.get_attribute("aria-label") for one in page.all(".gb-small-map")]
    assert names[0].startswith("Layer 1, head 1: ")
    assert "%" in names[0]
    focus(page, ".gb-small-map")
    page.press("ArrowRight")
    page.press("Enter")
    page.until("return document.querySelector('.gb-large-map')")
    assert told(page, ".gb-large h4") == "Layer 1, head 2"
    focus(page, ".gb-large-map")
    first = page.until("return document.querySelector('.gb-large .gb-told strong')?.innerText")
    page.press("ArrowRight")
    page.press("ArrowRight")
    assert told(page, ".gb-large .gb-told strong") == first, "the answer token stays"
    assert "→" in told(page, ".gb-large .gb-told")
    page.run("document.querySelector('.gb-large .gb-twin').open = true")
    rows = page.until("return document.querySelectorAll('.gb-large .gb-twin tbody tr').length")
    assert rows == page.run("return document.querySelectorAll('.gb-strip .gb-token').length")
    page.run(
        "const kind = document.querySelector('#gb-kind'); kind.value = 'rollout';"
        "kind.dispatchEvent(new Event('change'))"
    )
    page.until("return document.querySelectorAll('.gb-small-map').length === 3")


def test_a_recurrent_model_opens_its_gates_and_their_lecture(window: Page) -> None:
    page = window.open()
    choose_model(page, "gru")
    asked(page)
    push(page, "Show the gates")
    page.until("return document.querySelectorAll('.gb-gate-map').length === 4")
    focus(page, ".gb-gate-map")
    page.press("ArrowRight")
    assert told(page, ".gb-gate .gb-told").startswith("reset gate r at “")
    push(page, "Show the decoder's attention")
    page.until("return document.querySelector('.gb-large-map')")
    assert "scaled dot product" in told(page, "#gb-page-attention")
    push(page, "Lecture: The update gate")
    page.until("return document.querySelector('#gb-lecture-text')?.offsetParent")
    page.until("return document.querySelector('#gb-lecture input')?.value.includes('Gated recurrent unit')")


def test_the_workings_are_for_everybody(window: Page) -> None:
    for dark, width in ((False, 390), (True, 1440)):
        page = window.open(dark=dark, width=width)
        choose_model(page, "gru" if dark else "fake")
        asked(page)
        push(page, "Effect when removed")
        page.until("return document.querySelector('.gb-with-effects')")
        push(page, "Show the gates" if dark else "Show every head")
        page.until("return document.querySelector('.gb-gate-map, .gb-small-map')")
        page.run("document.querySelectorAll('.gb-twin').forEach((one) => { one.open = true; })")
        if not dark:
            page.run("document.querySelector('.gb-small-map').click()")
            page.until("return document.querySelector('.gb-large-map')")
        assert page.faults() == []
        assert page.run("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("payload", PAYLOADS[:4])
def test_hostile_texts_stay_texts(window: Page, payload: str) -> None:
    page = asked(window.open(), payload)
    page.strangers()
    if page.run("return Boolean(document.querySelector('.gb-masses'))"):
        push(page, "Effect when removed")
        push(page, "Show every head")
        page.until("return document.querySelector('.gb-small-map, .gb-asked:not(:empty)')")
    assert page.run("return 'gbHit' in window") is False
    assert page.strangers() == []


def test_a_token_under_the_pointer_shows_its_passage(window: Page) -> None:
    from selenium.webdriver import ActionChains

    page = window.open()
    page.ask(QUESTION)
    page.until("return document.querySelector('#gb-tab-attention')").click()
    token = next(one for one in page.all(".gb-strip .gb-token") if "decides" in one.text)
    ActionChains(page.driver).move_to_element_with_offset(token, 2, 2).move_to_element(token).perform()
    page.until("return document.querySelector('.gb-live').innerText.includes('decides')")
    assert "[1]" in page.run("return document.querySelector('.gb-live').innerText")
    heaviest = page.run("return document.querySelector('.gb-heaviest').innerText")
    assert "decides how much" in heaviest
