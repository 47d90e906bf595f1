"""Trains the query adapter on questions and the passages and sentences that answer them.

    python -m index.train_adapter --data train.jsonl.gz --held-out held.jsonl.gz --output runs/query

The files are those of `python -m tutor.groups`. The loss of a question is that of InfoNCE (van den Oord et al. 2018,
arXiv:1807.03748): the negative log of the share that a softmax over cosines gives to the passages that answer, among
those of its group and some drawn at random, and the same for sentences, among those of its group. Minutes go into the
vectors, seconds into the training.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize
from torch.nn.utils.rnn import pad_sequence

from index.embedder import Embedder, load_embedder
from index.embedding import identity_of
from index.errors import StoreError
from index.query_adapter import Fitting
from index.trained_files import write_trained
from index.training import group_lines

_BATCH = 64
_RANDOM = 256
"""Passages drawn at random for a batch."""
_ANSWERS, _OTHER, _UNJUDGED = 1, 0, -1

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What is asked of a group: for each text that it holds its number and whether it answers, padded with
    `_UNJUDGED`. Both int64 [G, M]."""

    texts: Tensor
    answers: Tensor

    def of(self, groups: Tensor) -> Choices:
        """Those of some groups."""
        return Choices(texts=self.texts[groups], answers=self.answers[groups])


@dataclass(frozen=True, kw_only=True)
class Data:
    """Questions with what they are to be told from: vectors [G, D] of the questions and of all passages and sentences,
    and which of them stand in each group."""

    questions: Tensor
    passages: Tensor
    sentences: Tensor
    of_passages: Choices
    of_sentences: Choices


def read_data(paths: Sequence[Path], embedder: Embedder, progress: Progress) -> Data:
    """The groups of files of `tutor.groups` where something answers and something does not."""
    questions: list[str] = []
    passages: dict[str, int] = {}
    sentences: dict[str, int] = {}
    found: list[tuple[list[int], ...]] = []
    for path in paths:
        for group in map(json.loads, group_lines(path)):
            rows: tuple[list[int], ...] = ([], [], [], [])
            for one in group["passages"]:
                gold, also = set(one["gold"]), set(one.get("also", ()))
                text = "\n".join(filter(None, (one["context"], one["text"])))
                rows[0].append(passages.setdefault(text, len(passages)))
                rows[1].append(_ANSWERS if gold else _UNJUDGED if also else _OTHER)
                for number, (start, end) in enumerate(one["sentences"]):
                    rows[2].append(sentences.setdefault(one["text"][start:end], len(sentences)))
                    rows[3].append(_ANSWERS if number in gold else _UNJUDGED if number in also else _OTHER)
            if {_ANSWERS, _OTHER} <= set(rows[1]):
                questions.append(group["question"])
                found.append(rows)
    if not found:
        raise ValueError("no question has a passage that answers beside one that does not; add groups")

    def encoded(what: str, texts: Sequence[str]) -> Tensor:
        return torch.from_numpy(embedder.encode(texts, progress=lambda done, total: progress(what, done, total)))

    return Data(
        questions=encoded("questions", questions),
        passages=encoded("passages", list(passages)),
        sentences=encoded("sentences", list(sentences)),
        of_passages=Choices(texts=_padded(found, 0, 0), answers=_padded(found, 1, _UNJUDGED)),
        of_sentences=Choices(texts=_padded(found, 2, 0), answers=_padded(found, 3, _UNJUDGED)),
    )


def _padded(found: Sequence[Sequence[list[int]]], part: int, value: int) -> Tensor:
    rows = [torch.tensor(rows[part]) for rows in found]
    return pad_sequence(rows, batch_first=True, padding_value=value)


