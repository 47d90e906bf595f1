"""The numbers of the tutor that were chosen on dev questions. The table in `tutor/README.md` says why."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from tutor.errors import short


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

    also: float = 0.1
    """A unit is part of the answer, too, when its odds are at least this share of the best one's ..."""

    same_passage: float = 4.0
    """... where the odds in the passages that the answer rests on already count this many times ..."""

    beside: float = 2.0
    """... and those right beside a sentence of the answer this many times again."""

    least: float = 0.05
    """A unit that stands beside nothing of the answer is part of it only with this probability."""

    owed: float = 0.5
    """What answers a part of the question with this probability is owed, as long as nothing was said ..."""

    owed_share: float = 0.2
    """... that has this share of its odds."""

    in_list: float = 0.07
    """An item belongs to another one of its list when its odds are at least this share of the other's."""

    def __post_init__(self) -> None:
        for name in ("read", "budget", "sentences"):
            if type(getattr(self, name)) is not int or getattr(self, name) < 1:
                raise ValueError(f"{name} is {short(getattr(self, name))}; it must be a whole number of at least 1")
        for name, least, most in (
            *(("same_passage", 1, 1e6), ("beside", 1, 1e6)),
            *((share, 0, 1) for share in ("threshold", "plausible", "also", "least", "owed", "owed_share", "in_list")),
        ):
            value = getattr(self, name)
            if type(value) not in (int, float) or not least <= value <= most:
                raise ValueError(f"{name} is {short(value)}; it must be from {least} to {most:g}")
        if type(self.own_words) is not bool:
            raise ValueError(f"own_words is {short(self.own_words)}; it must be true or false")

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
                raise ValueError(f"there is no choice {short(name)}; set one of: {', '.join(kinds)}")
            try:
                values[name] = {"true": True, "false": False}[text] if kinds[name] is bool else kinds[name](text)
            except (KeyError, ValueError):
                raise ValueError(f"{short(setting)} gives {name} no {kinds[name].__name__}") from None
        return dataclasses.replace(self, **values)  # type: ignore[arg-type]
