"""The tutor: search, read, write, cite. `Tutor.load` is the only place that puts the parts together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.document import Passage
from index.device import CPU, Placed, tell
from index.hits import Hit
from index.store import RERANKED, Store
from lm.checkpoint import Checkpoint
from lm.config import ModelConfig
from lm.reading import Prompt, build_prompt
from lm.sampling import Decoding
from tutor.answer import Answer, History
from tutor.candidate import Candidate
from tutor.choices import Choices
from tutor.dialogue import leant_on, standalone, told_before
from tutor.errors import TutorError, short
from tutor.finding import Found, find, with_parts
from tutor.odds import read_hits
from tutor.overview import Overview, overview
from tutor.parts import parts
from tutor.selection import Chosen, select
from tutor.stream import Stream
from tutor.writing import write

if TYPE_CHECKING:
    from tutor.explanation import Explanation, HeadWeights

LONGEST_QUESTION = 2000
"""Characters; a longer question is refused with one line, and of a longer earlier one no more is read."""

TURNS = 20
"""So many of the last turns of a history are looked at: each may cost a search."""

MOST_PASSAGES = 100
LONGEST_NAME = 4096
"""Most passages of an answer; and characters of a course or document (which may be a path) that is asked for."""

QUESTION_TOKENS = 200
SENTENCE_TOKENS = 512
"""What is read of an overlong question; and the longest sentence (equation, block of code) that a prompt takes in."""


class Tutor:
    """Answers questions from one store with one model. Safe to share between threads that take turns."""

    def __init__(
        self, store: Store, checkpoint: Checkpoint | Placed[Checkpoint], choices: Choices | None = None
    ) -> None:
        self.store = store
        self.placed = checkpoint if isinstance(checkpoint, Placed) else Placed(lambda device: checkpoint)
        self.choices = choices or Choices()

    @classmethod
    def load(cls, store: str | Path | None = None, model: str | Path | None = None, device: str | None = None) -> Tutor:
        """Open a store (None: the default one, built from the shipped notes if it is missing), load a model (a name
        that ships, a directory, or None for the default) on a device (None: a GPU where there is one). Where the
        device is not there or fails, the CPU goes on, and a line in the log says so.

        Raises StoreError or CheckpointError with one line that says what to do.
        """
        # Threads that spin while they wait are many times slower on busy cores; read when torch is first imported.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        from index.build import build_shipped
        from index.paths import default_store
        from index.ranker import Ranker

        place = usable_device(device)
        placed = Placed(partial(_load, model), place)
        path = default_store() if store is None else Path(store)
        if store is None:
            build_shipped(path)
        opened = Store.open(path, ranker=Ranker.load(device=place))
        # The embedder loads at its first use; the first question should not wait for it.
        opened.encode(["ready"])
        return cls(opened, placed)

    def with_model(self, name: str | Path) -> Tutor:
        """The same store and device with another checkpoint, by name or directory. Raises CheckpointError."""
        return Tutor(self.store, Placed(partial(_load, name), self.placed.device), self.choices)

    def with_store(self, store: Store) -> Tutor:
        """The same model on another store."""
        return Tutor(store, self.placed, self.choices)

    @property
    def checkpoint(self) -> Checkpoint:
        """The model that answers, where it is now."""
        return self.placed.what

    @property
    def model_name(self) -> str:
        """Name of the model that answers."""
        return self.checkpoint.name

    def ask(
        self,
        question: str,
        history: History | None = (),
        k: int = 5,
        *,
        course: str | None = None,
        documents: Sequence[str] | None = None,
        trace: bool = True,
    ) -> Answer:
        """Answer a question from the `k` best passages.

        `history` holds earlier (question, answer) turns, oldest first, for follow-ups; `course` and `documents` keep
        the search to a part of the store; `trace` off saves the attention of every layer. Raises TutorError for an
        empty or overlong question, a `k` below 1 or above MOST_PASSAGES, a history that is not made of pairs of texts
        and filters that are no names, and StoreError for an unknown course or document.
        """
        stream = self.stream(question, history, k, course=course, documents=documents, trace=trace)
        for _ in stream:
            pass
        return stream.answer

    def stream(
        self,
        question: str,
        history: History | None = (),
        k: int = 5,
        *,
        course: str | None = None,
        documents: Sequence[str] | None = None,
        trace: bool = True,
    ) -> Stream:
        """The same answer as it is written: an iterator over pieces of text; `.answer` holds the whole afterwards."""
        question = check_question(question)
        return Stream(
            self, question, partial(self.find, question, history, k, course=course, documents=documents), trace
        )

    def stream_of(self, question: str, found: Found | Overview, *, trace: bool = True) -> Stream:
        """The answer to a question from what `find` found for it, also on behalf of another tutor on the same store."""
        return Stream(self, check_question(question), lambda: found, trace)

    def find(
        self,
        question: str,
        history: History | None = (),
        k: int = 5,
        *,
        course: str | None = None,
        documents: Sequence[str] | None = None,
    ) -> Found | Overview:
        """What the store holds on a question: passages and sentences, part by part where it asks two things; or what is
        told of whole lectures, where it asks for that. Raises TutorError and StoreError as `ask` does."""
        question, history = check_question(question), () if history is None else history
        if type(k) is bool or not isinstance(k, Integral) or not 1 <= k <= MOST_PASSAGES:
            raise TutorError(f"k is {short(k)}; it must be a whole number from 1 to {MOST_PASSAGES}")
        query = self.query(question, history, course=course, documents=documents)
        if whole := self._overview(question, query, history, course, documents):
            return whole
        asked = self.store.mended(question)
        search = partial(self.store.search, k=max(k, RERANKED), course=course, documents=documents)
        told = told_before(question, history) if query != asked else ""
        found = find(self.store, search, query, asked, told, k, self.choices)
        asks = parts(query) if query == asked else (query,)
        if len(asks) == 1:
            turns = check_history(history) if query != asked else []
            place = leant_on(question, turns)
            if place is not None:  # who asks for more of what is not covered is not answered with something else
                subject = self.find(turns[place][0], turns[:place], k, course=course, documents=documents)
                if isinstance(subject, Found):
                    found = replace(found, covered=min(found.covered, subject.covered))
            return found
        others = [self.query(one, [(asks[0], "")], course=course, documents=documents) for one in asks[1:]]
        return with_parts(self.store, found, search, asks, [asks[0], *others], k, self.choices)

    def _overview(
        self, question: str, query: str, history: History, course: str | None, documents: Sequence[str] | None
    ) -> Overview | None:
        """What answers a question about whole lectures; None for any other."""

        def spoken_of() -> Passage | None:
            hits = self.store.search(query, k=1, course=course, documents=documents, read=False)
            return hits[0].passage if hits else None

        def whole(text: str) -> Overview | None:
            return overview(text, self.store, course, documents, spoken_of if history else None)

        # "And lecture 15?" asks for what was asked for before.
        return whole(question) or (whole(f"Summarise {question}") if history and whole(history[-1][0]) else None)

    def query(
        self,
        question: str,
        history: History | None = (),
        *,
        course: str | None = None,
        documents: Sequence[str] | None = None,
    ) -> str:
        """What is searched and read for a question: with the earlier ones that it leans on, typing errors mended.

        Raises TutorError and StoreError as `ask` does for the history and the filters.
        """
        check_names(course, documents)
        turns = check_history(() if history is None else history)

        def nearness(text: str) -> float:
            hits = self.store.search(text, k=1, course=course, documents=documents, read=False)
            return hits[0].score if hits else 0.0

        return self.store.mended(standalone(question, turns, nearness, self.store.says))

    @property
    def config(self) -> ModelConfig:
        """The shape of the model that answers."""
        return self.checkpoint.model.config

    def explain(self, answer: Answer) -> Explanation:
        """What each passage gave to an answer of this tutor and what its absence costs; see `tutor.explanation`."""
        from tutor.explanation import explain

        return explain(self, answer)

    def heads(self, answer: Answer) -> HeadWeights:
        """What each head did in an answer of this tutor. ValueError for a model that is no Transformer."""
        from tutor.explanation import head_weights

        return head_weights(self, answer)

    def memory(self, question: str, longest: int) -> str:
        """What the model writes in at most `longest` tokens when it is shown no passage: what it knows by heart."""
        tokenizer = self.checkpoint.tokenizer
        prompt = build_prompt(tokenizer, check_question(question), [])
        tokens = write(self.placed, prompt, Decoding(longest=longest, may_refuse=False))
        return tokenizer.decode([one.token for one in tokens]).strip()

    def prompt(self, question: str, hits: Sequence[Hit], told: str = "") -> tuple[Prompt, tuple[Chosen, ...]]:
        """The prompt for a question on passages found, and the sentences that were chosen for it. `told`: what was
        answered before."""
        return self.prompt_of(question, read_hits(hits[: self.choices.read], question, told))

    def prompt_of(self, question: str, candidates: Sequence[Candidate]) -> tuple[Prompt, tuple[Chosen, ...]]:
        """The prompt for a question on sentences, in reading order, and those that were chosen for it."""
        tokenizer, context = self.checkpoint.tokenizer, self.config.context
        # A model of a short context must have room left to write in.
        offsets = tokenizer.encode(question).offsets[: min(QUESTION_TOKENS, context // 4)]
        longest = min(SENTENCE_TOKENS, context // 2)
        fitting = [one for one in candidates if len(tokenizer.encode(one.text).ids) <= longest]
        of_parts = zip(*(one.by_part for one in fitting), strict=True)
        best = frozenset(own.index(max(own)) for own in of_parts if max(own) >= self.choices.owed)
        chosen = select(fitting, tokenizer, budget=min(self.choices.budget, context // 2), keep=best)
        return build_prompt(tokenizer, question[: offsets[-1][1]], [one.pieces for one in chosen]), chosen


def usable_device(name: str | None) -> str:
    """A device by name (None: a GPU where there is one), the CPU where this machine has none of that name.

    Raises CheckpointError for what is no name of a device.
    """
    import torch

    from lm import checkpoint

    if name is None:
        return "cuda" if torch.cuda.is_available() else CPU
    try:
        return str(checkpoint.usable_device(name))
    except checkpoint.CheckpointError as fault:
        try:
            torch.device(name)
        except RuntimeError:
            raise fault from None
        tell(name, fault.__cause__ or fault)
        return CPU


def _load(name: str | Path | None, device: str) -> Checkpoint:
    from lm import checkpoint

    loaded = checkpoint.load(name)
    return replace(loaded, model=loaded.model.to(device))


def check_question(question: str) -> str:
    """The question without surrounding white space and control characters; TutorError if empty or too long."""
    if not isinstance(question, str):
        raise TutorError(f"the question is no text but {short(question)}; ask in words")
    if len(question) > LONGEST_QUESTION:
        raise TutorError(f"the question has {len(question):,} characters; ask in at most {LONGEST_QUESTION:,}")
    kept = _visible(question)
    if not kept:
        raise TutorError("the question is empty; ask something about the course")
    return kept


def check_history(history: History) -> list[tuple[str, str]]:
    """The last TURNS turns, their questions cut and cleaned like one that is asked; TutorError if they are no pairs."""
    if not isinstance(history, Sequence) or isinstance(history, str | bytes):
        raise TutorError(f"history is {short(history)}; it must be a list of (question, answer) pairs")
    turns: list[tuple[str, str]] = []
    for turn in list(history)[-TURNS:]:
        pair = list(turn) if isinstance(turn, tuple | list) else []
        if len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise TutorError(f"history holds {short(turn)}; it must be a list of (question, answer) pairs")
        turns.append((_visible(pair[0][:LONGEST_QUESTION]), pair[1]))
    return turns


def check_names(course: str | None, documents: Sequence[str] | None) -> None:
    """TutorError where filters are no names, or longer than any name."""
    listed = documents is None or (isinstance(documents, Sequence) and not isinstance(documents, str | bytes))
    if not listed:
        raise TutorError(f"documents is {short(documents)}; it must be a list of names")
    for name in (*(() if course is None else (course,)), *(documents or ())):
        if not isinstance(name, str) or len(name) > LONGEST_NAME:
            raise TutorError(f"there is no course or document {short(name)}; name one as `sources()` lists them")


def _visible(text: str) -> str:
    """What can be seen of a text, with single spaces; half characters become question marks."""
    kept = "".join(c if c.isprintable() else " " for c in text.encode("utf-8", "replace").decode())
    return " ".join(kept.split())
