r"""The words of a LaTeX source as a reader sees them on paper: accents as letters, emphasis and lists as Markdown,
commands for the layout gone. Formulas and code stay as they are, and `\$` does, so that it opens no formula.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator

from corpus.whole import whole_spans

_TOKEN = re.compile(
    r"\\(?:verb\*?|lstinline(?:\[[^\]\n]*\])?|mintinline\{\w+\})(?P<mark>[^\sA-Za-z*{\[])(?P<code>[^\n]*?)(?P=mark)"
    r"|(?P<math>\$(?:[^$\n]|\n(?!\s*\n)){1,2000}?(?<!\\)\$|\\\((?:[^\\]|\\(?![()])){1,2000}\\\))"
    r"|\\(?P<name>[A-Za-z@]+)\*?(?P<gap>[ \t]*)|\\(?P<sign>(?s:.))|(?P<brace>[{}])"
    r"|(?P<line>(?<![ \t])[ \t]*\n\s*)|(?P<typed>~|---?|``|''|`)"
)
_TYPED = {"~": " ", "---": "—", "--": "–", "``": "“", "''": "”", "`": "‘"}
_SIGNS = {**{sign: sign for sign in "%&#_{}"}, **dict.fromkeys(" ,;:\n", " "), **dict.fromkeys("-/!@+", "")}
_ACCENTS = {
    '"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "k": "\u0328", "r": "\u030a", "d": "\u0323",
    "b": "\u0331",
}  # fmt: skip
"""Commands that put an accent on the letter after them, and the combining character for it."""
_LETTERS = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "o": "ø", "O": "Ø", "l": "ł",
    "L": "Ł", "i": "ı", "j": "ȷ", "S": "§", "P": "¶", "dag": "†", "copyright": "©", "pounds": "£", "euro": "€",
    "texteuro": "€", "ldots": "…", "dots": "…", "textellipsis": "…", "textbackslash": "\\", "textasciitilde": "~",
    "textasciicircum": "^", "textbar": "|", "textless": "<", "textgreater": ">", "textendash": "–",
    "textemdash": "—", "textunderscore": "_", "textbullet": "•", "textdegree": "°", "texttrademark": "™",
    "textregistered": "®", "textrightarrow": "→", "textleftarrow": "←", "textquotedblleft": "“",
    "textquotedblright": "”", "textquoteleft": "‘", "textquoteright": "’", "checkmark": "✓", "TeX": "TeX",
    "LaTeX": "LaTeX", "quad": " ", "qquad": " ", "space": " ", "newline": "\n", "linebreak": "\n", "par": "\n\n",
    "slash": "/",
}  # fmt: skip
_AROUND = {
    **dict.fromkeys("textbf alert strong".split(), "**"),
    **dict.fromkeys("emph textit textsl term".split(), "*"),
    **dict.fromkeys("texttt code lstinline mintinline".split(), "`"),
}
"""Commands with a text, and what stands on both sides of it in Markdown."""
_SWITCHES = {
    **dict.fromkeys("bf bfseries".split(), "**"),
    **dict.fromkeys("em it sl itshape slshape".split(), "*"),
    **dict.fromkeys("tt ttfamily".split(), "`"),
}
"""Commands that change the rest of the group that they open."""
_DROPPED = {
    **dict.fromkeys(
        "label index cite citep citealp parencite autocite footcite nocite vspace hspace vskip hskip pagestyle "
        "thispagestyle bibliography bibliographystyle includegraphics input include usepackage hypersetup "
        "graphicspath color columnwidth column phantom hphantom vphantom logo institute date documentclass "
        "usetheme usecolortheme addcontentsline pagenumbering footnotemark glossary".split(),
        1,
    ),
    **dict.fromkeys(
        "setcounter addtocounter setlength addtolength rule definecolor newcommand renewcommand providecommand "
        "newtheorem fontsize setbeamertemplate setbeamercolor setbeamerfont".split(),
        2,
    ),
}
"""Commands whose so many arguments are not read."""
_SECOND = frozenset("textcolor colorbox href parbox raisebox scalebox resizebox hyperref".split())
"""Commands whose first argument says how, the later one what is read."""
_LAYOUT = frozenset("minipage column columns multicols wrapfigure adjustwidth figure table thebibliography".split())
"""Environments whose arguments are about the layout."""
_LISTS = {
    **dict.fromkeys("itemize compactitem description asparaitem inparaitem list trivlist".split(), "-"),
    **dict.fromkeys("enumerate compactenum asparaenum inparaenum".split(), "1."),
}
_RAW = {
    **dict.fromkeys("url nolinkurl path ref autoref cref Cref nameref pageref citet Citet textcite".split(), "{}"),
    "eqref": "({})",
}
"""Commands whose argument is a name and not text."""
_FRAMED = {"footnote": " ({})", "footnotetext": " ({})", "caption": "\n{}\n", "enquote": "“{}”"}
_BREAK = re.compile(r"\*|\[[^\[\]\n]{0,20}\]|[ \t]+")
_OVERLAY = re.compile(r"[ \t]*<[^<>\n]{0,40}>")
_ITEM_LABEL = re.compile(r"\s*\[((?:[^\[\]\n]|\[[^\[\]\n]*\]){0,200})\]")
_OPTION = re.compile(r"[ \t]*<[^<>\n]{0,40}>|\[[^\[\]\n]{0,200}\]")
_LETTER = re.compile(r"\s*(?:\{\s*\\?([^\W\d_]*)\s*\}|\\([ij])(?![A-Za-z])[ \t]*|([^\W\d_]))")
_SWITCH = re.compile(r"\s*\\([A-Za-z]+)(?![A-Za-z])\s*")
_LABEL = re.compile(r"\\(?:label\{[^{}]*\}|nonumber\b|notag\b)")
_INDENTED = 8
"""Lists within lists that are indented further and further."""
_DEEPEST = 30
"""Braces within braces that are followed; what is deeper stays as it is written."""


def in_words(text: str) -> str:
    r"""`text` without LaTeX commands, in Markdown; its formulas and code as they are.

    >>> in_words(r"K\"onigsberg~\cite{e}: \emph{seven} bridges, 5\% of $\vec x$")
    'Königsberg: *seven* bridges, 5% of $\\vec x$'
    """
    return _tidy(_Words(text).read(0, len(text)))


def _tidy(text: str) -> str:
    """Without the spaces and empty lines that dropped commands leave; code and displays as they are."""
    parts, position = [], 0
    for start, end, _ in [*whole_spans(text), (len(text), len(text), False)]:
        between = re.sub(r"(?<=\S)[ \t]+(?=[.,;:!?)](?:\s|$))", "", text[position:start])
        between = re.sub(r"(?<=\S)[ \t]{2,}(?=\S)", " ", between)
        between = re.sub(r"(?<![ \t])[ \t]+\n", "\n", between)
        between = re.sub(r"(?<!\n)\n+(?=[ \t]*(?:-|\d{1,3}\.) )", "\n", between)
        parts += [re.sub(r"\n{3,}", "\n\n", between), text[start:end]]
        position = end
    return "".join(parts).strip()


class _Words:
    """Reads a source from left to right; the offsets are those of `text`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._closing = dict(_pairs(text))
        self._whole = {start: (end, code) for start, end, code in whole_spans(text)}
        self._starts = sorted(self._whole)
        self._lists: list[str] = []
        self._items: list[int] = []

    def read(self, start: int, end: int, depth: int = 0) -> str:
        """The words between two offsets."""
        if depth > _DEEPEST:
            return self._text[start:end]
        parts, position = [], start
        token = _TOKEN.search(self._text, start, end)
        while position < end:
            if token and token.start() < position:
                token = _TOKEN.search(self._text, position, end)
            at = token.start() if token else end
            number = bisect_left(self._starts, position)
            whole = self._starts[number] if number < len(self._starts) else end
            if whole <= at and whole < end:
                parts.append(self._text[position:whole])
                position, code = self._whole[whole]
                kept = self._text[whole:position]
                parts.append(kept if code else _LABEL.sub("", kept))
                continue
            parts.append(self._text[position:at])
            if token is None:
                break
            written, position = self._token(token, depth)
            parts.append(written)
        return "".join(parts)

    def _token(self, token: re.Match[str], depth: int) -> tuple[str, int]:
        """What a token says, and where to read on."""
        after = token.end()
        if token["mark"]:
            return f"`{token['code']}`", after
        if token["math"]:
            return " ".join(token["math"].split("\n")), after
        if token["line"]:
            return self._line(token["line"]), after
        if token["typed"]:
            return _TYPED[token["typed"]], after
        if token["brace"]:
            return self._group(token.start(), depth)
        if token["sign"]:
            return self._sign(token["sign"], after)
        return self._command(token["name"], token["gap"], after, depth)

    def _line(self, gap: str) -> str:
        """The end of a line: an item of a list goes on in the same one, but for a paragraph of its own."""
        if not self._lists:
            return "\n\n" if gap.count("\n") > 1 else "\n"
        return "\n\n" + "  " * min(len(self._lists), _INDENTED) if gap.count("\n") > 1 else " "

    def _group(self, brace: int, depth: int) -> tuple[str, int]:
        """What stands in braces, in the style that its first command switches to."""
        if brace not in self._closing:
            return "" if self._text[brace] == "}" else "{", brace + 1
        close = self._closing[brace]
        switch = _SWITCH.match(self._text, brace + 1, close)
        if switch and switch[1] in _SWITCHES:
            return _styled(self.read(switch.end(), close, depth + 1), _SWITCHES[switch[1]]), close + 1
        return self.read(brace + 1, close, depth + 1), close + 1

    def _sign(self, sign: str, after: int) -> tuple[str, int]:
        if sign == "\\":
            return (" " if self._lists else "\n"), self._past(_BREAK, after)
        return self._accented(sign, after) if sign in _ACCENTS else (_SIGNS.get(sign, "\\" + sign), after)

    def _accented(self, accent: str, after: int) -> tuple[str, int]:
        letter = _LETTER.match(self._text, after)
        if letter is None:
            return (accent if accent in "~^" else ""), after
        base = letter[1] or letter[2] or letter[3] or ""
        if not base:
            return (accent if accent in "~^" else ""), letter.end()
        return unicodedata.normalize("NFC", base[0] + _ACCENTS[accent] + base[1:]), letter.end()

    def _command(self, name: str, gap: str, after: int, depth: int) -> tuple[str, int]:
        if name in _ACCENTS and _LETTER.match(self._text, after):
            return self._accented(name, after)
        if name in _LETTERS:
            written = _LETTERS[name]
            return written + ("" if written.isalpha() and len(written) == 1 else gap), after
        if name == "item":
            return self._item(after, depth)
        after = self._past(_OPTION, after)
        if name in ("begin", "end"):
            return self._environment(name, after)
        if name in _DROPPED:
            for _ in range(_DROPPED[name]):
                after = self._past(_OPTION, self._closing.get(after, after - 1) + 1)
            return "", after
        if after not in self._closing:
            return "", after
        inside, end = after + 1, self._closing[after]
        if name in _SECOND:
            while end + 1 in self._closing:
                inside, end = end + 2, self._closing[end + 1]
        if name in _RAW:
            return _RAW[name].format(self._text[inside:end].strip()), end + 1
        said = self.read(inside, end, depth + 1)
        if name in _AROUND:
            return _styled(said, _AROUND[name]), end + 1
        return _FRAMED.get(name, "{}").format(said), end + 1

    def _item(self, after: int, depth: int) -> tuple[str, int]:
        """The mark of an item of the innermost list, and its label in bold."""
        after = self._past(_OVERLAY, after)
        mark = "-"
        if self._lists:
            self._items[-1] += 1
            mark = f"{self._items[-1]}." if self._lists[-1] == "1." else "-"
        label = _ITEM_LABEL.match(self._text, after)
        written = f"\n{'  ' * (min(len(self._lists), _INDENTED) - 1)}{mark} "
        if label is None:
            return written, after
        return written + _styled(self.read(label.start(1), label.end(1), depth + 1), "**") + " ", label.end()

    def _environment(self, name: str, after: int) -> tuple[str, int]:
        """A list opens or ends; of other environments nothing is said."""
        end = self._closing.get(after)
        if end is None:
            return "", after
        kind, after = self._text[after + 1 : end].rstrip("*"), end + 1
        if name == "end":
            if kind in _LISTS and self._lists:
                self._lists.pop()
                self._items.pop()
            return "\n", after
        after = self._past(_OPTION, after)
        while kind in _LAYOUT and after in self._closing:
            after = self._past(_OPTION, self._closing[after] + 1)
        if kind in _LISTS:
            self._lists.append(_LISTS[kind])
            self._items.append(0)
        return "\n", after

    def _past(self, pattern: re.Pattern[str], position: int) -> int:
        """Where the last of the matches ends that follow one another from `position` on."""
        while found := pattern.match(self._text, position):
            position = found.end()
        return position


def _styled(text: str, mark: str) -> str:
    """`text` between two marks, the spaces at its ends outside."""
    inner = text.strip()
    if not inner or "\n\n" in inner or (inner.startswith(mark) and inner.endswith(mark)):
        return text
    start = text.index(inner)
    inner = inner.replace("`", "") if mark == "`" else inner
    return f"{text[:start]}{mark}{inner}{mark}{text[start + len(inner) :]}"


def _pairs(text: str) -> Iterator[tuple[int, int]]:
    """(opening, closing) of every pair of braces; those after a backslash are none."""
    opened: list[int] = []
    for brace in re.finditer(r"\\.|[{}]", text, re.DOTALL):
        if brace[0] == "{":
            opened.append(brace.start())
        elif brace[0] == "}" and opened:
            yield opened.pop(), brace.start()
