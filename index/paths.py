"""Where the store and the shipped lecture notes are when nobody names them."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

import corpus

STORE_VARIABLE = "GLASSBOX_STORE"


def default_store() -> Path:
    """$GLASSBOX_STORE, else `.glassbox/store` in a source checkout, else `glassbox/store` in the user's cache."""
    named = os.environ.get(STORE_VARIABLE)
    if named:
        return Path(named).expanduser()
    root = Path(__file__).resolve().parent.parent
    if (root / "pyproject.toml").is_file():
        return root / ".glassbox" / "store"
    return platformdirs.user_cache_path("glassbox", appauthor=False) / "store"


def shipped_lectures() -> Path:
    """The folder of lecture notes that comes with the package."""
    return Path(corpus.__path__[0]).resolve() / "lectures"
