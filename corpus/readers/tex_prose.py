"""Turns the parts of a LaTeX source that are read as text into the form that other readers give them: code between
fences, tables as Markdown, theorems and their like as paragraphs that open with a name in bold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpus.readers.builder import markdown_table
from corpus.readers.tex_words import in_words
from corpus.whole import fenced

VERBATIM = re.compile(
    r"\\begin\{(?P<name>(?:[BL]?[vV]erbatim|lstlisting|minted|alltt)\*?)\}(?P<options>\[[^\]]{0,300}\])?"
)
_LANGUAGE = re.compile(r"language\s*=\s*\{?\s*(?:\[[^\]]*\]\s*)?([\w+#-]+)")
_TABLE = re.compile(r"\\begin\{(?P<name>(?:tabular[xy]?|longtable|tabulary)\*?)\}")
GROUP = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
_TABLE_HEAD = re.compile(rf"\s*(?:\[[^\]]*\]\s*)?(?:{GROUP}\s*){{1,2}}")
_RULE = re.compile(
    r"\\(?:hline|toprule|midrule|bottomrule|endhead|endfirsthead|endfoot|endlastfoot|centering)\b(?:\[[^\]]*\])?"
    r"|\\(?:cline|cmidrule|addlinespace)(?:\([^)]*\))?(?:\[[^\]]*\])?(?:\{[^{}]*\})?"
)
_ROW_END = re.compile(r"\\\\\*?(?:\[[^\]]*\])?|\\tabularnewline\b")
_CELL_END = re.compile(r"(?<!\\)&")
_SEVERAL = re.compile(rf"\\multi(?:column|row)\s*{GROUP}\s*(?:{GROUP}|\*)\s*\{{((?:[^{{}}]|{GROUP})*)\}}")
_FLOAT = re.compile(
    r"(?:\\(?:begin|end)\{(?:table|figure)\*?\}(?:\[[^\]]{0,99}\])?|\\centering\b|\\label\{[^{}]*\})[ \t]*\n?"
)
_CAPTION = re.compile(rf"\\caption\*?(?:\[[^\]]{{0,300}}\])?({GROUP})")
_NEW_THEOREM = re.compile(
    r"\\newtheorem\*?\{(\w+\*?)\}(?:\[\w+\])?\{([^{}]+)\}|\\declaretheorem(?:\[[^\]]*\])?\{(\w+)\}"
)
_THEOREMS = {
    "theorem": "Theorem", "thm": "Theorem", "lemma": "Lemma", "lem": "Lemma", "proposition": "Proposition",
    "prop": "Proposition", "corollary": "Corollary", "cor": "Corollary", "definition": "Definition",
    "defn": "Definition", "defi": "Definition", "example": "Example", "examples": "Examples", "remark": "Remark",
    "rem": "Remark", "proof": "Proof", "claim": "Claim", "conjecture": "Conjecture", "axiom": "Axiom", "fact": "Fact",
    "observation": "Observation", "assumption": "Assumption", "property": "Property", "problem": "Problem",
    "exercise": "Exercise", "solution": "Solution", "note": "Note", "notation": "Notation", "question": "Question",
    "answer": "Answer", "law": "Law", "rule": "Rule", "principle": "Principle",
}  # fmt: skip
"""Environments for what is stated, and the name that each is printed under."""


def readable(text: str, preamble: str = "") -> str:
    """The text with code, tables and theorems in their readable form; `preamble` may define more theorems.

    >>> readable("\\\\begin{lemma}[Zorn]\\nAll is well.\\n\\\\end{lemma}")
    '**Lemma (Zorn).** All is well.'
    """
    names = dict(_THEOREMS)
    for name, title, declared in _NEW_THEOREM.findall(preamble):
        names[name or declared] = title or declared.capitalize()
    parts, position = [], 0
    for opening, inside, end in environments(text, VERBATIM):
        code = _code(opening, text[opening.end() : inside])
        parts += [_prose(text[position : opening.start()], names), f"\n{code}\n"]
        position = end
    parts.append(_prose(text[position:], names))
    return "".join(parts).strip("\n")


def environments(text: str, opening: re.Pattern[str]) -> Iterator[tuple[re.Match[str], int, int]]:
    """(What opens it, end of its inside, end) of every environment that is closed; `opening` has a group `name`."""
    position = 0
    unclosed: set[str] = set()
    while begin := opening.search(text, position):
        closing = f"\\end{{{begin['name']}}}"
        inside = -1 if closing in unclosed else text.find(closing, begin.end())
        if inside < 0:
            unclosed.add(closing)
            position = begin.end()
        else:
            position = inside + len(closing)
            yield begin, inside, position


def _code(opening: re.Match[str], code: str) -> str:
    language = _LANGUAGE.search(opening["options"] or "")
    if opening["name"].startswith("minted"):
        language = re.match(r"\s*\{(\w+)\}", code)
        code = code[language.end() :] if language else code
    return fenced(re.sub(r"\A[ \t]*\n", "", code), language[1] if language else "")


def _prose(text: str, names: dict[str, str]) -> str:
    text = _with_tables(text)
    text = _CAPTION.sub(lambda caption: f"\n{caption[1][1:-1].strip()}\n", _FLOAT.sub("\n", text))
    known = "|".join(map(re.escape, names))
    after = r"\s*(?:\\label\{[^{}]*\}\s*)?"
    theorem = re.compile(rf"\\begin\{{({known})\*?\}}(?:<[^>]{{0,20}}>)?(?:\[([^\]]{{0,300}})\])?{after}")
    block = re.compile(rf"\\begin\{{((?:alert|example)?block)\}}(?:<[^>]{{0,20}}>)?({GROUP})?{after}")
    end = re.compile(rf"\\end\{{(?:{known}|(?:alert|example)?block)\*?\}}[ \t]*\n?")

    def opened(match: re.Match[str]) -> str:
        title, name = " ".join((match[2] or "").strip("{}").split()), names.get(match[1], "")
        if title and name and not title.startswith(name):
            title = f"{name} ({title})"
        follows = match.string[match.end() : match.end() + 1]
        gap = "\n\n" if follows in ("\\", "$", "`", "|") else " "
        return f"\n**{title or name}.**{gap}" if title or name else "\n"

    return end.sub("\n\n", block.sub(opened, theorem.sub(opened, text)))


def _with_tables(text: str) -> str:
    parts, position = [], 0
    for opening, inside, end in environments(text, _TABLE):
        table = _table(text[opening.end() : inside])
        parts += [text[position : opening.start()], text[opening.start() : end] if table is None else f"\n{table}\n"]
        position = end
    return "".join([*parts, text[position:]])


def _table(body: str) -> str | None:
    """The rows of a table as Markdown; None for one that holds another environment, which stays as it is."""
    head = _TABLE_HEAD.match(body)
    if not head or "\\begin{" in body:
        return None
    rows = []
    for line in _ROW_END.split(_RULE.sub(" ", body[head.end() :])):
        rows.append([in_words(_SEVERAL.sub(r"\1", cell)) for cell in _CELL_END.split(line)])
    return markdown_table(rows)
