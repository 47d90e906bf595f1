"""The peers that `lm.benchmark` measures against: transformers' GPT-2 and the GPT of nanoGPT, with random weights."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm.config import ModelConfig

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def gpt2(shape: ModelConfig, device: torch.device) -> Any:
    """transformers' GPT-2 of that shape; None where it is not installed."""
    try:
        from transformers import GPT2Config, GPT2LMHeadModel
    except ImportError:
        return None
    config = GPT2Config(
        n_embd=shape.width,
        n_layer=shape.layers,
        n_head=shape.heads,
        n_inner=shape.hidden,
        vocab_size=shape.vocabulary,
        n_positions=shape.context,
        bos_token_id=0,
        eos_token_id=0,
    )
    model: Any = GPT2LMHeadModel(config)
    return model.eval().to(device)


def gpt2_decoding(model: Any, device: torch.device, *, prompt: int, answer: int) -> dict[str, Callable[[], Any]]:
    """Works to time: reading a prompt of so many tokens, and writing an answer after it with the peer's own cache."""
    import torch

    vocabulary = model.config.vocab_size
    read = torch.randint(16, vocabulary, (1, prompt), generator=torch.Generator().manual_seed(0)).to(device)

    def write(tokens: int) -> None:
        model.generate(
            read,
            attention_mask=torch.ones_like(read),
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            do_sample=False,
            pad_token_id=0,
        )

    return {"gpt2 prefill": lambda: write(1), "gpt2": lambda: write(answer + 1)}


def nanogpt(folder: Path) -> Any:
    """The module `model.py` of a clone of nanoGPT; ValueError where the folder holds none."""
    spec = importlib.util.spec_from_file_location("nanogpt_model", folder / "model.py")
    if spec is None or spec.loader is None or not (folder / "model.py").is_file():
        raise ValueError(f"{folder} holds no model.py; give the folder of a clone of nanoGPT")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def training(model: Any, optimizers: Sequence[Any], loss: Callable[[], Tensor]) -> Callable[[], None]:
    """One update of a model: forward, backward, clipping, step."""
    import torch

    def step() -> None:
        loss().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    return step


def nanogpt_training(module: Any, shape: ModelConfig, tokens: Tensor, *, compiled: bool = False) -> Callable[[], None]:
    """One update of nanoGPT as its train.py does it: AdamW, and fp32 on a CPU."""
    import contextlib
    import io

    import torch

    with contextlib.redirect_stdout(io.StringIO()):
        config = module.GPTConfig(
            block_size=shape.context,
            vocab_size=shape.vocabulary,
            n_layer=shape.layers,
            n_head=shape.heads,
            n_embd=shape.width,
            dropout=0.0,
            bias=False,
        )
        model = module.GPT(config).to(tokens.device)
        optimizer = model.configure_optimizers(0.1, 1e-4, (0.9, 0.99), tokens.device.type)
    forward = torch.compile(model) if compiled else model
    inputs, targets = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()

    def loss() -> Tensor:
        with torch.autocast(tokens.device.type, dtype=torch.bfloat16, enabled=tokens.device.type == "cuda"):
            found: Tensor = forward(inputs, targets)[1]
        return found

    return training(model, [optimizer], loss)
