"""The Transformer body (Vaswani et al. 2017), pre-norm, with a key-value cache.

Shapes: B batch, T new tokens, S tokens seen so far (cached and new), D width, H heads, K head size, L layers.

A block is    x = x + Attention(RMSNorm(x));    x = x + FeedForward(RMSNorm(x))
Attention is  softmax(Q K^T / sqrt(K) + mask) V, the queries and keys normalised (QK-norm, Henry et al. 2020);
FeedForward   W_2 ReLU(W_1 x)^2 (So et al. 2021)  or  W_2 (SiLU(W_g x) * W_1 x) (SwiGLU, Shazeer 2020).
The mask is a prefix mask (Raffel et al. 2020, figure 4): the first `prefix` tokens see one another in both directions,
every later token sees the prefix and what precedes it.

`lm.fast` computes the same function with fewer operations, to read one token after another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lm.attention import masked_softmax, scaled_dot
from lm.body import Record
from lm.config import ModelConfig
from lm.fused import rms_norm, squared_relu
from lm.static import StaticState

if TYPE_CHECKING:
    from lm.fast import FastTransformer

SHORT = 32
"""Calls of at most so many tokens take the fast path."""


def at_least_float32(x: Tensor) -> Tensor:
    """Half-precision tensors in fp32, others as they are (so that tests can run the model in fp64)."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * g over the last axis (Zhang and Sennrich 2019, equation 4)."""

    def __init__(self, width: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """[..., width] to the same shape."""
        return rms_norm(at_least_float32(x), self.gain, self.eps).to(x.dtype)


@dataclass
class KVCache:
    """Keys and values of one layer, [2, B, H, S, K]; room grows by doubling so that a step copies nothing."""

    store: Tensor
    length: int = 0

    @classmethod
    def empty(cls, batch: int, heads: int, size: int, like: Tensor, room: int = 384) -> KVCache:
        """A cache without entries on the device and in the type of `like`."""
        return cls(store=like.new_empty((2, batch, heads, room, size)))

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add [B, H, T, K] keys and values; return all of them, [B, H, S, K]."""
        start, end = self.length, self.length + keys.shape[2]
        if end > self.store.shape[3]:
            more = max(end, 2 * self.store.shape[3]) - self.store.shape[3]
            self.store = F.pad(self.store, (0, 0, 0, more))
        new = self.store.narrow(3, start, end - start)
        new.select(0, 0).copy_(keys)
        new.select(0, 1).copy_(values)
        self.length = end
        seen_keys, seen_values = self.store.narrow(3, 0, end).unbind()
        return seen_keys, seen_values


@dataclass
class TransformerState:
    """A cache for every layer, and the fast path where there is one."""

    caches: list[KVCache]
    fast: FastTransformer | None = None

    @property
    def length(self) -> int:
        """Tokens seen."""
        return self.caches[0].length

    def select(self, rows: Tensor) -> None:
        """Keep the named rows of the batch."""
        for cache in self.caches:
            cache.store = cache.store[:, rows]

    def mark(self) -> int:
        """The number of tokens seen."""
        return self.length

    def rewind(self, mark: int, keep: int) -> int:
        """Forget the keys and values after the first `keep` since the mark; nothing has to be read again."""
        for cache in self.caches:
            cache.length = mark + keep
        return 0


def prefix_mask(prefix: Tensor, tokens: int, seen: int = 0) -> Tensor:
    """True where a query may look: [B, 1, T, seen + T] for prefix lengths [B] and T new tokens after `seen` ones."""
    query = torch.arange(seen, seen + tokens, device=prefix.device)[:, None]
    key = torch.arange(seen + tokens, device=prefix.device)[None, :]
    return ((key <= query)[None] | (key[None] < prefix[:, None, None]))[:, None]


Angles = tuple[Tensor, Tensor]


def rotary_angles(size: int, base: float, context: int) -> Angles:
    """Cosines and signed sines [context, K] of rotary positions in fp64 (Su et al. 2021, equation 34).

    Pair (n, n + K / 2) of a head turns by position * base^(-2 n / K). (left, right) becomes
    (left cos - right sin, right cos + left sin), which is x cos + (right, left) (-sin, sin).
    """
    frequencies = base ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
    angles = torch.arange(context, dtype=torch.float64)[:, None] * frequencies[None, :]
    cosines, sines = angles.cos(), angles.sin()
    return torch.cat((cosines, cosines), dim=1), torch.cat((-sines, sines), dim=1)


def sinusoidal(width: int, context: int) -> Tensor:
    """Sine and cosine positions [context, D] in fp64 (Vaswani et al. 2017, section 3.5)."""
    even = torch.arange(0, width, 2, dtype=torch.float64)
    angles = torch.arange(context, dtype=torch.float64)[:, None] * 10_000.0 ** (-even / width)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)[:, :width]


def rotate(x: Tensor, angles: Angles) -> Tensor:
    """Turn the pairs of each head of [..., T, K] by the angles of their positions."""
    return torch.addcmul(x * angles[0], x.roll(x.shape[-1] // 2, -1), angles[1])


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, section 3.2)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads, self.size = config.heads, config.head_size
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        if config.qk_norm:
            self.query_norm, self.key_norm = RMSNorm(self.size), RMSNorm(self.size)
        self.qk_norm = config.qk_norm
        self.out = nn.Linear(config.width, config.width, bias=False)

    def forward(
        self,
        x: Tensor,
        angles: Angles | None,
        mask: Tensor | None,
        cache: KVCache | None,
        record: Record | None,
        causal: bool = False,
    ) -> Tensor:
        """[B, T, D] to [B, T, D]; with a record the weights are computed one equation after the other.

        `causal` says, without a mask or a record, that each token sees those before it, which has a faster kernel.
        """
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, self.heads, self.size).permute(2, 0, 3, 1, 4).unbind()
        if self.qk_norm:
            q, k = self.query_norm(q), self.key_norm(k)
        if angles is not None:
            q, k = rotate(q, angles), rotate(k, angles)
        if cache is not None:
            k, v = cache.append(k, v)
        if record is None:
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
        else:
            weights = masked_softmax(scaled_dot(q, k), mask)
            record.attention.append(weights)
            mixed = weights @ v
        y: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return y


class Block(nn.Module):
    """One pre-norm layer: attention, then the feed-forward network, each added to the residual stream."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention_norm, self.attention = RMSNorm(config.width), Attention(config)
        self.feed_norm = RMSNorm(config.width)
        self.gated = config.feed_forward == "swiglu"
        self.up = nn.Linear(config.width, config.hidden * (2 if self.gated else 1), bias=False)
        self.down = nn.Linear(config.hidden, config.width, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def feed(self, x: Tensor) -> Tensor:
        """The feed-forward network, [B, T, D] to [B, T, D], every position on its own."""
        if self.gated:
            gate, up = self.up(x).chunk(2, dim=-1)
            return torch.as_tensor(self.down(F.silu(gate) * up))
        return torch.as_tensor(self.down(squared_relu(self.up(x))))

    def forward(
        self,
        x: Tensor,
        angles: Angles | None,
        mask: Tensor | None,
        cache: KVCache | None,
        record: Record | None,
        causal: bool = False,
    ) -> Tensor:
        """[B, T, D] to [B, T, D]."""
        x = x + self.dropout(self.attention(self.attention_norm(x), angles, mask, cache, record, causal))
        x = x + self.dropout(self.feed(self.feed_norm(x)))
        return x


class TransformerBody(nn.Module):
    """The stack of blocks: embedded tokens in, hidden vectors out."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        if config.positions == "rotary":
            for name, table in zip(
                ("cosines", "sines"), rotary_angles(config.head_size, config.rotary_base, config.context), strict=True
            ):
                self.register_buffer(name, table.float(), persistent=False)
        elif config.positions == "sinusoidal":
            self.register_buffer("places", sinusoidal(config.width, config.context).float(), persistent=False)
        else:
            self.place = nn.Embedding(config.context, config.width)
        self._fast: tuple[list[tuple[int, int]], FastTransformer] | None = None
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.width)

    def start(self, batch: int, like: Tensor) -> TransformerState:
        """An empty cache for every layer; where no gradient is wanted, with the fast path for short calls."""
        heads, size = self.config.heads, self.config.head_size
        caches = [KVCache.empty(batch, heads, size, like) for _ in range(self.config.layers)]
        return TransformerState(caches, self.fast() if torch.is_inference_mode_enabled() else None)

    def fast(self) -> FastTransformer:
        """The weights arranged for the fast path, anew when they have changed."""
        from lm.fast import FastTransformer

        signature = [(parameter.data_ptr(), parameter._version) for parameter in self.parameters()]
        if self._fast is None or self._fast[0] != signature:
            self._fast = signature, FastTransformer(self)
        return self._fast[1]

    def positions(self, seen: int, tokens: int, dtype: torch.dtype) -> tuple[Angles | None, Tensor | None]:
        """Rotary angles, or vectors to add to the input, of `tokens` positions from `seen` on."""
        if seen + tokens > self.config.context:
            raise ValueError(f"{seen + tokens} tokens exceed the model's context of {self.config.context}")
        here = slice(seen, seen + tokens)
        if self.config.positions == "rotary":
            return (self.get_buffer("cosines")[here].to(dtype), self.get_buffer("sines")[here].to(dtype)), None
        if self.config.positions == "sinusoidal":
            return None, self.get_buffer("places")[here].to(dtype)
        return None, self.place.weight[here]

    def forward(
        self,
        x: Tensor,
        *,
        prefix: Tensor | None = None,
        state: TransformerState | StaticState | None = None,
        record: Record | None = None,
    ) -> Tensor:
        """Hidden vectors [B, T, D]; a prefix must not reach into cached tokens that were encoded without it."""
        if isinstance(state, StaticState):
            return state.read(self, x, record)
        tokens, seen = x.shape[1], state.length if state else 0
        angles, places = self.positions(seen, tokens, x.dtype)
        if places is not None:
            x = x + places
        brief = state is not None and state.fast is not None and tokens <= SHORT
        causal = prefix is None and seen == 0 and record is None and not brief
        mask = None
        if tokens > 1 and not causal:
            nothing = torch.zeros(x.shape[0], dtype=torch.long, device=x.device)
            mask = prefix_mask(nothing if prefix is None else prefix, tokens, seen)
        if state is not None and state.fast is not None and brief:
            return state.fast(x, angles, mask, state.caches, record)
        for layer, block in enumerate(self.blocks):
            x = block(x, angles, mask, state.caches[layer] if state else None, record, causal)
        return torch.as_tensor(self.norm(x))
