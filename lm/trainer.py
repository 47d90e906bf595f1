"""The training loop: a model, its optimizers and its place in the data, saved so that a run can go on exactly.

`lm.train` is its command line.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lm import checkpoint
from lm.config import TrainConfig
from lm.data import Batch, DataError, ExampleSet
from lm.model import LanguageModel
from lm.optim import make_optimizers
from lm.tokenizer import Tokenizer

STATE = "state.pt"


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


def resume(trainer: Trainer, folder: Path) -> bool:
    """Take up the run in `folder` where it stopped; False if it has not begun, DataError if it does not fit."""
    path = folder / STATE
    if not path.exists():
        return False
    try:
        trainer.restore(torch.load(path, weights_only=True))
    except (OSError, RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError) as fault:
        reason = (str(fault) or type(fault).__name__).splitlines()[0]
        raise DataError(
            f"cannot resume from {path} ({reason}); give the settings it began with or another --run"
        ) from None
    return True


def _save(trainer: Trainer, tokenizer: Tokenizer, folder: Path, about: dict[str, Any]) -> None:
    part = folder / (STATE + ".part")
    with part.open("wb") as file:
        torch.save(trainer.state(), file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / STATE)
    checkpoint.save(folder / "last", trainer.model, tokenizer, training=about | {"step": trainer.step})


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
