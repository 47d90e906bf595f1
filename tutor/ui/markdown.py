"""Keeps Markdown with LaTeX readable while it is still being written, and free of what is not text."""

from __future__ import annotations

import re
from collections.abc import Iterator

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


_CODE_OR_FORMULA = re.compile(
    r"""(?P<code>^[ ]{0,3}(?P<fence>```+|~~~+).*?(?:^[ ]{0,3}(?P=fence)|\Z)
               |(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n\n).)+?(?<!`)(?P=ticks)(?!`))
      |(?P<formula>\$\$.+?\$\$|\$[^$\n]+\$|\\\(.+?\\\)|\\\[.+?\\\])
      |\\.""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_MONEY = re.compile(r"\$(?:\s.*|.*\s)\$", re.DOTALL)
"""With a space at an end two dollars are prices."""


def without_html(text: str) -> str:
    """`text` with no HTML and no images in it: tags stand there as they were written, and nothing is fetched.

    Code stays as it is; in formulas `<t` becomes `< t`, which is the same formula.
    """
    parts, at = [], 0
    for match in _CODE_OR_FORMULA.finditer(text):
        kept = _TAG.sub("< ", match[0]) if match["formula"] else match[0]
        parts += [_plain(text[at : match.start()]), kept]
        at = match.end()
    return "".join([*parts, _plain(text[at:])])


def formulas(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of every formula with its delimiters; code, and dollars that are prices ("$5 and $6"), are none."""
    for match in _CODE_OR_FORMULA.finditer(text):
        one, after = match["formula"] or "", text[match.end() : match.end() + 1]
        inline = one.startswith("$") and not one.startswith("$$")
        if one and not (inline and (_MONEY.fullmatch(one) or after.isdigit())):
            yield match.span()


def _plain(text: str) -> str:
    return _TAG.sub("&lt;", text).replace("![", "!&#91;")
