from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lm_samples import old_tokenizer, small_tokenizer

from lm.reading import (
    DENSITIES,
    FEATURES,
    FIRST_SOURCE_FEATURE,
    Mode,
    Piece,
    build_prompt,
    content_stems,
    rank_bucket,
    stem,
    text_prompt,
)
from lm.tokenizer import ASK, FULL, GAP, QUESTION, REWRITE, SHORT, SOURCE, SPECIAL, TEXT

_PIECES = st.lists(
    st.builds(Piece, text=st.text(min_size=1, max_size=30), rank=st.integers(0, 9), gap=st.booleans()), max_size=3
)
_SOURCES = [
    [Piece(text="A queue returns the oldest item.", rank=1), Piece(text="It is simple.", rank=5, gap=True)],
    [Piece(text="Water boils at 100 degrees.", rank=2)],
]


@given(st.text(max_size=30), st.lists(_PIECES, max_size=3))
def test_places_round_trip_to_the_texts(question: str, sources: list[list[Piece]]) -> None:
    tokenizer = small_tokenizer()
    prompt = build_prompt(tokenizer, question, sources)
    assert len(prompt.tokens) == len(prompt.features) == len(prompt.places) == prompt.prefix
    assert all(0 <= feature < FEATURES for feature in prompt.features)
    texts = {(-1, -1): question}
    texts |= {(a, b): piece.text for a, pieces in enumerate(sources) for b, piece in enumerate(pieces)}
    covered = dict.fromkeys(texts, 0)
    tokens: dict[tuple[int, int], list[int]] = {key: [] for key in texts}
    for token, feature, place in zip(prompt.tokens, prompt.features, prompt.places, strict=True):
        assert (place.source == -2) == (token < len(SPECIAL))
        assert (feature == 0) == (place.source == -2)
        assert (feature >= FIRST_SOURCE_FEATURE) == (place.source >= 0)
        if place.source == -2:
            continue
        key = place.source, place.piece
        assert place.start <= covered[key] <= place.end
        covered[key] = place.end
        tokens[key].append(token)
    for key, text in texts.items():
        assert covered[key] == len(text)
        assert tokenizer.decode(tokens[key]) == (text if key == (-1, -1) else " " + text)


def test_each_source_token_is_the_text_at_its_place() -> None:
    tokenizer = small_tokenizer()
    prompt = build_prompt(tokenizer, "What is oldest?", _SOURCES)
    for token, place in zip(prompt.tokens, prompt.places, strict=True):
        if place.source >= 0:
            text = _SOURCES[place.source][place.piece].text[place.start : place.end]
            assert tokenizer.piece(token) in (text, " " + text)


def test_layout_of_special_tokens() -> None:
    tokenizer = small_tokenizer()
    prompt = build_prompt(tokenizer, "What?", _SOURCES, mode="short")
    special = [token for token in prompt.tokens if token < len(SPECIAL)]
    assert special == [QUESTION, SOURCE, GAP, SOURCE, SHORT]
    assert prompt.tokens[0] == QUESTION
    assert prompt.tokens[-1] == SHORT
    assert build_prompt(tokenizer, "What?", _SOURCES).tokens[-1] == FULL
    assert prompt == build_prompt(tokenizer, "What?", _SOURCES, mode="short")


def _features(question: str, sources: list[list[Piece]]) -> dict[str, int]:
    """Feature of each word, by the token that ends it."""
    tokenizer = small_tokenizer()
    prompt = build_prompt(tokenizer, question, sources)
    texts = {(a, b): piece.text for a, pieces in enumerate(sources) for b, piece in enumerate(pieces)}
    texts[-1, -1] = question
    found = {}
    for feature, place in zip(prompt.features, prompt.places, strict=True):
        read = texts[place.source, place.piece][: place.end] if place.source != -2 else ""
        if read and not read[-1].isspace():
            found[read.split()[-1] + ("?" if place.source == -1 else "")] = feature
    return found


def test_features_tell_match_density_and_rank() -> None:
    found = _features("oldest queue degree size", _SOURCES)
    assert {word[:-1]: found[word] for word in ("oldest?", "queue?", "degree?", "size?")} == {
        "oldest": 2,
        "queue": 2,
        "degree": 2,
        "size": 1,
    }

    def feature(rank: int, density: int, match: int) -> int:
        return FIRST_SOURCE_FEATURE + (rank_bucket(rank) * DENSITIES + density) * 2 + match

    # Two of the four words asked for stand near: density 2 (above 0.34). One of four: density 1.
    assert found["queue"] == feature(1, 2, 1)
    assert found["returns"] == feature(1, 2, 0)
    assert found["simple."] == feature(5, 2, 0)
    assert found["degrees."] == feature(2, 1, 1)
    assert found["Water"] == feature(2, 1, 0)


def test_density_counts_within_the_window_only() -> None:
    far = "queue " + "so " * 10 + "end"
    found = _features("queue", [[Piece(text=far)]])
    assert found["so"] == FIRST_SOURCE_FEATURE + 2 * 3
    assert found["end"] == FIRST_SOURCE_FEATURE


def test_function_words_do_not_match() -> None:
    found = _features("what is the item", [[Piece(text="the item is")]])
    assert found["the?"] == 1
    assert found["the"] % 2 == FIRST_SOURCE_FEATURE % 2
    assert found["item"] % 2 != FIRST_SOURCE_FEATURE % 2


@pytest.mark.parametrize(("rank", "bucket"), [(-1, 0), (0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (6, 3), (7, 4)])
def test_rank_buckets(rank: int, bucket: int) -> None:
    assert rank_bucket(rank) == bucket


def test_stems() -> None:
    assert [stem(word) for word in ("Gates", "gating", "studies", "class", "is")] == [
        "gat",
        "gat",
        "stud",
        "class",
        "is",
    ]
    assert content_stems("What are the Gates of a GATE?") == ["gat", "gat"]


@pytest.mark.parametrize(("mode", "order"), [("ask", ASK), ("rewrite", REWRITE)])
def test_orders_end_the_prompt_and_an_old_tokenizer_does_not_know_them(mode: Mode, order: int) -> None:
    prompt = build_prompt(small_tokenizer(), "", _SOURCES, mode=mode)
    assert prompt.tokens[:2] == [QUESTION, SOURCE]
    assert prompt.tokens[-1] == order
    with pytest.raises(ValueError, match=rf"knows no <\|{mode}\|>, the order to {mode}; take a newer one"):
        build_prompt(old_tokenizer(), "", _SOURCES, mode=mode)
    assert build_prompt(old_tokenizer(), "Who?", _SOURCES).tokens[-1] == FULL


def test_text_prompt_starts_with_its_token_and_is_causal() -> None:
    prompt = text_prompt(small_tokenizer(), "A heap")
    assert prompt.tokens[0] == TEXT
    assert prompt.prefix == 1
    assert set(prompt.features) == {0}
    assert [place.start for place in prompt.places[1:]] == sorted(place.start for place in prompt.places[1:])
