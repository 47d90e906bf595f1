"""Which conversation a page goes on with."""

import pytest

from tutor.ui.chat import Turn
from tutor.ui.resuming import remembered

HERS, HIS = (Turn(question="What is a gate?", shown="A vector."),), (Turn(question="Why?", shown="So."),)
STATES = ({1: ("name-a", "ada"), 2: HERS}, {1: ("name-b", ""), 2: HIS}, {1: ("", ""), 2: HIS}, {}, {1: ("name-c", "")})


@pytest.mark.parametrize(
    ("known", "turns"),
    [
        (("name-a", "ada"), HERS),
        (("name-b", ""), HIS),
        (("name-a", ""), ()),
        (("name-a", "bob"), ()),
        (("name-b", "ada"), ()),
        (("name-c", ""), ()),
        (("other", ""), ()),
        (("", ""), ()),
    ],
)
def test_a_conversation_goes_on_for_who_had_it_and_knows_its_name(known: tuple[str, str], turns: object) -> None:
    assert remembered(STATES, known, 1, 2) == turns
