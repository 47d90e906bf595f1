"""Models that behave as on a GPU that runs out of memory or breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar

import torch

from index.device import CPU, Placed
from index.embedder import SentenceTransformerEmbedder
from index.ranker import CrossEncoder
from lm.checkpoint import Checkpoint
from lm.model import LanguageModel

NEVER = 1 << 30

T = TypeVar("T")

FAULTS: dict[str, Callable[[], RuntimeError]] = {
    "out of memory": lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB.\nGPU 0 has 0."),
    "accelerator error": lambda: torch.AcceleratorError("CUDA error: device-side assert triggered\nCUDA kernel errors"),
    "launch failure": lambda: RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be late"),
    "library error": lambda: RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
}
"""What torch raises, by name."""


class OnBrokenDevice(LanguageModel):
    """A model that fails at call `at` (from 0) of those that compute and at every one after it; then its weights cannot
    be read either. `calls` counts."""

    at, calls = NEVER, 0
    fault: Callable[[], RuntimeError] = FAULTS["launch failure"]

    def _called(self, weights: bool = False) -> None:
        self.calls += not weights
        if self.calls > self.at:
            raise self.fault()

    def prefill(self, *arguments: Any, **how: Any) -> Any:
        self._called()
        return super().prefill(*arguments, **how)

    def step(self, *arguments: Any, **how: Any) -> Any:
        self._called()
        return super().step(*arguments, **how)

    def every_next(self, *arguments: Any, **how: Any) -> Any:
        self._called()
        return super().every_next(*arguments, **how)

    def state_dict(self, *arguments: Any, **how: Any) -> Any:
        self._called(weights=True)
        return super().state_dict(*arguments, **how)

    def _apply(self, *arguments: Any, **how: Any) -> Any:
        self._called(weights=True)
        return super()._apply(*arguments, **how)


def on_broken_device(checkpoint: Checkpoint, *, at: int = NEVER, fault: str = "launch failure") -> Checkpoint:
    """The same weights on such a device."""
    model = OnBrokenDevice(checkpoint.model.config)
    model.load_state_dict(checkpoint.model.state_dict())
    model.at, model.fault = at, FAULTS[fault]
    return replace(checkpoint, model=model.eval())


def placed(broken: T, whole: T) -> Placed[T]:
    """One on the GPU, the other on the CPU."""
    return Placed(lambda device: broken if device == "cuda" else whole, "cuda")


class EncoderOnBrokenDevice(CrossEncoder):
    """A ranker's model that fails at call `at` and after it."""

    def __init__(self, model: CrossEncoder, at: int, fault: str) -> None:
        torch.nn.Module.__init__(self)
        self.encoder, self.score = model.encoder, model.score
        self.at, self.fault, self.calls = at, FAULTS[fault], 0

    def forward(self, *arguments: Any, **how: Any) -> torch.Tensor:
        self.calls += 1
        if self.calls > self.at:
            raise self.fault()
        return super().forward(*arguments, **how)


class EmbedderOnBrokenDevice(SentenceTransformerEmbedder):
    """An embedder whose model on a GPU fails at batch `at` and after it."""

    def __init__(self, at: int, fault: str) -> None:
        super().__init__()
        self.left, self.fault = at, FAULTS[fault]

    def _model(self, device: str) -> Any:
        model = super()._model(CPU)
        return model if device == CPU else SimpleNamespace(encode=partial(self._encode, model))

    def _encode(self, model: Any, *arguments: Any, **how: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise self.fault()
        return model.encode(*arguments, **how)
