"""Many at the page at once: who asks to the end, asks twice, leaves, stops, comes back, or is a program."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

from tests.battery.service import QUESTIONS, Service, served, shared
from tests.battery.trials import Trials
from tests.battery.visitor import BUSY, DONE, LEFT, NONCE, STOPPED, Heard, Page, Visitor, strangers
from tutor.ui.waiting import ENOUGH, FULL, MOST_EACH

LEVELS = (1, 8, 32, 64)
"""Users at once."""

FREE_SECONDS = 1.0
"""After a stop nothing may be working on the answer for longer."""

SLACK = 4
"""So many times as long as a request takes that needs no answer may go to the requests themselves."""

PATIENCE = 60.0

WITHDRAWN = "withdrawn"
"""By a program that has nothing of the answer yet."""

SLOWLY = "slowly " * 5
"""Half a second for each step of the model, and seconds for a sentence."""


def load(trials: Trials) -> None:
    """`count` visits, spread over the levels that have no more users than that; then, on an app whose model takes its
    time, an eighth of `count` stops and as many departures, and one who asks far too much at once."""
    with served(trials.place / "crowd", trials.count) as service:
        crowds(trials, service)
    for how in (STOPPED, LEFT, WITHDRAWN):
        for _ in range(max(1, trials.count // 8)):
            slot(trials, shared(), how)
    for _ in range(max(1, trials.count // 100)):
        greedy(trials, shared())


@dataclass(kw_only=True)
class Visit:
    """What somebody does, what came of it, and what broke."""

    kind: str
    nonce: str
    heard: list[Heard]
    fault: str = ""


def crowds(trials: Trials, service: Service) -> None:
    """Visits at every level of load."""
    page = Page(service)
    levels = [users for users in LEVELS if users <= trials.count]
    for users in levels:
        visits = max(users, trials.count // len(levels))
        orders = [(trials.random.choice(list(VISITS)), trials.random.getrandbits(32)) for _ in range(visits)]
        with ThreadPoolExecutor(users) as pool:
            made = list(pool.map(lambda order: visited(page, *order), orders))
        for one, (kind, seed) in zip(made, orders, strict=True):
            with trials.trial(f"{users} at once: {kind}", seed=seed):
                check(one)
        with trials.trial(f"{users} at once: all idle afterwards"):
            service.idle(PATIENCE)
        figures(trials, users, [heard for one in made for heard in one.heard])


def visited(page: Page, kind: str, seed: int) -> Visit:
    """One visit, with all that breaks on it."""
    random = Random(seed)
    visitor = Visitor(page, random)
    visit = Visit(kind=kind, nonce=visitor.nonce, heard=[])
    try:
        visit.heard = VISITS[kind](visitor, random)
    except Exception as fault:  # it counts as a failure of this visit
        visit.fault = f"{type(fault).__name__}: {fault}"
    return visit


def to_the_end(visitor: Visitor, random: Random) -> list[Heard]:
    """Two questions of a conversation."""
    return [visitor.ask(question) for question in random.sample(QUESTIONS, 2)]


def twice(visitor: Visitor, random: Random) -> list[Heard]:
    """The same question twice at once, as by a double click."""
    question, started = random.choice(QUESTIONS), time.monotonic()
    joined = [visitor.join(question), visitor.join(question)]
    events = [event for event, _ in joined if event]
    refused = [Heard(how=BUSY, text=busy) for _, busy in joined if busy]
    return [*refused, *([visitor.listen(events, started)] if events else [])]


def leaves(visitor: Visitor, random: Random) -> list[Heard]:
    """The window is closed on the answer."""
    return [visitor.ask(random.choice(QUESTIONS), until=LEFT, later=random.uniform(0, 0.3))]


def stops(visitor: Visitor, random: Random) -> list[Heard]:
    """Stop, and another question."""
    first = visitor.ask(random.choice(QUESTIONS), until=STOPPED, later=random.uniform(0, 0.3))
    return [first, visitor.ask(random.choice(QUESTIONS))]


def comes_back(visitor: Visitor, random: Random) -> list[Heard]:
    """The connection breaks, and the same conversation goes on."""
    return [*leaves(visitor, random), visitor.ask(random.choice(QUESTIONS))]


def program(visitor: Visitor, random: Random) -> list[Heard]:
    """A program asks."""
    session, started = random.choice([None, visitor.session]), time.monotonic()
    event, data = visitor.service.call("ask", f"{random.choice(QUESTIONS)} {visitor.nonce}", None, session=session)
    if event == "busy":
        return [Heard(how=BUSY, text=data)]
    faults = [str(data)] if event != "complete" else []
    return [Heard(how=DONE, text=str(data), ended=time.monotonic() - started, faults=faults)]


VISITS: dict[str, Callable[[Visitor, Random], list[Heard]]] = {
    "to the end": to_the_end,
    "twice at once": twice,
    "leaves": leaves,
    "stops": stops,
    "comes back": comes_back,
    "a program": program,
}


def check(visit: Visit) -> None:
    """Nobody sees another's nonce; nothing breaks; who is not answered is told politely."""
    assert not visit.fault, f"expected the visit to go well, got {visit.fault}"
    for heard in visit.heard:
        foreign = strangers(heard.text, visit.nonce)
        assert not foreign, f"expected nobody else's words, got {sorted(foreign)}"
        if heard.how == BUSY:
            assert heard.text in (FULL, ENOUGH), f"expected a polite word, got {heard.text}"
            continue
        assert not heard.faults, f"expected an answer, got {heard.faults}"
        assert "**No answer.**" not in heard.text, "expected an answer, got an error in the chat"
        if heard.how == DONE:
            assert visit.nonce in NONCE.findall(heard.text), "expected the question in what came back"


