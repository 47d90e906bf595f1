"""The Transformer body (Vaswani et al. 2017), pre-norm, with rotary positions and a key-value cache.

Shapes: B batch, T new tokens, S tokens seen so far (cached and new), D width, H heads, K head size, L layers.

A block is    x = x + Attention(RMSNorm(x));    x = x + FeedForward(RMSNorm(x))
Attention is  softmax(Q K^T / sqrt(K) + mask) V, the queries and keys normalised (QK-norm, Henry et al. 2020);
FeedForward   W_2 ReLU(W_1 x)^2 (So et al. 2021).
The mask is a prefix mask (Raffel et al. 2020, figure 4): the first `prefix` tokens see one another in both directions,
every later token sees the prefix and what precedes it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lm.config import ModelConfig


def at_least_float32(x: Tensor) -> Tensor:
    """Half-precision tensors in fp32, others as they are (so that tests can run the model in fp64)."""
    return x if x.dtype == torch.float64 else x.float()


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * g over the last axis (Zhang and Sennrich 2019, equation 4)."""

    def __init__(self, width: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """[..., width] to the same shape."""
        return F.rms_norm(at_least_float32(x), (x.shape[-1],), self.gain, self.eps).to(x.dtype)


@dataclass
class KVCache:
    """Keys and values of one layer, [B, H, S, K]; room grows by doubling so that a step copies nothing."""

    keys: Tensor
    values: Tensor
    length: int = 0

    @classmethod
    def empty(cls, batch: int, heads: int, size: int, like: Tensor, room: int = 256) -> KVCache:
        """A cache without entries on the device and in the type of `like`."""
        shape = (batch, heads, room, size)
        return cls(keys=like.new_empty(shape), values=like.new_empty(shape))

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add [B, H, T, K] keys and values; return all of them, [B, H, S, K]."""
        end = self.length + keys.shape[2]
        if end > self.keys.shape[2]:
            more = max(end, 2 * self.keys.shape[2]) - self.keys.shape[2]
            self.keys = F.pad(self.keys, (0, 0, 0, more))
            self.values = F.pad(self.values, (0, 0, 0, more))
        self.keys.narrow(2, self.length, keys.shape[2]).copy_(keys)
        self.values.narrow(2, self.length, keys.shape[2]).copy_(values)
        self.length = end
        return self.keys.narrow(2, 0, end), self.values.narrow(2, 0, end)


def prefix_mask(prefix: Tensor, tokens: int, seen: int = 0) -> Tensor:
    """True where a query may look: [B, 1, T, seen + T] for prefix lengths [B] and T new tokens after `seen` ones."""
    query = torch.arange(seen, seen + tokens, device=prefix.device)[:, None]
    key = torch.arange(seen + tokens, device=prefix.device)[None, :]
    return ((key <= query)[None] | (key[None] < prefix[:, None, None]))[:, None]


Angles = tuple[Tensor, Tensor]


class Rotary(nn.Module):
    """Rotary position embedding (Su et al. 2021, equation 34), the two halves of a head forming the pairs."""

    def __init__(self, size: int, base: float, context: int) -> None:
        super().__init__()
        frequencies = base ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
        angles = torch.arange(context, dtype=torch.float64)[:, None] * frequencies[None, :]
        # (left, right) turns into (left cos - right sin, right cos + left sin): x cos + (right, left) (-sin, sin).
        cosines, sines = angles.cos().float(), angles.sin().float()
        self.register_buffer("cosines", torch.cat((cosines, cosines), dim=1), persistent=False)
        self.register_buffer("sines", torch.cat((-sines, sines), dim=1), persistent=False)

    def forward(self, first: int, tokens: int) -> Angles:
        """Cosines and signed sines [T, K] for T = `tokens` tokens, the first of them at position `first`."""
        last = first + tokens
        return self.get_buffer("cosines")[first:last], self.get_buffer("sines")[first:last]


def rotate(x: Tensor, angles: Angles) -> Tensor:
    """Turn the pairs of each head of [B, H, T, K] by the angles of their positions."""
    cosines, sines = angles[0].to(x.dtype), angles[1].to(x.dtype)
    return x * cosines + x.roll(x.shape[-1] // 2, -1) * sines


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, section 3.2)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads, self.size = config.heads, config.head_size
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.query_norm, self.key_norm = RMSNorm(self.size), RMSNorm(self.size)
        self.out = nn.Linear(config.width, config.width, bias=False)

    def forward(
        self, x: Tensor, angles: Angles, mask: Tensor | None, cache: KVCache | None, record: list[Tensor] | None
    ) -> Tensor:
        """[B, T, D] to [B, T, D]. `record` receives the attention weights, [B, H, T, S], by the explicit path."""
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        q, k = rotate(self.query_norm(q), angles), rotate(self.key_norm(k), angles)
        if cache is not None:
            k, v = cache.append(k, v)
        if record is None:
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        else:
            weights = attention_weights(q, k, mask)
            record.append(weights)
            mixed = weights @ v
        y: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return y


def attention_weights(q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
    """softmax(Q K^T / sqrt(K)), masked: [B, H, T, K] and [B, H, S, K] to [B, H, T, S]; rows sum to 1."""
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return torch.as_tensor(scores.softmax(dim=-1))


class Block(nn.Module):
    """One pre-norm layer: attention, then the feed-forward network, each added to the residual stream."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention_norm, self.attention = RMSNorm(config.width), Attention(config)
        self.feed_norm = RMSNorm(config.width)
        self.up = nn.Linear(config.width, config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, config.width, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Tensor, angles: Angles, mask: Tensor | None, cache: KVCache | None, record: list[Tensor] | None
    ) -> Tensor:
        """[B, T, D] to [B, T, D]."""
        x = x + self.dropout(self.attention(self.attention_norm(x), angles, mask, cache, record))
        x = x + self.dropout(self.down(F.relu(self.up(self.feed_norm(x))).square()))
        return x


class TransformerBody(nn.Module):
    """The stack of blocks: embedded tokens in, hidden vectors out."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.rotary = Rotary(config.head_size, config.rotary_base, config.context)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.width)

    def start(self, batch: int, like: Tensor) -> list[KVCache]:
        """An empty cache for every layer."""
        return [KVCache.empty(batch, self.config.heads, self.config.head_size, like) for _ in range(self.config.layers)]

    def forward(
        self,
        x: Tensor,
        *,
        prefix: Tensor | None = None,
        caches: list[KVCache] | None = None,
        record: list[Tensor] | None = None,
    ) -> Tensor:
        """Hidden vectors [B, T, D] of embedded tokens [B, T, D] that follow what the caches hold.

        `prefix` [B] counts the tokens, from the very first, that see one another in both directions; it must not
        reach into cached tokens that were encoded without it. `record` receives a [B, H, T, S] tensor per layer.
        """
        seen = caches[0].length if caches else 0
        if seen + x.shape[1] > self.config.context:
            raise ValueError(f"{seen + x.shape[1]} tokens exceed the model's context of {self.config.context}")
        mask = None
        if x.shape[1] > 1:
            causal = torch.zeros(x.shape[0], dtype=torch.long, device=x.device)
            mask = prefix_mask(causal if prefix is None else prefix, x.shape[1], seen)
        angles = self.rotary(seen, x.shape[1])
        for layer, block in enumerate(self.blocks):
            x = block(x, angles, mask, caches[layer] if caches else None, record)
        return torch.as_tensor(self.norm(x))
