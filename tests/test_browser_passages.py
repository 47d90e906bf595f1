"""How passages look, in a browser: as the lecture has them, with the words that were used marked."""

from collections.abc import Iterator

import pytest
from browser import QUESTION, Page, chromium, missing, served

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(missing()), reason=missing())]

CARD = "document.querySelector('.gb-card[data-passage=\"1\"]')"
CELLS = f"return [...{CARD}.querySelectorAll(arguments[0])].map((one) => one.textContent)"


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with served(tmp_path_factory.mktemp("page")) as address, chromium() as driver:
        yield Page(driver, address)


@pytest.fixture
def page(window: Page) -> Page:
    return window.open()


def opened(page: Page) -> Page:
    page.ask("What does the table say?")
    page.run("arguments[0].click()", page.until("return document.querySelectorAll('#gb-chat .gb-cite')[1]"))
    page.until(f"return {CARD}.open && {CARD}.querySelector('.katex-html')")
    return page


def test_tables_and_code_are_drawn_and_what_was_used_is_marked_in_them(window: Page) -> None:
    page = opened(window.open())
    assert page.run(CELLS, "thead th") == ["gate", "role"]
    assert page.run(CELLS, "tbody tr:first-child td:last-child, tbody tr:last-child td") == [
        "keeps <b>old</b>", "reset", "a | b",
    ]  # fmt: skip
    assert page.run(CELLS, "tbody td:first-child .katex-html")
    assert page.run(CELLS, "pre") == ["# no heading\nkept = '<img src=x>'"]
    assert page.run(CELLS, "td mark, pre mark") == ["keeps", "kept"]
    assert page.run(CELLS, "td strong, td code") == ["keeps", "a | b"]
    text = page.run(f"return {CARD}.querySelector('.gb-text').innerText")
    assert "|" not in text.replace("a | b", "")
    assert "```" not in text
    assert "After it." in text
    assert not page.all(".gb-card td b, .gb-card img")


def test_a_mark_in_a_cell_comes_into_view(window: Page) -> None:
    page = opened(window.open())
    inside = f"""
        const box = {CARD}.querySelector('.gb-text').getBoundingClientRect();
        const mark = {CARD}.querySelector('pre mark').getBoundingClientRect();
        return mark.top >= box.top && mark.bottom <= box.bottom && mark.left >= box.left;
    """
    page.run(f"const one = {CARD}; one.querySelector('.gb-text').style.maxHeight = '60px';"
             "one.querySelector('td mark').replaceWith('keeps'); one.open = false; one.open = true")  # fmt: skip
    page.until(inside)


@pytest.mark.parametrize(("dark", "width"), [(False, 1440), (True, 390)])
def test_laid_out_passages_are_for_everybody(window: Page, dark: bool, width: int) -> None:
    page = opened(window.open(dark=dark, width=width))
    assert page.faults() == []
    assert page.run("return document.documentElement.scrollWidth") <= width


def test_formulas_in_titles_are_set(window: Page) -> None:
    page = opened(window.open())
    page.until(f"return {CARD}.querySelector('summary .katex-html')")
    assert "$" not in page.run(f"return {CARD}.querySelector('summary').innerText")
    page.run("document.querySelector('#gb-tab-attention').click()")
    page.until("return document.querySelector('#gb-page-attention')?.innerText.includes('[2]')")


def test_formulas_of_the_text_are_set_where_titles_of_other_panels_have_some_too(window: Page) -> None:
    opened(window.open()).until(
        f"return [...{CARD}.querySelectorAll('.gb-formula')].every((one) => one.querySelector('.katex-html'))"
    )


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
    assert "${alert(1)} {{value}} tick" in page.run(f"return {card}.textContent")
