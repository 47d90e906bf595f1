"""The elements of a web page as blocks: headings, paragraphs, lists, code, tables and mathematics; scripts, styles and
navigation are left out."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from corpus.document import BlockKind
from corpus.readers.builder import Builder, markdown_table
from corpus.whole import fenced

_LEFT_OUT = frozenset("aside button footer form iframe nav noscript style svg template title".split())
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCK_TAGS = frozenset(
    (
        "address article blockquote body center dd details div dl dt fieldset figcaption figure footer header hr html"
        " li main ol p pre section summary table tbody td th thead tr ul"
    ).split()
) | set(_HEADINGS)
_MATH_SCRIPT = re.compile(r"math/tex(?P<display>\s*;\s*mode=display)?", re.IGNORECASE)
_LANGUAGE = re.compile(r"(?:^|\s)(?:lang(?:uage)?-|highlight-(?:source-)?|brush:\s*|sourceCode\s+)([\w+#.-]+)")
_ORDINAL = re.compile(r"(?i:st|nd|rd|th|er|re|o|a|tm|sm)|[®©™*†‡]+")
_SIMPLE = re.compile(r"[-−+–]?\w+")
_SCRIPTS = {"sup": "^", "sub": "_"}
_PICTURED = re.compile(
    r"(?:codecogs\.com/[\w./]+\?|/render/math\?math=|[?&]cht=tx&chl=)(?P<tex>[^&]*(?:&(?:space|plus);[^&]*)*)",
    re.IGNORECASE,
)
_SET_SMALL = re.compile(r"\\(?:inline|dpi\{\d+\}|bg_\w+|(?:tiny|small|large|huge|normalsize)\b)\s*")
_DEEPEST = 400
"""Nesting beyond which an element's text is taken as it is."""


def read_elements(text: str) -> tuple[Builder, str]:
    """The blocks of a page or a part of one, and the text of its `<title>` element."""
    from lxml import etree

    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    page = _Page()
    if any("depth" in entry.message for entry in parser.error_log):
        page.builder.warnings.append("elements are nested too deep; the text from there on is left out")
    if root is None:
        return page.builder, ""
    page.walk(root, 0)
    page.flush()
    return page.builder, " ".join((root.findtext(".//title") or "").split())


class _Page:
    """Collects inline text until a block element begins or ends."""

    def __init__(self) -> None:
        self.builder = Builder()
        self._inline: list[str] = []

    def flush(self, kind: BlockKind = "paragraph", level: int = 0) -> None:
        """Closes the block under way."""
        lines = (" ".join(line.split()) for line in "".join(self._inline).split("\n"))
        text = "\n".join(line for line in lines if line)
        self._inline.clear()
        whole = text.startswith("$$") and text.endswith("$$") and text.count("$$") == 2
        self.builder.add("equation" if whole and kind == "paragraph" else kind, text, level=level)

    def walk(self, node: Any, depth: int) -> None:
        """Reads an element and what is in it."""
        tag = node.tag if isinstance(node.tag, str) else ""
        if depth > _DEEPEST:
            self._inline.append(" ".join(node.itertext()))
            return
        if (
            tag in _LEFT_OUT
            or (tag == "script" and not _MATH_SCRIPT.match(node.get("type", "")))
            or _is_mark(node, tag)
        ):
            return
        if tag in _HEADINGS:
            self.flush()
            self._inside(node, depth)
            self._inline[:] = ["".join(self._inline).replace("\n", " ")]
            self.flush("heading", _HEADINGS[tag])
        elif tag == "pre":
            self.flush()
            self.builder.add("code", fenced("".join(node.itertext()), _language(node)))
        elif tag == "table":
            self.flush()
            self._table(node)
        elif tag in ("ul", "ol"):
            self.flush()
            self.builder.add("list", "\n".join(_list_lines(node, 0)))
        elif formula := _formula(node, tag):
            self._inline.append(formula)
        elif raised := _script(node, tag):
            self._inline.append(raised)
        elif tag == "br":
            self._inline.append("\n")
        elif tag in _BLOCK_TAGS:
            self.flush()
            self._inside(node, depth)
            self.flush()
        else:
            self._inside(node, depth)

    def _inside(self, node: Any, depth: int) -> None:
        self._inline.append(_spaces(node.text))
        for child in node:
            self.walk(child, depth + 1)
            self._inline.append(_spaces(child.tail))

    def _table(self, node: Any) -> None:
        """A table of data as rows; one that holds tables, lists or code is layout, read part by part."""
        if node.find(".//table") is not None or node.find(".//pre") is not None or node.find(".//ul") is not None:
            self._inside(node, 0)
            self.flush()
            return
        rows = [[_inline_text(cell) for cell in row if cell.tag in ("td", "th")] for row in node.iter("tr")]
        caption = node.find("caption")
        if caption is not None:
            self.builder.add("paragraph", _inline_text(caption))
        self.builder.add("table", markdown_table(rows))


