"""What to ask next: grammatical, about something near, and answered."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_embedder import FakeEmbedder

from corpus.document import Locator, Passage
from index.build import build
from index.hits import Hit
from index.store import Store
from tutor.answer import Answer, Citation, Ranked
from tutor.suggest import FOUND, starters, suggestions
from tutor.suggest_wording import of_heading, questions_of
from tutor.tutor import Tutor
from tutor.ui.chat import EXAMPLES

NOTES = """# Zoblins

## The colour

A zoblin is a purple machine that sorts letters by their first sound.

## Why order is lost

In a zoblin the order of letters is lost because they are counted only.

## Humming pipes

The humming pipes of a zoblin carry the sound, and humming pipes break often.

## Summary

Zoblins sort letters.
"""


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("Why order is lost", "Why is order lost?"),
        ("Why a model should copy", "Why should a model copy?"),
        ("Why positions must be encoded", "Why must positions be encoded?"),
        ("Where both directions are allowed", "Where are both directions allowed?"),
        ("What a transformer is", "What is a transformer?"),
        ("What the encoder output is used for", "What is the encoder output used for?"),
        ("What a tokeniser does", "What does a tokeniser do?"),
        ("How a gate works", "How does a gate work?"),
        ("What has to be computed first in training", "What has to be computed first in training?"),
        ("What is a word vector?", "What is a word vector?"),
        ("The forget gate", "What is the forget gate?"),
        ("The Gates:", "What are the gates?"),
        ("Residual connections", "What are residual connections?"),
        ("Zipf's law", "What is Zipf's law?"),
        ("BM25", "What is BM25?"),
        ("Adam", "What is Adam?"),
        ("Loss", "What is loss?"),
        ("3.2 Forget Gate", "What is the forget gate?"),
        ("Residual Connections II", "What are residual connections?"),
        ("Residual Connections (cont.)", "What are residual connections?"),
        ("Discuss: What types of tasks can you perform with gates?", "What types of tasks can you perform with gates?"),
    ],
)
def test_headings_become_questions(heading: str, question: str) -> None:
    text = f"The {heading.casefold()} of it, and Adam or BM25: forget gate, gates, residual connections, law of Zipf."
    assert of_heading(heading, text) == question


@pytest.mark.parametrize(
    "heading",
    [
        "Summary", "Worked example: one step by hand", "Softmax and sigmoid", "Choosing a method", "The model in code",
        "Part 3", "What depth buys", "Why several heads", "Memory of the cache", "12", "", "Comparison with it", "?",
        "Core idea", "Equation", "Define the loss", "Deep models require data", "Attention introduces new roles",
        "Attention has 3 roles", "Solution - Attention", "LSTM- Cell Update", "A language model using gates",
        "How to build models for sequence?", "Input Node II: Why tanh?", "Why Sigmoid Activation?",
        "What about attention?", "What has to be computed", "Why does it fail with long sequences?", "The remedy",
        "Third position", "Forgetting the mask", "Attention only",
    ],
)  # fmt: skip
def test_other_headings_are_left_alone(heading: str) -> None:
    assert of_heading(heading, heading * 2) == ""


def test_a_heading_that_the_text_does_not_speak_of_is_left_alone() -> None:
    assert of_heading("The forget gate", "Nothing of the kind.") == ""


def test_who_and_what_are_not_mixed_up() -> None:
    text = "Marie Curie was born in Warsaw. Marie Curie is a chemist who won two prizes. It ended the Cold War."
    assert of_heading("Marie Curie", text) == ""
    assert of_heading("The Cold War", text) == "What is the Cold War?"
    assert of_heading("Residual Connections", "Residual connections are sums.") == "What are residual connections?"
    one = Passage(passage_id="1", document="D", text=text, locator=Locator(source="d.md", start=0, end=len(text)))
    assert list(questions_of(one)) == []


def test_definitions_become_questions() -> None:
    text = "SentencePiece is a program that trains tokenisers on raw text. Each time is the one that counts for us all."
    assert asked(text) == ["What is SentencePiece?"]


def asked(text: str) -> list[str]:
    place = Locator(source="d.md", start=0, end=len(text))
    return list(questions_of(Passage(passage_id="1", document="D", text=text, locator=place)))


def test_names_keep_their_capitals_and_terms_lose_them() -> None:
    about = "is a method that trains networks on raw text"
    assert asked(f"Muon {about}.") == ["What is Muon?"]
    assert asked(f"Packing {about}.") == ["What is packing?"]
    assert asked(f"Dropout {about}, and dropout helps.") == ["What is dropout?"]
    assert asked(f"Min-p sampling {about}.") == ["What is min-p sampling?"]
    assert of_heading("Markov Chain", "In a Markov chain the chain forgets.") == "What is Markov chain?"
    assert of_heading("Gradient Clipping", "So gradient clipping helps.") == "What is gradient clipping?"


def test_what_many_things_could_be_called_is_not_asked_for() -> None:
    about = "is a method that trains networks on raw text"
    for term in ("A common remedy", "The cause", "The number of tokens", "The function below", "Forgetting the mask"):
        assert asked(f"{term} {about}.") == [], term


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "notes.md").write_text(NOTES, encoding="utf-8")
    build([tmp_path / "notes.md"], tmp_path / "store", embedder=FakeEmbedder())
    with Store.open(tmp_path / "store", embedder=FakeEmbedder()) as opened:
        yield opened


def answered(store: Store, question: str, cited: str) -> Answer:
    passages = [one for one in store.passages() if cited in one.text]
    citations = tuple(
        Citation(number=number, passage=one, answer_spans=(), passage_spans=(), weight=1.0)
        for number, one in enumerate(passages, 1)
    )
    return Answer(question=question, text="", refused=not citations, citations=citations,
                  passages=tuple(Ranked(passage=one, score=1.0) for one in passages), trace=None)  # fmt: skip


def test_suggestions_come_from_what_was_not_cited(store: Store) -> None:
    whole = [one.text for one in store.passages()]
    assert len(whole) > 1
    found = suggestions(answered(store, "What carries the sound?", "carry the sound"), store)
    assert found
    assert len(set(found)) == len(found) <= 3
    assert not any("pipes" in one for one in found)


def test_what_was_asked_is_not_suggested_again(store: Store) -> None:
    one = answered(store, "What carries the sound?", "carry the sound")
    first = suggestions(one, store)
    assert not set(first) & set(suggestions(one, store, asked=first))


def test_a_refusal_suggests_nothing(store: Store) -> None:
    assert suggestions(answered(store, "How do I cook pasta?", "no such words"), store) == ()


def test_lectures_on_something_else_give_no_suggestions(store: Store) -> None:
    answer = answered(store, "What carries the sound?", "carry the sound")
    text = "The copper basin is a vessel that holds what hums."
    place = Locator(source="basins.md", start=0, end=len(text), headings=("The copper basin",))
    other = Passage(passage_id="2", document="Basins", text=text, locator=place)

    class Basins:
        near = 0.9

        def search(self, query: str, **how: object) -> tuple[Hit, ...]:
            # What is found for the question itself is near to it.
            cosine = FOUND if "?" in query else self.near
            return (Hit(passage=other, score=1.0, dense=cosine, searched=1.0, lexical=0.0, sentences=()),)

    basins = Basins()
    assert suggestions(answer, basins) == ("What is the copper basin?",)
    basins.near = FOUND - 0.01
    assert suggestions(answer, basins) == ()


def test_a_store_has_questions_of_its_own_to_begin_with(store: Store) -> None:
    found = starters(store, ["How do I cook pasta?"])
    assert found
    assert "How do I cook pasta?" not in found


def test_suggestions_of_the_course_are_answered(course_tutor: Tutor) -> None:
    store = course_tutor.store
    assert starters(store, EXAMPLES) == EXAMPLES
    total = 0
    for question in ("What does the reset gate do in a GRU?", "What does hit@k measure?", "What is gradient descent?"):
        found = suggestions(course_tutor.ask(question, trace=False), store)
        total += len(found)
        for suggested in found:
            assert not course_tutor.ask(suggested, trace=False).refused, suggested
    assert total >= 5
