"""A follow-up is read with the questions that it leans on and by itself."""

from collections.abc import Sequence
from dataclasses import replace

from corpus.document import Locator, Passage
from index.hits import Hit, SentenceScore
from tutor.choices import Choices
from tutor.finding import Found, find

TOLD, NEW = "A sluice is a gate for water.", "Rust stops it after some years."
QUERY, ASKED = "What is a sluice? what stops it?", "what stops it?"


def hit(told: float, new: float) -> Hit:
    text = f"{TOLD} {NEW}"
    passage = Passage(passage_id="a", document="Locks", text=text, locator=Locator(source="a", start=0, end=len(text)))
    spans = ((0, len(TOLD), told), (len(TOLD) + 1, len(text), new))
    sentences = tuple(SentenceScore(start=a, end=b, score=0.4, answers=p) for a, b, p in spans)
    return Hit(passage=passage, score=0.5, searched=0.5, dense=0.5, lexical=0.5, sentences=sentences)


class Store:
    """Reads a question by itself as it is told to."""

    def __init__(self, told: float, new: float, ranker: object) -> None:
        self.ranker, self._found = ranker, hit(told, new)

    def read(self, query: str, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        assert query == ASKED
        return (replace(self._found, score=0.9),)

    def says(self, phrase: str) -> bool:
        return True


def found(told: float, new: float, query: str = QUERY, ranker: object = "any") -> Found:
    store = Store(told, new, ranker)
    return find(store, lambda one: (hit(0.95, 0.4),), query, ASKED, "", 5, Choices())  # type: ignore[arg-type]


def test_what_answers_the_question_before_is_no_answer() -> None:
    first, second = found(told=0.01, new=0.9).candidates
    assert first.score < second.score
    together = found(told=0.01, new=0.9, ranker=None).candidates
    assert together[0].score > together[1].score


def test_a_follow_up_that_nothing_answers_by_itself_is_less_likely_covered() -> None:
    assert found(told=0.001, new=0.001).covered < found(told=0.01, new=0.9).covered


def test_a_question_that_leans_on_nothing_is_read_once() -> None:
    first, second = found(told=0.0, new=0.0, query=ASKED).candidates
    assert first.score > second.score


def test_passages_are_in_the_order_of_their_scores() -> None:
    assert [one.score for one in found(told=0.01, new=0.9).hits] == [0.9]
