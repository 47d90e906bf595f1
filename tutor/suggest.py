"""What to ask next: questions that passages near an answer answer and that the answer itself did not.

A heading or a sentence that defines its subject becomes a question by a fixed pattern: "Why order is lost" gives "Why
is order lost?", "The forget gate" gives "What is the forget gate?", "A gate is a vector that ..." gives "What is a
gate?". What fits no pattern is left alone, and so is a question that the search does not lead back to its document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from corpus.document import Passage
from corpus.sentences import sentence_spans
from index.hits import Hit
from lm.reading import content_stems
from tutor.answer import Answer
from tutor.definitions import defined, vague

NEAR = 12
"""Passages that are looked at around the first one that an answer cites."""

FOUND = 0.35
"""Least cosine of a suggested question and the first passage that a search finds for it. 2026-11-21, after 40 questions
of the course: 96 suggestions, none of them refused when asked, found in 0.11 s an answer."""

_TRIED = 12
"""Most questions that are tried on the search: each takes about 20 ms."""

_LONGEST_TERM = 3
_AUXILIARY = r"is|are|was|were|can|could|must|may|might|should|has to be|have to be"
_CLAUSE = re.compile(
    rf"^(?P<word>Why|Where|When|How) (?P<subject>(?:an? |the |both )?[\w$-]+(?: [\w-]+){{0,2}}?) "
    rf"(?P<verb>{_AUXILIARY}) (?P<rest>[a-z].*)$"
)
_WHAT_IS = re.compile(r"^What (?P<subject>(?:an? |the )?[\w'-]+(?: [\w'-]+){0,3}) (?P<verb>is|are)(?P<rest>| [a-z].*)$")
_DOES = re.compile(r"^(?P<word>What|How) (?P<subject>(?:an? |the )[\w'-]+(?: [\w'-]+){0,3}) (?P<verb>does|works)$")
_OPEN = re.compile(rf"^What (?:{_AUXILIARY}|has|have|do|does) [a-z].*$")
_TOPIC = re.compile(r"^(?P<article>The |An? )?(?P<term>[^\W\d_][\w'.-]*(?: [\w'.-]+){0,5})$")
_NO_TOPIC = re.compile(
    r"\b(?:examples?|exercises?|summary|recap|overview|outline|introduction|conclusions?|questions?|answers?|glossary|"
    r"sources?|references|bibliography|misconceptions?|history|notes?|agenda|contents|quiz|homework|appendix|part|"
    r"chapter|section|lecture|slides?|page|in (?:code|depth|detail|practice|numbers|general)|by (?:hand|step|layer)|"
    r"and|or|vs|versus|compared|with|for|from|to|on|at|under|between|over|against|not|is|are|was|does|do|can|we|you|"
    r"it|this|that|what|why|how|when|where|which|who|more|some|other|many|several|one|two|three|four|first|second|"
    r"as|by|per|because|matters|needs|name|across|without|into|through|applications?|properties|limitations|results?|methods?|details|remarks)\b",
    re.IGNORECASE,
)
_SINGULAR = re.compile(r"(?:ss|us|is|ics|'s|as|series)$")


class Searchable(Protocol):
    """What is needed of a store; see `index.store.Store`."""

    def search(
        self,
        query: str,
        *,
        k: int = ...,
        course: str | None = ...,
        documents: Sequence[str] | None = ...,
        read: bool = ...,
    ) -> tuple[Hit, ...]: ...


class Library(Searchable, Protocol):
    """What is needed of a store to look through it."""

    def passages(self) -> tuple[Passage, ...]: ...


def suggestions(
    answer: Answer,
    store: Searchable,
    *,
    asked: Sequence[str] = (),
    course: str | None = None,
    documents: Sequence[str] | None = None,
    most: int = 3,
) -> tuple[str, ...]:
    """At most `most` questions to go on with, none of which was `asked`; none after a refusal."""
    if not answer.citations:
        return ()

    def search(query: str, k: int) -> tuple[Hit, ...]:
        return store.search(query, k=k, course=course, documents=documents, read=False)

    cited = {one.passage.passage_id for one in answer.citations}
    seen = [frozenset(content_stems(one)) for one in (answer.question, *asked)]
    near = [one.passage for one in answer.passages]
    near += [hit.passage for hit in search(answer.citations[0].passage.context, NEAR)]
    found: list[str] = []
    tried = 0
    for passage in {one.passage_id: one for one in near if one.passage_id not in cited}.values():
        for question in questions_of(passage):
            stems = frozenset(content_stems(question))
            if len(found) == most or tried == _TRIED or any(stems <= one or one <= stems for one in seen):
                continue
            tried += 1
            hits = search(question, 1)
            if hits and hits[0].dense >= FOUND and _document(hits[0].passage) == _document(passage):
                found.append(question)
                seen.append(stems)
                break
    return tuple(found)


def starters(store: Library, examples: Sequence[str], most: int = 5) -> tuple[str, ...]:
    """Questions to begin with: those of the `examples` that the store is near to, then some of its own documents."""

    def near(question: str) -> bool:
        hits = store.search(question, k=1, read=False)
        return bool(hits) and hits[0].dense >= FOUND

    found = [question for question in examples if near(question)][:most]
    begun: set[tuple[str, str]] = set()
    tried = 0
    for passage in store.passages() if len(found) < most else ():
        document = _document(passage)
        for question in questions_of(passage) if document not in begun else ():
            if len(found) == most or tried == _TRIED:
                return tuple(found)
            tried += 1
            if question not in found and near(question):
                found.append(question)
                begun.add(document)
                break
    return tuple(found)


def questions_of(passage: Passage) -> Iterator[str]:
    """The questions that a passage's innermost heading and its definitions turn into."""
    if passage.locator.headings:
        question = of_heading(passage.locator.headings[-1], passage.text)
        if question:
            yield question
    for start, end in sentence_spans(passage.text):
        if found := defined(passage.text[start:end]):
            kind, article, term = found
            if len(term.split()) <= _LONGEST_TERM and not _NO_TOPIC.search(term):
                said = passage.text[start:end][len(article) :][: len(term)]
                if not article and _is_name(said, passage.text):
                    continue
                term = _spelled(said, passage.text)
                yield f"What {'are' if kind == 'are' else 'is'} {article}{term}?"