def _language(node: Any) -> str:
    """The language that the class of a `<pre>`, of the code in it or of the element around it names."""
    for element in (node, *node.iter("code"), node.getparent()):
        found = _LANGUAGE.search((element.get("class") or "") if element is not None else "")
        if found:
            return str(found[1])
    return ""


def _list_lines(node: Any, depth: int) -> list[str]:
    """Lines of a list, two spaces a level; code and tables inside an item run on as text."""
    lines = []
    for number, item in enumerate((child for child in node if child.tag == "li"), start=1):
        mark = f"{number}." if node.tag == "ol" else "-"
        text = _inline_text(item, skip=("ul", "ol"))
        if text:
            lines.append(f"{'  ' * depth}{mark} {text}")
        if depth < 20:
            for inner in item.iter("ul", "ol"):
                if next(inner.iterancestors("ul", "ol"), None) is node:
                    lines += _list_lines(inner, depth + 1)
    return lines


def _inline_text(node: Any, skip: tuple[str, ...] = ()) -> str:
    parts: list[str] = []

    def visit(element: Any, depth: int) -> None:
        tag = element.tag if isinstance(element.tag, str) else ""
        if depth > _DEEPEST or tag in _LEFT_OUT or tag in skip or _is_mark(element, tag):
            return
        if formula := _formula(element, tag) or _script(element, tag):
            parts.append(formula)
            return
        if tag == "script":
            return
        parts.append(element.text or "")
        for child in element:
            visit(child, depth + 1)
            parts.append(child.tail or "")
        if tag in _BLOCK_TAGS or tag == "br":
            parts.append(" ")

    visit(node, 0)
    return " ".join("".join(parts).split())


def _formula(node: Any, tag: str) -> str:
    """The TeX of a mathematical element, in dollars; empty for anything else."""
    if tag == "img":
        return pictured(node.get("src") or "")
    if tag == "script":
        found = _MATH_SCRIPT.match(node.get("type", ""))
        return _dollars(node.text or "", bool(found and found["display"])) if found else ""
    if tag == "math":
        source = node.xpath('.//*[local-name()="annotation"][@encoding="application/x-tex"]')
        tex = (source[0].text if source else "") or node.get("alttext", "") or "".join(node.itertext())
        return _dollars(tex, node.get("display") == "block")
    names = (node.get("class") or "").split() if tag == "span" else []
    if "katex" in names or "katex-display" in names or "MathJax" in names:
        inner = node.find(".//math")
        return _formula(inner, "math") if inner is not None else ""
    return ""


def _is_mark(node: Any, tag: str) -> bool:
    """Whether an element is the mark of a footnote: a link that is set higher."""
    return tag == "sup" and node.find(".//a") is not None


def _script(node: Any, tag: str) -> str:
    """`script` of an element; empty for any but `sub` and `sup`."""
    return script(tag, "".join(node.itertext())) if tag in _SCRIPTS else ""


def script(tag: str, text: str) -> str:
    """What `sup` sets higher or `sub` lower, as plain text shows it: "^(1/12)", "_i"; empty for the end of "1st".

    >>> script("sup", "1/12")
    '^(1/12)'
    """
    text = "".join(text.split())
    if not text or _ORDINAL.fullmatch(text):
        return ""
    return _SCRIPTS[tag] + (text if _SIMPLE.fullmatch(text) else f"({text})")


def pictured(address: str) -> str:
    """The TeX, in dollars, of a formula that a server draws whose address holds it; empty for other pictures.

    >>> pictured("https://latex.codecogs.com/gif.latex?x_1&space;=&space;2")
    '$x_1 = 2$'
    """
    found = _PICTURED.search(address)
    tex = found["tex"].replace("&space;", " ").replace("&plus;", "%2B") if found else ""
    return _dollars(_SET_SMALL.sub("", unquote(tex.replace("+", " "))), display=False)


def _dollars(tex: str, display: bool) -> str:
    tex = " ".join(tex.split())
    if not tex:
        return ""
    return f"\n$${tex}$$\n" if display else f"${tex}$"


def _spaces(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")
