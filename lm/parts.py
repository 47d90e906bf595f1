"""Cut a folder of files, such as a checkpoint, into parts of a bounded size and put it together again.

    python -m lm.parts split runs/base-fp16 out --largest 15
    python -m lm.parts join out runs/base

Some ways off a machine take only small files. `split` writes `part-00`, `part-01`, ... and `parts.json`, which names
the files, their sizes and SHA-256; `join` puts nothing in place unless every hash holds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lm.data import DataError

FORMAT = 1
LIST = "parts.json"
_MIB = 1 << 20


def split(folder: Path, output: Path, largest: int) -> list[Path]:
    """Write the files of a folder to `output` in parts of at most `largest` bytes; returns all that was written."""
    from lm.checkpoint import write_atomically

    files = sorted(path for path in folder.iterdir() if path.is_file())
    if not files:
        raise DataError(f"{folder} holds no files; name the folder of a checkpoint")
    output.mkdir(parents=True, exist_ok=True)
    if any(output.iterdir()):
        raise DataError(f"{output} is not empty; name a new folder")
    contents = [path.read_bytes() for path in files]
    whole = b"".join(contents)
    parts = [whole[start : start + largest] for start in range(0, len(whole), largest)]
    names = [f"part-{number:02}" for number in range(len(parts))]
    fields: dict[str, Any] = {
        "format": FORMAT,
        "files": [[path.name, *_of(data)] for path, data in zip(files, contents, strict=True)],
        "parts": [[name, *_of(data)] for name, data in zip(names, parts, strict=True)],
    }
    for name, data in [*zip(names, parts, strict=True), (LIST, (json.dumps(fields, indent=2) + "\n").encode())]:
        write_atomically(output / name, data)
    return [output / name for name in (*names, LIST)]


def join(folder: Path, output: Path) -> list[Path]:
    """Write the files that the parts in `folder` are made of to `output`; DataError where one is missing or damaged."""
    from lm.checkpoint import write_atomically

    try:
        fields = json.loads((folder / LIST).read_text(encoding="utf-8"))
        version, files, parts = fields["format"], fields["files"], fields["parts"]
        if version != FORMAT:
            raise DataError(f"{folder / LIST} has format {version}; this program reads {FORMAT}")
        whole = b"".join(_checked(folder / name, size, sha256) for name, size, sha256 in parts)
        contents, start = {}, 0
        for name, size, sha256 in files:
            if Path(name).name != name:
                raise DataError(f"{folder / LIST} names {name!r}, which is no file of the folder")
            data = contents[name] = whole[start : start + size]
            start += size
            if _of(data) != (size, sha256):
                raise DataError(f"{name} of {folder} is not what it was; fetch the parts again")
    except (OSError, KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as fault:
        raise DataError(f"cannot join {folder} ({fault}); fetch the parts again") from None
    output.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        write_atomically(output / name, data)
    return [output / name for name in contents]


def _of(data: bytes) -> tuple[int, str]:
    return len(data), hashlib.sha256(data).hexdigest()


def _checked(path: Path, size: int, sha256: str) -> bytes:
    data = path.read_bytes()
    if _of(data) != (size, sha256):
        raise DataError(f"{path} is damaged (its SHA-256 is not the recorded one); fetch it again")
    return data


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m lm.parts", description="Cut a folder into parts, or join them.")
    commands = cli.add_subparsers(dest="command", required=True)
    cut = commands.add_parser("split", help="write the files of a folder in parts")
    cut.add_argument("--largest", type=float, default=15, help="MiB of a part at most (default %(default)s)")
    put = commands.add_parser("join", help="write the files that parts are made of")
    for command in (cut, put):
        command.add_argument("folder", type=Path)
        command.add_argument("output", type=Path, help="folder to write")
    return cli


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    arguments = parser().parse_args(argv)
    try:
        if arguments.command == "join":
            written = join(arguments.folder, arguments.output)
        elif arguments.largest * _MIB < 1:
            raise ValueError(f"--largest is {arguments.largest}; it must be above 0")
        else:
            written = split(arguments.folder, arguments.output, int(arguments.largest * _MIB))
    except (ValueError, OSError) as fault:
        print(f"lm.parts: {fault}", file=sys.stderr)
        return 1
    for path in written:
        print(f"{path}: {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
