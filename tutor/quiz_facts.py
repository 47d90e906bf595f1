"""The key facts of a sentence: its rarest terms, its numbers and its formulas, as far as no question tells them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lm.reading import content_stems
from tutor.cloze import VERBS
from tutor.hint import LITTLE
from tutor.quiz_formula import FORMULA, plain_formula, right_side

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

WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_][\w'’-]*")
_NUMBERS = {
    word: str(number)
    for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
} | {"half": "0.5", "hundred": "100", "thousand": "1000"}
_NUMBERS |= {
    word: f"{tens}0" for tens, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}
_REMARK = re.compile(
    r";|, (?:such as|for (?:instance|example)|popular|so|but|while|whereas|since|because)\b|, and (?:[\w-]+ ){1,3}?(?:"
    + "|".join((*VERBS.split(), "is", "are"))
    + r")\b"
)
_LEAST_CORE = 40
"""Characters that come before a remark."""


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
    told = told_by(question)
    formulas = plain_formula(question)
    found: list[Fact] = []
    last = -1
    for match in re.finditer(f"(?P<formula>{FORMULA.pattern})|(?P<word>{WORD.pattern})", sentence, re.DOTALL):
        word = match[0]
        number = "" if match["formula"] else number_of(word)
        if match["formula"] and re.search(r"[=+\\^/]", word):
            if right_side(plain_formula(word)) not in formulas:
                found.append(Fact(text=word, kind="formula", stems=((plain_formula(word), _EXACT),)))
        elif match["formula"]:
            continue
        elif number and number not in told and word.casefold() not in ("one", "two"):
            found.append(Fact(text=word, kind="number", stems=((number, _EXACT),)))
        elif not number and (stems := tuple((one, rarity(one)) for one in telling(word) if not is_among(one, told))):
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


def told_by(question: str) -> set[str]:
    """The stems and numbers that a question tells."""
    return set(content_stems(question)) | numbers_in(question)


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


def same_word(stem: str, other: str) -> bool:
    """Whether two stems are of one word: the crude stems of "encoded" and "encoder" differ in their last letters.

    >>> same_word("encod", "encoder"), same_word("gat", "gatewai"), same_word("input", "output")
    (True, False, False)
    """
    short, long = sorted((stem, other), key=len)
    return short == long or (len(short) >= 5 and long.startswith(short) and len(long) - len(short) <= 3)


def is_among(stem: str, stems: Iterable[str]) -> bool:
    """Whether a stem is of the same word as one of these."""
    return any(same_word(stem, one) for one in stems)


def telling(word: str) -> list[str]:
    """Stems of a word (or of the parts of a compound) that tell something."""
    return [] if word.casefold() in _EMPTY else content_stems(word)


def number_of(word: str) -> str:
    """A number in one spelling: "1,000" and "1000", "0.50" and "0.5", "two" and "2"; "" for another word."""
    word = _NUMBERS.get(word.casefold(), word)
    if not re.fullmatch(r"\d+(?:[.,]\d+)*", word):
        return ""
    word = re.sub(r",(?=\d{3}(?:\D|$))", "", word).replace(",", ".")
    return f"{float(word):.15g}" if word.count(".") <= 1 else word


def numbers_in(text: str) -> set[str]:
    """The numbers of a text in one spelling; the "one" that is a pronoun more often is left out.

    >>> sorted(numbers_in("Of ten thousand words, one in 1,000"))
    ['10', '1000', '10000']
    """
    words = [word for word in WORD.findall(text.replace("-", " ")) if word.casefold() != "one"]
    found = {number_of(word) for word in words} - {""}
    thousands = [number_of(many) for many, scale in pairwise(words) if scale.casefold() == "thousand"]
    return found | {number_of(f"{number},000") for number in thousands if number.isdigit() and len(number) <= 3}
