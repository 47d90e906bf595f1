"""Which sentence says what something is: "What is X?" is asked more than anything else, and words and vectors find any
passage that uses X as readily as the one that defines it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_OPENING = r"^\W*(?:(?:so|and|please|hello|hi|hey|ok|okay|well|now|can you|could you|tell me|explain)\b[\s,]*)*"
_ASKS = re.compile(
    _OPENING + r"(?:(?:what(?:['’]s| is| are| was| were)|what do (?:you|we) mean by|what is meant by|define|describe"
    r"|(?:the )?meaning of|(?:the )?definition of|about)\s+|(?P<does>what do(?:es)?)\s+)?"
    r"(?P<term>[^?!.,;:]{2,60}?)(?:\s+(?P<mean>mean|stand for))?(?:\s+(?:exactly|actually|briefly|in short"
    r"|in one sentence|in your own words|again|here))?\s*[?!.]*$",
    re.IGNORECASE,
)
_ASKS_HOW = re.compile(
    _OPENING + r"(?:how (?:do|does)\s+(?P<works>[^?!.,;:]{2,60}?)\s+(?:work|function|operate)"
    r"|how\s+(?P<explained>[^?!.,;:]{2,60}?)\s+(?:works?|functions?|operates?)"
    r"|(?:what(?:['’]s| is| was)\s+)?the (?:\w+ )?(?:idea|intuition|concept|principle)s? (?:of|behind)"
    r"\s+(?P<idea>[^?!.,;:]{2,60}?))\s*[?!.]*$",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"^[\s>#*+•▶►■◦–-]*+(?:\d{1,3}[.)]\s++)?(?P<subject>[^.;:!?=\n]{2,100}?)[*_`]*+\s*"
    r"(?:\s(?:(?:is|was)\s+(?:(?:simply|just|basically|essentially)\s+)?(?:an?|the|any|one|each|another|called|defined"
    r"|how|what|when|where|whatever)\b|are\s+(?!(?:not|also|only|then|thus|often|usually|always|why|because|more|less"
    r"|(?!called|defined)\w+(?:ed|ful|ant|ent|ive|able|from|by))\b)|means?\s|denotes?\s|refers? to\s|stands? for\s)"
    r"|[:=][*_`]*\s|\s[–—-]\s)"
)
_ARTICLE = re.compile(r"^(?:an?|the|some|any)\s+", re.IGNORECASE)
_ALIAS = re.compile(r"^(?:abbreviated|called|also called|known as|also known as|named|or|short|in short)\s+")
_MARKS = re.compile(r"[*_`\"“”'’]")
_MOST_WORDS = 6
_HEADING = re.compile(r"^#{1,6}\s+")
_LONGEST_HEADING = 120
"""Characters of a heading that may be a term."""
_COUNTED = re.compile(r"\s*(?:\(\s*(?:\d+(?:\s*/\s*\d+)?|cont\w*\.?)\s*\)|\b[IVX]+|\d+)\s*$|^\s*\d+(?:\.\d+)*[.)]?\s+")
_MUTE = re.compile(r"#|!?\[!?\[?[^\]]*\]\(|```|~~~|\W*(?:credits?|image|source|figure)\b", re.IGNORECASE)
_LEAST_SAID = 3
"""Words that a line below a heading has at least that says what the heading names."""
_LIKENS = re.compile(
    r"^\W*(?:(?:much|just|exactly|is|it is|this is)\s+)*(?:(?:the )?same as|similar(?:ly)? to|like|unlike|instead of"
    r"|in contrast to|as opposed to|compared (?:to|with)"
    r"|(?:an? )?(?:variant|version|extension|generali[sz]ation|modification) of)\s+(?P<other>(?:[\w-]+\s*){1,5})",
    re.IGNORECASE,
)

BELOW = 0.5
"""How far a sentence says what a term is that stands first below the heading that is the term."""
_NO_TERM = frozenset(
    "how why when where who whom whose which what is are do does did can could should would if".split()
)


def asked_terms(query: str) -> frozenset[str]:
    """The names of what a question asks to define, none if it asks for something else.

    >>> sorted(asked_terms("So what is the Forget Gate?")), sorted(asked_terms("Why is a gate shut?"))
    (['forget gate'], [])
    >>> sorted(asked_terms("What is the mean?")), sorted(asked_terms("What does the mean mean?"))
    (['mean'], ['mean'])
    """
    return _names(_asked(query))


def explained_terms(query: str) -> frozenset[str]:
    """The names of what a question asks to define or, as a whole, to explain: what defines it is a good place to begin.

    >>> sorted(explained_terms("How does an LSTM work?")), sorted(explained_terms("How is an LSTM trained?"))
    (['lstm'], [])
    """
    return _names(explained(query))


def explained(query: str) -> str:
    """What a question asks to define or, as a whole, to explain, in its own words; "" where it asks something else.

    >>> explained("So what is the forget gate?"), explained("How does an LSTM work?"), explained("Why is a gate shut?")
    ('the forget gate', 'an LSTM', '')
    """
    match = _ASKS_HOW.match(query)
    return _term(next(filter(None, match.groups()))) if match else _asked(query)


def _asked(query: str) -> str:
    match = _ASKS.match(query)
    if match is None or (match["does"] and not match["mean"]):
        return ""
    # "What is the mean?" asks for the mean, "What does it mean?" does not.
    end = match.end("mean") if match["mean"] and not match["does"] else match.end("term")
    return _term(query[match.start("term") : end])


def _term(text: str) -> str:
    """The text where it may be a term, else ""."""
    words = text.casefold().split()
    return "" if words[0] in _NO_TERM or len(words) > _MOST_WORDS else text


def defines(terms: frozenset[str], sentence: str) -> bool:
    """Whether a sentence says what one of the `terms` is, under this name or as an abbreviation of its subject.

    >>> lstm = asked_terms("What is an LSTM?")
    >>> defines(lstm, "Long short-term memory (LSTM) is a recurrent network."), defines(lstm, "The LSTM is used.")
    (True, False)
    """
    match = _SUBJECT.match(sentence) if terms else None
    return match is not None and bool(terms & _names(match["subject"]))


def defining(terms: frozenset[str], sentences: Sequence[str], headings: Sequence[str]) -> list[float]:
    """How far each sentence of a passage that stands below `headings` says what one of the `terms` is: 1 for one that
    `defines` it, `BELOW` for the first below a heading that is the term, -1 for one that likens something else to it,
    0 for all others.

    >>> defining(asked_terms("What is AdaGrad?"), ["## AdaGrad", "Scale each step by past gradients.", "Simple."], [])
    [0.0, 0.5, 0.0]
    """
    found, opened = [], False
    for sentence in sentences:
        heading = bool(terms) and (_HEADING.match(sentence) or sentence in headings)
        below = opened and not heading and not _MUTE.match(sentence) and len(sentence.split()) >= _LEAST_SAID
        likened = -1.0 if _likens(terms, sentence) else 0.0
        found.append(1.0 if defines(terms, sentence) else BELOW if below else likened)
        if heading:
            opened = len(sentence) <= _LONGEST_HEADING and bool(
                terms & _names(_COUNTED.sub("", _HEADING.sub("", sentence)))
            )
        elif below:
            opened = False
    return found


def surest(says: dict[int, list[float]]) -> dict[int, list[float]]:
    """The same for each passage; below a heading counts only where none of the passages defines the term outright."""
    if not any(1.0 in one for one in says.values()):
        return says
    return {place: [0.0 if much == BELOW else much for much in one] for place, one in says.items()}


def _likens(terms: frozenset[str], sentence: str) -> bool:
    """Whether a sentence says of something else what it has in common with one of the `terms`, or not."""
    match = _LIKENS.match(sentence) if terms else None
    words = match["other"].split() if match else []
    return any(terms & _names(" ".join(words[:count])) for count in range(1, len(words) + 1))


def _names(text: str) -> frozenset[str]:
    """A term and what stands for it in brackets or between commas."""
    return frozenset(filter(None, (_folded(_ALIAS.sub("", one)) for one in re.split(r"\s*[(),]\s*", text))))


def _folded(text: str) -> str:
    """A term as it is compared: no article, case, mark or plural, one spelling of -ise."""
    words = _ARTICLE.sub("", _MARKS.sub("", text).strip()).casefold().replace("-", " ").split()
    words = [re.sub(r"iz(?=e|ing|ation|er)", "is", word) for word in words]
    return " ".join(word[:-1] if re.search(r"[^s]s$", word) and len(word) > 3 else word for word in words)
