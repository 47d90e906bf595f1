"""Speed and memory of a model beside peers of the same shape, in one run on one machine.

    python -m lm.benchmark                                  decoding: the model that ships beside transformers' GPT-2
    python -m lm.benchmark --nanogpt DIR                    training as well, beside the GPT of a clone of nanoGPT

Peers have random weights and equal width, layers, heads, feed-forward width and vocabulary. A peer that is not there
is left out. Model and peers take turns, so that a busy moment of the machine hits all of them, and of the times of
each the shortest counts.

Decoding is one answer to a prompt of 256 tokens, the time of reading the prompt taken off: token by token ("plain"),
and with guesses from the prompt ("lookup"), which is what the tutor does. Lookup answers the same tokens; how much it
saves depends on how much is copied, so it is timed on answers of a trained model to questions on a text.
Training is forward, backward and update on windows of plain text, all positions predicted, for all in one process
with the same allocator settings.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm.allocator import with_allocator_settings
from lm.config import PRESETS, ModelConfig, preset
from lm.peers import gpt2, gpt2_decoding, nanogpt, nanogpt_training, training

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from lm.model import LanguageModel
    from lm.reading import Prompt
    from lm.tokenizer import Tokenizer

_VOCABULARY = 4096
_PROMPT, _ANSWER = 256, 48
_ROUNDS = 7

_TEXT = (
    "The harbour of Velm has two basins. The outer basin is closed by a chain at night. The inner basin holds forty "
    "boats and is dredged every spring.",
    "Salt is made in the pans east of the town. Sea water stands in the first pan for nine days, then flows into the "
    "second pan, where the crystals form. The salt is raked at dawn because the wind is weakest then.",
    "The lighthouse was built of grey stone in four years. Its lamp burned whale oil at first and was later fed with "
    "gas from a works behind the church. Two keepers share the watch, and each of them climbs the stairs three times "
    "in a night.",
    "Every autumn a market is held on the quay. Farmers bring cheese and wool from the hills, and the fishermen pay "
    "with smoked herring. A bell is rung when the market closes.",
)
_QUESTIONS = (
    "When is the salt raked?",
    "What does the inner basin hold?",
    "What did the lamp of the lighthouse burn at first?",
    "What do farmers bring to the market?",
)


def take_turns(works: dict[str, Callable[[], Any]], device: torch.device) -> dict[str, float]:
    """The shortest time in seconds of each work, over several rounds in turn after one to warm up."""
    import torch

    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(_ROUNDS + 1):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if number:
                times[name].append(time.perf_counter() - started)
        print(f"\rround {number}/{_ROUNDS} ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {name: min(found) for name, found in times.items()}


def reading_prompts(tokenizer: Tokenizer) -> list[Prompt]:
    """Questions on a text about a town, filled up with more of it to about 256 tokens."""
    from lm.reading import Piece, build_prompt

    prompts = []
    for question in _QUESTIONS:
        sources = [[Piece(text=sentence + ".") for sentence in text.rstrip(".").split(". ")] for text in _TEXT]
        prompts.append(build_prompt(tokenizer, question, sources))
    return prompts


def decoding(model: LanguageModel, tokenizer: Tokenizer | None) -> tuple[dict[str, Any], dict[str, float]]:
    """Works to time for a model, and how many tokens each of them writes."""
    import torch

    from lm.generate import generate
    from lm.sampling import Decoding

    device = model.embedding.weight.device
    tokens = torch.randint(16, model.config.vocabulary, (1, _PROMPT), generator=torch.Generator().manual_seed(0))
    tokens, features = tokens.to(device), torch.full_like(tokens, 3).to(device)

    def plain() -> None:
        hidden, state = model.prefill(tokens, features)
        for _ in range(_ANSWER):
            hidden = model.step(model.next_tokens(hidden, state)[0].argmax(-1), state)

    works: dict[str, Any] = {"prefill": lambda: model.prefill(tokens, features), "plain": plain}
    written = {"plain": float(_ANSWER)}
    if tokenizer is not None:
        prompts = reading_prompts(tokenizer)

        def answer(lookup: int) -> int:
            settings = Decoding(lookup=lookup, longest=_ANSWER, may_refuse=False)
            return sum(len(list(generate(model, prompt, settings))) for prompt in prompts)

        def read() -> None:
            for prompt in prompts:
                model.prefill(
                    torch.tensor([prompt.tokens], device=device), torch.tensor([prompt.features], device=device)
                )

        written["lookup"] = float(answer(Decoding.lookup))
        works |= {"read": read, "lookup": lambda: answer(Decoding.lookup), "answers": lambda: answer(0)}
    return works, written


def measure_decoding(arguments: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """Tokens a second of prompt and answer, and their ratios to the peer's."""
    import torch

    from lm.checkpoint import load
    from lm.model import LanguageModel
    from lm.reading import FEATURES

    tokenizer = None
    if arguments.preset:
        model = LanguageModel(preset(arguments.preset, vocabulary=_VOCABULARY, features=FEATURES)).to(device).eval()
    else:
        checkpoint = load(arguments.model, device=device)
        model, tokenizer = checkpoint.model, checkpoint.tokenizer
    if model.config.context < 2 * _PROMPT:
        raise ValueError(
            f"the context is {model.config.context}; the benchmark needs {2 * _PROMPT}: choose mini or larger"
        )
    works, written = decoding(model, tokenizer)
    peer = gpt2(model.config, device)
    with torch.inference_mode():
        times = take_turns(
            works | (gpt2_decoding(peer, device, prompt=_PROMPT, answer=_ANSWER) if peer else {}), device
        )
    rates = {"prefill": _PROMPT / times["prefill"], "plain": written["plain"] / (times["plain"] - times["prefill"])}
    if tokenizer is not None:
        rates["lookup"] = written["lookup"] / (times["lookup"] - times["read"])
        rates["the same answers, plain"] = written["lookup"] / (times["answers"] - times["read"])
    result: dict[str, Any] = {
        "model": arguments.preset or arguments.model or "default",
        "architecture": model.config.architecture,
        "parameters": model.parameters_count(),
        "tokens_per_second": rates,
        "peak_memory_mib": peak_memory(device),
        "gpt2": None,
        "ratio": None,
    }
    if peer:
        theirs = {
            "prefill": _PROMPT / times["gpt2 prefill"],
            "plain": _ANSWER / (times["gpt2"] - times["gpt2 prefill"]),
        }
        theirs |= {name: theirs["plain"] for name in rates if name not in theirs}
        result |= {"gpt2": theirs, "ratio": {name: rates[name] / theirs[name] for name in rates}}
    return result


