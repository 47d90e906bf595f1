from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lm_samples import TEXTS, old_tokenizer, small_tokenizer

from lm.tokenizer import END, SPECIAL, StreamDecoder, Tokenizer


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    tokenizer = small_tokenizer()
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


@given(st.lists(st.one_of(st.sampled_from(SPECIAL), st.text(max_size=5)), max_size=6).map("".join))
def test_text_never_makes_a_special_token(text: str) -> None:
    tokenizer = small_tokenizer()
    ids = tokenizer.encode(text).ids
    assert all(token >= len(SPECIAL) for token in ids)
    assert tokenizer.decode(ids) == text


@given(st.text())
def test_offsets_cover_the_text_in_order(text: str) -> None:
    encoding = small_tokenizer().encode(text)
    position = 0
    for start, end in encoding.offsets:
        # Tokens that share the bytes of one character share its offsets.
        assert start <= position <= end
        position = end
    assert position == len(text)


def test_offsets_name_the_characters_of_each_piece() -> None:
    tokenizer = small_tokenizer()
    encoding = tokenizer.encode(TEXTS[0])
    for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        assert tokenizer.piece(token) == TEXTS[0][start:end]


def test_lone_surrogates_are_encoded_as_question_marks() -> None:
    tokenizer = small_tokenizer()
    assert tokenizer.decode(tokenizer.encode("a\ud800b").ids) == "a?b"


def test_numbers_are_cut_into_at_most_two_digits() -> None:
    tokenizer = Tokenizer.train(["1987 1987 1987 2000 2000 2000 100 100 100 93 93"] * 9, vocabulary=330)
    pieces = [tokenizer.piece(token) for token in tokenizer.encode("In 1987, 2000 of 100.").ids]
    assert max(sum(character.isdigit() for character in piece) for piece in pieces) == 2


@given(st.text())
def test_stream_is_whole_characters_that_join_to_the_text(text: str) -> None:
    tokenizer = small_tokenizer()
    stream = StreamDecoder(tokenizer)
    parts = [stream.feed(token) for token in tokenizer.encode(text).ids]
    assert stream.finish() == ""
    assert "".join(parts) == text


def test_stream_holds_back_a_half_character_and_marks_one_that_never_comes() -> None:
    tokenizer = small_tokenizer()
    ids = tokenizer.encode("π").ids
    assert len(ids) == 2
    stream = StreamDecoder(tokenizer)
    assert stream.feed(ids[0]) == ""
    assert stream.feed(END) == ""
    assert stream.feed(ids[1]) == "π"
    stream.feed(ids[0])
    assert stream.finish() == "�"


def test_token_bytes_join_to_the_text() -> None:
    tokenizer = small_tokenizer()
    text = "naïve π 😀 \x00"
    assert b"".join(tokenizer.token_bytes(token) for token in tokenizer.encode(text).ids) == text.encode()
    assert tokenizer.token_bytes(END) == b""


def test_piece_shows_special_tokens_and_decode_leaves_them_out() -> None:
    tokenizer = small_tokenizer()
    assert tokenizer.piece(END) == "<|end|>"
    assert tokenizer.decode([END, *tokenizer.encode("heap").ids]) == "heap"


def test_file_round_trip_keeps_ids_and_fingerprint(tmp_path: Path) -> None:
    tokenizer = small_tokenizer()
    path = tmp_path / "tokenizer.json"
    path.write_text(tokenizer.to_json(), encoding="utf-8")
    loaded = Tokenizer.load(path)
    assert loaded.sha256 == tokenizer.sha256
    assert loaded.encode("<|end|> heap").ids == tokenizer.encode("<|end|> heap").ids


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"{}", b'{"model": {"type": "WordPiece"}}', b"\xff\xfe"])
def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.json is not a tokenizer file"):
        Tokenizer.load(path)


def test_a_damaged_tokenizer_is_named(tmp_path: Path) -> None:
    path = tmp_path / "damaged.json"
    path.write_text(small_tokenizer().to_json().replace('"ByteLevel"', '"ByteLeval"'), encoding="utf-8")
    with pytest.raises(ValueError, match=r"damaged\.json is not a tokenizer file"):
        Tokenizer.load(path)


def test_a_tokenizer_without_the_special_tokens_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.json"
    path.write_text(small_tokenizer().to_json().replace("<|none|>", "<|nope|>"), encoding="utf-8")
    with pytest.raises(ValueError, match="should have id 2"):
        Tokenizer.load(path)


def test_a_vocabulary_below_the_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 267"):
        Tokenizer.train(TEXTS, vocabulary=266)


def test_a_tokenizer_from_before_the_last_special_tokens_has_text_in_their_place(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(old_tokenizer().to_json(), encoding="utf-8")
    old = Tokenizer.load(path)
    assert (old.special, small_tokenizer().special) == (9, len(SPECIAL))
    first = old.special
    assert old.piece(first) == old.decode([first]) == "!"
    assert old.token_bytes(first) == b"!"
    text = " ".join((*TEXTS, *SPECIAL))
    assert old.decode(old.encode(text).ids) == text
    assert min(old.encode(text).ids) >= old.special
