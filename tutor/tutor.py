"""The tutor: search, read, write, cite. `Tutor.load` is the only place that puts the parts together."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from index.store import Hit, Store
from lm.checkpoint import Checkpoint
from lm.generate import Generated, generate
from lm.reading import Prompt, build_prompt, content_stems
from lm.sampling import Decoding
from lm.tokenizer import END, NONE, StreamDecoder
from tutor.answer import Answer, History, PromptToken, Ranked, Step, Trace
from tutor.compose import Draft, Evidence, Word, best_sentence, complete_sentences, supported, whole
from tutor.coverage import THRESHOLD, probability, signals
from tutor.dialogue import standalone
from tutor.errors import TutorError
from tutor.selection import Candidate, Chosen, candidate, select

LONGEST_QUESTION = 2000
"""Characters; a longer question is refused with one line."""

READ = 3
"""Of the passages found, the best so many are read. 2026-11-21, dev questions of the course and 210 questions on five
slide transcripts, all key facts of an answer: 0.50 and 0.34 with three, 0.51 and 0.29 with five."""

QUESTION_TOKENS = 200
SENTENCE_TOKENS = 512
"""What is read of an overlong question; and the longest sentence (equation, block of code) that a prompt takes in."""

PROMPT_BUDGET = 256
"""Tokens of passage sentences in a prompt. On the same questions: 0.51 and 0.29 (five passages), 0.48 and 0.27 with
192 tokens; with 384 about the same, and slower."""

_LONGEST_ANSWER = 200
_REFUSAL = "The course material does not cover this question."


class Tutor:
    """Answers questions from one store with one model. Safe to share between threads that take turns."""

    def __init__(self, store: Store, checkpoint: Checkpoint) -> None:
        self.store = store
        self.checkpoint = checkpoint

    @classmethod
    def load(cls, store: str | Path | None = None, model: str | Path | None = None, device: str | None = None) -> Tutor:
        """Open a store (None: the default one, built from the shipped notes if it is missing), load a model (a name
        that ships, a directory, or None for the default) on a device (None: a GPU where there is one).

        Raises StoreError or CheckpointError with one line that says what to do.
        """
        # Threads that spin while they wait are many times slower on busy cores; read when torch is first imported.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        from index.build import build_shipped
        from index.paths import default_store
        from lm import checkpoint

        if device is None:
            import torch

            device = "cuda" if torch.cuda.is_available() else "cpu"
        loaded = checkpoint.load(model, device=device)
        path = default_store() if store is None else Path(store)
        if store is None:
            build_shipped(path)
        opened = Store.open(path)
        # The embedder loads at its first use; the first question should not wait for it.
        opened.encode(["ready"])
        return cls(opened, loaded)

    @property
    def model_name(self) -> str:
        """Name of the model that answers."""
        return self.checkpoint.name

    def ask(
        self,
        question: str,
        history: History = (),
        k: int = 5,
        *,
        course: str | None = None,
        documents: Sequence[str] | None = None,
        trace: bool = True,
    ) -> Answer:
        """Answer a question from the `k` best passages.

        `history` holds earlier (question, answer) turns, oldest first, for follow-ups; `course` and `documents` keep
        the search to a part of the store; `trace` off saves the attention of every layer. Raises TutorError for an
        empty or overlong question, StoreError for an unknown course or document.
        """
        stream = self.stream(question, history, k, course=course, documents=documents, trace=trace)
        for _ in stream:
            pass
        return stream.answer

    def stream(
        self,
        question: str,
        history: History = (),
        k: int = 5,
        *,
        course: str | None = None,
        documents: Sequence[str] | None = None,
        trace: bool = True,
    ) -> Stream:
        """The same answer as it is written: an iterator over pieces of text; `.answer` holds the whole afterwards."""
        question = check_question(question)
        if k < 1:
            raise TutorError(f"k is {k}; it must be at least 1")
        query = self.query(question, history, course=course, documents=documents)
        return Stream(self, question, query, k, course, documents, trace)

    def query(
        self,
        question: str,
        history: History = (),
        *,
        course: str | None = None,
        documents: Sequence[str] | None = None,
    ) -> str:
        """What is searched and read for a question: with the earlier ones that it leans on, typing errors mended."""

        def nearness(text: str) -> float:
            hits = self.store.search(text, k=1, course=course, documents=documents)
            return hits[0].score if hits else 0.0

        return self.store.mended(standalone(question, history, nearness))

    def look(self, question: str, k: int = 5) -> tuple[tuple[Hit, ...], float]:
        """The hits for a question and the reader's probability that they do not answer it, without writing."""
        question = self.store.mended(check_question(question))
        hits = self.store.search(question, k=k)
        prompt, _ = self.prompt(question, hits)
        return hits, next(generate(self.checkpoint.model, prompt, Decoding())).p_none

    def prompt(self, question: str, hits: Sequence[Hit]) -> tuple[Prompt, tuple[Chosen, ...]]:
        """The prompt for a question on passages found, and the sentences that were chosen for it."""
        tokenizer = self.checkpoint.tokenizer
        offsets = tokenizer.encode(question).offsets[:QUESTION_TOKENS]
        fitting = [one for one in read_hits(hits[:READ]) if len(tokenizer.encode(one.text).ids) <= SENTENCE_TOKENS]
        chosen = select(fitting, tokenizer, budget=PROMPT_BUDGET)
        return build_prompt(tokenizer, question[: offsets[-1][1]], [one.pieces for one in chosen]), chosen


