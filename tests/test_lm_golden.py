"""The Transformer against the Llama of transformers with the same random weights, and its positions by equation."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from lm_samples import draw, same
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

from lm.config import ModelConfig
from lm.model import LanguageModel
from lm.transformer import rotary_angles, rotate, sinusoidal

_WIDTH, _HEADS, _HIDDEN, _LAYERS, _VOCABULARY, _CONTEXT, _TIME = 18, 3, 31, 3, 37, 40, 7
_ROOT = math.sqrt(_WIDTH)


def _llama(tied: bool) -> Any:
    config = LlamaConfig(
        vocab_size=_VOCABULARY,
        hidden_size=_WIDTH,
        intermediate_size=_HIDDEN,
        num_hidden_layers=_LAYERS,
        num_attention_heads=_HEADS,
        max_position_embeddings=_CONTEXT,
        rms_norm_eps=1e-6,
        tie_word_embeddings=tied,
        attn_implementation="sdpa",
        rope_parameters={"rope_type": "default", "rope_theta": 500.0},
    )
    theirs: Any = LlamaForCausalLM(config)
    # Its own norm computes in fp32 whatever it is given; torch's, of the same equation, keeps fp64.
    norm = partial(nn.RMSNorm, _WIDTH, eps=1e-6)
    for layer in theirs.model.layers:
        layer.input_layernorm, layer.post_attention_layernorm = norm(), norm()
    theirs.model.norm = norm()
    return draw(theirs, seed=7)


def _ours(tied: bool) -> LanguageModel:
    config = ModelConfig(
        vocabulary=_VOCABULARY,
        features=3,
        width=_WIDTH,
        heads=_HEADS,
        hidden=_HIDDEN,
        layers=_LAYERS,
        context=_CONTEXT,
        rotary_base=500.0,
        feed_forward="swiglu",
        qk_norm=False,
        shift=False,
        softcap=0.0,
        tied=tied,
    )
    return LanguageModel(config).double().eval()


def _shared(ours: Any, theirs: Any, tied: bool) -> list[tuple[Tensor, list[Tensor], float]]:
    """Each weight of ours, the weights of theirs it has below one another, and the factor from theirs to ours.

    Ours multiplies embeddings by sqrt(D) as they come in. Where they are the output layer as well, its factor
    1 / sqrt(D) is made good by the gain of the norm before it.
    """
    outer = ours.body.norm.gain, [theirs.model.norm.weight], _ROOT if tied else 1.0
    shared = [(ours.embedding.weight, [theirs.model.embed_tokens.weight], 1 / _ROOT), outer]
    if not tied:
        shared.append((ours.output.weight, [theirs.lm_head.weight], 1.0))
    for block, layer in zip(ours.body.blocks, theirs.model.layers, strict=True):
        attention, feed = layer.self_attn, layer.mlp
        shared += [
            (block.attention_norm.gain, [layer.input_layernorm.weight], 1.0),
            (block.attention.qkv.weight, [getattr(attention, f"{one}_proj").weight for one in "qkv"], 1.0),
            (block.attention.out.weight, [attention.o_proj.weight], 1.0),
            (block.feed_norm.gain, [layer.post_attention_layernorm.weight], 1.0),
            (block.up.weight, [feed.gate_proj.weight, feed.up_proj.weight], 1.0),
            (block.down.weight, [feed.down_proj.weight], 1.0),
        ]
    return shared


@torch.no_grad()
def _pair(tied: bool) -> tuple[LanguageModel, Any, list[tuple[Tensor, list[Tensor], float]]]:
    """Both models with the weights of theirs, and its rotary tables, which it computes in fp32."""
    ours, theirs = _ours(tied), _llama(tied)
    shared = _shared(ours, theirs, tied)
    for weight, parts, factor in shared:
        weight.copy_(factor * torch.cat(parts))
    ours.feature.weight.zero_()
    like = torch.zeros(1, dtype=torch.float64)
    cosines, sines = theirs.model.rotary_emb(like, torch.arange(_CONTEXT)[None])
    half = cosines.shape[-1] // 2
    # Only the signs are left to be right: the tables themselves are compared to 1e-6 here, to 1e-12 below.
    signs = torch.cat((-torch.ones(half), torch.ones(half)))
    for name, table in (("cosines", cosines[0]), ("sines", signs * sines[0])):
        same(ours.body.get_buffer(name), table, atol=3e-6)
        ours.body.get_buffer(name).copy_(table)
    return ours, theirs, shared


def _logits(ours: LanguageModel, tokens: Tensor, state: Any = None) -> Tensor:
    return ours.write_logits(ours.body(ours.embed(tokens)[0], state=state))


@pytest.fixture
def tokens() -> Tensor:
    return torch.randint(_VOCABULARY, (2, _TIME + 1), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("tied", [False, True])
def test_logits_and_gradients_are_those_of_llama(tied: bool, tokens: Tensor) -> None:
    ours, theirs, shared = _pair(tied)
    assert (theirs.lm_head.weight is theirs.model.embed_tokens.weight) == tied
    mine, its = _logits(ours, tokens[:, :-1]), theirs(tokens[:, :-1]).logits
    same(mine, its)
    assert float(mine.detach().std()) > 0.1
    losses = [F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()) for logits in (mine, its)]
    same(losses[0], losses[1])
    same(ours.text_losses(tokens).mean(), losses[1])
    found = torch.autograd.grad(losses[0], [weight for weight, _, _ in shared])
    expected = torch.autograd.grad(losses[1], [part for _, parts, _ in shared for part in parts])
    rest = list(expected)
    for gradient, (_, parts, factor) in zip(found, shared, strict=True):
        its_gradient = torch.cat([rest.pop(0) for _ in parts])
        assert its_gradient.any()
        same(factor * gradient, its_gradient)
    assert not rest
    assert len(list(theirs.parameters())) == len(expected)


@pytest.mark.parametrize("cuts", [(4, 3), (1,) * 7, (3, 1, 2, 1)])
def test_with_caches_logits_are_those_of_llama_with_its_own(cuts: tuple[int, ...], tokens: Tensor) -> None:
    ours, theirs, _ = _pair(False)
    for fast in (False, True):
        with torch.inference_mode(fast):
            state, cache, at = ours.body.start(2, ours.embedding.weight), None, 0
            assert (state.fast is not None) == fast
            for size in cuts:
                part = tokens[:, at : at + size]
                at += size
                answer = theirs(part, past_key_values=cache, use_cache=True)
                cache = answer.past_key_values
                same(_logits(ours, part, state), answer.logits)
            assert cache.get_seq_length() == state.length == _TIME


def test_rotary_angles_turn_pairs_as_complex_numbers() -> None:
    size, base, context = 6, 100.0, 50
    angles = rotary_angles(size, base, context)
    assert {table.shape for table in angles} == {(context, size)}
    assert {table.dtype for table in angles} == {torch.float64}
    x = torch.randn(2, 3, context, size, dtype=torch.float64)
    turned = rotate(x, angles).numpy()
    for place in range(context):
        for n in range(size // 2):
            number = x[..., place, n].numpy() + 1j * x[..., place, n + size // 2].numpy()
            number = number * np.exp(1j * place * base ** (-2 * n / size))
            np.testing.assert_allclose(turned[..., place, n], number.real, rtol=0, atol=1e-12)
            np.testing.assert_allclose(turned[..., place, n + size // 2], number.imag, rtol=0, atol=1e-12)


def test_rotated_scores_depend_on_the_distance_only() -> None:
    q, k = torch.randn(2, 8, dtype=torch.float64)
    cosines, sines = rotary_angles(8, 10_000.0, 100)

    def score(query_at: int, key_at: int) -> float:
        turned = [rotate(x, (cosines[at], sines[at])) for x, at in ((q, query_at), (k, key_at))]
        return float(turned[0] @ turned[1])

    assert score(7, 3) == pytest.approx(score(64, 60), rel=0, abs=1e-12)
    assert abs(score(7, 3) - score(7, 4)) > 1e-3


@pytest.mark.parametrize("width", [6, 7])
def test_sinusoidal_positions_are_their_equation(width: int) -> None:
    table = sinusoidal(width, 30)
    assert table.shape == (30, width)
    for place in range(30):
        for column in range(width):
            angle = place / 10_000 ** (2 * (column // 2) / width)
            expected = math.cos(angle) if column % 2 else math.sin(angle)
            assert float(table[place, column]) == pytest.approx(expected, rel=0, abs=1e-12)
