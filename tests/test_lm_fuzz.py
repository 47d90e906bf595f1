"""What may be handed over as settings of a generation: tokens within them, or one line on what is wrong."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import torch
from anything import check_line
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lm_samples import small_model, small_tokenizer

from lm.generate import generate
from lm.model import LanguageModel
from lm.reading import Piece, build_prompt
from lm.sampling import Decoding
from lm.tokenizer import END, NONE

LEFT = ("stop", "may_refuse")
"""Settings that take any tokens and anything that is true or not."""

numbers = st.one_of(st.integers(-3, 40), st.integers(), st.floats())
mixed = st.fixed_dictionaries(
    {},
    optional={one.name: numbers for one in fields(Decoding) if one.name not in LEFT}
    | {"stop": st.lists(st.integers(0, 400), max_size=3).map(tuple), "may_refuse": st.booleans()},
)
sound = st.fixed_dictionaries(
    {"longest": st.integers(1, 12)},
    optional={
        "temperature": st.just(0.0) | st.floats(0.01, 100),
        "top_k": st.integers(0, 400),
        "top_p": st.floats(1e-9, 1),
        "min_p": st.floats(0, 1),
        "repetition": st.floats(1, 100),
        "no_repeat": st.integers(0, 4),
        "may_refuse": st.booleans(),
        "seed": st.integers(0, 2**63 - 1),
        "stop": st.lists(st.integers(0, 400), max_size=3).map(tuple),
        "lookup": st.integers(0, 20),
    },
)


@pytest.fixture(scope="module", params=[torch.float32, torch.float64], ids=str)
def model(request: pytest.FixtureRequest) -> LanguageModel:
    return small_model(dtype=request.param)


@settings(max_examples=200, deadline=None)
@given(chosen=mixed)
def test_any_numbers_are_settings_or_one_line_that_names_one_of_them(chosen: dict[str, Any]) -> None:
    said = ""
    try:
        Decoding(**chosen)
    except ValueError as fault:
        said = check_line(fault)
    assert not said or said.split()[0] in chosen


@settings(max_examples=60, deadline=None)
@given(chosen=sound)
@example(chosen={"longest": 12, "no_repeat": 1})
def test_sound_settings_make_tokens(model: LanguageModel, chosen: dict[str, Any]) -> None:
    decoding = Decoding(**chosen)
    prompt = build_prompt(small_tokenizer(), "What is old?", [[Piece(text="A queue is old.", rank=1, gap=False)]])
    tokens = [one.token for one in generate(model, prompt, decoding)]
    assert 1 <= len(tokens) <= decoding.longest
    assert all(0 <= token < model.config.vocabulary for token in tokens)
    assert not {END, NONE, *decoding.stop} & set(tokens[:-1])
    assert decoding.may_refuse or NONE not in tokens
    assert tokens == [one.token for one in generate(model, prompt, decoding)]
