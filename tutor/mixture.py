"""What training data are mixed from: one readable TOML file, checked as it is read. `tutor/mixtures/` holds two.

    seed = 1                                 # of everything that chance decides
    held_out = 0.03                          # share of documents whose examples go to held-out.npz
    longest = 512                            # tokens of an example; longer ones are left out

    [tokenizer]                              # learned from the texts below, or `file` names one
    pieces = 4096
    characters = 20_000_000                  # how much text it is learned from

    [prompt]
    budgets = [96, 128, 192, 256]            # tokens of sentences in a prompt, one of them by chance
    distractors = [0.3, 0.25, 0.2, 0.15, 0.1]  # chances of 0, 1, 2, ... passages beside the one that answers
    no_answer = 0.18                         # share of prompts out of which the answer is taken
    short = 0.5                              # share of answers that are the span alone, where it is short enough
    unranked = 0.25                          # share of prompts whose sentences are not ranked

    [scores]                                 # which sentences are nearest to the question
    by = "ranker"                            # "ranker", "embedder", "drawn" (by chance; what answers is ahead by
                                             # `gain`), or "none" (no ranks; sentences around the answer)
    ranker = "runs/ranker"                   # folder of weights; left out: the one that ships
    noise = 0.5                              # standard deviation of what is added to the ranker's log-odds

    [text]                                   # plain text: weights of the files it is drawn from
    "ml_text.jsonl.xz" = 3

    [outputs.train]                          # train.npz; several outputs are several files
    text = 0.1                               # share of its tokens that are plain text

    [[source]]
    kind = "reading"                         # see SOURCES
    file = "qa_selqa.jsonl.gz"
    examples = 4600                          # made from it; one number, or one for each output: { train = 4600 }
    unranked = 0.7                           # instead of that of [prompt], since scoring takes long

What is left out has the values shown in the classes below.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

SOURCES = {
    "course": "questions of the shipped course on the passages that the search finds for them",
    "passages": "questions on the shipped reading passages",
    "reading": "questions of a `file` on the paragraphs they come with",
    "definitions": "questions made from sentences of `files` that define something",
    "cloze": "questions made from sentences of `files` by leaving out a term",
    "ask": "questions to be asked: those `of` the course, the passages or a file, on what answers them",
    "rewrite": "follow-ups of the shipped dialogues, to be written so that they stand alone",
}
_NAMES = {"reading": ("file",), "definitions": ("files",), "cloze": ("files",), "ask": ("of",)}
SCORES = ("ranker", "embedder", "drawn", "none")


class MixtureError(ValueError):
    """A mixture that cannot be used; the message names the setting and says what it must be."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """How the tokenizer comes about: learned as `pieces` from `characters` of text, or read from `file`."""

    pieces: int = 4096
    characters: int = 20_000_000
    file: str = ""

    def __post_init__(self) -> None:
        _between(self, 300, 65_536, "pieces")
        _between(self, 1, math.inf, "characters")


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """How prompts are filled; see the module."""

    budgets: tuple[int, ...] = (96, 128, 192, 256)
    distractors: tuple[float, ...] = (0.3, 0.25, 0.2, 0.15, 0.1)
    no_answer: float = 0.18
    short: float = 0.5
    unranked: float = 0.25

    def __post_init__(self) -> None:
        if not self.budgets or min(self.budgets) < 1:
            raise MixtureError("prompt.budgets must be a list of whole numbers of at least 1")
        if not self.distractors or min(self.distractors) < 0 or abs(sum(self.distractors) - 1) > 1e-6:
            raise MixtureError("prompt.distractors must be a list of chances that add up to 1")
        _between(self, 0, 1, "no_answer", "short", "unranked")


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Where the scores of sentences come from."""

    by: str = "ranker"
    ranker: str = ""
    noise: float = 0.0
    gain: float = 2.4

    def __post_init__(self) -> None:
        if self.by not in SCORES:
            raise MixtureError(f"scores.by is {self.by!r}; it must be one of {', '.join(SCORES)}")
        if self.by != "ranker" and (self.ranker or self.noise):
            raise MixtureError(f"scores.ranker and scores.noise go with by = 'ranker', not with {self.by!r}")
        _between(self, 0, math.inf, "noise", "gain")


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """One source: its kind, what it reads, how many examples each output gets of it, and the share of them without
    ranks where it differs."""

    kind: str
    examples: dict[str, int]
    file: str = ""
    files: tuple[str, ...] = ()
    of: str = ""
    unranked: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in SOURCES:
            raise MixtureError(f"source.kind is {self.kind!r}; it must be one of {', '.join(SOURCES)}")
        wanted = _NAMES.get(self.kind, ())
        if self.unranked is not None:
            _between(self, 0, 1, "unranked")
            if self.kind in ("ask", "rewrite"):
                raise MixtureError(f"a source of kind {self.kind} has no 'unranked'")
        for name in ("file", "files", "of"):
            if (name in wanted) != bool(getattr(self, name)):
                raise MixtureError(f"a source of kind {self.kind} {'needs' if name in wanted else 'has no'} {name!r}")

    @property
    def name(self) -> str:
        """What the source is called in the manifest."""
        inside = self.file or self.of or " ".join(self.files)
        return f"{self.kind} {inside}".strip()

    @property
    def most(self) -> int:
        """The most examples that an output gets of it."""
        return max(self.examples.values(), default=0)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the data files that it reads."""
        named = self.of if self.of not in ("course", "passages") else ""
        return tuple(name for name in (self.file, *self.files, named) if name)


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """All settings; see the module. `outputs`: the share of plain text of each, by name."""

    sources: tuple[SourceSpec, ...]
    outputs: dict[str, float]
    text: dict[str, float] = field(default_factory=dict)
    tokenizer: Vocabulary = field(default_factory=Vocabulary)
    prompt: Prompts = field(default_factory=Prompts)
    scores: Scores = field(default_factory=Scores)
    seed: int = 1
    held_out: float = 0.03
    longest: int = 512

    def __post_init__(self) -> None:
        _between(self, 0, math.inf, "seed")
        _between(self, 0, 0.5, "held_out")
        _between(self, 16, 32_767, "longest")
        if not self.outputs or not self.sources:
            raise MixtureError("a mixture needs at least one [outputs.NAME] and one [[source]]")
        if any(weight <= 0 for weight in self.text.values()) or (any(self.outputs.values()) and not self.text):
            raise MixtureError("[text] must name the files of plain text, each with a weight above 0")
        if len({source.name for source in self.sources}) < len(self.sources):
            raise MixtureError("two sources read the same; make them one with more examples")

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of all data files that are read, each once."""
        return tuple(dict.fromkeys((*self.text, *(name for source in self.sources for name in source.inputs))))


