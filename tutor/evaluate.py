"""Measure retrieval and answers on a question set, beside the baselines that must be beaten.

    python -m tutor.evaluate                                  # dev questions of the shipped course
    python -m tutor.evaluate QUESTIONS.jsonl --store DIR

Beside the tutor's answers stand four baselines: the sentence of the first passage that is most like the question by
the embedder, the sentence of all passages that the ranker puts first, the first passage whole, and (`--memory`) what
the model writes without any passage. Shares and means come with the half-width of their 95 % interval (1.96 standard
errors).

`--kinds` tells the main figures by kind of question as well. What a question set is made of: `tutor.questions`.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm.metrics import f1
from tutor.questions import Question, has_facts, holds, plain, shipped_or_named

if TYPE_CHECKING:
    from tutor.answer import Answer
    from tutor.tutor import Tutor

_MEMORY_TOKENS = 60
"""What the model may write without a passage."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A question with the answer, the rank (from 1) of the first passage found that holds a gold quote or 0, and what
    each baseline says, by name."""

    question: Question
    answer: Answer
    rank: int
    baselines: Mapping[str, str]


def measure(tutor: Tutor, question: Question, k: int, *, memory: bool = False, alone: bool = False) -> Outcome:
    """Ask one question and look where the evidence stands. `memory` and `alone` are further baselines: what the model
    writes without any passage, and what it writes after the prompt before anything is checked and completed."""
    from tutor.compose import best_sentence
    from tutor.measures import write
    from tutor.odds import read_hits

    stream = tutor.stream(question.question, question.history, k, trace=False)
    answer, hits = stream.answer, stream.hits
    ranks = [rank for rank, hit in enumerate(hits, 1) if question.gold and holds(hit.passage.text, question.gold)]
    said = {"best_sentence": "", "ranked_sentence": "", "top_passage": hits[0].passage.text if hits else ""}
    if hits:
        near = max(hits[0].sentences, key=lambda one: one.score)
        said["best_sentence"] = hits[0].passage.text[near.start : near.end]
        candidates = read_hits(hits, question.question)
        said["ranked_sentence"] = best_sentence(candidates).text if candidates else ""
    if memory:
        said["memory"] = tutor.memory(question.question, _MEMORY_TOKENS)
    if alone:
        prompt, _ = tutor.prompt(tutor.query(question.question, question.history), hits)
        said["alone"] = write(tutor.checkpoint, prompt).text
    return Outcome(question=question, answer=answer, rank=ranks[0] if ranks else 0, baselines=said)


def report(outcomes: Sequence[Outcome], k: int) -> dict[str, Any]:
    """All figures: shares and means, 0 to 1; seconds. None where nothing was there to measure. `interval` holds the
    half-widths by name."""
    answerable = [one for one in outcomes if one.question.answerable]
    with_gold = [one for one in answerable if one.question.gold]
    answered = [one for one in with_gold if not one.answer.refused]
    refused = [one for one in outcomes if one.answer.refused]
    unanswerable = [one for one in outcomes if not one.question.answerable]
    shares: dict[str, list[float]] = {
        "hit@1": [one.rank == 1 for one in with_gold],
        f"hit@{k}": [0 < one.rank <= k for one in with_gold],
        f"mrr@{k}": [1 / one.rank if one.rank else 0.0 for one in with_gold],
        "citation_precision": [
            holds(cite.passage.text, one.question.gold) for one in answered for cite in one.answer.citations
        ],
        "citation_recall": [
            any(holds(cite.passage.text, one.question.gold) for cite in one.answer.citations) for one in answered
        ],
        "refusal_precision": [not one.question.answerable for one in refused],
        "refusal_recall": [one.answer.refused for one in unanswerable],
        "extractive": [one.answer.extractive for one in answered],
        "words": [float(len(plain(one.answer.text).split())) for one in answered],
    }
    said: dict[str, Callable[[Outcome], str]] = {
        "tutor": lambda one: "" if one.answer.refused else plain(one.answer.text),
        **{name: partial(_baseline, name) for name in (outcomes[0].baselines if outcomes else ())},
    }
    for name, text in said.items():
        shares[f"key_facts ({name})"] = [
            has_facts(text(one), one.question.key_facts) for one in answerable if one.question.key_facts
        ]
        shares[f"f1 ({name})"] = [
            f1(text(one), [one.question.reference]) for one in answerable if one.question.reference
        ]
    found: dict[str, Any] = {"questions": len(outcomes), "answerable": len(answerable), "refusals": len(refused)}
    found |= {name: statistics.fmean(values) if values else None for name, values in shares.items()}
    first_words = ("search", "prompt", "first_token", "first_words")
    found["seconds_first_token"] = _median(_until(one, *first_words[:-1]) for one in answered)
    found["seconds_first_words"] = _median(_until(one, *first_words) for one in answered)
    found["seconds_total"] = _median(one.answer.timings["total"] for one in answered)
    found["interval"] = {name: half_width(values) for name, values in shares.items()}
    return found


def by_kind(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """The questions that have an answer, share of all key facts, F1 and hit@1 for each kind of question, the most
    frequent first."""
    kinds: dict[str, list[Outcome]] = {}
    for one in outcomes:
        if one.question.answerable:
            kinds.setdefault(one.question.kind or "other", []).append(one)
    found = {}
    for kind, own in sorted(kinds.items(), key=lambda pair: -len(pair[1])):
        figures = report(own, 1)
        names = {"key_facts": "key_facts (tutor)", "f1": "f1 (tutor)", "hit@1": "hit@1"}
        found[kind] = {"questions": len(own), **{short: figures[name] for short, name in names.items()}}
    return found


def _baseline(name: str, one: Outcome) -> str:
    return one.baselines[name]


def half_width(values: Sequence[float]) -> float | None:
    """Half the width of the 95 % interval of a mean by the normal approximation; None for fewer than two values.

    >>> round(half_width([0.0, 1.0] * 50), 3)
    0.098
    """
    if len(values) < 2:
        return None
    return 1.96 * statistics.stdev(map(float, values)) / math.sqrt(len(values))


def _until(one: Outcome, *stages: str) -> float:
    return sum(one.answer.timings.get(stage, 0.0) for stage in stages)


def _median(values: Iterable[float]) -> float | None:
    numbers = list(values)
    return statistics.median(numbers) if numbers else None


def progress(number: int, total: int) -> None:
    """Say on stderr how far the questions are."""
    if sys.stderr.isatty() or number % 50 == 0 or number == total:
        print(f"\r{number}/{total} questions ", end="\n" if number == total else "", file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m tutor.evaluate", description="Measure retrieval and answers.")
    cli.add_argument("questions", type=Path, nargs="*", help="question files; by default those of the shipped course")
    cli.add_argument("--split", help="only this split (default dev for the shipped questions, all for named files)")
    cli.add_argument("--store", type=Path, help="store to search; by default the shipped lectures")
    cli.add_argument("--model", help="model to answer with: a name that ships, or a checkpoint directory")
    cli.add_argument("--device", help="cpu or cuda; by default a GPU where there is one")
    cli.add_argument("-k", type=int, default=5, help="passages to read (default 5)")
    cli.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    cli.add_argument("--answers", type=Path, help="write every question with its answer to this file")
    cli.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="try another of tutor.choices")
    cli.add_argument("--kinds", action="store_true", help="also tell the main figures by kind of question")
    cli.add_argument("--memory", action="store_true", help="also answer without any passage, as a baseline")
    return cli


def _run(arguments: argparse.Namespace) -> None:
    started = time.perf_counter()
    from tutor.tutor import Tutor

    questions = shipped_or_named(arguments.questions, arguments.split)
    tutor = Tutor.load(arguments.store, arguments.model, arguments.device)
    seconds = time.perf_counter() - started
    tutor.choices = tutor.choices.changed(arguments.set)
    outcomes = []
    for number, question in enumerate(questions, 1):
        outcomes.append(measure(tutor, question, arguments.k, memory=arguments.memory))
        progress(number, len(questions))
    if arguments.answers:
        with arguments.answers.open("w", encoding="utf-8") as file:
            for one in outcomes:
                line = {"id": one.question.id, "rank": one.rank, "reference": one.question.reference}
                file.write(json.dumps(line | one.answer.to_json(), ensure_ascii=False) + "\n")
    found = report(outcomes, arguments.k)
    # The kernel counts kilobytes; the interpreter and all packages are among them.
    found |= {"seconds_load": seconds, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    kinds = by_kind(outcomes) if arguments.kinds else {}
    if arguments.json:
        print(json.dumps(found | ({"kinds": kinds} if arguments.kinds else {})))
        return
    widths = found.pop("interval")
    for name, value in found.items():
        shown = "-" if value is None else f"{value:.3f}" if isinstance(value, float) else value
        width = widths.get(name)
        print(f"{name:28} {shown}" + (f" ± {width:.3f}" if width is not None else ""))
    for kind, own in kinds.items():
        figures = (
            f"{name} {'-' if own[name] is None else f'{own[name]:.3f}'}" for name in ("key_facts", "f1", "hit@1")
        )
        print(f"{kind:28} {own['questions']} questions: {', '.join(figures)}")


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input, store or model."""
    arguments = parser().parse_args(argv)
    from index.errors import StoreError

    try:
        _run(arguments)
    except (ValueError, StoreError, OSError) as fault:
        print(f"tutor.evaluate: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
