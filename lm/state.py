"""What a model keeps between calls while it reads and writes.

Shapes: B batch, T tokens of the last call, S prompt tokens, D width, N order of the continuation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from lm.body import BodyState, Record
from lm.fast import Product


@dataclass(kw_only=True)
class State:
    """What a model keeps between calls.

    `body` is the architecture's own state. Of the prompt: its tokens `source` [B, S], the tokens before each of them
    `before` [B, S, N], the copy head's view `keys`, and what may be copied, `copyable` [B, S]. Of the tokens read by
    the last call: the tokens up to each one, latest first, `recent` [B, T, N], the embedding of the last
    `last_embedding` [B, 1, D], and what was recorded.
    """

    body: BodyState
    last_embedding: Tensor
    source: Tensor
    before: Tensor
    keys: Tensor
    copyable: Tensor
    recent: Tensor
    output: Product | None = None
    record: Record | None = None

    def select(self, rows: Tensor) -> None:
        """Keep the named rows [B'] of the batch, in that order; a row may be taken several times."""
        self.body.select(rows)
        for name in ("last_embedding", "source", "before", "keys", "copyable", "recent"):
            setattr(self, name, getattr(self, name)[rows])


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A place in a generation to come back to."""

    body: Any
    last_embedding: Tensor
    recent: Tensor
