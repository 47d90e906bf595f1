"""Model and training configuration: one dial (a preset) plus overrides, checked where it is made."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from lm.tokenizer import SPECIAL

ARCHITECTURES = ("transformer", "rnn", "lstm", "gru", "window")
RECURRENT = ("rnn", "lstm", "gru")
POSITIONS = ("rotary", "sinusoidal", "learned")
FEED_FORWARD = ("relu2", "swiglu")
SCORES = ("dot", "scaled_dot", "bilinear", "low_rank", "additive", "cosine")
_COUNTS = ("vocabulary", "special", "features", "width", "layers", "heads", "hidden", "context", "window")
_CHOICES = {
    "architecture": ARCHITECTURES,
    "positions": POSITIONS,
    "feed_forward": FEED_FORWARD,
    "score": SCORES,
}


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Shape of a model.

    `vocabulary` V counts the pieces of the tokenizer, the first `special` of which are special tokens, `features` the
    feature ids of prompt tokens. `width` D is the size of embeddings and of the hidden vectors that leave the body,
    `layers` L its depth, `context` the longest sequence. `hidden` is the width inside: of the feed-forward network
    (transformer), of the state (rnn, lstm, gru), of the tanh layer (window). `heads`, `positions`, `rotary_base`,
    `feed_forward` and `qk_norm` belong to the transformer, `window` (tokens seen at once) to the window model. `score`
    names the scoring function by which the copy head, and the decoder of a recurrent model, attend to the prompt.
    `ngram` is the order of the copy head's continuation bias, `softcap` bounds the logits (0: no bound), `shift` adds
    to each token the embedding of the one before it, `tied` makes the embedding the output layer too.
    """

    vocabulary: int
    features: int
    special: int = len(SPECIAL)
    architecture: str = "transformer"
    width: int = 192
    layers: int = 6
    heads: int = 6
    hidden: int = 768
    context: int = 1024
    positions: str = "rotary"
    rotary_base: float = 10_000.0
    feed_forward: str = "relu2"
    qk_norm: bool = True
    window: int = 8
    score: str = "scaled_dot"
    softcap: float = 20.0
    shift: bool = True
    tied: bool = True
    dropout: float = 0.0
    ngram: int = 8

    def __post_init__(self) -> None:
        for name in _COUNTS:
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r}; it must be a whole number of at least 1")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be one of {', '.join(choices)}")
        for name in ("qk_norm", "shift", "tied"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be true or false")
        if self.architecture == "transformer" and (self.width % self.heads or (self.width // self.heads) % 2):
            raise ValueError(
                f"width {self.width} over {self.heads} heads gives no even head size; "
                "choose heads so that width / heads is an even whole number"
            )
        if self.architecture in RECURRENT and self.hidden % 2:
            raise ValueError(f"hidden is {self.hidden}; it must be even, one half for each direction of the encoder")
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout is {self.dropout}; it must be at least 0 and below 1")
        if not 0 <= self.ngram <= 8:
            raise ValueError(f"ngram is {self.ngram}; it must be 0 to 8")
        if not 0 <= self.softcap < math.inf:
            raise ValueError(f"softcap is {self.softcap}; it must be 0 (none) or more")
        if not 1 < self.rotary_base < math.inf:
            raise ValueError(f"rotary_base is {self.rotary_base}; it must be above 1")

    @property
    def head_size(self) -> int:
        """K, the width of one attention head."""
        return self.width // self.heads

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON-ready dictionary."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> ModelConfig:
        """Inverse of `to_json`; ValueError names a field that does not belong."""
        known = set(cls.__dataclass_fields__)
        if unknown := sorted(set(fields) - known):
            raise ValueError(f"unknown model setting {unknown[0]!r}; known are {', '.join(sorted(known))}")
        try:
            return cls(**fields)
        except TypeError as fault:
            raise ValueError(f"incomplete model settings: {fault}") from None


PRESETS: dict[str, dict[str, int]] = {
    "tiny": {"width": 32, "layers": 2, "heads": 2, "hidden": 64, "context": 256},
    "mini": {"width": 192, "layers": 6, "heads": 6, "hidden": 768, "context": 1024},
    "small": {"width": 256, "layers": 8, "heads": 8, "hidden": 1024, "context": 1024},
    "base": {"width": 512, "layers": 8, "heads": 8, "hidden": 2048, "context": 1024},
}
"""Sizes by name: about 0.05M, 3.5M, 8M and 30M parameters with the vocabularies they are meant for. They are the
shapes of transformers; `lm.sizing.matched` finds another architecture of the same number of parameters."""


def preset(name: str, *, vocabulary: int, features: int, **overrides: Any) -> ModelConfig:
    """The preset `name` with `overrides` applied."""
    if name not in PRESETS:
        raise ValueError(f"no preset {name!r}; choose one of {', '.join(PRESETS)}")
    return ModelConfig.from_json({"vocabulary": vocabulary, "features": features, **PRESETS[name], **overrides})


_OF_THE_TOKENIZER = {"vocabulary", "special", "features"}


def parse_overrides(pairs: list[str]) -> dict[str, Any]:
    """`NAME=VALUE` settings of a command line as fields of `ModelConfig`; ValueError names one that is none.

    >>> parse_overrides(["hidden=464", "feed_forward=swiglu", "tied=false"])
    {'hidden': 464, 'feed_forward': 'swiglu', 'tied': False}
    """
    kinds = {name: str(field.type) for name, field in ModelConfig.__dataclass_fields__.items()}
    values: dict[str, Any] = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name not in kinds or name in _OF_THE_TOKENIZER:
            known = ", ".join(sorted(set(kinds) - _OF_THE_TOKENIZER))
            raise ValueError(f"no model setting {name!r}; write NAME=VALUE with one of {known}")
        try:
            values[name] = _READ[kinds[name]](text)
        except (ValueError, KeyError):
            raise ValueError(f"{name} is {text!r}; it must be {_MEANS[kinds[name]]}") from None
    return values


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


_READ: dict[str, Callable[[str], Any]] = {"int": int, "float": float, "bool": _truth, "str": str}
_MEANS = {"int": "a whole number", "float": "a number", "bool": "true or false"}


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How to train. `batch_tokens` counts padding; `decay` is the share of the steps over which the rate falls to 0;
    `pointer` weighs the loss that asks the copy weights to stand on the known source of a token; `ema` is the decay
    of the moving average of the weights that validation and checkpoints use (0: the weights themselves); `window` is
    the length of the sequences that plain text is cut into; `bucket` rounds the lengths of batches of examples up, so
    that there are few shapes; `minutes` ends the training early (0: it does not)."""

    steps: int
    batch_tokens: int = 8192
    optimizer: str = "muon"
    lr: float = 3e-3
    muon_lr: float = 0.02
    weight_decay: float = 0.1
    warmup: int = 50
    decay: float = 0.5
    pointer: float = 0.2
    clip: float = 1.0
    ema: float = 0.0
    window: int = 256
    bucket: int = 1
    seed: int = 1
    precision: str = "fp32"
    validate_every: int = 250
    save_minutes: float = 3.0
    minutes: float = 0.0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_tokens", "validate_every", "window", "bucket"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.precision not in ("fp32", "bf16"):
            raise ValueError(f"precision is {self.precision!r}; it must be fp32 or bf16")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer is {self.optimizer!r}; it must be one of {', '.join(OPTIMIZERS)}")
        for name in ("lr", "muon_lr", "clip", "save_minutes"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        for name in ("weight_decay", "pointer", "warmup", "minutes"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 0 or more")
        if not 0 <= self.ema < 1:
            raise ValueError(f"ema is {self.ema}; it must be at least 0 and below 1")
        if not 0 <= self.decay <= 1:
            raise ValueError(f"decay is {self.decay}; it must be 0 to 1")

    def rate(self, step: int, left: float = 1.0) -> float:
        """Multiplier of the learning rates at `step`: linear warm-up, constant, linear to 0 at the last step or, if
        that comes first, at the end of the minutes, of which the share `left` is left."""
        falling = max(1.0, self.decay * self.steps)
        late = left / self.decay if self.decay else 1.0
        return min(1.0, (step + 1) / max(1, self.warmup), max(0.0, (self.steps - step) / falling), late)


OPTIMIZERS = ("muon", "adamw")
