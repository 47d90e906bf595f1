"""The Transformer for short calls: the function of `lm.transformer`, in as few operations as it can be written.

Reading one token costs hardly any arithmetic; the time goes into starting operations and fetching weights. So queries
and keys are normalised and turned as one tensor, and weights are laid out for the product with one vector. Weights that
fp16 holds exactly, as those of the checkpoints that ship, are kept in fp16 on x86 processors, which halves what has to
be fetched; products and sums are fp32 all the same. No gradient flows through here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lm.attention import masked_softmax, scaled_dot
from lm.body import Record

if TYPE_CHECKING:
    from lm.transformer import Angles, Block, KVCache, TransformerBody


@contextmanager
def one_core() -> Iterator[None]:
    """Where threads without work sleep (OMP_WAIT_POLICY=PASSIVE), let torch use one core for a while: for work as short
    as this, waking the others takes longer than doing without them."""
    if os.environ.get("OMP_WAIT_POLICY", "").upper() != "PASSIVE":
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Product:
    """x W^T for a weight W [out, in], made ready once for few rows x [N, in] at a time."""

    def __init__(self, weight: Tensor) -> None:
        weight = weight.detach()
        self.packed: Any = None
        self.turned = weight.t().contiguous()
        if _fp16_products(weight) and torch.equal(weight.half().float(), weight):
            self.packed = torch.ops.quantized.linear_prepack_fp16(weight, None)
            # The operation itself: its wrapper takes half as long again to look at the arguments.
            self._product = torch.ops.quantized.linear_dynamic_fp16.default._op

    def __call__(self, x: Tensor) -> Tensor:
        """[N, in] to [N, out]."""
        if self.packed is not None and not torch.compiler.is_compiling():
            y: Tensor = self._product(x, self.packed)
            return y
        return torch.mm(x, self.turned)

    def add_to(self, x: Tensor, y: Tensor) -> Tensor:
        """y + x W^T for y [N, out]."""
        if self.packed is not None and not torch.compiler.is_compiling():
            return self(x).add_(y)
        return torch.addmm(y, x, self.turned)


def _fp16_products(weight: Tensor) -> bool:
    """Whether this torch has products of fp32 vectors with such a weight in fp16 (FBGEMM, on x86 processors)."""
    on_x86 = torch.backends.quantized.engine in ("x86", "fbgemm")
    return on_x86 and weight.dtype == torch.float32 and weight.device.type == "cpu"


class Norm:
    """RMSNorm x / sqrt(mean(x^2) + eps) * g in four operations, written as x (sqrt(D) g / hypot(|x|, sqrt(D eps)))."""

    def __init__(self, gain: Tensor, eps: float) -> None:
        width = gain.shape[-1]
        self.gain = gain.detach() * width**0.5
        self.floor = self.gain.new_tensor((width * eps) ** 0.5)

    def __call__(self, x: Tensor) -> Tensor:
        """[..., D] to the same shape."""
        scale: Tensor = self.gain / torch.hypot(torch.linalg.vector_norm(x, 2, -1, True), self.floor)
        return x * scale


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """Weights of a block; the gains of `qk_norm` are [2, 1, K]."""

    attention_norm: Norm
    qkv: Product
    qk_norm: Norm | None
    out: Product
    feed_norm: Norm
    up: Product
    down: Product


def _layer(block: Block) -> _Layer:
    attention = block.attention
    gains = (attention.query_norm.gain, attention.key_norm.gain) if attention.qk_norm else None
    eps = block.feed_norm.eps
    return _Layer(
        attention_norm=Norm(block.attention_norm.gain, eps),
        qkv=Product(attention.qkv.weight),
        qk_norm=Norm(torch.stack(gains)[:, None], eps) if gains else None,
        out=Product(attention.out.weight),
        feed_norm=Norm(block.feed_norm.gain, eps),
        up=Product(block.up.weight),
        down=Product(block.down.weight),
    )


class FastTransformer:
    """The weights of a body, laid out for short calls."""

    def __init__(self, body: TransformerBody) -> None:
        self.heads, self.size = body.config.heads, body.config.head_size
        self.gated = body.config.feed_forward == "swiglu"
        self.layers = [_layer(block) for block in body.blocks]  # type: ignore[arg-type]
        self.norm = Norm(body.norm.gain, body.norm.eps)

    @cached_property
    def compiled(self) -> Callable[..., Tensor]:
        """The same call compiled for fixed shapes; on a GPU as CUDA graphs."""
        mode = "reduce-overhead" if self.norm.gain.device.type == "cuda" else "default"
        compiled: Callable[..., Tensor] = torch.compile(self.__call__, dynamic=False, mode=mode)
        return compiled

    def __call__(
        self, x: Tensor, angles: Angles | None, mask: Tensor | None, caches: list[KVCache], record: Record | None
    ) -> Tensor:
        """[B, T, D] to hidden vectors [B, T, D], with positions and mask as the blocks take them."""
        batch, tokens, width = x.shape
        x = x.reshape(batch * tokens, width)
        if angles is not None:
            angles = (angles[0][:, None, None], angles[1][:, None, None])
        for layer, cache in zip(self.layers, caches, strict=True):
            qkv = layer.qkv(layer.attention_norm(x))
            qkv = qkv.view(batch, tokens, 3, self.heads, self.size)
            qk = qkv.narrow(2, 0, 2)
            if layer.qk_norm is not None:
                qk = layer.qk_norm(qk)
            if angles is not None:
                qk = torch.addcmul(qk * angles[0], qk.roll(self.size // 2, -1), angles[1])
            q, k = qk.transpose(1, 3).unbind(2)
            k, v = cache.append(k, qkv.select(2, 2).transpose(1, 2))
            if record is None:
                mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            else:
                weights = masked_softmax(scaled_dot(q, k), mask)
                record.attention.append(weights)
                mixed = weights @ v
            x = layer.out.add_to(mixed.transpose(1, 2).reshape(batch * tokens, width), x)
            inner = layer.up(layer.feed_norm(x))
            if self.gated:
                gate, up = inner.chunk(2, dim=-1)
                inner = F.silu(gate) * up
            else:
                inner = inner.relu_().square_()
            x = layer.down.add_to(inner, x)
        return self.norm(x).view(batch, tokens, width)
