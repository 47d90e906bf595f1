from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lm_samples import TEXTS, small_model, small_tokenizer

from lm.data import DataError, Example, ExampleSet, collate, examples_of, read_records, reading_example
from lm.tokenizer import END, NONE, TEXT, Tokenizer

_RECORD: dict[str, Any] = {
    "question": "Who?",
    "sources": [[["Well, so be it.", 1, 0], ["A queue returns the oldest item.", 2, 0]]],
    "mode": "short",
    "answer": "the oldest queue",
    "spans": [[0, 10, 0, 1, 16], [11, 16, 0, 1, 2]],
}


def _set(count: int = 30) -> ExampleSet:
    records = [_RECORD | {"question": "Who? " * (number % 7 + 1)} for number in range(count)]
    return ExampleSet.pack(examples_of(small_tokenizer(), [*records, {"text": TEXTS[0] * 3}]))


def test_pointers_stand_on_the_same_token_of_the_source() -> None:
    tokenizer = small_tokenizer()
    example = reading_example(tokenizer, _RECORD)
    assert tokenizer.decode(example.answer) == " the oldest queue"
    assert example.answer[-1] == END
    assert example.pointers[-1] == -1
    pointed = [(token, place) for token, place in zip(example.answer, example.pointers, strict=True) if place >= 0]
    assert all(example.prompt[place] == token for token, place in pointed)
    text = tokenizer.decode([token for token, _ in pointed])
    assert "oldest" in text
    assert "queue" in text


def test_a_question_without_an_answer_asks_for_the_no_answer_token() -> None:
    example = reading_example(small_tokenizer(), _RECORD | {"answer": None, "spans": []})
    assert example.answer == [NONE]
    assert example.pointers == [-1]


def test_text_comes_in_chunks_that_join_to_it() -> None:
    tokenizer = small_tokenizer()
    text = " ".join(TEXTS) * 4
    examples = list(examples_of(tokenizer, [{"text": text}]))
    assert len(examples) > 2
    assert all(example.prompt == [TEXT] and len(example.answer) <= 256 for example in examples)
    assert tokenizer.decode([token for example in examples for token in example.answer]) == text


def test_pack_save_load_round_trip(tmp_path: Path) -> None:
    packed = _set()
    packed.save(tmp_path / "data.npz", tokenizer=small_tokenizer())
    loaded = ExampleSet.load(tmp_path / "data.npz", tokenizer=small_tokenizer())
    assert len(loaded) == len(packed) > 30
    for number in range(len(packed)):
        assert loaded[number] == packed[number]
    assert loaded[0] == reading_example(small_tokenizer(), _RECORD | {"question": "Who? "})
    both = ExampleSet.merge([loaded, packed])
    assert both[len(packed)] == packed[0]
    assert not list(tmp_path.glob("*.part"))


def test_a_packed_file_of_another_tokenizer_is_refused(tmp_path: Path) -> None:
    _set(2).save(tmp_path / "data.npz", tokenizer=small_tokenizer())
    other = Tokenizer.train(["other words altogether"], vocabulary=280)
    with pytest.raises(DataError, match="packed with another tokenizer"):
        ExampleSet.load(tmp_path / "data.npz", tokenizer=other)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.95])
def test_a_cut_off_packed_file_is_refused(tmp_path: Path, part: float) -> None:
    path = tmp_path / "data.npz"
    _set(40).save(path, tokenizer=small_tokenizer())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(DataError, match=r"data\.npz is no packed file"):
        ExampleSet.load(path, tokenizer=small_tokenizer())


def test_a_flipped_bit_is_refused_or_without_effect(tmp_path: Path) -> None:
    packed, path = _set(40), tmp_path / "data.npz"
    packed.save(path, tokenizer=small_tokenizer())
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 7):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(bytes(flipped))
        try:
            loaded = ExampleSet.load(path, tokenizer=small_tokenizer())
        except DataError:
            refused += 1
        else:
            assert [loaded[number] for number in range(41)] == [packed[number] for number in range(41)]
    assert refused > len(whole) / 7 / 2


def test_too_long_a_sequence_cannot_be_packed() -> None:
    record = _RECORD | {"sources": [[["x" * 40_000, 0, 0]]], "answer": None, "spans": []}
    with pytest.raises(DataError, match="over 32,767 tokens"):
        ExampleSet.pack(examples_of(small_tokenizer(), [record]))
    with pytest.raises(DataError, match="over 65,535"):
        ExampleSet.pack([Example(prompt=[70_000], features=[0], answer=[1], pointers=[-1])])


