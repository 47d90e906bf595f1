"""The conversation: one turn after another, written as the tutor writes it, as answers or as hints."""

from __future__ import annotations

import json
import re
import traceback
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tutor.answer import Answer
from tutor.errors import Stopped, TutorError
from tutor.hint import STEPS, hint, inert
from tutor.suggest import suggestions
from tutor.ui.loading import Loading, Tutoring, user_errors
from tutor.ui.markdown import settled, without_html
from tutor.ui.payload import VERSION, failure_json, panel_json
from tutor.ui.workings import KEPT, Kept

EXAMPLES = (
    "Why do gradients vanish in a recurrent network?",
    "What does the forget gate of an LSTM do?",
    "How does a GRU differ from an LSTM?",
    "Why are attention scores divided by the square root of the dimension?",
    "Why does a Transformer need positional encodings?",
)

WAITING = "…"
LOADING = "*Loading the model…*"
LOOKING = "*Looking for the place…*"
BUG = "Something went wrong inside the program; the reason stands in the terminal that runs it."
EMPTY = (
    "**The index holds no lecture yet.** Add files in the tab Lectures, or build an index from a folder with "
    "`python -m index.build FOLDER --store {store}`; this page then answers from it without a restart."
)
NEXT, REVEAL = "Next hint", "Show the answer"
GIVEN = "*The answer has been given already; ask another question.*"

_ASIDE = r"(?:\W*\b(?:please|ok(?:ay)?|thanks|thank you)\b)*\W*"
"""What is said politely around a wish."""
_NEXT = re.compile(
    rf"{_ASIDE}(?:(?:give me|i need|can i have) )?(?:(?:one )?more|(?:(?:the )?next|another|a|one more)(?: hint| one)|"
    rf"next|another|hint|go on|help(?: me)?|i (?:don['’]?t|do not) know|no idea|i(?: a|['’]?)m (?:lost|stuck)){_ASIDE}",
    re.IGNORECASE,
)
_REVEAL = re.compile(
    rf"{_ASIDE}(?:(?:just )?(?:show|tell|give)(?: me)? )?(?:(?:what is |what['’]?s )?(?:the )?(?:whole )?"
    rf"(?:answer|solution)|i give up|(?:just )?tell me){_ASIDE}",
    re.IGNORECASE,
)
_HINTED = ("The sources are shown with the answer.", "Where the words come from is shown with the answer.")


@dataclass(frozen=True, kw_only=True)
class Asking:
    """How a question is asked: for hints or an answer, of which model (None: the started one), and where to look."""

    hints: bool = False
    model: str | None = None
    course: str | None = None
    documents: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A question, what the chat shows below it, and the tutor's words once they are complete (else None).

    `kept` holds the answer for those who look into its workings, as long as it is one of the latest. `record` is what
    is stored and exported of an answer: `Answer.to_json()` with the generation of the store and the time. `hint` is
    the last hint that was given while the answer is held back, else 0; `given` says that hints have led up to its
    answer, so that there is no next one; `options` are what a click may say next.
    """

    question: str
    shown: str
    answer: str | None = None
    kept: Kept | None = None
    record: Mapping[str, Any] | None = None
    hint: int = 0
    given: bool = False
    options: tuple[str, ...] = ()
    key: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A state of the page: the conversation so far, and the panel's payload with the last frame of an answer."""

    turns: tuple[Turn, ...]
    panel: str | None = None

    def messages(self) -> list[dict[str, Any]]:
        """The conversation as chat messages."""
        found: list[dict[str, Any]] = []
        for turn in self.turns:
            found.append({"role": "user", "content": without_html(turn.question)})
            if turn.shown:
                options = [{"value": one} for one in turn.options]
                found.append({"role": "assistant", "content": without_html(turn.shown), "options": options})
        return found


def turn_of(turns: Sequence[Turn], message: int) -> int:
    """The position of the turn that a message, by its position, belongs to. ValueError where there is none."""
    owners = [place for place, turn in enumerate(turns) for _ in range(2 if turn.shown else 1)]
    if not 0 <= message < len(owners):
        raise ValueError(f"message is {message}; there are {len(owners)}")
    return owners[message]


def respond(loading: Loading, question: str, turns: Sequence[Turn], how: Asking | None = None) -> Iterator[Frame]:
    """Answer `question` after the earlier `turns`, or go on with the hints of the last one where it says so.

    Errors become one line of the chat; a bug is logged besides.
    """
    how = how or Asking()
    if turns and (turns[-1].hint or turns[-1].given) and (_NEXT.fullmatch(question) or _REVEAL.fullmatch(question)):
        if turns[-1].given:
            yield Frame(turns=(*turns, Turn(question=question, shown=GIVEN, given=True)))
        else:
            yield go_on(turns, STEPS if _REVEAL.fullmatch(question) else turns[-1].hint + 1)
        return
    # The last place is for the answer to come.
    earlier = tuple(replace(past, kept=None) for past in turns[: -KEPT + 1]) + tuple(turns[-KEPT + 1 :])
    earlier = tuple(replace(past, hint=0, options=()) for past in earlier)
    turn = Turn(question=question, shown=(LOOKING if how.hints else WAITING) if loading.done else LOADING)
    yield Frame(turns=(*earlier, turn))
    try:
        tutor = loading.get(how.model)
        if not any(one.passages for one in tutor.store.sources()):
            turn = replace(turn, shown=empty(tutor.store))
            yield Frame(turns=(*earlier, turn), panel=failure_json(len(earlier)))
            return
        history = [(past.question, past.answer) for past in earlier if past.answer is not None]
        how = still_there(how, tutor.store)
        with loading.answering.answer("page", question, turn.key) as job:
            stream = tutor.stream(question, history=history, course=how.course, documents=how.documents)
            job.watch(stream, model=tutor.model_name, generation=tutor.store.generation)
            text = ""
            for delta in stream:
                text += delta
                so_far = LOOKING if how.hints else settled(text)
                if so_far.strip() and so_far != turn.shown:
                    turn = replace(turn, shown=so_far)
                    yield Frame(turns=(*earlier, turn))
            answer = stream.answer
            job.done(answer)
            kept = loading.workings.keep(answer, tutor)
            model = how.model or loading.models()[0]
            turn = replace(turn, kept=kept, record=record_of(answer, tutor, model))
            if how.hints and answer.citations:
                yield go_on((*earlier, turn), 1)
                return
            turn = replace(turn, shown=shown(answer), answer=answer.text)
            yield Frame(turns=(*earlier, turn), panel=panel_json(answer, len(earlier), kept.key))
            next_ones = () if job.stopped else next_questions(answer, tutor, earlier, how)
            if next_ones:
                yield Frame(turns=(*earlier, replace(turn, options=next_ones)))
    except Stopped:
        # Nobody is there any more to be told.
        return
    except Exception as fault:
        # The border to the page: whatever happens below, the reader sees a sentence and the terminal the reason.
        if not isinstance(fault, user_errors()):
            traceback.print_exc()
        turn = replace(turn, shown=f"**No answer.** {one_line(fault)}")
        yield Frame(turns=(*earlier, turn), panel=failure_json(len(earlier)))


