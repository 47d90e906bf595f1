"""Muon for the matrices of the body, AdamW for everything else, behind one `step`.

Muon (Jordan et al. 2024) replaces the momentum G of a matrix by the nearest semi-orthogonal matrix U V^T of its
singular value decomposition, found by five Newton-Schulz iterations  X <- a X + (b A + c A^2) X,  A = X X^T.
The iterations run in the type of the weights: in bfloat16 they are slower than in float32 on most processors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

_A, _B, _C = 3.4445, -4.7750, 2.0315


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """Approximately U V^T of [..., M, N] matrices; singular values land between 0.7 and 1.2."""
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = matrix.transpose(-1, -2) if tall else matrix
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.transpose(-1, -2)
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return torch.as_tensor(x.transpose(-1, -2) if tall else x)


class Muon(torch.optim.Optimizer):
    """Momentum orthogonalised by Newton-Schulz, with decoupled weight decay. Matrices only."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], *, lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update; `closure` is not supported."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                buffer = state.setdefault("momentum", torch.zeros_like(parameter))
                buffer.lerp_(parameter.grad, 1 - group["momentum"])
                update = parameter.grad.lerp(buffer, group["momentum"])
                rows, columns = update.shape
                # A fused query-key-value matrix is three matrices, each orthogonal in its own right.
                parts = rows // columns if rows % columns == 0 and rows // columns == 3 else 1
                update = orthogonalise(update.view(parts, rows // parts, columns)).reshape(rows, columns)
                scale = max(1.0, rows / parts / columns) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * scale)


def make_optimizers(
    model: nn.Module, *, lr: float, muon_lr: float, weight_decay: float
) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Muon over the matrices of `model.body`, AdamW over embeddings, gains, biases and the copy head."""
    matrices: list[nn.Parameter] = []
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if name.startswith("body.") and parameter.dim() == 2:
            matrices.append(parameter)
        else:
            (decayed if parameter.dim() == 2 else plain).append(parameter)
    adam = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=lr,
        betas=(0.9, 0.98),
        eps=1e-9,
    )
    return Muon(matrices, lr=muon_lr, weight_decay=weight_decay), adam
