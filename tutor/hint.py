"""A hint instead of an answer, in three steps: where it stands and a question back, the sentence with gaps, the answer.

A hint is put together from an answer that was already found: every word in it comes from the cited passages or is
one of the fixed phrases below, so that it can claim nothing that the material does not say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from corpus.document import Passage
from corpus.sentences import sentence_spans
from lm.reading import content_stems
from tutor.answer import Answer, Citation
from tutor.definitions import defined

STEPS = 3
"""The last step is the answer itself."""

GAP = "____"
GAPS = 0.3
"""Share of a sentence's content words that is left out."""

_MOST_PLACES, _MOST_SENTENCES, _MOST_NAMED = 2, 2, 3
_MARKER = re.compile(r"(?:[-*+•▶►■◦➤–>]|\d{1,3}[.)]|#{1,6})[ \t]+")
_FORMULA = re.compile(r"\$\$.+?\$\$|\\\[.+?\\\]|\\begin\{(\w+\*?)\}.+?\\end\{\1\}|\$[^$\n]+\$|\\\(.+?\\\)", re.DOTALL)
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W_][\w'’-]*")
LITTLE = frozenset(
    "about above across after against all almost already also although always among another any because before behind "
    "below between both but called during each either enough even ever every few first here however just last least "
    "less like many may might more most much must named needs neither never new next no nor not now often old once "
    "one ones only other others out over own per rather same second several shall since some still such takes than "
    "though three through thus together too towards two under until up upon used uses using very via well what "
    "whether while within without works yet itself themselves inside outside left right".split()
)
"""Words that are never left out and never quoted: without them a sentence cannot be read."""

_REASON, _NUMBER, _FORMULA_ASKED = (
    "Which reason does it give?",
    "Which number does it give?",
    "Which formula does it give?",
)
_BACK = (
    (r"\bwhy\b|\breasons?\b|\bcauses?\b|\bpurpose\b", _REASON),
    (r"\bhow (?:many|much|large|big|long|often|far)\b|\b(?:number|percentage|share|rate) of\b", _NUMBER),
    (r"\b(?:formulas?|equations?|derivation|derive|calculate)\b|\bwrite (?:out|down)\b", _FORMULA_ASKED),
    (r"\bdiffer(?:s|ences?|ent)?\b|\bcompar\w+|\bversus\b|\bvs\b|\bbetter\b", "What does it set side by side?"),
    (r"^\W*who\b", "Which name does it give?"),
    (r"^\W*when\b|\b(?:what|which) year\b", "Which time or case does it name?"),
    (r"\bhow\b", "Which steps or means does it describe?"),
)
_DEFINITION = re.compile(
    r"^\W*(?:what(?:'s| is| are| does)|define|explain|meaning)\b|\bmean(?:s|ing)?\b", re.IGNORECASE
)
_OTHERWISE = "How would you put it in your own words?"


def hint(answer: Answer, step: int) -> str:
    """The hint of a step, 1 to `STEPS`, as Markdown. A refusal has no hints: it is its own text at every step.

    Raises ValueError for another step.
    """
    if not 1 <= step <= STEPS:
        raise ValueError(f"step is {step}; it must be from 1 to {STEPS}")
    if step == STEPS or not answer.citations:
        return answer.text
    sentences = cited_sentences(answer)
    if step == 1:
        return f"{_look(answer)} {_ask_back(answer.question, sentences[0][1])}"
    return "\n\n".join("> " + with_gaps(answer, *one).replace("\n", "\n> ") for one in sentences)


def cited_sentences(answer: Answer) -> list[tuple[Passage, str]]:
    """The sentences that the answer was made from, each with its passage, in the order of the citations."""
    found = [
        (place, one.passage, sentence) for one in answer.citations for place, sentence in enumerate(_sentences(one))
    ]
    # One of each passage comes before a second one of any.
    return [(passage, sentence) for _, passage, sentence in sorted(found, key=lambda one: one[0])][:_MOST_SENTENCES]


def with_gaps(answer: Answer, passage: Passage, sentence: str) -> str:
    """The sentence without its key words: those that neither question nor headings name, the rarest ones first; and
    without what stands to the right in its equations."""
    told = set(content_stems(" ".join((answer.question, passage.document, *passage.locator.headings))))
    everywhere = Counter(content_stems(" ".join(hit.passage.text for hit in answer.passages)))
    formulas = list(_FORMULA.finditer(sentence))
    words = [
        word
        for word in _WORD.finditer(sentence)
        if _tells(word[0]) and not any(one.start() <= word.start() < one.end() for one in formulas)
    ]
    fresh = [word for word in words if not told >= set(content_stems(word[0]))] or words[-1:]

    def rarity(word: re.Match[str]) -> tuple[bool, int, int]:
        return not word[0][0].isdigit(), everywhere[content_stems(word[0])[0]], -len(word[0])

    most = max(1, round(GAPS * len(words)))
    gap = GAP if sentence.startswith(("```", "~~~")) else GAP.replace("_", r"\_")
    left_out = [(*word.span(), gap) for word in sorted(fresh, key=rarity)[:most]]
    left_out += [found for one in formulas if (found := _right_side(one))]
    joined: list[tuple[int, int, str]] = []
    for start, end, put in sorted(left_out):
        if joined and put == joined[-1][2] == gap and sentence[joined[-1][1] : start] == " ":
            start = joined.pop()[0]
        joined.append((start, end, put))
    for start, end, put in reversed(joined):
        sentence = sentence[:start] + put + sentence[end:]
    return sentence


def place_of(passage: Passage) -> str:
    """Where a passage stands, as Markdown: document, page or slide, and the headings below the title, which are those
    of its beginning and left out where it runs over several pages or slides."""
    place = passage.locator
    parts = [f"**{inert(passage.document)}**"]
    several = False
    for word, number in (("page", place.page), ("slide", place.slide), ("cell", place.cell)):
        if number is not None:
            several = place.last is not None and place.last != number
            first = inert(place.page_label) if word == "page" and place.page_label else number
            parts.append(f"{word}s {number} to {place.last}" if several else f"{word} {first}")
    headings = [one for one in place.headings if one != passage.document]
    if headings and not several:
        parts.append("under " + " › ".join(f"*{inert(one)}*" for one in headings))
    return ", ".join(parts)


def _look(answer: Answer) -> str:
    """The places of the cited passages."""
    places = list(dict.fromkeys(place_of(one.passage) for one in answer.citations))[:_MOST_PLACES]
    return f"Look in {'; and then in '.join(places)}."


def _ask_back(question: str, sentence: str) -> str:
    """What leads from the question to the sentence, and a question that the sentence answers."""
    named = [f"“{inert(one)}”" for one in _shared(question, sentence)]
    listed = " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
    kind = "formula" if sentence.startswith(("$$", "\\[")) else "piece of code" if "```" in sentence else "sentence"
    lead = f"One {kind} there has the words {listed}." if named else f"One {kind} there answers the question."
    back = next((asked for pattern, asked in _BACK if re.search(pattern, question, re.IGNORECASE)), None)
    found = defined(sentence) if _DEFINITION.search(question) else None
    if back is None and found is not None and set(content_stems(found[2])) <= set(content_stems(question)):
        verb, article, term = found
        back = f"What does it say {article}{inert(term)} {verb}?"
    return f"{lead} {back or _OTHERWISE}"


def _tells(word: str) -> bool:
    return bool(content_stems(word)) and word.casefold() not in LITTLE


def _shared(question: str, sentence: str) -> list[str]:
    """Terms of the sentence, as it spells them, that the question names; words that stand together are one term."""
    asked = set(content_stems(question))
    found: list[str] = []
    last = -1
    for match in _WORD.finditer(_FORMULA.sub(lambda formula: " " * len(formula[0]), sentence)):
        if not _tells(match[0]) or not set(content_stems(match[0])) <= asked:
            continue
        if found and sentence[last : match.start()] == " ":
            found[-1] += f" {match[0]}"
        else:
            found.append(match[0])
        last = match.end()
    return list({one.casefold(): one for one in found}.values())[:_MOST_NAMED]


def _right_side(formula: re.Match[str]) -> tuple[int, int, str] | None:
    r"""What stands to the right of the first "=" of a formula and a box for it; None where there is no "="."""
    inside = re.match(
        r"(\$\$?|\\\[|\\\(|\\begin\{\w+\*?\})[^=&]*(?:&\s*)?=(.+?)(\$\$?|\\\]|\\\)|\\end\{\w+\*?\})$",
        formula[0],
        re.DOTALL,
    )
    return (formula.start() + inside.start(2), formula.start() + inside.end(2), r" \square") if inside else None


def _sentences(citation: Citation) -> Iterator[str]:
    """The sentences of the passage that hold most of what was taken from it, without list markers; at least one."""
    text = citation.passage.text
    spans = [span for span in sentence_spans(text) if not re.match(r"#{1,6}\s", text[slice(*span)])] or sentence_spans(
        text
    )
    taken = {
        span: sum(max(0, min(span[1], end) - max(span[0], start)) for start, end in citation.passage_spans)
        for span in spans
    }
    chosen = [span for span in spans if 2 * taken[span] >= span[1] - span[0]] or [
        max(spans, key=lambda span: taken[span])
    ]
    for start, end in chosen:
        sentence = text[start:end]
        if sentence.startswith("|"):
            sentence = " · ".join(cell.strip() for cell in sentence.strip("|").split("|"))
        yield _MARKER.sub("", sentence, count=1) if _MARKER.match(sentence) else sentence


_INERT = str.maketrans(
    {one: f"\\{one}" for one in "`*_$|~#"} | {"\\": "&#92;", "[": "&#91;", "]": "&#93;", "<": "&lt;"}
)


def inert(text: str) -> str:
    """Text that Markdown and HTML take as it stands, and the typesetter of formulas, to whom `\\[` would begin one."""
    return text.translate(_INERT)
