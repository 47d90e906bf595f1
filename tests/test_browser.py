"""What a reader does with the page, in a browser."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import ANSWERED, Page, chromium, missing, served
from hostile import QUESTIONS
from payloads import AWAY, FORMULAS, PAYLOADS

from tutor.ui.chat import NEXT, REVEAL

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(missing()), reason=missing())]

QUESTION = "What does the forget gate do?"
PLAIN_TEXT = """
    const copy = arguments[0].cloneNode(true);
    copy.querySelectorAll(".katex").forEach((one) => one.remove());
    return copy.textContent;
"""
TOLD = "return document.querySelector('#gb-chat').innerText.includes(arguments[0])"
OPTION = "return [...document.querySelectorAll('#gb-chat button')].find((one) => one.innerText.trim() === arguments[0])"
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


def compared(page: Page) -> None:
    """Two models side by side."""
    page.tab("Compare")
    page.until("return document.querySelectorAll('#gb-compare-models input').length === 3")
    page.all("#gb-compare-models input")[2].click()
    page.until("return document.querySelectorAll('#gb-compare-models input:checked').length === 2")
    page.submit("#gb-compare-question textarea", QUESTION,
                "return document.querySelectorAll('.gb-compare-name').length === 2")  # fmt: skip
    page.until("return document.querySelectorAll('.gb-compare-result tbody').length > 0 &&"
               " document.querySelector('.gb-compare-result tbody').rows.length === 2")  # fmt: skip
    page.until("return document.querySelectorAll('.gb-compare-card .gb-ref').length >= 4")


def test_an_answer_comes_word_by_word_and_can_be_stopped(page: Page) -> None:
    page.ask(f"slowly: {QUESTION}", wait=False)
    seen: set[str] = set()
    while len(seen) < 4:
        seen.add(page.until("return document.querySelector('#gb-chat [data-testid=bot]')?.innerText"))
    next(one for one in page.all("#gb-question button") if one.text.strip() == "Stop").click()
    page.until(TOLD, "Stopped.")
    page.until(ANSWERED, 1)
    assert "gate vector" not in page.answer().text


def test_a_press_right_after_a_stop_asks_and_a_second_one_does_not(page: Page) -> None:
    for pause in (0.0, 0.3, 0.9):
        page.turns = 0
        page.ask(f"slowly: {QUESTION}", wait=False)
        page.until("return document.querySelector('#gb-chat [data-testid=bot]')?.innerText.length > 10")
        next(one for one in page.all("#gb-question button") if one.text.strip() == "Stop").click()
        page.until("return document.querySelector('#gb-question button')?.innerText.trim() === 'Ask'")
        time.sleep(pause)
        page.type("#gb-question textarea", QUESTION)
        for _ in range(3):
            page.press("Enter")
        page.until(ANSWERED, 2)
        assert "decides how much" in page.answer().text
        time.sleep(0.3)
        assert len(page.all("#gb-chat [data-testid=user]")) == 2
        page.run("document.querySelector('#gb-clear').click()")
        page.until("return document.querySelectorAll('#gb-chat [data-testid=user]').length === 0")


def test_a_new_conversation_ends_the_answer_under_way(page: Page) -> None:
    for _ in range(3):
        page.turns = 0
        page.ask(f"slowly: {QUESTION}", wait=False)
        page.until("return document.querySelector('#gb-chat [data-testid=bot]')?.innerText.length > 10")
        page.run("document.querySelector('#gb-clear').click()")
        page.until("return document.querySelectorAll('#gb-chat [data-testid=user]').length === 0")
        time.sleep(0.3)
        assert not page.all("#gb-chat [data-testid=user]")
    page.turns = 0
    page.ask(QUESTION)
    assert len(page.all("#gb-chat [data-testid=user]")) == 1


def test_back_and_forward_give_a_page_that_answers(page: Page) -> None:
    page.ask(f"slowly: {QUESTION}", wait=False)
    page.driver.get("about:blank")
    page.driver.back()
    page.until("return document.querySelector('#gb-question button')?.innerText.trim() === 'Ask'")
    page.turns = 0
    page.ask(QUESTION)
    assert "decides how much" in page.answer().text


def test_a_marker_opens_its_source_at_the_words(page: Page) -> None:
    page.ask(QUESTION)
    page.tab("Lectures")
    page.until("return document.querySelector('#gb-chat .gb-cite')").click()
    mark = page.until("return document.querySelector('.gb-card[open][data-passage=\"0\"] .gb-mark')")
    assert mark.is_displayed()
    marked = "".join(one.get_property("textContent") for one in page.all(".gb-card[open] .gb-mark"))
    assert "The forget gate of the LSTM decides" in marked
    page.until("return document.activeElement.closest('.gb-card')?.dataset.passage === '0'")


def test_formulas_of_a_source_are_set_and_what_is_no_formula_stays(page: Page) -> None:
    page.ask(QUESTION)
    card = "document.querySelector('.gb-card[data-passage=\"0\"]')"
    page.until(f"return {card}.querySelectorAll('.gb-formula .katex-html').length === 2")
    assert page.run(f"return [...{card}.querySelectorAll('mark')].some((one) => one.querySelector('.katex-html'))")
    assert not page.all(".gb-card .katex-error")
    assert "${alert(1)} {{value}} `tick`" in page.run(f"return {card}.textContent")


def test_prices_and_code_with_dollars_are_no_formulas(page: Page) -> None:
    page.ask("costs $5 or $6, then $x$: `$a$`")
    question = page.all("#gb-chat [data-testid=user]")[-1]
    assert "costs $5 or $6, then" in question.text
    assert len(question.find_elements("css selector", ".katex-html")) == 1


def test_a_message_that_is_edited_away_comes_back(page: Page) -> None:
    page.ask(QUESTION)
    page.run("document.querySelector('#gb-chat button[aria-label=Edit]').click()")
    page.until("return document.querySelector('#gb-chat textarea')")
    page.type("#gb-chat textarea", " ")
    page.run("document.querySelector('#gb-chat button[aria-label=Submit]').click()")
    page.until(
        "return document.querySelector('#gb-chat [data-testid=user]')?.innerText.trim() === arguments[0]", QUESTION
    )
    assert page.all("#gb-page-sources .gb-card")
    page.ask("before")
    assert "1 before this one." in page.answer().text


def test_a_token_under_the_pointer_shows_its_passage(page: Page) -> None:
    from selenium.webdriver import ActionChains

    page.ask(QUESTION)
    page.until("return document.querySelector('#gb-tab-attention')").click()
    token = next(one for one in page.all(".gb-strip .gb-token") if "decides" in one.text)
    ActionChains(page.driver).move_to_element_with_offset(token, 2, 2).move_to_element(token).perform()
    page.until("return document.querySelector('.gb-live').innerText.includes('decides')")
    assert "[1]" in page.run("return document.querySelector('.gb-live').innerText")
    heaviest = page.run("return document.querySelector('.gb-heaviest').innerText")
    assert "decides how much" in heaviest


def test_twenty_formulas_are_set_and_none_is_raw(page: Page) -> None:
    page.ask("formulas")
    assert len(FORMULAS) == 20
    page.until("return document.querySelectorAll('#gb-chat [data-testid=bot] .katex-html').length === 20")
    assert not page.all("#gb-chat .katex-error")
    rest = page.run(PLAIN_TEXT, page.answer())
    assert not set(rest) & set("$\\{}")


def test_a_follow_up_knows_what_came_before(page: Page) -> None:
    page.ask(QUESTION)
    page.ask("before")
    assert "1 before this one." in page.answer().text
    page.all("#gb-chat .gb-cite")[0].click()
    page.until("return document.querySelector('.gb-card[open] .gb-mark')")


def test_bracketed_numbers_of_the_lecture_are_no_citations(page: Page) -> None:
    page.ask("What are the numbers?")
    page.until("return document.querySelectorAll('#gb-chat .gb-cite').length")
    page.run("document.querySelector('#gb-chat').append(document.createElement('i'))")
    time.sleep(0.3)
    assert [one.text for one in page.all("#gb-chat .gb-cite")] == ["[1]", "[2]"]
    assert "is kept [2] as of [1] {[3]}. [1] It is" in " ".join(page.answer().text.split())


def test_hints_lead_to_the_answer(page: Page) -> None:
    page.run("[...document.querySelectorAll('#gb-mode label')].find((one) => one.innerText.trim() === 'Hint').click()")
    page.ask(QUESTION)
    page.until(TOLD, "Hint 1.")
    assert "decides how much" not in page.answer().text
    for option, told in ((NEXT, "Hint 2."), (REVEAL, "Answer.")):
        page.until(OPTION, option).click()
        page.until(TOLD, told)
    page.until("return document.querySelectorAll('#gb-chat .gb-cite').length >= 2")


def test_lectures_without_a_course_are_turned_away_in_one_line(page: Page, tmp_path: Path) -> None:
    (tmp_path / "zoblins.md").write_text("# Zoblins", encoding="utf-8")
    page.tab("Lectures")
    page.until("return document.querySelector('#gb-lecture-text')?.innerText.length > 100")
    page.run("document.querySelector('#gb-add > button').click()")
    page.until("return document.querySelector('#gb-files input[type=file]')").send_keys(str(tmp_path / "zoblins.md"))
    page.until("return document.querySelector('#gb-files').innerText.includes('zoblins')")
    page.run("document.querySelector('#gb-add-button').click()")
    line = page.until("return document.querySelector('#gb-change [role=alert]')?.innerText")
    assert "the course" in line
    assert "\n" not in line


def test_models_stand_side_by_side_on_the_same_passages(page: Page) -> None:
    compared(page)
    cards = [one for one in page.all(".gb-compare-card") if one.is_displayed()]
    assert len(cards) == 2
    assert cards[0].rect["y"] == cards[1].rect["y"]
    assert all("forget gate" in one.text for one in cards)
    assert len(page.all(".gb-compare-card .katex-html")) >= 4
    assert page.run("return document.querySelectorAll('.gb-chart polyline').length") == 2
    page.all(".gb-compare-card .gb-ref")[1].click()
    opened = page.until("return document.querySelector('.gb-compare-result .gb-card[open]')")
    assert opened.get_attribute("data-number") == "2"
    table = page.all(".gb-compare-result details.gb-twin")[0]
    table.find_element("css selector", "summary").click()
    assert "k = 10" in table.text


def test_dark_and_light_follow_the_system(window: Page) -> None:
    light, dark = (
        window.open(dark=dark).run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        for dark in (False, True)
    )
    assert sum(light[:3]) > 600
    assert sum(dark[:3]) < 150


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
