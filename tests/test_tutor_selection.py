"""Which sentences go into a prompt."""

import pytest

from lm.tokenizer import Tokenizer
from tutor.selection import (
    ALSO,
    PLAUSIBLE,
    Candidate,
    candidate,
    left_out,
    log_odds,
    plausible,
    select,
    sigmoid,
)

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


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("- ▶ a gate closes", "a gate closes"),
        ("2) the second step", "the second step"),
        ("## Forget gate", None),
        ("---", None),
        ("| | |", None),
        ("-5 is negative", "-5 is negative"),
        ("$$x = 1$$", "$$x = 1$$"),
    ],
)
def test_markers_go_and_headings_answer_nothing(line: str, kept: str | None) -> None:
    text = "before " + line
    found = candidate(0, text, 7, len(text), 0.5)
    assert (found.text if found else None) == kept
    if found:
        assert text[found.start : found.end] == found.text


def test_tex_commands_that_frame_text_answer_nothing() -> None:
    for line in ("\\section{Gates}", "\\begin{itemize}", "\\end{itemize}"):
        assert candidate(0, line, 0, len(line), 0.5) is None
    equation = "\\begin{equation} a = b \\end{equation}"
    assert candidate(0, equation, 0, len(equation), 0.5) is not None
    item = candidate(0, "\\item A gate closes.", 0, 20, 0.5)
    assert item is not None
    assert item.text == "A gate closes."


def test_log_odds_and_back() -> None:
    assert log_odds(0.5) == 0
    assert sigmoid(log_odds(0.137)) == pytest.approx(0.137)
    assert log_odds(0.0) == pytest.approx(-log_odds(1.0))


def test_what_is_about_as_likely_to_answer_belongs_to_it() -> None:
    odds = [4.0, 4.0 * ALSO * 1.1, 4.0 * ALSO * 0.9, 3.0]
    found = left_out(candidates([odd / (1 + odd) for odd in odds]), TEXTS[0], most=3)
    assert [one.text for one in found] == [TEXTS[1], TEXTS[3]]
    assert left_out(candidates([odd / (1 + odd) for odd in odds]), TEXTS[0], most=1)[0].text == TEXTS[3]
    assert left_out([], "anything", most=3) == []


def test_nothing_is_said_twice() -> None:
    twice = [*candidates([0.9, 0.9]), Candidate(passage=1, start=0, end=9, text="The gate forgets old!", score=0.9)]
    assert [one.text for one in left_out(twice, "", most=3)] == [TEXTS[0], TEXTS[1]]
    assert [one.text for one in left_out(twice, "An old gate forgets things", most=3)] == [TEXTS[1]]


def test_a_heading_is_no_part_of_an_answer() -> None:
    heading = Candidate(passage=0, start=0, end=9, text="Forgetting", score=0.99, heading=True)
    assert left_out([heading], "", most=3) == []


def test_an_implausible_sentence_is_told_from_the_best() -> None:
    best, near, far = candidates([0.8, sigmoid(log_odds(0.8 * 1) + log_odds(PLAUSIBLE / (1 + PLAUSIBLE)) + 0.1), 0.01])
    assert plausible(best, [best, near, far])
    assert plausible(near, [best, near, far])
    assert not plausible(far, [best, near, far])
