"""Speed and memory of a model beside a peer of the same shape, in one run on one machine.

    python -m lm.benchmark --preset mini

The peer is Hugging Face's GPT-2 with random weights, of equal width, layers, heads and vocabulary, decoding with its
own key-value cache. Training is timed on one synthetic batch, forward, backward and update; the peer's loss covers
all positions, ours the answer, as each is used. Weights do not matter to speed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lm.config import PRESETS, ModelConfig, preset

if TYPE_CHECKING:
    from torch import Tensor

    from lm.model import LanguageModel

_VOCABULARY = 4096
_PROMPT, _ANSWER, _BATCH = 256, 64, 8
_RUNS = 3


def seconds(work: Callable[[], Any], device: str) -> float:
    """The shortest of several runs of `work`, after one to warm up."""
    import torch

    best = float("inf")
    for number in range(_RUNS + 1):
        started = time.perf_counter()
        work()
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)
        if number:
            best = min(best, time.perf_counter() - started)
    return best


def rates(
    train: Callable[[], Any], prefill: Callable[[], Any], decode: Callable[[], Any], device: str
) -> dict[str, float]:
    """Tokens a second; `decode` reads the prompt and writes the answer, so the time of `prefill` is taken off it."""
    reading = seconds(prefill, device)
    writing = seconds(decode, device) - reading
    return {
        "train": _BATCH * (_PROMPT + _ANSWER) / seconds(train, device),
        "prefill": _PROMPT / reading,
        "decode": _ANSWER / max(writing, 1e-9),
    }


def ours(model: LanguageModel, prompt: Tensor, batch: Tensor) -> dict[str, float]:
    """Rates of a model of this library for a prompt [1, S] and a training batch [B, S + A]."""
    import torch

    from lm.optim import make_optimizers
    from lm.reading import FIRST_SOURCE_FEATURE

    device = prompt.device
    features = torch.full_like(batch, FIRST_SOURCE_FEATURE)
    features[:, _PROMPT:] = 0
    lengths = torch.full((_BATCH,), _PROMPT, device=device)
    answer = batch[:, _PROMPT:]
    optimizers = make_optimizers(model, lr=1e-4, muon_lr=1e-4, weight_decay=0.0)

    def train() -> None:
        losses = model.losses(batch[:, :-1], features[:, :-1], lengths, answer, torch.full_like(answer, -1))
        losses.nll.mean().backward()  # type: ignore[no-untyped-call]
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def decode() -> None:
        hidden, state = model.prefill(prompt, features[:1, :_PROMPT])
        for _ in range(_ANSWER):
            token = int(model.next_token(hidden, state)[0].argmax())
            hidden = model.step(token, state)

    return rates(train, lambda: model.prefill(prompt, features[:1, :_PROMPT]), decode, str(device))


def gpt2(shape: ModelConfig, prompt: Tensor, batch: Tensor) -> dict[str, float] | None:
    """The same rates of transformers' GPT-2; None where it is not installed."""
    try:
        from transformers import GPT2Config, GPT2LMHeadModel
    except ImportError:
        return None
    import torch

    sizes: dict[str, Any] = {
        "n_embd": shape.width,
        "n_layer": shape.layers,
        "n_head": shape.heads,
        "n_inner": shape.hidden,
    }
    room: dict[str, Any] = {
        "vocab_size": shape.vocabulary,
        "n_positions": shape.context,
        "bos_token_id": 0,
        "eos_token_id": 0,
    }
    model: Any = GPT2LMHeadModel(GPT2Config(**sizes, **room))
    model.to(prompt.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def train() -> None:
        model.train()
        model(input_ids=batch, labels=batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def write(tokens: int) -> None:
        model.eval()
        seen = torch.ones_like(prompt)
        model.generate(
            prompt, attention_mask=seen, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, pad_token_id=0
        )

    return rates(train, lambda: write(1), lambda: write(_ANSWER + 1), str(prompt.device))


def peak_memory(device: str) -> float:
    """Most memory held so far in MiB: of the process, or on the GPU where the model is there."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device) / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """All figures as a JSON-ready dictionary."""
    import torch

    from lm.checkpoint import load, usable_device
    from lm.model import LanguageModel
    from lm.reading import FEATURES

    device = usable_device(arguments.device)
    if arguments.model:
        model = load(arguments.model, device=device).model
    else:
        model = LanguageModel(preset(arguments.preset, vocabulary=_VOCABULARY, features=FEATURES)).to(device)
    shape = model.config
    if shape.context < _PROMPT + _ANSWER:
        raise ValueError(
            f"the context is {shape.context}; the benchmark needs {_PROMPT + _ANSWER}: choose mini or larger"
        )
    generator = torch.Generator().manual_seed(0)
    batch = torch.randint(16, shape.vocabulary, (_BATCH, _PROMPT + _ANSWER), generator=generator).to(device)
    print("timing the model ...", file=sys.stderr)
    result: dict[str, Any] = {"model": arguments.model or arguments.preset, "parameters": model.parameters_count()}
    result |= {"device": str(device), "threads": torch.get_num_threads(), "torch": torch.__version__}
    result["ours"] = ours(model, batch[:1, :_PROMPT], batch)
    result["peak_memory_mib"] = peak_memory(str(device))
    print("timing transformers' GPT-2 ...", file=sys.stderr)
    result["gpt2"] = peer = gpt2(shape, batch[:1, :_PROMPT], batch)
    result["ratio"] = {name: rate / peer[name] for name, rate in result["ours"].items()} if peer else None
    return result


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m lm.benchmark", description="Time a model beside a peer.")
    cli.add_argument("--preset", choices=sorted(PRESETS), default="mini", help="size of a model with random weights")
    cli.add_argument("--model", help="checkpoint name or directory instead")
    cli.add_argument("--json", action="store_true", help="print one JSON object")
    cli.add_argument("--device", default="cpu")
    return cli


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    arguments = parser().parse_args(argv)
    try:
        result = measure(arguments)
    except (ValueError, OSError) as fault:
        print(f"lm.benchmark: {fault}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(result))
        return 0
    about = f"{result['parameters']:,} parameters, {result['device']}, {result['threads']} threads"
    print(f"{result['model']}: {about}, torch {result['torch']}")
    print(f"{'tokens/s':10}{'ours':>12}{'GPT-2':>12}{'ratio':>8}")
    for name, rate in result["ours"].items():
        peer = f"{result['gpt2'][name]:>12,.0f}{result['ratio'][name]:>8.2f}" if result["gpt2"] else ""
        print(f"{name:10}{rate:>12,.0f}{peer}")
    if not result["gpt2"]:
        print("transformers is not installed: no peer to compare with")
    print(f"peak memory {result['peak_memory_mib']:,.0f} MiB (before the peer was loaded)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