_Settings = TypeVar("_Settings", Vocabulary, Prompts, Scores, SourceSpec)


def read_mixture(path: Path) -> Mixture:
    """The mixture in a file; MixtureError with one line where it is not one."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise MixtureError(f"cannot read {path}: {fault}") from None
    try:
        return _mixture(found)
    except MixtureError as fault:
        raise MixtureError(f"{path}: {fault}") from None


def _mixture(found: dict[str, Any]) -> Mixture:
    known = {"tokenizer", "prompt", "scores", "text", "outputs", "source", "seed", "held_out", "longest"}
    if unknown := sorted(set(found) - known):
        raise MixtureError(f"unknown setting {unknown[0]!r}; known are {', '.join(sorted(known))}")
    outputs = {}
    for name, settings in _settings(found.get("outputs", {}), "outputs").items():
        if not isinstance(settings, dict) or set(settings) - {"text"}:
            raise MixtureError(f"outputs.{name} must be a table with no other setting than 'text'")
        if not name.replace("-", "").replace("_", "").isalnum() or name == "held-out":
            raise MixtureError(f"outputs.{name} is no name for a file; use letters, digits, - and _")
        share = outputs[name] = float(_number(settings.get("text", 0.0), f"outputs.{name}.text"))
        if not 0 <= share < 1:
            raise MixtureError(f"outputs.{name}.text is {share}; it must be at least 0 and below 1")
    texts = _settings(found.get("text", {}), "text")
    return Mixture(
        sources=tuple(_source(one, tuple(outputs)) for one in _tables(found.get("source", []), "source")),
        outputs=outputs,
        text={name: float(_number(weight, f"text.{name}")) for name, weight in texts.items()},
        tokenizer=_table(Vocabulary, found.get("tokenizer", {}), "tokenizer"),
        prompt=_table(Prompts, found.get("prompt", {}), "prompt"),
        scores=_table(Scores, found.get("scores", {}), "scores"),
        seed=_whole(found.get("seed", 1), "seed"),
        held_out=_number(found.get("held_out", 0.03), "held_out"),
        longest=_whole(found.get("longest", 512), "longest"),
    )


def _source(settings: Any, outputs: tuple[str, ...]) -> SourceSpec:
    examples = _settings(settings, "source").get("examples")
    counts = examples if isinstance(examples, dict) else dict.fromkeys(outputs, examples)
    for output, count in counts.items():
        if output not in outputs or not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise MixtureError(
                f"source.examples is {examples!r}; it must be a whole number, or one for each of {', '.join(outputs)}"
            )
    return _table(SourceSpec, settings | {"examples": dict(counts)}, "source")


def _table(kind: type[_Settings], settings: Any, name: str) -> _Settings:
    """A dataclass of settings from a table of the same names and types."""
    known = {one.name: one for one in fields(kind)}
    if unknown := sorted(set(_settings(settings, name)) - set(known)):
        raise MixtureError(f"unknown setting {name}.{unknown[0]}; known are {', '.join(sorted(known))}")
    if missing := [one.name for one in known.values() if one.default is MISSING and one.name not in settings]:
        raise MixtureError(f"{name}.{missing[0]} is missing")
    return kind(**{one: _READ[str(known[one].type)](value, f"{name}.{one}") for one, value in settings.items()})


_Reader = Callable[[Any, str], Any]


def _typed(kinds: Any, what: str) -> _Reader:
    def read(value: Any, name: str) -> Any:
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise MixtureError(f"{name} is {value!r}; it must be {what}")
        return value

    return read


def _list(read: _Reader) -> _Reader:
    return lambda value, name: tuple(read(one, name) for one in _typed(list, "a list")(value, name))


_number, _whole, _word = _typed((int, float), "a number"), _typed(int, "a whole number"), _typed(str, "a text")
_settings, _tables = _typed(dict, "a table"), _typed(list, "tables, [[source]]")
_READ: dict[str, _Reader] = {
    "int": _whole,
    "float": _number,
    "float | None": _number,
    "str": _word,
    "tuple[int, ...]": _list(_whole),
    "tuple[float, ...]": _list(_number),
    "tuple[str, ...]": _list(_word),
    "dict[str, int]": _settings,
}


def _between(settings: Any, least: float, most: float, *names: str) -> None:
    for name in names:
        if not least <= getattr(settings, name) <= most:
            end = f" and at most {most}" if most < math.inf else ""
            raise MixtureError(f"{name} is {getattr(settings, name)}; it must be at least {least}{end}")
