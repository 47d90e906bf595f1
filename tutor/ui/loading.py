"""Loads the tutor behind the page, so that the page is there before the model is."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, Protocol

from tutor.answer import Answer


class Writing(Iterable[str], Protocol):
    """An answer in the making: iterate for its text, then read `answer`."""

    @property
    def answer(self) -> Answer: ...


class Tutoring(Protocol):
    """What the page needs of a tutor."""

    store: Any

    @property
    def model_name(self) -> str: ...

    def stream(self, question: str, history: Any = ..., k: int = ...) -> Writing: ...


class NotLoaded(Exception):
    """The tutor could not be loaded; the message is one line for the user."""


class Loading:
    """A tutor that a thread loads once `start` was called."""

    def __init__(self, load: Callable[[], Tutoring]) -> None:
        self._load = load
        self._result: Future[Tutoring] = Future()

    def start(self) -> None:
        """Begin to load, without waiting."""
        threading.Thread(target=self._run, name="load-tutor", daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether there is a tutor, or the reason why there is none."""
        return self._result.done()

    def get(self) -> Tutoring:
        """The tutor, after waiting for it. Raises NotLoaded with one line."""
        return self._result.result()

    def _run(self) -> None:
        try:
            tutor = self._load()
        except Exception as fault:
            if isinstance(fault, user_errors()):
                message = str(fault)
                print(f"error: {message}", file=sys.stderr, flush=True)
            else:
                message = "The tutor could not be loaded; the reason stands in the terminal that runs it."
                traceback.print_exc()
            self._result.set_exception(NotLoaded(message))
        else:
            self._result.set_result(tutor)


def user_errors() -> tuple[type[Exception], ...]:
    """The exceptions whose message is one line that says what to do."""
    from index.errors import StoreError
    from lm.checkpoint import CheckpointError
    from tutor.errors import TutorError

    return (TutorError, StoreError, CheckpointError, NotLoaded)