def of_heading(heading: str, text: str) -> str:
    """The question that a heading turns into, spelled as the `text` below it spells its words; "" for none.

    >>> of_heading("Why order is lost", "A bag of words has no order.")
    'Why is order lost?'
    >>> of_heading("Residual connections", "A network with residual connections trains faster.")
    'What are residual connections?'
    """
    heading = " ".join(heading.split()).rstrip(".:")
    if heading.endswith("?"):
        return heading if len(content_stems(heading)) > 1 else ""
    if match := _DOES.match(heading):
        verb = "do" if match["verb"] == "does" else "work"
        return f"{match['word']} does {match['subject']} {verb}?"
    if _OPEN.match(heading):
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
    if match is None or _NO_TOPIC.search(heading) or vague(match["term"]):
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
    term = _spelled(match["term"], text)
    article = (match["article"] or "").lower()
    return f"What {'are' if plural else 'is'} {article}{term}?"


def _is_name(term: str, text: str) -> bool:
    """Whether a term is a name of several words, which may be a person's: the text writes none of them small."""
    words = term.split(" ")
    return len(words) > 1 and all(word[0].isupper() and not _small(word, text) for word in words)


def _small(word: str, text: str) -> bool:
    """Whether the text writes a word in small letters somewhere."""
    return re.search(rf"\b{re.escape(word.lower())}\b", text) is not None


def _spelled(term: str, text: str) -> str:
    """The term with small first letters, but for words that the text writes with a capital: the first one inside a
    sentence, the others everywhere."""
    first, *more = term.split(" ")
    inside = re.search(rf"(?<=[a-z,] ){re.escape(first)}\b", text)
    if not (inside or first[1:] != first[1:].lower() or "'" in first):
        first = first[0].lower() + first[1:]
    return " ".join([first, *(word.lower() if word.istitle() and _small(word, text) else word for word in more)])


def _document(passage: Passage) -> tuple[str, str]:
    return passage.course, passage.locator.source
