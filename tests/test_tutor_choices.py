"""The numbers that were chosen can be changed by name."""

import math
from dataclasses import fields
from typing import Any

import pytest
from anything import check_line, things
from hypothesis import example, given
from hypothesis import strategies as st

from tutor.choices import Choices


def test_settings_change_what_they_name() -> None:
    changed = Choices().changed(["also=0.5", "sentences=1", "own_words=false"])
    assert changed == Choices(also=0.5, sentences=1, own_words=False)
    assert Choices().changed([]) == Choices()


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("depth=3", "no choice 'depth'"),
        ("read=many", "'read=many' gives read no int"),
        ("own_words=perhaps", "no bool"),
        ("also", "no float"),
        ("read=0", "read is 0; it must be a whole number of at least 1"),
        ("also=1.5", "also is 1.5; it must be from 0 to 1"),
    ],
)
def test_a_setting_that_is_none_is_one_line(setting: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        Choices().changed([setting])
    assert "\n" not in str(caught.value)


@given(name=st.sampled_from([one.name for one in fields(Choices)]), value=things)
@example(name="beside", value=math.nan)
@example(name="same_passage", value=math.inf)
@example(name="read", value=2.5)
@example(name="budget", value=math.inf)
@example(name="own_words", value="no")
@example(name="threshold", value=None)
@example(name="also", value=True)
def test_any_value_of_a_choice_is_in_its_range_or_one_line(name: str, value: Any) -> None:
    said = ""
    try:
        Choices(**{name: value})
    except ValueError as fault:
        said = check_line(fault)
    kind = type(getattr(Choices(), name))
    if said:
        assert said.startswith(f"{name} is ")
    elif kind is float:
        assert math.isfinite(value)
    else:
        assert type(value) is kind


@given(
    setting=st.text(max_size=40)
    | st.sampled_from(["read", "also"]).flatmap(lambda one: st.text().map(f"{one}={{}}".format))
)
@example(setting="also=nan")
@example(setting="beside=inf")
@example(setting="read=9" + "9" * 5000)
@example(setting="\n" * 9)
def test_any_text_is_a_setting_or_one_line(setting: str) -> None:
    said = ""
    try:
        Choices().changed([setting])
    except ValueError as fault:
        said = check_line(fault)
    assert said or "=" in setting
