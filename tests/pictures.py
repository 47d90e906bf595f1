"""Pictures of every panel of the page, light and dark, as the documentation shows them.

python -m tests.pictures                       # all of them into .github/panels; needs chromium and chromedriver
python -m tests.pictures --folder FOLDER [--store DIR]
"""

from __future__ import annotations

import argparse
import base64
import io
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from tests.browser import ROOT, Page, app, chromium, missing
from tests.panels import LOADED, PANELS, WINDOW, click, still

FOLDER = ROOT / ".github" / "panels"
DESK, PHONE = (1440, 900), (390, 844)
"""Width and height of the windows."""
_QUALITY = 62
_PAUSE = 0.4
"""Seconds for what the browser draws late."""


def picture(page: Page, part: str) -> Image.Image:
    """What the window shows of a part of the page."""
    page.run("document.activeElement?.blur()")
    still(page)
    page.run("window.scrollTo(0, arguments[0] === 'body' ? 0 : document.querySelector(arguments[0]).offsetTop)", part)
    box = page.run(
        "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
        "return { left: box.left, top: box.top, right: box.right, bottom: box.bottom }",
        part,
    )
    page.driver.execute_async_script(f"setTimeout(arguments[0], {_PAUSE * 1000})")
    data = page.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
    image = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    if part == WINDOW:
        return image
    left, top, right, bottom = (round(box[edge]) for edge in ("left", "top", "right", "bottom"))
    return image.crop((max(0, left), max(0, top), min(image.width, right), min(image.height, bottom)))


def take(page: Page, folder: Path) -> None:
    """All pictures, light and dark, on a desk and on a phone."""
    for dark in (False, True):
        name = "dark" if dark else "light"
        page.open(dark=dark, width=DESK[0], height=DESK[1])
        page.run("localStorage.clear()")
        for panel in PANELS:
            panel.reach(page)
            save(picture(page, panel.part), folder / f"{panel.name}-{name}.webp")
        page.open(dark=dark, width=PHONE[0], height=PHONE[1])
        PANELS[0].reach(page)
        save(picture(page, WINDOW), folder / f"phone-chat-{name}.webp")
        click(page, "#gb-tab-attention")
        page.run("document.querySelector('#gb-right').scrollIntoView({ behavior: 'instant' })")
        save(picture(page, "#gb-right"), folder / f"phone-attention-{name}.webp")


def save(image: Image.Image, path: Path) -> None:
    """Write a picture as WebP."""
    image.save(path, quality=_QUALITY, method=6)
    print(f"{path.name}: {image.width} x {image.height}, {path.stat().st_size / 1000:.0f} kB", flush=True)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m tests.pictures", description="Take pictures of the page.")
    cli.add_argument("--folder", type=Path, default=FOLDER, help="where they go (default: .github/panels)")
    cli.add_argument("--store", type=Path, help="index behind the page; by default that of the shipped lectures")
    return cli


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the page and take the pictures; 1 with one line where something is missing."""
    arguments = parser().parse_args(argv)
    if lack := missing():
        print(f"tests.pictures: {lack}", file=sys.stderr)
        return 1
    arguments.folder.mkdir(parents=True, exist_ok=True)
    options = ["--store", str(arguments.store)] if arguments.store else []
    with tempfile.TemporaryDirectory() as home, app(Path(home), *options) as (address, _), chromium() as driver:
        page = Page(driver, address).open()
        page.ask("warm up", seconds=LOADED)
        take(page, arguments.folder)
    total = sum(path.stat().st_size for path in arguments.folder.glob("*.webp"))
    print(f"{total / 1e6:.2f} MB in all")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
