"""The pictures in the page's documentation: all there, all of panels that can be taken again, and light to load."""

import re
from pathlib import Path

from tests.panels import PANELS

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".github" / "panels"
README = ROOT / "tutor" / "ui" / "README.md"
LARGEST = 1_500_000
"""Bytes of all of them."""


def test_the_pictures_are_those_of_the_panels() -> None:
    shown = set(
        re.findall(r"!\[[^\]]+\]\(\.\./\.\./\.github/panels/([\w-]+)\.webp\)", README.read_text(encoding="utf-8"))
    )
    there = {path.stem for path in FOLDER.glob("*.webp")}
    names = [panel.name for panel in PANELS] + ["phone-chat", "phone-attention"]
    assert there == {f"{name}-{theme}" for name in names for theme in ("light", "dark")}
    assert shown == there
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < LARGEST
