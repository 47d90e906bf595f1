"""Thousands of questions to one process: it must not grow."""

from __future__ import annotations

import sys
from random import Random

from tests.battery.load import VISITS, Visit, check
from tests.battery.service import Service, served
from tests.battery.trials import Trials
from tests.battery.visitor import Page, Visitor

WARM = 500
"""Questions until all that is made once has been made; a third of a short run, which is still warming up then."""

GROWTH, WARMING = 0.05, 0.3
FEW = 6
"""Open files and threads more than these are a leak."""


def soak(trials: Trials) -> None:
    """`count` visits one after another: programs, conversations, some that break off."""
    if not sys.platform.startswith("linux"):
        trials.skipped = "memory, threads and open files of another process are read from /proc"
        return
    with served(trials.place / "app", trials.count) as service:
        page = Page(service)
        warm = min(WARM, trials.count // 3)
        for number in range(trials.count):
            if number == warm:
                before = taken(service)
            kind, seed = trials.random.choice(list(VISITS)), trials.random.getrandbits(32)
            visitor = Visitor(page, Random(seed))
            with trials.trial(f"a question: {kind}", seed=seed, number=number):
                check(Visit(kind=kind, nonce=visitor.nonce, heard=VISITS[kind](visitor, Random(seed))))
        service.idle(5.0)
        after = taken(service)
    trials.figures |= {
        f"{name} after {warm:,} and {trials.count:,}": f"{before[name]:,.0f} / {after[name]:,.0f}" for name in before
    }
    with trials.trial("memory", before=before, after=after):
        grown, most = after["megabytes"] / before["megabytes"] - 1, GROWTH if warm == WARM else WARMING
        assert grown < most, f"expected less than {most:.0%} more memory, got {grown:.1%}"
    for name in ("open files", "threads"):
        with trials.trial(name, before=before, after=after):
            more = after[name] - before[name]
            assert more <= FEW, f"expected no more {name} than before, got {more:g} more"


def taken(service: Service) -> dict[str, float]:
    """What the process holds."""
    return {"megabytes": service.megabytes(), "open files": service.files(), "threads": service.threads()}
