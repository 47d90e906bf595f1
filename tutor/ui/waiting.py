"""Who is served next: one queue, first come first served, in which nobody's many questions hold up the others.

Whoever has a question waiting already goes on with the next one in the next round: all questions of a round come before
those of the round after it, in the order in which they came.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from gradio.queueing import Event, Queue

from tutor.ui.answering import ASKED, QUEUE, Answering, Asked

LONGEST = 32
"""Requests that may wait in one queue; who comes then is told to come again."""

MOST_EACH = 8
"""Of them, so many of one conversation, or of all programs on one machine that name no session."""

FULL = "Many are asking at this moment; try again in some seconds."
ENOUGH = f"{MOST_EACH} of your questions are waiting already; wait for their answers first."

_PATIENCE = 2 * LONGEST
"""Whoever has seen so many served is next, whatever round it is: questions of ever new people cannot hold up one."""

_FORGET = 4096
"""So many sessions are remembered before those that wait for nothing are forgotten."""


class FairQueue(Queue):  # type: ignore[misc]
    """Gradio's queue with turns. It stops the answers that nobody waits for, and keeps nothing of those that ended."""

    def __init__(self, old: Queue, answering: Answering) -> None:
        """Takes the place of the queue `old`, which nothing has been put into yet."""
        super().__init__(
            live_updates=old.live_updates,
            concurrency_count=old.max_thread_count,
            update_intervals=old.update_intervals,
            max_size=None,
            blocks=old.blocks,
            default_concurrency_limit=old.default_concurrency_limit,
        )
        self._answering = answering
        self._served: Counter[str] = Counter()
        self._round: Counter[str] = Counter()
        self._last: dict[tuple[str, ...], int] = {}
        answering.waiting = self.waiting

    def waiting(self) -> int:
        """Questions that wait for their turn."""
        found = self.event_queue_per_concurrency_id.get(QUEUE)
        return len(found.queue) if found else 0

    async def push(self, body: Any, request: Any, username: str | None) -> Any:
        """Put a request into its queue, at its place; `(False, why not, "queue_full")` where there is none."""
        fn = self.blocks.fns.get(body.fn_index)
        if fn is None:
            return False, "There is no such function.", "error"
        who = (str(fn.concurrency_id), username or str(getattr(request.client, "host", "")), body.session_hash or "")
        found = self.event_queue_per_concurrency_id.get(fn.concurrency_id)
        queue: list[Event] = found.queue if found else []
        if len(queue) >= LONGEST:
            return False, FULL, "queue_full"
        if sum(event.who == who for event in queue) >= MOST_EACH:
            return False, ENOUGH, "queue_full"
        pushed = await super().push(body, request, username)
        if pushed[0]:
            self._place(self.event_ids_to_events[pushed[1]], who)
            self._forget()
        return pushed

    def _place(self, event: Event, who: tuple[str, ...]) -> None:
        """Let an event that stands at the end of its queue stand in its round."""
        name = event.concurrency_id
        event.who, event.before = who, self._served[name]
        event.round = max(self._round[name], self._last.pop(who, -1) + 1)
        self._last[who] = event.round
        queue = self.event_queue_per_concurrency_id[name].queue
        queue.sort(key=self._turn)
        self.broadcast_estimations(name, queue.index(event))

    def _turn(self, event: Event) -> int:
        overdue = self._served[event.concurrency_id] - event.before > _PATIENCE
        return -1 if overdue else int(event.round)

    def _forget(self) -> None:
        while len(self._last) > _FORGET:
            del self._last[next(iter(self._last))]
        if len(self.pending_event_ids_session) > _FORGET:
            for session, events in list(self.pending_event_ids_session.items()):
                if not events or session not in self.pending_messages_per_session:
                    del self.pending_event_ids_session[session]

    async def process_events(self, events: list[Event], batch: bool, begin_time: float, fn: Any) -> None:
        """Run what was asked for; what runs finds out by `ASKED` for whom."""
        self.begun(events[0])
        ASKED.set(Asked(event=events[0]._id, waited=time.monotonic() - events[0].enqueue_time))
        await super().process_events(events, batch, begin_time, fn)

    def begun(self, event: Event) -> None:
        """It is the turn of an event: its round is the one that is being served."""
        name = event.concurrency_id
        self._served[name] += 1
        self._round[name] = max(self._round[name], event.round)

    async def clean_events(self, *, session_hash: str | None = None, event_id: str | None = None) -> None:
        """The one who asked has gone: take the questions out of the queue and stop the answers."""
        for event in (event for job in self.active_jobs if job for event in job):
            if event.session_hash == session_hash or event._id == event_id:
                self._answering.stop(event._id)
        await super().clean_events(session_hash=session_hash, event_id=event_id)

    async def reset_iterators(self, event_id: str) -> None:
        """An event has ended, of itself or because it was stopped: end its answer, and forget the session of a program
        that named none."""
        self._answering.stop(event_id)
        await super().reset_iterators(event_id)
        event = self.event_ids_to_events.get(event_id)
        if event is not None and event.session_hash == event_id:
            sessions = self.blocks.state_holder
            sessions.session_data.pop(event_id, None)
            sessions.time_last_used.pop(event_id, None)

    def compute_analytics_summary(self, records: list[Any]) -> Any:
        """Nothing: gradio would make a table of all requests after each of them."""
        return self.cached_event_analytics_summary
