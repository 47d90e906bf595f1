"""Keeps Markdown with LaTeX readable while it is still being written."""

from __future__ import annotations

import re

DELIMITERS = (("$$", "$$", True), ("$", "$", False), (r"\(", r"\)", False), (r"\[", r"\]", True))
"""Left, right and whether the formula stands on a line of its own; `$$` is tried before `$`."""

_TOKENS = re.compile(r"\\\(|\\\)|\\\[|\\\]|\\.|```|`|\$\$|\$", re.DOTALL)
_CLOSING = {left: right for left, right, _ in DELIMITERS} | {"```": "```", "`": "`"}


def settled(text: str) -> str:
    """The part of `text` before a formula or inline code that is not closed yet, so that no raw LaTeX flickers by.

    An open code block is shown as far as it goes.
    """
    opened, since = "", 0
    for match in _TOKENS.finditer(text):
        token = match.group()
        if opened:
            if token == _CLOSING[opened]:
                opened = ""
        elif token in _CLOSING:
            opened, since = token, match.start()
    return text[:since] if opened and opened != "```" else text
