"""Small tokenizers, models and examples for the tests of lm."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import torch
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers, trainers

from lm.config import ARCHITECTURES, FEED_FORWARD, POSITIONS, ModelConfig
from lm.model import LanguageModel
from lm.reading import FEATURES
from lm.tokenizer import SPECIAL, Tokenizer

TEXTS = (
    "A queue returns the oldest item first. A stack returns the newest item first. Both take one step for each item.",
    "The heap keeps its smallest item at the root, and a sorted list keeps it in front.",
    "Water boils at 100 degrees at sea level, and at about 93 degrees on a mountain of 2000 metres.",
    "Who returns the oldest item? What is kept at the root? Where does water boil? When was it found in 1987?",
)

SHAPES: dict[str, dict[str, Any]] = {
    f"{positions}-{feed}-{'norm' if norm else 'plain'}": {"positions": positions, "feed_forward": feed, "qk_norm": norm}
    for positions in POSITIONS
    for feed in FEED_FORWARD
    for norm in (True, False)
} | {name: {"architecture": name} for name in ARCHITECTURES if name != "transformer"}
"""Settings of every architecture: of the transformer with every choice that it has."""

FAMILIES: dict[str, dict[str, Any]] = {name: {"architecture": name} for name in ARCHITECTURES}
"""Each architecture once, as it is by default."""

_Module = TypeVar("_Module", bound=torch.nn.Module)


def same(found: Any, expected: Any, atol: float = 1e-10) -> None:
    """Tensors, or containers of them, are equal in fp64 up to rounding."""
    torch.testing.assert_close(found, expected, rtol=0, atol=atol)


def draw(module: _Module, std: float = 0.2, seed: int = 0) -> _Module:
    """The module in fp64 and evaluation mode with every weight and bias drawn anew, none of them zero."""
    generator = torch.Generator().manual_seed(seed)
    module.double().eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=std, generator=generator)
    return module


@cache
def small_tokenizer() -> Tokenizer:
    """Some 330 pieces: the bytes, the special tokens and the commonest words of TEXTS."""
    return Tokenizer.train(TEXTS, vocabulary=330)


@cache
def old_tokenizer() -> Tokenizer:
    """A tokenizer as those of the first models are: it ends its special tokens with the orders to answer."""
    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=300, special_tokens=list(SPECIAL[:9]), initial_alphabet=alphabet)
    )
    return Tokenizer(backend)


def small_model(
    *, seed: int = 0, dtype: torch.dtype = torch.float64, std: float | None = 0.2, **overrides: Any
) -> LanguageModel:
    """A model of odd sizes in evaluation mode; every weight drawn with `std`, or as `reset` draws, to be
    trained, where that is None."""
    shape: dict[str, Any] = {"width": 30, "layers": 2, "heads": 3, "hidden": 44, "context": 160}
    shape |= {"vocabulary": small_tokenizer().size, "features": FEATURES} | overrides
    model = LanguageModel(ModelConfig(**shape))
    generator = torch.Generator().manual_seed(seed)
    model.reset(generator)
    if std is not None:
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=std, generator=generator)
    return model.to(dtype).eval().requires_grad_(std is None)
