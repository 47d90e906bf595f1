"""Muon for the matrices of the body, AdamW for everything else; and the moving average of the weights.

Muon (Jordan et al. 2024) replaces the momentum G of a matrix by the nearest semi-orthogonal matrix U V^T of its
singular value decomposition, found by five Newton-Schulz iterations  X <- a X + (b A + c A^2) X,  A = X X^T.
The iterations run in the type of the weights: in bfloat16 they are slower than in float32 on most processors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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
    """Momentum orthogonalised by Newton-Schulz, with decoupled weight decay. Matrices only.

    A group's `parts` says of how many matrices, one above the other, its parameters are made; each is orthogonal in
    its own right.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        *,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "parts": 1})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update; `closure` is not supported."""
        for group in self.param_groups:
            parameters = [one for one in group["params"] if one.grad is not None]
            if not parameters:
                continue
            gradients = [one.grad for one in parameters]
            for one in parameters:
                if not self.state[one]:
                    self.state[one]["momentum"] = torch.zeros_like(one)
            buffers = [self.state[one]["momentum"] for one in parameters]
            torch._foreach_lerp_(buffers, gradients, 1 - group["momentum"])
            updates = torch._foreach_lerp(gradients, buffers, group["momentum"])
            torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
            for shape in dict.fromkeys(one.shape for one in parameters):
                # Matrices of one shape are iterated together: a few large products instead of many small ones.
                alike = [number for number, one in enumerate(parameters) if one.shape == shape]
                split = (len(alike), group["parts"], shape[0] // group["parts"], shape[1])
                turned = orthogonalise(torch.stack([updates[number] for number in alike]).view(split))
                scale = max(1.0, split[2] / split[3]) ** 0.5
                for number, update in zip(alike, turned, strict=True):
                    parameters[number].add_(update.reshape(shape), alpha=-group["lr"] * scale)


def make_optimizers(
    model: nn.Module, *, lr: float, muon_lr: float, weight_decay: float, name: str = "muon"
) -> list[torch.optim.Optimizer]:
    """AdamW over all weights; or, named muon, AdamW over embeddings, gains, biases, recurrent weights and the copy
    head, and Muon over the other matrices of `model.body`."""
    matrices: dict[int, list[nn.Parameter]] = {}
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    gated = getattr(getattr(model, "config", None), "feed_forward", "") == "swiglu"
    for path, parameter in model.named_parameters():
        if name == "muon" and path.startswith("body.") and parameter.dim() == 2 and "place" not in path:
            parts = 3 if path.endswith("qkv.weight") else 2 if gated and path.endswith("up.weight") else 1
            if ".weight_ih_" in path or ".weight_hh_" in path:
                parts = parameter.shape[0] // _state_size(model, path)
            matrices.setdefault(parts, []).append(parameter)
        else:
            (decayed if parameter.dim() == 2 else plain).append(parameter)
    adam = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=lr,
        betas=(0.9, 0.98),
        eps=1e-9,
    )
    groups = [{"params": some, "parts": parts} for parts, some in sorted(matrices.items())]
    return [Muon(groups, lr=muon_lr, weight_decay=weight_decay), adam] if groups else [adam]


def _state_size(model: nn.Module, path: str) -> int:
    """H of the recurrent weight at `path`: the columns of the recurrent matrix beside it."""
    return int(model.get_parameter(path.replace("weight_ih", "weight_hh")).shape[1])


class Average:
    """Exponential moving average of a model's weights (Polyak and Juditsky 1992; Tarvainen and Valpola 2017).

    The decay starts low, (1 + t) / (10 + t) at step t, so that the first weights do not linger.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model, self.decay, self.steps = model, decay, 0
        self.weights = [parameter.detach().clone() for parameter in model.parameters()]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after a step."""
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        torch._foreach_lerp_(self.weights, [one.detach() for one in self.model.parameters()], 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within this context the model has the average weights."""
        own = [parameter.data for parameter in self.model.parameters()]
        for parameter, weight in zip(self.model.parameters(), self.weights, strict=True):
            parameter.data = weight
        try:
            yield
        finally:
            for parameter, weight in zip(self.model.parameters(), own, strict=True):
                parameter.data = weight
