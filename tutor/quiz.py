"""Asks the student: questions on the material, made by the model or by rules, and the grading of what is answered.

    python -m tutor.quiz                            # one question on the shipped lectures, with its answer
    python -m tutor.quiz --count 60 --json [--store DIR] [--model NAME_OR_DIR]

An item is named by what it is made of: kind, passage, sentence and gap. So nothing has to be kept between question and
answer, and whoever lists the names of what was asked is not asked the same again, nor a sentence that says the same.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from corpus.document import Passage
from index.device import Placed
from tutor.candidate import Candidate, folded
from tutor.errors import TutorError
from tutor.odds import read_hits
from tutor.quiz_asked import asked_of
from tutor.quiz_facts import core, key_facts
from tutor.quiz_grading import Grade, Verdict, grade
from tutor.quiz_item import NAME, Item, Kind, cloze_item, name_of
from tutor.quiz_material import Key, Lecture, Material, key_of
from tutor.quiz_writing import answers_fit, is_question, knows_asking, write_question
from tutor.quizzable import Gold, alike, defines, gaps

LONGEST_ANSWER = 2000
"""Characters."""

_FOUND, _ANSWERS = 3, 0.5
"""A question is kept when a search for it finds its sentence in the first so many passages, and the ranker gives the
sentence at least this probability to answer."""

_DEFINED = 0.5
"""Chance that the terms of a lecture are asked for before its sentences with gaps."""

_FEWEST_FACTS = 2
"""Key facts of an answer in words of one's own."""

_WRITTEN, _SEARCHED = 4, 10
"""For one item the model writes and the store is searched at most so often: 0.15 s and 0.4 s each on two CPU cores."""


class Quizzed(Protocol):
    """What is needed of a tutor; see `tutor.tutor.Tutor`."""

    @property
    def store(self) -> Any: ...

    @property
    def placed(self) -> Placed[Any]: ...


class Quiz:
    """Questions on the store of a tutor. It keeps what it has read of the store and nothing else."""

    def __init__(self, tutor: Quizzed, write: Callable[[Any, Gold], str] = write_question) -> None:
        """`write` gives what a checkpoint asks on a sentence."""
        self.tutor, self._write = tutor, write
        self._material = Material(tutor.store)

    def ask(
        self,
        random: np.random.Generator,
        *,
        course: str | None = None,
        documents: Sequence[str] | None = None,
        keys: Sequence[Key] | None = None,
        asked: Sequence[str] = (),
    ) -> Item | None:
        """An item on a course or some of its sources or titles, or on the documents of these `keys` (course and
        source), on a sentence unlike those that were `asked` about (names of items); None where none was found. The
        lectures that were asked about least come first.

        TutorError for an unknown course or document, or what is no name.
        """
        from tutor.tutor import check_names

        check_names(course, documents)
        chosen = [key for key in self._material.chosen(course, documents) if keys is None or key in keys]
        before = [gold for name in asked if (gold := self._material.gold(name)) is not None]
        counts = Counter(key_of(gold.passage) for gold in before)
        budget = Counter(written=_WRITTEN if knows_asking(self.tutor.placed.what) else 0, searched=_SEARCHED)
        for key in sorted(chosen, key=lambda key: (counts[key], random.random())):
            lecture = self._material.lecture(key)
            fresh = [gold for gold in lecture.golds if not any(_same(gold, one) for one in before)]
            fresh = [fresh[place] for place in random.permutation(len(fresh)).tolist()]
            rules = [self._defined(fresh, lecture, budget), self._gapped(fresh, lecture, random)]
            for made in (self._written(fresh, budget), *(rules if random.random() < _DEFINED else rules[::-1])):
                for item in made:
                    if not any(_same(gold, one) for gold in item.golds for one in before):
                        return item
        return None

    def rebuild(self, item_id: str) -> Item:
        """The item of that name. TutorError where the store or the model no longer makes it."""
        match, gold = NAME.fullmatch(item_id), self._material.gold(item_id)
        item = None
        if match and gold and gold in (lecture := self._material.lecture(key_of(gold.passage))).golds:
            if match[1] == "definition":
                item = self._definition(gold, lecture)
            elif match[1] == "cloze":
                gap = (int(match[5] or 0), int(match[6] or 0))
                item = cloze_item(gold, gap) if gap in gaps(gold, lecture.terms) else None
            elif match[1] == "ask" and knows_asking(self.tutor.placed.what):
                item = self._question(gold)
        if item is None or item.item_id != item_id:
            raise TutorError("there is no such question, or not any more; ask for a new one")
        return item

    def grade(self, item: Item, answer: str) -> Grade:
        """What an answer to an item is worth; of several sentences that answer it, the one it meets best counts.

        TutorError for an overlong answer.
        """
        if len(answer) > LONGEST_ANSWER:
            raise TutorError(f"the answer has {len(answer):,} characters; answer in at most {LONGEST_ANSWER:,}")
        encode = self.tutor.store.encode
        if item.kind == "cloze":
            return grade(item.facts, item.question, item.gold, answer, encode, gap=True)
        rarity, found = self._material.rarity, []
        for gold in item.golds:
            sentence = _answering(item.kind, gold)
            if facts := key_facts(sentence, item.question, rarity):
                asked = asked_of(item.question, sentence, rarity)
                found.append(grade(facts, item.question, gold, answer, encode, asked=asked))
        return max(found, key=lambda one: (list(Verdict)[::-1].index(one.verdict), one.share))

    def _written(self, golds: Sequence[Gold], budget: Counter[str]) -> Iterator[Item]:
        for gold in golds:
            if budget["written"] <= 0 or budget["searched"] <= 0:
                return
            budget["written"] -= 1
            item = self._question(gold)
            if item and self._leads_back(item, budget, first=True):
                yield item

    def _defined(self, golds: Sequence[Gold], lecture: Lecture, budget: Counter[str]) -> Iterator[Item]:
        for gold in golds:
            item = self._definition(gold, lecture)
            if item and budget["searched"] > 0 and self._leads_back(item, budget):
                yield item

    def _gapped(self, golds: Sequence[Gold], lecture: Lecture, random: np.random.Generator) -> Iterator[Item]:
        for gold in golds:
            found = list(gaps(gold, lecture.terms))
            if found:
                yield cloze_item(gold, found[int(random.integers(len(found)))])

    def _question(self, gold: Gold) -> Item | None:
        """What the model asks on a sentence, where that is a question on it."""
        question = self.tutor.placed.run(lambda checkpoint: self._write(checkpoint, gold))
        if not is_question(question) or not answers_fit(question, gold):
            return None
        return self._open("ask", question, (gold,), f"-{zlib.crc32(question.encode()):08x}")

    def _definition(self, gold: Gold, lecture: Lecture) -> Item | None:
        found = defines(gold.text)
        if found is None:
            return None
        others = tuple(one for one in lecture.defining[folded(found[1])] if one != gold)
        return self._open("definition", found[0], (gold, *others))

    def _open(self, kind: Kind, question: str, golds: tuple[Gold, ...], check: str = "") -> Item | None:
        """An item that is answered in words of one's own; None where there is too little to say."""
        facts = key_facts(_answering(kind, golds[0]), question, self._material.rarity)
        if len(facts) < _FEWEST_FACTS and all(fact.kind == "term" for fact in facts):
            return None
        return Item(item_id=name_of(kind, golds[0]) + check, kind=kind, question=question, golds=golds, facts=facts)

    def _leads_back(self, item: Item, budget: Counter[str], *, first: bool = False) -> bool:
        """Whether a search for the question finds its sentence as the one that answers in its passage, likelier than
        the others that answer it, and, with `first`, than all sentences of all passages found."""
        budget["searched"] -= 1
        hits = self.tutor.store.search(item.question, k=_FOUND)
        if not hits or not hits[0].sentences:
            return False
        read = hits[0].sentences[0].answers is not None
        best: dict[int, Candidate] = {}
        for one in sorted(read_hits(hits, item.question), key=lambda one: -one.score):
            if (one.score >= _ANSWERS or not read) and not (first and best):
                best.setdefault(one.passage, one)
        found = (
            gold for number, one in best.items() for gold in item.golds if _stands(one, hits[number].passage, gold)
        )
        return next(found, None) == item.gold


