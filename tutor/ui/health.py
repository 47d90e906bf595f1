"""How the program is doing: for those who run it, and for programs that watch over it."""

from __future__ import annotations

import resource
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from tutor.ui.loading import Loading, NotLoaded

OK, IS_LOADING, FAILED = "ok", "loading", "failed"

_STARTED = time.monotonic()
_MEGABYTE = 1 << (20 if sys.platform == "darwin" else 10)
"""In what `ru_maxrss` counts."""


def status(loading: Loading) -> str:
    """Whether questions are answered, in one word: `ok`, `loading` or `failed`. Quick, and tells nothing else."""
    if not loading.done:
        return IS_LOADING
    try:
        loading.get()
    except NotLoaded:
        return FAILED
    return OK


def answer_health(loading: Loading) -> Any:
    """The status as a response for programs that watch over this one: 200 where it is `ok`, else 503."""
    from starlette.responses import JSONResponse

    now = status(loading)
    return JSONResponse({"status": now}, 200 if now == OK else 503)


def report(loading: Loading) -> dict[str, Any]:
    """The status with what stands behind it; every file of the index is read and compared with its hash."""
    now = status(loading)
    found: dict[str, Any] = {"status": now, "loaded": now == OK, "model": None, "models": list(loading.models())}
    found |= {"generation": None, "created": None, "passages": None, "faults": []}
    found |= {
        "version": _version(),
        "uptime": round(time.monotonic() - _STARTED, 1),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MEGABYTE),
        "waiting": loading.answering.waiting(),
        **loading.answering.figures(),
    }
    if now == IS_LOADING:
        return found | {"faults": ["the tutor is still loading; ask again in some seconds"]}
    if now == FAILED:
        return found | {"faults": ["the tutor could not be loaded; the reason stands in the terminal that runs it"]}
    store = loading.get().store
    return found | {
        "model": loading.models()[0],
        "generation": store.generation,
        "created": store.created,
        "passages": len(store),
        "faults": list(store.faults()),
    }


def _version() -> str | None:
    try:
        return version("glassbox-tutor")
    except PackageNotFoundError:
        return None