def test_an_epoch_holds_every_example_once_within_the_token_limit() -> None:
    packed = _set(100)
    batches = packed.batches(tokens=400, generator=np.random.default_rng(0))
    assert sorted(number for batch in batches for number in batch) == list(range(len(packed)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * (packed.lengths[batch].max() - 1) <= 400
    again = packed.batches(tokens=400, generator=np.random.default_rng(0))
    assert all(np.array_equal(one, other) for one, other in zip(batches, again, strict=True))
    other = packed.batches(tokens=400, generator=np.random.default_rng(1))
    assert not all(np.array_equal(one, two) for one, two in zip(batches, other, strict=False))


def test_text_and_prompts_keep_to_batches_of_their_own() -> None:
    records = [_RECORD | {"question": "Who? " * (number % 7 + 1)} for number in range(60)]
    texts = [{"text": " ".join(TEXTS[: number % 4 + 1])} for number in range(60)]
    packed = ExampleSet.pack(examples_of(small_tokenizer(), [*records, *texts]))
    for bucket in (1, 32):
        batches = packed.batches(tokens=900, generator=np.random.default_rng(0), bucket=bucket)
        assert sorted(number for batch in batches for number in batch) == list(range(len(packed)))
        for numbers in batches:
            assert len({len(packed[number].prompt) == 1 for number in numbers.tolist()}) == 1
            batch = packed.collate(numbers, torch.device("cpu"), bucket=bucket)
            assert batch.tokens.numel() <= 900
            assert batch.tokens.shape[1] % bucket == batch.answer.shape[1] % bucket == 0


def test_padding_to_a_bucket_adds_nothing_but_padding() -> None:
    packed = _set(5)
    numbers = np.array([4, 0, 2])
    plain = packed.collate(numbers, torch.device("cpu"))
    padded = packed.collate(numbers, torch.device("cpu"), bucket=16)
    for name, empty in (("tokens", 0), ("features", 0), ("answer", -1), ("pointers", -1)):
        one, other = getattr(plain, name), getattr(padded, name)
        assert torch.equal(other[:, : one.shape[1]], one)
        assert bool((other[:, one.shape[1] :] == empty).all())
    assert torch.equal(padded.prompt, plain.prompt)
    assert padded.tokens.shape[1] % 16 == padded.answer.shape[1] % 16 == 0
    model, nll = small_model(), []
    for batch in (plain, padded):
        losses = model.losses(batch.tokens, batch.features, batch.prompt, batch.answer, batch.pointers)
        nll.append(losses.nll[losses.mask])
    torch.testing.assert_close(nll[0], nll[1], rtol=0, atol=1e-10)


def test_collate_pads_and_never_reads_the_last_answer_token() -> None:
    packed = _set(3)
    long, short = packed[2], packed[0]
    batch = collate([long, short], torch.device("cpu"))
    assert batch.tokens.shape == (2, len(long.prompt) + len(long.answer) - 1)
    read = len(short.prompt) + len(short.answer) - 1
    assert batch.tokens[1, :read].tolist() == short.prompt + short.answer[:-1]
    assert not batch.tokens[1, read:].any()
    assert batch.answer[1].tolist() == short.answer
    assert batch.features[1, : len(short.features)].tolist() == short.features
    assert not batch.features[1, len(short.features) :].any()
    assert batch.prompt.tolist() == [len(long.prompt), len(short.prompt)]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.xz"])
def test_records_are_read_from_all_three_kinds(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"some{suffix}"
    content = (json.dumps(_RECORD, ensure_ascii=False) + "\n \n" + '{"text": "π"}\n\n').encode()
    pack = {".jsonl.gz": gzip.compress, ".jsonl.xz": lzma.compress}.get(suffix, bytes)
    path.write_bytes(pack(content))
    assert list(read_records(path)) == [_RECORD, {"text": "π"}]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text": "x"}\n{"text": ', "line 2 is not JSON"),
        ("a.jsonl", b"\n" + b"[" * 100_000, "line 2 is not JSON"),
        ("a.jsonl", b'{"text": ' + b"1" * 5000 + b"}", "line 1 is not JSON"),
        ("a.jsonl", b"[1]\n", "line 1 is not a JSON object"),
        ("a.jsonl", b'{"text": "\xff"}\n', "cannot read"),
        ("a.jsonl.gz", b"not gzip", "cannot read"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "x"}\n' * 99, mtime=0)[:-12], "cannot read"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "x"}\n' * 99, mtime=0)[:12] + b"\x00" * 40, "cannot read"),
        ("a.jsonl.xz", b"not xz", "cannot read"),
    ],
)
def test_a_bad_records_file_is_named_with_its_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(read_records(path))


def test_a_missing_records_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*none\.jsonl"):
        list(read_records(tmp_path / "none.jsonl"))


@pytest.mark.parametrize("lack", ["question", "mode", "answer", "spans", "sources"])
def test_a_record_without_a_field_is_a_data_error(lack: str) -> None:
    record = {name: value for name, value in _RECORD.items() if name != lack}
    with pytest.raises(DataError, match=lack):
        list(examples_of(small_tokenizer(), [record]))
