"""Stores of a few sentences with the quick embedder, and models that know nothing to answer from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from fake_embedder import FakeEmbedder

from index.build import build
from index.store import Store
from lm.checkpoint import Checkpoint
from lm.config import preset
from lm.model import LanguageModel
from lm.reading import FEATURES
from lm.tokenizer import Tokenizer

GATES = {"gates.md": "# Gates\n\nThe forget gate keeps or drops the old state.\n"}
OWLS = "# Owls\n\nAn owl turns its head because its eyes do not move.\n"

ZOBLINS = """# Zoblins

## Colour

A zoblin is a purple machine that sorts letters. It was built by Quarnell in 1987.

## Sound

The zoblin hums at 440 hertz while it works.
"""
ZOBLIN_FILES = {
    "colour.md": "# Colour\n\nA zoblin is a purple machine that sorts letters. It was built by Quarnell in 1987.\n",
    "sound.md": "# Sound\n\nThe zoblin hums at 440 hertz while it works.\n",
    "food.md": "# Food\n\nEvery zoblin eats two spoons of sand before dawn.\n",
}
"""One passage each."""


def build_store(folder: Path, files: Mapping[str, str]) -> Path:
    """A store of files of these names and texts, in `folder/store`; they lie in `folder/notes`, their course."""
    notes = folder / "notes"
    notes.mkdir()
    for name, text in files.items():
        (notes / name).write_text(text, encoding="utf-8")
    build([notes], folder / "store", embedder=FakeEmbedder())
    return folder / "store"


def open_store(folder: Path, files: Mapping[str, str]) -> Store:
    """That store, opened."""
    return Store.open(build_store(folder, files), embedder=FakeEmbedder())


def ignorant(
    texts: Iterable[str], *, architecture: str = "transformer", gate: float | None = None, context: int = 1024
) -> Checkpoint:
    """A model that knows nothing, with a tokenizer of these texts. It always copies with a `gate` far above 0 and
    never with one far below."""
    tokenizer = Tokenizer.train(list(texts), vocabulary=400)
    shape = preset("tiny", vocabulary=tokenizer.size, features=FEATURES, context=context, architecture=architecture)
    model = LanguageModel(shape)
    model.reset(torch.Generator().manual_seed(3))
    if gate is not None:
        with torch.no_grad():
            model.copy.gate.bias.fill_(gate)
    return Checkpoint(name=architecture, model=model.eval(), tokenizer=tokenizer, training={})
