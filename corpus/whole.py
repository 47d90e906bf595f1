"""What is never divided in a text: displayed formulas and blocks of code."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

MATHEMATICS = (
    r"(?:x?align(?:at|ed|edat)?|flalign|array|[dr]?cases|dmath|displaymath|empheq|eqnarray|equation|gather(?:ed)?"
    r"|IEEEeqnarray|math|(?:[pbBvV]|small)?matrix|multlined?|split|subequations|tikzcd|tikzpicture)\*?"
)
"""TeX environments that are formulas; a pattern."""

VERBATIM = r"(?:algorithm(?:ic|2e)?|alltt|lstlisting|minted|[BL]?[vV]erbatim)\*?"
"""TeX environments whose inside is no prose; a pattern."""

WHOLE_ENVIRONMENT = rf"(?:{MATHEMATICS}|{VERBATIM})"

_OPENING = re.compile(
    rf"^[ \t]*(?P<fence>```+(?=[^`\n]*$)|~~~+)|(?<!\\)(?P<mark>\$\$|\\\[)|\\begin\{{(?P<name>{WHOLE_ENVIRONMENT})\}}",
    re.MULTILINE,
)
FENCE_ENDS = re.compile(r"\n[ \t]*\n(?![ \t\n])")
"""Where a fence ends that is never closed: at a blank line with text at the margin after it."""


def whole_spans(text: str) -> Iterator[tuple[int, int, bool]]:
    """(start, end, whether it is code between fences) of every formula and block of code, ascending, in linear time.

    A mark that is never closed opens nothing; only a fence does, up to the next blank line with text at the margin
    after it.

    >>> list(whole_spans("so $$x$$ and\\n```\\ny\\n```\\n"))
    [(3, 8, False), (13, 22, True)]
    >>> list(whole_spans(r"the matrix $\\begin{matrix}1\\end{matrix}$ is"))
    []
    """
    position = 0
    unclosed: set[str] = set()
    while opening := _OPENING.search(text, position):
        fence = opening["fence"]
        end = -1
        if fence:
            if fence not in unclosed:
                end = _after_fence(text, fence, opening.end())
            if end < 0:
                unclosed.add(fence)
                blank = FENCE_ENDS.search(text, opening.end())
                end = blank.start() if blank else len(text)
        else:
            closing = f"\\end{{{opening['name']}}}" if opening["name"] else {"$$": "$$", "\\[": "\\]"}[opening["mark"]]
            if closing not in unclosed:
                found = text.find(closing, opening.end() + 1)
                end = found + len(closing) if found != -1 else -1
            if end < 0:
                unclosed.add(closing)
        if end >= 0 and not (opening["name"] and _in_line(text, opening.start(), end)):
            yield opening.start(), end, bool(fence)
        position = end if end >= 0 else opening.end()


def _in_line(text: str, start: int, end: int) -> bool:
    """Whether a formula stands between single dollars in one line, with words around it."""
    return text[max(0, start - 1) : start] == text[end : end + 1] == "$" and "\n" not in text[start:end]


def inside(position: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether a place is in one of `spans`, which ascend and do not overlap."""
    number = bisect_right(spans, position, key=lambda span: span[0]) - 1
    return number >= 0 and position < spans[number][1]


def _after_fence(text: str, fence: str, start: int) -> int:
    """Where the line ends that closes `fence`; -1 where none does."""
    closing = re.compile(rf"\n[ \t]*{fence}{fence[0]}*[ \t]*(?=\n|\Z)").search(text, start)
    return closing.end() if closing else -1


def fenced(code: str, language: str = "") -> str:
    """Code as a fenced block; its fence is longer than any that the code holds. Empty for white space alone.

    >>> fenced("x = 1", "python")
    '```python\\nx = 1\\n```'
    """
    code = code.strip("\n").rstrip()
    if not code.strip():
        return ""
    longest = max((len(run) for run in re.findall(r"^[ \t]*(`{3,})", code, re.MULTILINE)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{re.sub(r'[^A-Za-z0-9_+#.-]', '', language).lower()}\n{code}\n{fence}"
