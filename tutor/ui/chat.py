"""The conversation: one turn after another, written as the tutor writes it."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tutor.answer import Answer
from tutor.ui.loading import Loading, user_errors
from tutor.ui.markdown import settled
from tutor.ui.payload import failure_json, panel_json

EXAMPLES = (
    "Why do gradients vanish in a recurrent network?",
    "What does the forget gate of an LSTM do?",
    "How does a GRU differ from an LSTM?",
    "Why are attention scores divided by the square root of the dimension?",
    "Why does a Transformer need positional encodings?",
)

LOADING = "*Loading the model…*"
BUG = "Something went wrong inside the program; the reason stands in the terminal that runs it."


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A question, what the chat shows below it, and the tutor's words once they are complete (else None)."""

    question: str
    shown: str
    answer: str | None = None


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A state of the page: the conversation so far, and the panel's payload with the last frame of an answer."""

    turns: tuple[Turn, ...]
    panel: str | None = None

    def messages(self) -> list[dict[str, Any]]:
        """The conversation as chat messages."""
        found: list[dict[str, Any]] = []
        for turn in self.turns:
            found.append({"role": "user", "content": turn.question})
            if turn.shown:
                found.append({"role": "assistant", "content": turn.shown})
        return found


def respond(loading: Loading, question: str, turns: Sequence[Turn]) -> Iterator[Frame]:
    """Answer `question` after the earlier `turns`. Errors become one line of the chat; a bug is logged besides."""
    earlier = tuple(turns)
    turn = Turn(question=question, shown="…" if loading.done else LOADING)
    yield Frame(turns=(*earlier, turn))
    try:
        history = [(past.question, past.answer) for past in earlier if past.answer is not None]
        stream = loading.get().stream(question, history=history)
        text = ""
        for delta in stream:
            text += delta
            so_far = settled(text)
            if so_far.strip() and so_far != turn.shown:
                turn = replace(turn, shown=so_far)
                yield Frame(turns=(*earlier, turn))
        answer = stream.answer
        turn = replace(turn, shown=shown(answer), answer=answer.text)
        yield Frame(turns=(*earlier, turn), panel=panel_json(answer, len(earlier)))
    except Exception as fault:
        # The border to the page: whatever happens below, the reader sees a sentence and the terminal the reason.
        if not isinstance(fault, user_errors()):
            traceback.print_exc()
        turn = replace(turn, shown=f"**No answer.** {one_line(fault)}")
        yield Frame(turns=(*earlier, turn), panel=failure_json(len(earlier)))


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
    line = " ".join(str(fault).split())
    line = re.sub(r"([\\`*_\[\]$])", r"\\\1", line).replace("<", "&lt;")
    return line[:1].upper() + line[1:] + ("" if line.endswith((".", "!", "?")) else ".")
