"""Write answers and continue texts token by token, with everything that made each token.

    python -m lm.generate --question "What colour is the sky?" --source "The sky is blue." --source "Grass is green."
    python -m lm.generate --text "A recurrent network" --temperature 0.8 --top-p 0.95

Answers copy, so the words that follow the place where the copy head looks are a good guess at what comes next.
They are read in one call together with the token just chosen, and the guess is kept as far as the model would have
written the same (prompt lookup, a speculative decoding after Leviathan et al. 2023 whose draft model is the prompt).
Every token is still chosen from the model's own distribution after the tokens before it: the guess saves time and
changes nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lm.sampling import Decoding, choose, forbid_special
from lm.tokenizer import END, NONE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from lm.copy_head import CopyScores
    from lm.model import LanguageModel
    from lm.reading import Prompt
    from lm.state import State
    from lm.tokenizer import Tokenizer

_ALTERNATIVES = 5
_FORCED_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Generated:
    """One generated token and the distribution it came from.

    `copy` [S] weights over the prompt tokens; `p_copy` the share of copying; `alternatives` the most probable tokens,
    best first; `p_none` the probability of the no-answer token. When traced, `attention` and `gates`, else None:
    `attention` is [L, H, S + t] of a transformer over the prompt and the tokens before, [1, 1, S] of a recurrent model
    over the encoder's states, and has no layer for a window model; `gates` are the decoder's gates and states [L, H]
    by name, empty for models without them.
    """

    token: int
    probability: float
    p_copy: float
    copy: NDArray[np.float32]
    attention: NDArray[np.float32] | None
    gates: dict[str, NDArray[np.float32]] | None
    alternatives: tuple[tuple[int, float], ...]
    p_none: float


def generate(
    model: LanguageModel,
    prompt: Prompt,
    decoding: Decoding,
    *,
    trace: bool = False,
    forced: Sequence[int] | None = None,
    begun: Sequence[int] = (),
    compiled: bool = False,
) -> Iterator[Generated]:
    """Yield tokens after the prompt until, and including, the end, the no-answer token or one to stop at.

    Tracing changes no output. `compiled` takes the compiled steps of `lm.static` where the architecture has them.
    `forced` tokens are written instead of chosen ones, so that the record says how the model would have come by a
    given text. `begun` are tokens that were written before: those after them are yielded. ValueError where prompt and
    answer would not fit the model's context, and for a beam search, which is `lm.beam.beam_search`.
    """
    if decoding.beams > 1:
        raise ValueError(f"beams is {decoding.beams}; tokens come one after another with 1 beam only")
    room = model.config.context - len(prompt.tokens)
    if room < 1:
        raise ValueError(f"the prompt has {len(prompt.tokens)} tokens; the model reads {model.config.context} at most")
    longest = min(decoding.longest if forced is None else len(forced), room)
    if longest > len(begun):
        yield from _Writer(model, prompt, decoding, longest, trace, compiled).write(forced, begun)


class _Writer:
    """One generation: the model's state, the tokens written, and the guess at what follows."""

    def __init__(
        self,
        model: LanguageModel,
        prompt: Prompt,
        decoding: Decoding,
        longest: int,
        trace: bool,
        compiled: bool,
    ) -> None:
        import torch

        self._model, self._decoding, self._longest, self._trace = model, decoding, longest, trace
        self._device = model.embedding.weight.device
        self._generator = torch.Generator().manual_seed(decoding.seed)
        self._hidden, self._state = model.prefill(
            torch.tensor([prompt.tokens], device=self._device),
            torch.tensor([prompt.features], device=self._device),
            prefix=prompt.prefix,
            record=trace,
        )
        if compiled:
            model.fix_shapes(self._state, longest)
        self._written: list[int] = []

    def write(self, forced: Sequence[int] | None, begun: Sequence[int]) -> Iterator[Generated]:
        """The tokens after `begun`, those of `forced` where they are given."""
        stops = {END, NONE, *self._decoding.stop} if forced is None else set()
        guess: list[int] = []
        # The last one by itself, so that what is known after it is all that is known.
        for part in filter(None, (begun[:-1], begun[-1:])):
            self._step(list(part))
        self._written += begun
        while True:
            reading = _Reading(self._model, self._hidden, self._state, self._trace)
            for place in range(len(guess) + 1):
                token = self._choice(reading.log_p[place]) if forced is None else forced[len(self._written)]
                yield reading.generated(place, token)
                self._written.append(token)
                if token in stops or len(self._written) == self._longest:
                    return
                if place == len(guess) or guess[place] != token:
                    break
            if place < len(guess):
                self._model.keep(self._state, self._mark, self._read, place + 1)
            if forced is None:
                guess = reading.guess(place, token, self._decoding.lookup)
            else:
                guess = list(forced[len(self._written) : len(self._written) + _FORCED_AT_ONCE])
            guess = guess[: self._longest - len(self._written) - 1]
            self._step([token, *guess])

    def _choice(self, log_p: Tensor) -> int:
        """The next token by log-probabilities [V]."""
        special = self._model.config.special
        allowed = forbid_special(log_p, special, first=not self._written, may_refuse=self._decoding.may_refuse)
        return int(choose(allowed[None], self._decoding, [self._generator], [self._written]))

    def _step(self, tokens: list[int]) -> None:
        """Read a token and a guess at those after it."""
        import torch

        self._mark = self._model.mark(self._state)
        self._read = torch.tensor([tokens], device=self._device)
        self._hidden = self._model.step(self._read, self._state, record=self._trace)


