"""The files of a ranker: its trained weights in fp16, and their shape, hashes and training as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from index.errors import StoreError

WEIGHTS, CONFIG = "model.safetensors", "config.json"
FORMAT = 1
SETTINGS_HASH = "settings_sha256"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Rank and factor of the low-rank updates, and how many of the last layers have them."""

    rank: int
    scale: float
    layers: int


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a folder holds: the shape, the weights by name in float32, and how they were trained."""

    shape: Shape
    weights: dict[str, Tensor]
    training: dict[str, Any]


def read_ranker(folder: Path) -> Trained:
    """The ranker in `folder`, its hashes verified. Raises StoreError where a file is missing or damaged."""
    shape, sha256, training = _settings(folder / CONFIG)
    path = folder / WEIGHTS
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise StoreError(f"cannot read {path} ({fault.strerror}); restore it") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise StoreError(f"{path} is damaged (its SHA-256 is not the one in {CONFIG}); restore it")
    try:
        weights = {name: weight.float() for name, weight in load(data).items()}
    except SafetensorError as fault:
        reason = str(fault).splitlines()[-1].strip()
        raise StoreError(f"{path} does not fit its configuration ({reason}); restore it") from None
    return Trained(shape=shape, weights=weights, training=training)


def write_ranker(folder: Path, weights: Mapping[str, Tensor], shape: Shape, training: Mapping[str, Any]) -> None:
    """Write the files of a ranker to `folder`, which exists."""
    data = save({name: weight.detach().half().contiguous() for name, weight in weights.items()})
    fields = {"format": FORMAT} | asdict(shape)
    fields |= {"sha256": hashlib.sha256(data).hexdigest(), "training": dict(training)}
    fields[SETTINGS_HASH] = settings_hash(fields)
    (folder / WEIGHTS).write_bytes(data)
    (folder / CONFIG).write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")


def _settings(path: Path) -> tuple[Shape, str, dict[str, Any]]:
    """Shape, SHA-256 of the weights and training, as a configuration says it, verified."""
    try:
        fields: dict[str, Any] = json.loads(path.read_bytes())
        if fields["format"] != FORMAT:
            raise StoreError(f"{path} has format {fields['format']}, this program reads {FORMAT}; restore it")
        unknown = fields.keys() - {"format", "rank", "scale", "layers", "sha256", "training", SETTINGS_HASH}
        shape = Shape(rank=int(fields["rank"]), scale=float(fields["scale"]), layers=int(fields["layers"]))
        sha256, training = str(fields["sha256"]), dict(fields.get("training", {}))
    except (OSError, KeyError, TypeError, ValueError) as fault:
        raise StoreError(f"cannot read the ranker's {path} ({fault}); restore it") from None
    if unknown or fields.get(SETTINGS_HASH, settings_hash(fields)) != settings_hash(fields):
        raise StoreError(f"{path} is damaged (it does not have the hash of its own settings); restore it")
    return shape, sha256, training


def settings_hash(fields: Mapping[str, Any]) -> str:
    """SHA-256 of all settings of a ranker but this hash itself, however the file is laid out."""
    settings = {name: value for name, value in fields.items() if name != SETTINGS_HASH}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode("utf-8")).hexdigest()
