"""The copy head: a pointer over the prompt, mixed with the vocabulary (See et al. 2017, equations 8 and 9).

    a_s  = softmax_s(q . k_s / sqrt(C) + b_m(s))            copy weights over the copyable prompt tokens
    p    = sigmoid(w . h + c)                                share of the probability that copying has
    P(y) = (1 - p) softmax(W h)_y + p sum_{s: x_s = y} a_s

b_m(s) is the continuation bias: m(s) counts how many of the last N tokens before the position to fill stand, in the
same order, just before prompt token s, and b_0 = 0, b_1, ..., b_N are learned. It gives a small model from the first
step what larger ones grow as induction heads (Olsson et al. 2022): having copied a word, go on with the next.

Shapes: B batch, A answer positions, S prompt tokens, D width, C copy width, V vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lm.transformer import at_least_float32

_SMALLEST = 1e-9
"""Probabilities are clamped here before the logarithm."""


@dataclass(frozen=True, kw_only=True)
class CopyScores:
    """Copy weights [B, A, S] (zero where nothing may be copied) and log p, log (1 - p), both [B, A]."""

    weights: Tensor
    log_copy: Tensor
    log_write: Tensor


def continuation(tokens: Tensor, recent: Tensor, order: int) -> Tensor:
    """How well each prompt token continues what was just written: [B, S] and [B, A, N] to counts [B, A, S].

    `recent[..., 0]` is the token right before the position to fill, `recent[..., 1]` the one before that. The count
    at s is the largest m up to `order` with tokens[s-1] = recent[0], ..., tokens[s-m] = recent[m-1].
    """
    count = torch.zeros(tokens.shape[0], recent.shape[1], tokens.shape[1], dtype=torch.long, device=tokens.device)
    alike = torch.ones_like(count, dtype=torch.bool)
    for back in range(order):
        shifted = F.pad(tokens, (back + 1, 0), value=-1)[:, : tokens.shape[1]]
        alike = alike & (shifted[:, None, :] == recent[:, :, back, None])
        count += alike
    return count


class CopyHead(nn.Module):
    """Scaled-dot-product pointer with a copy gate and a continuation bias."""

    def __init__(self, width: int, order: int) -> None:
        super().__init__()
        self.order = order
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.gate = nn.Linear(width, 1)
        self.bias = nn.Parameter(2.0 * torch.arange(1, order + 1, dtype=torch.float32))

    def forward(self, hidden: Tensor, keys: Tensor, copyable: Tensor, matches: Tensor) -> CopyScores:
        """Score prompt tokens for answer positions.

        `hidden` [B, A, D], `keys` [B, S, D] is `key` of the hidden vectors of the prompt, `copyable` [B, S] true
        where a token may be copied, `matches` [B, A, S] from `continuation`. Where nothing is copyable p is 0.
        """
        scores = self.query(hidden) @ keys.transpose(1, 2) / math.sqrt(hidden.shape[-1])
        bias = torch.cat((self.bias.new_zeros(1), self.bias))
        scores = (at_least_float32(scores) + bias[matches]).masked_fill(~copyable[:, None, :], float("-inf"))
        some = copyable.any(dim=1)[:, None]
        weights = torch.where(some[..., None], scores.softmax(dim=-1), torch.zeros_like(scores)).nan_to_num(0.0)
        gate = at_least_float32(self.gate(hidden).squeeze(-1))
        never = torch.full_like(gate, math.log(_SMALLEST))
        return CopyScores(
            weights=weights,
            log_copy=torch.where(some, F.logsigmoid(gate), never),
            log_write=torch.where(some, F.logsigmoid(-gate), torch.zeros_like(gate)),
        )


def mixture_log_probability(log_written: Tensor, copied: Tensor, log_copy: Tensor, log_write: Tensor) -> Tensor:
    """log of (1 - p) written + p copied, in log space and fp32.

    `log_written`: log-probability under the vocabulary; `copied`: probability under the copy weights.
    """
    return torch.logaddexp(log_write + log_written, log_copy + copied.clamp_min(_SMALLEST).log())
