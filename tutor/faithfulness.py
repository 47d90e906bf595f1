"""Measures whether citations are faithful: does an answer lose what its copy weights say that it came from?

    python -m tutor.faithfulness                              # dev questions of the shipped course
    python -m tutor.faithfulness QUESTIONS.jsonl --store DIR --limit 150

The copy mass of a passage is what the citations are made of. What the passage was worth to the answer y_1 ... y_A is
seen when it is taken out of the prompt (erasure, Li et al. 2016, arXiv 1612.08220, equation 1, per token):

    effect(p) = 1/A sum_a [log P(y_a | y_<a, all passages) - log P(y_a | y_<a, all passages but p)]

in nats per token, larger is worse. Where the copy weights are faithful both put the passages of a prompt in the same
order (Jain and Wallace 2019, arXiv 1902.10186, compare attention with leave-one-out in this way). A passage that says
what another one says as well has a small effect, however much was copied from it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tutor.questions import Question, holds, shipped_or_named

if TYPE_CHECKING:
    from lm.reading import Prompt
    from tutor.answer import Answer, Trace
    from tutor.selection import Chosen
    from tutor.tutor import Tutor

_SHUFFLES = 20
_RESAMPLES = 2000

Interval = tuple[float, float, float]
"""A mean and the ends of its 95 % bootstrap interval."""


def removal_effects(tutor: Tutor, answer: Answer) -> dict[int, float]:
    """What taking a passage away costs the answer, in nats per token, by the passage's position in `answer.passages`.

    The prompt is built anew without the passage, the ranks of the other sentences stay, and the tutor's model, which
    should be the one that answered, scores the same words: one forward pass for each passage of the prompt and one
    more. Empty for an answer without a trace.
    """
    trace = answer.trace
    if trace is None or not trace.steps:
        return {}
    ids = tutor.checkpoint.tokenizer.encode(" " + written(answer)).ids
    whole = _log_probabilities(tutor, answer, trace.read, ids)
    effects = {}
    for gone in trace.read:
        rest = [group for group in trace.read if group is not gone]
        without = _log_probabilities(tutor, answer, rest, ids)
        # A shorter prompt may leave room for words that the whole one had none for.
        effects[gone.passage] = float((whole - without[: len(whole)]).mean())
    return effects


def written(answer: Answer) -> str:
    """The words of a traced answer without its markers, one space between sentences."""
    text, end = "", 0
    for step in answer.trace.steps if answer.trace else ():
        text += (" " if step.start > end else "") + answer.text[step.start : step.end]
        end = step.end
    return text


def prompt_of(tutor: Tutor, answer: Answer, groups: Sequence[Chosen]) -> Prompt:
    """The prompt of a traced answer with the sentences of `groups`; with those of `Trace.read` it is the prompt that
    the answer was written after."""
    from lm.reading import build_prompt

    asked = max(token.end for token in answer.trace.prompt if token.in_question) if answer.trace else 0
    question = tutor.store.mended(answer.question)[:asked]
    return build_prompt(tutor.checkpoint.tokenizer, question, [group.pieces for group in groups])


def _log_probabilities(
    tutor: Tutor, answer: Answer, groups: Sequence[Chosen], ids: Sequence[int]
) -> NDArray[np.float64]:
    """log P [A] of the answer tokens `ids` after a prompt of these sentences, as many as the model has room for."""
    from lm.sampling import Decoding
    from tutor.writing import write

    prompt = prompt_of(tutor, answer, groups)
    steps = write(tutor.placed, prompt, Decoding(), forced=ids)
    return np.log(np.maximum([step.probability for step in steps], np.finfo(np.float32).tiny))


def ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """The rank of each of [N] values from 1, the smallest; equal ones share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    shared: NDArray[np.float64] = (counts.cumsum() - (counts - 1) / 2)[inverse]
    return shared


