"""What a generation of the store is made of: counts, courses, the embedder, and the hash of every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corpus.files import hash_file
from index.errors import damaged

FORMAT = 1
POINTER = "CURRENT"
MANIFEST = "manifest.json"
VECTORS = "vectors.faiss"
DATABASE = "passages.sqlite"
SENTENCES = "sentences.npy"
FILES = (VECTORS, DATABASE, SENTENCES)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A sentence and the vector that the embedder gave it when the store was built."""

    text: str
    vector: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The contents of manifest.json.

    `files` maps a file name to {"sha256", "bytes"}; `counts` holds sources, passages and sentences;
    `embedder` is `Embedder.fingerprint()`.
    """

    generation: str
    created: str
    embedder: dict[str, Any]
    dimension: int
    counts: dict[str, int]
    courses: tuple[str, ...]
    files: dict[str, dict[str, Any]]
    probes: tuple[Probe, ...]
    format: int = FORMAT

    def write(self, directory: Path) -> str:
        """Writes manifest.json into `directory` and returns its SHA-256, which goes into the pointer file."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"
        (directory / MANIFEST).write_text(text, encoding="utf-8", newline="\n")
        return hashlib.sha256(text.encode("utf-8")).hexdigest()


def describe_files(directory: Path) -> dict[str, dict[str, Any]]:
    """Size and SHA-256 of the data files of a generation, by name."""
    return {name: {"bytes": (directory / name).stat().st_size, "sha256": hash_file(directory / name)} for name in FILES}


def read_manifest(directory: Path, sha256: str | None = None) -> Manifest:
    """The manifest of a generation. Raises StoreError unless its bytes have the hash that the pointer names (without
    one it is taken as it stands)."""
    path = directory / MANIFEST
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise damaged(path, f"is missing, though {POINTER} names it") from None
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise damaged(path, f"is damaged (its SHA-256 is not the one in {POINTER})")
    try:
        fields = json.loads(data)
        if fields["format"] != FORMAT:
            raise damaged(path, f"has format {fields['format']}, this version reads {FORMAT}")
        probes = tuple(Probe(text=probe["text"], vector=tuple(probe["vector"])) for probe in fields.pop("probes"))
        return Manifest(**{**fields, "courses": tuple(fields["courses"]), "probes": probes})
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, f"does not say what it should ({type(error).__name__}: {error})") from error


def file_faults(directory: Path, manifest: Manifest, names: Collection[str] = FILES) -> Iterator[str]:
    """One line for each data file of these names that is missing, cut short or changed since it was published."""
    for name in names:
        path, entry = directory / name, manifest.files[name]
        if not path.is_file():
            yield f"{path} is missing"
        elif path.stat().st_size != entry["bytes"]:
            yield f"{path} has {path.stat().st_size:,} bytes instead of {entry['bytes']:,}"
        elif hash_file(path) != entry["sha256"]:
            yield f"{path} is damaged (its SHA-256 is not the one in {MANIFEST})"
