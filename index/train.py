"""Trains the ranker on groups of passages, as `python -m tutor.groups` makes them.

    python -m index.train --data train.jsonl.gz --held-out held.jsonl.gz --output runs/ranker/1

Run the same command again to go on from the last saved step. `--output` holds `state.pt`, `log.jsonl` and, as they
ship, the weights with the lowest loss on `--held-out` (`model.safetensors`, `config.json`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from index.errors import StoreError

if TYPE_CHECKING:
    from index.training import Training


def train(arguments: argparse.Namespace) -> None:
    """Train to the end of the plan, saving every few minutes."""
    from index.embedder import load_embedder
    from index.training import Training, batches, counted, read_groups, validate

    tokenizer = load_embedder().pieces()
    groups = read_groups(arguments.data, tokenizer)
    groups = counted(groups, {source: int(count) for source, count in arguments.count}, arguments.seed)
    held = read_groups(arguments.held_out, tokenizer)
    plan = batches(groups, arguments.batch_tokens, arguments.epochs, arguments.seed)
    training = Training(arguments, plan, groups)
    arguments.output.mkdir(parents=True, exist_ok=True)
    if not training.resume() and arguments.init:
        training.start_from(arguments.init)
    settings = ("lr", "ema", "batch_tokens", "epochs", "seed", "precision", "count")
    about = {
        "data": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in arguments.data},
        "groups": len(groups),
        "steps": len(plan),
        "init": str(arguments.init or ""),
        "settings": {name: getattr(arguments, name) for name in settings},
    }
    print(f"{len(groups):,} groups, {len(plan):,} steps", file=sys.stderr)
    saved = time.monotonic()
    losses: list[float] = []
    with (arguments.output / "log.jsonl").open("a", encoding="utf-8") as log:
        for line in _steps(training, plan, losses):
            log.write(json.dumps(line) + "\n")
            log.flush()
            if time.monotonic() - saved > 60 * arguments.save_minutes or training.step == len(plan):
                figures = validate(training.averaged, held)
                log.write(json.dumps({"step": training.step, "validation": figures}) + "\n")
                print(f"step {training.step}: {figures}", file=sys.stderr, flush=True)
                training.save(about | {"validation": figures}, figures["loss"])
                saved = time.monotonic()


def _steps(training: Training, plan: Sequence[Sequence[int]], losses: list[float]) -> Iterator[dict[str, Any]]:
    started = time.monotonic()
    while training.step < len(plan):
        losses.append(training.train_step())
        if training.step % 20 == 0 or training.step == len(plan):
            mean, seconds = float(np.mean(losses)), time.monotonic() - started
            print(f"step {training.step}/{len(plan)} loss {mean:.3f} {seconds:.0f} s", file=sys.stderr, flush=True)
            yield {"step": training.step, "loss": mean, "seconds": seconds}
            losses.clear()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m index.train", description="Train the ranker.")
    cli.add_argument("--data", type=Path, nargs="+", required=True, help="groups, .jsonl or .jsonl.gz")
    cli.add_argument("--held-out", type=Path, nargs="+", required=True, help="groups to validate on")
    cli.add_argument("--output", type=Path, required=True, help="directory of the run; an unfinished one is resumed")
    cli.add_argument("--rank", type=int, default=32, help="rank of the updates (default %(default)s)")
    cli.add_argument("--scale", type=float, default=2.0, help="factor of the updates (default %(default)s)")
    cli.add_argument("--layers", type=int, default=4, help="layers that have them, from the last (default %(default)s)")
    cli.add_argument("--lr", type=float, default=5e-4, help="learning rate of AdamW (default %(default)s)")
    cli.add_argument("--ema", type=float, default=0.998, help="decay of the averaged weights (default %(default)s)")
    cli.add_argument("--batch-tokens", type=int, default=4096, help="word pieces of a batch (default %(default)s)")
    cli.add_argument("--epochs", type=float, default=1.0, help="passes over the groups (default %(default)s)")
    cli.add_argument(
        "--count", nargs=2, action="append", default=[], metavar=("SOURCE", "N"), help="groups of SOURCE in an epoch"
    )
    cli.add_argument("--init", type=Path, help="folder of a ranker to start from")
    cli.add_argument(
        "--precision", choices=("fp32", "bf16"), default="fp32", help="bf16 pays where the processor has it"
    )
    cli.add_argument("--save-minutes", type=float, default=3.0, help="minutes between saves (default %(default)s)")
    cli.add_argument("--seed", type=int, default=1)
    return cli


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input, 130 when interrupted."""
    arguments = parser().parse_args(argv)
    try:
        train(arguments)
    except (ValueError, KeyError, OSError, StoreError) as fault:
        print(f"index.train: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; run the same command to go on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
