"""Questions that the model writes on a sentence of a passage, and what is kept of them.

A small model writes many questions that are none: "What is the cache of a sliding window never holds?". Kept is what
has the form of a whole question, speaks of the passage, is not answered by its own words, and leads search and ranker
back to the very sentence (the round-trip filter of Alberti et al. 2019). The form is checked by a narrow grammar of the
usual questions, because a bad question does more harm than a missing one.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from lm.reading import content_stems
from tutor.cloze import VERBS
from tutor.hint import LITTLE
from tutor.quizzable import Gold

if TYPE_CHECKING:
    from lm.checkpoint import Checkpoint

_LONGEST = 48
"""Tokens of a question."""

_FEWEST_WORDS, _MOST_WORDS = 4, 22
_AUXILIARY = r"(?:is|are|was|were|does|do|did|can|could|must|should|may|might|will|would|has|have)"
_OPENING = re.compile(
    rf"(?P<kind>what|why|when|where|how(?: (?:many|much|often|long|large|far))?|which|who|(?:in|at|on) which"
    rf"|(?:by|for|on|from|to) what)\b(?P<of>[^,;:.!]*?)\b(?P<verb>{_AUXILIARY})\b(?P<rest>.+)\?$",
    re.IGNORECASE,
)
_FINITE = "(?:" + "|".join((*VERBS.split(), _AUXILIARY[3:-1], "had")) + ")"
_PLAIN = "|".join(
    (
        "attend close come cost decay differ diverge do drop explode fade forget get go happen have hide hum matter "
        "open overfit rank remember say see think try vanish want work"
    ).split()
    + [re.sub(r"(?<=ss|sh|ch)es$|(?<=[ox])es$|s$", "", re.sub(r"ies$", "ys", verb)) for verb in VERBS.split()]
)
"""Verbs as they stand after "does"."""

_CLAUSE = re.compile(r"\b(?:that|which|who|whose|where|when|if|because|while|as|than|and|or)\b")
_DANGLING = re.compile(
    r"\b(?:an?|the|and|or|of|its|their|that|which|who|is|are|only|rarely|very|more|most|less|than|to|by|in|on|at|as|be"
    r"|into|between|with|without|from|each|every|one|not|no)\s*\?$",
    re.IGNORECASE,
)
_REASON = re.compile(r"\b(?:because|since|so that|in order to|therefore|reason|due to|otherwise|to [a-z]+)\b")
_NUMBER = re.compile(r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|half|once|twice)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+|\band others\b|^[A-Z][a-z]+(?:,| and) [A-Z][a-z]+")
_IS_A = r"(?::|{verb} (?:an?|the|one|how|to|when|used for|used to)\b)"
"""What follows a subject that the sentence says the nature of."""

_OF_FORM = frozenset(
    "differ difference purpose reason happen mean call name year role need work consist do use say".split()
)
"""Words that a question may have which the passage has not: they belong to its form."""

_TOLD, _FEW = 0.45, 3
_LEAST_NEW = 2
"""A question may have this share of the sentence's content words, or so few of them, and leaves so many to be said."""


def knows_asking(checkpoint: Checkpoint) -> bool:
    """Whether a model has learned to ask: older ones have no token for it."""
    from lm.tokenizer import ASK

    return bool(checkpoint.tokenizer.special > ASK and checkpoint.model.config.special > ASK)


def write_question(checkpoint: Checkpoint, gold: Gold) -> str:
    """What the model asks on a sentence, with the sentences around it in view; greedy, so the same every time."""
    from lm.generate import generate
    from lm.reading import Piece, build_prompt
    from lm.sampling import Decoding
    from lm.tokenizer import END
    from tutor.course_questions import asked_about

    pieces = [Piece(text=text, rank=rank) for text, rank, _ in asked_about(gold.passage.text, [(gold.start, gold.end)])]
    prompt = build_prompt(checkpoint.tokenizer, "", [pieces], mode="ask")
    if len(prompt.tokens) >= checkpoint.model.config.context:
        return ""
    steps = generate(checkpoint.model, prompt, Decoding(longest=_LONGEST, may_refuse=False))
    return " ".join(checkpoint.tokenizer.decode([one.token for one in steps if one.token != END]).split())


