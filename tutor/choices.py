"""The numbers of the tutor that were chosen on dev questions. The table in `tutor/README.md` says why."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Choices:
    """How much is read, when the tutor declines, and what belongs to an answer.

    `python -m tutor.evaluate --set NAME=VALUE` measures another value. Odds are those that the ranker gives a sentence
    to answer. Raises ValueError for a value out of its range.
    """

    read: int = 3
    """Of the passages found, the best so many are read."""

    budget: int = 256
    """Tokens of passage sentences in a prompt."""

    threshold: float = 0.25
    """Least probability that the material covers the question; below it the tutor declines."""

    own_words: bool = True
    """Whether a sentence that the model wrote is shown as it wrote it, where it is intact, or its origin is quoted."""

    plausible: float = 0.12
    """What the model writes out of a sentence with less than this share of the best one's odds is not let through."""

    sentences: int = 3
    """Most units of an answer: sentences, or lists with what opens them."""

    also: float = 0.15
    """A unit is part of the answer, too, when its odds are at least this share of the best one's ..."""

    same_passage: float = 8.0
    """... where the odds in the passages that the answer rests on already count this many times ..."""

    beside: float = 2.0
    """... and those right beside a sentence of the answer this many times again."""

    in_list: float = 0.07
    """An item belongs to another one of its list when its odds are at least this share of the other's."""

    def __post_init__(self) -> None:
        for name, least in {"read": 1, "budget": 1, "sentences": 1, "same_passage": 1, "beside": 1}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least {least}")
        for name in ("threshold", "plausible", "also", "in_list"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be from 0 to 1")

    def changed(self, settings: Sequence[str]) -> Choices:
        """The same with `settings`, each NAME=VALUE. Raises ValueError for an unknown name or a value that is none.

        >>> Choices().changed(["sentences=1", "own_words=false"]).sentences
        1
        """
        kinds = {name: type(value) for name, value in dataclasses.asdict(self).items()}
        values: dict[str, object] = {}
        for setting in settings:
            name, _, text = setting.partition("=")
            if name not in kinds:
                raise ValueError(f"there is no choice {name!r}; set one of: {', '.join(kinds)}")
            try:
                values[name] = {"true": True, "false": False}[text] if kinds[name] is bool else kinds[name](text)
            except (KeyError, ValueError):
                raise ValueError(f"{setting!r} gives {name} no {kinds[name].__name__}") from None
        return dataclasses.replace(self, **values)  # type: ignore[arg-type]
