"""Train a language model.

    python -m lm.train --tokenizer tok.json --data train.npz --validation dev.npz --output runs/mini --steps 4000
    torchrun --nproc-per-node 8 -m lm.train ...                                      (the same on eight GPUs)

The data are examples (`lm.tokenize pack`) or plain text (`lm.tokenize text`). Size is one dial, `--preset`; `--set`
overrides single settings of the model; an architecture other than the transformer gets as many parameters as the
transformer of the preset. The run directory is described in `lm.run`. Run the same command again to resume.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import shlex
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm.allocator import with_allocator_settings
from lm.config import ARCHITECTURES, OPTIMIZERS, PRESETS, RECURRENT, TrainConfig, parse_overrides, preset

if TYPE_CHECKING:
    from lm.data import ExampleSet
    from lm.model import LanguageModel
    from lm.text import TextSet
    from lm.tokenizer import Tokenizer

_HELP = {
    "batch_tokens": "tokens in a batch, padding included",
    "optimizer": "muon for the matrices of the body and adamw for the rest, or adamw for all; default: muon, and "
    "adamw for recurrent models",
    "lr": "learning rate of AdamW",
    "muon_lr": "learning rate of Muon",
    "warmup": "steps until the full rate",
    "decay": "share of the steps, or of the minutes, over which the rate falls to 0",
    "pointer": "weight of the loss on the copy weights",
    "clip": "largest gradient norm",
    "ema": "decay of the moving average of the weights; 0 for none",
    "window": "length of the windows of plain text",
    "bucket": "lengths of batches of examples are rounded up to multiples of it; 64 suits GPUs",
    "save_minutes": "minutes between saves",
    "minutes": "minutes after which to save and stop, the rate then down to 0 as at the last step; 0 for no limit",
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m lm.train", description="Train a language model.")
    cli.add_argument("--tokenizer", type=Path, required=True, help="tokenizer.json from python -m lm.tokenize train")
    cli.add_argument("--data", type=Path, nargs="+", required=True, help="packed files, all of one kind")
    cli.add_argument("--validation", type=Path, required=True, help="a packed file held out for validation")
    cli.add_argument("--output", type=Path, required=True, help="directory of the run; an unfinished one is resumed")
    cli.add_argument("--preset", choices=sorted(PRESETS), default="mini", help="size of the model")
    cli.add_argument("--architecture", choices=ARCHITECTURES, default="transformer")
    cli.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the model; repeat")
    cli.add_argument("--dropout", type=float, default=0.0)
    cli.add_argument("--init", help="checkpoint (name or directory) whose weights to start from")
    cli.add_argument("--compile", action="store_true", help="compile the model; pays on GPUs and for plain text")
    cli.add_argument("--device", help="cuda where there is a GPU, else cpu")
    for name, field in TrainConfig.__dataclass_fields__.items():
        flag, help_text = "--" + name.replace("_", "-"), _HELP.get(name)
        kind = {"int": int, "float": float}.get(str(field.type), str)
        if name == "precision":
            cli.add_argument(
                flag, choices=("auto", "fp32", "bf16"), default="auto", help="auto measures which is faster"
            )
        elif name == "optimizer":
            cli.add_argument(flag, choices=OPTIMIZERS, help=help_text)
        elif name == "steps":
            cli.add_argument(flag, type=kind, required=True, help="number of updates")
        else:
            cli.add_argument(flag, type=kind, default=field.default, help=help_text)
    return cli


def load_data(paths: Sequence[Path], tokenizer: Tokenizer) -> ExampleSet | TextSet:
    """The packed files in one set; DataError if they are of two kinds or hold nothing to learn from."""
    import zipfile

    from lm.data import DataError, ExampleSet
    from lm.text import TextSet

    def is_text(path: Path) -> bool:
        return zipfile.is_zipfile(path) and "text.npy" in zipfile.ZipFile(path).namelist()

    kinds = {is_text(path) for path in paths}
    names = ", ".join(map(str, paths))
    if len(kinds) > 1:
        raise DataError(f"{names} are examples and plain text together; train on one kind at a time")
    if kinds == {True}:
        text = TextSet.merge([TextSet.load(path, tokenizer=tokenizer) for path in paths])
        if len(text) < 2:
            raise DataError(f"{names} hold no text to learn from; pack more")
        return text
    merged = ExampleSet.merge([ExampleSet.load(path, tokenizer=tokenizer) for path in paths])
    if len(merged) == 0:
        raise DataError(f"{names} hold no examples; pack more data")
    return merged


def _model(arguments: argparse.Namespace, tokenizer: Tokenizer, seed: int) -> LanguageModel:
    """Fresh weights of the preset, or those of --init."""
    import torch

    from lm.checkpoint import CheckpointError, load
    from lm.model import LanguageModel
    from lm.reading import FEATURES
    from lm.sizing import matched

    torch.manual_seed(seed)
    if arguments.init:
        model = load(arguments.init, device=arguments.device).model
        if (model.config.vocabulary, model.config.special) != (tokenizer.size, tokenizer.special):
            raise CheckpointError(
                f"{arguments.init} has {model.config.vocabulary} pieces, the tokenizer {tokenizer.size}; "
                "give the tokenizer.json of that checkpoint"
            )
        return model
    overrides = parse_overrides(arguments.set)
    pieces = {"vocabulary": tokenizer.size, "special": tokenizer.special, "features": FEATURES}
    if arguments.architecture == "transformer":
        overrides = {"dropout": arguments.dropout, **overrides}
        shape = preset(arguments.preset, **pieces, **overrides)
    else:
        size = preset(arguments.preset, **pieces)
        with torch.device("meta"):
            count = LanguageModel(size).parameters_count()
        fields = {"dropout": arguments.dropout, **overrides, "architecture": arguments.architecture}
        wanted = preset(arguments.preset, **pieces, **fields)
        shape = wanted if "hidden" in overrides else matched(wanted, arguments.architecture, count)
    model = LanguageModel(shape)
    model.reset(torch.Generator().manual_seed(seed))
    return model


def _hashes(paths: Sequence[Path]) -> dict[str, str]:
    """The SHA-256 of every file by its name; of several with one name the later ones are numbered."""
    found: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for path in paths:
        seen[path.name] += 1
        name = path.name if seen[path.name] == 1 else f"{path.name} ({seen[path.name]})"
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _longest(data: ExampleSet | TextSet, config: TrainConfig) -> int:
    from lm.data import round_up
    from lm.text import TextSet

    return config.window if isinstance(data, TextSet) else int(round_up(data.lengths.max() - 1, config.bucket))


def _begun_with(folder: Path, name: str) -> str:
    """A setting of the run in `folder`, "" where there is none: a second measurement may come out otherwise."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        return str(json.loads((folder / "run.json").read_text(encoding="utf-8"))["settings"][name])
    return ""


