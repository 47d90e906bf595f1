"""What the page offers to programs, over HTTP and as MCP tools; `tutor.ui.programs` tells how to call it."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import Any

from tutor.answer import Answer
from tutor.errors import Stopped
from tutor.ui.health import report
from tutor.ui.loading import Loading, Tutoring, user_errors
from tutor.ui.quizzing import Desk

MOST_PASSAGES = 50

ANSWERING = frozenset({"ask", "explain"})
"""The functions that let the model answer."""

Endpoint = Callable[..., Any]


def endpoints(loading: Loading) -> tuple[Endpoint, ...]:
    """The functions of a tutor by their names. An error for the user becomes a `gradio.Error` with its line."""

    def answered(
        way: str, question: str, history: list[list[str]] | None, told: Callable[[Tutoring, Answer], dict[str, Any]]
    ) -> dict[str, Any]:
        with _reported(), loading.answering.answer(way, question) as job:
            tutor = loading.get()
            stream = tutor.stream(question, history=_turns(history))
            job.watch(stream, model=tutor.model_name, generation=tutor.store.generation)
            for _ in stream:
                pass
            job.done(stream.answer)
            return told(tutor, stream.answer)

    def ask(question: str, history: list[list[str]] | None = None) -> dict[str, Any]:
        """Answer a question about the course from its lecture material, with citations.

        Args:
            question: A question about the course, at most 2000 characters.
            history: Earlier turns of the conversation, oldest first, each a list of question and answer.
        """
        return answered("ask", question, history, lambda _, answer: answer.to_json())

    def retrieve(question: str, k: int = 5) -> list[dict[str, Any]]:
        """Find the passages of the lecture material that bear on a question, best first.

        Args:
            question: What to look for, at most 2000 characters.
            k: How many passages to return, 1 to 50.
        """
        from tutor.tutor import check_question

        with _reported():
            if isinstance(k, bool) or not (isinstance(k, int | float) and 1 <= k <= MOST_PASSAGES and k == int(k)):
                raise ValueError(f"k is {reprlib.repr(k)}; it must be a whole number from 1 to {MOST_PASSAGES}")
            hits = loading.get().store.search(check_question(question), k=int(k))
            return [{"score": round(float(hit.score), 6), **hit.passage.to_json()} for hit in hits]

    def health() -> dict[str, Any]:
        """Say whether the tutor is ready to answer, with which model and index, what is wrong with the index, and how
        many answers were given and how fast.

        Only the files of the index are looked at; `python -m index.check` looks at what is in them, too.
        """
        return report(loading)

    def explain(question: str, history: list[list[str]] | None = None) -> dict[str, Any]:
        """Answer a question as `ask` does and say why: for each passage the share of the answer copied from it and
        what taking it away costs the answer in nats per token, for each token how far it was copied and from where.

        Args:
            question: A question about the course, at most 2000 characters.
            history: Earlier turns of the conversation, oldest first, each a list of question and answer.
        """

        def with_reasons(tutor: Tutoring, answer: Answer) -> dict[str, Any]:
            return {**answer.to_json(), "explanation": tutor.explain(answer).to_json()}

        return answered("explain", question, history, with_reasons)

    desk = Desk(loading)

    def quiz(
        course: str | None = None, document: str | None = None, asked: list[str] | None = None, reveal: bool = False
    ) -> dict[str, Any]:
        """Make a question on the lecture material for a student to answer; `grade` takes the answer.

        Args:
            course: Keep to this course.
            document: Keep to the lecture of this file name or title.
            asked: The `item_id` of every question that was asked before: none of them is asked again.
            reveal: Whether to give the answer, too.
        """
        import numpy as np

        with _reported():
            names = [] if asked is None else asked
            if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
                raise ValueError("asked must be a list of item_id texts")
            documents = None if document is None else [document]
            item = desk.quiz().ask(np.random.default_rng(), course=course, documents=documents, asked=names)
            if item is None:
                raise ValueError("nothing more was found to ask about; choose another course or document")
            return item.to_json(reveal=bool(reveal))

    def grade(item_id: str, answer: str) -> dict[str, Any]:
        """Say what an answer to a question of `quiz` is worth: right, partly or not yet, which key facts it has and
        which it lacks, and the sentence of the material that answers.

        Args:
            item_id: The name of the question, as `quiz` gave it.
            answer: What the student answered, at most 2000 characters.
        """
        with _reported():
            if not isinstance(item_id, str) or not isinstance(answer, str):
                raise ValueError("item_id and answer must be texts")
            item = desk.quiz().rebuild(item_id)
            return {"item_id": item.item_id, **desk.quiz().grade(item, answer).to_json()}

    return ask, retrieve, explain, health, quiz, grade


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
        if isinstance(fault, (ValueError, Stopped, *user_errors())):
            import gradio

            raise gradio.Error(str(fault), print_exception=False) from fault
