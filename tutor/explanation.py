"""Why an answer reads as it does: what each passage gave and what it was worth, and where each word came from.

Copy mass says where the words were copied from. The effect of taking a passage away says what the answer loses without
it (see `tutor.faithfulness`). Where the two put the passages in another order, `Explanation.note` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tutor.answer import Answer, Span, Step, Trace
from tutor.faithfulness import prompt_of, removal_effects, written

if TYPE_CHECKING:
    from lm.checkpoint import Checkpoint
    from tutor.tutor import Tutor

_MASS = 0.05
"""Copy masses that differ by less are taken as equal."""

_EFFECT = 0.05
"""Effects that differ by less are taken as equal, in nats per token."""


@dataclass(frozen=True, kw_only=True)
class PassageWorth:
    """What a passage gave to an answer.

    `passage` is its position in `Answer.passages`, `number` that of its citation. `mass` is the share of the answer
    that was copied from it, 0 to 1; `effect` what its absence costs in nats per token, None for a passage of which
    nothing stood in the prompt.
    """

    passage: int
    number: int | None
    mass: float
    effect: float | None


@dataclass(frozen=True, kw_only=True)
class TokenOrigin:
    """A token of an answer: its place in `Answer.text`, how far it was copied, and from where.

    `passage` is the position in `Answer.passages` of the passage with most copy weight, None where all the weight is
    on the question; `span` are the characters of that passage under its heaviest token, `weight` is that token's.
    """

    text: str
    start: int
    end: int
    p_copy: float
    passage: int | None
    span: Span | None
    weight: float


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The passages in the order of the search, the tokens in theirs, and a sentence where mass and effect disagree."""

    passages: tuple[PassageWorth, ...]
    tokens: tuple[TokenOrigin, ...]
    note: str

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        numbers = {one.passage: one.number for one in self.passages}
        return {
            "passages": [
                {
                    "passage": one.passage,
                    "number": one.number,
                    "copy_mass": round(one.mass, 4),
                    "removal_effect": None if one.effect is None else round(one.effect, 4),
                }
                for one in self.passages
            ],
            "tokens": [
                {
                    "text": one.text,
                    "start": one.start,
                    "end": one.end,
                    "p_copy": round(one.p_copy, 4),
                    "source": None
                    if one.passage is None or one.span is None
                    else {
                        "passage": one.passage,
                        "number": numbers[one.passage],
                        "start": one.span[0],
                        "end": one.span[1],
                        "weight": round(one.weight, 4),
                    },
                }
                for one in self.tokens
            ],
            "note": self.note,
        }


@dataclass(frozen=True, kw_only=True)
class HeadWeights:
    """What each head of a Transformer did while it read an answer, see `lm.heads`.

    `tokens` are the A answer tokens; N tokens are those of `Trace.prompt` and then all but the last of these. `raw` and
    `value_weighted` [L, H, A, N], `rollout` [L, A, N], rows summing to 1; `norms` [L, H, N].
    """

    tokens: tuple[str, ...]
    raw: NDArray[np.float32]
    value_weighted: NDArray[np.float32]
    rollout: NDArray[np.float32]
    norms: NDArray[np.float32]


def explain(tutor: Tutor, answer: Answer) -> Explanation:
    """The explanation of an answer; for each passage of its prompt, and once more, the model reads it."""
    return explanation_of(answer, removal_effects(tutor, answer))


def explanation_of(answer: Answer, effects: Mapping[int, float]) -> Explanation:
    """The explanation of an answer by removal effects that are known, by position in `Answer.passages`."""
    numbers = {citation.passage.passage_id: citation.number for citation in answer.citations}
    count = len(answer.passages)
    mass = answer.trace.passage_mass(count) if answer.trace else np.zeros(count)
    worths = tuple(
        PassageWorth(
            passage=position,
            number=numbers.get(hit.passage.passage_id),
            mass=float(mass[position]),
            effect=effects.get(position),
        )
        for position, hit in enumerate(answer.passages)
    )
    tokens = tuple(_origin(step, answer.trace) for step in answer.trace.steps) if answer.trace else ()
    return Explanation(passages=worths, tokens=tokens, note=disagreement(worths))


def _origin(step: Step, trace: Trace) -> TokenOrigin:
    weights: dict[int, float] = {}
    for token, weight in zip(trace.prompt, step.copy, strict=True):
        if token.passage is not None:
            weights[token.passage] = weights.get(token.passage, 0.0) + float(weight)
    passage = max(weights, key=lambda one: weights[one]) if any(weights.values()) else None
    inside = [place for place, token in enumerate(trace.prompt) if passage is not None and token.passage == passage]
    best = max(inside, key=lambda place: float(step.copy[place]), default=None)
    return TokenOrigin(
        text=step.text,
        start=step.start,
        end=step.end,
        p_copy=step.p_copy,
        passage=passage,
        span=None if best is None else (trace.prompt[best].start, trace.prompt[best].end),
        weight=0.0 if best is None else float(step.copy[best]),
    )


def disagreement(worths: Sequence[PassageWorth]) -> str:
    """One sentence where more was copied from one passage and another one costs the answer more; else nothing.

    Of several such pairs, the one whose first passage was copied from most.
    """
    known = sorted((one for one in worths if one.effect is not None), key=lambda one: -one.mass)
    for place, one in enumerate(known):
        others = [other for other in known[place + 1 :] if one.mass - other.mass > _MASS]
        costlier = max(others, key=lambda other: other.effect or 0.0, default=None)
        if costlier is None or one.effect is None or costlier.effect is None:
            continue
        if costlier.effect - one.effect > _EFFECT:
            more = (
                f"Most words were copied from {_name(one)}"
                if place == 0
                else f"More words were copied from {_name(one)} than from {_name(costlier)}"
            )
            return (
                f"{more}, but taking {_name(costlier)} away costs the answer more: "
                f"{costlier.effect:.2f} against {one.effect:.2f} nats per token."
            )
    return ""


def _name(one: PassageWorth) -> str:
    return f"[{one.number}]" if one.number is not None else f"passage {one.passage + 1} of the search"


def head_weights(tutor: Tutor, answer: Answer) -> HeadWeights:
    """What each head did: the model reads its answer once more after the same prompt, as it stands without markers.

    ValueError for a model that is no Transformer and for an answer without a trace.
    """
    from lm.heads import read_heads

    if answer.trace is None or not answer.trace.steps:
        raise ValueError("no word of this answer was written by the model; there is nothing to read again")
    prompt = prompt_of(tutor, answer, answer.trace.read)
    assert len(prompt.tokens) == len(answer.trace.prompt)
    ids = tutor.checkpoint.tokenizer.encode(" " + written(answer)).ids
    ids = ids[: tutor.checkpoint.model.config.context - len(prompt.tokens) + 1]

    def read(checkpoint: Checkpoint) -> list[NDArray[np.float32]]:
        found = read_heads(checkpoint.model, prompt, ids)
        return [part.float().cpu().numpy() for part in (found.raw, found.value_weighted, found.rollout, found.norms)]

    raw, value_weighted, rollout, norms = tutor.placed.run(read)
    return HeadWeights(
        tokens=tuple(tutor.checkpoint.tokenizer.piece(token) for token in ids),
        raw=raw,
        value_weighted=value_weighted,
        rollout=rollout,
        norms=norms,
    )
