"""How the next token is chosen: rules over log-probabilities, and a greedy or random choice among what they leave.

Every rule is a pure function of log-probabilities [..., V] and returns them with what it excludes at minus infinity;
they need not sum to one. `choose` applies them in the order: repetition penalty, repeated n-grams, temperature, top k,
top p, min p, so that each of the last three sees the tempered distribution that the rule before it left.

Shapes: B batch, T tokens written, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lm.tokenizer import END, NONE

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_OUT = float("-inf")
_COLDEST, _HOTTEST = 1e-3, 1e3
"""Temperatures beyond these overflow or draw evenly from all tokens."""
_MOST = {"seed": 2**63 - 1, "beams": 10_000, "lookup": 1000}
_NOTHING = -1
"""Stands where a row of ids has no token; it pads rows of unequal length on the left."""


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How to choose tokens.

    `temperature` divides the log-probabilities; 0 is greedy, and then `top_k`, `top_p` and `min_p` have nothing to do.
    `top_k` tokens at most are drawn from, 0 for all (Fan et al. 2018). `top_p` keeps the smallest set of tokens with
    that much probability (Holtzman et al. 2020). `min_p` keeps tokens with at least that share of the probability of
    the best (Nguyen et al. 2024). `repetition` is the penalty of tokens already written (Keskar et al. 2019, section
    4.1), 1 for none. `no_repeat` writes no n-gram of that size twice, 0 for no such rule. `longest` bounds the tokens
    written; `may_refuse` allows the no-answer token; `seed` starts the random draws. `beams` is the width of the beam
    search, 1 for none, and `length_penalty` its alpha (Wu et al. 2016, equation 14), 0 to rank by probability alone.
    Tokens of `stop` end the writing as the end token does. `lookup` is how many tokens are guessed from the prompt at
    a time (see `lm.generate`); 0 reads one after another, for the same result.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition: float = 1.0
    no_repeat: int = 0
    longest: int = 160
    may_refuse: bool = True
    seed: int = 0
    beams: int = 1
    length_penalty: float = 1.0
    stop: tuple[int, ...] = ()
    lookup: int = 12

    def __post_init__(self) -> None:
        for name, least in (("top_k", 0), ("no_repeat", 0), ("longest", 1), ("seed", 0), ("beams", 1), ("lookup", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} is {value}; it must be a whole number of at least {least}")
            if value > _MOST.get(name, value):
                raise ValueError(f"{name} is {value}; it must be at most {_MOST[name]}")
        if self.temperature != 0 and not _COLDEST <= self.temperature <= _HOTTEST:
            raise ValueError(
                f"temperature is {self.temperature}; it must be 0 (greedy) or from {_COLDEST:g} to {_HOTTEST:g}"
            )
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; it must be above 0 and at most 1")
        if not 1 <= self.repetition < math.inf:
            raise ValueError(f"repetition is {self.repetition}; it must be 1 (no penalty) or more, and finite")
        for name in ("min_p", "length_penalty"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 0 to 1")
        if self.beams > 1 and self.temperature > 0:
            raise ValueError(
                f"beams is {self.beams} and temperature is {self.temperature}; "
                "beam search draws nothing at random, so it goes with temperature 0 only"
            )


def forbid_special(log_p: Tensor, special: int, *, first: bool, may_refuse: bool) -> Tensor:
    """Rule out the first `special` tokens [..., V], but for the end after the first token and the no-answer token as
    the first."""
    allowed = log_p.clone()
    allowed[..., :special] = _OUT
    if not first or may_refuse:
        kept = NONE if first else END
        allowed[..., kept] = log_p[..., kept]
    return allowed


def penalise_repetition(log_p: Tensor, written: Tensor, penalty: float) -> Tensor:
    """Make the tokens of `written` [..., T] less likely (Keskar et al. 2019, section 4.1); ids below 0 are no tokens.

    The paper divides a logit by the penalty, which makes a negative one likelier. Log-probabilities are never above
    0, so multiplying them by a penalty of at least 1 always lowers them: p becomes p to that power.
    """
    return log_p.where(~_marked(log_p, written, written >= 0), log_p * penalty)


def forbid_repeats(log_p: Tensor, written: Tensor, size: int) -> Tensor:
    """Rule out each token that would end an n-gram of `size` which stands in `written` [..., T] already.

    Ids below 0 are no tokens: an n-gram with one of them is none. A `size` of 0 rules out nothing.
    """
    if size == 0 or written.shape[-1] < size:
        return log_p
    grams = written.unfold(-1, size, 1)
    opening = written[..., written.shape[-1] - size + 1 :]
    repeated = (grams[..., :-1] == opening[..., None, :]).all(-1) & (grams >= 0).all(-1)
    return log_p.masked_fill(_marked(log_p, grams[..., -1], repeated), _OUT)


def _marked(log_p: Tensor, ids: Tensor, which: Tensor) -> Tensor:
    """True [..., V] for the ids [..., T] whose `which` [..., T] is true; the others may be below 0."""
    # An id may stand there several times and be marked at one place alone, so marks are added up, not set.
    return log_p.new_zeros(log_p.shape).scatter_add(-1, ids.clamp_min(0), which.to(log_p.dtype)) > 0


def keep_top_k(log_p: Tensor, top_k: int) -> Tensor:
    """Keep the `top_k` likeliest tokens, exactly so many: of equal ones those of lower id. 0 keeps all."""
    if top_k == 0 or top_k >= log_p.shape[-1]:
        return log_p
    order = log_p.sort(dim=-1, descending=True, stable=True).indices
    return log_p.scatter(-1, order[..., top_k:], _OUT)


def keep_top_p(log_p: Tensor, top_p: float) -> Tensor:
    """Keep the smallest set of likeliest tokens that holds the share `top_p` (Holtzman et al. 2020); at least one.

    The share is of what `log_p` has left. A token is dropped when those before it already hold that much.
    """
    if top_p == 1:
        return log_p
    ordered, order = log_p.softmax(-1).sort(dim=-1, descending=True, stable=True)
    before = ordered.cumsum(-1) - ordered
    dropped = before.scatter(-1, order, before) >= top_p
    return log_p.masked_fill(dropped, _OUT)


def keep_min_p(log_p: Tensor, min_p: float) -> Tensor:
    """Keep tokens with at least `min_p` times the probability of the best (Nguyen et al. 2024). 0 keeps all."""
    if min_p == 0:
        return log_p
    return log_p.masked_fill(log_p < log_p.amax(-1, keepdim=True) + math.log(min_p), _OUT)


def constrain(log_p: Tensor, decoding: Decoding, written: Tensor) -> Tensor:
    """The rules about what was written, [B, T] ids, applied to [B, V]; where they leave no token, the end is left."""
    if decoding.repetition > 1:
        log_p = penalise_repetition(log_p, written, decoding.repetition)
    log_p = forbid_repeats(log_p, written, decoding.no_repeat)
    nothing_left = (log_p == _OUT).all(-1)
    if bool(nothing_left.any()):
        log_p = log_p.clone()
        log_p[nothing_left, END] = 0.0
    return log_p


def choose(
    log_p: Tensor, decoding: Decoding, generators: Sequence[torch.Generator], written: Sequence[Sequence[int]]
) -> Tensor:
    """The next token of each row of log-probabilities [B, V], greedy or drawn: ids [B].

    `written` has the ids of each row so far. Each row draws from its own CPU generator, so what is drawn for it does
    not depend on its neighbours; greedy choice takes the lowest of equal ids and uses no generator.
    """
    import torch

    if decoding.repetition > 1 or decoding.no_repeat > 0:
        log_p = constrain(log_p, decoding, _rows(written).to(log_p.device))
    if decoding.temperature == 0:
        return log_p.argmax(-1)
    left = keep_top_k((log_p / decoding.temperature).log_softmax(-1), decoding.top_k)
    left = keep_min_p(keep_top_p(left, decoding.top_p), decoding.min_p)
    drawn = [
        torch.multinomial(row, 1, generator=generator)
        for row, generator in zip(left.softmax(-1).cpu(), generators, strict=True)
    ]
    return torch.cat(drawn).to(log_p.device)


def _rows(written: Sequence[Sequence[int]]) -> Tensor:
    """Rows of ids as one tensor [B, T], the shorter ones padded on the left, so that the last tokens line up."""
    import torch

    longest = max(map(len, written), default=0)
    padded = [[_NOTHING] * (longest - len(row)) + list(row) for row in written]
    return torch.tensor(padded, dtype=torch.long).reshape(len(written), longest)
