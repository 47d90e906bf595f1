"""HTML in Markdown, turned into what a page shows of it, and what tells the program that makes the page how to.

Tables, lists and code of elements become Markdown, pictures of formulas TeX; other tags go, and with them comments,
styles and programs, the attributes and templates of Jekyll, the divisions of Pandoc. Code and displayed formulas stay
as they are, and so does what only looks like a tag: `<eos>`, `<s>`, `<T>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import unescape

from corpus.readers.html_page import pictured, read_elements, script
from corpus.whole import inside, whole_spans

Span = tuple[int, int]
Edit = tuple[int, int, str]

_HIDDEN = {"<!--": "-->", "<style": "</style>", "<script": "</script>", "<svg": "</svg>"}
_HIDES = re.compile("|".join(_HIDDEN), re.IGNORECASE)
_ATTRIBUTES = r"(?:[\s/](?:\"[^\"<]*\"|'[^'<]*'|[^<>\"'])*+)?"
_PARSED = re.compile(rf"<(table|pre|ul|ol|dl|h[1-6]|sub|sup)\b{_ATTRIBUTES}>", re.IGNORECASE)
"""Elements that are read as on a page."""
_LAID_OUT = (
    "address article aside blockquote center dd details div dl dt figcaption figure footer header hr li main nav ol p"
    " pre section summary table tbody td tfoot th thead tr ul v-clicks? v-after"
).replace(" ", "|")
_EMPTY = "audio br col embed iframe img input link meta object picture source track video wbr".replace(" ", "|")
_INLINE = (
    "a abbr b big button cite code del dfn em font i ins kbd label mark q samp small span strike strong sub sup tt u"
    " var"
).replace(" ", "|")
_TAG = re.compile(
    rf"<(?P<close>/?)(?:(?P<inline>{_INLINE})|(?P<empty>{_EMPTY})|(?P<block>{_LAID_OUT}|h[1-6]))\b{_ATTRIBUTES}>",
    re.IGNORECASE,
)
_ANY_TAG = re.compile(r"<[^<>]*+>")
_NOTHING = re.compile(r"(?:[ \t]|<[^<>]*+>)*+")
_NEAR = 120
"""Characters of a line on either side of a tag that are looked at."""
_LONGEST_ROW = 2_000
"""Characters of a row of a table; a longer line is none."""
_SHORT = 2
"""Letters of a tag that may as well be a name."""
_AS_CODE = frozenset("code kbd samp tt".split())
_INLINE_CODE = re.compile(r"(?<!`)`[^`\n]+`(?!`)|``[^\n]*?``")
_PICTURE = re.compile(r"!\[[^\]\n]{0,300}+\]\((?P<address>[^\s)]{1,2000}+)[^)\n]{0,300}+\)")
_SOURCE = re.compile(r"""\bsrc[ ]*=[ ]*["']?([^"'\s>]*)""", re.IGNORECASE)
_VALUE = r"""(?:"[^"\n]*"|'[^'\n]*'|[\w%.-]+)"""
_LISTED = rf"(?:[ \t]*+(?:[.#][A-Za-z][\w:-]*+|[\w-]++={_VALUE}|(?:no_)?toc|-(?=\}})))++[ \t]*+\}}"
_DIRECTION = re.compile(
    rf"\{{:{_LISTED}|(?<=\))\{{(?=[.#]|width=|height=|style=|fig-){_LISTED}"
    rf"|(?<=\S)[ \t]\{{(?=[.#-]){_LISTED}(?=[ \t]*$)"
    rf"|\{{%[^%{{}}\n]*+%\}}|^:{{3,}}+[ \t]*+(?:\{{[^{{}}\n]*+\}}|[\w-]*+)[ \t]*$",
    re.MULTILINE,
)
"""Attributes as kramdown and Pandoc take them, tags of templates, lines that begin and end a division."""
_COMPONENTS = re.compile(
    r"^(?:import|export)[ \t][^\n]*\n|\{/\*[^*{}]{0,2000}+\*/\}|</?[A-Z][\w.]*+(?:[\s/][^<>]*+)?>"
    r"|(?<=\S)[ \t]?\[\[[\w-]{1,100}+\]\](?=[ \t]*$)",
    re.MULTILINE,
)
"""What MDX has besides: imports, comments, components, and the names of headings."""
_ENTITY = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,30}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_BLANK = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")


def without_tags(text: str, *, mdx: bool = False) -> str:
    """Markdown with no HTML left in it, nor components where it is MDX; text that has none stays as it is.

    >>> without_tags("H<sub>2</sub>O is <b>wet</b>.<!-- check --> <eos> stays, and `<b>`.")
    'H_2O is wet. <eos> stays, and `<b>`.'
    """
    changed = _edited(text, _components(text, _kept(text))) if mdx else text
    for edits in (_hidden, _elements, _tags, _directions, _entities):
        changed = _edited(changed, edits(changed, _kept(changed)))
    return _squeezed(changed) if changed != text else text


def _kept(text: str) -> list[Span]:
    """Where code and displayed formulas stand, ascending."""
    whole = [(start, end) for start, end, _ in whole_spans(text)]
    inline = [match.span() for match in _INLINE_CODE.finditer(text) if not inside(match.start(), whole)]
    return sorted([*whole, *inline])


def _components(text: str, kept: Sequence[Span]) -> Iterator[Edit]:
    return ((*match.span(), "") for match in _COMPONENTS.finditer(text) if not inside(match.start(), kept))


