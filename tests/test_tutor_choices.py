"""The numbers that were chosen can be changed by name."""

import pytest

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
        ("read=0", "read is 0; it must be at least 1"),
        ("also=1.5", "also is 1.5; it must be from 0 to 1"),
    ],
)
def test_a_setting_that_is_none_is_one_line(setting: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        Choices().changed([setting])
    assert "\n" not in str(caught.value)
