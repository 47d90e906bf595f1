"""Web pages: headings, paragraphs, lists, code, tables and mathematics; scripts, styles and navigation are left out.

Slides that a page holds as Markdown, as remark and reveal.js do, are read as such.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import replace
from html import unescape
from typing import Any

from corpus.document import BlockKind, Document
from corpus.readers import markdown
from corpus.readers.builder import Builder, markdown_table
from corpus.readers.content import decode_text
from corpus.whole import fenced

_LEFT_OUT = frozenset("aside button footer form iframe nav noscript style svg template title".split())
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCK_TAGS = frozenset(
    (
        "address article blockquote body center dd details div dl dt fieldset figcaption figure footer header hr html"
        " li main ol p pre section summary table tbody td th thead tr ul"
    ).split()
) | set(_HEADINGS)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_MATH_SCRIPT = re.compile(r"math/tex(?P<display>\s*;\s*mode=display)?", re.IGNORECASE)
_LANGUAGE = re.compile(r"(?:^|\s)(?:lang(?:uage)?-|highlight-(?:source-)?|brush:\s*|sourceCode\s+)([\w+#.-]+)")
_ORDINAL = re.compile(r"(?i:st|nd|rd|th|er|re|o|a|tm|sm)|[®©™*†‡]+")
_SIMPLE = re.compile(r"[-−+–]?\w+")
_SLIDES = re.compile(
    r"<textarea\b[^<>]*?\s(?:id=[\"']?source\b|data-template)[^<>]*>(.*?)</textarea>", re.DOTALL | re.IGNORECASE
)
_DEEPEST = 400
"""Nesting beyond which an element's text is taken as it is."""


def read(data: bytes, *, source: str) -> Document:
    """Reads a page; the title is that of the `<title>` element, else the first heading."""
    from lxml import etree

    text, warnings = _decode(data)
    if "</textarea>" in text and (slides := _SLIDES.findall(text)):
        deck = markdown.read("\n\n---\n\n".join(map(unescape, slides)).encode("utf-8", "replace"), source=source)
        # A field of a form may have that name, too.
        if any(block.slide for block in deck.blocks):
            return replace(deck, warnings=(*warnings, *deck.warnings))
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    page = _Page()
    page.builder.warnings.extend(warnings)
    title = ""
    if any("depth" in entry.message for entry in parser.error_log):
        page.builder.warnings.append("elements are nested too deep; the text from there on is left out")
    if root is not None:
        page.walk(root, 0)
        page.flush()
        title = " ".join((root.findtext(".//title") or "").split())
    return page.builder.document(source=source, title=title)


def _decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    declared = _CHARSET.search(data[:4096])
    if declared and not data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        name = declared[1].decode("ascii")
        try:
            return data.decode("cp1252" if name.lower() == "iso-8859-1" else name), ()
        except (LookupError, UnicodeDecodeError):
            text, warnings = decode_text(data)
            return text, (*warnings, f"the page says it is {name}, which it is not")
    return decode_text(data)


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
        if tag in _LEFT_OUT or (tag == "script" and not _MATH_SCRIPT.match(node.get("type", ""))):
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
        elif script := _script(node, tag):
            self._inline.append(script)
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
        if depth > _DEEPEST or tag in _LEFT_OUT or tag in skip:
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


def _script(node: Any, tag: str) -> str:
    """What is set higher or lower as plain text shows it: "2^(1/12)", "x_i"; empty for anything else, among it the mark
    of a footnote (a link) and the end of "1st"."""
    mark = {"sup": "^", "sub": "_"}.get(tag)
    text = "".join("".join(node.itertext()).split()) if mark else ""
    if not mark or not text or _ORDINAL.fullmatch(text) or node.find(".//a") is not None:
        return ""
    return f"{mark}{text}" if _SIMPLE.fullmatch(text) else f"{mark}({text})"


def _dollars(tex: str, display: bool) -> str:
    tex = " ".join(tex.split())
    if not tex:
        return ""
    return f"\n$${tex}$$\n" if display else f"${tex}$"


def _spaces(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")
