"""What of a sentence a question asks for, so that an answer need not say all that the sentence tells.

Where the form of the question says what is asked for, these are facts that have to be said to the letter: a number, who
and when, which one of a kind, a name, a formula. Else it is the reason, or the clause that the question speaks of, and
of that the side that it does not tell:

    "How many gates does a GRU have?"    "It controls its memory with two gates, update and reset."    two
    "Which gate decides what is kept?"   "The forget gate decides what is kept of the old state."      forget
    "What is the input gate for?"        "The input gate of the LSTM decides what is written."         what is written
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lm.reading import content_stems
from tutor.cloze import VERBS
from tutor.definitions import defined
from tutor.quiz_facts import WORD, Fact, Rarity, key_facts, number_of, telling, told_by
from tutor.quiz_formula import FORMULA, plain_formula, right_side

_MANY = re.compile(
    r"\bhow (?:many|much|often|long|large|big|small|high|low|deep|far|fast|wide|old)\b"
    r"(?: (?P<words>(?:[a-z][\w-]* ?){1,5}))?|"
    r"\b(?:what|which)(?: is| was| are)?(?: the)?(?: \w+){0,2}? (?:number|share|percentage|fraction|factor|probability|"
    r"accuracy|value|size|width|variance|perplexity)\b|\bwhat is the (?:mean|average)\b",
    re.IGNORECASE,
)
_WHEN = re.compile(r"\b(?:when (?:was|were|did)|(?:what|which) year|and when)\b", re.IGNORECASE)
_WHO = re.compile(r"\b(?:who|by whom)\b", re.IGNORECASE)
_WHICH = re.compile(
    r"^(?:(?:and|so|then|but|on|in|at|from|by|for|to|with|into|after|through)\W+){0,2}(?:which|what) "
    r"(?P<words>(?:[\w'’-]+ ?){1,5})",
    re.IGNORECASE,
)
_CALLED = re.compile(r"\b(?:called|do (?:we|you|people) call|name (?:of|for)|(?:term|word) for|stands? for)\b")
_FORMULA_ASKED = re.compile(r"\b(?:formulas?|equations?|computed|calculated)\b", re.IGNORECASE)
_WHY = re.compile(r"\b(?:why|how come|what (?:is|was) the reason)\b", re.IGNORECASE)
_TWO = re.compile(
    r"\b(?:and|or) (?:(?:for|on|to|in|by) )?(?:what|which|how|where|why|who)\b|\?.*\?|\bwhich\b.*\bwhich\b",
    re.IGNORECASE,
)
"""Two questions in one: what the first of them asks for is not enough."""

_STOPS = frozenset(
    (VERBS + " is are was were do does did can could may might must should has have had will would of in for that to "
     "on at with from and or a an the").split()
)  # fmt: skip
"""Words that end a noun or a name."""

_YEAR = re.compile(r"\b(?:18|19|20)\d\d\b")
_NAMES = re.compile(r"[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*")
_WORKS = re.compile(r"(?:,| and [A-Z]| et al| (?:proposed|introduced|published|showed|found|added|made|used)\b)")
"""What follows on a name at the beginning of a sentence."""
_MOST_NAMES = 3
_NAMED = re.compile(
    r"\b(?:called|known as|named|short for|stands for|abbreviated(?: as)?) (?:an? |the )?"
    r"(?P<name>[\w'’-]+(?: [\w'’-]+){0,4})"
)
_BECAUSE = re.compile(r"\b(?:because|since|so that)\b")
_CLAUSES = re.compile(
    r"; |: |, (?=(?:and|but|so|whereas|while|because|since|which|where|unless|or) )| (?=because )|"
    rf" (?=and (?:{VERBS.replace(' ', '|')})\b)"
)
_VERB = re.compile(
    rf"\b(?:{VERBS.replace(' ', '|')}|is|are|was|were|has|have|had|can|cannot|may|must|should|will|see|give|make|keep|"
    r"take|need|hold|use)\b"
)
_SCALE = frozenset("thousand million billion trillion thirds quarters fifths tenths".split())


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The facts that are asked for. Where they are `exact` every one of them has to be said and no other of its kind:
    no number and no telling word that is neither in the question nor `within` the clause. They are `enough` unless
    there is a second question in the question."""

    facts: tuple[Fact, ...]
    exact: bool
    within: str
    enough: bool = True


