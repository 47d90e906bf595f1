from __future__ import annotations

import pytest
import torch
from lm_samples import small_model

from lm.optim import Muon, make_optimizers, orthogonalise


@pytest.mark.parametrize("shape", [(7, 7), (40, 9), (9, 40), (3, 12, 5), (192, 192)])
def test_singular_values_come_near_one(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(shape, generator=generator, dtype=torch.float64)
    values = torch.linalg.svdvals(orthogonalise(matrix))
    # A Gaussian square matrix has singular values near 0, which five iterations do not lift all the way.
    lifted = torch.linalg.svdvals(matrix) > 0.02 * torch.linalg.matrix_norm(matrix)[..., None]
    assert lifted.float().mean() > 0.7
    assert float(values[lifted].min()) > 0.6
    assert float(values.max()) < 1.3


def test_orthogonalise_keeps_the_singular_vectors() -> None:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    turned = u.T @ orthogonalise(matrix) @ v.T
    off = turned - torch.diag(turned.diag())
    assert float(off.abs().max()) < 1e-10


def _updated(weight: torch.Tensor, gradient: torch.Tensor, parts: int = 1) -> torch.Tensor:
    parameter = torch.nn.Parameter(weight.clone())
    parameter.grad = gradient.clone()
    Muon([{"params": [parameter], "parts": parts}], lr=1.0, momentum=0.0).step()
    return parameter.detach() - weight


def test_a_fused_projection_is_three_matrices() -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(24, 8, generator=generator, dtype=torch.float64)
    gradient = torch.randn(24, 8, generator=generator, dtype=torch.float64)
    whole = _updated(weight, gradient, 3)
    parts = [_updated(weight[n : n + 8], gradient[n : n + 8]) for n in (0, 8, 16)]
    torch.testing.assert_close(whole, torch.cat(parts), rtol=0, atol=1e-12)
    other = gradient.clone()
    other[:8] *= 100
    torch.testing.assert_close(_updated(weight, other, 3), whole, rtol=0, atol=1e-6)


def test_the_step_is_the_momentum_rule_with_decay() -> None:
    generator = torch.Generator().manual_seed(0)
    parameter = torch.nn.Parameter(torch.randn(4, 6, generator=generator, dtype=torch.float64))
    gradients = [torch.randn(4, 6, generator=generator, dtype=torch.float64) for _ in range(2)]
    optimizer = Muon([parameter], lr=0.1, momentum=0.9, weight_decay=0.5)
    expected, buffer = parameter.detach().clone(), torch.zeros(4, 6, dtype=torch.float64)
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
        buffer = 0.9 * buffer + 0.1 * gradient
        update = orthogonalise(0.1 * gradient + 0.9 * buffer)
        expected = expected * (1 - 0.1 * 0.5) - 0.1 * update
    torch.testing.assert_close(parameter.detach(), expected, rtol=0, atol=1e-12)


def test_every_weight_has_one_optimizer_and_only_body_matrices_have_muon() -> None:
    model = small_model()
    optimizers = make_optimizers(model, lr=1e-3, muon_lr=1e-2, weight_decay=0.1)
    of = {
        id(parameter): (type(optimizer).__name__, group["weight_decay"])
        for optimizer in optimizers
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert len(of) == len(list(model.parameters()))
    for name, parameter in model.named_parameters():
        matrix = parameter.dim() == 2
        expected = "Muon" if matrix and name.startswith("body.") else "AdamW"
        assert of[id(parameter)] == (expected, 0.1 if matrix else 0.0), name