class Move(torch.nn.Module):
    """q to the unit vector of q + W q + b; W and b begin at 0."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.matrix = torch.nn.Parameter(torch.zeros(dimension, dimension))
        self.bias = torch.nn.Parameter(torch.zeros(dimension))

    def forward(self, questions: Tensor) -> Tensor:
        """[B, D] to [B, D]."""
        return normalize(questions + questions @ self.matrix.T + self.bias, dim=-1)


def missed(
    questions: Tensor, vectors: Tensor, choices: Choices, temperature: float, others: Tensor | None = None
) -> Tensor:
    """Mean negative log of the share of a softmax over cosines [B, M] that what answers has; `others` [R, D] are
    further vectors that do not. A question where nothing is to be told apart counts as 0."""
    right, wrong = choices.answers == _ANSWERS, choices.answers == _OTHER
    told = right.any(-1) & (wrong.any(-1) if others is None else torch.ones(len(wrong), dtype=torch.bool))
    asked = questions[told]
    cosines = torch.einsum("bd,bmd->bm", asked, vectors[choices.texts[told]])
    answering, rest = (cosines.masked_fill(~one[told], -math.inf) for one in (right, wrong))
    if others is not None:
        rest = torch.cat([rest, asked @ others.T], dim=-1)
    answering, rest = ((one / temperature).logsumexp(-1) for one in (answering, rest))
    return (torch.logaddexp(answering, rest) - answering).sum() / len(questions)


@torch.no_grad()
def measure(questions: Tensor, data: Data) -> dict[str, float]:
    """Share of the groups in which the passage, and the sentence, nearest to the question answers."""
    figures = {}
    for name, vectors, choices in (
        ("passage", data.passages, data.of_passages),
        ("sentence", data.sentences, data.of_sentences),
    ):
        cosines = [vectors[texts] @ one for texts, one in zip(choices.texts, questions, strict=True)]
        near = torch.stack(cosines).masked_fill(choices.answers == _UNJUDGED, -math.inf).argmax(-1)
        answers = choices.answers.gather(1, near.unsqueeze(-1)) == _ANSWERS
        figures[name] = round(float(answers.float().mean()), 3)
    return figures


def train(data: Data, arguments: argparse.Namespace) -> Move:
    """Train a move on all groups, `epochs` times."""
    torch.manual_seed(arguments.seed)
    move = Move(data.questions.shape[1])
    optimizer = torch.optim.Adam(move.parameters(), lr=arguments.lr)
    for epoch in range(arguments.epochs):
        losses = []
        for groups in torch.randperm(len(data.questions)).split(_BATCH):  # type: ignore[no-untyped-call]
            moved = move(data.questions[groups])
            others = data.passages[torch.randint(len(data.passages), (_RANDOM,))]
            loss = missed(moved, data.passages, data.of_passages.of(groups), arguments.temperature, others)
            loss = loss + 0.5 * missed(moved, data.sentences, data.of_sentences.of(groups), arguments.temperature)
            losses.append(float(loss.detach()))
            optimizer.zero_grad()
            (loss + arguments.penalty * move.matrix.square().sum()).backward()
            optimizer.step()
        print(f"epoch {epoch + 1}/{arguments.epochs} loss {np.mean(losses):.3f}", file=sys.stderr)
    return move


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m index.train_adapter", description="Train the query adapter.")
    cli.add_argument("--data", type=Path, nargs="+", required=True, help="groups, .jsonl or .jsonl.gz")
    cli.add_argument("--held-out", type=Path, nargs="+", required=True, help="groups to measure on")
    cli.add_argument("--output", type=Path, required=True, help="folder of the adapter")
    cli.add_argument("--lr", type=float, default=1e-3, help="learning rate of Adam (default %(default)s)")
    cli.add_argument("--epochs", type=int, default=8, help="passes over the groups (default %(default)s)")
    cli.add_argument("--temperature", type=float, default=0.05, help="of the softmax (default %(default)s)")
    cli.add_argument(
        "--penalty", type=float, default=0.005, help="of the square of the matrix, in the loss (default %(default)s)"
    )
    cli.add_argument("--seed", type=int, default=1)
    return cli


def main(argv: Sequence[str] | None = None, embedder: Embedder | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input. `embedder` is by default all-MiniLM-L6-v2."""
    arguments = parser().parse_args(argv)
    embedder = embedder or load_embedder()

    def progress(what: str, done: int, total: int) -> None:
        print(f"\r{what}: {done:,} of {total:,} ", end="\n" if done == total else "", file=sys.stderr, flush=True)

    try:
        data, held = (read_data(paths, embedder, progress) for paths in (arguments.data, arguments.held_out))
        move = train(data, arguments)
        figures = {"before": measure(held.questions, held), "after": measure(move(held.questions), held)}
        print(json.dumps(figures))
        names = ("lr", "epochs", "temperature", "penalty", "seed")
        about = {
            "data": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in arguments.data},
            "questions": len(data.questions),
            "settings": {name: getattr(arguments, name) for name in names},
            "validation": figures,
        }
        fitting = Fitting(embedder=identity_of(embedder.fingerprint()).hex(), dimension=embedder.dimension)
        arguments.output.mkdir(parents=True, exist_ok=True)
        weights = {name: weight.detach().numpy() for name, weight in move.named_parameters()}
        write_trained(arguments.output, weights, fitting, about)
    except (ValueError, KeyError, OSError, StoreError) as fault:
        print(f"index.train_adapter: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
