"""What the page offers to programs: `ask` and `retrieve`, over HTTP and as MCP tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tutor.ui.loading import Loading, user_errors

MOST_PASSAGES = 50

Endpoint = Callable[..., Any]


def endpoints(loading: Loading) -> tuple[Endpoint, Endpoint]:
    """The functions `ask` and `retrieve` of a tutor. An error for the user becomes a `gradio.Error` with its line."""

    def ask(question: str, history: list[list[str]] | None = None) -> dict[str, Any]:
        """Answer a question about the course from its lecture material, with citations.

        Args:
            question: A question about the course, at most 2000 characters.
            history: Earlier turns of the conversation, oldest first, each a list of question and answer.
        """
        with _reported():
            stream = loading.get().stream(question, history=_turns(history))
            for _ in stream:
                pass
            return stream.answer.to_json()

    def retrieve(question: str, k: int = 5) -> list[dict[str, Any]]:
        """Find the passages of the lecture material that bear on a question, best first.

        Args:
            question: What to look for, at most 2000 characters.
            k: How many passages to return, 1 to 50.
        """
        from tutor.tutor import check_question

        with _reported():
            if not 1 <= k <= MOST_PASSAGES:
                raise ValueError(f"k is {k}; it must be from 1 to {MOST_PASSAGES}")
            hits = loading.get().store.search(check_question(question), k=int(k))
            return [{"score": round(float(hit.score), 6), **hit.passage.to_json()} for hit in hits]

    return ask, retrieve


def _turns(history: list[list[str]] | None) -> list[tuple[str, str]]:
    turns = [] if history is None else history
    if not isinstance(turns, list) or not all(
        isinstance(turn, list) and len(turn) == 2 and all(isinstance(part, str) for part in turn) for turn in turns
    ):
        raise ValueError("history must be a list of [question, answer] pairs")
    return [(question, answer) for question, answer in turns]


class _reported:
    """Turns an error for the user into the one that gradio passes on, without a traceback in the terminal."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, (ValueError, *user_errors())):
            import gradio

            raise gradio.Error(str(fault), print_exception=False) from fault
