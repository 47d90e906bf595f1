"""What can be measured of a model on a prompt, whatever it happens to write: how likely it finds a given text, how much
gradient comes back; and its own words with the time they take."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from lm.checkpoint import Checkpoint
    from lm.model import LanguageModel
    from lm.reading import Prompt

DRAWS = 4
"""Random directions in which the gradient is measured; the norm is the mean over them."""

_LONGEST = 200
"""Tokens of a model's own words."""

_LEAST = 1e-30
"""A probability below this counts as this one, so that its logarithm is finite."""

_KEPT = 16
"""Prompts of a model whose gradients are remembered."""


@dataclass(frozen=True, kw_only=True)
class Writing:
    """What a model writes by itself, greedily and unchecked, and how fast. `declined`: its first choice was to say that
    the passages do not answer; the words are then what it would have written all the same."""

    text: str
    declined: bool
    tokens: int
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        """Tokens written in a second, the reading of the prompt included."""
        return self.tokens / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, kw_only=True)
class Likelihood:
    """How likely a model finds a text: mean log-probability of its `tokens` in nats (0 is certain), and bits per byte
    (smaller is better)."""

    log_p: float
    bits_per_byte: float
    tokens: int

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {
            "log_probability_per_token": round(self.log_p, 4),
            "bits_per_byte": round(self.bits_per_byte, 4),
            "tokens": self.tokens,
        }


def write(checkpoint: Checkpoint, prompt: Prompt) -> Writing:
    """What the model writes after a prompt, greedily, in at most 200 tokens."""
    from lm.generate import generate
    from lm.sampling import Decoding
    from lm.tokenizer import END, NONE

    started = time.perf_counter()
    tokens = [one.token for one in generate(checkpoint.model, prompt, Decoding(longest=_LONGEST))]
    declined = NONE in tokens
    if declined:
        started = time.perf_counter()
        again = generate(checkpoint.model, prompt, Decoding(longest=_LONGEST, may_refuse=False))
        tokens = [one.token for one in again]
    seconds = time.perf_counter() - started
    text = checkpoint.tokenizer.decode([token for token in tokens if token != END]).strip()
    return Writing(text=text, declined=declined, tokens=len(tokens), seconds=seconds)


def forced_likelihood(checkpoint: Checkpoint, prompt: Prompt, text: str) -> Likelihood | None:
    """How likely the model would have written `text` after the prompt; None for no words, or where there is no room."""
    from lm.generate import generate
    from lm.sampling import Decoding

    ids = checkpoint.tokenizer.encode(" " + text).ids
    if not ids or len(prompt.tokens) + len(ids) > checkpoint.model.config.context:
        return None
    steps = generate(checkpoint.model, prompt, Decoding(longest=len(ids)), forced=ids)
    total = sum(math.log(max(step.probability, _LEAST)) for step in steps)
    bits = -total / math.log(2) / len((" " + text).encode())
    return Likelihood(log_p=total / len(ids), bits_per_byte=bits, tokens=len(ids))


def text_likelihood(checkpoint: Checkpoint, text: str) -> Likelihood | None:
    """How likely the model finds a plain text; None for an empty one. See `lm.evaluate.evaluate_text`."""
    from lm.evaluate import evaluate_text

    if not text:
        return None
    found = evaluate_text(checkpoint, text, quiet=True)
    return Likelihood(log_p=-found["loss"], bits_per_byte=found["bits_per_byte"], tokens=found["tokens"])


_gradients: WeakKeyDictionary[LanguageModel, dict[tuple[int, ...], tuple[float, ...]]] = WeakKeyDictionary()


def gradient(model: LanguageModel, tokens: Sequence[int]) -> tuple[float, ...]:
    """Norm of the gradient that arrives k = 0, 1, ... tokens back from the end of `tokens`, relative to k = 0.

    The tokens are read from left to right as plain text, in double precision; see `lm.memory`. The last prompts of a
    model are remembered.
    """
    import torch

    from lm.memory import gradient_norms
    from lm.model import LanguageModel

    known, key = _gradients.setdefault(model, {}), tuple(tokens)
    if key not in known:
        exact = LanguageModel(model.config)
        exact.load_state_dict(model.state_dict())
        rows = torch.tensor([key]).expand(DRAWS, -1)
        norms = gradient_norms(exact.double().eval(), rows, torch.Generator().manual_seed(0))
        while len(known) >= _KEPT:
            known.pop(next(iter(known)))
        known[key] = tuple(norm / norms[0] for norm in norms) if norms[0] else tuple(norms)
    return known[key]
