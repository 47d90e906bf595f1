"""Train a reading language model.

    python -m lm.train --tokenizer tok.json --data train.npz --validation dev.npz --run runs/mini --steps 4000

A run directory holds `run.json` (the settings, data hashes and command), `metrics.jsonl`, `state.pt` (all that is
needed to go on exactly where a run stopped: weights, optimizers, position in the data), and `last/` and `best/`
checkpoints. Run the same command again to resume.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lm.config import PRESETS, TrainConfig, preset

if TYPE_CHECKING:
    from lm.data import ExampleSet
    from lm.model import LanguageModel
    from lm.tokenizer import Tokenizer

_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296"}
"""glibc returns large blocks to the system after every step unless told not to; training is then far slower."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m lm.train", description="Train a reading language model.")
    cli.add_argument("--tokenizer", type=Path, required=True, help="tokenizer.json from python -m lm.tokenize train")
    cli.add_argument("--data", type=Path, nargs="+", required=True, help="packed files from python -m lm.tokenize pack")
    cli.add_argument("--validation", type=Path, required=True, help="a packed file held out for validation")
    cli.add_argument("--run", type=Path, required=True, help="directory of the run; an unfinished run is resumed")
    cli.add_argument("--preset", choices=sorted(PRESETS), default="mini", help="size of the model")
    cli.add_argument("--dropout", type=float, default=0.0)
    cli.add_argument("--init", help="checkpoint (name or directory) whose weights to start from")
    cli.add_argument("--device", help="cuda where there is a GPU, else cpu")
    for name, field in TrainConfig.__dataclass_fields__.items():
        kind = {"int": int, "float": float}.get(str(field.type), str)
        flag = "--" + name.replace("_", "-")
        if name == "precision":
            cli.add_argument(
                flag, choices=("auto", "fp32", "bf16"), default="auto", help="auto measures which is faster"
            )
        elif name == "steps":
            cli.add_argument(flag, type=kind, required=True, help="number of updates")
        else:
            cli.add_argument(flag, type=kind, default=field.default)
    return cli


def _load(paths: Sequence[Path], tokenizer: Tokenizer) -> ExampleSet:
    from lm.data import DataError, ExampleSet

    sets = [ExampleSet.load(path, tokenizer=tokenizer) for path in paths]
    merged = ExampleSet.merge(sets)
    if len(merged) == 0:
        raise DataError(f"{', '.join(map(str, paths))} hold no examples; pack more data")
    return merged


def _model(arguments: argparse.Namespace, tokenizer: Tokenizer, seed: int) -> LanguageModel:
    """Fresh weights of the preset, or those of --init."""
    import torch

    from lm.checkpoint import CheckpointError, load
    from lm.model import LanguageModel
    from lm.reading import FEATURES

    torch.manual_seed(seed)
    if arguments.init:
        model = load(arguments.init, device=arguments.device).model
        if model.config.vocabulary != tokenizer.size:
            raise CheckpointError(
                f"{arguments.init} has {model.config.vocabulary} pieces, the tokenizer {tokenizer.size}; "
                "give the tokenizer.json of that checkpoint"
            )
        return model
    shape = preset(arguments.preset, vocabulary=tokenizer.size, features=FEATURES, dropout=arguments.dropout)
    model = LanguageModel(shape)
    model.reset(torch.Generator().manual_seed(seed))
    return model


def _train(arguments: argparse.Namespace) -> None:
    import torch

    from lm.checkpoint import usable_device, write_atomically
    from lm.data import DataError
    from lm.tokenizer import Tokenizer
    from lm.trainer import Trainer, faster_precision, resume, run

    arguments.device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    device = usable_device(arguments.device)
    if arguments.precision == "auto":
        arguments.precision = faster_precision(device)
    config = TrainConfig(**{name: getattr(arguments, name) for name in TrainConfig.__dataclass_fields__})
    tokenizer = Tokenizer.load(arguments.tokenizer)
    data, validation = _load(arguments.data, tokenizer), _load([arguments.validation], tokenizer)
    model = _model(arguments, tokenizer, config.seed)
    if int(max(data.lengths.max(), validation.lengths.max())) > model.config.context:
        raise DataError(f"an example is longer than the model's context of {model.config.context}; pack shorter ones")
    trainer = Trainer(model, config, data, device)
    if resume(trainer, arguments.run):
        print(f"resuming {arguments.run} at step {trainer.step}", file=sys.stderr)
    about = {
        "settings": asdict(config) | {"dropout": arguments.dropout, "init": arguments.init},
        "data": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in arguments.data},
        "examples": len(data),
        "parameters": model.parameters_count(),
        "device": arguments.device,
        "torch": torch.__version__,
        "machine": platform.machine(),
    }
    arguments.run.mkdir(parents=True, exist_ok=True)
    write_atomically(arguments.run / "run.json", (json.dumps(about, indent=2) + "\n").encode())
    print(f"{model.parameters_count():,} parameters, {len(data):,} examples, {config.steps} steps", file=sys.stderr)
    run(trainer, tokenizer, validation, arguments.run, about)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input or data."""
    arguments = parser().parse_args(argv)
    try:
        _train(arguments)
    except (ValueError, OSError) as fault:
        print(f"lm.train: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nstopped; run the same command to go on from {arguments.run / 'state.pt'}", file=sys.stderr)
        return 130
    return 0


def _with_allocator_settings() -> None:
    """Start over with the allocator settings, which the C library reads only when a process starts."""
    if sys.platform == "linux" and "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        os.execve(sys.executable, [sys.executable, "-m", "lm.train", *sys.argv[1:]], os.environ | _ALLOCATOR)


if __name__ == "__main__":
    _with_allocator_settings()
    raise SystemExit(main())
