"""Which sentence says what something is: "What is X?" is asked more than anything else, and words and vectors find any
passage that uses X as readily as the one that defines it.
"""

from __future__ import annotations

import re

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
    r"^[\s>#*+•▶►■◦–-]*(?:\d{1,3}[.)]\s+)?(?P<subject>[^.;:!?=\n]{2,100}?)[*_`]*\s*"
    r"(?:\s(?:(?:is|was)\s+(?:(?:simply|just|basically|essentially)\s+)?(?:an?|the|any|one|each|another|called|defined"
    r"|how|what|when|where|whatever)\b|are\s+(?!(?:not|also|only|then|thus|often|usually|always|why|because|more|less"
    r"|(?!called|defined)\w+(?:ed|ful|ant|ent|ive|able|from|by))\b)|means?\s|denotes?\s|refers? to\s|stands? for\s)"
    r"|[:=][*_`]*\s|\s[–—-]\s)"
)
_ARTICLE = re.compile(r"^(?:an?|the|some|any)\s+", re.IGNORECASE)
_ALIAS = re.compile(r"^(?:abbreviated|called|also called|known as|also known as|named|or|short|in short)\s+")
_MARKS = re.compile(r"[*_`\"“”'’]")
_MOST_WORDS = 6
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
    match = _ASKS.match(query)
    if match is None or (match["does"] and not match["mean"]):
        return frozenset()
    # "What is the mean?" asks for the mean, "What does it mean?" does not.
    end = match.end("mean") if match["mean"] and not match["does"] else match.end("term")
    return _checked(query[match.start("term") : end])


def explained_terms(query: str) -> frozenset[str]:
    """The names of what a question asks to define or, as a whole, to explain: what defines it is a good place to begin.

    >>> sorted(explained_terms("How does an LSTM work?")), sorted(explained_terms("How is an LSTM trained?"))
    (['lstm'], [])
    """
    match = _ASKS_HOW.match(query)
    return _checked(next(filter(None, match.groups()))) if match else asked_terms(query)


def _checked(term: str) -> frozenset[str]:
    words = term.casefold().split()
    return frozenset() if words[0] in _NO_TERM or len(words) > _MOST_WORDS else _names(term)


def defines(terms: frozenset[str], sentence: str) -> bool:
    """Whether a sentence says what one of the `terms` is, under this name or as an abbreviation of its subject.

    >>> lstm = asked_terms("What is an LSTM?")
    >>> defines(lstm, "Long short-term memory (LSTM) is a recurrent network."), defines(lstm, "The LSTM is used.")
    (True, False)
    """
    match = _SUBJECT.match(sentence) if terms else None
    return match is not None and bool(terms & _names(match["subject"]))


def _names(text: str) -> frozenset[str]:
    """A term and what stands for it in brackets or between commas."""
    return frozenset(filter(None, (_folded(_ALIAS.sub("", one)) for one in re.split(r"\s*[(),]\s*", text))))


def _folded(text: str) -> str:
    """A term as it is compared: no article, case, mark or plural, one spelling of -ise."""
    words = _ARTICLE.sub("", _MARKS.sub("", text).strip()).casefold().replace("-", " ").split()
    words = [re.sub(r"iz(?=e|ing|ation|er)", "is", word) for word in words]
    return " ".join(word[:-1] if re.search(r"[^s]s$", word) and len(word) > 3 else word for word in words)
