"""One answer in the making: what is found is read, written sentence by sentence, checked and cited."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from index.hits import Hit
from lm.generate import Generated
from lm.reading import Prompt
from lm.sampling import Decoding
from lm.tokenizer import END, StreamDecoder
from tutor.answer import Answer, PromptToken, Ranked, Step, Trace
from tutor.belonging import plausible
from tutor.candidate import Candidate
from tutor.compose import QUOTED, Draft, best_sentence, complete_sentences, intact
from tutor.errors import Stopped
from tutor.evidence import Evidence, Word
from tutor.finding import Found
from tutor.growth import Growth
from tutor.overview import Overview
from tutor.selection import Chosen, with_shown
from tutor.writing import write

if TYPE_CHECKING:
    from tutor.tutor import Tutor

_LONGEST_ANSWER = 200
_REFUSAL = "The course material does not cover this question."
_NOTHING_ASKED = "That asks nothing about the course material. Ask about something in it."
_UNCOVERED = "The course material does not cover the other part of the question: {}"


class Stream:
    """One answer in the making. Iterate for its text; `answer` is there when the iteration has ended."""

    def __init__(
        self,
        tutor: Tutor,
        question: str,
        find: Callable[[], Found | Overview],
        trace: bool,
    ) -> None:
        self._tutor, self._question, self._trace = tutor, question, trace
        self._started = time.perf_counter()
        self._timings: dict[str, float] = {}
        self._stopping = threading.Event()
        found = find()
        self._hits = found.hits
        self._mark("search")
        self._answer: Answer | None = None
        self._deltas = self._run(found) if isinstance(found, Found) else self._outline(found)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._deltas)

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The passages found, best first."""
        return self._hits

    @property
    def answer(self) -> Answer:
        """The whole answer; reads the stream to its end if that was not done. Raises Stopped if it was stopped."""
        for _ in self._deltas:
            pass
        if self._answer is None:
            raise Stopped
        return self._answer

    def stop(self) -> None:
        """Write no more: who reads the stream gets Stopped before the next token. Any thread may call this."""
        self._stopping.set()

    def _going(self, tokens: Iterator[Generated]) -> Iterator[Generated]:
        """The tokens one by one, as long as nobody stops the stream."""
        while not self._stopping.is_set():
            token = next(tokens, None)
            if token is None:
                return
            yield token
        raise Stopped

    def _mark(self, stage: str) -> None:
        """Note the seconds since the stage before; only the first time that a stage is reached counts."""
        if stage not in self._timings:
            self._timings[stage] = time.perf_counter() - self._started - sum(self._timings.values())

    def _run(self, found: Found) -> Iterator[str]:
        # A follow-up is searched with what it leans on and read as it was asked: the passages know the topic by now.
        prompt, chosen = self._tutor.prompt_of(self._tutor.store.mended(self._question), found.candidates)
        if not chosen or found.covered < self._tutor.choices.threshold:
            yield from self._refuse(found)
            return
        self._mark("prompt")
        decoding = Decoding(longest=_LONGEST_ANSWER, may_refuse=False)
        tokens = self._going(write(self._tutor.placed, prompt, decoding, trace=self._trace))
        first = next(tokens)
        self._mark("first_token")
        yield from self._write(chain_first(first, tokens), prompt, chosen, found)

    def _write(
        self, tokens: Iterator[Generated], prompt: Prompt, chosen: Sequence[Chosen], found: Found
    ) -> Iterator[str]:
        """Release sentence after sentence, quoting where the model's words are not intact, and what else belongs."""
        evidence, draft, choices = Evidence(prompt, chosen), Draft(), self._tutor.choices
        candidates = with_shown(chosen, found.candidates)
        growth = Growth(candidates, self._question, choices)
        decoder = StreamDecoder(self._tutor.checkpoint.tokenizer)
        words: list[Word] = []
        text, seen = "", 0
        for generated in tokens:
            final = generated.token == END
            piece = decoder.finish() if final else decoder.feed(generated.token)
            if not final:
                words.append(Word(generated=generated, start=len(text), end=len(text) + len(piece)))
            text += piece
            # Only a piece that ends a sentence or a line can complete one.
            if final or piece[:1].isspace():
                for start, end in complete_sentences(text, final=final)[seen:]:
                    seen += 1
                    inside = evidence.after_heading([word for word in words if word.start < end and start < word.end])
                    start = max(start, inside[0].start if inside else end)
                    sentence = text[start:end].lstrip()
                    origins = [one for one in evidence.origins(inside) if plausible(one, candidates, choices.plausible)]
                    if not origins or growth.repeats(sentence) or draft.units >= choices.sentences:
                        continue
                    self._mark("first_words")
                    own = choices.own_words and len(origins) == 1 and not evidence.woven(inside)
                    if own and intact(sentence, origins[0]) and not growth.lacks(origins[0]):
                        growth.tell(sentence, origins[0])
                        yield from split_words(draft.add(sentence, end - len(sentence), *evidence.of(inside)))
                        continue
                    for unit in filter(None, map(growth.take, origins)):
                        yield from split_words(draft.quote(unit))
        self._mark("generate")
        extractive = len(draft.quotes) == len(draft.moved)
        for unit in growth.rest(choices.sentences - draft.units) or (
            [] if draft.text else [(best_sentence(candidates),)]
        ):
            self._mark("first_words")
            yield from split_words(draft.quote(unit))
        for part in found.uncovered:
            yield from split_words(draft.remark(_UNCOVERED.format(part)))
        self._finish(draft, prompt, chosen, self._words(prompt, words, draft.quotes), extractive=extractive)

    def _outline(self, whole: Overview) -> Iterator[str]:
        """Quote what tells of documents as a whole; the model reads it as it would any other quotation."""
        draft = Draft(text=whole.head)
        prompt, chosen = self._tutor.prompt_of(self._question, whole.points)
        self._mark("prompt")
        yield from split_words(whole.head)
        self._mark("first_words")
        for unit in whole.units:
            yield from split_words(draft.quote(unit))
        for one in () if whole.units else whole.points:
            yield from split_words(draft.point(one, quoted=not whole.titles))
        if whole.titles:
            self._finish(draft, overview=True)
        else:
            self._finish(draft, prompt, chosen, self._words(prompt, (), draft.quotes), overview=True)

    def _words(self, prompt: Prompt, words: Sequence[Word], quoted: Sequence[Candidate]) -> list[Word]:
        """The words that the model wrote and those of the quoted sentences after them, read by the model as if it had
        written them, so that the trace says how it would have come by them."""
        tokenizer = self._tutor.checkpoint.tokenizer
        found, written = list(words), [word.generated.token for word in words]
        if not self._trace or not quoted:
            return found
        for one in quoted:
            written += tokenizer.encode(" " + one.text).ids
        start, decoder = QUOTED, StreamDecoder(tokenizer)
        forced = write(self._tutor.placed, prompt, Decoding(longest=len(written)), trace=True, forced=written)
        for generated in itertools.islice(self._going(forced), len(words), None):
            end = start + len(decoder.feed(generated.token))
            found.append(Word(generated=generated, start=start, end=end))
            start = end
        return found

    def _refuse(self, found: Found) -> Iterator[str]:
        """Say that the material does not cover the question, and name the nearest place."""
        nearest = f" The nearest place is {self._hits[0].passage.locator.describe()}." if self._hits else ""
        text = _NOTHING_ASKED if found.small_talk else _REFUSAL + nearest
        self._mark("generate")
        yield from split_words(text)
        self._finish(Draft(text=text), refused=True)

    def _finish(
        self,
        draft: Draft,
        prompt: Prompt | None = None,
        chosen: Sequence[Chosen] = (),
        words: Sequence[Word] = (),
        *,
        refused: bool = False,
        extractive: bool = False,
        overview: bool = False,
    ) -> None:
        """Make the answer of a draft; without a prompt there is nothing to trace."""
        trace = trace_of(prompt, chosen, words, draft, self._tutor) if self._trace and prompt else None
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
            quoted=tuple(draft.quoted),
            overview=overview,
        )


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
    # Quoted sentences may stand between those that the model wrote.
    steps.sort(key=lambda step: step.start)
    return Trace(prompt=tokens, steps=tuple(steps), read=tuple(chosen))
