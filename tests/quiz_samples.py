"""What the tests of the quiz ask about: two lectures of some sentences, and a store over them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from fake_embedder import FakeEmbedder
from lm_samples import small_model, small_tokenizer

from corpus.document import Locator, Passage
from index.build import build
from index.device import Placed
from index.store import Store
from lm.checkpoint import Checkpoint
from lm.reading import content_stems
from tutor.quiz import Quiz
from tutor.quizzable import Gold

COLOUR = "A zoblin is a purple machine that sorts wooden letters by their first sound."
PIPES = "The humming pipes of a zoblin carry the sound of each letter to a copper basin."
COUNT = "Every large zoblin of the valley has 14 humming pipes, and the oldest one hums at night."
REASON = "A zoblin hums because the air in its copper basin trembles with every letter."
NOTES = f"""# Zoblins

## The machine

{COLOUR} This is why children like it.

## Inside

{PIPES} {COUNT}

{REASON}

## Common misconceptions

Misconception: a zoblin is a green animal that eats wooden letters by the dozen.

In the valley of the river every zoblin is a green animal of the night.

## Glossary

- **Zoblin**: a purple machine for sorting letters.
- **Copper basin**: the vessel in which the sound of all letters is gathered.
"""
OTHER = """# Marbles

## Rolling

A marble track is a wooden slope on which glass balls gather speed before they jump.

The longest marble track of the museum has 62 wooden curves, and no visitor has seen all of them.
"""


class Overlap:
    """A ranker: a sentence answers the more of the question's words it has."""

    def scores(self, question: str, passages: Any) -> list[np.ndarray]:
        asked = set(content_stems(question))
        return [
            np.array(
                [8 * len(asked & set(content_stems(one.text[a:b]))) / len(asked) - 4 for a, b in one.sentences], "f4"
            )
            for one in passages
        ]


def checkpoint() -> Checkpoint:
    return Checkpoint(name="small", model=small_model(context=512), tokenizer=small_tokenizer(), training={})


def opened(folder: Path) -> Store:
    """A store of the lectures in a folder of its own, with a ranker; to be closed."""
    (folder / "notes").mkdir()
    (folder / "notes" / "1-zoblins.md").write_text(NOTES, encoding="utf-8")
    (folder / "notes" / "2-marbles.md").write_text(OTHER, encoding="utf-8")
    embedder = FakeEmbedder()
    build([folder / "notes"], folder / "store", embedder=embedder)
    return Store.open(folder / "store", embedder=embedder, ranker=Overlap())


def silent(_: Any, __: Gold) -> str:
    return ""


def quiz(store: Store, write: Any = silent) -> Quiz:
    return Quiz(SimpleNamespace(store=store, placed=Placed(lambda device: checkpoint())), write=write)


def gold(sentence: str, text: str = "", **place: Any) -> Gold:
    text = text or sentence
    locator = Locator(**({"source": "a.md", "start": 0, "end": len(text), "headings": ("Nets", "Gates")} | place))
    passage = Passage(passage_id="1" * 16, document="Nets", text=text, locator=locator, course="C")
    return Gold(passage=passage, start=text.index(sentence), end=text.index(sentence) + len(sentence))


def everything(one: Quiz, **where: Any) -> list[Any]:
    """Every item until nothing is left."""
    random, asked = np.random.default_rng(0), []
    while item := one.ask(random, asked=[item.item_id for item in asked], **where):
        asked.append(item)
        assert len(asked) < 50
    return asked