def asked_of(question: str, sentence: str, rarity: Rarity) -> Asked | None:
    """What the question asks of the sentence; None where that is all of it, as far as can be told."""
    clause = _clause(question, sentence)
    if not _WHY.search(question):
        exact = tuple(dict.fromkeys(_exact(question, sentence, clause)))
        if exact:
            enough = _TWO.search(question) is None or any(fact.kind == "term" for fact in exact)
            return Asked(facts=exact, exact=True, within=clause, enough=enough)
    part = _reason(question, sentence) or _side(question, clause)
    facts = key_facts(part, question, rarity)
    return Asked(facts=facts, exact=False, within=part) if facts and part != sentence else None


def _exact(question: str, sentence: str, clause: str) -> Sequence[Fact]:
    """What the form of a question asks for; of several forms the first that finds it."""
    who, when = _WHO.search(question), _WHEN.search(question)
    years = _years(question, sentence) if when else []
    found = [*(_names(question, sentence) if who and (years or not when) else ()), *years]
    if not found and (many := _MANY.search(question)):
        found = list(_numbers(question, sentence, clause, (many["words"] or "").split()))
    if not found and _FORMULA_ASKED.search(question):
        formulas = _formulas(question, sentence)
        found = formulas if len(formulas) == 1 else []
    if not found and _CALLED.search(question):
        found = list(_name(question, sentence))
    if not found and (which := _WHICH.search(question)):
        found = list(_one_of_a_kind(question, clause, which["words"].split()))
    return found


def _term(text: str) -> Fact:
    return Fact(text=text, kind="term", stems=tuple((stem, 1.0) for stem in content_stems(text)))


def _number(text: str) -> Fact:
    return Fact(text=text, kind="number", stems=((number_of(text), 1.0),))


def _years(question: str, sentence: str) -> list[Fact]:
    found = [_number(year) for year in _YEAR.findall(sentence) if year not in question]
    return found if len(found) == 1 else []


def _names(question: str, sentence: str) -> list[Fact]:
    """Of a person with several names the last one is asked for."""
    found = []
    for match in _NAMES.finditer(FORMULA.sub(" ", sentence)):
        last = match[0].split()[-1].removesuffix("'s").removesuffix("’s")
        begins = match.start() == 0 and " " not in match[0]
        if begins and not _WORKS.match(sentence[match.end() :]):
            continue
        if not last.isupper() and last.casefold() not in question.casefold():
            found.append(_term(last))
    return found if len(set(found)) <= _MOST_NAMES else []


def _numbers(question: str, sentence: str, clause: str, words: Sequence[str]) -> Iterator[Fact]:
    """The number of what is counted, by the `words` after "how many"; else the only number; else the only formula."""
    told, kind = told_by(question), set(content_stems(" ".join(_noun(words))))
    formulas = _formulas(question, sentence)
    for part in (sentence, clause):
        plain = FORMULA.sub(lambda formula: " " * len(formula[0]), part)
        found = [match for match in WORD.finditer(plain) if number_of(match[0])]
        after = {match: plain[match.end() :].split()[:3] for match in found}
        counted = [match for match in found if kind & set(content_stems(" ".join(after[match])))]
        found = [match for match in found if number_of(match[0]) not in told and match[0].casefold() != "one"]
        some = counted if counted and len({*found, *counted}) < 3 else found or counted
        if len(some) == 1 and (counted or not formulas or re.search(r"\d", question)):
            yield _number(some[0][0])
            yield from (_term(word) for word in after[some[0]][:1] if word in _SCALE)
            return
        if len(formulas) == 1 and not found:
            yield from (one for one in formulas if one.kind == "number" or _counts(one.stems[0][0]))
            return


