"""Names with a numeral, a number or a letter: World War II, Windows 11, Vitamin K.

Nothing is as sure a sign of a near miss: what is said of Henry VII is no answer about Henry VIII, however near the
sentences are to the question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

Says = Callable[[str], bool]
"""Whether the words of a phrase stand in this order anywhere in the material."""

_NUMERAL = {"roman": r"[IVX]{1,5}", "number": r"\d{1,3}", "letter": r"[A-Z]"}
"""No years."""
_OTHERS = {"roman": rf"{_NUMERAL['roman']}|{_NUMERAL['number']}", "letter": _NUMERAL["letter"]}
_OTHERS["number"] = _OTHERS["roman"]
"""What another one has in place of a numeral."""
_NUMBERED = re.compile(
    rf"(?P<whole>(?:[A-Z][\w-]+\s+){{0,3}}(?P<head>[^\W\d_][\w-]*))\s+"
    rf"(?:(?P<roman>{_NUMERAL['roman']}|[ivx]{{2,5}})|(?P<number>{_NUMERAL['number']})"
    # A letter before another name is an initial.
    rf"|(?P<letter>{_NUMERAL['letter']})(?!\.?\s+[A-Z]))(?![\w%-]|[.,:]\d)"
)
_KINDS = frozenset("type vitamin hepatitis phase stage grade group".split())
"""What has numbers and letters in small letters, too."""
_PLACES = frozenset(
    "lecture lesson chapter section part unit week session module slide page figure fig table equation eq example"
    " exercise problem question task step theorem lemma definition corollary algorithm listing appendix note line no"
    " january february march april may june july august september october november december".split()
)
"""What has its numeral by its place, under which it need not stand in the text."""
_OPENS = re.compile(r"""(?:^|[.?!:])\s*["'“‘(\[]*$""")
_ROMAN = {"X": 10, "V": 5, "I": 1}
_ROMANS = {10: "X", 9: "IX", 5: "V", 4: "IV", 1: "I"}
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


@dataclass(frozen=True, kw_only=True)
class Numbered:
    """`head`, the word before a numeral, with other words in upper case before it the `whole`; `marks` are the numeral
    and other figures for it. Where it is not `sure`, it is a name only if the head has other numerals:
    the I of "with Adam I need less" is the asker."""

    whole: str
    head: str
    marks: tuple[str, ...]
    kind: str
    sure: bool

    def known(self, says: Says, found: Sequence[str]) -> bool:
        """Whether the material says it, in other figures or words, too, or one of the texts found in a row: World War
        II, World War 2, WWII, the Second World War, the World Wars I and II."""
        return any(map(says, self._phrases())) or any(self._in_row(text) for text in found)

    def another(self, found: Sequence[str]) -> bool:
        """Whether one of the texts says the head with another numeral of the kind."""
        beside = re.compile(rf"\b(?i:{re.escape(self.head)})\s+({_OTHERS[self.kind]})(?![\w-]|\.\d)")
        return any(mark not in self.marks for text in found for mark in beside.findall(text))

    def _phrases(self) -> Iterator[str]:
        words = self.whole.split()
        names = [words[first:] for first in range(len(words))]
        for mark in self.marks:
            yield f"{self.head} {mark}"
            for initials in ("".join(word[0] for word in name) for name in names[:-1]):
                yield from (f"{initials}{mark}", f"{initials} {mark}")
        number = next((int(mark) for mark in self.marks if mark.isdigit()), 0)
        if 0 < number <= len(_ORDINALS):
            ordinal = _ORDINALS[number - 1]
            yield from (f"{ordinal} {' '.join(name)}" for name in names)
            yield f"{self.head} the {ordinal}"

    def _in_row(self, text: str) -> bool:
        before = r"(?:(?:[IVX]+|\d+|[A-Z]|and|or|to)\b[,/&–-]?\s*)*?"
        return bool(re.search(rf"\b(?i:{re.escape(self.head)})s?\s+{before}(?:{'|'.join(self.marks)})\b", text))


def numbered(question: str) -> list[Numbered]:
    """The names with a numeral in a question.

    >>> [(one.whole, one.marks) for one in numbered("When did World War II end, and what is in lecture 3?")]
    [('World War', ('II', '2'))]
    """
    found = []
    for match in _NUMBERED.finditer(question):
        kind = next(kind for kind in _NUMERAL if match[kind])
        mark, head = match[kind].upper(), match["head"]
        plain = kind == "roman" and len(mark) > 1
        opens = head == match["whole"] and bool(_OPENS.search(question[: match.start()]))
        named = plain or head.lower() in _KINDS or (head[0].isupper() and not opens)
        marks = _figures(mark, kind)
        if not named or not marks or head.lower() in _PLACES:
            continue
        sure = plain or kind != "roman"
        found.append(Numbered(whole=match["whole"], head=head, marks=marks, kind=kind, sure=sure))
    return found


def another(question: str, says: Says, found: Sequence[str]) -> bool:
    """Whether the question is about a name with a numeral that the material never says, and the texts that the search
    found are about it with another one."""
    return any(not one.known(says, found) and one.another(found) for one in numbered(question))


def _figures(mark: str, kind: str) -> tuple[str, ...]:
    """A numeral, and another way to write it; none for what is no Roman number, such as VX."""
    if kind == "letter":
        return (mark,)
    if kind == "number":
        return (mark, _roman(int(mark))) if 0 < int(mark) < 40 else (mark,)
    values = [_ROMAN[letter] for letter in mark]
    number = sum(-one if one < after else one for one, after in zip(values, [*values[1:], 0], strict=True))
    return (mark, str(number)) if _roman(number) == mark else ()


def _roman(number: int) -> str:
    text = ""
    for value, letters in _ROMANS.items():
        text += letters * (number // value)
        number %= value
    return text
