"""The answers that are being made: each can be stopped, is counted, and leaves a line in the log."""

from __future__ import annotations

import statistics
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from tutor.answer import Answer
from tutor.errors import Stopped
from tutor.ui.log import AnswerLog

ANSWERED, REFUSED, STOPPED, FAILED = "answered", "refused", "stopped", "failed"
"""How it ended."""

QUEUE = "answer"
"""The queue of all that lets the model answer: one after the other, for they share the processor."""

_UNTIL_WORDS = ("search", "prompt", "first_token", "first_words")
"""Stages of `Answer.timings` that a reader waits for."""

_LATEST = 100
"""Answers whose times `health` tells of."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The request that an answer is made for: its event in the queue, and the seconds that it waited there."""

    event: str
    waited: float


ASKED: ContextVar[Asked | None] = ContextVar("asked", default=None)
"""Set by the queue around all that it runs."""


class Stoppable(Protocol):
    """An answer in the making; see `tutor.stream.Stream.stop`."""

    def stop(self) -> None: ...


class Job:
    """One answer from the question to its end."""

    def __init__(self, way: str, question: str, key: str) -> None:
        asked = ASKED.get()
        self.event = asked.event if asked else ""
        self.key = key or self.event or uuid.uuid4().hex
        self.way, self.question = way, question
        self.outcome = STOPPED
        self.seconds: dict[str, float] = {"waited": asked.waited} if asked else {}
        self.told: dict[str, Any] = {"refused": False, "citations": 0, "model": None, "generation": None}
        self._stop = threading.Event()
        self._writing: Stoppable | None = None

    @property
    def stopped(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._stop.is_set()

    def watch(self, writing: Stoppable, *, model: str, generation: str) -> None:
        """From here on a stop ends this stream. Raises Stopped where that was asked for before."""
        self._writing = writing
        self.told |= {"model": model, "generation": generation}
        if self.stopped:
            raise Stopped

    def stop(self) -> None:
        """Let the answer end at its next token. Any thread may call this."""
        self._stop.set()
        if self._writing is not None:
            self._writing.stop()

    def done(self, answer: Answer) -> None:
        """The answer is there."""
        self.outcome = REFUSED if answer.refused else ANSWERED
        self.seconds |= answer.timings
        self.told |= {"refused": answer.refused, "citations": len(answer.citations)}

    def line(self) -> dict[str, Any]:
        """The fields of the log, but for the question."""
        return {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "id": self.key,
            "way": self.way,
            "outcome": self.outcome,
            **self.told,
            "seconds": {stage: round(seconds, 4) for stage, seconds in self.seconds.items()},
        }


class Answering:
    """All answers of a program since its start. Safe for several threads.

    `waiting` says how many questions wait for their turn; whoever lets them wait sets it.
    """

    def __init__(self, log: AnswerLog | None = None) -> None:
        self.log = log
        self.waiting: Callable[[], int] = lambda: 0
        self._lock = threading.Lock()
        self._jobs: set[Job] = set()
        self._counts: Counter[str] = Counter()
        self._times: deque[tuple[float, float]] = deque(maxlen=_LATEST)

    @contextmanager
    def answer(self, way: str, question: str, key: str = "") -> Iterator[Job]:
        """Around the making of an answer. `way` says who asked for it ("page", or the function that a program called);
        `key` names it in the log (else the event of the queue does). What is neither done nor failed was stopped."""
        job = Job(way, question, key)
        started = time.perf_counter()
        with self._lock:
            self._jobs.add(job)
        try:
            yield job
        except (Stopped, GeneratorExit):
            raise
        except BaseException:
            job.outcome = FAILED
            raise
        finally:
            job.seconds.setdefault("total", time.perf_counter() - started)
            self._ended(job)

    def stop(self, event: str) -> None:
        """Stop the answers that are made for an event of the queue."""
        with self._lock:
            found = [job for job in self._jobs if job.event == event]
        for job in found:
            job.stop()

    def figures(self) -> dict[str, Any]:
        """How many answers are being made, how many ended in which way, and the median seconds of the latest."""
        with self._lock:
            working, counts, times = len(self._jobs), dict(self._counts), list(self._times)
        first, total = zip(*times, strict=True) if times else ((), ())
        return {
            "working": working,
            "answers": {name: counts.get(name, 0) for name in (ANSWERED, REFUSED, STOPPED, FAILED)},
            "seconds": {"first_words": _median(first), "total": _median(total)},
        }

    def _ended(self, job: Job) -> None:
        with self._lock:
            self._jobs.discard(job)
            self._counts[job.outcome] += 1
            if job.outcome in (ANSWERED, REFUSED):
                first = sum(job.seconds.get(stage, 0.0) for stage in _UNTIL_WORDS)
                self._times.append((first, job.seconds["total"]))
        if self.log is not None:
            self.log.write(job.line(), job.question)


def _median(values: tuple[float, ...]) -> float | None:
    return round(statistics.median(values), 3) if values else None
