"""A checkpoint is a directory: `model.safetensors`, `tokenizer.json` and `config.json`, the last one holding the model
configuration, how the weights were made, and the SHA-256 of all of it. Nothing loads unless the hashes hold."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from lm.config import ModelConfig
from lm.model import LanguageModel
from lm.tokenizer import Tokenizer

FORMAT = 1
WEIGHTS, TOKENIZER, CONFIG = "model.safetensors", "tokenizer.json", "config.json"
SHIPPED = Path(__file__).parent / "checkpoints"
DEFAULT = "mini"
NEXT = ".next"
"""Ends the names of new weights and of a new tokenizer until the `config.json` that names their hashes is in place."""
_SCALE = ".int8_scale"
_ANOTHER = "give a directory written by python -m lm.train"


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names the file and says what to do."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model ready to use, its tokenizer, its name and what is known about its training."""

    name: str
    model: LanguageModel
    tokenizer: Tokenizer
    training: dict[str, Any]


def resolve(name: str | Path | None) -> Path:
    """Directory of a checkpoint given by name (one that ships) or by path; None is the default model."""
    if name is None:
        name = DEFAULT
    for path in (Path(name), SHIPPED / str(name)):
        if (path / CONFIG).is_file():
            return path
    if Path(name).is_dir():
        inside = [str(path.parent) for path in sorted(Path(name).glob(f"*/{CONFIG}"))]
        known = f"one of: {', '.join(inside)}" if inside else "a directory written by python -m lm.train"
        raise CheckpointError(f"{name} holds no {CONFIG}; give {known}")
    shipped = sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}"))
    raise CheckpointError(
        f"no model {str(name)!r}; give a checkpoint directory or one of: {', '.join(shipped) or 'none'}"
    )


def load(name: str | Path | None = None, *, device: str | torch.device = "cpu") -> Checkpoint:
    """Load a checkpoint in fp32 and evaluation mode; CheckpointError if a file is missing, damaged or alien."""
    folder, device = resolve(name), usable_device(device)
    fields = _settings(folder / CONFIG)
    _, weights = _verified(folder / WEIGHTS, fields["sha256"].get(WEIGHTS, ""))
    path, _ = _verified(folder / TOKENIZER, fields["sha256"].get(TOKENIZER, ""))
    try:
        tokenizer = Tokenizer.load(path)
        # Checkpoints of the first tokenizers do not say how many special tokens there are.
        config = ModelConfig.from_json({"special": tokenizer.special} | fields["model"])
    except ValueError as fault:
        raise CheckpointError(f"{folder / CONFIG} describes no model of this program ({fault}); {_ANOTHER}") from None
    if (tokenizer.size, tokenizer.special) != (config.vocabulary, config.special):
        raise CheckpointError(
            f"{folder / TOKENIZER} has {tokenizer.size} pieces, {tokenizer.special} of them special, "
            f"the model {config.vocabulary}, {config.special}; restore the checkpoint"
        )
    model = LanguageModel(config)
    try:
        model.load_state_dict(restored(load_tensors(weights)))
    except (SafetensorError, RuntimeError) as fault:
        reason = str(fault).splitlines()[-1].strip()
        raise CheckpointError(
            f"{folder / WEIGHTS} does not fit its configuration ({reason}); restore the checkpoint"
        ) from None
    return Checkpoint(
        name=folder.name, model=model.to(device).eval(), tokenizer=tokenizer, training=dict(fields["training"])
    )


def usable_device(name: str | torch.device) -> torch.device:
    """The device of that name; CheckpointError where this machine or this torch has none."""
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as fault:
        raise CheckpointError(f"cannot use device {str(name)!r} ({str(fault).splitlines()[0]}); try cpu") from fault
    return device


