"""What a run learns from: batches in a seeded order, the loss of a batch, and the place to go on from.

`ExampleSource` reads whole examples (prompts with answers), `TextSource` windows of plain text. Both split a batch
between the processes of a parallel run so that the processes together see what one would have seen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lm.config import RECURRENT, TrainConfig
from lm.data import ExampleSet
from lm.model import LanguageModel
from lm.recurrent import RecurrentState
from lm.text import TextSet


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Losses summed over the tokens of a batch, with the numbers of tokens: of the next tokens and of the pointers."""

    nll: Tensor
    tokens: Tensor
    pointer: Tensor
    pointed: Tensor


@dataclass(frozen=True, kw_only=True)
class Share:
    """A process of a parallel run: number `rank` of `world`."""

    rank: int = 0
    world: int = 1


class Source(Protocol):
    """Batches in order, without end."""

    place: list[int]
    """Epoch and position in it."""

    def next(self) -> Any:
        """The next batch, or this process's share of it."""

    def loss(self, batch: Any) -> Sums:
        """Losses of a batch from `next`, with a gradient."""

    def size(self, batch: Any) -> int:
        """Tokens read for a batch, padding included."""

    def state(self) -> dict[str, Any]:
        """Everything `restore` needs."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`, exactly."""


class LossOf(nn.Module):
    """The training loss as a module, which is what DistributedDataParallel and torch.compile take."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, what: str, *arguments: Any) -> Any:
        """`losses` or `text_losses` of the model."""
        return self.model.losses(*arguments) if what == "examples" else self.model.text_losses(*arguments)


class _Ordered(ABC):
    """An epoch's batches, and the place in them."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.place = [0, 0]
        self._batches = self._epoch()

    @abstractmethod
    def _epoch(self) -> list[NDArray[np.int64]]:
        """The batches of the epoch at hand, each as numbers."""

    def _generator(self) -> np.random.Generator:
        return np.random.default_rng([self._seed, self.place[0]])

    def _numbers(self) -> NDArray[np.int64]:
        """The next batch; a finished epoch is followed by a newly shuffled one."""
        if self.place[1] >= len(self._batches):
            self.place = [self.place[0] + 1, 0]
            self._batches = self._epoch()
        self.place[1] += 1
        return self._batches[self.place[1] - 1]

    def state(self) -> dict[str, Any]:
        """The place."""
        return {"place": list(self.place)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from the place."""
        self.place = [state["place"][0], 0]
        self._batches = self._epoch()
        self.place = list(state["place"])


class ExampleSource(_Ordered):
    """Whole examples in batches of like length."""

    def __init__(
        self, data: ExampleSet, config: TrainConfig, loss: nn.Module, device: torch.device, share: Share
    ) -> None:
        self._data, self._config, self._loss, self._device, self._share = data, config, loss, device, share
        super().__init__(config.seed)

    def _epoch(self) -> list[NDArray[np.int64]]:
        config = self._config
        return self._data.batches(tokens=config.batch_tokens, generator=self._generator(), bucket=config.bucket)

    def next(self) -> tuple[Any, bool]:
        """A batch; and False where it only fills in for a process that there is no example for."""
        numbers = self._numbers()
        mine = numbers[self._share.rank :: self._share.world]
        mine, counts = (mine, True) if len(mine) else (numbers[:1], False)
        return self._data.collate(mine, self._device, bucket=self._config.bucket), counts

    def loss(self, batch: tuple[Any, bool]) -> Sums:
        """Sums over the answer tokens, and over those of known source."""
        one, counts = batch
        losses = self._loss("examples", one.tokens, one.features, one.prompt, one.answer, one.pointers)
        pointed = ((one.answer >= 0) & (one.pointers >= 0)).sum()
        return Sums(
            nll=(losses.nll * losses.mask).sum() * counts,
            tokens=losses.mask.sum() * counts,
            pointer=losses.pointer * pointed * counts,
            pointed=pointed * counts,
        )

    def size(self, batch: tuple[Any, bool]) -> int:
        """Tokens read, padding included."""
        return int(batch[0].tokens.numel())


class TextSource(_Ordered):
    """Windows of plain text; for recurrent models one after another, the state carried on between them."""

    def __init__(
        self,
        data: TextSet,
        config: TrainConfig,
        loss: nn.Module,
        model: LanguageModel,
        device: torch.device,
        share: Share,
    ) -> None:
        self._data, self._config, self._loss, self._device, self._share = data, config, loss, device, share
        self._rows = max(1, config.batch_tokens // config.window)
        self._carries = model.config.architecture in RECURRENT
        self._model = model
        self._carried: RecurrentState | None = None
        self._before: Tensor | None = None
        super().__init__(config.seed)

    def _epoch(self) -> list[NDArray[np.int64]]:
        self._carried = self._before = None
        if self._carries:
            return self._data.lanes(self._config.window, self._rows)
        return self._data.windows(self._config.window, self._rows, self._generator())

    def next(self) -> tuple[Tensor, bool]:
        """Windows [B, window + 1]; and False where they only fill in for a process that there is none for."""
        starts = self._numbers()
        mine = starts[self._share.rank :: self._share.world]
        tokens = self._data.take(mine if len(mine) else starts[:1], self._config.window, self._device)
        return tokens, bool(len(mine))

    def loss(self, batch: tuple[Tensor, bool]) -> Sums:
        """Sums over all tokens; nothing is copied in plain text."""
        tokens, counts = batch
        if self._carries:
            self._carried = self._carried or _start(self._model, len(tokens))
            self._carried.detach()
        nll = self._loss("text", tokens, self._carried, self._before)
        self._before = tokens[:, -2:-1] if self._carries else None
        none = nll.new_zeros(())
        return Sums(nll=nll.sum() * counts, tokens=none + nll.numel() * counts, pointer=none, pointed=none)

    def size(self, batch: tuple[Tensor, bool]) -> int:
        """Tokens predicted."""
        return int(batch[0][:, 1:].numel())

    def state(self) -> dict[str, Any]:
        """The place, and what is carried on from the text before."""
        carried = self._carried
        memory = [part.detach().clone() for part in carried.memory] if carried else None
        return super().state() | {"carried": memory, "before": self._before}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from the place, with the state that was carried."""
        super().restore(state)
        if state["carried"] is not None:
            self._carried = _start(self._model, state["carried"][0].shape[1])
            self._carried.memory = tuple(part.to(self._device) for part in state["carried"])
            self._before = state["before"].to(self._device)


def _start(model: LanguageModel, rows: int) -> RecurrentState:
    body: Any = model.body
    state: RecurrentState = body.start(rows, model.embedding.weight.detach())
    return state


def make_source(
    data: ExampleSet | TextSet,
    config: TrainConfig,
    loss: nn.Module,
    model: LanguageModel,
    device: torch.device,
    share: Share,
) -> Source:
    """The source for a kind of data."""
    if isinstance(data, TextSet):
        return TextSource(data, config, loss, model, device, share)
    return ExampleSource(data, config, loss, device, share)


def validation_losses(
    model: LanguageModel, data: ExampleSet | TextSet, config: TrainConfig, device: torch.device
) -> Iterator[tuple[float, float]]:
    """Summed loss and number of tokens of one batch of `data` after another."""
    if isinstance(data, TextSet):
        window = min(config.window, len(data) - 1)
        rows = max(1, config.batch_tokens // window)
        carried, before, batches = None, None, list(data.validation(window, rows))
        if model.config.architecture in RECURRENT:
            rows = max(1, min(rows, (len(data) - 1) // (8 * window)))
            carried, batches = _start(model, rows), data.lanes(window, rows)
        for starts in batches:
            tokens = data.take(starts, window, device)
            nll = model.text_losses(tokens, carried, before)
            before = tokens[:, -2:-1] if carried else None
            yield float(nll.sum()), float(nll.numel())
        return
    for numbers in data.batches(tokens=config.batch_tokens, generator=np.random.default_rng(0), bucket=config.bucket):
        batch = data.collate(numbers, device, bucket=config.bucket)
        losses = model.losses(batch.tokens, batch.features, batch.prompt, batch.answer, batch.pointers)
        yield float((losses.nll * losses.mask).sum()), float(losses.mask.sum())