class _Reading:
    """What the model says after each of the tokens it read last: one token, or that and a guess."""

    def __init__(self, model: LanguageModel, hidden: Tensor, state: State, trace: bool) -> None:
        log_p, copied = model.every_next(hidden, state)
        self.log_p: Tensor = log_p[0]
        self._copied: CopyScores = copied
        self._state, self._trace = state, trace
        self._special = model.config.special
        self._record = state.record
        self._grows = model.config.architecture == "transformer"
        best = self.log_p.topk(_ALTERNATIVES)
        self._best = list(zip(best.indices.tolist(), best.values.exp().tolist(), strict=True))
        self._p_copy: list[float] = copied.log_copy[0].exp().tolist()
        self._p_none: list[float] = self.log_p[:, NONE].exp().tolist()
        self._copy: NDArray[np.float32] = copied.weights[0].float().cpu().numpy()

    def generated(self, place: int, token: int) -> Generated:
        """The record of `token`, written after the token read at `place`."""
        ids, values = self._best[place]
        return Generated(
            token=token,
            probability=float(self.log_p[place, token].exp()),
            p_copy=self._p_copy[place],
            copy=self._copy[place],
            attention=self._attention(place) if self._trace else None,
            gates=self._gates(place) if self._trace else None,
            alternatives=tuple(zip(ids, values, strict=True)),
            p_none=self._p_none[place],
        )

    def guess(self, place: int, token: int, longest: int) -> list[int]:
        """What may follow `token`: the prompt tokens after the one that it was most likely copied from."""
        source = self._state.source[0]
        at = int(self._copy[place].argmax())
        if self._p_copy[place] < 0.5 or int(source[at]) != token:
            return []
        following: list[int] = source[at + 1 : at + 1 + longest].tolist()
        for number, next_token in enumerate(following):
            if next_token < self._special:
                return following[:number]
        return following

    def _attention(self, place: int) -> NDArray[np.float32]:
        import numpy as np
        import torch

        assert self._record is not None
        if not self._record.attention:
            return np.zeros((0, 1, self._copy.shape[-1]), dtype=np.float32)
        layers = torch.stack([layer[0, :, place] for layer in self._record.attention])
        # A token of a guess does not see those after it; their columns are not part of its row.
        hidden = len(self._best) - 1 - place if self._grows else 0
        found: NDArray[np.float32] = layers[..., : layers.shape[-1] - hidden].float().cpu().numpy()
        return found

    def _gates(self, place: int) -> dict[str, NDArray[np.float32]]:
        assert self._record is not None
        return {name: value[0, :, place].float().cpu().numpy() for name, value in self._record.gates.items()}


