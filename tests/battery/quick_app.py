"""`app.py` as it is, but for a tutor that is there in seconds: with the embedder of the tests, and without a ranker.

    python -m tests.battery.quick_app [--pause SECONDS] [the options of app.py]

Where a question says `slowly`, the model waits before each step, as if it were a large one on a slow machine; where it
says so twice, for twice as long.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import app
from tests.fake_embedder import FakeEmbedder


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; see `app.main`."""
    cli = argparse.ArgumentParser(prog="python -m tests.battery.quick_app", add_help=False)
    cli.add_argument("--pause", type=float, default=0.1)
    own, rest = cli.parse_known_args(argv)
    from tutor.tutor import Tutor

    def load(store: Path, model: str | None = None, device: str | None = None) -> Tutor:
        from index.store import Store
        from lm import checkpoint
        from tutor.choices import Choices

        loaded = checkpoint.load(model)
        # The embedder of the tests knows no likeness, by which the tutor judges whether it may answer.
        tutor = Tutor(Store.open(store, embedder=FakeEmbedder()), loaded, Choices(threshold=0.0))
        step, stream, slow = loaded.model.step, tutor.stream, threading.local()

        def paused(*arguments: Any, **how: Any) -> Any:
            time.sleep(own.pause * slow.asked)
            return step(*arguments, **how)

        def streamed(question: str, *arguments: Any, **how: Any) -> Any:
            slow.asked = question.count("slowly")
            return stream(question, *arguments, **how)

        loaded.model.step = paused  # type: ignore[method-assign]
        tutor.stream = streamed  # type: ignore[method-assign]
        return tutor

    Tutor.load = load  # type: ignore[method-assign,assignment]
    return app.main(rest)


if __name__ == "__main__":
    sys.exit(main())
