"""Write a checkpoint anew in another number format, to ship or to store it.

    python -m lm.convert runs/mini/last out/mini --dtype int8

fp16 takes half of fp32, int8 a quarter (see `lm.checkpoint.stored`). A checkpoint is computed with in fp32 whatever it
is stored in; what a format costs in quality is what `lm.evaluate` gives for the two checkpoints.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "int8": "int8"}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m lm.convert", description="Store a checkpoint in another format.")
    cli.add_argument("model", help="checkpoint name or directory")
    cli.add_argument("output", type=Path, help="directory to write")
    cli.add_argument("--dtype", choices=sorted(DTYPES), required=True)
    return cli


def _convert(arguments: argparse.Namespace) -> None:
    import torch

    from lm.checkpoint import WEIGHTS, load, resolve, save

    checkpoint, source = load(arguments.model), resolve(arguments.model)
    if arguments.output.exists() and arguments.output.resolve() == source.resolve():
        raise ValueError(f"{arguments.output} is the checkpoint itself; give another directory")
    training = checkpoint.training | {"stored_as": arguments.dtype}
    dtype: torch.dtype = getattr(torch, DTYPES[arguments.dtype])
    save(arguments.output, checkpoint.model, checkpoint.tokenizer, training=training, dtype=dtype)
    before, after = ((folder / WEIGHTS).stat().st_size for folder in (source, arguments.output))
    print(f"{arguments.output}: {after:,} bytes of weights, from {before:,}")


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    arguments = parser().parse_args(argv)
    try:
        _convert(arguments)
    except (ValueError, OSError) as fault:
        print(f"lm.convert: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
