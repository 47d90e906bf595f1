"""Checks the course: every quote stands where it is said to, every number and snippet gives what the lecture shows.

python -m corpus.check                       # the shipped course: a report, one line per fault, exit 1 at any
python -m corpus.check 15-gru.md ...         # these lectures with their questions and numbers alone
python -m corpus.check --against DIR ...     # besides: no run of 12 words shared with these texts
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from corpus.course import Course, CourseError, Lecture, Record, read_course
from corpus.latex import formulas, latex_faults, symbols
from corpus.overlap import Pair, alike_by_meaning, alike_by_words, shared_runs, shared_within, texts_of, words
from corpus.report import report
from corpus.snippets import snippet_faults, uncovered_numbers

ROOT = Path(__file__).resolve().parent
KINDS = frozenset(
    "definition why how compare equation code number keyword typo multi near-miss off-topic follow-up".split()
)
DECK_KINDS = KINDS - {"multi", "follow-up"} | {"list", "paraphrase"}
NOTE_KINDS = frozenset("definition why how compare list number formula example consequence code two-part none".split())
SPLITS = frozenset({"train", "dev", "test"})
ALIKE = {"words": 0.9, "meaning": 0.93}
"""Two questions of different splits more alike than this are one question."""
_TEMPLATE_SHARE = 0.02
_FIELDS = ("id", "question", "kind", "answerable", "gold", "reference", "key_facts", "lecture", "section", "split")

_NOTE_FIELDS = ("id", "question", "kind", "source", "path", "part", "gold")


def faults(course: Course, names: Collection[str] = ()) -> Iterator[str]:
    """One line for everything that is wrong with a course, by the rules that need no embedder; `names`: lectures to
    look at with their questions and numbers, instead of all there is."""
    lectures = [one for one in course.lectures.values() if not names or one.name in names]
    numbers: dict[str, list[Record]] = defaultdict(list)
    for record in course.numbers:
        numbers[str(record.values.get("lecture"))].append(record)
    known = {str(one.matter.get("title")): one.name for one in course.lectures.values()}
    for lecture in lectures:
        yield from lecture_faults(lecture)
        for title in lecture.matter.get("prerequisites") or ():
            if known.get(title, lecture.name) >= lecture.name:
                yield f"{lecture.name}: the prerequisite {title!r} is no lecture before this one"
        yield from uncovered_numbers(lecture, numbers[lecture.name])
    yield from snippet_faults(lectures, numbers)
    chosen = [one for one in course.questions if not names or one.values.get("lecture") in names]
    yield from question_faults(chosen, course.lectures)
    if not names:
        yield from reading_faults(course.reading)
        yield from deck_faults(course.deck_questions, course.decks)
        yield from note_faults(course.note_questions)


def lecture_faults(lecture: Lecture) -> Iterator[str]:
    """Faults of a lecture's form: front matter, length, closing sections, LaTeX, symbols that nobody explains."""
    missing = [name for name in ("title", "course", "order", "prerequisites", "sources") if name not in lecture.matter]
    if missing:
        yield f"{lecture.name}: the front matter lacks {', '.join(missing)}"
        return
    if not lecture.name.startswith(f"{lecture.matter['order']:02d}-"):
        yield f"{lecture.name}: order {lecture.matter['order']} is not the number of the file"
    if not lecture.matter["sources"]:
        yield f"{lecture.name}: no sources"
    headings = [one.heading for one in lecture.sections]
    end = next((one.start for one in lecture.sections if "Glossary" in one.heading), None)
    count = len(re.sub(r"\$[^$]*\$", "$", lecture.prose(end=end)).split())
    if not 1200 <= count <= 2500:
        yield f"{lecture.name}: {count} words before the glossary; between 1,200 and 2,500 are wanted"
    if headings[0] != lecture.matter["title"]:
        yield f"{lecture.name}: the first heading is {headings[0]!r}, the title {lecture.matter['title']!r}"
    for part in ("Worked example", "misconceptions", "Glossary", "Sources"):
        if not any(part in heading for heading in headings):
            yield f"{lecture.name}: no section {part!r}"
    if lecture.text.count("\nMisconception:") < 2:
        yield f"{lecture.name}: fewer than two paragraphs begin with 'Misconception:'"
    if len(re.findall(r"^- \*\*.+?\*\*: ", lecture.text, re.MULTILINE)) < 5:
        yield f"{lecture.name}: the glossary has fewer than five lines '- **Term**: definition'"
    for offset, fault in latex_faults(lecture.text):
        yield f"{lecture.name}:{lecture.text.count(chr(10), 0, offset) + 1}: {fault}"
    found = list(formulas(lecture.text))
    named = set().union(*(symbols(formula) for formula, displayed, _ in found if not displayed)) | set("ed")
    for formula, displayed, offset in found:
        if displayed and (unnamed := symbols(formula) - named):
            line = lecture.text.count("\n", 0, offset) + 1
            yield f"{lecture.name}:{line}: the text does not name {', '.join(sorted(unnamed))}"


