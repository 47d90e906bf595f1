"""Write answers token by token, with everything that made each token.

python -m lm.generate --question "What colour is the sky?" --source "The sky is blue." --source "Grass is green."
python -m lm.generate --text "A recurrent network"
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lm.tokenizer import END, NONE, SPECIAL

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from lm.model import LanguageModel
    from lm.reading import Prompt

_ALTERNATIVES = 5


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How to choose tokens. `temperature` 0 is greedy. `top_p` keeps the smallest set of tokens with that much
    probability (Holtzman et al. 2020). `longest` bounds the tokens written; `may_refuse` allows the no-answer token."""

    temperature: float = 0.0
    top_p: float = 1.0
    longest: int = 160
    may_refuse: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise ValueError(f"temperature is {self.temperature}; it must be 0 (greedy) or more")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; it must be above 0 and at most 1")
        if self.longest < 1:
            raise ValueError(f"longest is {self.longest}; it must be at least 1")


@dataclass(frozen=True, kw_only=True)
class Generated:
    """One generated token and the distribution it came from.

    `copy` [S] weights over the prompt tokens; `p_copy` the share of copying; `attention` [L, H, S + t] when traced,
    else None; `alternatives` the most probable tokens, best first; `p_none` the probability of the no-answer token.
    """

    token: int
    probability: float
    p_copy: float
    copy: NDArray[np.float32]
    attention: NDArray[np.float32] | None
    alternatives: tuple[tuple[int, float], ...]
    p_none: float


def generate(
    model: LanguageModel,
    prompt: Prompt,
    decoding: Decoding,
    *,
    trace: bool = False,
    forced: Sequence[int] | None = None,
) -> Iterator[Generated]:
    """Yield tokens after the prompt until, and including, the end or the no-answer token.

    Tracing changes no output. `forced` tokens are written instead of chosen ones, so that the record says how the
    model would have come by a given text. ValueError where prompt and answer would not fit the model's context.
    """
    import torch

    room = model.config.context - len(prompt.tokens)
    if room < 1:
        raise ValueError(f"the prompt has {len(prompt.tokens)} tokens; the model reads {model.config.context} at most")
    device = model.embedding.weight.device
    generator = torch.Generator().manual_seed(decoding.seed)
    hidden, state = model.prefill(
        torch.tensor([prompt.tokens], device=device),
        torch.tensor([prompt.features], device=device),
        prefix=prompt.prefix,
        record=trace,
    )
    for count in range(min(decoding.longest if forced is None else len(forced), room)):
        log_probabilities, copied = model.next_token(hidden, state)
        allowed = forbid(log_probabilities, first=count == 0, may_refuse=decoding.may_refuse)
        token = choose(allowed, decoding, generator) if forced is None else forced[count]
        best = log_probabilities.topk(_ALTERNATIVES)
        yield Generated(
            token=token,
            probability=float(log_probabilities[token].exp()),
            p_copy=float(copied.log_copy[0, 0].exp()),
            copy=copied.weights[0, 0].float().cpu().numpy(),
            attention=torch.stack([layer[0, :, 0] for layer in state.attention]).float().cpu().numpy()
            if trace
            else None,
            alternatives=tuple(zip(best.indices.tolist(), best.values.exp().tolist(), strict=True)),
            p_none=float(log_probabilities[NONE].exp()),
        )
        if token in (END, NONE):
            return
        hidden = model.step(token, state, record=trace)


