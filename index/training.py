"""The training of the ranker: groups of passages, batches of them, the loss, and a state to go on from.

The loss of a group is the binary cross-entropy of its sentences plus the negative log of the share that a softmax over
them and a zero, which stands for "none", gives to those that answer, or to the zero where none does (as for questions
without an answer in Devlin et al. 2019, section 4.3). `index.train` is its command line.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim.swa_utils import AveragedModel

from index.embedder import load_embedder
from index.ranker import (
    CrossEncoder,
    Sequenced,
    Shape,
    fresh_cross_encoder,
    padded,
    read_ranker,
    sequenced,
    take_weights,
    trained_weights,
)
from index.scoring import Readable
from index.trained_files import write_trained

_SPREAD = 256
"""Groups among which those of like length are put into one batch."""
_SENTENCES = 8.0
"""Sentences of a group over which the binary loss counts as much as the softmax."""

Tensors = tuple[Tensor, ...] | list[Tensor]


@dataclass(frozen=True, kw_only=True)
class Group:
    """A question on several passages: word pieces of each, and for every sentence whether it answers (`answers`) and
    whether it counts: what answers besides the evidence is neither right nor wrong."""

    source: str
    sequences: tuple[Sequenced, ...]
    counts: tuple[int, ...]
    answers: tuple[bool, ...]
    judged: tuple[bool, ...]

    @property
    def size(self) -> int:
        """Word pieces when padded to its longest passage."""
        return len(self.sequences) * max(len(one.ids) for one in self.sequences)


def read_groups(paths: Sequence[Path], tokenizer: Any) -> list[Group]:
    """The groups of files of `tutor.groups`."""
    found = []
    for path in paths:
        for line in group_lines(path):
            record = json.loads(line)
            sequences, counts, answers, judged = [], [], [], []
            for one in record["passages"]:
                spans = [(int(start), int(end)) for start, end in one["sentences"]]
                readable = Readable(context=one["context"], text=one["text"], sentences=spans)
                sequences.append(sequenced(tokenizer, record["question"], readable))
                counts.append(len(spans))
                answers += [number in one["gold"] for number in range(len(spans))]
                judged += [number not in one.get("also", ()) for number in range(len(spans))]
            found.append(
                Group(
                    source=record["source"],
                    sequences=tuple(sequences),
                    counts=tuple(counts),
                    answers=tuple(answers),
                    judged=tuple(judged),
                )
            )
    return found


def group_lines(path: Path) -> Iterator[str]:
    """The lines of a file of groups, packed by gzip or not."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        yield from lines


def counted(groups: Sequence[Group], counts: Mapping[str, int], seed: int) -> list[Group]:
    """The groups with `counts[source]` of a source, drawn at random, all of them before one comes again; of sources
    that are not named, all."""
    random = np.random.default_rng(seed)
    found = [group for group in groups if group.source not in counts]
    for source, count in counts.items():
        own = [group for group in groups if group.source == source]
        if not own:
            raise ValueError(
                f"there are no groups of {source!r}; name one of: {sorted({one.source for one in groups})}"
            )
        order = np.concatenate([random.permutation(len(own)) for _ in range(math.ceil(count / len(own)))])
        found += [own[int(number)] for number in order[:count]]
    return found


def batches(groups: Sequence[Group], tokens: int, epochs: float, seed: int) -> list[list[int]]:
    """Numbers of the groups of every batch of at most about `tokens` word pieces, over all epochs."""
    random = np.random.default_rng(seed)
    order = np.concatenate([random.permutation(len(groups)) for _ in range(math.ceil(epochs))])
    order = order[: round(epochs * len(groups))]
    found: list[list[int]] = []
    for start in range(0, len(order), _SPREAD):
        batch: list[int] = []
        longest = rows = 0
        for number in sorted(order[start : start + _SPREAD].tolist(), key=lambda number: -groups[number].size):
            group = groups[number]
            wide = max(longest, *(len(one.ids) for one in group.sequences))
            if batch and wide * (rows + len(group.sequences)) > tokens:
                found.append(batch)
                batch, wide, rows = [], max(len(one.ids) for one in group.sequences), 0
            batch.append(number)
            longest, rows = wide, rows + len(group.sequences)
        found.append(batch)
    return [found[int(number)] for number in random.permutation(len(found))]


def scores(model: CrossEncoder, groups: Sequence[Group]) -> list[Tensor]:
    """Log-odds of the sentences of each group."""
    sequences = [one for group in groups for one in group.sequences]
    counts = [count for group in groups for count in group.counts]
    device = next(model.parameters()).device
    tensors = {name: value.to(device) for name, value in padded(sequences, counts).items()}
    found: Tensor = model(**tensors, sentences=sum(counts))
    return list(torch.split(found, [sum(group.counts) for group in groups]))


def loss_of(found: Sequence[Tensor], groups: Sequence[Group]) -> Tensor:
    """Mean loss of the groups; see the head of this module."""
    total = torch.zeros(())
    for logits, group in zip(found, groups, strict=True):
        judged = torch.tensor(group.judged, device=logits.device)
        truth, logits = torch.tensor(group.answers, device=logits.device)[judged], logits[judged]
        total = total + binary_cross_entropy_with_logits(logits, truth.float(), reduction="sum") / _SENTENCES
        none = torch.zeros(1, device=logits.device)
        right = logits[truth] if truth.any() else none
        total = total + torch.cat([logits, none]).logsumexp(0) - right.logsumexp(0)
    return total / len(groups)


