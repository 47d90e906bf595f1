"""Scoring functions against their equations, and attention against torch's."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from lm_samples import draw, same
from numpy.typing import NDArray
from torch import Tensor, nn

from lm import attention
from lm.attention import Scorer, masked_softmax, merge_heads, multi_head, split_heads
from lm.body import Record
from lm.config import SCORES, ModelConfig
from lm.transformer import Attention, prefix_mask, rotary_angles, rotate

Array = NDArray[np.float64]
_BATCH, _QUERIES, _KEYS, _QUERY, _KEY, _RANK = 2, 7, 5, 3, 3, 2


def _dot(a: Array, b: Array) -> float:
    return float(sum(a[n] * b[n] for n in range(len(a))))


def _times(w: Array, x: Array) -> Array:
    return np.array([_dot(row, x) for row in w])


# One query q and one key k, letter by letter as in the text of lm.attention.
_EQUATIONS: dict[str, Callable[..., float]] = {
    "dot": _dot,
    "scaled_dot": lambda q, k: _dot(q, k) / math.sqrt(len(k)),
    "bilinear": lambda q, k, w: sum(q[i] * w[i, j] * k[j] for i in range(len(q)) for j in range(len(k))),
    "low_rank": lambda q, k, u, v: _dot(_times(u, q), _times(v, k)),
    "additive": lambda q, k, w, u, v: sum(v[r] * math.tanh(_dot(w[r], q) + _dot(u[r], k)) for r in range(len(v))),
    "cosine": lambda q, k: _dot(q, k) / (math.sqrt(_dot(q, q)) * math.sqrt(_dot(k, k))),
}


def _random(*shape: int, std: float = 1.0) -> Tensor:
    return (std * torch.randn(shape, dtype=torch.float64)).requires_grad_()


def _weights(name: str, query: int, key: int) -> list[Tensor]:
    shapes: dict[str, list[tuple[int, ...]]] = {
        "bilinear": [(query, key)],
        "low_rank": [(_RANK, query), (_RANK, key)],
        "additive": [(_RANK, query), (_RANK, key), (_RANK,)],
    }
    return [_random(*shape, std=0.2) for shape in shapes.get(name, [])]


@pytest.mark.parametrize("name", SCORES)
def test_a_scoring_function_is_its_equation(name: str) -> None:
    torch.manual_seed(1)
    query = _KEY + 2 if name in ("bilinear", "low_rank", "additive") else _KEY
    q, k, weights = _random(_BATCH, _QUERIES, query), _random(_BATCH, _KEYS, _KEY), _weights(name, query, _KEY)
    scores = getattr(attention, name)(q, k, *weights).detach()
    assert scores.shape == (_BATCH, _QUERIES, _KEYS)
    numbers = [weight.detach().numpy() for weight in weights]
    for place in np.ndindex(_BATCH, _QUERIES, _KEYS):
        b, t, s = place
        expected = _EQUATIONS[name](q[b, t].detach().numpy(), k[b, s].detach().numpy(), *numbers)
        assert float(scores[place]) == pytest.approx(expected, rel=0, abs=1e-12)


@pytest.mark.parametrize("name", SCORES)
def test_a_scorer_is_its_function_with_its_weights_and_gradients(name: str) -> None:
    torch.manual_seed(2)
    width = 9
    scorer = draw(Scorer(name, width, width))
    q, k = _random(_BATCH, _QUERIES, width), _random(_BATCH, _KEYS, width)
    found = scorer.score(q, scorer.keys(k))
    if name == "scaled_dot":
        expected = attention.scaled_dot(q @ scorer.query.weight.T, k @ scorer.key.weight.T)
    elif name == "bilinear":
        expected = attention.bilinear(q, k, scorer.query.weight.T)
    elif name == "low_rank":
        assert scorer.query.weight.shape == (2, width)
        expected = attention.low_rank(q, k, scorer.query.weight, scorer.key.weight)
    elif name == "additive":
        expected = attention.additive(q, k, scorer.query.weight, scorer.key.weight, scorer.v)
    else:
        scale: Tensor | float = scorer.scale if name == "cosine" else 1.0
        expected = scale * getattr(attention, name)(q, k)
    same(found, expected)
    inputs, asked = [q, k, *scorer.parameters()], torch.randn_like(found)
    assert len(inputs) == 2 + {"dot": 0, "bilinear": 1, "cosine": 1, "additive": 3}.get(name, 2)
    same(torch.autograd.grad(found, inputs, asked), torch.autograd.grad(expected, inputs, asked))


def test_a_scorer_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match=r"score is 'euclid'; it must be one of dot, scaled_dot"):
        Scorer("euclid", 3, 3)
    for name in ("dot", "cosine"):
        with pytest.raises(ValueError, match=rf"{name} compares vectors of one width; the query has 3, the key 4"):
            Scorer(name, 3, 4)
    for name in ("scaled_dot", "bilinear", "low_rank", "additive"):
        scorer = Scorer(name, 3, 4)
        assert scorer.score(torch.ones(1, 3), scorer.keys(torch.ones(2, 4))).shape == (1, 2)


def test_masked_softmax_is_a_softmax_over_what_is_left() -> None:
    torch.manual_seed(3)
    scores = _random(4, _KEYS, std=3.0)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 0, 1, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]).bool()
    weights = masked_softmax(scores, mask)
    same(weights.sum(-1).detach(), torch.tensor([1, 1, 1, 0], dtype=torch.float64), atol=1e-12)
    assert not weights[~mask].any()
    for row in range(3):
        left = [math.exp(float(score)) for score in scores[row, mask[row]].detach()]
        same(weights[row, mask[row]].detach(), torch.tensor([one / sum(left) for one in left], dtype=torch.float64))
    same(masked_softmax(scores), masked_softmax(scores, torch.ones_like(mask)))
    (gradient,) = torch.autograd.grad(weights.square().sum(), scores)
    assert gradient.isfinite().all()
    assert not gradient[3].any()
    assert not gradient[~mask].any()
    assert (gradient[0] != 0).all()


_MASKS = {
    "none": None,
    "causal": torch.ones(_QUERIES, _QUERIES).tril().bool(),
    "prefix": prefix_mask(torch.tensor([4, 1]), _QUERIES),
}


@pytest.mark.parametrize("mask", _MASKS.values(), ids=_MASKS)
def test_multi_head_is_torch_attention_with_its_gradients(mask: Tensor | None) -> None:
    torch.manual_seed(4)
    heads, width = 3, 15
    q, k, v = (_random(_BATCH, _QUERIES, width) for _ in range(3))
    mixed, weights = multi_head(q, k, v, heads, mask)
    apart = [one.view(_BATCH, _QUERIES, heads, width // heads).transpose(1, 2) for one in (q, k, v)]
    same(split_heads(q, heads), apart[0])
    same(merge_heads(split_heads(q, heads)), q)
    expected = F.scaled_dot_product_attention(*apart, attn_mask=mask).transpose(1, 2).reshape(mixed.shape)
    same(mixed, expected)
    same(weights.sum(-1), torch.ones(_BATCH, heads, _QUERIES, dtype=torch.float64), atol=1e-12)
    asked = torch.randn_like(mixed)
    same(torch.autograd.grad(mixed, [q, k, v], asked), torch.autograd.grad(expected, [q, k, v], asked))


@pytest.mark.parametrize("mask", _MASKS.values(), ids=_MASKS)
@pytest.mark.parametrize("recorded", [False, True])
def test_the_attention_layer_is_torch_multihead_attention(mask: Tensor | None, recorded: bool) -> None:
    torch.manual_seed(5)
    config = ModelConfig(vocabulary=9, features=3, width=18, heads=3, qk_norm=False)
    ours = draw(Attention(config), seed=5)
    theirs = nn.MultiheadAttention(18, 3, bias=False, batch_first=True).double()
    theirs.in_proj_weight.data.copy_(ours.qkv.weight)
    theirs.out_proj.weight.data.copy_(ours.out.weight)
    x = _random(_BATCH, _QUERIES, 18)
    record = Record() if recorded else None
    found = ours(x, None, mask, None, record)
    closed = None if mask is None else ~mask.expand(_BATCH, 3, -1, -1).flatten(0, 1)
    expected, weights = theirs(x, x, x, attn_mask=closed, average_attn_weights=False)
    same(found, expected)
    if record is not None:
        same(record.attention, [weights])
    asked = torch.randn_like(found)
    same(
        torch.autograd.grad(found, [x, ours.qkv.weight, ours.out.weight], asked),
        torch.autograd.grad(expected, [x, theirs.in_proj_weight, theirs.out_proj.weight], asked),
    )


def test_queries_and_keys_are_normalised_and_turned_before_they_meet() -> None:
    torch.manual_seed(6)
    ours = draw(Attention(ModelConfig(vocabulary=9, features=3, width=18, heads=3, qk_norm=True)), seed=6)
    x = _random(_BATCH, _QUERIES, 18)
    cosines, sines = rotary_angles(6, 100.0, _QUERIES)
    mask = _MASKS["causal"]
    found = ours(x, (cosines, sines), mask, None, None)
    q, k, v = (part.view(_BATCH, _QUERIES, 3, 6).transpose(1, 2) for part in (x @ ours.qkv.weight.T).split(18, dim=-1))

    def normalised(y: Tensor, gain: Tensor) -> Tensor:
        return y / (y.square().mean(-1, keepdim=True) + 1e-6).sqrt() * gain

    q = rotate(normalised(q, ours.query_norm.gain), (cosines, sines))
    k = rotate(normalised(k, ours.key_norm.gain), (cosines, sines))
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
    expected = mixed @ ours.out.weight.T
    same(found, expected)
    inputs, asked = [x, *ours.parameters()], torch.randn_like(found)
    same(torch.autograd.grad(found, inputs, asked), torch.autograd.grad(expected, inputs, asked))
