"""A quick embedder for tests: a bag of hashed words. The same words give the same vector, on every machine."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class FakeEmbedder:
    """Counts words as word pieces; `encoded` lists every text it was given, and `salt` makes another model of it."""

    def __init__(self, *, dimension: int = 128, salt: str = "") -> None:
        self.name = f"fake{salt}"
        self.dimension = dimension
        self.max_tokens = 60
        self.salt = salt
        self.encoded: list[str] = []

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        self.encoded.extend(texts)
        vectors = np.full((len(texts), self.dimension), 1e-3, dtype=np.float32)
        for number, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()):
                vectors[number, zlib.crc32((self.salt + word).encode("utf-8")) % self.dimension] += 1
            if progress:
                progress(number + 1, len(texts))
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)

    def count_tokens(self, text: str) -> int:
        return len(re.findall(r"\w+|[^\w\s]", text)) + 2

    def fingerprint(self) -> dict[str, Any]:
        return {"name": self.name, "weights_sha256": f"none{self.salt}", "dimension": self.dimension}
