"""The files of what is trained for the index: weights in fp16, and their settings, hashes and training as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from index.errors import StoreError

WEIGHTS, CONFIG = "model.safetensors", "config.json"
FORMAT = 1
SETTINGS_HASH = "settings_sha256"

Settings = TypeVar("Settings")
Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Trained(Generic[Settings]):
    """What a folder holds: the settings, the weights by name in float32, and how they were trained."""

    settings: Settings
    weights: Weights
    training: dict[str, Any]


def read_trained(folder: Path, name: str, kind: type[Settings]) -> Trained[Settings]:
    """What `folder` holds, its hashes verified; `name` is what a message calls it and `kind` the dataclass of its
    settings. Raises StoreError where a file is missing or damaged."""
    settings, sha256, training = _settings(folder / CONFIG, name, kind)
    path = folder / WEIGHTS
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise StoreError(f"cannot read {path} ({fault.strerror}); restore it") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise StoreError(f"{path} is damaged (its SHA-256 is not the one in {CONFIG}); restore it")
    try:
        weights = {name: weight.astype(np.float32) for name, weight in load(data).items()}
    except SafetensorError as fault:
        raise misfit(path, fault) from None
    return Trained(settings=settings, weights=weights, training=training)


def write_trained(folder: Path, weights: Weights, settings: Any, training: Mapping[str, Any]) -> None:
    """Write the files to `folder`, which exists; `settings` is a dataclass."""
    data = save({name: np.ascontiguousarray(weight, dtype=np.float16) for name, weight in weights.items()})
    fields: dict[str, Any] = {"format": FORMAT} | asdict(settings)
    fields |= {"sha256": hashlib.sha256(data).hexdigest(), "training": dict(training)}
    fields[SETTINGS_HASH] = settings_hash(fields)
    (folder / WEIGHTS).write_bytes(data)
    (folder / CONFIG).write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")


def misfit(path: Path, fault: Exception | str) -> StoreError:
    """The error for weights that do not have the shape that their configuration says."""
    reason = str(fault).splitlines()[-1].strip()
    return StoreError(f"{path} does not fit its configuration ({reason}); restore it")


def _settings(path: Path, name: str, kind: type[Settings]) -> tuple[Settings, str, dict[str, Any]]:
    """Settings, SHA-256 of the weights and training, as a configuration says it, verified."""
    types = get_type_hints(kind)
    try:
        fields: dict[str, Any] = json.loads(path.read_bytes())
        if fields["format"] != FORMAT:
            raise StoreError(f"{path} has format {fields['format']}, this program reads {FORMAT}; restore it")
        unknown = fields.keys() - {"format", *types, "sha256", "training", SETTINGS_HASH}
        settings = kind(**{field: type_(fields[field]) for field, type_ in types.items()})
        sha256, training = str(fields["sha256"]), dict(fields.get("training", {}))
    except (OSError, KeyError, TypeError, ValueError) as fault:
        raise StoreError(f"cannot read the {name}'s {path} ({fault}); restore it") from None
    if unknown or fields.get(SETTINGS_HASH, settings_hash(fields)) != settings_hash(fields):
        raise StoreError(f"{path} is damaged (it does not have the hash of its own settings); restore it")
    return settings, sha256, training


def settings_hash(fields: Mapping[str, Any]) -> str:
    """SHA-256 of all settings but this hash itself, however the file is laid out."""
    settings = {name: value for name, value in fields.items() if name != SETTINGS_HASH}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode("utf-8")).hexdigest()
