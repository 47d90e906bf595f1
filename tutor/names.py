"""What a question names and what it counts: two things that tell a near miss from a question that is covered.

A question about GPT-4 finds good passages on GPT-3. That the material never says its name speaks against an answer;
so does a question for a number where the likeliest sentences hold none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from index.defining import asked_terms
from tutor.numerals import numbered

TOKEN = re.compile(r"[^\W_]+(?:[-.'’][^\W_]+)*")
SUFFIX = re.compile(r"['’](?:s|m|d|ll|re|ve|t)$")
_OPENS = re.compile(r"""(?:^|[.?!:])\s*["'“‘(\[]*$|["“(\[]$""")
"""What stands before the first word of a sentence, a quotation or a bracket, which is in upper case anyway."""
_PARTS = re.compile(r"[^\W\d_]+|\d+")
_INITIALS, _WORDS = re.compile(r"[A-Z][a-z]*"), re.compile(r"[A-Z][a-z]+|[A-Z]+(?![a-z])")
_LIKE = re.compile(r"-(?:like|style|type|based|inspired|sized?|family)$", re.IGNORECASE)
_GENERAL = frozenset("AI ML NLP LLM LLMs GPU GPUs CPU CPUs RAM".split())
"""Names that a question may use without being on them."""
_SHORTEST = 3
_COUNTS = re.compile(
    r"\bhow (?:many|much|large|big|small|long|often|far|fast|high|low|deep|wide)\b"
    r"|\b(?:what|which) (?:number|size|percentage|share|fraction|value|rate|ratio|score)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|once|twice|half|third|quarter|dozens?"
    r"|hundreds?|thousands?|millions?|billions?|no|none|zero|double|single|both)\b",
    re.IGNORECASE,
)


def names(question: str) -> list[str]:
    """The names in a question: words in upper case that do not open a sentence, or with upper case or digits inside.

    >>> names("How many layers does GPT-4 have, and what did Vaswani's group say of k_1?")
    ['GPT-4', 'Vaswani']
    """
    if not any(letter.islower() for letter in question):
        return []
    found = []
    for match in TOKEN.finditer(question):
        word = SUFFIX.sub("", match[0])
        if len(word) < _SHORTEST or word[0].isdigit():
            continue
        inside = any(letter.isdigit() or letter.isupper() for letter in word[1:])
        if inside or (word[0].isupper() and not _OPENS.search(question[: match.start()])):
            found.append(word)
    return found


def unknown(question: str, says: Callable[[str], bool], found: Sequence[str]) -> list[str]:
    """The names in a question that the material does not say; `says` looks a phrase up in all of it.

    `found` are the texts that the search found: an acronym is known, too, where they spell it out. A word with its
    numeral is one name.
    """
    asked = asked_terms(question)
    meant = (name for name in names(question) if name not in _GENERAL or name.casefold().removesuffix("s") in asked)
    single = [
        name
        for name in (_LIKE.sub("", one) for one in meant)
        if not any(map(says, (name, *_written(name)))) and not _spelled_out(name, found)
    ]
    numerals = [one for one in numbered(question) if one.sure or one.another(found)]
    return single + [f"{one.whole} {one.marks[0]}" for one in numerals if not one.known(says, found)]


def _written(name: str) -> Iterator[str]:
    """How else a name may be written: its parts apart, and an acronym letter by letter, as speech recognition does."""
    yield " ".join(_PARTS.findall(name))
    if name.isalpha() and name.isupper():
        yield " ".join(name)


def _spelled_out(name: str, texts: Sequence[str]) -> bool:
    """Whether one of the texts has words in a row that begin as the parts of an acronym, as RNN, LLMs, RoPE or BiLSTM.

    >>> _spelled_out("RoPE", ["Rotary positional encoding turns"]), _spelled_out("BiLSTM", ["A bidirectional LSTM"])
    (True, True)
    """
    letters = name.removesuffix("s")
    ways = {tuple(one.findall(letters)) for one in (_INITIALS, _WORDS)}
    rows = (
        r"[\s-]+".join(rf"{part}\w{'+' if len(part) == 1 else '*'}" for part in way)
        for way in ways
        if "".join(way) == letters and (len(way) > 2 or (len(way) == 2 and (letters.isupper() or len(way[1]) > 2)))
    )
    return any(re.search(rf"\b{row}", text, re.IGNORECASE) for row in rows for text in texts)


def counts(question: str) -> bool:
    """Whether a question asks for a number.

    >>> counts("How many heads are there?"), counts("How does a head work?")
    (True, False)
    """
    return bool(_COUNTS.search(question))


def has_number(text: str) -> bool:
    """Whether a text says a number, in figures or in words."""
    return bool(_NUMBER.search(text))
