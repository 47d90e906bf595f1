"""Settings of models: what is refused, and what a command line may write."""

from __future__ import annotations

import math
from typing import Any

import pytest
from lm_samples import small_model

from lm.config import PRESETS, ModelConfig, parse_overrides, preset


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "width is 0; it must be a whole number of at least 1"),
        ({"window": 0}, "window is 0"),
        ({"layers": 1.5}, "layers is 1.5"),
        ({"width": 31}, "width 31 over 3 heads"),
        ({"width": 33}, "width 33 over 3 heads"),
        ({"architecture": "mlp"}, "architecture is 'mlp'; it must be one of transformer, rnn, lstm, gru, window"),
        ({"positions": "alibi"}, "positions is 'alibi'; it must be one of rotary, sinusoidal, learned"),
        ({"feed_forward": "gelu"}, "feed_forward is 'gelu'; it must be one of relu2, swiglu"),
        ({"score": "euclid"}, "score is 'euclid'; it must be one of dot, scaled_dot, bilinear"),
        ({"architecture": "gru", "hidden": 7}, "hidden is 7; it must be even"),
        ({"qk_norm": 1}, "qk_norm is 1; it must be true or false"),
        ({"shift": "yes"}, "shift is 'yes'; it must be true or false"),
        ({"tied": None}, "tied is None; it must be true or false"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"ngram": 9}, "ngram is 9"),
        ({"softcap": -1.0}, "softcap is -1.0"),
        ({"softcap": math.nan}, "softcap is nan"),
        ({"rotary_base": 1.0}, "rotary_base is 1.0; it must be above 1"),
        ({"rotary_base": math.inf}, "rotary_base is inf"),
        ({"depth": 3}, "unknown model setting 'depth'; known are architecture, context"),
    ],
)
def test_a_bad_configuration_names_its_field(change: dict[str, Any], message: str) -> None:
    fields = small_model().config.to_json() | change
    with pytest.raises(ValueError, match=message):
        ModelConfig.from_json(fields)


def test_settings_that_belong_to_one_architecture_do_not_bind_another() -> None:
    assert ModelConfig(vocabulary=9, features=3, architecture="window", width=7, hidden=5).head_size == 1
    assert ModelConfig(vocabulary=9, features=3, hidden=7).hidden == 7
    assert ModelConfig(vocabulary=9, features=3, architecture="lstm", width=7, hidden=6, heads=3).width == 7


def test_a_configuration_is_what_it_was_after_json() -> None:
    config = ModelConfig(vocabulary=9, features=3, architecture="gru", score="additive", tied=False, rotary_base=500.0)
    assert ModelConfig.from_json(config.to_json()) == config
    with pytest.raises(ValueError, match="incomplete model settings"):
        ModelConfig.from_json({"width": 32})


def test_presets_take_overrides() -> None:
    for name, fields in PRESETS.items():
        assert preset(name, vocabulary=9, features=3).to_json().items() >= fields.items()
    changed = preset("tiny", vocabulary=9, features=3, architecture="lstm", layers=1)
    assert (changed.architecture, changed.layers, changed.width) == ("lstm", 1, 32)
    with pytest.raises(ValueError, match="no preset 'huge'; choose one of tiny, mini"):
        preset("huge", vocabulary=9, features=3)


def test_overrides_of_a_command_line_become_fields() -> None:
    pairs = ["hidden=464", "softcap=0", "tied=False", "shift=true", "score=low_rank", "rotary_base=1e5"]
    found = parse_overrides(pairs)
    assert found == {
        "hidden": 464,
        "softcap": 0.0,
        "tied": False,
        "shift": True,
        "score": "low_rank",
        "rotary_base": 100_000.0,
    }
    assert [type(value) for value in found.values()] == [int, float, bool, bool, str, float]
    assert preset("tiny", vocabulary=9, features=3, **found).score == "low_rank"
    assert parse_overrides([]) == {}


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("depth=3", "no model setting 'depth'; write NAME=VALUE with one of architecture, context"),
        ("vocabulary=9", "no model setting 'vocabulary'"),
        ("hidden", "hidden is ''; it must be a whole number"),
        ("hidden=4.5", "hidden is '4.5'; it must be a whole number"),
        ("dropout=some", "dropout is 'some'; it must be a number"),
        ("tied=1", "tied is '1'; it must be true or false"),
    ],
)
def test_a_bad_override_is_named(pair: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_overrides(["width=32", pair])
