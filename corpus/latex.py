"""Checks on the LaTeX of a text: delimiters and braces balance, and every command is one that KaTeX renders."""

from __future__ import annotations

import re
from collections.abc import Iterator

_DISPLAY = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
_INLINE = re.compile(r"\$([^$\n]+?)\$")
_CODE = re.compile(r"^```.*?^```[ \t]*$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"\\([A-Za-z]+|.)")
_WORDS = re.compile(
    r"\\(?:mathrm|text|operatorname|textrm|mathsf|mathtt|texttt)\*?\s*\{[^{}]*\}|\\(?:begin|end)\{[^{}]*\}"
)

KNOWN = frozenset(
    """
    alpha beta gamma delta epsilon varepsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi varphi chi psi
    omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell partial nabla infty cdot cdots ldots dots vdots ddots
    times div pm mp odot otimes oplus circ ast star le leq ge geq ne neq approx sim simeq equiv propto ll gg in notin
    subset subseteq cup cap setminus forall exists to rightarrow leftarrow Rightarrow Leftarrow mapsto mid parallel
    frac dfrac tfrac sqrt sum prod int max min sup inf lim log ln exp sin cos tan tanh arg argmax argmin det dim Pr
    hat tilde bar vec dot ddot overline underline widehat widetilde underbrace overbrace left right big Big bigl bigr
    Bigl Bigr bigg biggl biggr Biggl Biggr lfloor rfloor lceil rceil langle rangle lVert rVert Vert lvert rvert vert
    mathrm mathbf mathbb mathcal mathsf mathtt boldsymbol text texttt textrm operatorname quad qquad begin end limits
    top bot prime dagger not substack binom tag nonumber hspace phantom displaystyle textstyle mathbin
    stackrel overset underset xrightarrow colon lor land lnot wedge vee neg triangleq coloneqq emptyset varnothing
    """.split()
)
"""Commands that KaTeX renders, which draws the formulas of the chat."""


def formulas(text: str) -> Iterator[tuple[str, bool, int]]:
    """(LaTeX, whether displayed, offset) of every formula of a text; dollars in code are no formulas."""
    plain = _without_code(text)
    for match in _DISPLAY.finditer(plain):
        yield match[1], True, match.start()
    plain = _DISPLAY.sub(lambda match: " " * len(match[0]), plain)
    for match in _INLINE.finditer(plain):
        yield match[1], False, match.start()


def latex_faults(text: str) -> Iterator[tuple[int, str]]:
    """(offset, what is wrong) for every formula that does not balance or names an unknown command."""
    rest = _INLINE.sub("", _DISPLAY.sub("", _without_code(text)))
    if "$" in rest:
        at = rest.index("$")
        yield 0, f"a dollar sign without its partner near {rest[max(0, at - 30) : at + 30]!r}"
    for formula, _, offset in formulas(text):
        bare = formula.replace("\\\\", "  ").replace("\\{", "").replace("\\}", "")
        if bare.count("{") != bare.count("}"):
            yield offset, f"braces do not balance in {formula.strip()!r}"
        for opening, closing in (("left", "right"), ("bigl", "bigr"), ("Bigl", "Bigr"), ("begin", "end")):
            counts = [len(re.findall(rf"\\{name}(?![A-Za-z])", formula)) for name in (opening, closing)]
            if counts[0] != counts[1]:
                yield offset, f"\\{opening} and \\{closing} do not balance in {formula.strip()!r}"
        for command in _COMMAND.findall(formula):
            if command.isalpha() and command not in KNOWN:
                yield offset, f"\\{command} is not known to render"


def _without_code(text: str) -> str:
    """The text with code and dollars that stand for themselves blanked out, offsets as they were."""
    return _CODE.sub(lambda match: " " * len(match[0]), text).replace("\\$", "  ")


def symbols(formula: str) -> set[str]:
    """The letters of a formula, Greek ones by name: what a reader must be told the meaning of.

    >>> sorted(symbols(r"h_t = \\tanh(W x_t + b_{\\mathrm{out}})"))
    ['W', 'b', 'h', 't', 'x']
    """
    greek = KNOWN & set(_GREEK)
    bare = _WORDS.sub(" ", formula)
    found = {name for name in _COMMAND.findall(bare) if name in greek}
    return found | set(re.findall(r"[A-Za-z]", re.sub(r"\\[A-Za-z]+", " ", bare)))


_GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi varphi chi"
    " psi omega Gamma Delta Theta Lambda Xi Pi Phi Psi Omega ell"
).split()