def _hidden(text: str, kept: Sequence[Span]) -> Iterator[Edit]:
    """Comments, styles, programs and drawings; what is not closed stays."""
    position, unclosed = 0, set()
    for match in _HIDES.finditer(text):
        closing = _HIDDEN[match[0].lower()]
        if match.start() < position or closing in unclosed or inside(match.start(), kept):
            continue
        closed = re.compile(closing, re.IGNORECASE).search(text, match.end())
        if closed is None:
            unclosed.add(closing)
            continue
        position = closed.end()
        yield match.start(), position, ""


def _elements(text: str, kept: Sequence[Span]) -> Iterator[Edit]:
    """Tables, lists, code, headings and what is set higher or lower, as on a page, without the marks of footnotes; what
    is not closed stays."""
    position, unclosed = 0, set()
    for match in _PARSED.finditer(text):
        name = match[1].lower()
        if match.start() < position or name in unclosed or inside(match.start(), kept):
            continue
        end = _closed(text, name, match.end())
        if end < 0:
            unclosed.add(name)
            continue
        position = end
        element = text[match.start() : end]
        if name in ("sub", "sup"):
            inner = _ANY_TAG.sub("", element)
            is_mark = name == "sup" and "<a" in element
            yield match.start(), end, "" if is_mark else script(name, inner) or inner
            continue
        builder, _ = read_elements(element)
        read = builder.document(source="").text
        if name.startswith("h"):
            read = f"{'#' * int(name[1])} {' '.join(read.split())}" if read.strip() else ""
        if _in_row(text, match.start()):
            yield match.start(), end, " ".join(read.split())
        else:
            yield match.start(), end, f"\n\n{read}\n\n"


def _closed(text: str, name: str, start: int) -> int:
    """Where the element `name` ends whose tag ends at `start`; -1 where it does not."""
    depth = 1
    for match in re.compile(rf"<(/?){name}\b[^<>]*+>", re.IGNORECASE).finditer(text, start):
        depth += -1 if match[1] else 1
        if depth == 0:
            return match.end()
    return -1


def _tags(text: str, kept: Sequence[Span]) -> Iterator[Edit]:
    """All other tags; one that sets letters may be a name where it is short, stands alone and has no attributes."""
    opened: dict[str, list[re.Match[str]]] = {}
    found: list[Edit] = []
    for match in _TAG.finditer(text):
        if inside(match.start(), kept):
            continue
        if match["inline"] is None:
            found.append((*match.span(), _gap(text, match)))
        elif not match["close"]:
            opened.setdefault(match["inline"].lower(), []).append(match)
        elif before := opened.get(match["inline"].lower()):
            mark = "`" if match["inline"].lower() in _AS_CODE else ""
            found += [(*before.pop().span(), mark), (*match.span(), mark)]
        elif len(match["inline"]) > _SHORT:
            found.append((*match.span(), ""))
    alone = [match for matches in opened.values() for match in matches]
    found += [(*match.span(), "") for match in alone if len(match["inline"]) > _SHORT or match[0][-2] in "\"'/"]
    return iter(sorted(found))


def _gap(text: str, tag: re.Match[str]) -> str:
    """What stands for a tag that begins or ends a block, breaks a line, or shows a picture."""
    before = text[max(0, tag.start() - _NEAR) : tag.start()].rpartition("\n")[2]
    after = text[tag.end() : tag.end() + _NEAR].partition("\n")[0]
    space = "" if before.endswith((" ", "\t")) or after.startswith((" ", "\t")) else " "
    if tag["empty"]:
        source = _SOURCE.search(tag[0]) if tag["empty"].lower() == "img" else None
        if source and (formula := pictured(source[1])):
            return formula
        if tag["empty"].lower() != "br" or not after.strip():
            return ""
        return space if _in_row(text, tag.start()) else "\n"
    alone = any(len(side) < _NEAR and _NOTHING.fullmatch(side) for side in (before, after))
    return "\n\n" if alone and not _in_row(text, tag.start()) else space


def _directions(text: str, kept: Sequence[Span]) -> Iterator[Edit]:
    """Pictures of formulas in Markdown, and what only directs the program that makes the page."""
    found = [(*match.span(), "") for match in _DIRECTION.finditer(text)]
    found += [(*match.span(), tex) for match in _PICTURE.finditer(text) if (tex := pictured(match["address"]))]
    position = 0
    for start, end, instead in sorted(found):
        if start >= position and not inside(start, kept):
            yield start, end, instead
            position = end


def _entities(text: str, kept: Sequence[Span]) -> Iterator[Edit]:
    for match in _ENTITY.finditer(text):
        shown = unescape(match[0]).replace("\xa0", " ")
        if shown != match[0] and shown.isprintable() and not inside(match.start(), kept):
            yield *match.span(), shown


def _in_row(text: str, position: int) -> bool:
    """Whether a place is in a row of a table in Markdown."""
    start = text.rfind("\n", max(0, position - _LONGEST_ROW), position) + 1
    return text[start : start + 40].lstrip().startswith("|")


def _edited(text: str, edits: Iterator[Edit]) -> str:
    parts, position = [], 0
    for start, end, instead in edits:
        parts += [text[position:start], instead]
        position = end
    return "".join([*parts, text[position:]])


def _squeezed(text: str) -> str:
    """The text with one blank line where there are several, but in code and formulas."""
    whole = [(start, end) for start, end, _ in whole_spans(text)]
    found = ((*match.span(), "\n\n") for match in _BLANK.finditer(text) if not inside(match.start(), whole))
    return _edited(text, found).strip("\n")
