"""One-token steps of a Transformer at fixed shapes, which can be compiled.

The caches have room for the whole answer from the start, and what is not yet written in them is masked. So every step
has the same shapes, and torch.compile turns it into a few kernels: on a CPU C++ (a compiler must be installed), on a
GPU one CUDA graph. Compiling takes from seconds to a minute the first time, so it is for many answers or long texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lm.body import Record

if TYPE_CHECKING:
    from lm.fast import FastTransformer
    from lm.transformer import TransformerBody, TransformerState

_ROUND = 128
"""Room is a multiple of this, so that prompts of like length share a compiled step."""


@dataclass
class StaticCache:
    """Keys and values of one layer with room for C tokens, [B, H, C, K]; `here` [T] is where to write next."""

    keys: Tensor
    values: Tensor
    here: Tensor

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write [B, H, T, K] keys and values; return all C of them, to be masked."""
        self.keys.index_copy_(2, self.here, keys)
        self.values.index_copy_(2, self.here, values)
        return self.keys, self.values


class StaticState:
    """The state of a Transformer body whose caches do not grow."""

    def __init__(self, state: TransformerState, fast: FastTransformer, room: int) -> None:
        first = state.caches[0]
        room = -(-(state.length + room) // _ROUND) * _ROUND
        self.length = state.length
        self._fast = fast
        shape = (*first.store.shape[:3], room, first.store.shape[4])
        self._stores = []
        for cache in state.caches:
            store = first.store.new_zeros(shape)
            store[:, :, :, : self.length] = cache.store[:, :, :, : self.length]
            self._stores.append((store[0].clone(), store[1].clone()))
        self._columns = torch.arange(room, device=first.store.device)

    def select(self, rows: Tensor) -> None:
        """Keep the named rows of the batch."""
        self._stores = [(keys[rows], values[rows]) for keys, values in self._stores]

    def mark(self) -> int:
        """The number of tokens seen."""
        return self.length

    def rewind(self, mark: int, keep: int) -> int:
        """Forget what came after the first `keep` tokens since the mark; nothing has to be read again."""
        self.length = mark + keep
        return 0

    def read(self, body: TransformerBody, x: Tensor, record: Record | None) -> Tensor:
        """Hidden vectors [B, T, D] of embedded tokens [B, T, D]; compiled for single tokens without a record."""
        tokens, seen = x.shape[1], self.length
        angles, places = body.positions(seen, tokens, x.dtype)
        x = x if places is None else x + places
        here = torch.arange(seen, seen + tokens, device=x.device)
        mask = self._columns <= here[:, None]
        caches: list[Any] = [StaticCache(keys, values, here) for keys, values in self._stores]
        self.length = seen + tokens
        if tokens > 1 or record is not None:
            return self._fast(x, angles, mask, caches, record)
        return self._fast.compiled(x.contiguous(), angles, mask, caches, None)
