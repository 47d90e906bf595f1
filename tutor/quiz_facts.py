"""The key facts of a sentence: its rarest terms, its numbers and its formulas, as far as no question tells them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lm.reading import content_stems
from tutor.cloze import VERBS
from tutor.hint import LITTLE

MOST_FACTS = 5
_LONGEST_FACT = 3
"""Words of a term."""

_EXACT = 3.0
"""Weight of a number or a formula, that of a word in one passage of twenty."""

_EMPTY = (LITTLE | frozenset(VERBS.split())) | frozenset(
    "instead along near fact reason et al alike whereas hence printed line cent per called abbreviated short means "
    "kind kinds type types way ways thing things part parts everything something nothing anything get make let take "
    "give go become keep see show typically usually directly simply exactly entirely mostly roughly merely "
    "still yet".split()
)
"""Words that are no key facts: verbs of every day, words of the form."""

Rarity = Callable[[str], float]
"""ln(N / n) of a stem that stands in n of N passages."""

_FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$|\\\(.+?\\\)|\\\[.+?\\\]", re.DOTALL)
WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_][\w'’-]*")
_NUMBERS = {
    word: str(number)
    for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
} | {"half": "0.5", "hundred": "100", "thousand": "1000"}
_COMMANDS = re.compile(
    r"\\(?:left|right|,|;|:|!|quad|qquad|text|mathrm|mathbf|boldsymbol|operatorname|limits)(?![a-zA-Z])"
)
_REMARK = re.compile(
    r";|, (?:such as|for (?:instance|example)|popular|so|but|while|whereas|since|because)\b|, and (?:[\w-]+ ){1,3}?(?:"
    + "|".join((*VERBS.split(), "is", "are"))
    + r")\b"
)
_LEAST_CORE = 40
"""Characters that come before a remark."""

_SIGNS = {
    "σ": r"\sigma", "·": r"\cdot", "×": r"\times", "√": r"\sqrt", "∂": r"\partial", "∑": r"\sum", "≤": r"\le",
    "≥": r"\ge", "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\epsilon", "θ": r"\theta",
    "λ": r"\lambda", "−": "-", "⊙": r"\odot", "∞": r"\infty", "*": r"\cdot",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A term, number or formula of the answer, as the passage writes it, with the weights of its stems."""

    text: str
    kind: str
    stems: tuple[tuple[str, float], ...]

    @property
    def weight(self) -> float:
        """The weight of the whole."""
        return sum(weight for _, weight in self.stems)


def key_facts(sentence: str, question: str, rarity: Rarity) -> tuple[Fact, ...]:
    """At most `MOST_FACTS` facts of a sentence that the question does not tell, in the order of the sentence."""
    told = set(content_stems(question)) | {number_of(word) for word in WORD.findall(question)}
    found: list[Fact] = []
    last = -1
    for match in re.finditer(f"(?P<formula>{_FORMULA.pattern})|(?P<word>{WORD.pattern})", sentence, re.DOTALL):
        word = match[0]
        number = "" if match["formula"] else number_of(word)
        if match["formula"] and re.search(r"[=+\\^/]", word):
            found.append(Fact(text=word, kind="formula", stems=((plain_formula(word), _EXACT),)))
        elif match["formula"]:
            continue
        elif number and number not in told and word.casefold() not in ("one", "two"):
            found.append(Fact(text=word, kind="number", stems=((number, _EXACT),)))
        elif not number and (stems := tuple((one, rarity(one)) for one in telling(word) if one not in told)):
            follows = bool(found) and found[-1].kind == "term" and sentence[last : match.start()] == " "
            if follows and len(found[-1].stems) < _LONGEST_FACT:
                before = found.pop()
                found.append(Fact(text=f"{before.text} {word}", kind="term", stems=before.stems + stems))
            else:
                found.append(Fact(text=word, kind="term", stems=stems))
            last = match.end()
    found = list({fact.text.casefold(): fact for fact in found}.values())
    best = sorted(found, key=lambda fact: -fact.weight)[:MOST_FACTS]
    return tuple(fact for fact in found if fact in best)


def core(sentence: str) -> str:
    """A sentence without the remark that may follow what it says at first.

    >>> core("A seed is the number that starts a generator, and it is kept with the result.")
    'A seed is the number that starts a generator'
    """
    match = _REMARK.search(sentence, _LEAST_CORE)
    return sentence[: match.start()] if match else sentence


def term_fact(text: str) -> Fact:
    """The fact that stood in a gap: every word of it counts alike."""
    number = number_of(text)
    if number:
        return Fact(text=text, kind="number", stems=((number, 1.0),))
    return Fact(text=text, kind="term", stems=tuple((stem, 1.0) for stem in content_stems(text)))


def rarity_of(texts: Sequence[str]) -> Rarity:
    """The rarity of stems among texts. A stem that stands in none of them counts as one that stands in one."""
    counts: dict[str, int] = {}
    for text in texts:
        for stem in set(content_stems(text)):
            counts[stem] = counts.get(stem, 0) + 1
    # A word that stands everywhere is a fact, too, if only a small one.
    return lambda stem: 0.2 + math.log(max(1, len(texts)) / counts.get(stem, 1))


def plain_formula(text: str) -> str:
    r"""A formula as it is compared: no spaces, no sizes of brackets, signs by their names, no braces around one sign.

    >>> plain_formula(r"$\sigma\left( W_{f} x_t \right)$") == plain_formula("σ(W_f x_t)")
    True
    """
    for sign, name in _SIGNS.items():
        text = text.replace(sign, name)
    text = re.sub(r"\\cdot|\\times", "", _COMMANDS.sub("", text))
    text = re.sub(r"[\s$]|\\[()\[\]]", "", text)
    return re.sub(r"\{(\w|\\[a-z]+)\}", r"\1", text).rstrip(".,;")


def right_side(formula: str) -> str:
    left, equals, right = formula.partition("=")
    return right if equals and len(right) > 1 else left


def telling(word: str) -> list[str]:
    """Stems of a word (or of the parts of a compound) that tell something."""
    return [] if word.casefold() in _EMPTY else content_stems(word)


def number_of(word: str) -> str:
    """A number in one spelling: "1,000" and "1000", "0.50" and "0.5", "two" and "2"; "" for another word."""
    word = _NUMBERS.get(word.casefold(), word)
    if not re.fullmatch(r"\d+(?:[.,]\d+)*", word):
        return ""
    word = re.sub(r",(?=\d{3}(?:\D|$))", "", word).replace(",", ".")
    return f"{float(word):g}" if word.count(".") <= 1 else word
