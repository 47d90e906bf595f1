"""Plain text as one long row of tokens, and the order in which a run reads it.

Documents stand one after another, each after its start token. Models that start afresh with every window read windows
in random order; recurrent models read the row as so many lanes side by side, each window going on where the one before
it ended (truncated backpropagation through time, Williams and Peng 1990).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lm.data import DataError, read_packed, write_packed
from lm.tokenizer import TEXT, Tokenizer

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FORMAT = 1


class TextSet:
    """Token ids of many documents in one row."""

    def __init__(self, tokens: NDArray[np.uint16]) -> None:
        self.tokens = tokens

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def pack(cls, tokenizer: Tokenizer, texts: Iterable[str]) -> TextSet:
        """All texts, each after a start token; DataError for a vocabulary of over 65,536 pieces."""
        if tokenizer.size > 1 << 16:
            raise DataError(f"the tokenizer has {tokenizer.size} pieces; use one with at most 65,536")
        rows = [np.array([TEXT, *tokenizer.encode(text).ids], dtype=np.uint16) for text in texts]
        return cls(np.concatenate(rows) if rows else np.zeros(0, dtype=np.uint16))

    @classmethod
    def merge(cls, sets: Iterable[TextSet]) -> TextSet:
        """Several sets, one after another."""
        return cls(np.concatenate([part.tokens for part in sets]))

    def save(self, path: Path, *, tokenizer: Tokenizer) -> None:
        """Write a compressed `.npz` that carries the fingerprint of its tokenizer."""
        write_packed(path, {"text": self.tokens}, mark="text_format", version=FORMAT, tokenizer=tokenizer)

    @classmethod
    def load(cls, path: Path, *, tokenizer: Tokenizer) -> TextSet:
        """Read a packed text; DataError if it is damaged, of another format or of another tokenizer."""
        return cls(read_packed(path, ["text"], mark="text_format", version=FORMAT, tokenizer=tokenizer)["text"])

    def windows(self, window: int, rows: int, generator: np.random.Generator) -> list[NDArray[np.int64]]:
        """One epoch in random order: where the windows of each batch start, up to `rows` in one.

        Together the windows cover the text from a random start on. DataError for a text shorter than a window.
        """
        offset = int(generator.integers(0, min(window, max(1, len(self) - window))))
        count = (len(self) - 1 - offset) // window
        if count < 1:
            raise DataError(f"the text has {len(self)} tokens; it must have more than --window, {window}")
        starts = offset + window * generator.permutation(count)
        return [starts[first : first + rows] for first in range(0, count, rows)]

    def lanes(self, window: int, rows: int) -> list[NDArray[np.int64]]:
        """One epoch in reading order: `rows` lanes of the text, and where the windows of each step start in them."""
        lane = (len(self) - 1) // rows
        if lane < window:
            raise DataError(
                f"the text has {len(self)} tokens; {rows} lanes of at least one --window, {window}, need more: "
                "lower --batch-tokens"
            )
        return [lane * np.arange(rows) + first for first in range(0, lane - window + 1, window)]

    def take(self, starts: NDArray[np.int64], window: int, device: torch.device) -> Tensor:
        """The tokens [B, window + 1] from each start on."""
        import torch

        rows = self.tokens[starts[:, None] + np.arange(window + 1)]
        return torch.from_numpy(rows.astype(np.int64)).to(device)

    def validation(self, window: int, rows: int) -> Iterator[NDArray[np.int64]]:
        """All windows from the first token on, in batches; a text shorter than a window is one window of its length."""
        starts = window * np.arange(max(1, (len(self) - 1) // window))
        for first in range(0, len(starts), rows):
            yield starts[first : first + rows]
