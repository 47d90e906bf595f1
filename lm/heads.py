"""What every attention head of a Transformer did while it read a prompt and an answer: three ways to weigh it.

    raw              a_ij                                     weight of token i on token j, head by head
    value-weighted   |a_ij| ||v_j W_O|| / sum_j of the same   what the head moved (Kobayashi et al. 2020)
    rollout          R_l = A_l R_{l-1},  A_l = (mean_h a + I) / 2,  R_0 = I
                                                              the paths through the layers (Abnar and Zuidema 2020)

A large weight on a token with a small value moves little; a head may rest there because a softmax has to go somewhere
(an attention sink). The three are ways to look at the attention. Causes are found by taking something away.

Shapes: L layers, H heads, N tokens read, S prompt tokens, A answer tokens, K head size, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lm.transformer import TransformerBody, TransformerState

if TYPE_CHECKING:
    from lm.model import LanguageModel
    from lm.reading import Prompt


@dataclass(frozen=True, kw_only=True)
class Heads:
    """The rows of the answer: row a holds what the a-th answer token was chosen by, over the N tokens of prompt and
    answer. `raw` and `value_weighted` [L, H, A, N], `rollout` [L, A, N]; rows sum to 1. `norms` [L, H, N] are
    ||v_j W_O||, the length of what a head would add to the residual stream for a full weight on token j."""

    raw: Tensor
    value_weighted: Tensor
    rollout: Tensor
    norms: Tensor


@torch.inference_mode()
def read_heads(model: LanguageModel, prompt: Prompt, answer: Sequence[int]) -> Heads:
    """Read prompt and answer once, every layer recorded. ValueError for a model that is no Transformer, for an empty
    answer, and where both do not fit the context."""
    if not isinstance(model.body, TransformerBody):
        raise ValueError(f"the model is a {model.config.architecture}; only a transformer has heads")
    if not answer:
        raise ValueError("the answer has no token; there is no row to show")
    # The last answer token chooses nothing, so it is not read.
    ids = [*prompt.tokens, *answer[:-1]]
    if len(ids) > model.config.context:
        raise ValueError(f"prompt and answer have {len(ids)} tokens; the model reads {model.config.context} at most")
    device = model.embedding.weight.device
    features = torch.tensor([[*prompt.features, *[0] * (len(answer) - 1)]], device=device)
    _, state = model.read(torch.tensor([ids], device=device), features, prefix=prompt.prefix, record=True)
    assert state.record is not None
    assert isinstance(state.body, TransformerState)
    attention = torch.stack([layer[0] for layer in state.record.attention])
    norms = torch.stack(
        [
            value_norms(cache.store[1, 0, :, : cache.length], block.attention.out.weight)  # type: ignore[union-attr, arg-type]
            for cache, block in zip(state.body.caches, model.body.blocks, strict=True)
        ]
    )
    rows = slice(len(prompt.tokens) - 1, None)
    return Heads(
        raw=attention[:, :, rows],
        value_weighted=value_weighted(attention[:, :, rows], norms),
        rollout=rollout(attention)[:, rows],
        norms=norms,
    )


def value_norms(values: Tensor, out: Tensor) -> Tensor:
    """||v_j W_O|| [H, N] of values [H, N, K]; `out` [D, H K] is the output projection, head h owning columns h K on."""
    by_head = out.view(out.shape[0], values.shape[0], values.shape[2]).permute(1, 2, 0)
    norms: Tensor = torch.linalg.vector_norm(values @ by_head.to(values.dtype), dim=-1)
    return norms


def value_weighted(attention: Tensor, norms: Tensor) -> Tensor:
    """|a_ij| ||v_j W_O|| as shares of their row: weights [..., A, N] and norms [..., N]."""
    moved = attention.abs() * norms[..., None, :]
    return moved / moved.sum(-1, keepdim=True).clamp_min(torch.finfo(moved.dtype).tiny)


def rollout(attention: Tensor) -> Tensor:
    """Attention rolled out from the input up to each layer: [L, N, N] of weights [L, H, N, N]."""
    identity = torch.eye(attention.shape[-1], dtype=attention.dtype, device=attention.device)
    rolled, found = identity, []
    for layer in attention:
        rolled = ((layer.mean(0) + identity) / 2) @ rolled
        found.append(rolled)
    return torch.stack(found)