def is_question(question: str) -> bool:
    """Whether a text has the form of one whole question.

    >>> [is_question(text) for text in ("Why is the gate soft?", "What is the store keeps vectors?", "A gate?")]
    [True, False, False]
    """
    words = re.findall(r"[\w'’$\\-]+", question.casefold())
    opening = _OPENING.match(question)
    if opening is None or not _FEWEST_WORDS <= len(words) <= _MOST_WORDS or not question[0].isupper():
        return False
    if question.count("?") > 1 or _DANGLING.search(question) or re.search(r"[`|<>{}#*\x00\n]|\.\s", question):
        return False
    if any(question.count(left) != question.count(right) for left, right in ("()", "“”")) or question.count("$") % 2:
        return False
    pairs = list(pairwise(words))
    if len(set(pairs)) < len(pairs) or any(one == other for one, other in pairs):
        return False
    return _grammatical(opening)


def _grammatical(opening: re.Match[str]) -> bool:
    """Whether auxiliary, subject and verb of a question go together."""
    verb, rest, between = opening["verb"].casefold(), opening["rest"], opening["of"].strip()
    kind = opening["kind"].casefold()
    main = _CLAUSE.split(rest)[0]
    if between and kind in ("what", "why", "when", "where", "how") and not re.fullmatch(r"(?:[a-z-]+ ?){1,3}", between):
        return False
    if re.search(rf"\b{_FINITE}\b", main):
        return False
    subject = len(content_stems(main)) > 0
    if verb in ("does", "do", "did", "can", "could", "must", "should", "may", "might", "will", "would"):
        # "What does the gate do?": a subject, and after it a verb in its plain form.
        return subject and re.search(rf"\w (?:{_PLAIN}|be [a-z]+)\b", main) is not None
    return subject


def answers_fit(question: str, gold: Gold) -> bool:
    """Whether a question can be about the sentence: it speaks of the passage, the sentence has what its question word
    asks for, and enough of the sentence is not told by the question."""
    sentence, asked = gold.text, content_stems(question)
    known = set(content_stems(f"{gold.passage.context} {gold.passage.text}"))
    told = set(content_stems(sentence))
    of_form = {stem for word in (*_OF_FORM, *LITTLE) for stem in content_stems(word)}
    if not asked or set(asked) - known - of_form:
        return False
    new = told - set(asked)
    if len(new) < _LEAST_NEW or len(told & set(asked)) > max(_FEW, _TOLD * len(told)):
        return False
    opening = _OPENING.match(question)
    assert opening is not None
    kind = opening["kind"].casefold()
    if kind == "what" and opening["verb"].casefold() in ("is", "are", "was", "were") and not opening["of"].strip():
        return _asks_for_subject(opening["rest"].strip(), opening["verb"].casefold(), sentence)
    needed = {"why": _REASON, "who": _NAME, "when": _NUMBER}.get(kind, _NUMBER if kind.startswith("how ") else None)
    return needed is None or needed.search(sentence) is not None


def _asks_for_subject(subject: str, verb: str, sentence: str) -> bool:
    """Whether a sentence begins with what is asked for and goes on to say what it is."""
    article = re.compile(r"^(?:(an?|the) )?(?:\*\*)?", re.IGNORECASE)
    asked, said = article.match(subject), article.match(sentence)
    assert asked is not None
    assert said is not None
    bare, start = subject[asked.end() :].casefold(), sentence[said.end() :]
    after = start[len(bare) :].lstrip(" *")
    same = (asked[1] or "").casefold() == (said[1] or "").casefold()
    return same and start.casefold().startswith(bare) and re.match(_IS_A.format(verb=verb), after) is not None