def greedy_batch(
    model: LanguageModel, prompts: list[list[int]], features: list[list[int]], *, longest: int, may_refuse: bool = True
) -> list[list[int]]:
    """The greedy tokens after each of several prompts of one length S (ids and feature ids [B, S]), the end left out.

    Equal to `generate` one by one, but each weight is read once for the whole batch.
    """
    import torch

    device = model.embedding.weight.device
    hidden, state = model.prefill(torch.tensor(prompts, device=device), torch.tensor(features, device=device))
    written: list[list[int]] = [[] for _ in prompts]
    going = set(range(len(prompts)))
    for count in range(min(longest, model.config.context - len(prompts[0]))):
        log_probabilities, _ = model.next_tokens(hidden, state)
        chosen = forbid(log_probabilities, first=count == 0, may_refuse=may_refuse).argmax(-1)
        for row, token in enumerate(chosen.tolist()):
            if token == END:
                going.discard(row)
            elif row in going:
                written[row].append(token)
                if token == NONE:
                    going.discard(row)
        if not going:
            break
        hidden = model.step(chosen, state)
    return written


def forbid(log_probabilities: Tensor, *, first: bool, may_refuse: bool) -> Tensor:
    """Rule out special tokens [..., V], but for the end after the first token and the no-answer token as the first."""
    allowed = log_probabilities.clone()
    allowed[..., : len(SPECIAL)] = float("-inf")
    if not first or may_refuse:
        kept = NONE if first else END
        allowed[..., kept] = log_probabilities[..., kept]
    return allowed


def choose(log_probabilities: Tensor, decoding: Decoding, generator: torch.Generator) -> int:
    """A token by greedy choice or by sampling from the tempered, truncated distribution [V]."""
    import torch

    if decoding.temperature == 0:
        return int(log_probabilities.argmax())
    probabilities = (log_probabilities / decoding.temperature).softmax(-1).cpu()
    if decoding.top_p < 1:
        ordered, order = probabilities.sort(descending=True)
        # A token is dropped when those before it already hold top_p; the first always stays.
        ordered[(ordered.cumsum(0) - ordered) >= decoding.top_p] = 0.0
        probabilities = torch.zeros_like(probabilities).scatter_(0, order, ordered)
    return int(torch.multinomial(probabilities, 1, generator=generator))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m lm.generate", description="Answer from sources, or continue text.")
    what = cli.add_mutually_exclusive_group(required=True)
    what.add_argument("--question", help="a question to answer from --source texts")
    what.add_argument("--text", help="text to continue")
    cli.add_argument("--source", action="append", default=[], help="a text to answer from; repeat for several")
    cli.add_argument("--mode", choices=("short", "full"), default="full", help="a span, or whole sentences")
    cli.add_argument("--model", help="checkpoint name or directory")
    cli.add_argument("--temperature", type=float, default=0.0)
    cli.add_argument("--top-p", type=float, default=1.0)
    cli.add_argument("--longest", type=int, default=160, help="most tokens to write")
    cli.add_argument("--seed", type=int, default=0)
    cli.add_argument("--device", default="cpu")
    return cli


def _print(arguments: argparse.Namespace) -> None:
    from lm.checkpoint import load
    from lm.reading import Piece, build_prompt, text_prompt
    from lm.tokenizer import StreamDecoder

    if (arguments.question is None) == bool(arguments.source):
        raise ValueError("--question and --source go together; give a question and at least one text to answer from")
    checkpoint = load(arguments.model, device=arguments.device)
    decoding = Decoding(
        temperature=arguments.temperature, top_p=arguments.top_p, longest=arguments.longest, seed=arguments.seed
    )
    if arguments.question is not None:
        sources = [[Piece(text=source)] for source in arguments.source]
        prompt = build_prompt(checkpoint.tokenizer, arguments.question, sources, mode=arguments.mode)
    else:
        prompt = text_prompt(checkpoint.tokenizer, arguments.text)
        print(arguments.text, end="")
    stream = StreamDecoder(checkpoint.tokenizer)
    for step in generate(checkpoint.model, prompt, decoding):
        if step.token == NONE:
            print("(the sources do not answer this)", end="")
        print(stream.feed(step.token), end="", flush=True)
    print(stream.finish())


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    arguments = parser().parse_args(argv)
    try:
        _print(arguments)
    except (ValueError, OSError) as fault:
        print(f"lm.generate: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
