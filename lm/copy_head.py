"""The copy head: a pointer over the prompt, mixed with the vocabulary (See et al. 2017, equations 8 and 9).

    a_s  = softmax_s(score(h, h_s) + b_m(s))                copy weights over the copyable prompt tokens
    p    = sigmoid(w . h + c)                                share of the probability that copying has
    P(y) = (1 - p) softmax(W h)_y + p sum_{s: x_s = y} a_s

score is one of `lm.attention`, scaled dot products by default; h is the hidden vector of the position to fill and h_s
that of prompt token s. b_m(s) is the continuation bias: m(s) counts how many of the last N tokens before the position
to fill stand, in the same order, just before prompt token s, and b_0 = 0, b_1, ..., b_N are learned. It gives a small
model from the first step what larger ones grow as induction heads (Olsson et al. 2022): having copied a word, go on
with the next.

Shapes: B batch, A answer positions, S prompt tokens, D width, N order of the continuation, V vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lm.attention import Scorer, masked_softmax
from lm.transformer import at_least_float32

_SMALLEST = 1e-9
"""Probabilities are clamped here before the logarithm."""


@dataclass(frozen=True, kw_only=True)
class CopyScores:
    """Copy weights [B, A, S] (zero where nothing may be copied) and log p, log (1 - p), both [B, A]."""

    weights: Tensor
    log_copy: Tensor
    log_write: Tensor


def preceding(tokens: Tensor, order: int) -> Tensor:
    """The tokens before each prompt token, nearest first: [B, S] to [B, S, N], -1 before the start."""
    padded = F.pad(tokens, (order, 0), value=-1)[:, : tokens.shape[1] + order - 1]
    return padded.unfold(1, order, 1).flip(-1)


def continuation(before: Tensor, recent: Tensor) -> Tensor:
    """How well each prompt token continues what was just written: counts [B, A, S].

    `before` [B, S, N] is `preceding` of the prompt; `recent` [B, A, N] holds the tokens before the position to fill,
    nearest first. The count at s is the largest m with before[s, n] = recent[n] for all n < m.
    """
    alike = before[:, None] == recent[:, :, None]
    return alike.cumprod(-1, dtype=torch.uint8).sum(-1)


class CopyHead(Scorer):
    """A pointer with a scoring function, a copy gate and a continuation bias. `keys` prepares the prompt."""

    def __init__(self, name: str, width: int, order: int) -> None:
        super().__init__(name, width, width)
        self.order = order
        self.gate = nn.Linear(width, 1)
        self.bias = nn.Parameter(2.0 * torch.arange(1, order + 1, dtype=torch.float32))

    def forward(self, hidden: Tensor, keys: Tensor, copyable: Tensor, matches: Tensor) -> CopyScores:
        """Score prompt tokens for answer positions.

        `hidden` [B, A, D], `keys` [B, S, D] from `keys` of the hidden vectors of the prompt, `copyable` [B, S] true
        where a token may be copied, `matches` [B, A, S] from `continuation`. Where nothing is copyable p is 0.
        """
        bias = F.pad(self.bias, (1, 0))
        scores = at_least_float32(self.score(hidden, keys)) + bias[matches]
        none = ~copyable.any(dim=1, keepdim=True)
        gate = at_least_float32(self.gate(hidden).squeeze(-1))
        return CopyScores(
            weights=masked_softmax(scores, copyable[:, None, :]),
            log_copy=F.logsigmoid(gate).masked_fill(none, math.log(_SMALLEST)),
            log_write=F.logsigmoid(-gate).masked_fill(none, 0.0),
        )


def mixture_over_vocabulary(written: Tensor, source: Tensor, copied: CopyScores) -> Tensor:
    """`mixture_log_probability` of every token: [B, A, V] for probabilities `written` [B, A, V] and prompts [B, S].

    Over a whole vocabulary one logarithm at the end costs less than sums in log space.
    """
    place = source[:, None].expand_as(copied.weights)
    by_token = torch.zeros_like(written).scatter_add_(2, place, copied.weights).clamp_min_(_SMALLEST)
    return torch.addcmul(written * copied.log_write.exp()[..., None], by_token, copied.log_copy.exp()[..., None]).log()


def mixture_log_probability(log_written: Tensor, copied: Tensor, log_copy: Tensor, log_write: Tensor) -> Tensor:
    """log of (1 - p) written + p copied, in log space and fp32.

    `log_written`: log-probability under the vocabulary; `copied`: probability under the copy weights.
    """
    return torch.logaddexp(log_write + log_written, log_copy + copied.clamp_min(_SMALLEST).log())
