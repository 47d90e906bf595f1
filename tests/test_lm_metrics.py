from __future__ import annotations

import pytest

from lm.metrics import exact_match, f1, normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Cat, a dog and AN ape.", "cat dog and ape"),
        ("  white\n\tspace ", "white space"),
        ("U.S.", "us"),
        ("well-known", "wellknown"),
        ("a.n. other", "other"),
        ("theatre another", "theatre another"),
        ("“quoted” – dash", "“quoted” – dash"),
        ("the", ""),
        ("$1,000.50", "100050"),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_exact_match_takes_any_reference() -> None:
    assert exact_match("The Eiffel tower!", ["Paris", "eiffel Tower"]) == 1.0
    assert exact_match("Eiffel", ["Paris", "Eiffel tower"]) == 0.0


@pytest.mark.parametrize(
    ("prediction", "references", "expected"),
    [
        ("the big red barn", ["a red barn"], 0.8),
        ("barn barn", ["barn"], 2 / 3),
        ("barn", ["barn barn", "red barn door"], 2 / 3),
        ("green", ["red"], 0.0),
        ("", ["red"], 0.0),
        ("the", ["a"], 0.0),
        ("red", ["blue", "red"], 1.0),
    ],
)
def test_f1_by_hand(prediction: str, references: list[str], expected: float) -> None:
    assert f1(prediction, references) == pytest.approx(expected)


def test_no_reference_is_an_error() -> None:
    with pytest.raises(ValueError, match="no reference answer"):
        f1("x", [])
