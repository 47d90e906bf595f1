"""What belongs together in an answer."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tutor.belonging import listed, needed, opened, plausible
from tutor.candidate import Candidate, Kind
from tutor.choices import Choices
from tutor.growth import Growth
from tutor.odds import sigmoid

CHOICES = Choices()
ITEM, TITLE, TEXT = Kind.ITEM, Kind.TITLE, Kind.TEXT


def slide(*lines: tuple[str, Kind, float], passage: int = 0, pitch: int = 100) -> list[Candidate]:
    """Candidates of one passage: words, what they are, odds; one begins `pitch` characters after the other."""
    return [
        Candidate(
            passage=passage,
            start=pitch * number,
            end=pitch * number + len(text),
            text=text,
            score=odds / (1 + odds),
            kind=kind,
        )
        for number, (text, kind, odds) in enumerate(lines)
    ]


def texts(units: Sequence[Sequence[Candidate]]) -> list[list[str]]:
    return [[one.text for one in unit] for unit in units]


GATES = (
    ("Gates of a cell", TITLE, 0.02),
    ("Forget erases the memory", ITEM, 4.0),
    ("Input writes new content", ITEM, 3.0),
    ("Output reads it", ITEM, 4.0 * CHOICES.in_list * 0.9),
    ("Owls", TITLE, 0.01),
    ("Owls fly at night", TEXT, 0.01),
)


def test_a_title_and_a_lead_open_what_stands_after_them() -> None:
    candidates = slide(*GATES)
    assert list(opened(candidates, 0)) == [1, 2, 3]
    assert list(opened(candidates, 4)) == [5]
    assert list(opened(candidates, 1)) == []
    lead = slide(
        ("The loss is:", TEXT, 1), ("$$a$$", TEXT, 1), ("$$b$$", TEXT, 1), ("Prose.", TEXT, 1), ("More.", TEXT, 1)
    )
    assert list(opened(lead, 0)) == [1, 2, 3]
    two = [*slide(("They are:", TEXT, 1)), *slide(("elsewhere", TEXT, 1), passage=1)]
    assert list(opened(two, 0)) == []


@pytest.mark.parametrize(("before", "after"), [("Salt is raked by", "hand at dawn."), ("In winter,", "$$s = 0$$")])
def test_a_statement_that_breaks_off_is_told_with_what_goes_on(before: str, after: str) -> None:
    for odds in ((0.1, 4.0), (4.0, 0.1)):
        candidates = slide((before, TEXT, odds[0]), (after, TEXT, odds[1]), ("Owls fly.", TEXT, 0.01))
        growth = Growth(candidates, "How?", CHOICES)
        assert texts([growth.take(candidates[odds.index(4.0)])]) == [[before, after]]
    assert needed(slide((before, TEXT, 1), ("Owls fly.", TEXT, 1)), 1) == []
    assert needed(slide((after, TEXT, 1)), 0) == needed(slide((before.casefold(), TEXT, 1)), 0) == []
    assert needed([*slide((before, TEXT, 1)), *slide((after, TEXT, 1), passage=1)], 1) == []


FORMULA, LEGEND = r"$$ h_t = \tanh(W x_t) $$", "Here $h_t$ is the hidden state of step $t$."


@pytest.mark.parametrize("odds", [(0.1, 4.0), (4.0, 0.1)])
def test_a_formula_and_what_explains_its_letters_are_said_together(odds: tuple[float, float]) -> None:
    candidates = slide((FORMULA, TEXT, odds[0]), (LEGEND, TEXT, odds[1]), ("Owls.", TEXT, 0.1), pitch=len(FORMULA) + 2)
    assert list(opened(candidates, 0)) == [1]
    assert needed(candidates, 1) == [0]
    growth = Growth(candidates, "What is the hidden state?", CHOICES)
    assert growth.lacks(candidates[1])
    assert texts([growth.take(candidates[odds.index(4.0)])]) == [[FORMULA, LEGEND]]
    assert not growth.lacks(candidates[1])


def test_only_the_formula_right_before_is_needed() -> None:
    for before in ("$h_t$ is small.", "Owls fly.", "Let $h$ be 1:"):
        assert needed(slide((before, TEXT, 1), (LEGEND, TEXT, 1), pitch=len(before) + 1), 1) == []
    assert needed(slide((FORMULA, TEXT, 1), (LEGEND, TEXT, 1)), 1) == [], "something was left out between them"
    elsewhere = [*slide((FORMULA, TEXT, 1), passage=0), *slide((LEGEND, TEXT, 1), passage=1)]
    assert needed(elsewhere, 1) == []
    assert needed(elsewhere, 0) == []
    here = slide((FORMULA, TEXT, 1), ("Here we see owls.", TEXT, 1), pitch=len(FORMULA) + 1)
    assert needed(here, 1) == []


def physicists() -> list[Candidate]:
    """Three of Marie Curie, two of Albert Einstein; who opens with "she" or "he" points back to the name."""
    lines = (
        ("Marie Curie was born in Warsaw.", -1),
        ("She discovered polonium and radium.", 0),
        ("Her husband was Pierre Curie.", 0),
        ("Albert Einstein was born in Ulm.", -1),
        ("He published special relativity.", 300),
    )
    made = slide(*((text, TEXT, 0.1) for text, _ in lines))
    return [replace(one, antecedent=back) for one, (_, back) in zip(made, lines, strict=True)]


def test_what_points_back_comes_with_what_it_points_to() -> None:
    candidates = physicists()
    curie, _, husband, einstein, relativity = (one.text for one in candidates)
    assert needed(candidates, 2) == [0], "not all that stands between them"
    assert needed(candidates, 3) == []
    growth = Growth(candidates, "Who was married?", CHOICES)
    assert growth.lacks(candidates[2])
    assert texts([growth.take(candidates[2])]) == [[curie, husband]]
    assert not growth.lacks(candidates[1]), "it is still about her"
    assert texts([growth.take(candidates[3])]) == [[einstein]]
    assert growth.lacks(candidates[1]), "another name was said in between"
    assert texts([growth.take(candidates[1])]) == [[curie, candidates[1].text]]
    assert texts([growth.take(candidates[4])]) == [[einstein, relativity]]


def test_items_of_another_list_stay_away() -> None:
    candidates = slide(*((text, ITEM, 4.0) for text in ("bread knife", "paring knife", "frying pan")))
    lists = [replace(one, listing=place) for one, place in zip(candidates, (0, 0, 200), strict=True)]
    assert listed(lists, 0, CHOICES.in_list) == [1]
    assert listed(lists, 2, CHOICES.in_list) == []
    lead = [*slide(("They are:", TEXT, 1)), *lists]
    assert list(opened(lead, 0)) == [1, 2]


def test_a_list_ends_where_it_is_long() -> None:
    lines = [(f"item {number} " + "word " * 20, ITEM, 1.0) for number in range(10)]
    candidates = slide(("They are:", TEXT, 1.0), *lines)
    assert list(opened(candidates, 0)) == [1, 2, 3, 4]
    assert 1 < len(listed(candidates, 1, CHOICES.in_list)) < 5
    short = slide(("They are:", TEXT, 1.0), *((f"item {number}", ITEM, 1.0) for number in range(20)))
    assert len(list(opened(short, 0))) == 12
    assert len(listed(short, 5, CHOICES.in_list)) == 11


def test_items_belong_together_when_they_are_likely_enough() -> None:
    candidates = slide(*GATES)
    assert listed(candidates, 1, CHOICES.in_list) == [2]
    assert listed(candidates, 2, CHOICES.in_list) == [1, 3]
    assert listed(candidates, 5, CHOICES.in_list) == []


def test_an_answer_of_one_item_brings_its_list() -> None:
    candidates = slide(*GATES)
    growth = Growth(candidates, "Which gates are there?", CHOICES)
    assert texts(growth.rest(3)) == [["Forget erases the memory", "Input writes new content"], ["Output reads it"]]
    growth = Growth(candidates, "Which gates are there?", CHOICES)
    growth.tell("Input writes new content.", candidates[2])
    assert texts(growth.rest(0)) == [["Forget erases the memory", "Output reads it"]]


def test_a_title_of_the_question_only_opens_its_list() -> None:
    candidates = slide(("Gates of a cell", TITLE, 9.0), *GATES[1:])
    growth = Growth(candidates, "What gates does a cell have?", CHOICES)
    assert texts(growth.rest(1)) == [["Forget erases the memory", "Input writes new content", "Output reads it"]]
    alone = Growth(candidates[:1], "What gates does a cell have?", CHOICES)
    assert alone.rest(3) == []
    other = Growth(candidates, "What erases?", CHOICES)
    assert texts(other.rest(1))[0][0] == "Gates of a cell"


def test_what_is_likely_enough_belongs_and_more_so_in_the_same_passage() -> None:
    here = slide(
        ("The gate forgets.", TEXT, 4.0),
        ("Owls sleep.", TEXT, 0.0001),
        ("Cells keep a state.", TEXT, 4 * CHOICES.also / CHOICES.same_passage * 1.1),
    )
    there = slide(
        ("Inputs are read.", TEXT, 4.0 * CHOICES.also * 0.9),
        ("States are passed on.", TEXT, 4.0 * CHOICES.also * 1.1),
        passage=1,
    )
    units = Growth([*here, *there], "What happens?", CHOICES).rest(3)
    assert texts(units) == [["The gate forgets."], ["Cells keep a state."], ["States are passed on."]]
    assert texts(Growth([*here, *there], "What happens?", CHOICES).rest(1)) == [["The gate forgets."]]


def test_what_is_unlikely_belongs_only_right_beside_the_answer() -> None:
    odds = CHOICES.least / (1 - CHOICES.least)
    here = slide(
        ("The gate forgets.", TEXT, 2 * odds),
        ("Cells keep a state.", TEXT, 0.9 * odds),
        ("$$f = 1$$", TEXT, 0.001 * odds),
        ("Inputs are read.", TEXT, 0.9 * odds),
        ("A reset comes first.", TEXT, 0.9 * odds),
    )
    there = slide(("States are passed on.", TEXT, 0.95 * odds), passage=1)
    found = Growth([*here, *there], "What happens?", CHOICES)
    assert texts(found.rest(4)) == [["The gate forgets."], ["Cells keep a state."]]
    likelier = slide(("States are passed on.", TEXT, 1.1 * odds), passage=1)
    assert ["States are passed on."] in texts(Growth([*here, *likelier], "What happens?", CHOICES).rest(4))


def test_nothing_is_said_twice() -> None:
    candidates = [
        *slide(("The gate forgets old things.", TEXT, 4.0)),
        *slide(("An old gate forgets things", TEXT, 4.0), passage=1),
    ]
    growth = Growth(candidates, "What happens?", CHOICES)
    assert growth.take(candidates[1]) == (candidates[1],)
    assert growth.take(candidates[0]) == ()
    assert growth.repeats("Old things: the gate forgets!")
    assert not growth.repeats("The cell keeps a state.")
    assert growth.rest(3) == []


def test_a_heading_is_no_part_of_an_answer() -> None:
    assert Growth(slide(("Forgetting", Kind.HEADING, 9.0)), "What?", CHOICES).rest(3) == []


def test_an_implausible_sentence_is_told_from_the_best() -> None:
    odds = 4.0 * CHOICES.plausible
    best, near, far, led = slide(
        ("Best.", TEXT, 4.0), ("Near.", TEXT, odds * 1.1), ("Far.", TEXT, odds * 0.9), ("Led.", TEXT, 0.01)
    )
    assert plausible(near, [best, near, far], CHOICES.plausible)
    assert not plausible(far, [best, near, far], CHOICES.plausible)
    assert not plausible(led, [best, led], CHOICES.plausible)
    (lead,) = slide(("They are:", TEXT, 4.0))
    assert plausible(led, [lead, led], CHOICES.plausible)
    assert best.score == pytest.approx(sigmoid(1.3862943611))


@pytest.mark.parametrize("label", ["Misconception:", "**Myth 2:**", "Common misconception –", "Wrong:"])
def test_what_is_refuted_is_said_with_what_puts_it_right_or_not_at_all(label: str) -> None:
    candidates = slide(
        (f"{label} gates are walls.", TEXT, 4.0), ("In fact, gates are soft doors.", TEXT, 3.0), ("Owls.", TEXT, 0.01)
    )
    growth = Growth(candidates, "What are gates?", CHOICES)
    assert growth.take(candidates[0]) == tuple(candidates[:2])
    growth = Growth(candidates, "What are gates?", CHOICES)
    assert growth.take(candidates[1]) == (candidates[1],)
    assert texts(growth.rest(3)) == []
    assert not slide(("Wrong turns are common: mind them.", TEXT, 1.0))[0].refuted


def test_an_item_comes_with_those_below_it_and_these_with_theirs() -> None:
    lines = slide(
        ("What to do", ITEM, 0.1), ("Signs", ITEM, 4.0), ("queen cells", ITEM, 0.02), ("idle bees", ITEM, 0.02)
    )
    nested = [replace(one, listing=0, level=2 * (place > 1)) for place, one in enumerate(lines)]
    assert list(opened(nested, 1)) == [2, 3]
    assert list(opened(nested, 0)) == []
    assert needed(nested, 3) == [1]
    unit = Growth(nested, "What are the signs?", CHOICES).take(nested[1])
    assert [one.text for one in unit] == ["Signs", "queen cells", "idle bees"]


def test_an_item_below_another_does_not_bring_the_rest_of_its_list() -> None:
    lines = slide(
        ("Queen of the hive", ITEM, 0.01),
        ("lays many eggs", ITEM, 4.0),
        ("lives long", ITEM, 0.02),
        ("Workers gather", ITEM, 0.01),
    )
    nested = [replace(one, listing=0, level=2 * (place in (1, 2))) for place, one in enumerate(lines)]
    growth = Growth(nested, "How many eggs are laid?", CHOICES)
    assert [one.text for one in growth.take(nested[1])] == ["Queen of the hive", "lays many eggs"]
    assert growth.rest(0) == []


def test_a_title_is_no_answer_once_its_list_is_told() -> None:
    lines = slide(("Before the canal", TITLE, 9.0), ("Napoleon orders a survey", ITEM, 4.0), ("Owls fly", ITEM, 4.0))
    growth = Growth(lines, "When was it opened?", CHOICES)
    growth.take(lines[1])
    assert growth.rest(2) == []
    formula = slide(("f = 1 / 2L", TITLE, 9.0), ("where L is the length", TEXT, 4.0))
    growth = Growth(formula, "How does it depend on the length?", CHOICES)
    growth.take(formula[1])
    assert texts(growth.rest(2)) == [["f = 1 / 2L"]]
    assert Growth(lines[:1], "When was it opened?", CHOICES).take(lines[0]) == (lines[0],)


def test_items_of_one_list_may_share_their_words() -> None:
    lines = slide(
        ("Precision = relevant items retrieved / all items retrieved", ITEM, 4.0),
        ("Recall = relevant items retrieved / all relevant items", ITEM, 4.0),
    )
    assert len(Growth(lines, "What is recall?", CHOICES).take(lines[0])) == 2


def test_a_question_in_bold_brings_its_answer() -> None:
    lines = slide(
        ("**It does not learn. What is wrong?**", TEXT, 4.0),
        ("Mostly the rate.", TEXT, 0.01),
        ("Lower it.", TEXT, 0.01),
        ("**Is it fast?** ", TEXT, 0.01),
        ("Yes.", TEXT, 0.01),
    )
    near = [replace(one, start=place, end=place) for place, one in enumerate(lines)]
    assert list(opened(near, 0)) == [1, 2]
    assert list(opened(lines, 0)) == []


@pytest.mark.parametrize(("question", "proved"), [("Why are the degrees even?", True), ("What is even?", False)])
def test_who_asks_why_gets_the_proof(question: str, proved: bool) -> None:
    lines = slide(
        ("**Lemma.** All degrees are even.", TEXT, 4.0),
        ("**Proof.** Count the ends.", TEXT, 0.01),
        ("Each edge has two.", TEXT, 0.01),
        ("**Lemma.** Trees have leaves.", TEXT, 0.01),
    )
    proof = ["**Proof.** Count the ends.", "Each edge has two."] if proved else []
    assert [one.text for one in Growth(lines, question, CHOICES).take(lines[0])][1:] == proof


@pytest.mark.parametrize(
    ("said", "goes_on"),
    [("Palmerston was against it.", True), ("Palmerston was against it because of India.", False)],
)
def test_who_asks_why_gets_what_goes_on_from_the_bare_fact(said: str, goes_on: bool) -> None:
    lines = slide((said, TEXT, 4.0), ("He feared for the road to India.", TEXT, 0.01), pitch=len(said) + 1)
    unit = Growth(lines, "Why was Palmerston against it?", CHOICES).take(lines[0])
    assert len(unit) == 1 + goes_on