def stopped(turns: Sequence[Turn]) -> Frame:
    """The conversation after its last answer was stopped half-way; as it was where there is nothing to stop."""
    if not turns or turns[-1].record is not None:
        return Frame(turns=tuple(turns))
    *earlier, turn = turns
    written = "" if turn.shown in (WAITING, LOADING, LOOKING) else turn.shown
    return Frame(turns=(*earlier, replace(turn, shown=f"{written}\n\n*Stopped.*".strip())))


def go_on(turns: Sequence[Turn], step: int) -> Frame:
    """The last turn with one hint more, or with its answer, which then counts as given."""
    *earlier, turn = turns
    assert turn.kept is not None
    kept, place = turn.kept, len(earlier)
    answer = kept.answer
    before = turn.shown + "\n\n" if turn.hint else ""
    if step < STEPS:
        said = f"{before}**Hint {step}.**" + (" " if step == 1 else "\n\n") + hint(answer, step)
        turn = replace(turn, shown=said, hint=step, options=(NEXT, REVEAL) if step < STEPS - 1 else (REVEAL,))
        return Frame(turns=(*earlier, turn), panel=notes_json(place, *_HINTED))
    said = f"{before}**Answer.**\n\n{shown(answer)}"
    turn = replace(turn, shown=said, answer=answer.text, hint=0, given=True, options=())
    return Frame(turns=(*earlier, turn), panel=panel_json(answer, place, kept.key))


def panels_json(turns: Sequence[Turn]) -> str:
    """The panel's payloads of all answers that can still be looked into, the oldest first."""
    kept = [(place, turn.kept) for place, turn in enumerate(turns) if turn.kept is not None and turn.answer is not None]
    return f"[{','.join(panel_json(one.answer, place, one.key) for place, one in kept)}]"


def notes_json(turn: int, sources: str, attention: str) -> str:
    """The panel's payload where there is nothing to show yet: a sentence for each of its pages. What the panel knew of
    this turn and of later ones is forgotten."""
    return json.dumps({"version": VERSION, "turn": turn, "notes": [sources, attention]})


def still_there(how: Asking, store: Any) -> Asking:
    """`how` without the lectures that were removed since they were chosen. Raises TutorError where none is left."""
    known = {one.source for one in store.sources() if one.passages and how.course in (None, one.course)}
    left = tuple(one for one in how.documents or () if one in known)
    if not known or (how.documents and not left):
        raise TutorError('what was chosen under "Where to look" is not in the index any more; choose anew')
    return replace(how, documents=left or None)


def empty(store: Any) -> str:
    """What to do about a store without passages, as Markdown: `store` names its path and what it skipped."""
    skipped = [one for one in store.sources() if one.reason]
    first = f" The first of {len(skipped)} that were not read: {inert(skipped[0].source)}, {inert(skipped[0].reason)}."
    return EMPTY.format(store=store.path) + (first if skipped else "")


def next_questions(answer: Answer, tutor: Tutoring, earlier: Sequence[Turn], how: Asking) -> tuple[str, ...]:
    """What may be asked next, without what was asked; nothing where the search for it fails."""
    asked = [turn.question for turn in earlier]
    try:
        return suggestions(answer, tutor.store, asked=asked, course=how.course, documents=how.documents)
    except user_errors():
        return ()


def record_of(answer: Answer, tutor: Tutoring, model: str) -> dict[str, Any]:
    """What is stored and exported of an answer; `model` is the name under which it was chosen."""
    time = datetime.now(UTC).isoformat(timespec="seconds")
    return {**answer.to_json(), "model": model, "generation": tutor.store.generation, "time": time}


def shown(answer: Answer) -> str:
    """An answer as the chat shows it: a refusal is set apart, and a bare quotation says that it is one."""
    if answer.refused:
        return "> " + answer.text.replace("\n", "\n> ")
    if answer.extractive:
        return f"{answer.text}\n\n*Quoted word for word from the source.*"
    return answer.text


def one_line(fault: Exception) -> str:
    """What the reader is told of an error: its line if it was meant for them, inert as Markdown and HTML."""
    if not isinstance(fault, user_errors()):
        return BUG
    line = inert(" ".join(str(fault).split()))
    return line[:1].upper() + line[1:] + ("" if line.endswith((".", "!", "?")) else ".")
