"""What the tutor returns. Everything that a page or a program shows about an answer is read from these values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.document import Passage
from tutor.selection import Chosen

Span = tuple[int, int]
"""Character offsets, start included and end excluded."""


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A retrieved passage with its search score (larger is better; comparable within one query only)."""

    passage: Passage
    score: float


@dataclass(frozen=True, kw_only=True)
class Citation:
    """One numbered source of an answer.

    `answer_spans` are the stretches of `Answer.text` that rest on the passage (the `[n]` marker not included);
    `passage_spans` are the stretches of `passage.text` that the words were copied from.
    `weight` is the share of the answer's copy mass that lies on the passage, 0 to 1.
    """

    number: int
    passage: Passage
    answer_spans: tuple[Span, ...]
    passage_spans: tuple[Span, ...]
    weight: float


@dataclass(frozen=True, kw_only=True)
class PromptToken:
    """A prompt token and where it came from.

    `passage` is the position in `Answer.passages`, or None for the question and for special tokens; `start` and
    `end` are offsets into that passage's text, or into the question where `in_question` holds.
    """

    text: str
    passage: int | None
    start: int
    end: int
    in_question: bool = False


@dataclass(frozen=True, kw_only=True)
class Step:
    """One generated token.

    `copy` [S]: weights over the prompt tokens, summing to 1; `p_copy`: the share of the probability that copying
    has at this step; the distribution the token was drawn from is (1 - p_copy) * vocabulary + p_copy * copy.
    `attention` [L, H, S + t]: self-attention of the step that chose this token, over prompt tokens first and then
    the answer tokens before it; [1, 1, S] for a recurrent model, whose decoder attends to the encoder's states, and
    [0, 1, S] for one without attention. `gates`: gates and states of a recurrent decoder by name, each [L, H].
    `alternatives`: the most probable tokens with their probabilities, best first. `start` and `end`: the token's place
    in `Answer.text`.
    """

    text: str
    probability: float
    p_copy: float
    copy: NDArray[np.float32] = field(compare=False)
    attention: NDArray[np.float32] = field(compare=False)
    alternatives: tuple[tuple[str, float], ...]
    start: int
    end: int
    gates: dict[str, NDArray[np.float32]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """How an answer was made: the prompt with the provenance of every token, a `Step` per answer token, and the
    sentences that the prompt was built from, by passage."""

    prompt: tuple[PromptToken, ...]
    steps: tuple[Step, ...]
    read: tuple[Chosen, ...] = ()

    def passage_mass(self, passages: int) -> NDArray[np.float32]:
        """Copy mass on each passage, [passages]: the p_copy-weighted mean over steps of the copy weights on it."""
        mass = np.zeros(passages, dtype=np.float32)
        if not self.steps:
            return mass
        owner = np.array([-1 if token.passage is None else token.passage for token in self.prompt])
        for step in self.steps:
            for number in range(passages):
                mass[number] += step.p_copy * float(step.copy[owner == number].sum())
        return mass / np.float32(len(self.steps))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer with its evidence.

    `text` is Markdown with LaTeX and `[n]` markers; reference numbers of the lectures stand in round brackets.
    `refused` holds when the material does not cover the question;
    `text` then says so and names the nearest place. `extractive` holds when the model's words were not supported,
    woven from several sentences or implausible to the ranker, and a sentence was quoted instead; the trace then says
    how the model would have come by it, as it does of sentences that are added to the model's own. `quoted` are the
    stretches of `text` that were added or put in word for word; `overview` holds for an answer about whole lectures, of
    which the model writes nothing. `trace` is None when tracing was switched off or no
    word was generated.
    `timings` are seconds by stage, one after the other: search, prompt, first_token (the model's first),
    first_words (until the first sentence is released), generate (the rest), and the total, with what it took to trace
    quoted sentences. Answers are equal where they say and cite the same, however long that took.
    """

    question: str
    text: str
    refused: bool
    citations: tuple[Citation, ...]
    passages: tuple[Ranked, ...]
    trace: Trace | None
    timings: dict[str, float] = field(default_factory=dict, compare=False)
    model: str = ""
    extractive: bool = False
    quoted: tuple[Span, ...] = ()
    overview: bool = False

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary: answer, refusal, citations, passages in rank order, timings."""
        return {
            "question": self.question,
            "answer": self.text,
            "refused": self.refused,
            "extractive": self.extractive,
            "quoted": [list(span) for span in self.quoted],
            "overview": self.overview,
            "model": self.model,
            "citations": [
                {
                    "number": citation.number,
                    "passage": citation.passage.to_json(),
                    "answer_spans": [list(span) for span in citation.answer_spans],
                    "passage_spans": [list(span) for span in citation.passage_spans],
                    "weight": round(citation.weight, 4),
                }
                for citation in self.citations
            ],
            "passages": [{"score": round(hit.score, 6), **hit.passage.to_json()} for hit in self.passages],
            "timings": {stage: round(seconds, 4) for stage, seconds in self.timings.items()},
        }


History = Sequence[tuple[str, str]]
"""Earlier turns, oldest first: (question, answer)."""
