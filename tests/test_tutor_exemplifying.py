"""Who asks for an example gets one."""

import pytest

from corpus.document import Locator, Passage
from corpus.sentences import sentence_spans
from index.hits import Hit, SentenceScore
from tutor.coverage import signals
from tutor.exemplifying import exemplifies, wishes_example
from tutor.odds import read_hits

BREAD = (
    "A sponge is a part of the dough that ferments ahead of the rest. The share of the flour in it sets the taste. "
    "For instance, rye bread is begun with all of its flour. With 300 g of 1,000 g of flour the share is 0.3."
)


@pytest.mark.parametrize(
    ("question", "wished"),
    [
        ("ok, an example?", True),
        ("can you do one with numbers", True),
        ("Can stemming hurt? example please", True),
        ("examples of yeast breads", True),
        ("Give me a small numeric example of a sponge.", True),
        ("which tasks are there? give examples", True),
        ("What gradient does a weight get from an example in which its input was zero?", False),
        ("how many training examples does it need?", False),
        ("can the values be real numbers?", False),
        ("why is the gradient a sum over the examples of a batch", False),
        ("GPT-3 number of examples in the prompt", False),
    ],
)
def test_a_wish_for_an_example_is_told_from_talk_about_examples(question: str, wished: bool) -> None:
    assert wishes_example(question) is wished


def test_numbers_are_wanted_where_they_are_asked_for() -> None:
    plain = "For instance, rye bread is begun with all of its flour."
    assert exemplifies("an example?", plain, ())
    assert not exemplifies("an example with numbers?", plain, ())
    assert exemplifies("an example with numbers?", "Of 1,000 g of flour it takes 300 g.", ())
    assert not exemplifies("an example?", "The state $h_1$ follows $x_2$ and $x_{3}$.", ())
    assert exemplifies("an example?", "Bake it hot.", ("Bread", "Example: a rye loaf"))


def _hit() -> Hit:
    odds = {"A sponge": 0.6, "For inst": 0.4, "With 300": 0.3}
    sentences = tuple(
        SentenceScore(start=start, end=end, score=0.4, answers=odds.get(BREAD[start : start + 8], 0.1))
        for start, end in sentence_spans(BREAD)
    )
    locator = Locator(source="bread.md", start=0, end=len(BREAD))
    passage = Passage(passage_id="1", document="Bread", text=BREAD, locator=locator)
    return Hit(passage=passage, score=1.0, searched=1.0, dense=0.5, lexical=0.5, sentences=sentences)


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("What is a sponge?", "A sponge is"),
        ("What is a sponge? an example?", "For instance"),
        ("What is a sponge, with numbers", "With 300 g"),
    ],
)
def test_the_example_is_likelier_than_the_rule_where_it_is_wished_for(question: str, first: str) -> None:
    assert max(read_hits([_hit()], question), key=lambda one: one.score).text.startswith(first)


def test_an_example_of_anything_is_no_evidence_that_the_material_covers_the_question() -> None:
    plain, wishing = (
        signals(question, [_hit()], lambda phrase: True) for question in ("What is a sponge?", "A sponge? an example?")
    )
    assert wishing.answers == pytest.approx(plain.answers)
