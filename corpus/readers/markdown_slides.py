"""Slides in Markdown, as Marp, remark, reveal.js and Slidev read them, one by one and without what styles them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from statistics import median

from corpus.readers.markdown_html import without_tags
from corpus.whole import inside, whole_spans

Span = tuple[int, int]

_RULE = re.compile(r"^-{3,}[ \t]*$", re.MULTILINE)
_DECLARED = re.compile(
    r"^(?:marp[ \t]*:[ \t]*true|(?:revealjs|reveal|slidev|slideOptions|highlighter|routerMode|transition)[ \t]*:)",
    re.MULTILINE,
)
"""Lines of front matter that only slides have."""
_PROPERTY = re.compile(
    r"(?:class|name|layout|template|count|exclude|continued|background(?:-\w+)?|transition|clicks|src|level|hideInToc"
    r"|image|title|zoom|routeAlias|preload|hide|disabled)[ \t]*:[^\n]*(?:\n|\Z)"
)
_FIRST_PROPERTY = re.compile(rf"\s*{_PROPERTY.pattern}")
_STEP = re.compile(r"^(?:--|\?\?\?)[ \t]*$\n?", re.MULTILINE)
"""What remark shows one step later, and where its notes begin."""
_CLASS = re.compile(r"(?<![\w)\].])(?:\.[a-zA-Z][\w-]*)+\[")
_BRACKET = re.compile(rf"(?P<style>{_CLASS.pattern})|[\[\]]")
_BACKGROUND = re.compile(r"!\[(?:bg|w:|h:|width:|height:)[^\]]*\]\([^)]*\)", re.IGNORECASE)
_BLANK = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")

_MOST = 2_000
"""Slides of a deck; a text with more rules is none."""
_STYLED = 3
"""Marks of remark from which on a text with rules is a deck."""
_LEAST, _HEADED, _LONGEST = 8, 0.7, 600
"""Parts of a deck that nothing declares, the share that opens with a heading, and the characters of the middle one."""


def slides_of(text: str, matter: str) -> list[str] | None:
    """The slides of a deck, in Markdown, empty ones among them; None for a text that is none. `matter` is its front
    matter.

    >>> slides_of("# A\\n\\n---\\n\\nclass: center\\n# B\\n--\\n.red[so]", "marp: true")
    ['# A', '# B\\nso']
    """
    whole = [(start, end) for start, end, _ in whole_spans(text)]
    rules = [match.span() for match in _RULE.finditer(text) if not inside(match.start(), whole)]
    if not 0 < len(rules) <= _MOST:
        return None
    apart = [(start, end) for start, end in rules if _stands_apart(text, start)]
    styled = _styles(text, rules, whole) >= _STYLED
    if styled:
        return [_cleaned(part, remark=True) for part in _parts(text, rules)]
    parts = _parts(text, apart)
    if (apart and _DECLARED.search(matter)) or _looks_like_slides(parts):
        return [_cleaned(part, remark=bool(_DECLARED.search(matter))) for part in parts]
    return None


def _stands_apart(text: str, rule: int) -> bool:
    """Whether the line above a rule is empty or sets a property: below a line of text it makes that a heading."""
    above = text[text.rfind("\n", 0, max(0, rule - 1)) + 1 : rule].strip()
    return not above or bool(_PROPERTY.match(above))


def _styles(text: str, rules: Sequence[Span], whole: Sequence[Span]) -> int:
    """How many marks there are that only slides for remark have."""
    properties = sum(bool(_FIRST_PROPERTY.match(text, end)) for end in (0, *(end for _, end in rules)))
    marks = [*_STEP.finditer(text), *_CLASS.finditer(text)]
    return properties + sum(not inside(match.start(), whole) for match in marks)


def _parts(text: str, rules: Sequence[Span]) -> list[str]:
    """What stands between the rules; what only sets properties of the part after it is left out."""
    starts, ends = [0, *(end for _, end in rules)], [*(start for start, _ in rules), len(text)]
    parts = [text[start:end].strip("\n") for start, end in zip(starts, ends, strict=True)]
    if not parts[0].strip():
        del parts[0]
    return [part for part in parts if not _sets_properties(part)]


def _sets_properties(part: str) -> bool:
    """Whether it says nothing but properties, indented lines being part of the one above."""
    lines = [line for line in part.split("\n") if line.strip() and line[0] not in " \t"]
    return bool(lines) and all(map(_PROPERTY.match, lines))


def _looks_like_slides(parts: Sequence[str]) -> bool:
    if len(parts) < _LEAST:
        return False
    headed = sum(_cleaned(part, remark=False).startswith("#") for part in parts)
    return headed >= _HEADED * len(parts) and median(map(len, parts)) <= _LONGEST


def _cleaned(part: str, *, remark: bool) -> str:
    """A slide without its properties, classes, steps, comments and tags that only lay it out."""
    part = part.lstrip("\n")
    while match := _PROPERTY.match(part) if remark else None:
        part = part[match.end() :].lstrip("\n")
    part = _outside(part, lambda text: _STEP.sub("", text)) if remark else part
    part = _outside(without_tags(part), lambda text: _BACKGROUND.sub("", text))
    return _BLANK.sub("\n\n", _without_classes(part) if remark else part).strip()


def _without_classes(text: str) -> str:
    """`.red[like this]` without its class, nested ones too; what has no end stays as it is."""
    whole = [(start, end) for start, end, _ in whole_spans(text)]
    dropped: list[Span] = []
    opened: list[Span | None] = []
    for match in _BRACKET.finditer(text):
        if inside(match.start(), whole):
            continue
        if match[0] != "]":
            opened.append(match.span() if match["style"] else None)
        elif opened and (style := opened.pop()):
            dropped += [style, match.span()]
    kept, position = [], 0
    for start, end in sorted(dropped):
        kept.append(text[position:start])
        position = end
    return "".join([*kept, text[position:]])


def _outside(text: str, change: Callable[[str], str]) -> str:
    """The text, changed but for its formulas and blocks of code."""
    return "".join(part if kept else change(part) for part, kept in _pieces(text))


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    position = 0
    for start, end, _ in whole_spans(text):
        yield text[position:start], False
        yield text[start:end], True
        position = end
    yield text[position:], False
