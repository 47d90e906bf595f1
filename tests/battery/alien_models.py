"""Checkpoints, rankers and packed data whose parts are whole but do not belong together, or are of another kind."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from index.build import build
from index.embedder import load_embedder
from index.ranker import SHIPPED as RANKER
from index.ranker import Ranker
from index.trained_files import SETTINGS_HASH, settings_hash
from lm import checkpoint
from lm.data import Example, ExampleSet
from lm.tokenizer import Tokenizer
from tests.lm_samples import TEXTS, small_model, small_tokenizer

Fields = dict[str, Any]


def _reconfigured(folder: Path, change: Callable[[Fields], object]) -> Path:
    """Changes the configuration of a checkpoint or a ranker and sets its hash right again."""
    path = folder / checkpoint.CONFIG
    fields = json.loads(path.read_text(encoding="utf-8"))
    change(fields)
    if "model" in fields:
        settings = json.dumps([fields["model"], fields["training"]], sort_keys=True, separators=(",", ":"))
        fields["sha256"][checkpoint.CONFIG] = hashlib.sha256(settings.encode()).hexdigest()
    else:
        fields[SETTINGS_HASH] = settings_hash(fields)
    path.write_text(json.dumps(fields), encoding="utf-8")
    return folder


def _saved(place: Path, tokenizer: Tokenizer | None = None, **shape: Any) -> Path:
    """A small checkpoint, with another tokenizer than its own if one is given."""
    model = small_model(dtype=torch.float32, **shape)
    checkpoint.save(place / "model", model, tokenizer or small_tokenizer(), training={})
    return place / "model"


def _other_tokenizer(chance: random.Random, place: Path) -> None:
    checkpoint.load(_saved(place, Tokenizer.train(TEXTS, vocabulary=chance.randrange(270, 329))))


def _other_format(chance: random.Random, place: Path) -> None:
    checkpoint.load(_reconfigured(_saved(place), lambda fields: fields.update(format=chance.choice((0, 2, "1", None)))))


def _other_architecture(chance: random.Random, place: Path) -> None:
    name = chance.choice(("mamba", "rnn", "lstm", "gru", "window", "", 7))
    checkpoint.load(_reconfigured(_saved(place), lambda fields: fields["model"].update(architecture=name)))


def _other_shape(chance: random.Random, place: Path) -> None:
    field, value = chance.choice(
        (("width", 36), ("layers", 3), ("hidden", 45), ("heads", 4), ("heads", 0), ("tied", 1))
    )
    checkpoint.load(_reconfigured(_saved(place), lambda fields: fields["model"].update({field: value})))


def _unknown_setting(chance: random.Random, place: Path) -> None:
    checkpoint.load(_reconfigured(_saved(place), lambda fields: fields["model"].update(experts=chance.randrange(9))))


def _no_language_model(chance: random.Random, place: Path) -> None:
    checkpoint.load(chance.choice((RANKER, load_embedder().directory, place, "no-such-model")))


def _no_ranker(chance: random.Random, place: Path) -> None:
    Ranker.load(chance.choice((_saved(place), load_embedder().directory, place)))


def _other_ranker(chance: random.Random, place: Path) -> None:
    folder = shutil.copytree(RANKER, place / "ranker")
    field, values = chance.choice((("format", (0, 2, "1")), ("rank", (8, 63)), ("layers", (2, 5))))
    Ranker.load(_reconfigured(folder, lambda fields: fields.update({field: chance.choice(values)})))


def _no_embedder(chance: random.Random, place: Path) -> None:
    folder = chance.choice((_saved(place), RANKER, place))
    (place / "note.md").write_text("# Owls\n\nAn owl flies without a sound.\n", encoding="utf-8")
    build([place / "note.md"], place / "store", embedder=load_embedder(str(folder)))


def _packed_otherwise(chance: random.Random, place: Path) -> None:
    example = Example(prompt=[12, 13], features=[0, 0], answer=[14, 1], pointers=[-1, -1])
    ExampleSet.pack([example]).save(place / "packed.npz", tokenizer=small_tokenizer())
    ExampleSet.load(place / "packed.npz", tokenizer=Tokenizer.train(TEXTS, vocabulary=chance.randrange(270, 329)))


MODELS: dict[str, tuple[Callable[[random.Random, Path], None], str]] = {
    "tokenizer of a checkpoint": (_other_tokenizer, "restore the checkpoint"),
    "format of a checkpoint": (_other_format, "give a directory written by python -m lm.train"),
    "architecture of a checkpoint": (_other_architecture, "restore the checkpoint|give a directory written by"),
    "shape of a checkpoint": (_other_shape, "restore the checkpoint|give a directory written by"),
    "unknown setting of a checkpoint": (_unknown_setting, "give a directory written by python -m lm.train"),
    "another kind of model as checkpoint": (_no_language_model, "give a (checkpoint )?directory"),
    "another kind of model as ranker": (_no_ranker, "restore it"),
    "format or shape of the ranker": (_other_ranker, "restore it"),
    "another kind of model as embedder": (_no_embedder, "--embedder|it needs config.json"),
    "tokenizer of packed data": (_packed_otherwise, "pack it anew with the one given"),
}
"""What is tried with models, in an empty place, and how the refusal says what to do."""