def spearman(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Spearman's rank correlation of [N] and [N] values, -1 to 1; 0 where all values of one are equal."""
    a, b = (ranks(values) - (len(values) + 1) / 2 for values in (one, other))
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale else 0.0


def same_top(one: NDArray[Any], other: NDArray[Any]) -> float:
    """1 where the largest of [N] and of [N] values stand at the same place, else 0; a draw among equals counts as
    likely as it is to agree."""
    a, b = one == one.max(), other == other.max()
    return float((a & b).sum() / (a.sum() * b.sum()))


def shuffled_mass(trace: Trace, passages: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """The copy mass [passages] after the weights on the source tokens of the prompt have changed places at random."""
    places = [place for place, token in enumerate(trace.prompt) if token.passage is not None]
    prompt = list(trace.prompt)
    for place, other in zip(places, generator.permutation(places).tolist(), strict=True):
        prompt[place] = trace.prompt[other]
    return replace(trace, prompt=tuple(prompt)).passage_mass(passages)


@dataclass(frozen=True, kw_only=True)
class Examined:
    """An answer, seen from the P passages of its prompt in the order of the search.

    `effects` [P] in nats per token; `mass` [P]; `shuffled` [R, P], the mass after each of R shuffles; `length` [P],
    prompt tokens; `cited` [P]; `right`, for each citation whether it holds a gold quote; `seconds` for the effects.
    """

    question: Question
    effects: NDArray[np.float64]
    mass: NDArray[np.float32]
    shuffled: NDArray[np.float32]
    length: NDArray[np.int64]
    cited: NDArray[np.bool_]
    right: tuple[bool, ...]
    seconds: float


def examine(tutor: Tutor, question: Question, generator: np.random.Generator) -> Examined | None:
    """Ask one question and take away one passage after another; None where nothing was answered."""
    answer = tutor.ask(question.question, history=question.history)
    if answer.refused or answer.trace is None:
        return None
    started = time.perf_counter()
    effects = removal_effects(tutor, answer)
    seconds = time.perf_counter() - started
    read, count = sorted(effects), len(answer.passages)
    cited = {citation.passage.passage_id for citation in answer.citations}
    return Examined(
        question=question,
        effects=np.array([effects[number] for number in read]),
        mass=answer.trace.passage_mass(count)[read],
        shuffled=np.stack([shuffled_mass(answer.trace, count, generator)[read] for _ in range(_SHUFFLES)]),
        length=np.array([sum(token.passage == number for token in answer.trace.prompt) for number in read]),
        cited=np.array([answer.passages[number].passage.passage_id in cited for number in read]),
        right=tuple(holds(citation.passage.text, question.gold) for citation in answer.citations),
        seconds=seconds,
    )


def report(answered: Sequence[Examined], questions: int, generator: np.random.Generator) -> dict[str, Any]:
    """All figures; means as `Interval`, None where nothing was there to measure.

    Agreement with the effects, over the prompts of several passages, is that of the copy mass, and of rankings that
    know nothing of the answer: the order of the search, the length in the prompt, the copy mass after shuffles. Weights
    that were shuffled fall on a long passage more often, so what is left to them is about the agreement of the length;
    a ranking at random has 0 (spearman) and the mean of 1 / P (same_top).
    """
    several = [one for one in answered if len(one.effects) > 1]
    both = [one for one in several if one.cited.any() and not one.cited.all()]
    with_gold = [one for one in answered if one.question.answerable and one.question.gold]
    rankings: dict[str, Callable[[Examined], Iterable[NDArray[Any]]]] = {
        "copy mass": lambda one: [one.mass],
        "order of search": lambda one: [-np.arange(len(one.effects))],
        "length": lambda one: [one.length],
        "shuffled": lambda one: one.shuffled,
    }
    found: dict[str, Any] = {"questions": questions, "answered": len(answered), "several_passages": len(several)}
    for measure in (spearman, same_top):
        for name, ranking in rankings.items():
            values = [np.mean([measure(values, one.effects) for values in ranking(one)]) for one in several]
            found[f"{measure.__name__} ({name})"] = interval(values, generator)
    found["spearman (random)"] = 0.0
    found["same_top (random)"] = float(np.mean([1 / len(one.effects) for one in several])) if several else None
    found["effect (cited)"] = interval([one.effects[one.cited].mean() for one in both], generator)
    found["effect (read, not cited)"] = interval([one.effects[~one.cited].mean() for one in both], generator)
    found["costliest_cited"] = interval([one.cited[one.effects.argmax()] for one in several], generator)
    found["citation_precision"] = interval([right for one in with_gold for right in one.right], generator)
    found["citation_recall"] = interval([any(one.right) for one in with_gold], generator)
    found["seconds_effects"] = statistics.median([one.seconds for one in answered]) if answered else None
    return found


def interval(values: Sequence[Any], generator: np.random.Generator) -> Interval | None:
    """Mean of the values and its 95 % interval by the percentile bootstrap (Efron 1979); None without values."""
    if not len(values):
        return None
    numbers = np.asarray(values, dtype=np.float64)
    means = generator.choice(numbers, (_RESAMPLES, len(numbers))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(numbers.mean()), float(low), float(high)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m tutor.faithfulness", description="Measure if citations are faithful.")
    cli.add_argument("questions", type=Path, nargs="*", help="question files; by default those of the shipped course")
    cli.add_argument("--split", help="only this split (default dev for the shipped questions, all for named files)")
    cli.add_argument("--store", type=Path, help="store to search; by default the shipped lectures")
    cli.add_argument("--model", help="model to answer with: a name that ships, or a checkpoint directory")
    cli.add_argument("--limit", type=int, help="draw so many of the questions (default all)")
    cli.add_argument("--seed", type=int, default=0, help="of the draw, the shuffles and the intervals (default 0)")
    cli.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    return cli


def _run(arguments: argparse.Namespace) -> None:
    from tutor.tutor import Tutor

    if arguments.limit is not None and arguments.limit < 1:
        raise ValueError(f"--limit is {arguments.limit}; it must be at least 1")
    generator = np.random.default_rng(arguments.seed)
    questions = shipped_or_named(arguments.questions, arguments.split)
    drawn = [questions[number] for number in sorted(generator.permutation(len(questions))[: arguments.limit])]
    tutor = Tutor.load(arguments.store, arguments.model)
    answered = []
    for number, question in enumerate(drawn, 1):
        if examined := examine(tutor, question, generator):
            answered.append(examined)
        if sys.stderr.isatty() or number % 10 == 0 or number == len(drawn):
            print(f"\r{number}/{len(drawn)} questions ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    found = report(answered, len(drawn), generator)
    if arguments.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:28} {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return "{:.3f} [{:.3f}, {:.3f}]".format(*value)
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input, store or model."""
    arguments = parser().parse_args(argv)
    from index.errors import StoreError

    try:
        _run(arguments)
    except (ValueError, StoreError, OSError) as fault:
        print(f"tutor.faithfulness: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
