"""Whether a full stop after an abbreviation or a single capital letter ends the sentence as well."""

from __future__ import annotations

import re

_BEFORE, _AFTER = 40, 24
"""Characters around a full stop that are looked at."""

_NEVER = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|vs|approx|resp|ca|Dr|Mr|Mrs|Ms|Prof|Figs?|Eqs?|Sec|Sect|Ch|Vol|Mt|Gen|Col|Maj|Capt|Cmdr|Lt"
    r"|Sgt|Gov|Sen|Rev|Hon|Pres|bzw|vgl|sog|Abb|Nr|z\.\s?B|d\.\s?h)|\((?:b|c|d|r))\.$"
)
"""What always stands before the word that it belongs to."""
_COUNTED = re.compile(r"\b(?:pp?|[bcd]|No|Nos|Art)\.$")
_FIGURE = re.compile(r"\s+(?:\d|(?:AD|BC|[IVXLC]+)\b)")
_ORDINAL = re.compile(r"\b\d{1,2}\.$")
_MONTH = re.compile(
    r"\s+(?:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember|Jahrhundert)\b"
)
_SHORT = re.compile(
    r"(?:\b(?:etc|et|al|St|Jr|Sr|Inc|Ltd|Co|Corp|Bros|Univ|Dept|eds?|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
    r"|usw|u\.\s?a|[vn]|Chr)|[A-Z]\.[A-Z])\.$"
)
"""What stands in the middle of a sentence or at its end."""
_VERSUS = re.compile(r"[A-Z][\w.'’]*\s+v\.$")
_ERA = re.compile(r"\s+Chr\.")
_CAPITAL = re.compile(r"(?<![\w.])([A-Z])\.$")
_UNIT = re.compile(r"°\s?[A-Z]\.$")
_NEXT = re.compile(r"""\s+["'“‘(\[*_]*([A-Z][a-z]*)\b(?!\s+et\b)""")
_RUNNING = re.compile(r"(?:[a-z0-9%)\]][ \t\n]+|\b[A-Z][a-z]+[ \t\n]+(?=[IVX]\.))[A-Z]\.$")
_NAMES = re.compile(r"\b(?:and|by|of|with|see|to|from|und|von)\s+[A-Z]\.$")

_OPENERS = frozenset(
    """
    After Also Although And Another Because Before Both But Das Der Die Diese Dieser Dieses During Each Every Finally
    For From Furthermore Hence Her Here His How However If It Its Later Many Meanwhile Moreover Most Not Or Our Since
    Some Such That The Their Then There Therefore These They This Those Thus Today Under Unlike Until What When Where
    Which While Why With Without Your
    """.split()
)
"""Words that open a sentence wherever they have a capital."""
_SURNAMES = frozenset("A All Am An As At By Do Ein Eine Er Es He Im In No On One She Sie So To We You".split())
"""Words that open a sentence and are surnames or parts of a name, too."""


def ends_sentence(text: str, begin: int, stop: int) -> bool:
    """Whether the full stop text[stop - 1] ends the sentence that starts at `begin`; a capital or digit follows it.

    >>> [ends_sentence(f"{a} {b}", 0, len(a)) for a, b in (("at 78 °C.", "Its"), ("by J.", "Smith"), ("e.g.", "The"))]
    [True, False, False]
    """
    before, after = text[max(begin, stop - _BEFORE) : stop], text[stop : stop + _AFTER]
    if _NEVER.search(before):
        return False
    if _COUNTED.search(before) and _FIGURE.match(after):
        return False
    if _ORDINAL.search(before) and _MONTH.match(after):
        return False
    if before.endswith("z.") and re.match(r"\s?B\.", after):
        return False
    following = _NEXT.match(after)
    word = following[1] if following else ""
    if _SHORT.search(before):
        if re.search(r"\b[vn]\.$", before) and not _VERSUS.search(before):
            return not _ERA.match(after)
        return word in _OPENERS or word in _SURNAMES
    capital = _CAPITAL.search(before)
    if not capital or _UNIT.search(before):
        return True
    opened = before[: capital.start()].rstrip(" \t\n*_([\"'“‘")
    if not opened or opened.endswith(","):
        return False
    return word in _OPENERS or (word in _SURNAMES and bool(_RUNNING.search(before)) and not _NAMES.search(before))