def question_faults(records: Sequence[Record], lectures: dict[str, Lecture]) -> Iterator[str]:
    """Faults of the questions: fields, quotes, key facts, splits by section, repeats, dialogues."""
    texts = {name: lecture.text for name, lecture in lectures.items()}
    seen: dict[str, str] = {}
    splits: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in records:
        missing = [name for name in _FIELDS if name not in record.values]
        if missing:
            yield f"{record.place}: lacks {', '.join(missing)}"
            continue
        one = record.values
        keys = [one["id"]] if "dialogue" in one else [one["id"], one["question"].casefold()]
        for key in keys:
            if key in seen:
                yield f"{record.place}: {key!r} stands at {seen[key]} as well"
            seen[key] = record.place
        if one["kind"] not in KINDS or one["split"] not in SPLITS:
            yield f"{record.place}: kind {one['kind']!r} or split {one['split']!r} is none of the known"
        yield from _evidence_faults(record, texts)
        yield from _section_faults(record, lectures)
        yield from _dialogue_faults(record)
        if one["section"]:
            splits[one["lecture"], one["section"]].add(one["split"])
    for (lecture, section), found in splits.items():
        if len(found) > 1:
            yield f"{lecture}, {section!r}: questions in {' and '.join(sorted(found))}; a section has one split"


def reading_faults(records: Sequence[Record]) -> Iterator[str]:
    """Faults of the reading passages: length, five questions of which one is not answerable, quotes, sameness."""
    openings: Counter[str] = Counter()
    places: dict[str, str] = {}
    for record in records:
        one = record.values
        text, questions = str(one.get("text", "")), one.get("questions", [])
        if missing := [name for name in ("id", "topic", "title", "text", "questions", "split") if name not in one]:
            yield f"{record.place}: lacks {', '.join(missing)}"
            continue
        for key in (one["id"], *(question["question"].casefold() for question in questions)):
            if key in places:
                yield f"{record.place}: {key!r} stands at {places[key]} as well"
            places[key] = record.place
        if not 120 <= len(text.split()) <= 250:
            yield f"{record.place}: {len(text.split())} words; between 120 and 250 are wanted"
        if len(questions) < 5 or sum(not question["answerable"] for question in questions) != 1:
            yield f"{record.place}: wants five questions, one of them not answerable"
        for question in questions:
            openings[" ".join(words(question["question"])[:3])] += 1
            quoted = {**question, "gold": [{"lecture": "", "quote": quote} for quote in question["gold"]]}
            yield from _evidence_faults(Record(place=record.place, values=quoted), {"": text})
    for opening, count in openings.most_common(10):
        if count > max(5, _TEMPLATE_SHARE * openings.total()):
            yield f"reading: {count} of {openings.total()} questions open with {opening!r}; at most 2 % may"
    for first, later, run in shared_within([str(record.values.get("text", "")) for record in records]):
        yield f"{records[later].place} and {records[first].place} share {run!r}"


def deck_faults(records: Sequence[Record], decks: dict[str, str]) -> Iterator[str]:
    """Faults of the questions on slide decks: fields, kinds and splits, sameness, quotes, one split a deck."""
    splits: dict[str, set[str]] = defaultdict(set)
    places: dict[str, str] = {}
    for record in records:
        one = record.values
        if missing := [name for name in _FIELDS if name not in one and name != "section"]:
            yield f"{record.place}: lacks {', '.join(missing)}"
            continue
        for key in (one["id"], f"{one['lecture']}: {one['question'].casefold()}"):
            if key in places:
                yield f"{record.place}: {key!r} stands at {places[key]} as well"
            places[key] = record.place
        if one["lecture"] not in decks or one["kind"] not in DECK_KINDS or one["split"] not in SPLITS:
            yield f"{record.place}: deck, kind {one['kind']!r} or split {one['split']!r} is none of the known"
        splits[one["lecture"]].add(one["split"])
        yield from _evidence_faults(record, decks, told=False)
    for deck in decks:
        if len(splits[deck]) != 1:
            yield f"{deck}: questions in {' and '.join(sorted(splits[deck])) or 'no split'}; a deck has one split"


def note_faults(records: Sequence[Record]) -> Iterator[str]:
    """Faults of the questions on notes that are not here: fields, kinds, sameness, places outside of their part."""
    places: dict[str, str] = {}
    for record in records:
        one = record.values
        if missing := [name for name in _NOTE_FIELDS if name not in one]:
            yield f"{record.place}: lacks {', '.join(missing)}"
            continue
        start, end = one["part"]
        for key in (one["id"], f"{one['path']}, {start}: {one['question'].casefold()}"):
            if key in places:
                yield f"{record.place}: {key!r} stands at {places[key]} as well"
            places[key] = record.place
        if one["kind"] not in NOTE_KINDS or bool(one["gold"]) == (one["kind"] == "none"):
            yield f"{record.place}: kind {one['kind']!r} is none of the known, or not that of a question so answered"
        if any(not start <= first < last <= end for first, last in one["gold"]):
            yield f"{record.place}: a place that answers is not in the part from {start} to {end}"