def check_question(question: str) -> str:
    """The question without surrounding white space and control characters; TutorError if empty or too long."""
    if len(question) > LONGEST_QUESTION:
        raise TutorError(f"the question has {len(question):,} characters; ask in at most {LONGEST_QUESTION:,}")
    kept = "".join(c if c.isprintable() else " " for c in question.encode("utf-8", "replace").decode())
    kept = " ".join(kept.split())
    if not kept:
        raise TutorError("the question is empty; ask something about the course")
    return kept


class Stream:
    """One answer in the making. Iterate for its text; `answer` is there when the iteration has ended."""

    def __init__(
        self,
        tutor: Tutor,
        question: str,
        query: str,
        k: int,
        course: str | None,
        documents: Sequence[str] | None,
        trace: bool,
    ) -> None:
        self._tutor, self._question, self._query, self._trace = tutor, question, query, trace
        self._started = time.perf_counter()
        self._timings: dict[str, float] = {}
        self._hits = tutor.store.search(query, k=k, course=course, documents=documents)
        self._mark("search")
        self._answer: Answer | None = None
        self._deltas = self._run()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._deltas)

    @property
    def answer(self) -> Answer:
        """The whole answer; reads the stream to its end if that was not done."""
        for _ in self._deltas:
            pass
        assert self._answer is not None
        return self._answer

    def _mark(self, stage: str) -> None:
        """Note the seconds since the stage before; only the first time that a stage is reached counts."""
        if stage not in self._timings:
            self._timings[stage] = time.perf_counter() - self._started - sum(self._timings.values())

    def _run(self) -> Iterator[str]:
        # A follow-up is searched with what it leans on and read as it was asked: the passages know the topic by now.
        read = self._tutor.store.mended(self._question)
        prompt, chosen = self._tutor.prompt(read, self._hits)
        if not chosen:
            yield from self._refuse()
            return
        self._mark("prompt")
        tokens = generate(self._tutor.checkpoint.model, prompt, Decoding(longest=_LONGEST_ANSWER), trace=self._trace)
        first = next(tokens)
        self._mark("first_token")
        if probability(signals(self._query, self._hits, first.p_none)) < THRESHOLD:
            yield from self._refuse()
            return
        yield from self._write(first, tokens, prompt, chosen)

    def _write(
        self, first: Generated, tokens: Iterator[Generated], prompt: Prompt, chosen: Sequence[Chosen]
    ) -> Iterator[str]:
        """Release sentence after sentence; quote the best one where the model's words are not supported."""
        if first.token == NONE:
            first, tokens = self._again(prompt)
        evidence, draft = Evidence(prompt, chosen), Draft()
        stems = frozenset(stem for one in chosen for piece in one.pieces for stem in content_stems(piece.text))
        decoder = StreamDecoder(self._tutor.checkpoint.tokenizer)
        words: list[Word] = []
        text, released = "", 0
        said: set[str] = set()
        meant: Candidate | None = None
        for generated in chain_first(first, tokens):
            final = generated.token == END
            piece = decoder.finish() if final else decoder.feed(generated.token)
            if not final:
                words.append(Word(generated=generated, start=len(text), end=len(text) + len(piece)))
            text += piece
            # Only a piece that ends a sentence or a line can complete one.
            if final or piece[:1].isspace():
                for start, end in complete_sentences(text, final=final)[released:]:
                    released += 1
                    inside = evidence.after_heading([word for word in words if word.start < end and start < word.end])
                    start = max(start, inside[0].start if inside else end)
                    sentence = text[start:end].lstrip()
                    start = end - len(sentence)
                    if not sentence or sentence in said:
                        continue
                    said.add(sentence)
                    if not (supported(sentence, stems) and whole(sentence)) or evidence.woven(inside):
                        meant = meant or evidence.origin(inside)[0]
                        continue
                    self._mark("first_words")
                    yield from split_words(draft.add(sentence, start, *evidence.of(inside)))
        self._mark("generate")
        if draft.text:
            self._finish(draft, trace_of(prompt, chosen, words, draft, self._tutor) if self._trace else None)
        else:
            yield from self._quote(prompt, chosen, meant)

    def _again(self, prompt: Prompt) -> tuple[Generated, Iterator[Generated]]:
        """Search speaks for an answer and the reader declined: let it write all the same."""
        decoding = Decoding(longest=_LONGEST_ANSWER, may_refuse=False)
        tokens = generate(self._tutor.checkpoint.model, prompt, decoding, trace=self._trace)
        return next(tokens), tokens

    def _quote(self, prompt: Prompt, chosen: Sequence[Chosen], meant: Candidate | None) -> Iterator[str]:
        """A sentence of the prompt word for word: the one drawn on most, else the one most like the question."""
        best = meant or best_sentence([one for group in chosen for one in group.candidates])
        draft = Draft()
        yield from split_words(draft.add(best.text, 1, {best.passage: 1.0}, {best.passage: [(best.start, best.end)]}))
        trace = None
        if self._trace:
            checkpoint = self._tutor.checkpoint
            ids = checkpoint.tokenizer.encode(" " + best.text).ids
            words: list[Word] = []
            end, decoder = 0, StreamDecoder(checkpoint.tokenizer)
            for generated in generate(checkpoint.model, prompt, Decoding(), trace=True, forced=ids):
                start, end = end, end + len(decoder.feed(generated.token))
                words.append(Word(generated=generated, start=start, end=end))
            trace = trace_of(prompt, chosen, words, draft, self._tutor)
        self._finish(draft, trace, extractive=True)

    def _refuse(self) -> Iterator[str]:
        nearest = f" The nearest place is {self._hits[0].passage.locator.describe()}." if self._hits else ""
        self._mark("generate")
        yield from split_words(_REFUSAL + nearest)
        self._finish(Draft(text=_REFUSAL + nearest), None, refused=True)

    def _finish(self, draft: Draft, trace: Trace | None, *, refused: bool = False, extractive: bool = False) -> None:
        passages = tuple(Ranked(passage=hit.passage, score=hit.score) for hit in self._hits)
        self._timings["total"] = time.perf_counter() - self._started
        self._answer = Answer(
            question=self._question,
            text=draft.text,
            refused=refused,
            citations=draft.citations(passages),
            passages=passages,
            trace=trace,
            timings=self._timings,
            model=self._tutor.model_name,
            extractive=extractive,
        )


