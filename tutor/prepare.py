"""Makes packed training data for the reader from a mixture and a folder of data files.

    python -m tutor.prepare --mixture tutor/mixtures/small.toml --data DIR --output runs/data/small

The mixture (`tutor.mixture`) says what is made of what. The shipped course, dialogues and reading passages are found
by themselves; only their `train` splits are read. The output folder gets `tokenizer.json`, for each output of the
mixture a packed file such as `train.npz`, `held-out.npz`, and `manifest.json`: for every source its licences, records,
examples and tokens, and the SHA-256 of the mixture and of every file read and written. `scores.sqlite` keeps the scores
of sentences, so that the next run is quick.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import StoreError

if TYPE_CHECKING:
    from lm.tokenizer import Tokenizer
    from tutor.gathering import Reading, Source, Texts
    from tutor.mixing import Mixer
    from tutor.mixture import Mixture

FORMAT = 1
HELD_OUT, TOKENIZER, MANIFEST, SCORES = "held-out", "tokenizer.json", "manifest.json", "scores.sqlite"
_OF_TEXT = 0.7
"""Share of the characters that a tokenizer learns from which are plain text; the rest are paragraphs with questions."""


def prepare(mixture: Mixture, data: Path, output: Path) -> dict[str, Any]:
    """Write everything but the manifest to `output`; returns what the manifest says of sources and outputs."""
    from index.paths import shipped_lectures
    from lm.data import ExampleSet
    from tutor.gathering import Reading, Texts
    from tutor.mixing import Mixer
    from tutor.scores import Scored, make_scorer

    for name in mixture.inputs:
        if not (data / name).is_file():
            raise ValueError(f"{data} holds no {name}, which the mixture names; give the folder that does")
    output.mkdir(parents=True, exist_ok=True)
    scorer = make_scorer(mixture.scores)
    reading = Reading(mixture, data, shipped_lectures().parent)
    sources = reading.sources()
    texts = Texts({data / name: weight for name, weight in mixture.text.items()})
    tokenizer = make_tokenizer(mixture, texts, reading, output / TOKENIZER)
    scored = Scored(output / SCORES, scorer, reading.paragraphs) if scorer else None
    mixer = Mixer(mixture, reading.paragraphs, tokenizer, texts, scored)
    drawn = {name: mixer.drawn(sources, name) for name in mixture.outputs}
    drawn[HELD_OUT] = mixer.drawn_held_out(sources)
    mixer.score(one for part in drawn.values() for one in part)
    for name, part in drawn.items():
        packed = ExampleSet.pack(mixer.examples(part, name, mixture.outputs.get(name, 0.0)))
        packed.save(output / f"{name}.npz", tokenizer=tokenizer)
        print(f"{name}.npz: {len(packed):,} examples, {int(packed.lengths.sum()):,} tokens", file=sys.stderr)
    if scored:
        scored.close()
    return _account(mixture, sources, texts, mixer)


def make_tokenizer(mixture: Mixture, texts: Texts, reading: Reading, path: Path) -> Tokenizer:
    """The tokenizer that the mixture names, or one learned from its texts; written to `path`."""
    from lm.checkpoint import write_atomically
    from lm.tokenizer import Tokenizer

    settings = mixture.tokenizer
    if settings.file:
        tokenizer = Tokenizer.load(Path(settings.file))
    else:
        print(f"learning {settings.pieces:,} pieces", file=sys.stderr)
        plain = _at_most(texts.draw(mixture.seed), round(_OF_TEXT * settings.characters))
        asked = _at_most(iter(reading.paragraphs.texts), round((1 - _OF_TEXT) * settings.characters))
        tokenizer = Tokenizer.train([*plain, *asked], vocabulary=settings.pieces)
    write_atomically(path, tokenizer.to_json().encode())
    return tokenizer


def _at_most(texts: Iterator[str], characters: int) -> Iterator[str]:
    for text in texts:
        yield text
        characters -= len(text)
        if characters < 0:
            return


def _account(mixture: Mixture, sources: Sequence[Source], texts: Texts, mixer: Mixer) -> dict[str, Any]:
    """Licences and records of every source, and what every output has of it."""
    from tutor.mixing import TEXT

    licences = {one.spec.name: one.licences for one in sources} | {TEXT: texts.licences}
    return {
        "sources": {
            name: {
                "licences": dict(sorted(one.read.items())),
                "records": one.read.total(),
                "left_out_for_licence": one.left_out,
                "examples": sum(counts.examples[name] for counts in mixer.counts.values()),
                "tokens": sum(counts.tokens[name] for counts in mixer.counts.values()),
                "too_long": sum(counts.too_long[name] for counts in mixer.counts.values()),
            }
            for name, one in licences.items()
        },
        "outputs": {
            name: {
                "examples": counts.examples.total(),
                "tokens": counts.tokens.total(),
                "tokens_by_source": dict(counts.tokens),
            }
            for name, counts in mixer.counts.items()
        },
    }


def _hashes(paths: Iterable[Path], root: Path | None = None) -> dict[str, str]:
    return {
        (path.relative_to(root).as_posix() if root else path.name): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
    }


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m tutor.prepare", description="Make packed training data.")
    cli.add_argument("--mixture", type=Path, required=True, help="what to make, a TOML file; see tutor/mixtures")
    cli.add_argument("--data", type=Path, required=True, help="folder of the data files that the mixture names")
    cli.add_argument("--output", type=Path, required=True, help="folder to write")
    return cli


def _run(arguments: argparse.Namespace) -> dict[str, Any]:
    from index.paths import shipped_lectures
    from lm.checkpoint import write_atomically
    from tutor.mixture import read_mixture

    mixture = read_mixture(arguments.mixture)
    manifest = {
        "format": FORMAT,
        "mixture": _hashes([arguments.mixture]),
        "settings": asdict(mixture),
        "seed": mixture.seed,
        **prepare(mixture, arguments.data, arguments.output),
    }
    course = shipped_lectures().parent
    own = sorted(path for part in ("lectures", "questions", "reading") for path in (course / part).glob("*.*"))
    manifest["inputs"] = _hashes(arguments.data / name for name in mixture.inputs) | _hashes(own, course.parent)
    written = [arguments.output / name for name in (TOKENIZER, *(f"{one}.npz" for one in manifest["outputs"]))]
    manifest["sha256"] = _hashes(written)
    write_atomically(arguments.output / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
    return manifest


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    arguments = parser().parse_args(argv)
    try:
        manifest = _run(arguments)
    except (ValueError, OSError, StoreError) as fault:
        print(f"tutor.prepare: {fault}", file=sys.stderr)
        return 1
    total: Counter[str] = Counter()
    for source, found in manifest["sources"].items():
        print(f"{source}: {found['examples']:,} examples, {found['tokens']:,} tokens")
        total.update({name: found[name] for name in ("examples", "tokens")})
    print(f"together: {total['examples']:,} examples, {total['tokens']:,} tokens")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
