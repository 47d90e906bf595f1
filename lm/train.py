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
import math
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lm import checkpoint
from lm.config import PRESETS, preset
from lm.data import Batch, DataError, ExampleSet
from lm.model import LanguageModel
from lm.optim import make_optimizers
from lm.reading import FEATURES
from lm.tokenizer import Tokenizer

_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296"}
"""glibc returns large blocks to the system after every step unless told not to; training is then far slower."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How to train. `batch_tokens` counts padding; `decay` is the share of the steps over which the rate falls to 0;
    `pointer` weighs the loss that asks the copy weights to stand on the known source of a token."""

    steps: int
    batch_tokens: int = 8192
    lr: float = 3e-3
    muon_lr: float = 0.02
    weight_decay: float = 0.1
    warmup: int = 50
    decay: float = 0.5
    pointer: float = 0.2
    clip: float = 1.0
    seed: int = 1
    precision: str = "fp32"
    validate_every: int = 250
    save_minutes: float = 3.0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_tokens", "validate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.precision not in ("fp32", "bf16"):
            raise ValueError(f"precision is {self.precision!r}; it must be fp32 or bf16")
        for name in ("lr", "muon_lr", "clip", "save_minutes"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")

    def rate(self, step: int) -> float:
        """Multiplier of the learning rates at `step`: linear warm-up, constant, linear to 0."""
        falling = max(1.0, self.decay * self.steps)
        return min(1.0, (step + 1) / max(1, self.warmup), max(0.0, (self.steps - step) / falling))


class Trainer:
    """A model, its optimizers and its place in the data."""

    def __init__(self, model: LanguageModel, config: TrainConfig, data: ExampleSet, device: torch.device) -> None:
        self.model, self.config, self.data, self.device = model.to(device), config, data, device
        self.optimizers = make_optimizers(model, lr=config.lr, muon_lr=config.muon_lr, weight_decay=config.weight_decay)
        self.base_rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in self.optimizers]
        self.step = 0
        self.epoch = 0
        self.position = 0
        self.best = math.inf
        self._order = self._epoch_order()

    def _epoch_order(self) -> list[Any]:
        generator = np.random.default_rng([self.config.seed, self.epoch])
        return self.data.batches(tokens=self.config.batch_tokens, generator=generator)

    def next_batch(self) -> Batch:
        """The next batch; a finished epoch is followed by a newly shuffled one."""
        if self.position >= len(self._order):
            self.epoch, self.position = self.epoch + 1, 0
            self._order = self._epoch_order()
        numbers = self._order[self.position]
        self.position += 1
        return self.data.collate(numbers, self.device)

    def train_step(self) -> tuple[float, float, float, int]:
        """One update; returns loss per answer token, pointer loss, gradient norm before clipping, and tokens read."""
        self.model.train()
        batch = self.next_batch()
        with self._precision():
            losses = self.model.losses(batch.tokens, batch.features, batch.prompt, batch.answer, batch.pointers)
        nll = (losses.nll * losses.mask).sum() / losses.mask.sum()
        loss = nll + self.config.pointer * losses.pointer
        loss.backward()  # type: ignore[no-untyped-call]
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip))
        if not math.isfinite(norm) or not math.isfinite(float(nll.detach())):
            raise DataError(
                f"the loss is no longer a number at step {self.step}; the last checkpoint is kept. "
                "Lower --lr and --muon-lr and run again"
            )
        factor = self.config.rate(self.step)
        for optimizer, rates in zip(self.optimizers, self.base_rates, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return float(nll.detach()), float(losses.pointer.detach()), norm, batch.tokens.numel()

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.config.precision == "bf16")

    @torch.no_grad()
    def validate(self, data: ExampleSet) -> float:
        """Mean loss per answer token over `data`."""
        self.model.eval()
        total = count = 0.0
        for numbers in data.batches(tokens=self.config.batch_tokens, generator=np.random.default_rng(0)):
            batch = data.collate(numbers, self.device)
            with self._precision():
                losses = self.model.losses(batch.tokens, batch.features, batch.prompt, batch.answer, batch.pointers)
            total += float((losses.nll * losses.mask).sum())
            count += float(losses.mask.sum())
        return total / max(1.0, count)

    def state(self) -> dict[str, Any]:
        """Everything `restore` needs."""
        return {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "place": [self.step, self.epoch, self.position],
            "best": self.best,
            "random": torch.get_rng_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`, exactly."""
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.epoch, self.position = state["place"]
        self.best = state["best"]
        torch.set_rng_state(state["random"].cpu())
        self._order = self._epoch_order()


def run(trainer: Trainer, tokenizer: Tokenizer, validation: ExampleSet, folder: Path, about: dict[str, Any]) -> None:
    """Train to the last step, with a progress line, metrics and checkpoints."""
    started = saved = time.perf_counter()
    first, seen, smooth = trainer.step, 0, math.nan
    with (folder / "metrics.jsonl").open("a", encoding="utf-8") as metrics:
        while trainer.step < trainer.config.steps:
            nll, pointer, norm, tokens = trainer.train_step()
            smooth = nll if math.isnan(smooth) else 0.98 * smooth + 0.02 * nll
            seen += tokens
            elapsed = time.perf_counter() - started
            record: dict[str, Any] = {"step": trainer.step, "loss": nll, "pointer": pointer, "norm": norm}
            done = trainer.step == trainer.config.steps
            if trainer.step % trainer.config.validate_every == 0 or done:
                record["validation"] = loss = trainer.validate(validation)
                if loss < trainer.best:
                    trainer.best = loss
                    checkpoint.save(folder / "best", trainer.model, tokenizer, training=about | {"step": trainer.step})
                print(f"\rstep {trainer.step}: validation loss {loss:.4f}" + " " * 40, file=sys.stderr)
            if time.perf_counter() - saved > 60 * trainer.config.save_minutes or done:
                _save(trainer, tokenizer, folder, about)
                saved = time.perf_counter()
            metrics.write(json.dumps(record) + "\n")
            metrics.flush()
            left = (trainer.config.steps - trainer.step) * elapsed / max(1, trainer.step - first)
            print(
                f"\rstep {trainer.step}/{trainer.config.steps} loss {smooth:.3f} pointer {pointer:.3f} "
                f"{seen / elapsed:,.0f} tokens/s, {left / 60:.1f} min left ",
                end="",
                file=sys.stderr,
                flush=True,
            )
    print(file=sys.stderr)


def _save(trainer: Trainer, tokenizer: Tokenizer, folder: Path, about: dict[str, Any]) -> None:
    part = folder / "state.pt.part"
    torch.save(trainer.state(), part)
    part.replace(folder / "state.pt")
    checkpoint.save(folder / "last", trainer.model, tokenizer, training=about | {"step": trainer.step})


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
    cli.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
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


def faster_precision(device: torch.device) -> str:
    """bf16 where matrix products in it take under half the time of fp32 (GPUs, CPUs with AVX-512 BF16), else fp32."""
    if device.type == "cuda":
        return "bf16"
    seconds = []
    for dtype in (torch.bfloat16, torch.float32):
        a, b = torch.ones(512, 256, dtype=dtype), torch.ones(256, 1024, dtype=dtype)
        runs = []
        for _ in range(4):
            started = time.perf_counter()
            a @ b
            runs.append(time.perf_counter() - started)
        seconds.append(min(runs))
    return "bf16" if 2 * seconds[0] < seconds[1] else "fp32"


def _load(paths: Sequence[Path], tokenizer: Tokenizer) -> ExampleSet:
    sets = [ExampleSet.load(path, tokenizer=tokenizer) for path in paths]
    merged = ExampleSet.merge(sets)
    if len(merged) == 0:
        raise DataError(f"{', '.join(map(str, paths))} hold no examples; pack more data")
    return merged


def _train(arguments: argparse.Namespace) -> None:
    if arguments.precision == "auto":
        arguments.precision = faster_precision(torch.device(arguments.device))
    config = TrainConfig(**{name: getattr(arguments, name) for name in TrainConfig.__dataclass_fields__})
    tokenizer = Tokenizer.load(arguments.tokenizer)
    data, validation = _load(arguments.data, tokenizer), _load([arguments.validation], tokenizer)
    torch.manual_seed(config.seed)
    if arguments.init:
        model = checkpoint.load(arguments.init, device=arguments.device).model
        if model.config.vocabulary != tokenizer.size:
            raise DataError(f"{arguments.init} has {model.config.vocabulary} pieces, the tokenizer {tokenizer.size}")
    else:
        shape = preset(arguments.preset, vocabulary=tokenizer.size, features=FEATURES, dropout=arguments.dropout)
        model = LanguageModel(shape)
        model.reset(torch.Generator().manual_seed(config.seed))
    if int(max(data.lengths.max(), validation.lengths.max())) > model.config.context:
        raise DataError(f"an example is longer than the model's context of {model.config.context}; pack shorter ones")
    arguments.run.mkdir(parents=True, exist_ok=True)
    about = {
        "settings": asdict(config) | {"dropout": arguments.dropout, "init": arguments.init},
        "data": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in arguments.data},
        "examples": len(data),
        "parameters": model.parameters_count(),
        "device": arguments.device,
        "torch": torch.__version__,
        "machine": platform.machine(),
    }
    checkpoint.write_atomically(arguments.run / "run.json", (json.dumps(about, indent=2) + "\n").encode())
    trainer = Trainer(model, config, data, torch.device(arguments.device))
    if (arguments.run / "state.pt").exists():
        trainer.restore(torch.load(arguments.run / "state.pt", weights_only=True))
        print(f"resuming {arguments.run} at step {trainer.step}", file=sys.stderr)
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
