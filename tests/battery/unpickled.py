"""Loads all that answers a question and asks, while every way to unpickle something is watched.

    python -m tests.battery.unpickled FOLDER

FOLDER holds notes; the store is built in it first, which is not watched: it hands texts to processes of its own. Prints
one JSON line: the answer, and by whom something was unpickled.
"""

from __future__ import annotations

import json
import pickle
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

watched: list[str] = []
armed = False


def seen(what: str) -> None:
    """Note who did it, if it counts."""
    if armed:
        calls = [line for line in traceback.format_stack()[:-2] if "unpickled.py" not in line]
        watched.append(f"{what}: {' '.join(calls[-1].split()) if calls else ''}")


def wired(what: str, real: Callable[..., Any], counts: Callable[[dict[str, Any]], bool]) -> Callable[..., Any]:
    """The function, which is noted where `counts` says so of its named arguments."""

    def called(*arguments: Any, **named: Any) -> Any:
        if counts(named):
            seen(what)
        return real(*arguments, **named)

    return called


class WatchedUnpickler(pickle.Unpickler):
    """An unpickler that is noted."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        seen("pickle.Unpickler")
        super().__init__(*arguments, **named)


def wire() -> None:
    """Watch from here on, before anything takes these functions for its own."""
    # Whoever comes by another way still has to find classes and functions by their names.
    sys.addaudithook(lambda event, arguments: seen(event) if event == "pickle.find_class" else None)
    pickle.load = wired("pickle.load", pickle.load, lambda named: True)  # type: ignore[assignment]
    pickle.loads = wired("pickle.loads", pickle.loads, lambda named: True)  # type: ignore[assignment]
    pickle.Unpickler = WatchedUnpickler  # type: ignore[misc]
    import numpy as np
    import torch

    # torch reads weights alone unless it is told otherwise.
    torch.load = wired("torch.load", torch.load, lambda named: named.get("weights_only") is False)
    np.load = wired("numpy.load", np.load, lambda named: bool(named.get("allow_pickle")))


def main(folder: Path) -> int:
    """Build, watch, load, ask, look into the answer."""
    global armed
    wire()
    from index.build import build

    build([folder / "notes"], folder / "store")
    armed = True
    from tutor.tutor import Tutor

    tutor = Tutor.load(folder / "store", device="cpu")
    answer = tutor.ask("What does the forget gate do?")
    tutor.explain(answer)
    if answer.trace is not None:
        tutor.heads(answer)
    tutor.with_model("gru").ask("What does the input gate decide?")
    armed = False
    pickle.loads(pickle.dumps(len))
    print(json.dumps({"answer": answer.text, "unpickled": watched}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
