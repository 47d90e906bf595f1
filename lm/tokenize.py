"""Train a tokenizer and pack training data.

python -m lm.tokenize train --vocabulary 4096 --output tok.json notes.txt more.jsonl.gz
python -m lm.tokenize pack --tokenizer tok.json --output train.npz records.jsonl
python -m lm.tokenize text --tokenizer tok.json --output text.npz notes.txt --hold-out 0.1 --held-out dev.npz
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

_TEXT_FIELDS = ("text", "context", "question", "answer")


def texts(paths: Iterable[Path]) -> Iterator[str]:
    """Texts of plain files whole, and of `.jsonl`, `.jsonl.gz` or `.jsonl.xz` files the fields text, context,
    question and answer, and the pieces of `sources`."""
    from lm.data import DataError, read_records

    for path in paths:
        if not path.name.endswith((".jsonl", ".jsonl.gz", ".jsonl.xz")):
            try:
                yield path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as fault:
                raise DataError(f"cannot read {path}: {fault}") from None
            continue
        for record in read_records(path):
            yield from (record[name] for name in _TEXT_FIELDS if isinstance(record.get(name), str))
            for pieces in record.get("sources", ()):
                yield " ".join(piece[0] for piece in pieces)


def _train(arguments: argparse.Namespace) -> None:
    from lm.checkpoint import write_atomically
    from lm.tokenizer import Tokenizer

    tokenizer = Tokenizer.train(texts(arguments.files), vocabulary=arguments.vocabulary, progress=sys.stderr.isatty())
    write_atomically(arguments.output, tokenizer.to_json().encode())
    print(f"{arguments.output}: {tokenizer.size} pieces")


def _pack(arguments: argparse.Namespace) -> None:
    from lm.data import ExampleSet, examples_of, read_records
    from lm.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(arguments.tokenizer)

    def records() -> Iterator[dict[str, Any]]:
        count = 0
        for path in arguments.files:
            for record in read_records(path):
                count += 1
                if count % 5000 == 0:
                    print(f"\r{count:,} records ", end="", file=sys.stderr, flush=True)
                yield record
        print(file=sys.stderr)

    packed = ExampleSet.pack(
        example
        for example in examples_of(tokenizer, records())
        if len(example.prompt) + len(example.answer) <= arguments.longest
    )
    packed.save(arguments.output, tokenizer=tokenizer)
    print(f"{arguments.output}: {len(packed):,} examples, {int(packed.lengths.sum()):,} tokens")


def _text(arguments: argparse.Namespace) -> None:
    from lm.text import TextSet
    from lm.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(arguments.tokenizer)
    if (arguments.hold_out > 0) != (arguments.held_out is not None) or not 0 <= arguments.hold_out < 1:
        raise ValueError("--hold-out (a share below 1) and --held-out (a file) go together; give both or neither")
    packed = TextSet.pack(tokenizer, texts(arguments.files))
    cut = round(len(packed) * (1 - arguments.hold_out))
    if arguments.held_out:
        held = TextSet(packed.tokens[cut:])
        held.save(arguments.held_out, tokenizer=tokenizer)
        print(f"{arguments.held_out}: {len(held):,} tokens")
    TextSet(packed.tokens[:cut]).save(arguments.output, tokenizer=tokenizer)
    print(f"{arguments.output}: {cut:,} tokens")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m lm.tokenize", description="Train a tokenizer; pack training data.")
    commands = cli.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="learn a byte-level BPE vocabulary")
    train.add_argument("files", type=Path, nargs="+", help="text files, .jsonl or .jsonl.gz")
    train.add_argument("--vocabulary", type=int, default=4096, help="number of pieces, special tokens included")
    train.set_defaults(run=_train)
    pack = commands.add_parser("pack", help="turn records into packed arrays")
    pack.add_argument("files", type=Path, nargs="+", help="records, .jsonl or .jsonl.gz")
    pack.add_argument("--tokenizer", type=Path, required=True)
    pack.add_argument("--longest", type=int, default=1024, help="leave out examples of more tokens")
    pack.set_defaults(run=_pack)
    text = commands.add_parser("text", help="turn texts into one long row of tokens")
    text.add_argument("files", type=Path, nargs="+", help="text files, .jsonl or .jsonl.gz")
    text.add_argument("--tokenizer", type=Path, required=True)
    text.add_argument("--hold-out", type=float, default=0.0, help="share at the end to write to --held-out instead")
    text.add_argument("--held-out", type=Path, help="where to write what is held out")
    text.set_defaults(run=_text)
    for command in (train, pack, text):
        command.add_argument("--output", type=Path, required=True)
    return cli


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    arguments = parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except (ValueError, OSError) as fault:
        print(f"lm.tokenize: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
