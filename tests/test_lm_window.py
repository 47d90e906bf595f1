"""The window model against its equation, one vector at a time."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from lm_samples import draw, same
from torch import Tensor

from lm.body import Record
from lm.config import ModelConfig
from lm.window import WindowBody

_BATCH, _TIME, _WIDTH, _HIDDEN = 2, 7, 3, 5
_WINDOWS = pytest.mark.parametrize("window", [1, 2, 4, 9])


def _body(window: int) -> tuple[WindowBody, Tensor]:
    torch.manual_seed(8)
    shape: dict[str, Any] = {"vocabulary": 9, "features": 3, "width": _WIDTH, "hidden": _HIDDEN}
    body = draw(WindowBody(ModelConfig(architecture="window", window=window, **shape)))
    return body, torch.randn(_BATCH, _TIME, _WIDTH, dtype=torch.float64, requires_grad=True)


@_WINDOWS
def test_the_body_and_its_gradients_are_its_equation(window: int) -> None:
    body, x = _body(window)
    rows = []
    for e in x:
        for t in range(_TIME):
            seen = [e[t - back] if t >= back else torch.zeros_like(e[0]) for back in reversed(range(window))]
            side_by_side = torch.cat(seen)
            h = []
            inner = [torch.tanh(w @ side_by_side + d) for w, d in zip(body.inner.weight, body.inner.bias, strict=True)]
            for w, u in zip(body.direct.weight, body.outer.weight, strict=True):
                h.append(w @ side_by_side + sum(u[n] * inner[n] for n in range(_HIDDEN)))
            rows.append(torch.stack(h))
    expected = body.norm(torch.stack(rows).view(_BATCH, _TIME, _WIDTH))
    found = body(x)
    same(found, expected)
    inputs, asked = [x, *body.parameters()], torch.randn_like(found)
    same(torch.autograd.grad(found, inputs, asked), torch.autograd.grad(expected, inputs, asked))


@_WINDOWS
def test_only_the_last_tokens_matter(window: int) -> None:
    body, x = _body(window)
    for place in range(_TIME):
        other = x.detach().clone()
        other[:, place] += 1.0
        changed = (body(other) != body(x)).any(-1)
        assert changed.tolist() == [[place <= t < place + window for t in range(_TIME)]] * _BATCH


@_WINDOWS
@pytest.mark.parametrize("cuts", [(7,), (3, 4), (1,) * 7, (5, 1, 1)])
def test_in_chunks_equals_whole_whatever_the_prefix(window: int, cuts: tuple[int, ...]) -> None:
    body, x = _body(window)
    record, state = Record(), body.start(_BATCH, x)
    parts, at = [], 0
    for size in cuts:
        parts.append(body(x[:, at : at + size], prefix=torch.tensor([2, 3]), state=state, record=record))
        at += size
        assert state.length == at
        assert state.recent.shape == (_BATCH, window - 1, _WIDTH)
    same(torch.cat(parts, dim=1), body(x))
    assert not record.attention
    assert not record.gates


def test_a_state_let_go_carries_numbers_and_no_gradient() -> None:
    body, x = _body(4)
    state = body.start(_BATCH, x)
    body(x[:, :3], state=state)
    state.detach()
    later = body(x[:, 3:], state=state)
    same(later, body(x)[:, 3:])
    (gradient,) = torch.autograd.grad(later.sum(), x)
    assert not gradient[:, :3].any()
    assert gradient[:, 3:].any()
