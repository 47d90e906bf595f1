"""Which bracketed numbers of an answer may become links."""

from __future__ import annotations

import json

import pytest
from fake_tutor import answer_for

from tutor.ui.markers import bracketed, put_by_tutor
from tutor.ui.payload import panel_json

HONEY = "Honey keeps for years [3]."


@pytest.mark.parametrize(
    ("text", "rests", "put"),
    [
        (f"{HONEY} [1]", HONEY, [False, True]),
        (f"{HONEY} [1][2]", HONEY, [False, True, True]),
        ("Honey keeps. [1]", "Honey keeps.", [True]),
        ("See [3](a.md) and [4]. [1]", "See [3](a.md) and [4].", [False, True]),
        ("As `a[1]` and $x[2]$ say [3]. [1]", "As `a[1]` and $x[2]$ say [3].", [False, True]),
        ("```\na[1]\n```\n[1]", "```\na[1]\n```", [True]),
        ("Nothing.", "", []),
    ],
)
def test_what_a_passage_says_is_no_citation(text: str, rests: str, put: list[bool]) -> None:
    assert [one for _, _, one in bracketed(text, [(0, len(rests))])] == put


def test_the_page_is_told() -> None:
    answer = answer_for("What are the numbers?")
    assert put_by_tutor(answer) == [False, False, False, True, True]
    assert json.loads(panel_json(answer, 0))["markers"] == [False, False, False, True, True]
    assert put_by_tutor(answer_for("pasta")) == []