def generate_batch(
    model: LanguageModel, prompts: Sequence[Sequence[int]], features: Sequence[Sequence[int]], decoding: Decoding
) -> list[list[int]]:
    """The tokens after each of several prompts of one length S (ids and feature ids [B, S]), the end left out.

    Equal to `generate` one by one, but each weight is read once for the whole batch.
    """
    import torch

    device = model.embedding.weight.device
    generators = [torch.Generator().manual_seed(decoding.seed) for _ in prompts]
    hidden, state = model.prefill(torch.tensor(prompts, device=device), torch.tensor(features, device=device))
    written: list[list[int]] = [[] for _ in prompts]
    going = set(range(len(prompts)))
    for count in range(min(decoding.longest, model.config.context - len(prompts[0]))):
        log_p, _ = model.next_tokens(hidden, state)
        allowed = forbid_special(log_p, model.config.special, first=count == 0, may_refuse=decoding.may_refuse)
        chosen = choose(allowed, decoding, generators, written)
        for row, token in enumerate(chosen.tolist()):
            if row in going and token != END:
                written[row].append(token)
            if token in (END, NONE, *decoding.stop):
                going.discard(row)
        if not going:
            break
        hidden = model.step(chosen, state)
    return written


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m lm.generate", description="Answer from sources, or continue text.")
    what = cli.add_mutually_exclusive_group(required=True)
    what.add_argument("--question", help="a question to answer from --source texts")
    what.add_argument("--text", help="text to continue")
    cli.add_argument("--source", action="append", default=[], help="a text to answer from; repeat for several")
    cli.add_argument("--mode", choices=("short", "full"), default="full", help="a span, or whole sentences")
    cli.add_argument("--model", help="checkpoint name or directory")
    cli.add_argument("--temperature", type=float, default=0.0, help="0 is greedy")
    cli.add_argument("--top-k", type=int, default=0, help="draw from so many tokens at most; 0 for all")
    cli.add_argument("--top-p", type=float, default=1.0, help="draw from the likeliest tokens with that share")
    cli.add_argument("--min-p", type=float, default=0.0, help="draw from tokens with that share of the best one's")
    cli.add_argument("--repetition", type=float, default=1.0, help="penalty of tokens already written; 1 for none")
    cli.add_argument("--no-repeat", type=int, default=0, help="write no n-gram of that size twice; 0 for no such rule")
    cli.add_argument("--beams", type=int, default=1, help="width of a beam search")
    cli.add_argument("--length-penalty", type=float, default=1.0, help="alpha of the beam search's length penalty")
    cli.add_argument("--lookup", type=int, default=Decoding.lookup, help="tokens guessed from the prompt at a time")
    cli.add_argument("--longest", type=int, default=160, help="most tokens to write")
    cli.add_argument("--stop", action="append", default=[], help="text of a token to stop after; repeat for several")
    cli.add_argument("--samples", type=int, default=1, help="number of texts, with seeds from --seed on")
    cli.add_argument("--seed", type=int, default=0)
    cli.add_argument("--compile", action="store_true", help="compile the steps; pays on a GPU and for long texts")
    cli.add_argument("--device", default="cpu")
    return cli


def _stop_tokens(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[int, ...]:
    """The tokens that the texts are; ValueError for one that is several tokens."""
    found = []
    for text in texts:
        ids = tokenizer.encode(text).ids
        if len(ids) != 1:
            pieces = ", ".join(repr(tokenizer.piece(token)) for token in ids)
            raise ValueError(f"--stop {text!r} is {len(ids)} tokens ({pieces}); give the text of one token")
        found.append(ids[0])
    return tuple(found)


def _decoding(arguments: argparse.Namespace, tokenizer: Tokenizer, seed: int) -> Decoding:
    names = set(Decoding.__dataclass_fields__) & set(vars(arguments)) - {"stop", "seed"}
    settings = {name: getattr(arguments, name) for name in names}
    return Decoding(**settings, stop=_stop_tokens(tokenizer, arguments.stop), seed=seed)


def _print(arguments: argparse.Namespace) -> None:
    from lm.beam import beam_search
    from lm.checkpoint import load
    from lm.reading import Piece, build_prompt, text_prompt
    from lm.tokenizer import StreamDecoder

    if (arguments.question is None) == bool(arguments.source):
        raise ValueError("--question and --source go together; give a question and at least one text to answer from")
    if arguments.samples < 1:
        raise ValueError(f"--samples is {arguments.samples}; it must be at least 1")
    checkpoint = load(arguments.model, device=arguments.device)
    tokenizer = checkpoint.tokenizer
    if arguments.question is not None:
        sources = [[Piece(text=source)] for source in arguments.source]
        prompt = build_prompt(tokenizer, arguments.question, sources, mode=arguments.mode)
    else:
        prompt = text_prompt(tokenizer, arguments.text)
    for number in range(arguments.samples):
        decoding = _decoding(arguments, tokenizer, arguments.seed + number)
        print(arguments.text or "", end="")
        stream = StreamDecoder(tokenizer)
        if decoding.beams > 1:
            tokens: Iterator[int] = iter(beam_search(checkpoint.model, prompt, decoding)[0].tokens)
        else:
            tokens = (one.token for one in generate(checkpoint.model, prompt, decoding, compiled=arguments.compile))
        for token in tokens:
            if token == NONE:
                print("(the sources do not answer this)", end="")
            print(stream.feed(token), end="", flush=True)
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
