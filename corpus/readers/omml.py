"""Office equations (OMML, the `m:` namespace of Word and PowerPoint) as LaTeX text.

Covers what lecture material uses: fractions, scripts, roots, sums and integrals, brackets, matrices, accents,
functions. Anything else falls back to the text inside it, so that no symbol is lost. Element names: ECMA-376 part 1,
section 22.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_BIG = {
    "∑": "\\sum",
    "∏": "\\prod",
    "∫": "\\int",
    "∬": "\\iint",
    "∮": "\\oint",
    "⋃": "\\bigcup",
    "⋂": "\\bigcap",
}
_ACCENTS = {"̂": "\\hat", "̃": "\\tilde", "̄": "\\bar", "̇": "\\dot", "⃗": "\\vec", "̅": "\\overline"}
_FUNCTIONS = frozenset("arg cos cosh det exp lim ln log max min sin sinh tan tanh".split())


def latex(node: Any) -> str:
    """LaTeX of an OMML element (an lxml element; its children in order)."""
    return " ".join(_children(node).split())


def _children(node: Iterable[Any] | None) -> str:
    return "" if node is None else "".join(_element(child) for child in node)


def _element(node: Any) -> str:
    if not isinstance(node.tag, str) or node.tag.endswith("Pr"):
        return ""
    name = node.tag.removeprefix(MATH)
    if name == "t" or node.tag.endswith("}t"):
        return node.text or ""
    handler = _HANDLERS.get(name)
    return handler(node) if handler else _children(node)


def _part(node: Any, name: str) -> str:
    return _children(node.find(MATH + name)).strip()


def _property(node: Any, holder: str, name: str, default: str) -> str:
    found = node.find(f"{MATH}{holder}/{MATH}{name}")
    return default if found is None else found.get(MATH + "val", "")


def _scripts(base: str, sub: str, sup: str) -> str:
    return base + (f"_{{{sub}}}" if sub else "") + (f"^{{{sup}}}" if sup else "")


def _fraction(node: Any) -> str:
    return f"\\frac{{{_part(node, 'num')}}}{{{_part(node, 'den')}}}"


def _scripted(node: Any) -> str:
    return _scripts(_part(node, "e"), _part(node, "sub"), _part(node, "sup"))


def _root(node: Any) -> str:
    degree = _part(node, "deg")
    return f"\\sqrt{f'[{degree}]' if degree else ''}{{{_part(node, 'e')}}}"


def _big_operator(node: Any) -> str:
    sign = _property(node, "naryPr", "chr", "∫")
    return f"{_scripts(_BIG.get(sign, sign), _part(node, 'sub'), _part(node, 'sup'))} {_part(node, 'e')}"


def _brackets(node: Any) -> str:
    opening = _property(node, "dPr", "begChr", "(") or "."
    closing = _property(node, "dPr", "endChr", ")") or "."
    separator = _property(node, "dPr", "sepChr", "|")
    inner = separator.join(_children(part).strip() for part in node.findall(MATH + "e"))
    opening, closing = (f"\\{mark}" if mark in "{}" else mark for mark in (opening, closing))
    return f"\\left{opening} {inner} \\right{closing}"


def _matrix(node: Any) -> str:
    rows = [[_children(cell).strip() for cell in row.findall(MATH + "e")] for row in node.findall(MATH + "mr")]
    body = " \\\\ ".join(" & ".join(row) for row in rows)
    return f"\\begin{{matrix}} {body} \\end{{matrix}}"


def _lines(node: Any) -> str:
    return " \\\\ ".join(_children(line).strip() for line in node.findall(MATH + "e"))


def _accent(node: Any) -> str:
    mark = _property(node, "accPr", "chr", "̂")
    return _ACCENTS.get(mark, "\\hat") + f"{{{_part(node, 'e')}}}"


def _function(node: Any) -> str:
    name = _part(node, "fName")
    return ("\\" if name in _FUNCTIONS else "") + f"{name} {_part(node, 'e')}"


def _limit(node: Any) -> str:
    low = node.tag == MATH + "limLow"
    base, limit = _part(node, "e"), _part(node, "lim")
    base = f"\\{base}" if base in _FUNCTIONS else base
    return _scripts(base, limit, "") if low else _scripts(base, "", limit)


_HANDLERS = {
    "f": _fraction,
    "sSub": _scripted,
    "sSup": _scripted,
    "sSubSup": _scripted,
    "rad": _root,
    "nary": _big_operator,
    "d": _brackets,
    "m": _matrix,
    "eqArr": _lines,
    "acc": _accent,
    "bar": lambda node: f"\\bar{{{_part(node, 'e')}}}",
    "func": _function,
    "limLow": _limit,
    "limUpp": _limit,
}