def figures(trials: Trials, users: int, heard: list[Heard]) -> None:
    """Seconds until the first words on the page and until the end, and how many were told to come again."""
    for name, values in (
        ("first words", [one.words for one in heard if one.words]),
        ("whole answer", [one.ended for one in heard if one.ended]),
    ):
        if values:
            high = sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]
            trials.figures[f"{users} at once, {name}, median / 95 %"] = (
                f"{statistics.median(values):.2f} / {high:.2f} s"
            )
    trials.figures[f"{users} at once, told to come again"] = sum(one.how == BUSY for one in heard)


def slot(trials: Trials, service: Service, how: str) -> None:
    """Somebody stops or leaves while a slow model writes: soon nothing works on that answer any more."""
    random = Random(trials.random.getrandbits(32))
    visitor, later = Visitor(Page(service), random), random.uniform(0, 0.6)
    began = time.monotonic()
    before = service.health()["answers"]["stopped"]
    most = FREE_SECONDS + SLACK * (time.monotonic() - began)
    with trials.trial(f"{how} while a slow model writes", later=later):
        if how == WITHDRAWN:
            asking = Asking(service, visitor.session, SLOWLY)
            time.sleep(later)
            ended = time.monotonic()
            asking.withdraw()
        else:
            heard = visitor.ask(SLOWLY + random.choice(QUESTIONS), until=how, later=later)
            assert heard.how == how, f"expected to see the answer begin, got {heard}"
            ended = heard.left
        service.idle(PATIENCE)
        took = time.monotonic() - ended
        assert took < most, f"expected the slot to be free within {most:.1f} s, got {took:.1f} s"
        after = service.health()["answers"]["stopped"]
        assert after == before + 1, "expected the answer to end before it was complete"
        name = f"seconds until the slot is free, {how}, slowest"
        trials.figures[name] = max(float(trials.figures.get(name, 0.0)), round(took, 3))


def greedy(trials: Trials, service: Service) -> None:
    """One program asks for more than its share at once, the first time for long; those who come after that wait for two
    of its answers at most and are served in the order in which they came."""
    with trials.trial("one asks too much at once"):
        greedy_one = [Asking(service, "greedy", "slowly: " * (number == 0)) for number in range(MOST_EACH + 3)]
        newcomers = [Asking(service, f"newcomer {number}") for number in range(3)]
        told = {one.busy for one in greedy_one if not one.event}
        assert told == {ENOUGH}, f"expected to be told that it is enough, got {told}"
        until = time.monotonic() + PATIENCE
        names = [one.event for one in newcomers]
        served: list[str] = []
        while not set(names) <= set(served):
            assert time.monotonic() < until, f"expected {names} to be served, got {served}"
            time.sleep(0.05)
            served = [line["id"] for line in service.logged()]
        places = [served.index(name) for name in names]
        before = {one.event for one in greedy_one} & set(served[: places[-1]])
        for one in greedy_one:
            one.withdraw()
        service.idle(PATIENCE)
        assert places == sorted(places), "expected newcomers to be served in the order in which they came"
        assert len(before) <= 2, f"expected newcomers to wait for two answers of one who asks a lot, not {len(before)}"


class Asking:
    """A question of a program, in a session of its own, that waits in the queue. `busy` says why it does not."""

    def __init__(self, service: Service, session: str, how: str = "") -> None:
        self.service, self.session = service, session
        data = {"data": [f"{how}{QUESTIONS[0]}", None], "session_hash": session}
        reply = service.ask_for("/gradio_api/call/ask", data=data)
        self.event = reply.json()["event_id"] if reply.status == 200 else ""
        self.busy = "" if self.event else str(reply.json()["detail"])

    def withdraw(self) -> None:
        """Take it back."""
        page = Page(self.service)
        fn = next(one["id"] for one in page.config["dependencies"] if one["api_name"] == "ask")
        data = {"event_id": self.event, "fn_index": fn, "session_hash": self.session}
        self.service.ask_for("/gradio_api/cancel", data=data)
