"""Many at once on one store: builds against each other, readers in two processes, tutors that answer meanwhile."""

from __future__ import annotations

import re
import time
from pathlib import Path

from index.build import build
from index.store import Store
from tests.battery.asking import Readers, Seen, open_edition, reading, stale
from tests.battery.children import Order, building, built
from tests.battery.editions import Editions, edition_of
from tests.battery.trials import Trials
from tests.fake_embedder import FakeEmbedder

PROCESSES, THREADS = 2, 10
"""Twenty readers: so many threads in each process."""


def concurrency(trials: Trials) -> None:
    """`count` publishes while twenty readers in two processes ask, a fifth as many pairs of builds that want to write
    at once, and a fifth as many publishes while a tutor in each of two processes answers."""
    store = _Store(trials)
    fewer = max(1, trials.count // 5)
    with reading(store.path, many=PROCESSES, threads=THREADS, pause=0.3) as readers:
        for _ in range(trials.count):
            store.publish("publish while 20 readers ask", readers)
        for _ in range(fewer):
            store.two_builds("two builds at once while 20 readers ask", readers)
    with reading(store.path, many=PROCESSES, ask=ask_tutor, pause=0.1) as tutors:
        for _ in range(fewer):
            store.publish("publish while tutors in 2 processes answer", tutors)
    trials.figures |= {"answers": store.answers, "builds refused because another was at work": store.refused}


class _Store:
    """A store and those who write to it."""

    def __init__(self, trials: Trials) -> None:
        self.trials = trials
        self.path = trials.place / "store"
        self.editions = Editions(trials.place)
        self.edition = 0
        self.answers = self.refused = 0
        self.editions.write(0)
        build([self.editions.folder], self.path, embedder=FakeEmbedder())

    def publish(self, kind: str, readers: Readers) -> None:
        """The next edition is built while they answer, and answers at once."""
        order = self._next()
        with self.trials.trial(kind, edition=self.edition, store=self.path):
            self.answers += readers.check(newest=self.edition - 1)
            ended = built(order)
            assert ended.code == 0, f"expected the build to succeed, it said {ended.said}"
            self._answers(readers)

    def two_builds(self, kind: str, readers: Readers) -> None:
        """Two builds start together: one makes the edition, the other finds it made or is told to wait."""
        order = self._next()
        with self.trials.trial(kind, edition=self.edition, store=self.path):
            with building(order) as one, building(order) as other:
                both = one.ended(), other.ended()
            assert 0 in {ended.code for ended in both}, f"expected one of two builds to succeed, got {both}"
            for ended in both:
                self.refused += ended.code == 1
                waits = "another build is writing" in ended.said and ended.said.count("\n") == 1
                assert ended.code == 0 or waits, f"expected success, or to be told to wait, got {ended}"
            self._answers(readers)

    def _next(self) -> Order:
        self.edition += 1
        self.editions.write(self.edition)
        return Order(source=self.editions.folder, store=self.path)

    def _answers(self, readers: Readers) -> None:
        edition, _ = open_edition(self.path)
        assert edition == self.edition, f"expected edition {self.edition} after its build, got {edition}"
        assert len(left := stale(self.path)) <= 1, f"expected at most one stale directory, got {left}"
        readers.published(edition)
        self.answers += readers.check(newest=edition)


def ask_tutor(store: Path, seen: Seen, pause: float) -> None:
    """Asks a tutor that follows the store as the app does. All that an answer shows is from one edition."""
    import torch

    from lm.checkpoint import Checkpoint
    from tests.lm_samples import small_model, small_tokenizer
    from tutor import Tutor

    model = small_model(dtype=torch.float32, context=1024)
    untrained = Checkpoint(name="untrained", model=model, tokenizer=small_tokenizer(), training={})
    tutor = Tutor(Store.open(store, embedder=FakeEmbedder()), untrained)
    while True:
        try:
            asked = time.monotonic()
            tutor = tutor.with_store(tutor.store.newest())
            answer = tutor.ask("What is told of the walnut of part 3?", trace=False)
            edition, held = edition_of(tutor.store), tutor.store.passages()
            shown = [hit.passage for hit in answer.passages] + [one.passage for one in answer.citations]
            assert shown, "expected passages"
            assert all(passage in held for passage in shown), "expected passages of the generation that is open"
            told = {int(number) for number in re.findall(r"edition (\d+)", answer.text)}
            known = {int(number) for one in shown for number in re.findall(r"edition (\d+)", one.text)}
            assert told <= known, f"expected an answer out of {known}, got {answer.text!r}"
            seen.answers.append((asked, edition))
        except Exception as fault:  # every fault is told to the parent
            seen.faults.append(f"{type(fault).__name__}: {fault}")
        time.sleep(pause)
