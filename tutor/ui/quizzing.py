"""What the quiz shows, step by step: a question, what an answer to it is worth, and how far the student is.

The words of it are those of the passages and fixed phrases. After a first answer that is not right only the place is
shown, so that the second try is more than copying; then come the missing facts and the sentence.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutor.errors import TutorError
from tutor.hint import GAP, inert, place_of
from tutor.quiz import Quiz
from tutor.quiz_grading import Grade, Remark, Verdict
from tutor.quiz_item import Item
from tutor.quiz_progress import TRIES, Progress
from tutor.quizzable import Gold
from tutor.ui import lectures
from tutor.ui.chat import one_line
from tutor.ui.drawing import inert_json
from tutor.ui.loading import Loading, user_errors
from tutor.ui.markdown import without_html
from tutor.ui.payload import runs_marked, visible

NOTE = (
    "Questions are made from sentences of the lectures, by a small model or by fixed rules: skip one that is clumsy. "
    "A short answer is enough. After a first miss you see the place and may try once more, after a second one you see "
    "the answer; what is right within these two tries counts as known. Your progress stays in this browser."
)
LOOKING = "Looking for a question…"
NOTHING = "Nothing more was found to ask about here: choose other lectures, or begin anew."
_VERDICTS = {Verdict.RIGHT: "Right.", Verdict.PARTLY: "Partly.", Verdict.NOT_YET: "Not yet."}


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The item that is being asked. `over` says that it takes no more answers."""

    item: Item
    over: bool = False


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A state of the tab: question and feedback as Markdown, the card of the passage as JSON ("" for none), the turn
    (None before the first and after a fault) and the progress."""

    question: str
    feedback: str = ""
    card: str = ""
    turn: Turn | None = None
    progress: Progress
    answers: bool = False

    @property
    def may_retry(self) -> bool:
        """Whether the item was answered and can be answered once more."""
        return self.turn is not None and not self.turn.over and not self.answers

    @property
    def may_show(self) -> bool:
        """Whether there is an answer to show."""
        return self.turn is not None and not self.turn.over


class Desk:
    """The quiz on what the tutor of a page knows now."""

    def __init__(self, loading: Loading) -> None:
        self._loading = loading
        self._quiz: Quiz | None = None

    def quiz(self) -> Quiz:
        """The quiz of the newest generation of the store. Raises NotLoaded."""
        tutor: Any = self._loading.get()
        if self._quiz is None or self._quiz.tutor is not tutor:
            self._quiz = Quiz(tutor)
        return self._quiz


def asked(desk: Desk, progress: Progress, keys: Sequence[str], random: np.random.Generator) -> Frame:
    """A new question on the documents of those keys (none: on all), as far as they are in the index."""
    try:
        quiz = desk.quiz()
        there = {one for _, one in lectures.choices(quiz.tutor.store)}
        left = [split(key) for key in keys if key in there]
        if keys and not left:
            raise TutorError("what was chosen is not in the index any more; choose anew")
        item = quiz.ask(random, keys=left or None, asked=tuple(progress.items))
    except Exception as fault:
        return Frame(question=_line(fault), progress=progress)
    if item is None:
        return Frame(question=NOTHING, progress=progress)
    return Frame(question=question_text(item), turn=Turn(item=item), progress=progress.asked(item), answers=True)


def answered(desk: Desk, progress: Progress, turn: Turn, answer: str) -> Frame:
    """What an answer to the item of a turn is worth."""
    item = turn.item
    try:
        grade = desk.quiz().grade(item, answer)
    except Exception as fault:
        return Frame(
            question=question_text(item), feedback=_line(fault), turn=turn, progress=progress, answers=not turn.over
        )
    if answer.strip():
        progress = progress.answered(item, grade.verdict)
    over = grade.verdict is Verdict.RIGHT or progress.tries(item) >= TRIES
    return Frame(
        question=question_text(item),
        feedback=feedback_text(grade, over=over),
        card=card_json(grade.gold, open_=over),
        turn=Turn(item=item, over=over),
        progress=progress,
    )


def retried(progress: Progress, turn: Turn) -> Frame:
    """The same question once more."""
    return Frame(question=question_text(turn.item), turn=turn, progress=progress, answers=not turn.over)


def shown(progress: Progress, turn: Turn) -> Frame:
    """The answer to an item, which cannot become known any more."""
    gold = turn.item.gold
    return Frame(
        question=question_text(turn.item),
        feedback=f"**The answer.**\n\n{_quoted(gold)}",
        card=card_json(gold, open_=True),
        turn=Turn(item=turn.item, over=True),
        progress=progress.shown(turn.item),
    )


def offered(store: lectures.Shelf, keys: Sequence[str]) -> list[tuple[str, str]]:
    """(label, key) of the lectures to choose from; those of the chosen `keys` that were removed say so."""
    known = lectures.choices(store)
    gone = [key for key in keys if key not in {one for _, one in known}]
    return known + [(f"{split(key)[1]} (not in the index any more)", key) for key in gone]


def question_text(item: Item) -> str:
    """A question and the lecture it is on, as Markdown."""
    text = without_html(item.question).replace(GAP, GAP.replace("_", r"\_"))
    return f"**{inert(item.gold.passage.document)}**\n\n{text}"


def feedback_text(grade: Grade, *, over: bool) -> str:
    """What an answer is worth, as Markdown: with the missing facts and the sentence where it is `over`."""
    lines = [f"**{_VERDICTS[grade.verdict]}**"]
    if grade.remark and not (over and grade.remark is Remark.EMPTY):
        lines[0] += f" {grade.remark.value}"
    if grade.present:
        lines.append(f"You have: {_listed(grade.present)}.")
    if grade.missing and over:
        lines.append(f"{'Also there' if grade.verdict is Verdict.RIGHT else 'Missing'}: {_listed(grade.missing)}.")
    elif grade.missing and grade.remark is not Remark.EMPTY:
        count = len(grade.missing)
        lines.append(f"Still missing: {count} key {'fact' if count == 1 else 'facts'}.")
    lines.append(_quoted(grade.gold) if over else f"Look in {place_of(grade.gold.passage)}.")
    return "\n\n".join(lines)


def _listed(facts: Sequence[str]) -> str:
    # A formula is set, everything else stands there as it is.
    return ", ".join(without_html(fact) if fact.startswith("$") else f"“{inert(fact)}”" for fact in facts)


def _quoted(gold: Gold) -> str:
    return "> " + without_html(gold.text).replace("\n", "\n> ")


def card_json(gold: Gold, *, open_: bool) -> str:
    """A passage as the page draws it, with the sentence marked where it is shown `open_`."""
    one = gold.passage
    return inert_json(
        {
            "title": visible(one.document),
            "place": visible(one.locator.describe()),
            "runs": runs_marked(one, gold.start, gold.end if open_ else gold.start),
            "open": open_,
        }
    )


def progress_json(progress: Progress) -> str:
    """The progress by lecture as the page draws it; "" where nothing was asked."""
    rows = progress.standings()
    if not rows:
        return ""
    several = len({one.course for one in rows}) > 1
    return inert_json(
        [
            {
                "lecture": visible(f"{one.course}: {one.document}" if several else one.document),
                "asked": one.asked,
                "known": one.known,
                "share": round(one.share, 4),
            }
            for one in rows
        ]
    )


def split(key: str) -> tuple[str, str]:
    """Course and source of a key of `tutor.ui.lectures`."""
    course, _, source = key.partition("\n")
    return course, source


def _line(fault: Exception) -> str:
    # The border to the page: whatever happens below, the reader sees a sentence and the terminal the reason.
    if not isinstance(fault, (TutorError, *user_errors())):
        traceback.print_exception(fault)
    return one_line(fault)
