"""Somebody at the page, seen from the network: joins the queue, listens to what comes, goes away, stops, asks again."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

from tests.battery.service import Service

NONCE = re.compile(r"zq[0-9a-f]{12}")
"""A word that only one visitor uses."""

DONE, BUSY, LEFT, STOPPED = "done", "busy", "left", "stopped"


@dataclass(kw_only=True)
class Heard:
    """What came of one question: how it ended, all that was sent, and seconds until it began, until the first words
    and until its end (0 where it never came so far); `left` is the time when the visitor stopped or left."""

    how: str = ""
    text: str = ""
    began: float = 0.0
    words: float = 0.0
    ended: float = 0.0
    left: float = 0.0
    frames: int = 0
    faults: list[str] = field(default_factory=list)


class Page:
    """The numbers under which the page of a service asks and stops."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @cached_property
    def config(self) -> dict[str, Any]:
        """What the browser is told of the page."""
        found: dict[str, Any] = self.service.ask_for("/config").json()
        return found

    def function(self, element: str, event: str) -> int:
        """The number of the function that an event of the element with this id calls, at once or after another."""
        ids = [one["id"] for one in self.config["components"] if one["props"].get("elem_id") == element]
        found: list[int] = []
        for one in self.config["dependencies"]:
            if one["trigger_after"] in found or any(list(target) == [ids[0], event] for target in one["targets"]):
                found.append(int(one["id"]))
                if one["backend_fn"]:
                    return found[-1]
        raise AssertionError(f"expected an event {event} of {element} on the page")


class Visitor:
    """One conversation, with a nonce in each of its questions."""

    def __init__(self, page: Page, random: Random) -> None:
        self.page, self.service = page, page.service
        self.session = f"{random.getrandbits(64):016x}"
        self.nonce = f"zq{random.getrandbits(48):012x}"

    def join(self, question: str) -> tuple[str, str]:
        """Ask in the chat: the id of the event and "", or "" and why it was not taken."""
        data = [f"{question} {self.nonce}", None, "Answer", None, "", []]
        call = {"data": data, "fn_index": self.page.function("gb-question", "submit"), "session_hash": self.session}
        reply = self.service.ask_for("/gradio_api/queue/join", data=call)
        if reply.status == 503:
            return "", str(reply.json()["detail"])
        assert reply.status == 200, f"expected the question to be taken, got {reply.status} {reply.text[:200]}"
        return reply.json()["event_id"], ""

    def ask(self, question: str, *, until: str = DONE, later: float = 0.0) -> Heard:
        """Ask and listen to the end; or until so many seconds after it was begun, and then leave or stop."""
        started = time.monotonic()
        event, busy = self.join(question)
        if busy:
            return Heard(how=BUSY, text=busy)
        return self.listen([event], started, until=until, later=later)

    def listen(self, events: list[str], started: float, *, until: str = DONE, later: float = 0.0) -> Heard:
        """What is sent to this conversation, until all these events have ended."""
        heard, open_events = Heard(), set(events)
        connection = self.service.connect()
        try:
            connection.request("GET", f"/gradio_api/queue/data?session_hash={self.session}")
            for raw, message in messages(connection.getresponse()):
                heard.text += raw
                now = time.monotonic() - started
                kind = message["msg"]
                if kind == "process_starts":
                    heard.began = heard.began or now
                elif kind == "process_generating":
                    heard.frames += 1
                    if until in (LEFT, STOPPED):
                        time.sleep(later)
                        heard.how, heard.left = until, time.monotonic()
                        break
                    # The first frame shows the question alone.
                    heard.words = heard.words or (now if heard.frames == 2 else 0.0)
                elif kind in ("process_completed", "unexpected_error"):
                    if not message.get("success", True):
                        heard.faults.append(raw[:300])
                    open_events.discard(message.get("event_id"))
                    heard.how, heard.ended = DONE, now
                    if not open_events:
                        break
        finally:
            if until == STOPPED and heard.how == STOPPED:
                self.stop(events[0])
            connection.close()
        return heard

    def stop(self, event: str) -> None:
        """What the Stop button does."""
        fn = self.page.function("gb-question", "submit")
        cancelled = {"event_id": event, "fn_index": fn, "session_hash": self.session}
        assert self.service.ask_for("/gradio_api/cancel", data=cancelled).status == 200, "expected Stop to be taken"
        stop = self.page.function("gb-question", "stop")
        data = {"data": [None], "fn_index": stop, "session_hash": self.session}
        reply = self.service.ask_for("/gradio_api/run/predict", data=data)
        assert reply.status == 200, f"expected the box to be free after Stop, got {reply.status}"


def messages(response: http.client.HTTPResponse) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a stream as they come, as text and as JSON."""
    while line := response.readline():
        text = line.decode().strip()
        if text.startswith("data: "):
            yield text, json.loads(text.removeprefix("data: "))


def strangers(text: str, nonce: str) -> set[str]:
    """The nonces of others in a text."""
    return set(NONCE.findall(text)) - {nonce}
