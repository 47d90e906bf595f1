"""The questions that headings and definitions turn into.

A heading or a sentence that defines its subject becomes a question by a fixed pattern: "Why order is lost" gives "Why
is order lost?", "The forget gate" gives "What is the forget gate?", "A gate is a vector that ..." gives "What is a
gate?". What fits no pattern is left alone: a heading that says something ("Deep networks need data"), one that only
orders the text ("Exercises", "Core idea"), a term that many things could be called ("a common remedy").
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpus.document import Passage
from corpus.sentences import sentence_spans
from lm.reading import content_stems
from tutor.cloze import VERBS
from tutor.definitions import defined, vague

_LONGEST_TERM = 3
_AUXILIARY = r"is|are|was|were|can|could|must|may|might|should|has to be|have to be"
_CLAUSE = re.compile(
    rf"^(?P<word>Why|Where|When|How) (?P<subject>(?:an? |the |both )?[\w$-]+(?: [\w-]+){{0,2}}?) "
    rf"(?P<verb>{_AUXILIARY}) (?P<rest>[a-z].*)$"
)
_WHAT_IS = re.compile(r"^What (?P<subject>(?:an? |the )?[\w'-]+(?: [\w'-]+){0,3}) (?P<verb>is|are)(?P<rest>| [a-z].*)$")
_DOES = re.compile(r"^(?P<word>What|How) (?P<subject>(?:an? |the )[\w'-]+(?: [\w'-]+){0,3}) (?P<verb>does|works)$")
_OPEN = re.compile(rf"^What (?:{_AUXILIARY}|has|have|do|does) [a-z].*$")

_PLACE = re.compile(
    r"^\d+(?:\.\d+)*[.)]? +|"
    r"(?:,? +(?:I{1,3}|IV|VI{0,3})| *\((?:\d+(?:/\d+)?|[Cc]ont\w*\.?|I{1,3})\)|,? [Cc]ontinued)$"
)
"""What says which of several slides or sections of one name this is."""

_LEAD = re.compile(r"^[^:?]{1,40}: +(?=[A-Z])")
_ASKS = re.compile(
    rf"^(?:(?:Why|When|Where|How) (?:{_AUXILIARY}|do|does|did|will|would|many|much|long|often|large|far|deep|fast)\b|"
    rf"(?:What|Which|Who)\b.* (?:{_AUXILIARY}|do|does|did|will|would|has|have|{VERBS.replace(' ', '|')})\b|"
    rf"(?:Is|Are|Was|Were|Do|Does|Did|Can|Could|Should|Must|Will) )",
    re.IGNORECASE,
)
_POINTS = re.compile(r"\b(?:it|its|this|that|these|those|they|them|their|here|above|below|following)\b", re.IGNORECASE)

_WORD = r"[\w'.]+(?:[-–][\w'.]+)*"
_TOPIC = re.compile(rf"^(?P<article>The |An? )?(?P<term>(?=[^\W\d_]){_WORD}(?: {_WORD}){{0,5}})$")
_NO_TOPIC = re.compile(
    r"\b(?:examples?|exercises?|summary|recap|overview|outline|introduction|conclusions?|questions?|answers?|glossary|"
    r"sources?|references|bibliography|misconceptions?|history|notes?|agenda|contents|quiz|homework|appendix|part|"
    r"chapter|section|lecture|slides?|page|in (?:code|depth|detail|practice|numbers|general)|by (?:hand|step|layer)|"
    r"and|or|vs|versus|compared|with|for|from|to|on|at|under|between|over|against|not|is|are|was|does|do|can|we|you|"
    r"it|this|that|what|why|how|when|where|which|who|more|some|other|many|several|one|two|three|four|first|second|"
    r"third|fourth|last|next|as|by|per|via|using|because|matters|needs?|name|across|without|into|through|"
    r"applications?|properties|limitations|results?|methods?|details|remarks|variants|types|kinds|number|below|"
    r"above|require|introduce|define|compute|derive|discuss|explain|consider|allow|become|contain|describe|enable|"
    r"include|improve|provide|reduce|represent|solve|avoid|make|use|have|has)\b|"
    r"^\w+ing (?:the|an?)\b|(?:^| )only(?: |$)|(?:^| )\d+(?: |$)",
    re.IGNORECASE,
)
_VERB_WITHIN = re.compile(rf" (?:{VERBS.replace(' ', '|')}) ")
_SAYS_LITTLE = frozenset(
    "abstract approach architecture background basics benefit bug case cause challenge code comparison concept "
    "consequence cost data definition derivation diagram discussion drawback effect equation estimate experiment "
    "fact feature figure fix formula function goal idea illustration implementation input intuition issue item "
    "label lesson list mechanism mistake model motivation notation objective observation option output pattern "
    "picture plan position price principle problem procedure process proof property purpose reason recipe remedy "
    "remedies reply role rule scheme score setting setup sign size solution stage step strategy structure system "
    "target task technique term theory tip topic trick unit usage value variable version view way basic big central "
    "common core current final frequent full general good important key large main major naive new old original "
    "popular possible raw real same simple simplest small special standard typical useful usual whole".split()
)
"""Words that need another one beside them to name anything."""

_COUNTED = frozenset(
    "algorithm architecture cell decoder diagram distribution encoder equation function gate gradient graph index "
    "layer mask matrix mechanism model network neuron node objective problem rule score state step structure "
    "theorem unit update vector window".split()
)
"""Nouns that have an article where they stand for one thing, which headings leave out."""

_COMMON = re.compile(r"-|(?:ing|tion|sion|ness|ity|ment|ance|ence|age)$")
"""What names are not spelled like."""

_SINGULAR = re.compile(r"(?:ss|us|is|ics|'s|as|series)$")


def questions_of(passage: Passage) -> Iterator[str]:
    """The questions that a passage's innermost heading and its definitions turn into."""
    if passage.locator.headings:
        question = of_heading(passage.locator.headings[-1], passage.text)
        if question:
            yield question
    for start, end in sentence_spans(passage.text):
        if found := defined(passage.text[start:end]):
            kind, article, term = found
            if len(term.split()) <= _LONGEST_TERM and _says_enough(term):
                said = passage.text[start:end][len(article) :][: len(term)]
                if not article and _is_name(said, passage.text):
                    continue
                yield _what(kind == "are", article, said, passage.text)


