"""Hints: the place and a question back, the sentence with gaps, the answer, and no word from elsewhere."""

import re

import pytest
from fake_tutor import PASSAGES, answer_for

from corpus.document import Locator, Passage
from tutor.answer import Answer, Citation, Ranked
from tutor.hint import GAP, STEPS, cited_sentences, hint, inert, place_of
from tutor.tutor import Tutor

PHRASES = (
    "Look in and then under page slide cell One sentence formula piece of code there has the words answers question "
    "Which reason number name does it give What set side by side time or case steps means describe How would you put "
    "your own say square"
)
TEXT = "A gate is a vector that lets another vector pass.\n\nThe reset gate of 1997 opens early because errors fade."


def passage(text: str = TEXT, **place) -> Passage:
    fields = {"source": "gates.pdf", "start": 0, "end": len(text), "headings": ("Gates", "Kinds")} | place
    return Passage(passage_id="1" * 16, document="Gates", text=text, locator=Locator(**fields), course="Nets")


def answer(question: str, *sentences: str, one: Passage | None = None) -> Answer:
    """An answer that quotes sentences of a passage."""
    one = one or passage()
    spans = tuple((one.text.index(sentence), one.text.index(sentence) + len(sentence)) for sentence in sentences)
    citation = Citation(number=1, passage=one, answer_spans=(), passage_spans=spans, weight=1.0)
    return Answer(question=question, text=" ".join(sentences) + " [1]", refused=False, citations=(citation,),
                  passages=(Ranked(passage=one, score=1.0),), trace=None)  # fmt: skip


GATE, RESET = TEXT.split("\n\n")


def test_the_first_hint_names_the_place_and_asks_back() -> None:
    assert hint(answer("What is a gate?", GATE), 1) == (
        "Look in **Gates**, under *Kinds*. One sentence there has the words “gate”. What does it say a gate is?"
    )


@pytest.mark.parametrize(
    ("question", "back"),
    [
        ("Why does the reset gate open early?", "Which reason does it give?"),
        ("How many reset gates are there?", "Which number does it give?"),
        ("Who made the reset gate?", "Which name does it give?"),
        ("When did the reset gate come up?", "Which time or case does it name?"),
        ("How does the reset gate differ?", "What does it set side by side?"),
        ("reset gate", "How would you put it in your own words?"),
    ],
)
def test_the_question_back_fits_the_question(question: str, back: str) -> None:
    found = hint(answer(question, RESET), 1)
    assert "has the words “reset gate”" in found
    assert found.endswith(back)


def test_the_second_hint_leaves_out_what_the_question_does_not_name() -> None:
    found = hint(answer("Why does the reset gate open early?", RESET), 2)
    assert found.startswith("> The reset gate of ")
    assert "1997" not in found
    assert GAP.replace("_", r"\_") in found
    assert "early because" in found


def test_numbers_go_first_and_neighbouring_gaps_are_one() -> None:
    one = passage("It takes 12,500 quick small steps.")
    gap = GAP.replace("_", r"\_")
    assert hint(answer("How long?", one.text, one=one), 2) == f"> It takes {gap} quick small steps."


def test_the_right_side_of_an_equation_is_left_out() -> None:
    one = passage("The state is:\n\n$$ h_t = \\tanh(W x_t) $$\n\nHere $c = 2$ and $d$ is free.")
    found = hint(answer("state", "$$ h_t = \\tanh(W x_t) $$", "Here $c = 2$ and $d$ is free.", one=one), 2)
    assert r"$$ h_t = \square$$" in found
    assert r"$c = \square$ and $d$" in found
    assert "tanh" not in found


def test_the_last_hint_is_the_answer_and_there_is_none_beyond() -> None:
    one = answer("What is a gate?", GATE)
    assert hint(one, STEPS) == one.text
    for step in (0, STEPS + 1):
        with pytest.raises(ValueError, match="from 1 to 3"):
            hint(one, step)


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_refusal_has_no_hint(step: int) -> None:
    refusal = answer_for("How do I cook pasta?")
    assert hint(refusal, step) == refusal.text


def test_places_say_page_slide_and_what_is_printed() -> None:
    assert place_of(passage(page=7, page_label="iv")) == "**Gates**, page iv, under *Kinds*"
    assert place_of(passage(slide=3, headings=())) == "**Gates**, slide 3"
    assert place_of(passage(slide=3, last=5)) == "**Gates**, slides 3 to 5", "its headings are those of slide 3"
    assert place_of(passage(headings=("<b>*x*",))) == r"**Gates**, under *&lt;b>\*x\**"


def test_rows_and_list_items_are_read_as_sentences() -> None:
    row = passage("| Gate | Meaning |\n|---|---|\n| reset | forgets the past |")
    assert (
        cited_sentences(answer("reset?", "| reset | forgets the past |", one=row))[0][1] == "reset · forgets the past"
    )
    item = passage("- a gate that opens\n- a gate that closes")
    assert cited_sentences(answer("gate?", "a gate that closes", one=item))[0][1] == "a gate that closes"


def test_hostile_titles_stay_text() -> None:
    assert inert("<img src=x onerror=alert(1)> $x$ [a](b)") == r"&lt;img src=x onerror=alert(1)> \$x\$ &#91;a&#93;(b)"
    assert inert(r"\(x\) [draft] #1") == r"&#92;(x&#92;) &#91;draft&#93; \#1"


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text.casefold()))


def nothing_from_elsewhere(found: Answer) -> None:
    known = words(PHRASES)
    for one in found.passages:
        place = one.passage.locator
        known |= words(" ".join((one.passage.document, one.passage.text, *place.headings)))
        known |= {str(number) for number in (place.page, place.slide, place.cell)}
    for step in (1, 2):
        assert words(hint(found, step)) <= known, hint(found, step)


def test_no_word_of_a_hint_is_from_elsewhere() -> None:
    nothing_from_elsewhere(answer("Why does the reset gate open early?", RESET))
    found = answer_for("What does the forget gate do?")
    assert found.passages[0].passage == PASSAGES[0]
    nothing_from_elsewhere(found)


def test_hints_of_the_course_lead_to_the_gold_place(course_tutor: Tutor) -> None:
    for question, heading in [
        ("What does the forget gate of an LSTM do?", "The forget gate"),
        ("What is layer normalisation?", "Layer normalisation"),
        ("What is the KV cache?", "The KV cache"),
    ]:
        found = course_tutor.ask(question, trace=False)
        assert heading in hint(found, 1)
        assert r"\_" in hint(found, 2)
        nothing_from_elsewhere(found)
