"""The quiz: what is asked, that nothing is asked twice, and that names are enough to ask again."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from quiz_samples import PIPES, REASON, everything, opened, quiz

from index.device import Placed
from index.store import Store
from tutor.errors import TutorError
from tutor.quiz import LONGEST_ANSWER, Quiz, main
from tutor.quiz_grading import Verdict
from tutor.quiz_item import FILL, NAME
from tutor.quiz_writing import knows_asking
from tutor.quizzable import Gold


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with opened(tmp_path_factory.mktemp("quiz")) as found:
        yield found


def test_nothing_is_asked_twice_and_names_are_enough_to_make_items_again(store: Store) -> None:
    one = quiz(store)
    items = everything(one)
    assert {item.kind for item in items} == {"definition", "cloze"}
    assert len({item.item_id for item in items}) == len(items) >= 5
    sentences = [(item.gold.passage.passage_id, item.gold.start) for item in items]
    assert len(set(sentences)) == len(items)
    assert len([item for item in items if "oblin" in item.question and item.kind == "definition"]) == 1
    for item in items:
        assert NAME.fullmatch(item.item_id)
        assert quiz(store).rebuild(item.item_id) == item
        assert item.facts
        assert item.gold.text in item.gold.passage.text
        assert item.kind != "cloze" or item.question.startswith(FILL)


def test_lectures_take_turns_and_can_be_chosen(store: Store) -> None:
    one, random = quiz(store), np.random.default_rng(3)
    first = one.ask(random)
    assert first is not None
    second = one.ask(random, asked=[first.item_id])
    assert second is not None
    assert first.gold.passage.document != second.gold.passage.document
    for where in ({"documents": ["Marbles"]}, {"documents": ["2-marbles.md"]}):
        assert {item.gold.passage.document for item in everything(one, **where)} == {"Marbles"}
    assert one.ask(random, keys=[("none", "none")]) is None
    with pytest.raises(TutorError, match="no document 'x'"):
        one.ask(random, documents=["x"])
    with pytest.raises(TutorError, match="no course 'x'"):
        one.ask(random, course="x")


@pytest.mark.parametrize("name", [
    "", "x", "ask-0", "definition-" + "0" * 16 + "-0-9", "cloze-" + "f" * 16 + "-0-99999", "../../etc/passwd",
])  # fmt: skip
def test_names_that_name_nothing_are_one_line(store: Store, name: str) -> None:
    with pytest.raises(TutorError, match="ask for a new one"):
        quiz(store).rebuild(name)


def test_a_name_that_was_tampered_with_is_refused(store: Store) -> None:
    item = next(item for item in everything(quiz(store)) if item.kind == "cloze")
    kind, passage, start, end, first, last = item.item_id.split("-")
    for forged in (
        (kind, passage, start, end, "0", "5"),
        (kind, passage, "1", end, first, last),
        (kind, passage, start, end),
    ):
        with pytest.raises(TutorError):
            quiz(store).rebuild("-".join(forged))


def test_what_the_model_asks_is_kept_where_it_leads_back(store: Store) -> None:
    def write(_: Any, one: Gold) -> str:
        return {REASON: "Why does the air hum?", PIPES: "Why does the moon hum?"}.get(
            one.text, "What is the zoblin hums?"
        )

    one = quiz(store, write)
    found = [one.ask(np.random.default_rng(seed), documents=["Zoblins"]) for seed in range(20)]
    asked = {item.item_id: item for item in found if item and item.kind == "ask"}
    assert [item.gold.text for item in asked.values()] == [REASON]
    item = next(iter(asked.values()))
    assert item.question == "Why does the air hum?"
    assert one.rebuild(item.item_id) == item
    with pytest.raises(TutorError):
        quiz(store, lambda *_: "Why does a zoblin hum?").rebuild(item.item_id)


def test_a_model_that_cannot_ask_leaves_it_to_the_rules(store: Store) -> None:
    def write(_: Any, __: Gold) -> str:
        raise AssertionError("it was asked to write")

    older = SimpleNamespace(
        tokenizer=SimpleNamespace(special=9), model=SimpleNamespace(config=SimpleNamespace(special=9))
    )
    assert not knows_asking(older)  # type: ignore[arg-type]
    tutor = SimpleNamespace(store=store, placed=Placed(lambda device: older))
    assert Quiz(tutor, write=write).ask(np.random.default_rng(0)) is not None


def test_of_several_sentences_the_best_counts(store: Store) -> None:
    one = quiz(store)
    item = next(item for item in everything(one) if item.kind == "definition" and "oblin" in item.question)
    assert len(item.golds) == 2
    for sentence in item.golds:
        assert one.grade(item, sentence.text).verdict is Verdict.RIGHT
    with pytest.raises(TutorError, match="2,001 characters"):
        one.grade(item, "x" * (LONGEST_ANSWER + 1))


def test_the_answer_is_told_only_when_it_is_to_be(store: Store) -> None:
    item = quiz(store).ask(np.random.default_rng(1))
    assert item is not None
    hidden, told = item.to_json(), item.to_json(reveal=True)
    assert "answers" not in hidden
    assert "facts" not in hidden
    assert told["answers"][0]["sentence"] == item.gold.text
    assert json.dumps(told)


def test_a_missing_store_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--store", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
