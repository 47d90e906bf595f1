"""One question, the same passages, several models side by side.

    python -m tutor.compare "What does the forget gate do?"
    python -m tutor.compare "What does the forget gate do?" --models mini runs/gru/best --json

The store is searched once. Of every model are shown the answer that the tutor makes with it, its own words before they
were checked and completed, and three measures that do not depend on what it happened to write:

- how likely it finds the reference, the sentence that the ranker thinks answers best: the mean log-probability of its
  tokens in nats, and bits per byte, which can be compared between models of different tokenizers;
- bits per byte on the text of the passages, read as plain text (`lm.evaluate --text`);
- how much gradient arrives k tokens back when it reads the prompt from left to right (`lm.memory gradients`).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tutor.errors import TutorError
from tutor.measures import Likelihood, Writing, forced_likelihood, gradient, text_likelihood, write

if TYPE_CHECKING:
    from corpus.document import Passage
    from lm.checkpoint import Checkpoint
    from tutor.answer import Answer
    from tutor.candidate import Candidate
    from tutor.finding import Found
    from tutor.overview import Overview
    from tutor.tutor import Tutor

_MARKER = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The sentence that the ranker thinks answers best: `text` is characters [start, end) of passage `number`."""

    number: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What every model is given: the question, and what was found for it once: passages, best first, and sentences.

    `query` is the question with its typing errors mended. Passages are numbered from 1 in the order of the hits,
    whatever model cites them. `reference` is None where nothing was found.
    """

    question: str
    query: str
    found: Found | Overview
    candidates: tuple[Candidate, ...]
    reference: Reference | None
    seconds: float

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The passages, best first."""
        return tuple(hit.passage for hit in self.found.hits)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary; offsets count characters."""
        numbered = [{"number": number, **one.to_json()} for number, one in enumerate(self.passages, 1)]
        found = self.reference and {
            "passage": self.reference.number, "start": self.reference.start, "end": self.reference.end,
            "text": self.reference.text,
        }  # fmt: skip
        seconds = round(self.seconds, 4)
        return {"question": self.question, "passages": numbered, "reference": found, "seconds": seconds}


@dataclass(frozen=True, kw_only=True)
class Side:
    """One model's side of a comparison.

    `text` is the answer with the passages' numbers in its markers, `cited` those numbers in the order of the text.
    `seconds` is the time of the answer without the search. `gradient`: norms of the gradient k = 0, 1, ... tokens back,
    relative to k = 0.
    """

    model: str
    architecture: str
    parameters: int
    answer: Answer
    text: str
    cited: tuple[int, ...]
    seconds: float
    writing: Writing
    reference: Likelihood | None
    passages: Likelihood | None
    gradient: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        own = self.writing
        return {
            "model": self.model,
            "architecture": self.architecture,
            "parameters": self.parameters,
            "answer": self.text,
            "refused": self.answer.refused,
            "extractive": self.answer.extractive,
            "citations": list(self.cited),
            "seconds": round(self.seconds, 4),
            "own_words": own.text,
            "declined": own.declined,
            "tokens": own.tokens,
            "tokens_per_second": round(own.tokens_per_second, 2),
            "reference": self.reference and self.reference.to_json(),
            "passages": self.passages and self.passages.to_json(),
            "gradient": [float(f"{norm:.4g}") for norm in self.gradient],
        }


def ground(tutor: Tutor, question: str, k: int = 5) -> Ground:
    """Search once for a question. Raises TutorError for an empty or overlong question or a `k` below 1."""
    from tutor.compose import best_sentence
    from tutor.finding import Found
    from tutor.odds import read_hits
    from tutor.tutor import check_question

    question = check_question(question)
    started = time.perf_counter()
    found = tutor.find(question, k=k)
    seconds = time.perf_counter() - started
    query = tutor.store.mended(question)
    read = found.candidates if isinstance(found, Found) else read_hits(found.hits[: tutor.choices.read], query)
    candidates = tuple(read)
    reference = None
    if candidates:
        best = best_sentence(candidates)
        reference = Reference(number=best.passage + 1, start=best.start, end=best.end, text=best.text)
    return Ground(
        question=question,
        query=query,
        found=found,
        candidates=candidates,
        reference=reference,
        seconds=seconds,
    )


def compare(tutors: Iterable[tuple[str, Tutor]], given: Ground) -> Iterator[Side]:
    """The side of each (name, tutor), one after the other as they are ready."""
    for name, tutor in tutors:
        yield side(name, tutor, given)


def side(name: str, tutor: Tutor, given: Ground) -> Side:
    """What the model of `tutor` makes of a question and its passages."""
    started = time.perf_counter()
    stream = tutor.stream_of(given.question, given.found)
    for _ in stream:
        pass
    seconds = time.perf_counter() - started
    text, cited = numbered(stream.answer)
    prompt, _ = tutor.prompt_of(given.query, given.candidates)

    def measured(checkpoint: Checkpoint) -> Side:
        return Side(
            model=name,
            architecture=checkpoint.model.config.architecture,
            parameters=checkpoint.model.parameters_count(),
            answer=stream.answer,
            text=text,
            cited=cited,
            seconds=seconds,
            writing=write(checkpoint, prompt),
            reference=forced_likelihood(checkpoint, prompt, given.reference.text) if given.reference else None,
            passages=text_likelihood(checkpoint, "\n\n".join(one.text for one in given.passages)),
            gradient=gradient(checkpoint.model, prompt.tokens),
        )

    return tutor.placed.run(measured)


def numbered(answer: Answer) -> tuple[str, tuple[int, ...]]:
    """An answer's text with the ranks of its passages, from 1, in its markers; and those ranks as they come.

    Only markers change, never a bracket within the words of a passage.
    """
    rank = {hit.passage.passage_id: number for number, hit in enumerate(answer.passages, 1)}
    numbers = {str(one.number): rank[one.passage.passage_id] for one in answer.citations}
    spans = sorted({span for one in answer.citations for span in one.answer_spans})
    cited: dict[int, None] = {}

    def marker(match: re.Match[str]) -> str:
        found = numbers.get(match[1])
        if found is None:
            return match[0]
        cited[found] = None
        return f"[{found}]"

    parts, at = [], 0
    for start, end in spans:
        parts += [_MARKER.sub(marker, answer.text[at:start]), answer.text[max(at, start) : end]]
        at = max(at, end)
    parts.append(_MARKER.sub(marker, answer.text[at:]) if spans else answer.text[at:])
    return "".join(parts), tuple(cited)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m tutor.compare", description="Ask several models the same question.")
    cli.add_argument("question", help="the question")
    cli.add_argument("--models", nargs="+", metavar="NAME_OR_DIR", help="models to ask (default: all that ship)")
    cli.add_argument("--store", type=Path, help="store to search; by default the shipped lectures")
    cli.add_argument("--device", help="cpu or cuda; by default a GPU where there is one")
    cli.add_argument("-k", type=int, default=5, help="passages to find (default 5)")
    cli.add_argument("--json", action="store_true", help="print one JSON object")
    return cli


def shipped() -> list[str]:
    """The names of the models that ship, the default one first."""
    from lm.checkpoint import CONFIG, DEFAULT, SHIPPED

    names = sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}"))
    return sorted(names, key=lambda name: name != DEFAULT)


def show_ground(given: Ground) -> str:
    """The passages and the reference, for a terminal."""
    lines = [f"[{number}] {one.locator.describe()}" for number, one in enumerate(given.passages, 1)]
    if given.reference:
        lines += ["", f"Reference, from [{given.reference.number}]: {given.reference.text}"]
    return "\n".join(lines)


def show_side(found: Side) -> str:
    """One model's side, for a terminal."""
    own = found.writing
    lines = [
        f"== {found.model}: {found.architecture}, {found.parameters:,} weights",
        found.text,
        "",
        f"own words{' (declined at first)' if own.declined else ''}: {own.text or '-'}",
        f"answer in {found.seconds:.2f} s; {own.tokens} tokens written, {own.tokens_per_second:,.0f} a second",
    ]
    for name, likelihood in (("reference", found.reference), ("passages", found.passages)):
        if likelihood:
            lines.append(f"{name}: {likelihood.log_p:.3f} nats per token, {likelihood.bits_per_byte:.3f} bits per byte")
    shown = [k for k in (1, 10, 20, 50, 100, 200) if k < len(found.gradient)]
    lines.append("gradient, k tokens back: " + ", ".join(f"{k}: {found.gradient[k]:.1e}" for k in shown))
    return "\n".join(lines)


def _run(arguments: argparse.Namespace) -> None:
    if not arguments.question.strip():
        raise TutorError("the question is empty; ask something about the course")
    from tutor.tutor import Tutor

    names = arguments.models or shipped()
    first = Tutor.load(arguments.store, names[0], arguments.device)
    given = ground(first, arguments.question, arguments.k)
    if not arguments.json:
        print(show_ground(given), end="\n\n", flush=True)
    tutors = ((name, first if name == names[0] else first.with_model(name)) for name in names)
    sides = []
    for found in compare(tutors, given):
        sides.append(found.to_json())
        if not arguments.json:
            print(show_side(found), end="\n\n", flush=True)
    if arguments.json:
        print(json.dumps(given.to_json() | {"models": sides}, ensure_ascii=False, indent=2))


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input, store or model."""
    arguments = parser().parse_args(argv)
    from index.errors import StoreError
    from index.terminal import print_anything

    print_anything()
    try:
        _run(arguments)
    except (ValueError, StoreError, OSError) as fault:
        print(f"tutor.compare: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
