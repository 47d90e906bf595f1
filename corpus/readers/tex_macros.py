"""Writes out the abbreviations that a LaTeX source defines: who reads `\\R` in an answer does not see its preamble."""

from __future__ import annotations

import re

from corpus.readers.tex_prose import GROUP, VERBATIM, environments

_DEFINITION = re.compile(
    rf"\\(?P<how>(?:re)?newcommand|providecommand|DeclareMathOperator|def)(?P<star>\*?)\s*"
    rf"(?:\{{\\(?P<braced>[A-Za-z]+)\}}|\\(?P<name>[A-Za-z]+))\s*(?P<body>{GROUP})"
)
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_AT_END = re.compile(r"(?<!\\)\\[A-Za-z]+\Z")
_NAME = 40
"""Most characters of the name of a command."""
_MOST, _DEEPEST, _LONGEST = 200, 4, 200
"""Most abbreviations that are known, how often one may stand for another, and most characters of what one stands for:
no file grows much."""


def written_out(text: str, source: str) -> str:
    r"""`text` with the commands without arguments that `source` defines replaced by what they stand for.

    >>> written_out(r"$x \in \R$", r"\newcommand{\R}{\mathbb{R}}")
    '$x \\in \\mathbb{R}$'
    """
    known = _definitions(source)
    if not known:
        return text
    parts, position = [], 0
    for opening, _, end in environments(text, VERBATIM):
        parts += [_replaced(text[position : opening.start()], known), text[opening.start() : end]]
        position = end
    return "".join([*parts, _replaced(text[position:], known)])


def _definitions(source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _DEFINITION.finditer(source):
        body = match["body"][1:-1].strip()
        if match["how"] == "DeclareMathOperator":
            body = f"\\operatorname{match['star']}{{{body}}}"
        if "#" not in body and len(body) <= _LONGEST and len(found) < _MOST:
            found[match["braced"] or match["name"]] = body
    for _ in range(_DEEPEST):
        found = {name: longer if len(longer := _put(body, found)) <= _LONGEST else body for name, body in found.items()}
    return found


def _replaced(text: str, known: dict[str, str]) -> str:
    """The text outside of definitions with every command written out."""
    parts, position = [], 0
    for match in _DEFINITION.finditer(text):
        parts += [_put(text[position : match.start()], known), match[0]]
        position = match.end()
    return "".join([*parts, _put(text[position:], known)])


def _put(text: str, known: dict[str, str]) -> str:
    def told(match: re.Match[str]) -> str:
        body = known.get(match[1])
        if body is None:
            return match[0]
        # A command must not run into the letter after it.
        before = (
            " "
            if body[:1].isalpha() and _AT_END.search(match.string, max(0, match.start() - _NAME), match.start())
            else ""
        )
        after = " " if match.string[match.end() : match.end() + 1].isalpha() and _AT_END.search(body) else ""
        return before + body + after

    return _COMMAND.sub(told, text)