def _answering(kind: Kind, gold: Gold) -> str:
    """The part of a sentence that answers: what a term means is said before the remarks on it."""
    return core(gold.text) if kind == "definition" else gold.text


def _stands(one: Candidate, passage: Passage, gold: Gold) -> bool:
    return passage.passage_id == gold.passage.passage_id and one.start < gold.end and gold.start < one.end


def _same(one: Gold, other: Gold) -> bool:
    overlap = one.passage.passage_id == other.passage.passage_id and one.start < other.end and other.start < one.end
    return overlap or alike(one, other)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m tutor.quiz", description="Ask questions on the lectures.")
    cli.add_argument("--count", type=int, default=1, help="how many questions (default 1)")
    cli.add_argument("--course", help="keep to one course")
    cli.add_argument("--document", action="append", help="keep to a lecture by its source or title; may be repeated")
    cli.add_argument("--store", type=Path, help="store to ask about; by default the shipped lectures")
    cli.add_argument("--model", help="checkpoint name or directory")
    cli.add_argument("--device", help="cpu or cuda; by default a GPU where there is one")
    cli.add_argument("--seed", type=int, help="the same seed gives the same questions")
    cli.add_argument("--json", action="store_true", help="print one JSON object a question")
    return cli


def _run(arguments: argparse.Namespace) -> None:
    from tutor.tutor import Tutor

    quiz = Quiz(Tutor.load(arguments.store, arguments.model, arguments.device))
    random = np.random.default_rng(arguments.seed)
    asked: list[str] = []
    for number in range(1, arguments.count + 1):
        started = time.perf_counter()
        item = quiz.ask(random, course=arguments.course, documents=arguments.document, asked=asked)
        if item is None:
            raise TutorError("nothing more was found to ask about; choose other lectures")
        asked.append(item.item_id)
        seconds = round(time.perf_counter() - started, 3)
        if arguments.json:
            print(json.dumps({**item.to_json(reveal=True), "seconds": seconds}, ensure_ascii=False), flush=True)
        else:
            print(f"{number}. {item.question}\n   {item.gold.text}\n   ({item.gold.passage.locator.describe()}; "
                  f"facts: {'; '.join(fact.text for fact in item.facts)})", flush=True)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input, store or model."""
    arguments = parser().parse_args(argv)
    from index.errors import StoreError

    try:
        _run(arguments)
    except (ValueError, StoreError, OSError) as fault:
        print(f"tutor.quiz: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
