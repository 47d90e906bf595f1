"""What asks the question is no answer to it, and what repeats it is not what the rest is measured by."""

from dataclasses import replace

import pytest

from corpus.document import Locator, Passage
from index.hits import Hit, SentenceScore
from tutor.coverage import signals
from tutor.echo import asks_back, echoes
from tutor.odds import read_hits

ASKED = "Why do the gradients vanish?"
SAID = "Every factor is below one."


@pytest.mark.parametrize(
    ("sentence", "asks"),
    [
        ("Why do gradients vanish?", True),
        ("3. Why do the gradients vanish?", True),
        ("Why do the gradients of an RNN vanish in time?", False),
        ('<a href="x">Why do gradients vanish?</a> [x](http://a.b/c) ![x](http://a.b)', True),
        ("<script>document.body = 'a';</script> Why do gradients vanish?", True),
        ("Does it?", True),
        ("Gradients vanish.", False),
        ("Why do gradients vanish? because every factor of the product is below one", False),
        ("What is an owl?", False),
        ("https://a.b/?gradients=vanish", False),
        ("gradients (?) vanish", False),
    ],
)
def test_a_sentence_that_asks_the_question_does_not_answer_it(sentence: str, asks: bool) -> None:
    assert asks_back(sentence, ASKED) == asks


GRAPES = "Name three grape varieties of Bordeaux."


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        (GRAPES, GRAPES),
        ("2) " + GRAPES, "Which three grape varieties of Bordeaux are there?"),
        ("(b) Explain why the gradients vanish.", ASKED),
        ("Exercise 3: Explain briefly why gradients vanish!", ASKED),
        ("3. Derive the gradient of the loss.", "Can you derive the gradient of the loss?"),
        ("- **Describe** the water cycle.", "What is the water cycle?"),
        ("List the organs of the digestive system.", "what are the organs of the digestive system"),
        ("Compute the mean of 2 and 4.", "What is the mean of 2 and 4?"),
    ],
)
def test_an_exercise_does_not_answer_itself(sentence: str, question: str) -> None:
    assert asks_back(sentence, question)


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("Name resolution turns a name into an address.", "What is name resolution?"),
        ("Define the loss as the mean of the squared errors.", "How is the loss defined?"),
        ("Compute the gradient, then step against it.", "What does gradient descent do?"),
        ("Merlot, Cabernet and Malbec are grape varieties of Bordeaux.", GRAPES),
        ("To explain why gradients vanish takes a product.", ASKED),
        ("State capitals are seats of government.", "What are state capitals?"),
    ],
)
def test_what_says_more_than_the_exercise_does(sentence: str, question: str) -> None:
    assert not asks_back(sentence, question)


def test_a_title_asks_without_a_mark_too() -> None:
    bare = ASKED.rstrip("?")
    assert asks_back(bare, ASKED, title=True)
    assert not asks_back(bare, ASKED)
    assert not asks_back("Vanishing gradients", ASKED, title=True)
    assert not asks_back("Why owls fly at night", ASKED, title=True)


def hit(*said: str, searched: float = 0.9, headings: tuple[str, ...] = ()) -> Hit:
    """A passage of these sentences, one a line; those with a question mark are as near to the question as can be."""
    text = "\n".join(said)
    place = Locator(source="gates.md", start=0, end=len(text), headings=headings)
    spans, start = [], 0
    for one in said:
        near = 1.0 if "?" in one else 0.5
        spans.append(SentenceScore(start=start, end=start + len(one), score=near, answers=0.9 if near == 1.0 else 0.5))
        start += len(one) + 1
    passage = Passage(passage_id=str(hash(text)), document="Gates", text=text, locator=place)
    return Hit(passage=passage, score=searched, searched=searched, dense=0.5, lexical=0.0, sentences=tuple(spans))


@pytest.mark.parametrize(
    ("found", "repeats"),
    [
        (hit(SAID), False),
        (hit(ASKED, SAID), True),
        (hit(SAID, headings=("Exercises", ASKED)), True),
        (hit(SAID, headings=("Why the gradients vanish",)), True),
        (hit(SAID, headings=("Gradients that vanish",)), False),
        (hit("Why is that?", SAID), False),
        (hit("Why gradients?", SAID, headings=("Gradients",)), False),
    ],
)
def test_a_passage_repeats_a_question_as_a_whole(found: Hit, repeats: bool) -> None:
    assert echoes(found, ASKED) == repeats
    assert not echoes(found, "And why?")


def test_a_passage_that_repeats_the_question_does_not_put_the_others_behind() -> None:
    answers = hit(SAID, searched=0.5)
    (alone,) = read_hits([answers], ASKED)
    beside = read_hits([hit("Never mind.", headings=(ASKED,)), answers], ASKED)
    assert [one.text for one in beside] == ["Never mind.", SAID]
    assert beside[1].score == pytest.approx(alone.score)
    ahead, behind = read_hits([hit("Never mind."), answers], ASKED)
    assert behind.score < alone.score / 100
    (sheet,) = read_hits([hit(ASKED, SAID)], ASKED)
    assert sheet.text == SAID
    assert sheet.score == pytest.approx(ahead.score)


def test_an_exercise_sheet_covers_nothing() -> None:
    sheet, notes = hit(ASKED, headings=(ASKED,)), hit(SAID, searched=0.5)
    found, alone = (signals(ASKED, hits, lambda phrase: True) for hits in ([sheet, notes], [notes]))
    assert found == replace(alone, passage=found.passage)
    assert signals(ASKED, [sheet], lambda phrase: True).answers == -8.0
