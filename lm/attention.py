"""Scoring functions of attention, and what is made of scores.

A scoring function compares queries q [..., T, Q] with keys k [..., S, D] and gives scores [..., T, S]:

    dot          q . k                                 (Luong et al. 2015, section 3.1; Q = D)
    scaled_dot   q . k / sqrt(D)                       (Vaswani et al. 2017, equation 1; Q = D)
    bilinear     q^T W k                               (multiplicative: Luong et al. 2015, section 3.1)
    low_rank     (U q) . (V k)                         (bilinear with W = U^T V of rank R; Kim et al. 2017)
    additive     v . tanh(W q + U k)                   (Bahdanau et al. 2015, appendix A.1.2)
    cosine       q . k / (|q| |k|)                     (Graves et al. 2014, equation 6; Q = D)

Shapes: B batch, T queries, S keys, Q width of a query, D width of a key, R rank or width of the comparison, H heads.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lm.config import SCORES


def dot(q: Tensor, k: Tensor) -> Tensor:
    """q . k"""
    return q @ k.transpose(-1, -2)


def scaled_dot(q: Tensor, k: Tensor) -> Tensor:
    """q . k / sqrt(D), so that scores of random vectors have variance 1 whatever D is."""
    return q @ k.transpose(-1, -2) / math.sqrt(k.shape[-1])


def bilinear(q: Tensor, k: Tensor, w: Tensor) -> Tensor:
    """q^T W k with W [Q, D]."""
    return q @ w @ k.transpose(-1, -2)


def low_rank(q: Tensor, k: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """(U q) . (V k) with U [R, Q] and V [R, D]."""
    return (q @ u.T) @ (k @ v.T).transpose(-1, -2)


def additive(q: Tensor, k: Tensor, w: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """v . tanh(W q + U k) with W [R, Q], U [R, D] and v [R]."""
    return torch.tanh((q @ w.T)[..., :, None, :] + (k @ u.T)[..., None, :, :]) @ v


def cosine(q: Tensor, k: Tensor) -> Tensor:
    """q . k / (|q| |k|), between -1 and 1."""
    return F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-1, -2)


def masked_softmax(scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """softmax over the last axis of [..., T, S] where `mask` is true, 0 elsewhere; a row without any true is all 0."""
    if mask is None:
        return scores.softmax(dim=-1)
    outside = ~mask
    return scores.masked_fill(outside, float("-inf")).softmax(dim=-1).masked_fill(outside, 0.0)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B, T, H K] to [B, H, T, K]: head h owns columns h K to (h + 1) K."""
    return x.view(*x.shape[:-1], heads, -1).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """Inverse of `split_heads`."""
    return x.transpose(1, 2).flatten(2)


def multi_head(q: Tensor, k: Tensor, v: Tensor, heads: int, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Scaled-dot-product attention in `heads` heads over projected q [B, T, D], k and v [B, S, D].

    `mask` [..., T, S] is true where a query may look. Returns the heads side by side [B, T, D] and the weights
    [B, H, T, S] (Vaswani et al. 2017, section 3.2.2, before the output projection).
    """
    weights = masked_softmax(scaled_dot(split_heads(q, heads), split_heads(k, heads)), mask)
    return merge_heads(weights @ split_heads(v, heads)), weights


class Scorer(nn.Module):
    """A scoring function by name, with its weights.

    `scaled_dot` compares W_Q q with W_K k, as a Transformer does; `cosine` is multiplied by a learned scale, since
    a softmax over numbers between -1 and 1 is nearly flat. `keys` does the work on the keys once, to be used for
    many queries.
    """

    def __init__(self, name: str, query: int, key: int) -> None:
        super().__init__()
        if name not in SCORES:
            raise ValueError(f"score is {name!r}; it must be one of {', '.join(SCORES)}")
        if name in ("dot", "cosine") and query != key:
            raise ValueError(f"{name} compares vectors of one width; the query has {query}, the key {key}")
        self.name = name
        rank = {"bilinear": key, "low_rank": max(1, key // 4)}.get(name, key)
        if name not in ("dot", "cosine"):
            self.query = nn.Linear(query, rank, bias=False)
        if name in ("scaled_dot", "low_rank", "additive"):
            self.key = nn.Linear(key, rank, bias=False)
        if name == "additive":
            self.v = nn.Parameter(torch.full((rank,), 1 / math.sqrt(rank)))
        if name == "cosine":
            self.scale = nn.Parameter(torch.tensor(10.0))

    def keys(self, k: Tensor) -> Tensor:
        """What `score` needs of keys [..., S, D]."""
        if self.name == "cosine":
            return F.normalize(k, dim=-1)
        return torch.as_tensor(self.key(k)) if hasattr(self, "key") else k

    def score(self, q: Tensor, keys: Tensor) -> Tensor:
        """Scores [..., T, S] of queries [..., T, Q] for what `keys` gave."""
        if self.name == "cosine":
            return self.scale * (F.normalize(q, dim=-1) @ keys.transpose(-1, -2))
        q = self.query(q) if hasattr(self, "query") else q
        if self.name == "additive":
            return torch.tanh(q[..., :, None, :] + keys[..., None, :, :]) @ self.v
        return scaled_dot(q, keys) if self.name == "scaled_dot" else dot(q, keys)
