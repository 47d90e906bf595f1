"""Models of several architectures with equally many weights.

`matched` counts all weights of a model. Without a prompt some of them are idle, in a recurrent model the whole encoder,
so comparisons on plain sequences count those in use, with `weights_in_use`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from lm.config import RECURRENT, ModelConfig
from lm.model import LanguageModel

COMPARED = (*RECURRENT, "transformer")


def matched(config: ModelConfig, architecture: str, parameters: int) -> ModelConfig:
    """The configuration of `architecture` whose number of parameters is nearest to `parameters`.

    Vocabulary, width, features and the like are those of `config`; the width inside is searched for. Recurrent
    models get two layers, since depth buys them little and costs them time.
    """
    layers = {"layers": min(config.layers, 2)} if architecture in RECURRENT else {}

    def sized(half: int) -> tuple[int, ModelConfig]:
        fields = config.to_json() | layers | {"architecture": architecture, "hidden": 2 * half}
        shape = ModelConfig.from_json(fields)
        with torch.device("meta"):
            return LanguageModel(shape).parameters_count(), shape

    least, most = 1, 2
    while sized(most)[0] < parameters:
        least, most = most, 2 * most
    while most - least > 1:
        middle = (least + most) // 2
        if sized(middle)[0] < parameters:
            least = middle
        else:
            most = middle
    return min((sized(least), sized(most)), key=lambda one: abs(one[0] - parameters))[1]


def fresh_model(config: ModelConfig, seed: int) -> LanguageModel:
    """A model as training starts it."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return LanguageModel(config)


def weights_in_use(config: ModelConfig) -> int:
    """How many weights take part in a causal language model: in the body, those that the output has a gradient for.

    The others serve prompts: the copy head, and of a recurrent model the encoder and the attention to it.
    """
    model, generator = fresh_model(config, seed=0).double(), torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=generator)
    x, v = torch.randn((2, 8, min(config.context, 32), config.width), generator=generator, dtype=torch.float64)
    (v * model.body(x)).sum().backward()
    named = [(name.split(".")[0], parameter) for name, parameter in model.named_parameters()]
    inside = [parameter.grad for part, parameter in named if part == "body" and parameter.grad is not None]
    outside = [parameter.numel() for part, parameter in named if part not in ("body", "copy")]
    return sum(outside) + sum(int(gradient.count_nonzero()) for gradient in inside)


def sized(config: ModelConfig, weights: int) -> ModelConfig:
    """`config` with the even `hidden` that brings `weights_in_use` closest to `weights`; ValueError if none can."""

    def count(half: int) -> int:
        return weights_in_use(replace(config, hidden=2 * half))

    if (least := count(1)) > weights:
        raise ValueError(
            f"a {config.architecture} of width {config.width} has {least:,} weights or more; "
            "lower --width or raise --weights"
        )
    low, high = 1, 2
    while count(high) < weights:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < weights else (low, middle)
    return replace(config, hidden=2 * min(low, high, key=lambda half: abs(count(half) - weights)))


def equals(*, vocabulary: int, width: int, context: int, weights: int) -> dict[str, ModelConfig]:
    """Plain causal models of the compared architectures with `weights` weights in use, as nearly as can be.

    The Transformer has two layers, the recurrent models one. None sees two tokens at once (token shift).
    """
    common: dict[str, Any] = {"vocabulary": vocabulary, "features": 1, "width": width, "context": context}
    common |= {"heads": 2, "shift": False, "hidden": 2}
    layers = {name: 2 if name == "transformer" else 1 for name in COMPARED}
    return {name: sized(ModelConfig(architecture=name, layers=layers[name], **common), weights) for name in COMPARED}
