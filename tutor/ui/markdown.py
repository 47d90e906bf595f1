"""Keeps Markdown with LaTeX readable while it is still being written, and free of what is not text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

DELIMITERS = (("$$", "$$", True), ("$", "$", False), (r"\(", r"\)", False), (r"\[", r"\]", True))
"""Left, right and whether the formula stands on a line of its own; `$$` is tried before `$`."""

SET = DELIMITERS[2:]
"""Those that the page sets: Gradio pairs delimiters across code and text alike, and a price has a dollar, too."""

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
      |(?P<formula>(?P<display>\$\$.+?\$\$|\\\[.+?\\\]
                              |\\begin\{(?P<environment>(?:equation|align|gather)\*?)\}.+?\\end\{(?P=environment)\})
                  |\$(?!\s)[^$`\n]+(?<!\s)\$(?!\d)|\$[ ][^$`\n]*[\\^_][^$`\n]*[ ]\$(?!\d)|\\\(.+?\\\))
      |\\.""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LABEL = re.compile(r"\\label\{[^{}]*\}")
_HTML = re.compile(rf"{_TAG.pattern}|!\[")


def without_html(text: str) -> str:
    """`text` with no HTML and no images in it: tags stand there as they were written, and nothing is fetched.

    Code stays as it is where it is code to a reader of Markdown, too; in formulas `<t` becomes `< t`, which is the
    same formula, and they get delimiters that the page sets.
    """
    shown = _escaped(text, code=False)
    # Only in code is something left that looks like a tag.
    return _escaped(text, code=True) if _HTML.search(shown) and _makes_html(shown) else shown


def _escaped(text: str, *, code: bool) -> str:
    parts, at = [], 0
    for match in _CODE_OR_FORMULA.finditer(text):
        kept = match[0]
        if match["formula"]:
            kept = _TAG.sub("< ", _delimited(match)).replace("![", "! [")
        elif match["code"] and code:
            kept = _plain(kept)
        parts += [_plain(text[at : match.start()]), kept]
        at = match.end()
    return "".join([*parts, _plain(text[at:])])


def _makes_html(text: str) -> bool:
    """Whether Markdown finds HTML or an image in a text; code may end earlier than it seems, with its list or line."""
    blocks = _parser().parse(text)
    tokens = chain(blocks, *(token.children or () for token in blocks))
    return any(token.type in {"html_block", "html_inline", "image"} for token in tokens)


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def _delimited(formula: re.Match[str]) -> str:
    """A formula between delimiters of `SET`. The environments of a LaTeX document lose their number and label."""
    left, right = (r"\[", r"\]") if formula["display"] else (r"\(", r"\)")
    if name := formula["environment"]:
        text = _LABEL.sub("", formula[0])
        return left + text.replace(f"{{{name}}}", f"{{{name.rstrip('*')}*}}") + right
    width = 2 if formula["display"] or formula[0][0] != "$" else 1
    return left + formula[0][width:-width] + right


def pieces(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of every formula with its delimiters and of all code: "formula", "code"; dollars that are
    prices ("$5 and $6") are neither."""
    for match in _CODE_OR_FORMULA.finditer(text):
        if kind := "formula" if match["formula"] else "code" if match["code"] else "":
            yield *match.span(), kind


def _plain(text: str) -> str:
    return _TAG.sub("&lt;", text).replace("![", "!&#91;")
