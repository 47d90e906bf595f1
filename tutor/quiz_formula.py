"""Formulas as they are compared: TeX, signs and spoken words in one spelling."""

from __future__ import annotations

import re

FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$|\\\(.+?\\\)|\\\[.+?\\\]", re.DOTALL)

_SIGNS = {
    "σ": r"\sigma", "·": r"\cdot ", "×": r"\times ", "√": r"\sqrt", "∂": r"\partial", "∑": r"\sum", "≤": r"\le",
    "≥": r"\ge", "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\epsilon", "θ": r"\theta",
    "λ": r"\lambda", "−": "-", "⊙": r"\odot", "∞": r"\infty", "*": r"\cdot ", "²": "^2", "³": "^3",
}  # fmt: skip
_DRESS = re.compile(
    r"\\(?:(?:left|right|text|mathrm|mathbf|boldsymbol|operatorname|limits|quad|qquad|cdot|times|displaystyle)"
    r"(?![a-zA-Z])|[,;:! ]|[Bb]igg?[lr]?(?![a-zA-Z])|[()\[\]])|[\s$]"
)
"""What is no part of what a formula says; a product is written without a sign."""
_GROUP = re.compile(r"(?<!frac)(?<!\})\{([^{}]*)\}")
_FRACTION = re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}|\\[dt]?frac(\d)(\d)")
_ALONE = re.compile(r"\((\w+)\)")
_DEEPEST = 6

_SPOKEN = (
    (re.compile(r"\b(?:the )?square root of\b", re.IGNORECASE), r" \\sqrt "),
    (re.compile(r"\b(?:times|multiplied by)\b", re.IGNORECASE), r" \\cdot "),
    (re.compile(r"\bplus\b", re.IGNORECASE), "+"),
    (re.compile(r"\bminus\b", re.IGNORECASE), "-"),
    (re.compile(r"\b(?:divided by|over)\b", re.IGNORECASE), "/"),
    (re.compile(r"\b(?:equals|is equal to)\b", re.IGNORECASE), "="),
    (re.compile(r" ?\bto the power(?: of)?\b ?", re.IGNORECASE), "^"),
    (re.compile(r" ?\bsquared\b", re.IGNORECASE), "^2"),
)
_PROSE = re.compile(
    r"(?!(?:sqrt|log|ln|exp|tanh|sin|cos|softmax|sigmoid|relu|max|min|argmax|argmin|"
    r"sigma|alpha|beta|gamma|delta|epsilon|theta|lambda|tau|eta|mu|pi)\b)[A-Za-z'’-]{2,}[.,;:!?)]*|[.,;:!?]+",
    re.IGNORECASE,
)
"""A word between formulas."""
_LONG = 6
"""Signs of a formula that is found among other signs, too."""


def plain_formula(text: str) -> str:
    r"""A formula in one spelling, without spaces, sizes of brackets, signs of products and braces.

    >>> plain_formula(r"$\sigma\left( W_{f} x_t \right)$") == plain_formula("σ(W_f x_t)")
    True
    >>> plain_formula(r"\frac{1}{\sqrt{d_k}}"), plain_formula("1/√d_k")
    ('1/sqrtd_k', '1/sqrtd_k')
    """
    for sign, name in _SIGNS.items():
        text = text.replace(sign, name)
    text = _DRESS.sub("", text)
    for _ in range(_DEEPEST):
        text = _FRACTION.sub(lambda part: f"({part[1] or part[3]})/({part[2] or part[4]})", _GROUP.sub(r"(\1)", text))
    text = text.replace("\\", "")
    return _ALONE.sub(r"\1", _ALONE.sub(r"\1", text)).rstrip(".,;")


def right_side(formula: str) -> str:
    """What stands behind the first sign of equality, all of it where there is none."""
    left, equals, right = formula.partition("=")
    return right if equals and right else left


class Formulas:
    """The formulas of an answer, between dollars, or what stands between its words."""

    def __init__(self, answer: str) -> None:
        for words, sign in _SPOKEN:
            answer = words.sub(sign, answer)
        pieces, piece = [match[0] for match in FORMULA.finditer(answer)], ""
        for token in [*answer.split(), "."]:
            if _PROSE.fullmatch(token):
                pieces.append(piece)
                piece = ""
            else:
                piece += token + " "
        plain = {plain_formula(one) for one in pieces} - {""}
        self._said = plain | {right_side(one) for one in plain}
        self._all = plain_formula(answer)

    def say(self, formula: str) -> bool:
        """Whether the formula, in its plain spelling, or its right side is said."""
        right = right_side(formula)
        return bool({formula, right} & self._said) or (len(right) >= _LONG and right in self._all)