def _noun(words: Sequence[str]) -> Sequence[str]:
    """The words before the first one that ends a noun."""
    return words[: next((place for place, word in enumerate(words) if word.casefold() in _STOPS), len(words))]


def _counts(formula: str) -> bool:
    """Whether a formula is more than a sign with its index."""
    return re.search(r"\d|[+*/^]|\w\w", re.sub(r"_(?:\([^)]*\)|\w)", "", formula)) is not None


def _formulas(question: str, sentence: str) -> list[Fact]:
    told, numbers, found = plain_formula(question), told_by(question), []
    for match in FORMULA.finditer(sentence):
        plain = plain_formula(match[0])
        right = right_side(plain).removeprefix("-")
        if number := number_of(right):
            found += [_number(right)] if number not in numbers else []
        elif right not in told and re.search(r"[=+\\^/*-]|\w\w", plain):
            found.append(Fact(text=match[0], kind="formula", stems=((plain, 1.0),)))
    return found


def _name(question: str, sentence: str) -> Iterator[Fact]:
    if match := _NAMED.search(sentence):
        words = match["name"].split()
        end = next((place for place, word in enumerate(words) if word in _STOPS or not telling(word)), len(words))
        name = " ".join(words[:end])
    else:
        found = defined(sentence)
        name = found[2] if found else ""
    if name and not set(content_stems(name)) & told_by(question):
        yield _term(name)


def _one_of_a_kind(question: str, clause: str, words: Sequence[str]) -> Iterator[Fact]:
    """What stands before the noun after "which"; the plural asks for all of them."""
    noun = "".join(_noun(words)[-1:]).casefold()
    found = list(_before(clause, content_stems(noun), told_by(question)))
    if len(found) == 1 or (noun.endswith("s") and not noun.endswith("ss")):
        yield from map(_term, found)


def _before(clause: str, noun: Sequence[str], told: set[str]) -> Iterator[str]:
    """The telling words, at most three, before each place of the noun."""
    words = list(WORD.finditer(clause))
    for place, word in enumerate(words):
        if not noun or content_stems(word[0]) != list(noun):
            continue
        first = place
        while first > max(0, place - 3):
            before = words[first - 1]
            joined = clause[before.end() : words[first].start()] == " "
            own = set(telling(before[0]))
            if not joined or not own or own & told or number_of(before[0]) or before[0].endswith("ly"):
                break
            first -= 1
        if first < place:
            yield clause[words[first].start() : words[place - 1].end()]


def _reason(question: str, sentence: str) -> str:
    match = _BECAUSE.search(sentence) if _WHY.search(question) else None
    return sentence[match.end() :] if match else ""


def _clause(question: str, sentence: str) -> str:
    """The clause that has most words of the question; the whole sentence where none has any."""
    formulas = [match.span() for match in FORMULA.finditer(sentence)]
    cuts = [match.end() for match in _CLAUSES.finditer(sentence) if not _inside(match.start(), formulas)]
    clauses = [sentence[start:end] for start, end in zip([0, *cuts], [*cuts, len(sentence)], strict=True)]
    told = set(content_stems(question))
    shares = [len(told & set(content_stems(clause))) for clause in clauses]
    return clauses[shares.index(max(shares))] if max(shares) else sentence


def _inside(place: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in spans)


def _side(question: str, clause: str) -> str:
    """Subject or predicate of a clause, whichever the question tells less of."""
    told = set(content_stems(question))
    verb = _VERB.search(FORMULA.sub(lambda formula: "x" * len(formula[0]), clause))
    if verb is None:
        return clause
    sides = clause[: verb.start()], clause[verb.start() :]
    stems = [set(content_stems(side)) for side in sides]
    shares = [len(one & told) / len(one) if one else 1.0 for one in stems]
    return clause if shares[0] == shares[1] else sides[shares.index(min(shares))]