def read_hits(hits: Sequence[Hit]) -> list[Candidate]:
    """The sentences of the passages found, in reading order of each."""
    found: list[Candidate] = []
    for number, hit in enumerate(hits):
        headings = {" ".join(heading.split()).casefold() for heading in hit.passage.locator.headings}
        for sentence in hit.sentences:
            one = candidate(number, hit.passage.text, sentence.start, sentence.end, sentence.score)
            if one is not None:
                found.append(replace(one, heading=" ".join(one.text.split()).casefold() in headings))
    return found


def chain_first(first: Generated, rest: Iterator[Generated]) -> Iterator[Generated]:
    """All tokens, and an end token where the writing was cut short."""
    last = first
    yield first
    for last in rest:
        yield last
    if last.token != END:
        yield replace(last, token=END)


def split_words(text: str) -> Iterator[str]:
    """The text in pieces of one word with the white space before it."""
    start = 0
    for position in range(1, len(text)):
        if text[position].isspace() and not text[position - 1].isspace():
            yield text[start:position]
            start = position
    if text[start:]:
        yield text[start:]


def trace_of(prompt: Prompt, chosen: Sequence[Chosen], words: Sequence[Word], draft: Draft, tutor: Tutor) -> Trace:
    """The typed record of a generation, its tokens placed in the text of the answer."""
    tokenizer = tutor.checkpoint.tokenizer
    evidence = Evidence(prompt, chosen)
    tokens = tuple(
        PromptToken(
            text=tokenizer.piece(token),
            passage=int(evidence.owner[position]) if place.source >= 0 else None,
            start=evidence.spans[position][0],
            end=evidence.spans[position][1],
            in_question=place.source == -1,
        )
        for position, (token, place) in enumerate(zip(prompt.tokens, prompt.places, strict=True))
    )
    steps = []
    for word in words:
        one, place = word.generated, draft.place((word.start, word.end))
        if place is None:
            continue
        assert one.attention is not None
        steps.append(
            Step(
                text=tokenizer.piece(one.token),
                probability=one.probability,
                p_copy=one.p_copy,
                copy=one.copy,
                attention=one.attention,
                gates=one.gates or {},
                alternatives=tuple((tokenizer.piece(token), p) for token, p in one.alternatives),
                start=place[0],
                end=place[1],
            )
        )
    return Trace(prompt=tokens, steps=tuple(steps))
