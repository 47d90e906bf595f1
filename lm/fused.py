"""Three functions that training spends its time on beside matrix products, each as one operation with its own gradient.

Written out in elementary operations they would keep and visit many more tensors. They are proven equal to those forms.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


class _RMSNorm(Function):
    """y = x r g with r = (mean(x^2) + eps)^(-1/2);  dx = r (dy g - x r mean(dy g x r)),  dg = sum(dy x r)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor, eps: float) -> Tensor:
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        r = torch.rsqrt(norm * norm / x.shape[-1] + eps)
        ctx.save_for_backward(x, gain, r)
        return (x * r).mul_(gain)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        (dy,) = gradients
        x, gain, r = ctx.saved_tensors
        normal = x * r
        inner = dy * normal
        d_gain = inner.sum(dim=tuple(range(inner.dim() - 1))) if inner.dim() > 1 else inner
        along = (inner @ gain)[..., None] / x.shape[-1]
        return torch.addcmul(dy * gain, normal, along, value=-1).mul_(r), d_gain, None


def rms_norm(x: Tensor, gain: Tensor, eps: float) -> Tensor:
    """x / sqrt(mean(x^2) + eps) * gain over the last axis (Zhang and Sennrich 2019, equation 4)."""
    return _RMSNorm.apply(x, gain, eps)  # type: ignore[no-any-return,no-untyped-call]


class _SquaredReLU(Function):
    """y = max(x, 0)^2;  dx = 2 max(x, 0) dy."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        positive = torch.relu(x)
        ctx.save_for_backward(positive)
        return positive * positive

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (positive,) = ctx.saved_tensors
        return torch.as_tensor((gradients[0] * positive).mul_(2))


def squared_relu(x: Tensor) -> Tensor:
    """max(x, 0)^2 (So et al. 2021)."""
    return _SquaredReLU.apply(x)  # type: ignore[no-any-return,no-untyped-call]


class _CappedCrossEntropy(Function):
    """With l = c tanh(z / c) (or l = z without a cap), nll = logsumexp(l) - l_target;
    dz = (softmax(l) - onehot(target)) (1 - (l / c)^2) dnll."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, target: Tensor, cap: float) -> Tensor:
        logits = z.div(cap).tanh_().mul_(cap) if cap else z
        total = logits.logsumexp(-1, keepdim=True)
        ctx.save_for_backward(logits, total, target)
        ctx.cap = cap
        return torch.as_tensor((total - logits.gather(-1, target[:, None])).squeeze(-1))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        logits, total, target = ctx.saved_tensors
        dz = (logits - total).exp_()
        dz.scatter_add_(-1, target[:, None], dz.new_full((len(target), 1), -1.0))
        if ctx.cap:
            # (1 - (l / c)^2) p = p - p (l / c)^2
            dz.addcmul_(dz * logits, logits, value=-1 / ctx.cap**2)
        return dz.mul_(gradients[0][:, None]), None, None


def cross_entropy(z: Tensor, target: Tensor, cap: float) -> Tensor:
    """-log softmax(cap tanh(z / cap))[target] of raw logits z [N, V] and targets [N]; no bound where `cap` is 0."""
    return _CappedCrossEntropy.apply(z, target, cap)  # type: ignore[no-any-return,no-untyped-call]