def of_heading(heading: str, text: str) -> str:
    """The question that a heading turns into, spelled as the `text` below it spells its words; "" for none.

    >>> of_heading("Why order is lost", "A bag of words has no order.")
    'Why is order lost?'
    >>> of_heading("Residual connections", "A network with residual connections trains faster.")
    'What are residual connections?'
    >>> of_heading("Input Gate II", "The input gate of the cell is a vector.")
    'What is the input gate?'
    """
    heading = _PLACE.sub("", " ".join(heading.split()).rstrip(".:"))
    if heading.endswith("?"):
        heading = _LEAD.sub("", heading)
        return (
            heading if _ASKS.match(heading) and not _POINTS.search(heading) and len(content_stems(heading)) > 1 else ""
        )
    if match := _DOES.match(heading):
        verb = "do" if match["verb"] == "does" else "work"
        return f"{match['word']} does {match['subject']} {verb}?"
    if _OPEN.match(heading) and len(content_stems(heading)) > 1:
        return f"{heading}?"
    if match := _WHAT_IS.match(heading):
        return f"What {match['verb']} {match['subject']}{match['rest']}?"
    if match := _CLAUSE.match(heading):
        verb, _, more = match["verb"].partition(" ")
        return f"{match['word']} {verb} {match['subject']} {more + ' ' if more else ''}{match['rest']}?"
    return _of_topic(heading, text)


def _of_topic(heading: str, text: str) -> str:
    """What asks for the topic that a heading names, if the text speaks of it."""
    match = _TOPIC.match(heading)
    if match is None or vague(match["term"]) or not _says_enough(heading) or _VERB_WITHIN.search(match["term"]):
        return ""
    if not match["article"] and re.search(r" (?:of|in) ", heading):
        return ""
    said = set(content_stems(text))
    words = match["term"].split(" ")
    if not all(stem in said for stem in content_stems(match["term"])) or (len(words) > 1 and words[0].endswith("ing")):
        return ""
    head = re.split(r" (?:of|in) ", match["term"])[0].split(" ")[-1]
    plural = head.endswith("s") and not _SINGULAR.search(head) and not head.isupper()
    if not match["article"] and _is_name(match["term"], text):
        return ""
    return _what(plural, (match["article"] or "").lower(), match["term"], text)


def _says_enough(term: str) -> bool:
    """Whether a term names one thing by itself."""
    words = [word.casefold() for word in re.findall(_WORD, term)]
    named = [word for word in words if word not in _SAYS_LITTLE and word.removesuffix("s") not in _SAYS_LITTLE]
    return not _NO_TOPIC.search(term) and bool(content_stems(" ".join(named)))


def _what(plural: bool, article: str, term: str, text: str) -> str:
    """The question what a term is, as the text spells it."""
    term = _spelled(term, text)
    if not article and not plural and term.split(" ")[-1].casefold() in _COUNTED:
        article = "the "
    return f"What {'are' if plural else 'is'} {article}{term}?"


def _is_name(term: str, text: str) -> bool:
    """Whether a term is a name of several words, which may be a person's: the text writes none of them small."""
    words = term.split(" ")
    return len(words) > 1 and all(word[0].isupper() and not _small(word, text) for word in words)


def _small(word: str, text: str) -> bool:
    """Whether the text writes a word in small letters somewhere."""
    return re.search(rf"\b{re.escape(word.lower())}\b", text) is not None


def _spelled(term: str, text: str) -> str:
    """The term with small first letters, but for words that the text writes with a capital. A word alone may be a name
    unless the text writes it small or its form says otherwise."""
    words = term.split(" ")
    alone = len(words) == 1 and term.casefold() not in _COUNTED and not _COMMON.search(term)
    if (alone and not _small(term, text)) or _stands_so(term, text):
        return term
    return " ".join(word if _keeps_capital(word, text) else word.lower() for word in words)


def _keeps_capital(word: str, text: str) -> bool:
    """Whether a word has other capitals or digits behind its first letter and is never written without, is somebody's
    ("Zipf's"), or stands so in the text."""
    if word[1:] != word[1:].lower() or re.search(r"['\d]", word):
        return not ("-" in word and _small(word, text))
    return _stands_so(word, text)


def _stands_so(term: str, text: str) -> bool:
    """Whether the text has a term with its capitals after small words, at least as often as in small letters."""
    inside = re.findall(rf"\b[a-z][\w-]*,? {re.escape(term)}\b", text)
    return len(inside) >= max(1, len(re.findall(rf"\b{re.escape(term.lower())}\b", text)))
