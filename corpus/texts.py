"""Makes records of plain text out of the lecture files of a folder, for training.

    python -m corpus.texts FOLDER --source OWNER/NAME --licence "CC BY 4.0" --only "*.pdf" --output slides.jsonl.gz

A line is {"source", "path", "licence", "text"}: `text` is the document as the index reads it, its blocks apart by a
blank line. In three of five files headings stand after `## `, in the others as a line like any other: what text
recognition makes of slides is either.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from corpus.document import Document
from corpus.ingest import ReadResult, SourceError, find_files, read_files

_MARKED = 0.6
"""Share of the files whose headings are marked."""


def plain_text(document: Document) -> str:
    """The blocks of a document with a blank line between them; whether headings are marked depends on its source."""
    marked = random.Random(document.source).random() < _MARKED
    blocks = []
    for block in document.blocks:
        text = document.text[block.start : block.end]
        if block.kind == "heading":
            text = f"{'## ' if marked else ''}{text.strip('# ')}"
        if text.strip():
            blocks.append(text)
    return "\n\n".join(blocks)


def text_records(folder: Path, *, source: str, licence: str, only: str = "*") -> Iterator[dict[str, str]]:
    """A record for each file of `folder` whose path matches `only` (`*` stands for slashes too); what cannot be read
    or holds no text is told on stderr and left out. SourceError where the folder does not exist, before the first is
    read."""
    files = [file for file in find_files([folder]) if fnmatch(file.source, only)]
    texts = ((result.source, _text(result)) for result in read_files(files))
    return ({"source": source, "path": path, "licence": licence, "text": text} for path, text in texts if text)


def _text(result: ReadResult) -> str:
    if result.document is None:
        print(f"{result.source}: {result.reason}", file=sys.stderr)
        return ""
    text = plain_text(result.document)
    if not text:
        print(f"{result.source}: holds no text", file=sys.stderr)
    return text


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    cli = argparse.ArgumentParser(prog="python -m corpus.texts", description="Make records of plain text of lectures.")
    cli.add_argument("folder", type=Path, help="folder of lecture files")
    cli.add_argument("--source", required=True, help="where they are from, as OWNER/NAME")
    cli.add_argument("--licence", required=True, help="their licence")
    cli.add_argument("--only", default="*", help="pattern of the paths to read; default all")
    cli.add_argument("--output", type=Path, required=True, help="records, .jsonl.gz")
    arguments = cli.parse_args(argv)
    count = 0
    try:
        records = text_records(
            arguments.folder, source=arguments.source, licence=arguments.licence, only=arguments.only
        )
        with gzip.open(arguments.output, "wt", encoding="utf-8") as output:
            for record in records:
                output.write(json.dumps(record, ensure_ascii=False) + "\n")
                count += 1
                print(f"\r{count:,} files ", end="", file=sys.stderr, flush=True)
    except (SourceError, OSError) as fault:
        print(f"corpus.texts: {fault}", file=sys.stderr)
        return 1
    print(f"{count:,} files")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
