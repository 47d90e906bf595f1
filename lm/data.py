"""Training examples: from records in JSON Lines to packed arrays to batches.

A record is one JSON object a line, either a reading example

    {"question": str, "sources": [[[text, rank, gap], ...], ...], "mode": "short" | "full",
     "answer": str | null, "spans": [[start, end, source, piece, offset], ...]}

where `answer` null means that the sources do not answer the question, and each span says that characters
[start, end) of the answer stand in a piece from `offset` on; or plain text, {"text": str}.
"""

from __future__ import annotations

import gzip
import json
import lzma
import zipfile
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lm.reading import Piece, build_prompt
from lm.tokenizer import END, NONE, TEXT, Tokenizer

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FORMAT = 1
_TEXT_CHUNK = 256
_POOL, _POOLED = 2048, 32
"""Examples, at least, and batches among which those of like length are put together."""
# A flipped bit in a zip header makes it name an unknown method or a password: RuntimeError.
_DAMAGED = (OSError, KeyError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


class DataError(ValueError):
    """A training file that cannot be used; the message names it and says what to do."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One sequence: prompt ids and features, answer ids and, for each, its prompt position (-1 where not known)."""

    prompt: list[int]
    features: list[int]
    answer: list[int]
    pointers: list[int]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Padded tensors of `LanguageModel.losses`: tokens and features [B, T], prompt [B], answer and pointers [B, A]."""

    tokens: Tensor
    features: Tensor
    prompt: Tensor
    answer: Tensor
    pointers: Tensor


def reading_example(tokenizer: Tokenizer, record: dict[str, Any]) -> Example:
    """The tokens of a reading record, answer tokens aligned with the source tokens they repeat."""
    sources = [
        [Piece(text=text, rank=int(rank), gap=bool(gap)) for text, rank, gap in pieces] for pieces in record["sources"]
    ]
    prompt = build_prompt(tokenizer, record["question"], sources, mode=record["mode"])
    if record["answer"] is None:
        return Example(prompt=prompt.tokens, features=prompt.features, answer=[NONE], pointers=[-1])
    standing = {
        (place.source, place.piece, place.start): position
        for position, place in reversed(list(enumerate(prompt.places)))
        if place.source >= 0
    }
    encoded = tokenizer.encode(" " + record["answer"])
    pointers = []
    for token, (start, _) in zip(encoded.ids, encoded.offsets, strict=True):
        start = max(0, start - 1)
        found = -1
        for first, last, source, piece, offset in record["spans"]:
            if first <= start < last:
                position = standing.get((source, piece, offset + start - first), -1)
                if position >= 0 and prompt.tokens[position] == token:
                    found = position
        pointers.append(found)
    return Example(prompt=prompt.tokens, features=prompt.features, answer=[*encoded.ids, END], pointers=[*pointers, -1])


def text_examples(tokenizer: Tokenizer, text: str) -> Iterator[Example]:
    """Plain text in chunks, each after a bare start token."""
    ids = tokenizer.encode(text).ids
    for start in range(0, len(ids), _TEXT_CHUNK):
        chunk = ids[start : start + _TEXT_CHUNK]
        yield Example(prompt=[TEXT], features=[0], answer=chunk, pointers=[-1] * len(chunk))


def examples_of(tokenizer: Tokenizer, records: Iterable[dict[str, Any]]) -> Iterator[Example]:
    """All examples of a stream of records; DataError tells the number of one that is malformed."""
    for number, record in enumerate(records, 1):
        try:
            if "text" in record:
                examples = list(text_examples(tokenizer, record["text"]))
            else:
                examples = [reading_example(tokenizer, record)]
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise DataError(f"record {number} is malformed ({type(fault).__name__}: {fault}); mend the line") from fault
        yield from examples


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Records of a `.jsonl`, `.jsonl.gz` or `.jsonl.xz` file; DataError names file and line where one is malformed."""
    for _, record in numbered_records(path):
        yield record


def numbered_records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The same with the number of the line each stands on; blank lines hold none."""
    opener: Any = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
    try:
        with opener(path, "rt", encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError) as fault:
                    why = getattr(fault, "msg", fault)
                    raise DataError(f"{path}, line {number} is not JSON ({why}); mend the line") from None
                if not isinstance(record, dict):
                    raise DataError(f"{path}, line {number} is not a JSON object; each line must be one")
                yield number, record
    except (OSError, EOFError, zlib.error, lzma.LZMAError, UnicodeDecodeError) as fault:
        raise DataError(f"cannot read {path}: {fault}") from None


def write_packed(path: Path, arrays: dict[str, Any], *, mark: str, version: int, tokenizer: Tokenizer) -> None:
    """Write arrays as an `.npz` that carries its version, under the name `mark`, and its tokenizer.

    It is compressed by LZMA, which finds a passage again that stood there thousands of examples before: packed
    examples take 0.6 times what `np.savez_compressed` makes of them.
    """
    part = path.with_name(path.name + ".part")
    marks: dict[str, Any] = {mark: np.array(version), "tokenizer": np.array(tokenizer.sha256)}
    with zipfile.ZipFile(part, "w", zipfile.ZIP_LZMA) as file:
        for name, array in (arrays | marks).items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
    part.replace(path)


def read_packed(path: Path, names: Iterable[str], *, mark: str, version: int, tokenizer: Tokenizer) -> dict[str, Any]:
    """The named arrays of `write_packed`; DataError if the file is damaged, of another version or tokenizer."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            found, sha256 = int(stored[mark]), str(stored["tokenizer"])
            arrays = {name: stored[name] for name in names}
    except _DAMAGED as fault:
        raise DataError(f"{path} is no packed file ({fault}); pack it with lm.tokenize") from None
    if found != version:
        raise DataError(f"{path} has format {found}, this program reads {version}; pack it anew")
    if sha256 != tokenizer.sha256:
        raise DataError(f"{path} was packed with another tokenizer; pack it anew with the one given")
    return arrays


class ExampleSet:
    """Many examples in flat arrays, so that a million of them fit in memory and load at once."""

    def __init__(self, arrays: dict[str, Any]) -> None:
        self._arrays = arrays
        prompt, answer = arrays["prompt_lengths"].astype(np.int64), arrays["answer_lengths"].astype(np.int64)
        self._prompt_ends, self._answer_ends = np.cumsum(prompt), np.cumsum(answer)
        self.lengths: NDArray[np.int64] = prompt + answer

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def pack(cls, examples: Iterable[Example]) -> ExampleSet:
        """Pack examples; DataError for token ids from 65,536 or more than 32,767 tokens in one."""
        lists: dict[str, array[int]] = {name: array(np.dtype(kind).char) for name, kind in _TYPES.items()}
        for number, example in enumerate(examples, 1):
            if len(example.prompt) + len(example.answer) > np.iinfo(np.int16).max:
                raise DataError(f"example {number} has over 32,767 tokens; pack with a lower --longest")
            try:
                lists["prompts"].extend(example.prompt)
                lists["features"].extend(example.features)
                lists["answers"].extend(example.answer)
                lists["pointers"].extend(example.pointers)
            except OverflowError:
                raise DataError("a token id is over 65,535; use a tokenizer with a smaller vocabulary") from None
            lists["prompt_lengths"].append(len(example.prompt))
            lists["answer_lengths"].append(len(example.answer))
        return cls({name: np.array(values, dtype=_TYPES[name]) for name, values in lists.items()})

    @classmethod
    def merge(cls, sets: Sequence[ExampleSet]) -> ExampleSet:
        """All examples of several sets in one."""
        return cls({name: np.concatenate([part._arrays[name] for part in sets]) for name in _TYPES})

    def save(self, path: Path, *, tokenizer: Tokenizer) -> None:
        """Write a compressed `.npz` that carries the fingerprint of its tokenizer."""
        write_packed(path, self._arrays, mark="format", version=FORMAT, tokenizer=tokenizer)

    @classmethod
    def load(cls, path: Path, *, tokenizer: Tokenizer) -> ExampleSet:
        """Read a packed file; DataError if it is damaged, of another format or of another tokenizer."""
        return cls(read_packed(path, _TYPES, mark="format", version=FORMAT, tokenizer=tokenizer))

    def __getitem__(self, number: int) -> Example:
        arrays = self._arrays
        p0 = int(self._prompt_ends[number] - arrays["prompt_lengths"][number])
        a0 = int(self._answer_ends[number] - arrays["answer_lengths"][number])
        p1, a1 = int(self._prompt_ends[number]), int(self._answer_ends[number])
        return Example(
            prompt=arrays["prompts"][p0:p1].tolist(),
            features=arrays["features"][p0:p1].tolist(),
            answer=arrays["answers"][a0:a1].tolist(),
            pointers=arrays["pointers"][a0:a1].tolist(),
        )

    def batches(self, *, tokens: int, generator: np.random.Generator, bucket: int = 1) -> list[NDArray[np.int64]]:
        """One epoch: example numbers in batches of like length, each at most `tokens` tokens with its padding up to a
        multiple of `bucket`. Plain text and prompts keep to batches of their own."""
        order = generator.permutation(len(self))
        padded = round_up(self.lengths - 1, bucket)
        is_text = self._arrays["prompt_lengths"] == 1
        groups: list[NDArray[np.int64]] = []
        pool = max(_POOL, _POOLED * tokens // max(1, int(self.lengths.mean()))) if len(self) else _POOL
        for start in range(0, len(order), pool):
            part = order[start : start + pool]
            part = part[np.lexsort((self.lengths[part], is_text[part]))]
            first = 0
            for last in range(1, len(part) + 1):
                full = last == len(part) or (last + 1 - first) * padded[part[last]] > tokens
                if full or is_text[part[last]] != is_text[part[first]]:
                    groups.append(part[first:last])
                    first = last
        return [groups[number] for number in generator.permutation(len(groups))]

    def collate(self, numbers: NDArray[np.int64], device: torch.device, *, bucket: int = 1) -> Batch:
        """The named examples padded on the right, to multiples of `bucket`. The last answer token is predicted but
        never read."""
        import torch

        arrays = self._arrays
        prompt = arrays["prompt_lengths"][numbers].astype(np.int64)
        answer = arrays["answer_lengths"][numbers].astype(np.int64)
        read = np.maximum(answer - 1, 0)
        prompt_starts, answer_starts = self._prompt_ends[numbers] - prompt, self._answer_ends[numbers] - answer
        tokens = np.zeros((len(numbers), round_up(int((prompt + read).max()), bucket)), dtype=np.int64)
        features = np.zeros_like(tokens)
        answers = np.full((len(numbers), round_up(int(answer.max()), bucket)), -1, dtype=np.int64)
        pointers = np.full_like(answers, -1)
        _lay(tokens, 0 * prompt, arrays["prompts"], prompt_starts, prompt)
        _lay(tokens, prompt, arrays["answers"], answer_starts, read)
        _lay(features, 0 * prompt, arrays["features"], prompt_starts, prompt)
        _lay(answers, 0 * prompt, arrays["answers"], answer_starts, answer)
        _lay(pointers, 0 * prompt, arrays["pointers"], answer_starts, answer)
        made = [torch.from_numpy(one) for one in (tokens, features, prompt, answers, pointers)]
        if device.type == "cuda":
            # From pinned memory a copy goes on beside the computation.
            made = [one.pin_memory().to(device, non_blocking=True) for one in made]
        tokens_, features_, prompt_, answers_, pointers_ = made
        return Batch(tokens=tokens_, features=features_, prompt=prompt_, answer=answers_, pointers=pointers_)


_TYPES: dict[str, Any] = {
    "prompts": np.uint16,
    "features": np.uint8,
    "answers": np.uint16,
    "pointers": np.int16,
    "prompt_lengths": np.uint16,
    "answer_lengths": np.uint16,
}


def round_up(lengths: Any, multiple: int) -> Any:
    """The next multiples of a number at or above lengths."""
    return -(-lengths // multiple) * multiple


def _lay(
    target: NDArray[np.int64], at: NDArray[np.int64], flat: Any, starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> None:
    """Copy flat[starts : starts + lengths] of every row of `target` [B, T] to its column `at` and those after it."""
    rows = np.repeat(np.arange(len(lengths)), lengths)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    target[rows, np.repeat(at, lengths) + within] = flat[np.repeat(starts, lengths) + within]


def collate(examples: Sequence[Example], device: torch.device) -> Batch:
    """Examples padded into a batch; see `ExampleSet.collate`."""
    return ExampleSet.pack(examples).collate(np.arange(len(examples)), device)
