"""The training loop: a model, its optimizers and its place in the data, saved so that a run can go on exactly.

`lm.train` is its command line, `lm.run` what it writes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from lm.config import TrainConfig
from lm.data import DataError, ExampleSet
from lm.model import LanguageModel
from lm.optim import Average, make_optimizers
from lm.parallel import in_parallel, total
from lm.source import LossOf, Share, make_source, validation_losses
from lm.text import TextSet


@dataclass(frozen=True, kw_only=True)
class Stepped:
    """One update: loss per token, pointer loss, gradient norm before clipping, rate multiplier, tokens read."""

    loss: float
    pointer: float
    norm: float
    rate: float
    tokens: int


class Trainer:
    """A model, its optimizers and its place in the data."""

    def __init__(
        self,
        model: LanguageModel,
        config: TrainConfig,
        data: ExampleSet | TextSet,
        device: torch.device,
        *,
        share: Share | None = None,
        compiled: bool = False,
    ) -> None:
        self.model, self.config, self.device, self.share = model.to(device), config, device, share or Share()
        self.optimizers = make_optimizers(
            model, lr=config.lr, muon_lr=config.muon_lr, weight_decay=config.weight_decay, name=config.optimizer
        )
        self.base_rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in self.optimizers]
        loss: Any = in_parallel(LossOf(model), self.share, device)
        if compiled:
            loss = torch.compile(loss)
        self.source = make_source(data, config, loss, model, device, self.share)
        self.average = Average(model, config.ema) if config.ema else None
        self.step = 0
        self.best = math.inf

    def train_step(self, left: float = 1.0) -> Stepped:
        """One update, with the share `left` of the minutes left; DataError where loss or gradient is no longer a
        number, the weights then as they were."""
        self.model.train()
        batch = self.source.next()
        with self._precision():
            sums = self.source.loss(batch)
        tokens, pointed = total(sums.tokens, self.share), total(sums.pointed, self.share).clamp_min(1)
        # Gradients are averaged over the processes, so each contributes its sum times their number.
        loss = self.share.world * (sums.nll / tokens + self.config.pointer * sums.pointer / pointed)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip))
        nll = float(total(sums.nll, self.share) / tokens)
        if not math.isfinite(norm) or not math.isfinite(nll):
            raise DataError(
                f"the loss is no longer a number at step {self.step}; the last checkpoint is kept. "
                "Lower --lr and --muon-lr and begin with another --output"
            )
        factor = self.config.rate(self.step, left)
        for optimizer, rates in zip(self.optimizers, self.base_rates, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if self.average:
            self.average.update()
        self.step += 1
        pointer = float(total(sums.pointer, self.share) / pointed)
        size = self.source.size(batch) * self.share.world
        return Stepped(loss=nll, pointer=pointer, norm=norm, rate=factor, tokens=size)

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.config.precision == "bf16")

    @contextmanager
    def averaged(self) -> Iterator[LanguageModel]:
        """The model with the weights that count: the average of them where one is kept."""
        with self.average.applied() if self.average else nullcontext():
            yield self.model

    @torch.no_grad()
    def validate(self, data: ExampleSet | TextSet) -> float:
        """Mean loss per token over `data`, with the weights that count."""
        self.model.eval()
        nll = count = 0.0
        with self.averaged() as model, self._precision():
            for one, tokens in validation_losses(model, data, self.config, self.device):
                nll, count = nll + one, count + tokens
        return nll / max(1.0, count)

    def state(self) -> dict[str, Any]:
        """Everything `restore` needs."""
        return {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "average": [self.average.steps, self.average.weights] if self.average else None,
            "source": self.source.state(),
            "step": self.step,
            "best": self.best,
            "random": torch.get_rng_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`, exactly (with dropout in several processes: from new random numbers in all but one)."""
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        if self.average:
            self.average.steps = state["average"][0]
            self.average.weights = [weight.to(self.device) for weight in state["average"][1]]
        self.source.restore(state["source"])
        self.step, self.best = state["step"], state["best"]
        if self.share.rank == 0:
            torch.set_rng_state(state["random"].cpu())
        else:
            torch.manual_seed(self.config.seed * 1_000_003 + self.step * self.share.world + self.share.rank)


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
