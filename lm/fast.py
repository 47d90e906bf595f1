"""The Transformer for short calls: the function of `lm.transformer`, in as few operations as it can be written.

Reading one token costs hardly any arithmetic; the time goes into starting operations and fetching weights. So the
weights are laid out in the order in which the product with one vector reads them, queries and keys are normalised and
turned as one tensor, and sums are part of the products. No gradient flows through here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from lm.attention import masked_softmax, scaled_dot
from lm.body import Record

if TYPE_CHECKING:
    from lm.transformer import Angles, Block, KVCache, TransformerBody


@contextmanager
def one_core() -> Iterator[None]:
    """Let torch use one core for work so short that waking the others would take longer."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """Weights of a block: matrices [in, out], gains as they are applied; `qk_gain` [2, 1, K]."""

    attention_gain: Tensor
    qkv: Tensor
    qk_gain: Tensor | None
    out: Tensor
    feed_gain: Tensor
    up: Tensor
    down: Tensor


def _layer(block: Block) -> _Layer:
    def turned(weight: Tensor) -> Tensor:
        return weight.detach().t().contiguous()

    attention = block.attention
    gains = (attention.query_norm.gain, attention.key_norm.gain) if attention.qk_norm else None
    return _Layer(
        attention_gain=block.attention_norm.gain.detach(),
        qkv=turned(attention.qkv.weight),
        qk_gain=torch.stack(gains)[:, None].detach() if gains else None,
        out=turned(attention.out.weight),
        feed_gain=block.feed_norm.gain.detach(),
        up=turned(block.up.weight),
        down=turned(block.down.weight),
    )


class FastTransformer:
    """The weights of a body, laid out for short calls."""

    def __init__(self, body: TransformerBody) -> None:
        self.heads, self.size, self.eps = body.config.heads, body.config.head_size, body.norm.eps
        self.gated = body.config.feed_forward == "swiglu"
        self.layers = [_layer(block) for block in body.blocks]  # type: ignore[arg-type]
        self.gain = body.norm.gain.detach()

    def __call__(
        self, x: Tensor, angles: Angles | None, mask: Tensor | None, caches: list[KVCache], record: Record | None
    ) -> Tensor:
        """[B, T, D] to hidden vectors [B, T, D], with positions and mask as the blocks take them."""
        batch, tokens, width = x.shape
        x = x.reshape(batch * tokens, width)
        if angles is not None:
            angles = (angles[0][:, None, None], angles[1][:, None, None])
        for layer, cache in zip(self.layers, caches, strict=True):
            qkv = torch.mm(F.rms_norm(x, (width,), layer.attention_gain, self.eps), layer.qkv)
            qkv = qkv.view(batch, tokens, 3, self.heads, self.size)
            qk = qkv[:, :, :2]
            if layer.qk_gain is not None:
                qk = F.rms_norm(qk, (self.size,), None, self.eps) * layer.qk_gain
            if angles is not None:
                qk = torch.addcmul(qk * angles[0], qk.roll(self.size // 2, -1), angles[1])
            q, k = qk.transpose(1, 3).unbind(2)
            k, v = cache.append(k, qkv[:, :, 2].transpose(1, 2))
            if record is None:
                mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            else:
                weights = masked_softmax(scaled_dot(q, k), mask)
                record.attention.append(weights)
                mixed = weights @ v
            x = torch.addmm(x, mixed.transpose(1, 2).reshape(batch * tokens, width), layer.out)
            inner = torch.mm(F.rms_norm(x, (width,), layer.feed_gain, self.eps), layer.up)
            if self.gated:
                gate, up = inner.chunk(2, dim=-1)
                inner = F.silu(gate) * up
            else:
                inner = inner.relu_().square_()
            x = torch.addmm(x, inner, layer.down)
        return F.rms_norm(x, (width,), self.gain, self.eps).view(batch, tokens, width)
