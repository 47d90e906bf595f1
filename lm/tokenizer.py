"""Byte-level BPE (Sennrich et al. 2016, over UTF-8 bytes as in GPT-2) with special tokens that text cannot forge.

Special tokens are added by id alone. Text is encoded with them switched off, so a lecture that contains `<|end|>`
yields the pieces of those seven characters and never the token.
"""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as Backend

SPECIAL = (
    "<|pad|>",
    "<|end|>",
    "<|none|>",
    "<|text|>",
    "<|question|>",
    "<|source|>",
    "<|gap|>",
    "<|short|>",
    "<|full|>",
    "<|ask|>",
    "<|rewrite|>",
)
"""Ids 0 to 10 in this order: padding, end of answer, "the sources do not answer this", start of plain text, start of
the question, start of a source, left-out sentences, and the orders: answer with a span, answer in sentences, ask a
question, write a question anew."""

PAD, END, NONE, TEXT, QUESTION, SOURCE, GAP, SHORT, FULL, ASK, REWRITE = range(len(SPECIAL))

_FIRST_ORDERS = ASK
"""Special tokens of the oldest tokenizers, which know no order but to answer; their text begins at this id."""

_WORDS = r" ?\p{L}+| ?\p{N}{1,2}| ?[^\s\p{L}\p{N}]{1,3}|\s+(?!\S)|\s+"
"""Pieces never cross these: a run of letters, one or two digits, up to three other marks (LaTeX has long runs)."""


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """Token ids and, for each, the characters [start, end) of the text it stands for."""

    ids: list[int]
    offsets: list[tuple[int, int]]


class Tokenizer:
    """A trained byte-level BPE tokenizer of `size` pieces, of which the first `special` are special tokens.

    >>> tokenizer = Tokenizer.train(["attention is a weighted mean"], vocabulary=300)
    >>> tokenizer.decode(tokenizer.encode("weighted <|end|> π").ids)
    'weighted <|end|> π'
    """

    def __init__(self, backend: Backend) -> None:
        self.special = len(SPECIAL) if backend.token_to_id(SPECIAL[-1]) is not None else _FIRST_ORDERS
        """Number of special tokens."""
        for number, token in enumerate(SPECIAL[: self.special]):
            if backend.token_to_id(token) != number:
                raise ValueError(f"not a tokenizer of this library: {token} should have id {number}")
        backend.no_truncation()
        backend.no_padding()
        backend.encode_special_tokens = True
        self._backend = backend
        self.size: int = backend.get_vocab_size()

    @classmethod
    def train(cls, texts: Iterable[str], *, vocabulary: int, progress: bool = False) -> Tokenizer:
        """Learn `vocabulary` pieces (at least 256 bytes + the special tokens) from `texts`."""
        least = 256 + len(SPECIAL)
        if vocabulary < least:
            raise ValueError(f"vocabulary is {vocabulary}; it must be at least {least} (the bytes and special tokens)")
        backend = Backend(models.BPE())
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(_WORDS), behavior="isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        backend.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=list(SPECIAL),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=progress,
        )
        backend.train_from_iterator(texts, trainer)
        return cls(backend)

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read `tokenizer.json`; raises ValueError naming the file when it is not one."""
        try:
            text = path.read_text(encoding="utf-8")
            fields = json.loads(text)
        except (UnicodeDecodeError, json.JSONDecodeError) as fault:
            raise ValueError(f"{path} is not a tokenizer file: {fault}") from None
        if (
            not isinstance(fields, dict)
            or not isinstance(model := fields.get("model"), dict)
            or model.get("type") != "BPE"
        ):
            raise ValueError(f"{path} is not a tokenizer file: it holds no BPE model")
        try:
            return cls(Backend.from_str(text))
        except Exception as fault:  # `tokenizers` raises nothing more special
            raise ValueError(f"{path} is not a tokenizer file of this library: {fault}") from None

    def to_json(self) -> str:
        """The tokenizer as the text of its file."""
        return str(self._backend.to_str(pretty=False))

    @cached_property
    def sha256(self) -> str:
        """Fingerprint of vocabulary and merges; packed data carry it so that a mismatch is an error."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def encode(self, text: str) -> Encoding:
        """Ids and character offsets of `text`; markers of special tokens inside it are ordinary characters."""
        encoded = self._backend.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False)
        return Encoding(ids=encoded.ids, offsets=encoded.offsets)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of `ids`, special tokens left out; bytes that are not whole characters become U+FFFD."""
        return str(self._backend.decode([token for token in ids if token >= self.special]))

    def piece(self, token: int) -> str:
        """One token for people to read: its text, or the marker of a special token."""
        return SPECIAL[token] if token < self.special else str(self._backend.decode([token]))

    def token_bytes(self, token: int) -> bytes:
        """The bytes a token stands for; none for a special token."""
        if token < self.special:
            return b""
        symbols = self._backend.id_to_token(token) or ""
        return bytes(_BYTE_OF[symbol] for symbol in symbols)


def _byte_symbols() -> dict[str, int]:
    """Inverse of the byte-to-symbol table of byte-level BPE: printable bytes stand for themselves, others shift."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


_BYTE_OF = _byte_symbols()


class StreamDecoder:
    """Turns tokens into text as they come, holding back bytes until they make whole characters."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, token: int) -> str:
        """Characters completed by `token`, perhaps none."""
        return self._decoder.decode(self._tokenizer.token_bytes(token))

    def finish(self) -> str:
        """What is left at the end: U+FFFD if the last character never came whole."""
        return self._decoder.decode(b"", final=True)