_SHAPES: dict[str, tuple[dict[str, Any], int, int]] = {
    "4 layers, 128 wide, 12 x 64 tokens": (
        {"width": 128, "layers": 4, "heads": 4, "hidden": 512, "context": 64},
        265,
        12,
    ),
    "6 layers, 192 wide, 8 x 256 tokens": (
        {"width": 192, "layers": 6, "heads": 6, "hidden": 768, "context": 256},
        4096,
        8,
    ),
}


_EQUAL: dict[str, Any] = {"positions": "learned", "qk_norm": False, "shift": False, "softcap": 0.0}
"""The settings with which our Transformer is nanoGPT's but for RMSNorm and ReLU^2 in place of LayerNorm and GELU."""


def ours_training(
    shape: ModelConfig, tokens: Tensor, precision: str, optimizer: str, compiled: bool
) -> Callable[[], None]:
    """One update of a model of that shape on windows [B, T + 1]."""
    import torch

    from lm.model import LanguageModel
    from lm.optim import make_optimizers

    model = LanguageModel(shape).to(tokens.device)
    losses = torch.compile(model.text_losses) if compiled else model.text_losses

    def loss() -> Tensor:
        with torch.autocast(tokens.device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
            return losses(tokens).mean()

    return training(model, make_optimizers(model, lr=1e-4, muon_lr=1e-4, weight_decay=0.1, name=optimizer), loss)


def measure_training(folder: Path, device: torch.device, compiled: bool) -> dict[str, Any]:
    """Training tokens a second at each shape: nanoGPT, our Transformer of equal architecture, and as it is used;
    in fp32, and in the precision that `lm.train` would choose."""
    import torch

    from lm.trainer import faster_precision

    module, results, best = nanogpt(folder), {}, faster_precision(device)
    for name, (sizes, vocabulary, rows) in _SHAPES.items():
        shape = ModelConfig(vocabulary=vocabulary, features=1, **sizes)
        equal = ModelConfig.from_json(shape.to_json() | _EQUAL)
        tokens = torch.randint(0, vocabulary, (rows, shape.context + 1), generator=torch.Generator().manual_seed(0))
        tokens = tokens.to(device)
        works = {"nanogpt": nanogpt_training(module, shape, tokens)}
        for precision, compile_too in dict.fromkeys((("fp32", False), (best, False), (best, compiled))):
            kind = precision + ", compiled" * compile_too
            works[f"equal, adamw, {kind}"] = ours_training(equal, tokens, precision, "adamw", compile_too)
            works[f"default, muon, {kind}"] = ours_training(shape, tokens, precision, "muon", compile_too)
        if compiled:
            works["nanogpt, compiled"] = nanogpt_training(module, shape, tokens, compiled=True)
        rates = {one: rows * shape.context / time for one, time in take_turns(works, device).items()}
        ratios = {one: rate / rates["nanogpt"] for one, rate in rates.items()}
        results[name] = {"tokens_per_second": rates, "ratio": ratios}
    return results


def peak_memory(device: torch.device) -> float:
    """Most memory held so far in MiB: of the process, or on the GPU where the model is there."""
    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m lm.benchmark", description="Time a model beside peers of its shape.")
    which = cli.add_mutually_exclusive_group()
    which.add_argument("--model", help="checkpoint name or directory; default: the one that ships")
    which.add_argument("--preset", choices=sorted(PRESETS), help="a model of this size with random weights instead")
    cli.add_argument("--nanogpt", type=Path, help="folder of a clone of nanoGPT: time training beside it")
    cli.add_argument("--compile", action="store_true", help="with --nanogpt: time both sides compiled as well")
    cli.add_argument("--json", action="store_true", help="print one JSON object")
    cli.add_argument("--device", default="cpu")
    return cli


def _print(result: dict[str, Any]) -> None:
    about = f"{result['parameters']:,} parameters, {result['device']}, {result['threads']} threads"
    print(f"{result['model']} ({result['architecture']}): {about}, torch {result['torch']}")
    print(f"{'decoding, tokens/s':36}{'ours':>10}{'GPT-2':>10}{'ratio':>8}")
    for name, rate in result["tokens_per_second"].items():
        peer = f"{result['gpt2'][name]:>10,.0f}{result['ratio'][name]:>8.2f}" if result["gpt2"] else ""
        print(f"{name:36}{rate:>10,.0f}{peer}")
    if not result["gpt2"]:
        print("transformers is not installed: no peer to compare with")
    print(f"peak memory {result['peak_memory_mib']:,.0f} MiB")
    for shape, found in (result["training"] or {}).items():
        print(f"training, {shape}, tokens/s")
        for name, rate in found["tokens_per_second"].items():
            print(f"  {name:34}{rate:>20,.0f}{found['ratio'][name]:>8.2f}")


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    arguments = parser().parse_args(argv)
    try:
        import torch

        from lm.checkpoint import usable_device

        device = usable_device(arguments.device)
        result = measure_decoding(arguments, device)
        result |= {"device": str(device), "threads": torch.get_num_threads(), "torch": torch.__version__}
        train = arguments.nanogpt
        result["training"] = measure_training(train, device, arguments.compile) if train else None
    except (ValueError, OSError) as fault:
        print(f"lm.benchmark: {fault}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(result))
    else:
        _print(result)
    return 0


if __name__ == "__main__":
    with_allocator_settings("lm.benchmark")
    raise SystemExit(main())