def _train(arguments: argparse.Namespace) -> bool:
    import torch

    from lm.checkpoint import usable_device
    from lm.parallel import joined, own_device, share_of_this_process
    from lm.tokenizer import Tokenizer
    from lm.trainer import faster_precision

    share = share_of_this_process()
    arguments.device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    device = own_device(usable_device(arguments.device))
    if arguments.precision == "auto":
        arguments.precision = _begun_with(arguments.output, "precision") or faster_precision(device)
    if device.type == "cuda" and arguments.precision == "bf16":
        # What is left in fp32, the iterations of Muon above all, runs on tensor cores (TF32).
        torch.set_float32_matmul_precision("high")
    if arguments.optimizer is None:
        arguments.optimizer = "adamw" if arguments.architecture in RECURRENT else "muon"
    config = TrainConfig(**{name: getattr(arguments, name) for name in TrainConfig.__dataclass_fields__})
    tokenizer = Tokenizer.load(arguments.tokenizer)
    data, validation = load_data(arguments.data, tokenizer), load_data([arguments.validation], tokenizer)
    with joined(share, device):
        return _run(arguments, config, tokenizer, data, validation, device)


def _run(
    arguments: argparse.Namespace,
    config: TrainConfig,
    tokenizer: Tokenizer,
    data: ExampleSet | TextSet,
    validation: ExampleSet | TextSet,
    device: Any,
) -> bool:
    from contextlib import nullcontext

    import torch

    from lm.data import DataError
    from lm.parallel import share_of_this_process
    from lm.run import Run, locked
    from lm.trainer import Trainer

    if type(data) is not type(validation):
        raise DataError("--data and --validation must be of one kind, examples or plain text; pack them alike")
    share, model = share_of_this_process(), _model(arguments, tokenizer, config.seed)
    if max(_longest(data, config), _longest(validation, config)) > model.config.context:
        raise DataError(
            f"examples, rounded up to --bucket, or --window are longer than the model's context of "
            f"{model.config.context}; make them shorter"
        )
    about = {
        "command": shlex.join(["python", "-m", "lm.train", *(arguments.argv or sys.argv[1:])]),
        "settings": asdict(config) | {"init": arguments.init, "processes": share.world},
        "data": _hashes(arguments.data),
        "size": len(data),
        "parameters": model.parameters_count(),
        "device": arguments.device,
        "torch": torch.__version__,
        "machine": platform.machine(),
    }
    trainer = Trainer(model, config, data, device, share=share, compiled=arguments.compile)
    run = Run(trainer, tokenizer, arguments.output, about)
    with locked(arguments.output) if share.rank == 0 else nullcontext():
        if run.resume():
            print(f"resuming {arguments.output} at step {trainer.step}", file=sys.stderr)
        if run.writes:
            kind = "examples" if hasattr(data, "lengths") else "tokens"
            print(
                f"{model.config.architecture}, {model.parameters_count():,} parameters, {len(data):,} {kind}, "
                f"{config.steps} steps, {config.optimizer}, {config.precision}",
                file=sys.stderr,
            )
        done = run.train(validation, arguments.started)
        if run.writes and done and trainer.step < config.steps:
            print(
                f"the {config.minutes:g} minutes are over at step {trainer.step} of {config.steps}; run the same "
                "command to go on",
                file=sys.stderr,
            )
        return done


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM is a KeyboardInterrupt, as Ctrl-C is, until training itself listens to both."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input or data, 130 when interrupted."""
    started = time.perf_counter()
    arguments = parser().parse_args(argv)
    arguments.argv, arguments.started = argv, started
    try:
        with _interruptible():
            finished = _train(arguments)
    except (ValueError, OSError) as fault:
        print(f"lm.train: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        finished = False
    if not finished:
        state = arguments.output / "state.pt"
        where = f"to go on from {state}" if state.exists() else "to begin; nothing was saved yet"
        print(f"stopped; run the same command {where}", file=sys.stderr)
    return 0 if finished else 130


if __name__ == "__main__":
    with_allocator_settings("lm.train")
    raise SystemExit(main())
