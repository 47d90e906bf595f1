"""Beam search (Graves 2012) with length normalisation (Wu et al. 2016).

Of all ways to extend the hypotheses of the beam by one token the `beams` best by total log-probability are kept.
Those that end, or cannot grow, leave the beam with a score; the others are the next beam. One beam is greedy search.

    score(Y) = log P(Y) / lp(|Y|),   lp(n) = ((5 + n) / 6)^alpha          (Wu et al. 2016, equation 14, no coverage)

|Y| counts the end token. Shapes: B hypotheses in the beam, T tokens written, V vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lm.sampling import Decoding, constrain, forbid_special
from lm.tokenizer import END, NONE

if TYPE_CHECKING:
    from torch import Tensor

    from lm.model import LanguageModel
    from lm.reading import Prompt


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """One answer: its tokens, the end or no-answer token included if it came to one; the natural log of its
    probability by the model; and the `score` it was ranked by, which counts the repetition penalty as well."""

    tokens: tuple[int, ...]
    log_probability: float
    score: float


@dataclass(frozen=True, kw_only=True)
class _Beam:
    """Unfinished hypotheses, best first: tokens [B, T], log-probabilities [B] and penalised log-probabilities [B]."""

    written: Tensor
    log_probability: Tensor
    total: Tensor


def length_normaliser(length: int, alpha: float) -> float:
    """lp of Wu et al. 2016, equation 14: 1 for one token, and never less for more of them."""
    return math.pow((5 + length) / 6, alpha)


def beam_search(model: LanguageModel, prompt: Prompt, decoding: Decoding) -> list[Hypothesis]:
    """Up to `decoding.beams` answers to the prompt, the best score first; at least one.

    Hypotheses cut off by `decoding.longest` or by a full context count as answers of that length. The search stops
    when no hypothesis of the beam can still beat the best answer, so only the first is the best that the beam finds.
    How the model came by an answer is had from `lm.generate.generate` with its tokens as `forced`. ValueError where
    the prompt fills the model's context, and for a temperature.
    """
    import torch

    longest = _room(model, prompt, decoding)
    device = next(model.parameters()).device
    hidden, state = model.prefill(
        torch.tensor([prompt.tokens], device=device),
        torch.tensor([prompt.features], device=device),
        prefix=prompt.prefix,
    )
    nothing, zero = torch.zeros(1, 0, dtype=torch.long), torch.zeros(1, dtype=torch.float64)
    beam = _Beam(written=nothing, log_probability=zero, total=zero)
    answers: list[Hypothesis] = []
    stops = torch.tensor([END, NONE, *decoding.stop])
    for count in range(longest):
        log_p, _ = model.next_tokens(hidden, state)
        size = len(beam.total)
        parents, beam = _extend(beam, log_p.cpu().double(), model.config.special, decoding)
        last = beam.written[:, -1]
        done = torch.isin(last, stops) | (count + 1 == longest)
        answers += _answers(beam, done, decoding.length_penalty)
        parents = parents[~done]
        beam = _Beam(written=beam.written[~done], log_probability=beam.log_probability[~done], total=beam.total[~done])
        if not len(parents) or (answers and _bound(beam, longest, decoding) <= max(one.score for one in answers)):
            break
        if parents.tolist() != list(range(size)):
            state.select(parents.to(device))
        hidden = model.step(beam.written[:, -1].to(device), state)
    return sorted(answers, key=lambda one: one.score, reverse=True)[: decoding.beams]


def _room(model: LanguageModel, prompt: Prompt, decoding: Decoding) -> int:
    """The most tokens an answer can have; ValueError where the request makes no sense."""
    if decoding.temperature > 0:
        raise ValueError(f"temperature is {decoding.temperature}; beam search draws nothing at random: it must be 0")
    room = model.config.context - len(prompt.tokens)
    if room < 1:
        raise ValueError(f"the prompt has {len(prompt.tokens)} tokens; the model reads {model.config.context} at most")
    return min(decoding.longest, room)


def _extend(beam: _Beam, log_p: Tensor, special: int, decoding: Decoding) -> tuple[Tensor, _Beam]:
    """The best ways to write one more token, by next log-probabilities [B, V]: rows they extend, and the new beam."""
    import torch

    allowed = forbid_special(log_p, special, first=beam.written.shape[1] == 0, may_refuse=decoding.may_refuse)
    allowed = constrain(allowed, decoding, beam.written)
    best = _largest((beam.total[:, None] + allowed).flatten(), decoding.beams)
    rows, tokens = best // log_p.shape[1], best % log_p.shape[1]
    return rows, _Beam(
        written=torch.cat((beam.written[rows], tokens[:, None]), dim=1),
        log_probability=beam.log_probability[rows] + log_p[rows, tokens],
        total=beam.total[rows] + allowed[rows, tokens],
    )


def _largest(values: Tensor, count: int) -> Tensor:
    """Indices of the `count` largest finite values [N], or of all there are, the largest first, ties by index.

    Sorting N values costs tens of times what `topk` does, but `topk` promises no order among equal ones.
    """
    least = values.topk(min(count, len(values))).values[-1]
    found = ((values >= least) & values.isfinite()).nonzero()[:, 0]
    return found[values[found].argsort(descending=True, stable=True)[:count]]


def _answers(beam: _Beam, done: Tensor, alpha: float) -> list[Hypothesis]:
    """The rows that `done` [B] marks, with their scores."""
    normaliser = length_normaliser(beam.written.shape[1], alpha)
    return [
        Hypothesis(tokens=tuple(tokens), log_probability=log_probability, score=total / normaliser)
        for tokens, log_probability, total in zip(
            beam.written[done].tolist(), beam.log_probability[done].tolist(), beam.total[done].tolist(), strict=True
        )
    ]


def _bound(beam: _Beam, longest: int, decoding: Decoding) -> float:
    """A score that no hypothesis grown from this beam can exceed.

    Each further token adds a log-probability of at most 0, so a total s stays at most s. As s <= 0 and lp grows with
    length for alpha >= 0, s / lp(n) is highest at the greatest length: no descendant beats s / lp(longest). The
    score at the present length would be no bound: with alpha > 0 a sure continuation raises it.
    """
    return float(beam.total.max()) / length_normaliser(longest, decoding.length_penalty)
