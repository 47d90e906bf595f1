"""Who asks for an example or for numbers is answered by a sentence that gives one, and not by the rule again."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBERS = r"(?:numbers|values|figures)"

_WISH = re.compile(
    r"\b(?:give|tell|got)\W+(?:me\W+|us\W+)?(?:an?|another|one|some)\W+(?:\w+\W+){0,2}?examples?\b"
    r"|(?<!in )(?<!from )\b(?:an|another|any)\s+(?:\w+\s+)?examples?\b(?!\s+(?:in|with|to)\b)"
    r"|\bexamples?\s+(?:please|pls|calculations?)\b|(?<!the )\bexamples?\s+of\b(?!\s+(?:this|these)\b)"
    r"|(?:\A|[.,:;?!+&]|\band|\bgive|\bfor)\s*examples?\W*(?:(?:please|pls)\W*)?\Z"
    rf"|\bwith\s+(?:(?:some|any|small|real|actual|concrete)\s+)*{_NUMBERS}\b"
    rf"|\b(?:numeric(?:al)?|number(?!\s+of)|worked)\s+(?:\w+\s+)?(?:examples?|calculations?)\b"
    r"|\b(?:real|actual|concrete)\s+(?:positions|figures)\b",
    re.IGNORECASE,
)
_IN_NUMBERS = re.compile(rf"\b(?:numbers?|numeric(?:al)?|calculations?|positions|{_NUMBERS})\b", re.IGNORECASE)
_EXAMPLE = re.compile(
    r"\b(?:for instance|(?:for|an|as|worked|classic) example|e\.\s?g\.|such as|suppose|consider|imagine)(?!\w)",
    re.IGNORECASE,
)
_TITLE = re.compile(r"\b(?:examples?|worked|by hand|in numbers|illustrat\w+)\b", re.IGNORECASE)
_NUMERAL = re.compile(r"(?<![_^{\w.,])\d+(?:[.,]\d+)*")


def wishes_example(question: str) -> bool:
    """Whether a question asks for an example ("can you show me one with numbers?", "example please")."""
    return _WISH.search(question) is not None


def exemplifies(question: str, sentence: str, headings: Iterable[str]) -> bool:
    """Whether a sentence may be the example that a question asks for: one with two numbers at least where it asks for
    numbers, else one that says so, stands below a heading that does, or has two numbers."""
    if len(_NUMERAL.findall(sentence)) >= 2:
        return True
    if _IN_NUMBERS.search(question):
        return False
    return _EXAMPLE.search(sentence) is not None or any(_TITLE.search(heading) for heading in headings)