@torch.no_grad()
def validate(model: CrossEncoder, groups: Sequence[Group]) -> dict[str, float]:
    """Mean loss; `first`, the share of answerable groups whose best sentence answers; and `told`, how often an
    answerable group has a likelier best sentence than one that is not (the area under the ROC curve; 0.5 is chance)."""
    losses, right, best = [], [], {True: list[float](), False: list[float]()}
    for group in groups:
        with torch.autocast("cpu", torch.bfloat16):
            found = scores(model, [group])
        losses.append(float(loss_of(found, [group])))
        best[any(group.answers)].append(float(found[0].max()))
        if any(group.answers):
            right.append(group.answers[int(found[0].argmax())])
    above = np.subtract.outer(best[True], best[False])
    told = float(np.mean((above > 0) + (above == 0) / 2)) if above.size else 0.5
    return {"loss": float(np.mean(losses)), "first": float(np.mean(right)), "told": told}


def moving_average(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """What takes weights into their exponential moving average; at step t it decays by (1 + t) / (10 + t) where that is
    less, so that the first weights do not linger."""

    @torch.no_grad()
    def take_in(averages: Tensors, weights: Tensors, step: Tensor | int) -> None:
        torch._foreach_lerp_(averages, weights, 1 - min(decay, (1 + int(step)) / (10 + int(step))))

    return take_in


class Training:
    """A ranker, the moving average of its weights, its optimizer and its place in the data.

    A batch holds a handful of questions, so the weights wander from step to step; what is measured and ships is their
    exponential moving average (Polyak and Juditsky 1992).
    """

    def __init__(self, arguments: argparse.Namespace, plan: Sequence[Sequence[int]], groups: Sequence[Group]) -> None:
        torch.manual_seed(arguments.seed)
        self.arguments, self.plan, self.groups = arguments, plan, groups
        self.shape = Shape(rank=arguments.rank, scale=arguments.scale, layers=arguments.layers)
        self.model = fresh_cross_encoder(load_embedder().directory, self.shape).eval()  # no dropout, also in training
        weights = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(weights, lr=arguments.lr, weight_decay=0.01, betas=(0.9, 0.98))
        self.average = AveragedModel(self.model, multi_avg_fn=moving_average(arguments.ema))
        self.step = 0
        self.best = math.inf

    @property
    def averaged(self) -> CrossEncoder:
        """The model with the average of the weights."""
        return cast("CrossEncoder", self.average.module)

    def rate(self) -> float:
        """Multiplier of the learning rate: linear warm-up over 5 % of the steps, then linear to 0."""
        warm = max(1, len(self.plan) // 20)
        return min((self.step + 1) / warm, (len(self.plan) - self.step) / (len(self.plan) - warm + 1))

    def train_step(self) -> float:
        """One update; the loss before it."""
        groups = [self.groups[number] for number in self.plan[self.step]]
        with torch.autocast("cpu", torch.bfloat16, enabled=self.arguments.precision == "bf16"):
            found = scores(self.model, groups)
        loss = loss_of(found, groups)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = self.arguments.lr * self.rate()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.average.update_parameters(self.model)
        self.step += 1
        return float(loss.detach())

    def save(self, about: dict[str, Any], loss: float) -> None:
        """Write the state to go on from, and the weights as they ship where no earlier ones had a lower `loss`."""
        folder: Path = self.arguments.output
        better, self.best = loss < self.best, min(loss, self.best)
        state = {
            "weights": _trained(self.model),
            "average": _trained(self.averaged),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "best": self.best,
        }
        torch.save(state, folder / "state.part")
        (folder / "state.part").replace(folder / "state.pt")
        if not better:
            return
        write_trained(folder, trained_weights(self.averaged), self.shape, about | {"step": self.step})

    def resume(self) -> bool:
        """Go on from the last saved step; False where there is none."""
        path = self.arguments.output / "state.pt"
        if not path.exists():
            return False
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["weights"], strict=False)
        self.averaged.load_state_dict(state["average"], strict=False)
        self.average.n_averaged.fill_(state["step"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.best = state["step"], state["best"]
        print(f"resuming at step {self.step}", file=sys.stderr)
        return True

    def start_from(self, folder: Path) -> None:
        """Take over the weights of the ranker in `folder`, whose updates may be of lower rank or in fewer layers: what
        is new to them changes nothing at first. ValueError where they do not fit into the shape to be trained."""
        found = read_ranker(folder)
        old = found.settings
        if old.rank > self.shape.rank or old.layers > self.shape.layers or old.scale != self.shape.scale:
            raise ValueError(f"{folder} has the shape {old}, which does not fit into {self.shape}; train with its own")
        weights = trained_weights(self.model)
        for name, weight in found.weights.items():
            weights[name][tuple(slice(size) for size in weight.shape)] = weight
        take_weights(self.model, weights)


def _trained(model: CrossEncoder) -> dict[str, Tensor]:
    """The weights that training changes, by name; no copies."""
    return {name: one.detach() for name, one in model.named_parameters() if one.requires_grad}
