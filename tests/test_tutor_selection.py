"""Which sentences go into a prompt."""

from dataclasses import replace

import pytest

from lm.tokenizer import Tokenizer
from tutor.candidate import Candidate, Kind
from tutor.selection import select, with_shown

FORMULA, LEGEND = "$$ h = W x $$", "Here $h$ is the state."
TEXTS = ["The gate forgets old things.", "It is near zero then.", "Owls fly at night.", "Cells keep a state."]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(TEXTS, vocabulary=300)


def candidates(scores: list[float], passages: list[int] | None = None) -> list[Candidate]:
    owners = passages or [0] * len(scores)
    return [
        Candidate(passage=owner, start=10 * number, end=10 * number + 5, text=TEXTS[number], score=score)
        for number, (score, owner) in enumerate(zip(scores, owners, strict=True))
    ]


def cost(tokenizer: Tokenizer, *numbers: int) -> int:
    return sum(len(tokenizer.encode(" " + TEXTS[number]).ids) + 1 for number in numbers)


def test_the_best_fit_the_budget_in_reading_order_with_gaps(tokenizer: Tokenizer) -> None:
    found = select(candidates([0.9, 0.1, 0.0, 0.8]), tokenizer, budget=cost(tokenizer, 0, 3))
    assert [piece.text for piece in found[0].pieces] == [TEXTS[0], TEXTS[3]]
    assert [piece.rank for piece in found[0].pieces] == [1, 2]
    assert [piece.gap for piece in found[0].pieces] == [False, True]


def test_what_follows_a_good_sentence_comes_before_a_poor_one(tokenizer: Tokenizer) -> None:
    found = select(candidates([0.9, 0.1, 0.0, 0.4]), tokenizer, budget=cost(tokenizer, 0, 1))
    assert [piece.text for piece in found[0].pieces] == [TEXTS[0], TEXTS[1]]


def test_the_score_is_not_carried_into_another_passage(tokenizer: Tokenizer) -> None:
    found = select(candidates([0.9, 0.1, 0.0, 0.4], [0, 1, 1, 1]), tokenizer, budget=cost(tokenizer, 0, 3))
    assert [(one.passage, [piece.text for piece in one.pieces]) for one in found] == [(0, [TEXTS[0]]), (1, [TEXTS[3]])]


def test_kept_sentences_are_taken_whatever_their_score(tokenizer: Tokenizer) -> None:
    found = select(candidates([0.9, 0.8, -0.5, 0.7]), tokenizer, budget=1, keep=frozenset({2}))
    assert [piece.text for piece in found[0].pieces] == [TEXTS[2]]


def test_one_sentence_is_taken_even_when_it_alone_exceeds_the_budget(tokenizer: Tokenizer) -> None:
    assert sum(len(one.pieces) for one in select(candidates([0.2, 0.1, 0.0, 0.9]), tokenizer, budget=1)) == 1


def test_what_a_lead_opens_comes_before_a_better_sentence(tokenizer: Tokenizer) -> None:
    lead, first, second, other = candidates([0.9, 0.1, 0.0, 0.4])
    found = select(
        [replace(lead, text="They are:"), replace(first, kind=Kind.ITEM), replace(second, kind=Kind.ITEM), other],
        tokenizer,
        budget=cost(tokenizer, 0, 1, 2),
    )
    assert [piece.text for piece in found[0].pieces] == ["They are:", TEXTS[1], TEXTS[2]]


@pytest.mark.parametrize("room", [True, False])
def test_what_explains_a_formula_comes_with_it_or_not(tokenizer: Tokenizer, room: bool) -> None:
    formula = Candidate(passage=0, start=0, end=len(FORMULA), text=FORMULA, score=0.01)
    start = len(FORMULA) + 2
    legend = Candidate(passage=0, start=start, end=start + len(LEGEND), text=LEGEND, score=0.8)
    best, other = candidates([0.9, 0.1], [1, 2])
    whole = sum(len(tokenizer.encode(" " + text).ids) + 1 for text in (FORMULA, LEGEND, TEXTS[0]))
    found = select([formula, legend, best, other], tokenizer, budget=whole - (not room))
    texts = [piece.text for one in found for piece in one.pieces]
    assert (LEGEND in texts) == room
    assert FORMULA in texts


@pytest.mark.parametrize("lead", ["The code below feeds the owl.", "The owl is fed so:"])
def test_code_that_the_prompt_had_no_room_for_is_shown_where_a_sentence_leads_to_it(
    tokenizer: Tokenizer, lead: str
) -> None:
    code = "```python\n" + "feed(owl)\n" * 40 + "```"
    first, second, other, last = candidates([0.9, 0.0, 0.1, 0.0], [0, 0, 0, 1])
    read = [replace(first, text=lead), replace(second, text=code), other, last]
    chosen = select(read, tokenizer, budget=40)
    assert code not in [piece.text for one in chosen for piece in one.pieces]
    shown = [one.text for one in with_shown(chosen, read)]
    assert shown[:2] == [lead, code]
    assert set(shown) - {code} == {piece.text for one in chosen for piece in one.pieces}


def test_code_is_not_shown_where_nothing_leads_to_it(tokenizer: Tokenizer) -> None:
    code = "```python\n" + "feed(owl)\n" * 40 + "```"
    first, second, *_ = candidates([0.9, 0.0])
    read = [first, replace(second, text=code)]
    assert with_shown(select(read, tokenizer, budget=40), read) == [first]
