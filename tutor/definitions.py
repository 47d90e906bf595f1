"""Questions made from plain text without anybody's help: a sentence that defines its subject answers "what is it?".

A sentence such as "A gate is a vector that ..." gives the question "What is a gate?" in one of several wordings, the
paragraph or section around it gives the context. The pattern is narrow on purpose: a wrong question teaches more harm
than a missing one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

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


def definitions(text: str, random: np.random.Generator, *, most: int = 2) -> Iterator[tuple[str, str, tuple[int, int]]]:
    """(question, context, span of the defining sentence in the context) from a document of light Markdown."""
    sections = [section.strip() for section in re.split(r"^#{1,6} .*$", text, flags=re.MULTILINE)]
    found = [one for section in sections for one in _of_section(section, random)]
    for number in sorted(random.permutation(len(found))[:most]):
        yield found[int(number)]


def _of_section(section: str, random: np.random.Generator) -> Iterator[tuple[str, str, tuple[int, int]]]:
    context = _cut(section)
    if len(context) < _SHORTEST:
        return
    for start, end in sentence_spans(context):
        match = _DEFINES.match(context[start:end])
        if match and not _VAGUE.match(match["term"]) and content_stems(match["term"]):
            kind = {"is": "is", "are": "are"}.get(match["verb"], "does")
            article = f"{match['article'].lower()} " if match["article"] else ""
            term = match["term"] if match["term"][1:2].isupper() else match["term"][0].lower() + match["term"][1:]
            wordings: Sequence[str] = _ASKED[kind]
            wording = wordings[int(random.integers(len(wordings)))]
            yield wording.format(x=article + term, bare=term), context, (start, end)
            return


def _cut(section: str) -> str:
    """The first paragraphs of a section, at most `_LONGEST` characters."""
    kept = ""
    for paragraph in section.split("\n\n"):
        if kept and len(kept) + len(paragraph) > _LONGEST:
            break
        kept += ("\n\n" if kept else "") + paragraph
    return kept if len(kept) <= 2 * _LONGEST else ""
