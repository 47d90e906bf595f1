"""The page in Chromium, driven by Selenium: a server with a made-up tutor, and what tests do with the page."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from tests import page_server
from tests.page_server import HOSTILE, ROOT, free_port

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

QUESTION = "What does the forget gate do?"
"""One that the made-up tutor answers with two citations."""

ANSWERED = """
    const bots = document.querySelectorAll("#gb-chat [data-testid=bot]");
    return bots.length >= arguments[0] && bots[bots.length - 1].innerText.trim() !== "…" &&
      [...document.querySelectorAll("#gb-question button")].some((one) => one.innerText.trim() === "Ask");
"""

AUDIT = """
    const done = arguments[arguments.length - 1];
    const what = { exclude: [["#gb-lecture-text img"], ["#gb-lecture-text .katex-error"]] };
    const how = { resultTypes: ["violations"], ...(arguments[0].length ? { runOnly: arguments[0] } : {}) };
    // As JSON, because axe may cut a character in two.
    axe.run(what, how).then((found) => done(JSON.stringify(found.violations)));
"""


def missing() -> str:
    """What these tests lack here, or nothing."""
    try:
        import axe_core_python  # noqa: F401
        import selenium  # noqa: F401
    except ImportError as fault:
        return f"{fault.name} is not installed; pip install --editable '.[dev]'"
    if CHROMIUM is None or DRIVER is None:
        return "there is no chromium with its chromedriver; install both (Debian: chromium chromium-driver)"
    return ""


@contextmanager
def app(folder: Path, *options: str) -> Iterator[tuple[str, int]]:
    """Address and process of `python app.py` with these options; the tutor behind it may be loading still."""
    port = free_port()
    surroundings = {**os.environ, "PYTHONUNBUFFERED": "1", "HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(port), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=surroundings, text=True) as server:
        assert server.stdout is not None
        assert any("Glassbox is at" in line for line in server.stdout), "the page did not start"
        try:
            yield f"http://127.0.0.1:{port}", server.pid
        finally:
            server.terminate()
            server.stdout.read()


def served(folder: Path, root_path: str = "") -> AbstractContextManager[str]:
    """The address of a page with the hostile tutor behind it."""
    return page_server.served(folder, tutor=HOSTILE, root_path=root_path)


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window that can reach this machine alone and writes down what it asks for."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = str(CHROMIUM)
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1440,900",
        "--disable-background-networking", "--disable-component-update", "--no-first-run",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


class Page:
    """The page in a browser, and what a reader does with it."""

    def __init__(self, driver: Any, address: str) -> None:
        self.driver, self.address = driver, address
        self.turns = 0

    def open(self, *, dark: bool = False, width: int = 1440, height: int = 900) -> Page:
        """The page afresh, on a screen of that size, for a reader whose system is dark or light."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        if self.driver.current_url.startswith(self.address):
            # Else the page would go on with its conversation.
            self.run("sessionStorage.clear()")
        self.driver.get(self.address)
        self.turns = 0
        self.until("return !!document.querySelector('#gb-question textarea') && !!document.querySelector('.gb-tab')")
        return self

    def run(self, script: str, *arguments: Any) -> Any:
        """What a function body gives in the page."""
        return self.driver.execute_script(script, *arguments)

    def until(self, script: str, *arguments: Any, seconds: float = 10.0) -> Any:
        """The first true value of a function body. AssertionError if there is none in time."""
        end = time.monotonic() + seconds
        while not (found := self.run(script, *arguments)):
            assert time.monotonic() < end, f"waited in vain for: {script}"
            time.sleep(0.03)
        return found

    def all(self, selector: str) -> list[Any]:
        """The elements that a CSS selector finds."""
        return list(self.driver.find_elements("css selector", selector))

    def tab(self, name: str) -> None:
        """Open a tab of the right column."""
        next(one for one in self.all("#gb-right button[role=tab]") if one.text.strip() == name).click()

    def type(self, selector: str, text: str) -> None:
        """Put a text into a field, whatever characters it has."""
        self.run(
            "const box = document.querySelector(arguments[0]); box.focus();"
            "Object.getOwnPropertyDescriptor(box.constructor.prototype, 'value').set.call(box, arguments[1]);"
            "box.dispatchEvent(new Event('input', { bubbles: true }))",
            selector,
            text,
        )

    def submit(self, selector: str, text: str, taken: str, *arguments: Any) -> None:
        """Put a text into a field and press Enter, until the function body `taken` says that the page has it."""
        # A field that the page is just drawing anew loses what is typed into it.
        for _ in range(3):
            self.type(selector, text)
            self.press("Enter")
            with suppress(AssertionError):
                self.until(taken, *arguments, seconds=3)
                return
        raise AssertionError(f"{text!r} was not taken from {selector}")

    def ask(self, question: str, *, wait: bool = True, seconds: float = 10.0) -> None:
        """Ask in the chat; `wait` until the answer is complete, so many seconds at most."""
        self.turns += 1
        taken = "return document.querySelectorAll('#gb-chat [data-testid=user]').length >= arguments[0]"
        self.submit("#gb-question textarea", question, taken, self.turns)
        if wait:
            self.until(ANSWERED, self.turns, seconds=seconds)

    def answer(self) -> Any:
        """The last answer in the chat."""
        return self.all("#gb-chat [data-testid=bot]")[-1]

    def press(self, key: str) -> None:
        """Press and let go a key by its name, where the focus is."""
        codes = {"Enter": 13, "Tab": 9, "ArrowRight": 39, "ArrowLeft": 37, " ": 32}
        text = {"Enter": {"text": "\r"}, " ": {"text": " "}}.get(key, {})
        what = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]} | text
        self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyDown", **what})
        self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp", **what})

    def tab_to(self, selector: str, most: int = 60) -> Any:
        """Press Tab until what has the focus matches; on the way everything that has the focus must show it."""
        for _ in range(most):
            self.press("Tab")
            if self.run("return document.activeElement.matches(arguments[0])", selector):
                return self.run("return document.activeElement")
        raise AssertionError(f"{selector} was not reached by {most} presses of Tab")

    def strangers(self) -> list[str]:
        """Addresses off this machine that were asked for since the last look, but for those that the page's policy
        stopped in the browser."""
        asked, stopped = {}, set()
        for line in self.driver.get_log("performance"):
            event = json.loads(line["message"])["message"]
            of = event["params"]
            if event["method"] == "Network.requestWillBeSent":
                asked[of["requestId"]] = of["request"]["url"]
            elif event["method"] == "Network.webSocketCreated":
                asked[of["requestId"]] = of["url"]
            elif event["method"] == "Network.loadingFailed" and of.get("blockedReason") == "csp":
                stopped.add(of["requestId"])
        here = (self.address, "data:", "blob:", "about:")
        return [url for number, url in asked.items() if number not in stopped and not url.startswith(here)]

    def faults(self, *rules: str) -> list[str]:
        """What axe finds serious or critical on the page as it is, by these rules or all; what a hostile lecture makes
        of its own text is left out."""
        code = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
        if not self.run("return 'axe' in window"):
            self.run(code)
        found = self.driver.execute_async_script(AUDIT, rules)
        return [
            f"{one['id']} ({one['impact']}): {node['html'][:200]} {node['failureSummary'][:200]}"
            for one in json.loads(found)
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]


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
