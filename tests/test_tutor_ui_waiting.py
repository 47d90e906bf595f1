"""Who is served next, and what is left of those who were."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from tutor.ui.answering import QUEUE, Answering

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Waiting:
    """A queue of one function that is never run."""

    def __init__(self) -> None:
        import gradio as gr

        from tutor.ui.waiting import FairQueue

        def ask(question: str) -> str:
            return question

        with gr.Blocks() as page:
            gr.api(ask, api_name="ask", concurrency_id=QUEUE)
        page.queue()
        self.answering = Answering()
        self.queue = page._queue = FairQueue(page._queue, self.answering)

    async def push(self, session: str | None, host: str = "127.0.0.1", fn_index: Any = 0) -> tuple[bool, str, str]:
        from gradio.data_classes import PredictBodyInternal

        body = PredictBodyInternal(data=["What?"], fn_index=fn_index, session_hash=session)
        request: Any = SimpleNamespace(client=SimpleNamespace(host=host))
        pushed: tuple[bool, str, str] = await self.queue.push(body, request, None)
        return pushed

    def served(self) -> str:
        """The session whose turn it is."""
        events, _, _ = self.queue.get_events()
        self.queue.begun(events[0])
        session: str = events[0].session_hash
        return session

    def order(self) -> list[str]:
        return [self.served() for _ in range(self.queue.waiting())]


def with_a_line(test: Callable[[Waiting], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test in a running loop, where gradio makes its locks."""

    def run() -> None:
        async def inside() -> None:
            await test(Waiting())

        asyncio.run(inside())

    run.__name__ = test.__name__
    return run


@with_a_line
async def test_first_come_first_served(line: Waiting) -> None:
    for session in "abcd":
        assert (await line.push(session))[0]
    assert line.answering.waiting() == 4
    assert line.order() == list("abcd")


@with_a_line
async def test_many_questions_of_one_do_not_hold_up_the_others(line: Waiting) -> None:
    for session in "aaaaabcb":
        await line.push(session)
    assert line.order() == list("abcabaaa")


@with_a_line
async def test_who_was_served_comes_after_those_who_wait(line: Waiting) -> None:
    for session in "ab":
        await line.push(session)
    assert line.served() == "a"
    for session in "ac":
        await line.push(session)
    assert line.order() == list("bca")


@with_a_line
async def test_programs_without_a_session_take_turns_by_machine(line: Waiting) -> None:
    first = [(await line.push(None, "10.0.0.1"))[1] for _ in range(3)]
    other = (await line.push(None, "10.0.0.2"))[1]
    assert line.order() == [first[0], other, *first[1:]]


@with_a_line
async def test_new_ones_cannot_hold_up_somebody_for_ever(line: Waiting) -> None:
    from tutor.ui.waiting import LONGEST

    for _ in range(2):
        await line.push("a")
    assert line.served() == "a"
    for number in range(4 * LONGEST):
        await line.push(f"new {number}")
        if line.served() == "a":
            break
    assert 2 * LONGEST <= number < 3 * LONGEST


@with_a_line
async def test_a_full_queue_and_a_greedy_one_are_told_politely(line: Waiting) -> None:
    from tutor.ui.waiting import ENOUGH, FULL, LONGEST, MOST_EACH

    for _ in range(MOST_EACH):
        assert (await line.push("greedy"))[0]
    assert await line.push("greedy") == (False, ENOUGH, "queue_full")
    for number in range(LONGEST - MOST_EACH):
        assert (await line.push(f"other {number}"))[0]
    assert await line.push("late") == (False, FULL, "queue_full")
    assert (await line.push("odd", fn_index=99))[2] == "error"


@with_a_line
async def test_nothing_is_kept_of_a_program_that_named_no_session(line: Waiting) -> None:
    sessions = line.queue.blocks.state_holder.session_data
    _, event, _ = await line.push(None)
    line.queue.blocks.state_holder[event]
    line.queue.server_app = SimpleNamespace(iterators={})
    await line.queue.reset_iterators(event)
    assert event not in sessions


@with_a_line
async def test_who_goes_away_is_not_answered(line: Waiting) -> None:
    stopped = []
    line.answering.stop = stopped.append
    await line.push("a")
    await line.push("b")
    events, _, _ = line.queue.get_events()
    line.queue.active_jobs = [events]
    await line.queue.clean_events(session_hash="a")
    await line.queue.clean_events(session_hash="b")
    assert stopped == [events[0]._id]
    assert line.queue.waiting() == 0


@with_a_line
async def test_sessions_are_light_and_few(line: Waiting) -> None:
    from tutor.ui.sessions import MOST_SESSIONS, Sessions

    page = line.queue.blocks
    page.state_session_capacity = 10_000
    sessions = Sessions(page)
    for number in range(MOST_SESSIONS + 5):
        sessions[f"session {number}"]._update_value_in_config(0, "x" * 1000)
    assert len(sessions.session_data) == MOST_SESSIONS
    assert "session 0" not in sessions
    assert sessions["session 9"].config_values == {}
