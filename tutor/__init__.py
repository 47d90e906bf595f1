"""A course tutor that answers from lecture material and shows where every word comes from.

>>> from tutor import Tutor  # doctest: +SKIP
>>> Tutor.load().ask("What does the forget gate do?").text  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tutor.answer import Answer, Citation, PromptToken, Ranked, Step, Trace
    from tutor.errors import TutorError
    from tutor.stream import Stream
    from tutor.tutor import Tutor

__all__ = ["Answer", "Citation", "PromptToken", "Ranked", "Step", "Stream", "Trace", "Tutor", "TutorError"]

_MODULES = {"Stream": "tutor.stream", "Tutor": "tutor.tutor", "TutorError": "tutor.errors"}


def __getattr__(name: str) -> Any:
    """Import the parts when they are asked for, so that `--help` does not wait for torch."""
    if name not in __all__:
        raise AttributeError(f"module 'tutor' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_MODULES.get(name, "tutor.answer")), name)
