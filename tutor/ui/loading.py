"""Loads the tutor behind the page, so that the page is there before the model is, and keeps it up to date."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from tutor.answer import Answer
from tutor.explanation import Explanation, HeadWeights
from tutor.ui.answering import Answering
from tutor.ui.log import AnswerLog
from tutor.ui.workings import Workings


class Writing(Iterable[str], Protocol):
    """An answer in the making: iterate for its text, then read `answer`; `stop` ends it at once."""

    @property
    def answer(self) -> Answer: ...

    def stop(self) -> None: ...


class Tutoring(Protocol):
    """What the page needs of a tutor; see `tutor.tutor.Tutor`."""

    store: Any

    @property
    def model_name(self) -> str: ...

    def with_model(self, name: str) -> Tutoring: ...

    def with_store(self, store: Any) -> Tutoring: ...

    @property
    def config(self) -> Any: ...

    def explain(self, answer: Answer) -> Explanation: ...

    def heads(self, answer: Answer) -> HeadWeights: ...

    def stream(
        self,
        question: str,
        history: Any = ...,
        k: int = ...,
        *,
        course: str | None = ...,
        documents: Sequence[str] | None = ...,
    ) -> Writing: ...


class NotLoaded(Exception):
    """The tutor could not be loaded; the message is one line for the user."""


class Loading:
    """A tutor that a thread loads once `start` was called, and the same tutor with other models.

    All of them stand on one store, the newest generation of it: `get` looks whether there is a newer one. Whoever
    holds a tutor keeps its generation.
    """

    def __init__(
        self,
        load: Callable[[], Tutoring],
        models: Sequence[str] = (),
        about: Mapping[str, str] | None = None,
        log: AnswerLog | None = None,
    ) -> None:
        """`load` gives the tutor with the first of `models`; the others are names for its `with_model`. `about` says in
        a few words what a model is. The answers given with these tutors are told to the `log`."""
        self._load = load
        self._names = tuple(models)
        self._about = dict(about or {})
        self._result: Future[Tutoring] = Future()
        self._tutors: dict[str, Tutoring] = {}
        self._changing = threading.Lock()
        self._fault = ""
        self.workings = Workings()
        self.answering = Answering(log)

    def start(self) -> None:
        """Begin to load, without waiting."""
        threading.Thread(target=self._run, name="load-tutor", daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether there is a tutor, or the reason why there is none."""
        return self._result.done()

    def models(self) -> tuple[str, ...]:
        """The names to choose from, the started model first; without names, that of the tutor once it is there."""
        if self._names or not self.done or self._result.exception() is not None:
            return self._names
        return (self._result.result().model_name,)

    def label(self, model: str) -> str:
        """The name of a model with a word on what it is."""
        return f"{model} ({self._about[model]})" if self._about.get(model) else model

    def get(self, model: str | None = None) -> Tutoring:
        """The tutor with the model of that name (None: the started one), after waiting for it. Raises NotLoaded with
        one line."""
        self._result.result()
        self._follow()
        name = self.models()[0] if model is None else model
        if name not in self.models():
            raise NotLoaded(f"there is no model {name!r} here; choose one of: {', '.join(self.models())}")
        with self._changing:
            if name not in self._tutors:
                self._tutors[name] = self._other(name)
            return self._tutors[name]

    def refresh(self) -> bool:
        """Open the newest generation of the store for all tutors; whether there was a newer one. Raises NotLoaded,
        and StoreError or OSError where the newer one cannot be opened (then the older one goes on answering)."""
        self._result.result()
        with self._changing:
            store = self._first().store
            newest = store.newest()
            if newest is store:
                return False
            self._tutors = {name: tutor.with_store(newest) for name, tutor in self._tutors.items()}
            return True

    def _first(self) -> Tutoring:
        return next(iter(self._tutors.values()))

    def _follow(self) -> None:
        """Refresh where that is possible; a reason against it is said in the terminal, once."""
        try:
            self.refresh()
        except Exception as fault:
            if not isinstance(fault, (OSError, *user_errors())):
                raise
            if str(fault) != self._fault:
                print(f"error: {fault} (the index that is open goes on answering)", file=sys.stderr, flush=True)
            self._fault = str(fault)

    def _other(self, name: str) -> Tutoring:
        try:
            return self._first().with_model(name)
        except user_errors() as fault:
            raise NotLoaded(str(fault)) from fault

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
            self._tutors[self._names[0] if self._names else tutor.model_name] = tutor
            self._result.set_result(tutor)


def user_errors() -> tuple[type[Exception], ...]:
    """The exceptions whose message is one line that says what to do."""
    from index.errors import StoreError
    from lm.checkpoint import CheckpointError
    from tutor.errors import TutorError

    return (TutorError, StoreError, CheckpointError, NotLoaded)
