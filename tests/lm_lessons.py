"""Training data that takes seconds to learn: colours of made-up things, and plain text."""

from __future__ import annotations

from typing import Any

import numpy as np
from lm_samples import TEXTS, small_tokenizer

from lm.data import ExampleSet, examples_of
from lm.text import TextSet

_SYLLABLES = (
    "zor bat min fel qua stor bli ven had rop wex low trum bia fen ock gli ser pan tuvo dor wick ul met".split()
)


def coloured(name: str, colour: str, *, first: bool = True) -> dict[str, Any]:
    """A made-up thing and its colour, which nothing but the source tells."""
    texts = [f"The {name} is {colour}.", "Water boils at sea level."]
    sources = [[[text, 0, 0]] for text in (texts if first else texts[::-1])]
    start = len(f"The {name} is ")
    spans = [[0, len(colour), 0 if first else 1, 0, start]]
    return {"question": f"What is the {name}?", "sources": sources, "mode": "short", "answer": colour, "spans": spans}


def examples(count: int = 40) -> ExampleSet:
    random = np.random.default_rng(0)
    words = ["".join(random.choice(_SYLLABLES, size=random.integers(2, 4))) for _ in range(2 * count)]
    records = [coloured(words[n], words[count + n], first=n % 2 == 0) for n in range(count)]
    return ExampleSet.pack(examples_of(small_tokenizer(), [*records, {"text": TEXTS[0]}]))


def plain_text() -> TextSet:
    return TextSet.pack(small_tokenizer(), [" ".join(TEXTS)] * 4)