def alike_faults(kind: str, pairs: Sequence[Pair], records: Sequence[Record]) -> Iterator[str]:
    """One line for every pair of questions of different splits that are more alike than `ALIKE` allows."""
    for pair in pairs:
        if pair.similarity > ALIKE[kind]:
            first, second = records[pair.first], records[pair.second]
            yield (
                f"{second.place} and {first.place} are {pair.similarity:.2f} alike by {kind}: "
                f"{second.values['question']!r}, {first.values['question']!r}"
            )


def _evidence_faults(record: Record, texts: dict[str, str], *, told: bool = True) -> Iterator[str]:
    """Faults of gold, further places ("also"), reference and key facts; `told`: the reference has to hold the facts."""
    one = record.values
    if not (bool(one["gold"]) == bool(one["reference"]) == bool(one["key_facts"]) == one["answerable"]):
        yield f"{record.place}: gold, reference and key facts belong to answerable questions, and to all of them"
    for gold in (*one["gold"], *one.get("also", ())):
        if gold["lecture"] not in texts:
            yield f"{record.place}: there is no lecture {gold['lecture']!r}"
        elif not gold["quote"] or gold["quote"] not in texts[gold["lecture"]]:
            yield f"{record.place}: the quote {gold['quote'][:60]!r} does not stand in {gold['lecture'] or 'the text'}"
    quoted = " ".join(gold["quote"] for gold in one["gold"]).casefold()
    for fact in one["key_facts"]:
        if told and fact.casefold() not in one["reference"].casefold():
            yield f"{record.place}: the key fact {fact!r} is not in the reference"
        if fact.casefold() not in quoted:
            yield f"{record.place}: the key fact {fact!r} is not in the quotes"
    for _, fault in latex_faults(one["reference"]):
        yield f"{record.place}: {fault}"


def _section_faults(record: Record, lectures: dict[str, Lecture]) -> Iterator[str]:
    one = record.values
    lecture = lectures.get(one["lecture"])
    if lecture is None:
        yield f"{record.place}: there is no lecture {one['lecture']!r}"
    elif one["section"]:
        start = lecture.text.find(one["gold"][0]["quote"]) if one["gold"] else -1
        if one["section"] not in {section.heading for section in lecture.sections}:
            yield f"{record.place}: {one['lecture']} has no section {one['section']!r}"
        elif (
            one["gold"] and one["gold"][0]["lecture"] == one["lecture"] and lecture.heading_at(start) != one["section"]
        ):
            yield f"{record.place}: the first quote stands in {lecture.heading_at(start)!r}, not in {one['section']!r}"


def _dialogue_faults(record: Record) -> Iterator[str]:
    one = record.values
    if "dialogue" not in one:
        return
    earlier = one.get("turn", 0) - 1
    if len(one.get("history", ())) != earlier or not one.get("standalone"):
        yield f"{record.place}: turn {earlier + 1} wants a standalone form and {earlier} earlier turns"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the check."""
    parser = argparse.ArgumentParser(prog="python -m corpus.check", description=__doc__.split("\n")[0])
    parser.add_argument("lectures", nargs="*", metavar="LECTURE.md", help="check these lectures alone")
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of the course (default: the shipped one)")
    parser.add_argument(
        "--against", type=Path, nargs="+", default=[], metavar="PATH", help="texts to share nothing with"
    )
    args = parser.parse_args(argv)
    try:
        course = read_course(args.root)
    except (CourseError, OSError) as fault:
        print(fault, file=sys.stderr)
        return 2
    if unknown := set(args.lectures) - set(course.lectures):
        parser.error(f"no lecture {', '.join(sorted(unknown))} in {args.root}")
    found = list(faults(course, args.lectures))
    if not args.lectures:
        single = [one for one in course.questions if "dialogue" not in one.values and "question" in one.values]
        questions = [one.values["question"] for one in single]
        split = [one.values["split"] for one in single]
        pairs = {"words": alike_by_words(questions, split), "meaning": alike_by_meaning(questions, split)}
        for kind, nearest in pairs.items():
            found.extend(alike_faults(kind, nearest, single))
        print(report(course, {kind: nearest[0].similarity for kind, nearest in pairs.items() if nearest}))
    if args.against:
        found.extend(_copied(course, args.against))
    for line in found:
        print(line)
    print(f"{len(found)} faults")
    return 1 if found else 0


def _copied(course: Course, paths: Sequence[Path]) -> Iterator[str]:
    """Runs of words shared with other texts; formulas and the titles of sources are no sentences of ours."""
    named = [(name, lecture.prose()) for name, lecture in course.lectures.items()]
    named += [(one.place, f"{one.values.get('question')} . {one.values.get('reference')}") for one in course.questions]
    named += [(one.place, str(one.values.get("text"))) for one in course.reading]
    named += list(course.decks.items())
    parts = [
        (name, part) for name, text in named for part in re.split(r"\$\$.*?\$\$|\$[^$\n]*\$", text, flags=re.DOTALL)
    ]
    for path in paths:
        for number, other, run in shared_runs([part for _, part in parts], texts_of(path)):
            yield f"{parts[number][0]} shares {run!r} with {other}"


if __name__ == "__main__":
    sys.exit(main())
