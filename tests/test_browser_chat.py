"""What a reader does with the chat, in a browser."""

import time
from collections.abc import Iterator

import pytest
from browser import ANSWERED, QUESTION, Page, chromium, missing, served
from payloads import FORMULAS

from tutor.ui.chat import NEXT, REVEAL

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(missing()), reason=missing())]

PLAIN_TEXT = """
    const copy = arguments[0].cloneNode(true);
    copy.querySelectorAll(".katex").forEach((one) => one.remove());
    return copy.textContent;
"""
TOLD = "return document.querySelector('#gb-chat').innerText.includes(arguments[0])"
QUESTION_IN_VIEW = """
    const area = document.querySelector("#gb-chat [role=log]").getBoundingClientRect();
    const asked = [...document.querySelectorAll("#gb-chat [data-testid=user]")].pop().getBoundingClientRect();
    return asked.top >= area.top && asked.bottom <= area.bottom;
"""
OPTION = "return [...document.querySelectorAll('#gb-chat button')].find((one) => one.innerText.trim() === arguments[0])"


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with served(tmp_path_factory.mktemp("page")) as address, chromium() as driver:
        yield Page(driver, address)


@pytest.fixture
def page(window: Page) -> Page:
    return window.open()


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


def test_an_answer_that_is_asked_for_anew_twice_stands_there_once(page: Page) -> None:
    page.ask(QUESTION)
    page.run("const retry = document.querySelector('#gb-chat button[aria-label=Retry]'); retry.click(); retry.click();")
    page.until("return document.querySelector('#gb-question button')?.innerText.trim() === 'Stop'")
    page.until(ANSWERED, 1)
    time.sleep(0.5)
    assert len(page.all("#gb-chat [data-testid=user]")) == 1
    page.ask("before")
    assert "1 before this one." in page.answer().text


def test_back_and_forward_give_a_page_that_answers(page: Page) -> None:
    page.ask(f"slowly: {QUESTION}", wait=False)
    page.until("return document.querySelector('#gb-chat [data-testid=bot]')?.innerText.length > 10")
    page.driver.get("about:blank")
    page.driver.back()
    page.until("return document.querySelector('#gb-question button')?.innerText.trim() === 'Ask'")
    page.until(TOLD, "Stopped.")
    page.ask(QUESTION)
    page.until(ANSWERED, 2)
    assert "decides how much" in page.answer().text


def test_a_page_that_is_loaded_again_goes_on_with_its_conversation(page: Page) -> None:
    page.ask(QUESTION)
    page.ask("formulas")
    page.driver.refresh()
    page.until("return document.querySelectorAll('#gb-chat [data-testid=bot]').length === 2")
    page.until(QUESTION_IN_VIEW)
    page.until("return document.querySelectorAll('#gb-chat .gb-cite[data-turn=\"0\"]').length > 0")
    page.all("#gb-chat .gb-cite")[0].click()
    page.until("return document.querySelector('#gb-page-sources .gb-card[open]')")
    page.ask("before")
    assert "2 before this one." in page.answer().text
    page.run("document.querySelector('#gb-clear').click()")
    page.until("return document.querySelectorAll('#gb-chat [data-testid=user]').length === 0")
    page.driver.refresh()
    page.until("return document.querySelector('#gb-question button')?.innerText.trim() === 'Ask'")
    time.sleep(0.5)
    assert not page.all("#gb-chat [data-testid=user]")


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


def test_twenty_formulas_are_set_and_none_is_raw(page: Page) -> None:
    page.ask("formulas")
    assert len(FORMULAS) == 20
    page.until("return document.querySelectorAll('#gb-chat [data-testid=bot] .katex-html').length === 20")
    assert not page.all("#gb-chat .katex-error")
    rest = page.run(PLAIN_TEXT, page.answer())
    assert not set(rest) & set("$\\{}")


def test_the_question_stays_in_view_above_a_long_answer_until_the_reader_moves_on(page: Page) -> None:
    page.ask(QUESTION)
    page.ask("formulas")
    page.until("return document.querySelectorAll('#gb-chat [data-testid=bot] .katex-html').length > 20")
    assert page.answer().size["height"] > page.all("#gb-chat [role=log]")[0].size["height"]
    page.until(QUESTION_IN_VIEW)
    page.run(
        "const area = document.querySelector('#gb-chat [role=log]');"
        "area.dispatchEvent(new WheelEvent('wheel', { bubbles: true })); area.scrollTop = 0;"
    )
    time.sleep(0.3)
    assert page.run("return document.querySelector('#gb-chat [role=log]').scrollTop") == 0
    page.ask("before")
    page.until(QUESTION_IN_VIEW)


def test_a_message_is_edited_where_the_focus_is(page: Page) -> None:
    page.ask(QUESTION)
    page.run("document.querySelector('#gb-chat button[aria-label=Edit]').click()")
    page.until("return document.activeElement.matches('#gb-chat textarea')")


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
