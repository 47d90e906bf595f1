"""The page behind a reverse proxy, below a path, in a browser."""

from pathlib import Path

import pytest
from browser import QUESTION, Page, chromium, missing, served
from page_server import free_port
from proxied import PATH, proxied

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(missing()), reason=missing())]


@pytest.mark.parametrize("whole_address", [False, True])
def test_the_page_answers_below_a_path(tmp_path: Path, whole_address: bool) -> None:
    """By its path alone behind a proxy that takes the path off and passes the name on; by its whole address behind one
    that does neither."""
    port = free_port()
    public = f"http://127.0.0.1:{port}{PATH}" if whole_address else PATH
    with (
        served(tmp_path, public) as behind,
        proxied(behind, port, strip=not whole_address, keep_host=not whole_address) as address,
        chromium() as driver,
    ):
        page = Page(driver, address).open()
        page.ask(QUESTION)
        assert "decides how much" in page.answer().text
        assert page.all("#gb-page-sources .gb-card")
        page.tab("Lectures")
        page.until("return document.querySelector('#gb-lecture-text')?.innerText.length > 100")
        faults = [one["message"] for one in page.driver.get_log("browser") if one["level"] == "SEVERE"]
        # What makes a page an app of a phone is looked for at the top of the server, whatever the page says.
        assert not [one for one in faults if "manifest" not in one and "favicon" not in one]
