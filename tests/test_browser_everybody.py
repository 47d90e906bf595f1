"""The page for every reader: dark and light, keys alone, a phone, a screen reader, no motion; in a browser."""

from collections.abc import Iterator

import pytest
from browser import ANSWERED, QUESTION, Page, chromium, compared, missing, served

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(missing()), reason=missing())]


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with served(tmp_path_factory.mktemp("page")) as address, chromium() as driver:
        yield Page(driver, address)


@pytest.fixture
def page(window: Page) -> Page:
    return window.open()


def test_dark_and_light_follow_the_system(window: Page) -> None:
    light, dark = (
        window.open(dark=dark).run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        for dark in (False, True)
    )
    assert sum(light[:3]) > 600
    assert sum(dark[:3]) < 150


def test_nothing_moves_for_readers_who_ask_for_that(page: Page) -> None:
    calm = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": calm})
    moving = """
        return document.getAnimations().filter((one) => !(one.effect.target?.closest(".gb-flash")) &&
          (one.effect.getComputedTiming().duration > 50 || one.effect.getComputedTiming().iterations > 1)).length;
    """
    page.ask(f"slowly: {QUESTION}", wait=False)
    page.until("return document.querySelector('#gb-chat [data-testid=bot]')?.innerText")
    assert page.run(moving) == 0
    page.until(ANSWERED, 1)
    page.until("return document.querySelector('#gb-chat .gb-cite')").click()
    page.until("return document.querySelector('.gb-flash')")
    assert page.run(moving) == 0
    assert (
        page.run("return getComputedStyle(document.querySelector('.gb-flash')).animationTimingFunction") == "steps(1)"
    )


def test_all_of_it_can_be_done_with_keys_alone(page: Page) -> None:
    def shown() -> bool:
        style = page.run(
            "const s = getComputedStyle(document.activeElement, null); return [s.outlineStyle, s.boxShadow]"
        )
        return style[0] != "none" or style[1] != "none"

    page.until("return document.activeElement.matches('#gb-question textarea')")
    page.driver.switch_to.active_element.send_keys(QUESTION)
    page.press("Enter")
    page.until("return document.querySelectorAll('#gb-chat .gb-cite').length === 2")
    page.run("document.querySelector('#gb-chat').querySelector('button, [tabindex]').focus()")
    page.tab_to("#gb-chat .gb-cite")
    assert shown()
    page.press("Enter")
    page.until("return document.activeElement.matches('.gb-card[open] > summary')")
    assert shown()
    page.run("document.querySelector('#gb-right button[role=tab]').focus()")
    page.tab_to("#gb-tab-sources")
    page.press("ArrowRight")
    assert page.run("return document.activeElement.id") == "gb-tab-attention"
    assert shown()
    page.tab_to(".gb-strip .gb-token")
    first = page.run("return document.querySelector('.gb-live').innerText")
    page.press("ArrowRight")
    assert page.run("return document.querySelector('.gb-live').innerText") != first
    assert shown()


def test_a_phone_shows_it_without_scrolling_sideways(window: Page) -> None:
    page = window.open(width=390, height=844)
    page.ask(QUESTION)
    wide = "return document.documentElement.scrollWidth"
    assert page.run(wide) <= 390
    for tab in ("#gb-tab-attention", "#gb-tab-sources"):
        page.run("document.querySelector(arguments[0]).click()", tab)
        assert page.run(wide) <= 390, tab
    page.tab("Lectures")
    page.until("return document.querySelector('#gb-lecture-text')?.innerText.length > 100")
    assert page.run(wide) <= 390
    compared(page)
    assert page.run(wide) <= 390
    cards = [one for one in page.all(".gb-compare-card") if one.is_displayed()]
    assert cards[0].rect["y"] < cards[1].rect["y"]


@pytest.mark.parametrize("rules", [(), ("color-contrast",)], ids=["light", "dark"])
def test_axe_finds_nothing_serious(window: Page, rules: tuple[str, ...]) -> None:
    # Nothing but colours depends on the theme.
    page, found = window.open(dark=bool(rules)), {}
    found["empty"] = page.faults(*rules)
    page.ask(QUESTION)
    page.until("return document.querySelector('#gb-chat .gb-cite')")
    found["sources"] = page.faults(*rules)
    page.run("document.querySelector('#gb-chat button[aria-label=Edit]').click()")
    page.until("return document.querySelector('#gb-chat textarea')?.ariaLabel")
    found["editing"] = page.faults(*rules)
    page.run("document.querySelector('#gb-tab-attention').click()")
    found["attention"] = page.faults(*rules)
    page.tab("Lectures")
    page.until("return document.querySelector('#gb-lecture-text')?.innerText.length > 100")
    found["lectures"] = page.faults(*rules)
    for section in ("#gb-where", "#gb-index", "#gb-add", "#gb-programs"):
        page.run("document.querySelector(arguments[0] + ' > button').click()", section)
        page.until("return document.querySelector(arguments[0] + ' > button').ariaExpanded === 'true'", section)
    page.until("return document.querySelector('#gb-programs').innerText.includes(arguments[0])", page.address)
    found["sections"] = page.faults(*rules)
    compared(page)
    found["compare"] = page.faults(*rules)
    assert {state: faults for state, faults in found.items() if faults} == {}
