"""What stands beside the chat: lectures and the comparison, in a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import QUESTION, Page, chromium, compared, missing, served

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(missing()), reason=missing())]


UPLOADED = """
    for (const row of [...document.querySelectorAll(".gb-rows tbody tr")].slice(0, 9)) {
      row.cells[1].firstChild.textContent = "Über Größe und Maß/der Nachtvögel.pdf";
      row.cells[3].innerHTML = '<span class="gb-bad">not read: not a PDF (it is text); export it again</span>';
      row.cells[4].innerHTML = "uploaded<br><button class='gb-remove'>Remove</button>";
    }
"""
"""Gives lectures what those have that were uploaded."""
SHOWN_CARDS = "[...document.querySelectorAll('.gb-compare-card')].filter((one) => one.checkVisibility()).length"


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with served(tmp_path_factory.mktemp("page")) as address, chromium() as driver:
        yield Page(driver, address)


@pytest.fixture
def page(window: Page) -> Page:
    return window.open()


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


def test_the_list_of_what_is_indexed_fits_into_its_column(page: Page) -> None:
    page.tab("Lectures")
    page.run("document.querySelector('#gb-index > button').click()")
    page.until("return document.querySelectorAll('.gb-rows tbody tr').length > 9")
    page.run(UPLOADED)
    rows, button = page.all(".gb-rows")[0], page.all(".gb-remove")[0]
    assert rows.get_property("scrollHeight") > rows.get_property("clientHeight")
    assert rows.get_property("scrollWidth") <= rows.get_property("clientWidth")
    edge = button.rect["x"] + button.rect["width"]
    assert edge < rows.rect["x"] + rows.get_property("clientWidth")


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


def test_nothing_of_the_last_comparison_stays_beside_the_next_one(page: Page) -> None:
    compared(page)
    page.all("#gb-compare-models input:checked")[1].click()
    page.until("return document.querySelectorAll('#gb-compare-models input:checked').length === 1")
    page.submit("#gb-compare-question textarea", QUESTION, f"return {SHOWN_CARDS} === 1")
    page.until("return document.querySelector('.gb-compare-result tbody')?.rows.length === 1")
    page.all("#gb-compare-models input:checked")[0].click()
    page.submit("#gb-compare-question textarea", QUESTION, f"return {SHOWN_CARDS} === 0")
    assert "at least one" in page.all("#gb-compare-status")[0].text
