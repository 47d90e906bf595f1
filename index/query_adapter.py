"""Moves the vector of a question to where the passages that answer it lie.

An embedder puts texts side by side that speak of the same thing in the same words; a question of a student does not use
the words of the lecture. So a question q is searched by the unit vector of q + W q + b, with W and b trained in this
repository on questions and the passages and sentences that answer them (`index.train_adapter`). Passages keep their
vectors, so that nothing needs to be embedded again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index.embedder import Vectors
from index.embedding import identity_of
from index.trained_files import WEIGHTS, misfit, read_trained

SHIPPED = Path(__file__).parent / "checkpoints" / "query"


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """Which vectors an adapter is for: the identity of their embedder as hexadecimal digits, and their length."""

    embedder: str
    dimension: int


class QueryAdapter:
    """A trained move: `matrix` W, float32 [D, D], and `bias` b, float32 [D]."""

    def __init__(self, matrix: Vectors, bias: Vectors) -> None:
        self.matrix, self.bias = matrix, bias

    def moved(self, vectors: Vectors) -> Vectors:
        """Unit vectors of questions, float32 [N, D], moved; again of unit length."""
        found = vectors + vectors @ self.matrix.T + self.bias
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


def adapter_for(fingerprint: Mapping[str, Any], folder: Path = SHIPPED) -> QueryAdapter | None:
    """The adapter in `folder` if it was trained for the embedder with this fingerprint, else None. Raises StoreError
    where it is damaged."""
    fitting, adapter = _loaded(folder)
    return adapter if fitting.embedder == identity_of(dict(fingerprint)).hex() else None


def _loaded(folder: Path) -> tuple[Fitting, QueryAdapter]:
    found = read_trained(folder, "query adapter", Fitting)
    size = found.settings.dimension
    shapes = {name: tuple(weight.shape) for name, weight in found.weights.items()}
    if shapes != {"matrix": (size, size), "bias": (size,)}:
        raise misfit(folder / WEIGHTS, f"it holds {shapes}")
    return found.settings, QueryAdapter(found.weights["matrix"], found.weights["bias"])
