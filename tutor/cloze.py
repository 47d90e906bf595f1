"""Questions made from plain text by leaving out a term (after the cloze questions of Lewis et al. 2019).

A sentence that names a term which the paragraph names once or twice becomes a question for that term: "The forget gate
decides what is kept." gives "What decides what is kept?", "The unit was named after Joule." gives "Complete: The unit
was named after". Most sentences are left alone: they point at what was said before, or the term could be anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from corpus.sentences import sentence_spans
from lm.reading import content_stems
from tutor.definitions import Question, sections, vague

VERBS = (
    "adds allows applies assigns avoids becomes begins belongs blocks bounds brings builds calls carries causes "
    "changes collects combines compares computes connects consists constructs contains controls converges converts "
    "copies corresponds counts covers creates cuts decides decreases defines depends describes determines differs "
    "divides drives employs enables encodes encourages ends estimates evaluates exists expects explains exploits "
    "expresses extends extracts fails falls feeds finds fits forces forms gathers generalises generates gives governs "
    "grows guarantees handles has helps holds identifies implements improves includes increases indicates inherits "
    "introduces involves joins keeps lacks lasts leads learns lets lies limits links lists looks loses makes manages "
    "maps maximises maximizes means measures merges minimises minimizes mixes models moves multiplies needs "
    "normalises normalizes obtains occurs offers operates optimises optimizes organises originates outperforms "
    "overcomes passes performs permits plays points predicts preserves prevents proceeds processes produces projects "
    "promotes protects provides pushes ranges reads receives reduces refers reflects regulates relates relies remains "
    "removes repeats replaces represents requires resembles returns reveals reverses rewards rises runs samples "
    "scales scores searches selects sends separates serves sets shares shows shrinks slows solves specifies splits "
    "stands starts states stays stems stops stores studies suffers sums supports takes teaches tells tends trains "
    "transforms turns updates uses varies weighs weights works yields"
)
_VERB = "(?:" + "|".join(VERBS.split()) + r"|(?:is|was|can be|may be|must be) [a-z]+ed|cannot|can)"
_SUBJECT = re.compile(
    rf"^(?P<article>An? |The )?(?P<term>(?:[A-Za-z][\w-]*[ ]){{0,2}}[A-Za-z][\w-]*) (?P<rest>{_VERB}\b.*)$"
)
_HANGING = re.compile(
    r"(?:ly|\b(?:always|often|first|last|also|all|both|each|never|still|then|now|even|only|not|will|may|can|could|should"
    r"|would|must|what|why|how|when|practical|currently|below|whole|same|people|user|one|two|three|four|five))$",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?<![\w'-])(?!de |van |von )[a-z]+ (?P<term>[A-Z][\w-]+(?:[ ](?:of |de |van |von )?[A-Z][\w-]+){0,3})"
    r"(?=$|[,;:] | (?:and|or|in|on|at|to|for|from|by|with|as|is|was|are|were|has|had|have|which|who|that|when|where"
    r"|during|after|before|because|while)\b)"
)
_TIME = re.compile(
    r"^(?:January|February|March|April|May|June|July|August|September|October|November|December|\w+day|No|I|Mr|Mrs|Dr)\b"
)
_UNFIT = re.compile(r"""[`$\\{}<>|*_@#=\[\]()"]|https?:|\b(?:figure|table|section|chapter|above|below|following)\b""")
_LEANING = re.compile(
    r"^(?:this|these|those|that|it|its|they|their|he|his|she|her|we|our|you|your|i|but|and|so|or|however|also|thus|then"
    r"|therefore|here|there|such|another|both|in this|for this|for example)\b",
    re.IGNORECASE,
)
_SHORTEST, _LONGEST = 45, 220
_LEAST_CONTENT = 4
"""Content words of a question beside the term that is asked for."""

_OF_SUBJECT: tuple[str, ...] = ("What {rest}?", "What is it that {rest}?", "What {rest}?", "Name what {rest}.")
_AT_END: tuple[str, ...] = ("Complete: {head}", "Complete the sentence: {head} ...", "Fill in the end: {head} ___")
_INSIDE: tuple[str, ...] = (
    "Fill in: {head} ___{tail}.",
    'Which name is missing in "{head} ...{tail}"?',
    'What is left out here: "{head} [...]{tail}"?',
)


def clozes(text: str, random: np.random.Generator, *, most: int = 2) -> Iterator[Question]:
    """Questions for terms of a document of light Markdown, at most one on a section."""
    found = [one for section in sections(text) for one in _of_section(section, random)]
    for number in sorted(random.permutation(len(found))[:most]):
        yield found[int(number)]


def _of_section(context: str, random: np.random.Generator) -> Iterator[Question]:
    spans = sentence_spans(context)
    for number in random.permutation(len(spans)):
        start, end = spans[int(number)]
        if one := _of_sentence(context, start, end, random):
            yield one
            return


def _of_sentence(context: str, start: int, end: int, random: np.random.Generator) -> Question | None:
    sentence = context[start:end]
    fits = _SHORTEST <= len(sentence) <= _LONGEST and sentence.endswith(".") and sentence[0].isupper()
    if not fits or "\n" in sentence or _UNFIT.search(sentence.casefold()) or _LEANING.match(sentence):
        return None
    subject = _SUBJECT.match(sentence[:-1])
    names = [one for one in _NAME.finditer(sentence[:-1]) if not _TIME.match(one["term"])]
    if subject and _tells(subject):
        term, wordings, parts = subject.span("term"), _OF_SUBJECT, {"rest": subject["rest"]}
    elif names:
        name = names[int(random.integers(len(names)))]
        term, wordings = name.span("term"), _AT_END if name.end() == len(sentence) - 1 else _INSIDE
        parts = {"head": sentence[: term[0] - 1], "tail": sentence[term[1] : -1]}
    else:
        return None
    asked = sentence[slice(*term)]
    rest = " ".join(parts.values())
    known = set(content_stems(asked)) & set(content_stems(rest))
    often = len(re.findall(rf"\b{re.escape(asked)}\b", context, re.IGNORECASE))
    if known or len(set(content_stems(rest))) < _LEAST_CONTENT or not 1 <= often <= 2:
        return None
    question = wordings[int(random.integers(len(wordings)))].format(**parts)
    return Question(question=question, context=context, sentence=(start, end), term=(start + term[0], start + term[1]))


def _tells(subject: re.Match[str]) -> bool:
    """Whether a subject is a term that one could ask for: no lone "the site", no "gate always"."""
    one_word = " " not in subject["term"]
    return not (vague(subject["term"]) or _HANGING.search(subject["term"]) or (one_word and subject["article"]))
