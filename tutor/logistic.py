"""Logistic regression of a few weights, fitted on questions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_PENALTY = 1e-3


def fit(x: Floats, outcomes: Floats, counts: Floats) -> Floats:
    """Weights and bias [F + 1] of P = sigmoid(w . x + b) on inputs [N, F] and outcomes [N], 0 or 1.

    They minimise the mean binary cross-entropy, every row counting by `counts` [N], plus 1e-3 of the squares of the
    weights.
    """
    import torch

    inputs, wanted, weight = torch.tensor(x), torch.tensor(outcomes), torch.tensor(counts / counts.mean())
    weights = torch.zeros(x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        z = inputs @ weights[:-1] + weights[-1]
        total = torch.nn.functional.binary_cross_entropy_with_logits(z, wanted, weight=weight)
        total = total + _PENALTY * weights[:-1].square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return np.asarray(weights.detach().numpy(), dtype=np.float64)


def balanced(outcomes: Floats) -> Floats:
    """Counts [N] by which both outcomes weigh the same."""
    share = float(outcomes.mean())
    return np.where(outcomes > 0, 0.5 / share, 0.5 / (1 - share))
