from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from lm.fused import cross_entropy, rms_norm, squared_relu


def _values(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=torch.float64, generator=generator).requires_grad_()


def _same(ours: Any, theirs: Any, *inputs: torch.Tensor) -> None:
    """Equal values, and equal gradients of a random combination of them."""
    one, other = ours(*inputs), theirs(*inputs)
    torch.testing.assert_close(one, other, rtol=0, atol=1e-10)
    weights = _values(*one.shape, seed=9).detach()
    gradients = [torch.autograd.grad((value * weights).sum(), inputs) for value in (one, other)]
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 3, 5, 7)])
def test_rms_norm_is_its_equation(shape: tuple[int, ...]) -> None:
    def plain(x: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
        return x / (x.pow(2).mean(-1, keepdim=True) + 1e-2).sqrt() * gain

    x, gain = _values(*shape), _values(7, seed=1)
    _same(lambda x, gain: rms_norm(x, gain, 1e-2), plain, x, gain)
    assert gradcheck(lambda x, gain: rms_norm(x, gain, 1e-2), (x, gain))


def test_rms_norm_of_zeros_is_zero() -> None:
    x = torch.zeros(2, 4, dtype=torch.float64, requires_grad=True)
    rms_norm(x, torch.ones(4, dtype=torch.float64), 1e-6).sum().backward()
    assert torch.isfinite(x.grad).all()  # type: ignore[arg-type]


def test_squared_relu_is_its_equation() -> None:
    _same(squared_relu, lambda x: F.relu(x).square(), _values(4, 5))


@pytest.mark.parametrize("cap", [0.0, 3.0, 20.0])
def test_cross_entropy_is_that_of_capped_logits(cap: float) -> None:
    target = torch.tensor([0, 4, 2, 4])

    def plain(z: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(cap * torch.tanh(z / cap) if cap else z, target, reduction="none")

    z = (3 * _values(4, 5)).detach().requires_grad_()
    _same(lambda z: cross_entropy(z, target, cap), plain, z)
    before = z.detach().clone()
    cross_entropy(z, target, cap).sum().backward()
    assert torch.equal(z.detach(), before), "the logits are not to be changed"
