"""What the commands print of texts, whatever the terminal can show."""

from __future__ import annotations

import io
import sys


def print_anything() -> None:
    """From here on a character that the standard output cannot encode is printed as its escape (`\\xf6`)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