def _settings(path: Path) -> dict[str, Any]:
    """What `config.json` holds, verified: format, model, training, sha256."""
    try:
        fields: dict[str, Any] = json.loads(path.read_bytes())
        if fields["format"] != FORMAT:
            raise CheckpointError(f"{path} has format {fields['format']}, this program reads {FORMAT}; {_ANOTHER}")
        if fields["sha256"][CONFIG] != _settings_hash(fields):
            raise CheckpointError(f"{path} was changed after it was written; restore the checkpoint")
    except CheckpointError:
        raise
    except OSError as fault:
        raise CheckpointError(f"cannot read {path} ({fault.strerror}); restore the checkpoint") from None
    except (LookupError, TypeError, ValueError) as fault:
        raise CheckpointError(f"{path} is damaged or of another kind ({fault}); restore it, or {_ANOTHER}") from None
    return fields


def _verified(path: Path, sha256: str) -> tuple[Path, bytes]:
    """The file of that hash, which a `save` that was cut short may not have given its name, and what it holds."""
    newer = path.with_name(path.name + NEXT)
    with suppress(OSError):
        data = newer.read_bytes()
        if hashlib.sha256(data).hexdigest() == sha256:
            return newer, data
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise CheckpointError(f"cannot read {path} ({fault.strerror}); restore the checkpoint") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise CheckpointError(f"{path} is damaged (its SHA-256 is not the one in {CONFIG}); restore the checkpoint")
    return path, data


def _settings_hash(fields: dict[str, Any]) -> str:
    """SHA-256 of the model and training settings, however the file is laid out."""
    settings = json.dumps([fields["model"], fields["training"]], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(settings.encode()).hexdigest()


def save(
    folder: Path,
    model: LanguageModel,
    tokenizer: Tokenizer,
    *,
    training: dict[str, Any],
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a checkpoint so that a crash leaves the old one or the new one, whole."""
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(CheckpointError):
        _settle(folder)
    tensors = stored({key: value.detach().cpu() for key, value in model.state_dict().items()}, dtype)
    contents = {WEIGHTS: save_tensors(tensors), TOKENIZER: tokenizer.to_json().encode()}
    fields: dict[str, Any] = {
        "format": FORMAT,
        "model": model.config.to_json(),
        "training": training,
        "sha256": {part: hashlib.sha256(data).hexdigest() for part, data in contents.items()},
    }
    fields["sha256"][CONFIG] = _settings_hash(fields)
    for part, data in contents.items():
        write_atomically(folder / (part + NEXT), data)
    write_atomically(folder / CONFIG, (json.dumps(fields, indent=2) + "\n").encode())
    _settle(folder)


def _settle(folder: Path) -> None:
    """Give their names to the new files that `config.json` is about."""
    sha256 = _settings(folder / CONFIG)["sha256"]
    for part in (WEIGHTS, TOKENIZER):
        with suppress(CheckpointError):
            found, _ = _verified(folder / part, sha256.get(part, ""))
            if found != folder / part:
                found.replace(folder / part)


def stored(weights: dict[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """Weights as a file keeps them, in fp32, fp16, bf16 or int8.

    As int8 each row of a matrix is a scale, its largest absolute value / 127, times whole numbers from -127 to 127
    (symmetric quantisation, one scale per output; Jacob et al. 2018, section 2.1); vectors stay in fp32.
    """
    if dtype != torch.int8:
        return {name: weight.to(dtype).contiguous() for name, weight in weights.items()}
    found: dict[str, Tensor] = {}
    for name, weight in weights.items():
        weight = weight.float()
        if weight.dim() < 2:
            found[name] = weight.contiguous()
            continue
        scale = weight.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / 127
        found[name] = (weight / scale).round().to(torch.int8).contiguous()
        found[name + _SCALE] = scale.contiguous()
    return found


def restored(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Inverse of `stored`: weights in fp32."""
    scales = {name.removesuffix(_SCALE): value for name, value in tensors.items() if name.endswith(_SCALE)}
    weights = {name: value.float() for name, value in tensors.items() if not name.endswith(_SCALE)}
    return {name: weight * scales[name] if name in scales else weight for name, weight in weights.items()}


def write_atomically(path: Path, data: bytes) -> None:
    """Write `path` so that a crash leaves the old file or the new one, whole."""
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
