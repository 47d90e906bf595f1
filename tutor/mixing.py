"""From sources to examples: draws from them, has sentences scored, lays out prompts and answers, adds plain text."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lm.data import Example, reading_example, text_examples
from lm.tokenizer import Tokenizer
from tutor.gathering import Entry, Source, Texts
from tutor.items import Paragraphs
from tutor.mixture import Mixture, SourceSpec
from tutor.records import Draft, Maker, Ready
from tutor.scores import Scored, noisy

TEXT = "text"
"""What plain text is called among the sources of a manifest."""

_TRIES = 3
"""Draws for an example before a source counts as unable to give more."""


@dataclass(kw_only=True)
class Counts:
    """Examples and tokens by source, and how many examples were left out for their length."""

    examples: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    too_long: Counter[str] = field(default_factory=Counter)

    def add(self, source: str, example: Example) -> None:
        """Note one more."""
        self.examples[source] += 1
        self.tokens[source] += len(example.prompt) + len(example.answer)


class Mixer:
    """Makes the examples of each output, with chance from the seed of the mixture."""

    def __init__(
        self, mixture: Mixture, paragraphs: Paragraphs, tokenizer: Tokenizer, texts: Texts, scored: Scored | None
    ) -> None:
        self.mixture, self.tokenizer = mixture, tokenizer
        self.counts: dict[str, Counts] = defaultdict(Counts)
        self._texts, self._scored = texts, scored
        self._random = np.random.default_rng(mixture.seed)
        self._maker = Maker(paragraphs, tokenizer, mixture.prompt, mixture.seed)

    def drawn(self, sources: Iterable[Source], output: str) -> list[tuple[str, list[Draft | Ready]]]:
        """What an output is made of, by source, not scored yet."""
        found = []
        for source in sources:
            wanted = source.spec.examples.get(output, 0)
            drafts = self._draw(source.spec, source.train, wanted)
            if len(drafts) < wanted:
                print(f"{source.spec.name}: only {len(drafts):,} of {wanted:,} could be made", file=sys.stderr)
            found.append((source.spec.name, drafts))
        return found

    def drawn_held_out(self, sources: Iterable[Source]) -> list[tuple[str, list[Draft | Ready]]]:
        """Examples of held-out documents, of each source a share of what the outputs get of it."""
        share = self.mixture.held_out
        return [
            (one.spec.name, self._draw(one.spec, one.held, min(len(one.held), round(share * one.spec.most))))
            for one in sources
        ]

    def _draw(self, spec: SourceSpec, entries: Sequence[Entry], wanted: int) -> list[Draft | Ready]:
        """So many drafts, going round the entries in a new order each time."""
        found: list[Draft | Ready] = []
        order: list[int] = []
        for _ in range(_TRIES * wanted if entries else 0):
            if len(found) == wanted:
                break
            order = order or self._random.permutation(len(entries)).tolist()
            entry = entries[order.pop()]
            draft = entry if isinstance(entry, Ready) else self._maker.draft(entry, self._unranked(spec))
            if draft:
                found.append(draft)
        # Questions on one passage stand together, which a compressed file has much use for.
        return sorted(found, key=lambda one: -1 if isinstance(one, Ready) else min(one.passages))

    def _unranked(self, spec: SourceSpec) -> float | None:
        """Where nothing is scored nothing can be ranked."""
        return 1.0 if self.mixture.scores.by == "none" else spec.unranked

    def score(self, drawn: Iterable[tuple[str, list[Draft | Ready]]]) -> None:
        """Score the sentences of all drafts that are to be ranked."""
        if self._scored:
            self._scored.score(one for _, drafts in drawn for one in drafts if isinstance(one, Draft) and one.ranked)

    def examples(self, drawn: Sequence[tuple[str, list[Draft | Ready]]], output: str, text: float) -> Iterator[Example]:
        """The examples of an output, then plain text until the share `text` of all tokens is reached."""
        counts = self.counts[output]
        for name, drafts in drawn:
            for draft in drafts:
                record = self._record(draft)
                if record is None:
                    continue
                example = reading_example(self.tokenizer, record)
                if len(example.prompt) + len(example.answer) > self.mixture.longest:
                    counts.too_long[name] += 1
                    continue
                counts.add(name, example)
                yield example
            print(f"{output}: {counts.examples[name]:,} examples of {name}", file=sys.stderr)
        target = counts.tokens.total() * text / (1 - text)
        seed = self.mixture.seed + list(self.counts).index(output)
        for document in self._texts.draw(seed) if target else ():
            for example in text_examples(self.tokenizer, document):
                counts.add(TEXT, example)
                yield example
            if counts.tokens[TEXT] >= target:
                break

    def _record(self, draft: Draft | Ready) -> dict[str, Any] | None:
        if isinstance(draft, Ready):
            return draft.record
        settings = self.mixture.scores
        if not draft.ranked:
            return self._maker.record(draft, None)
        if self._scored is None:
            return self._maker.record(draft, self._maker.drawn_scores(draft, settings.gain))
        found = noisy(self._scored.of(draft), settings.noise, self._random)
        if settings.by == "ranker":
            found = ((1 / (1 + np.exp(-values))).astype(np.float32) for values in found)
        return self._maker.record(draft, list(found))
