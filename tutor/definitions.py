"""Questions made from plain text without anybody's help: a sentence that defines its subject answers "what is it?".

A sentence such as "A gate is a vector that ..." gives the question "What is a gate?" in one of several wordings, the
paragraph or section around it gives the context. The pattern is narrow on purpose: a wrong question teaches more harm
than a missing one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from corpus.sentences import sentence_spans
from lm.reading import content_stems

_DEFINES = re.compile(
    r"^(?:(?P<article>An?|The) )?(?P<term>(?:[A-Za-z][\w+-]*[ ]){0,3}[A-Za-z][\w+-]*)(?:[ ]\([A-Z][\w-]{1,7}\))?[ ]"
    r"(?P<verb>is|are|refers to|means|computes|measures|describes|consists of)[ ]"
    r"(?P<rest>an?|the|one|how|when|used|defined|called|to|simply)\b[^\n]{20,400}[.]$"
)
_VAGUE = re.compile(
    r"^(?:this|that|these|those|it|they|there|here|we|you|he|she|i|what|which|who|another|one|first|second|next|last|"
    r"following|goal|idea|result|problem|reason|example|answer|point|question|difference|main|only|other|same|key|"
    r"purpose|code|figure|table|each|all|some|both|such|if|when|since|however|then|now|so|note|in|on|at|by|for|with|"
    r"from|as|of|to|often|unless|notice|also|again|after|before|once|while|because|let|see|use|using|sometimes|usually|"
    r"generally|typically|basically|similarly|finally|instead|therefore|thus|hence|recall|latter|former|our|your|their|"
    r"its|his|her|below|and|where|apparently|way)\b|\b(?:this|that|the|it|which|who|he|she|they|we|you|there)$",
    re.IGNORECASE,
)
_ASKED = {
    "is": (
        "What is {x}?",
        "what is {x}",
        "define {x}",
        "Explain {x}.",
        "{bare}",
        "What does {x} mean?",
        "{bare} meaning",
    ),
    "are": ("What are {x}?", "what are {x}", "Explain {x}.", "{bare}", "define {bare}"),
    "does": ("What does {x} do?", "what is {x}", "How would you describe {x}?", "{bare}"),
}
_SHORTEST, _LONGEST = 200, 1400


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question made from a text: the paragraphs it is on, the sentence that answers, the term if that is enough."""

    question: str
    context: str
    sentence: tuple[int, int]
    term: tuple[int, int] | None = None


def definitions(text: str, random: np.random.Generator, *, most: int = 2) -> Iterator[Question]:
    """Questions that sentences of a document of light Markdown answer by a definition."""
    found = [one for section in sections(text) for one in _of_section(section, random)]
    for number in sorted(random.permutation(len(found))[:most]):
        yield found[int(number)]


def sections(text: str) -> Iterator[str]:
    """What stands between the headings of a document, each cut to its first paragraphs; short ones left out."""
    for section in re.split(r"^#{1,6} .*$", text, flags=re.MULTILINE):
        context = _cut(section.strip())
        if len(context) >= _SHORTEST:
            yield context


def vague(term: str) -> bool:
    """Whether a term says nothing without what was said before it."""
    return bool(_VAGUE.match(term)) or not content_stems(term)


def _of_section(context: str, random: np.random.Generator) -> Iterator[Question]:
    for start, end in sentence_spans(context):
        if found := defined(context[start:end]):
            kind, article, term = found
            wordings: Sequence[str] = _ASKED[kind]
            wording = wordings[int(random.integers(len(wordings)))]
            asked = wording.format(x=article + term, bare=term)
            yield Question(question=asked, context=context, sentence=(start, end))
            return


def defined(sentence: str) -> tuple[str, str, str] | None:
    """What a sentence defines: the kind of its verb ("is", "are" or "does"), article and term; None if it does not.

    >>> defined("A gate is a vector that lets another vector pass or blocks it.")
    ('is', 'a ', 'gate')
    """
    match = _DEFINES.match(sentence)
    if match is None or vague(match["term"]):
        return None
    kind = {"is": "is", "are": "are"}.get(match["verb"], "does")
    article = f"{match['article'].lower()} " if match["article"] else ""
    term = match["term"] if match["term"][1:2].isupper() else match["term"][0].lower() + match["term"][1:]
    return kind, article, term


def _cut(section: str) -> str:
    """The first paragraphs of a section, at most `_LONGEST` characters but for a first one that is longer."""
    kept = ""
    for paragraph in section.split("\n\n"):
        if kept and len(kept) + len(paragraph) > _LONGEST:
            break
        kept += ("\n\n" if kept else "") + paragraph
    return kept if len(kept) <= 2 * _LONGEST else ""
