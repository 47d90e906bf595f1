"""Model and training configuration: one dial (a preset) plus overrides, checked where it is made."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Shape of a model. `width` D, `layers` L, `heads` H, `hidden` feed-forward width, `context` longest sequence."""

    vocabulary: int
    features: int
    architecture: str = "transformer"
    width: int = 192
    layers: int = 6
    heads: int = 6
    hidden: int = 768
    context: int = 1024
    rotary_base: float = 10_000.0
    dropout: float = 0.0
    ngram: int = 8

    def __post_init__(self) -> None:
        for name in ("vocabulary", "features", "width", "layers", "heads", "hidden", "context"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r}; it must be a whole number of at least 1")
        if self.architecture not in ARCHITECTURES:
            raise ValueError(f"architecture is {self.architecture!r}; it must be one of {', '.join(ARCHITECTURES)}")
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(
                f"width {self.width} over {self.heads} heads gives no even head size; "
                "choose heads so that width / heads is an even whole number"
            )
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout is {self.dropout}; it must be at least 0 and below 1")
        if not 0 <= self.ngram <= 8:
            raise ValueError(f"ngram is {self.ngram}; it must be 0 to 8")

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


ARCHITECTURES = ("transformer",)

PRESETS: dict[str, dict[str, int]] = {
    "tiny": {"width": 32, "layers": 2, "heads": 2, "hidden": 64, "context": 256},
    "mini": {"width": 192, "layers": 6, "heads": 6, "hidden": 768, "context": 1024},
    "small": {"width": 256, "layers": 8, "heads": 8, "hidden": 1024, "context": 1024},
    "base": {"width": 512, "layers": 8, "heads": 8, "hidden": 2048, "context": 1024},
}
"""Sizes by name: about 0.05M, 3.5M, 8M and 30M parameters with the vocabularies they are meant for."""


def preset(name: str, *, vocabulary: int, features: int, **overrides: Any) -> ModelConfig:
    """The preset `name` with `overrides` applied."""
    if name not in PRESETS:
        raise ValueError(f"no preset {name!r}; choose one of {', '.join(PRESETS)}")
    return ModelConfig.from_json({"vocabulary": vocabulary, "features": features, **PRESETS[name], **overrides})


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How to train. `batch_tokens` counts padding; `decay` is the share of the steps over which the rate falls to 0;
    `pointer` weighs the loss that asks the copy weights to stand on the known source of a token."""

    steps: int
    batch_tokens: int = 8192
    lr: float = 3e-3
    muon_lr: float = 0.02
    weight_decay: float = 0.1
    warmup: int = 50
    decay: float = 0.5
    pointer: float = 0.2
    clip: float = 1.0
    seed: int = 1
    precision: str = "fp32"
    validate_every: int = 250
    save_minutes: float = 3.0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_tokens", "validate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.precision not in ("fp32", "bf16"):
            raise ValueError(f"precision is {self.precision!r}; it must be fp32 or bf16")
        for name in ("lr", "muon_lr", "clip", "save_minutes"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")

    def rate(self, step: int) -> float:
        """Multiplier of the learning rates at `step`: linear warm-up, constant, linear to 0."""
        falling = max(1.0, self.decay * self.steps)
        return min(1.0, (step + 1) / max(1, self.warmup), max(0.0, (self.steps - step) / falling))
