"""What training examples are read from: never a test split, never a non-commercial source."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from prepare_samples import CONTEXTS, GLOSSARY, STORY, FakeStore, reading_file, record, write

from lm.data import DataError
from tutor.cloze import clozes
from tutor.course_questions import asking, read_asking, read_found, read_rewriting, rewriting, train_records
from tutor.definitions import definitions
from tutor.items import Item, Licences, Paragraphs, read_clozes, read_definitions, read_items, read_reading, read_texts
from tutor.records import Found


def test_non_commercial_records_are_left_out_and_a_file_of_nothing_else_refused(tmp_path: Path) -> None:
    mixed = [record(CONTEXTS[0], "1843", 0, licence="CC BY-NC-SA 4.0"), record(CONTEXTS[1], "three", 1)]
    del (nameless := record(CONTEXTS[2], "Yeast", 2))["licence"]
    licences = Licences()
    items = list(read_items(write(tmp_path / "mixed.jsonl.gz", [*mixed, nameless]), Paragraphs(), licences))
    assert [item.question for item in items] == ["Question 1?"]
    assert dict(licences.read) == {"MIT": 1}
    assert licences.left_out == 2
    with pytest.raises(DataError, match=r"nc\.jsonl\.gz: all records are under non-commercial \(NC\) licences"):
        list(read_items(write(tmp_path / "nc.jsonl.gz", mixed[:1]), Paragraphs()))


def test_non_commercial_text_is_left_out_everywhere(tmp_path: Path) -> None:
    texts = [
        {"text": GLOSSARY, "licence": "CC BY-NC 4.0", "path": "a"},
        {"text": STORY, "licence": "CC BY-SA 4.0", "path": "b"},
        {"text": GLOSSARY, "path": "c"},
    ]
    path, licences = write(tmp_path / "text.jsonl.xz", texts), Licences()
    assert list(read_texts(path, np.random.default_rng(0), licences)) == [STORY]
    assert licences.left_out == 2
    assert list(read_definitions([path], 9, 0, Paragraphs())) == []
    (item,) = read_clozes([path], 9, 0, Paragraphs())
    assert (item.source, item.title) == ("cloze", "b")


def test_an_answer_in_other_words_rests_on_what_it_repeats(tmp_path: Path) -> None:
    context = "The dam was finished in the spring of 1911. It broke twice. Its lake is forty metres deep."
    one = {"id": "a", "question": "Tell me.", "context": context, "licence": "MIT"}
    answer = "Its lake is forty metres deep, and the dam was finished in the spring of 1911."
    records = [one | {"answer": answer}, one | {"answer": "It broke twice."}, one | {"answer": ""}]
    free, literal, none = read_items(write(tmp_path / "a.jsonl", records), Paragraphs())
    assert free.gold is None
    assert [context[slice(*span)] for span in free.also] == [
        "he dam was finished in the spring of 1911.",
        "Its lake is forty metres deep",
    ]
    assert literal.gold
    assert context[slice(*literal.gold)] == "It broke twice."
    assert literal.answer is None
    assert not none.answerable


def test_a_reading_passage_gives_the_questions_of_its_train_split_with_all_places(tmp_path: Path) -> None:
    asked = [
        {"question": "Who?", "gold": ["Ada built it.", "It ran on steam."], "reference": "Ada.", "answerable": True},
        {"question": "What did it cost?", "gold": [], "reference": "", "answerable": False},
    ]
    text = "Ada built it. Nobody saw it. It ran on steam."
    records = [{"id": split, "text": text, "split": split, "questions": asked} for split in ("train", "dev", "test")]
    items = list(read_reading(write(tmp_path / "engines.jsonl", records), Paragraphs()))
    assert [(item.title, item.question, item.answerable) for item in items] == [
        ("train", "Who?", True),
        ("train", "What did it cost?", False),
    ]
    assert items[0].gold == (0, 13)
    assert [text[slice(*span)] for span in items[0].also] == ["It ran on steam."]


def _course(folder: Path) -> Path:
    (folder / "questions").mkdir(parents=True)
    gold = [{"lecture": "a.md", "quote": "The gate forgets."}]
    one = {"answerable": True, "gold": gold, "reference": "It forgets.", "lecture": "a.md", "key_facts": ["forgets"]}
    records = [{"id": split, "question": f"What does the {split} gate do?", "split": split} | one
               for split in ("train", "dev", "test")]  # fmt: skip
    no = {"id": "no", "question": "Who won?", "split": "train", "answerable": False, "gold": [], "reference": "",
          "key_facts": [], "lecture": "b.md"}  # fmt: skip
    turn = {
        "id": "t2", "question": "And what of it?", "split": "train", "dialogue": "d", "turn": 2,
        "standalone": "What does the gate do?", "history": [["What is a gate?", "A vector."]],
    } | one  # fmt: skip
    write(folder / "questions" / "a.jsonl", [*records, no])
    write(folder / "questions" / "dialogues.jsonl", [turn, turn | {"id": "t3", "split": "test"}])
    return folder


def test_course_questions_come_with_what_the_search_finds(tmp_path: Path) -> None:
    records = train_records(_course(tmp_path))
    assert [one["id"] for one in records] == ["train", "no", "t2"]
    paragraphs = Paragraphs()
    store = FakeStore(["What does a gate do? The gate forgets.", "What is a gate? A vector.", "Who won? Nobody knows."])
    found = list(read_found(records, store, paragraphs))  # type: ignore[arg-type]
    assert [one.question for one in found] == [
        "What does the train gate do?",
        "Who won?",
        "And what of a gate?",
        "What does the gate do?",
    ]
    first, no, leaning, _ = found
    assert first.passages[0] == 0
    assert [paragraphs.texts[number][slice(*span)] for number, span in first.places] == ["The gate forgets."]
    assert (first.answer, first.facts, first.answerable) == ("It forgets.", ("forgets",), True)
    assert not no.answerable
    assert leaning.passages[0] == 1
    assert paragraphs.headings[0] == "Lecture 0 > Part 0"


def test_no_question_of_dev_or_test_is_read_from_the_shipped_course() -> None:
    root = Path(__file__).resolve().parent.parent / "corpus"
    train = {one["id"] for one in train_records(root)}
    paths = (root / "questions").glob("*.jsonl")
    lines = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    assert train == {one["id"] for one in map(json.loads, lines) if one["split"] == "train"}
    assert len(train) > 2000


def test_questions_to_be_asked_mark_the_sentences_that_answer() -> None:
    paragraphs = Paragraphs()
    place = paragraphs.add("s", "t", "## Gate\n\nThe gate forgets.\n\n- It is red.\n- Owls fly.")
    found = Found(
        source="course", title="a.md", question="What is red?", passages=(), answer="", facts=(), answerable=True,
        places=((place, (30, 33)),),
    )  # fmt: skip
    item = Item(source="s", title="t", context=place, question="lower case?", gold=(0, 3), answer=None)
    (ready,) = read_asking(iter([found, item]), paragraphs)
    assert ready.record["mode"] == "ask"
    assert ready.record["question"] == ""
    assert ready.record["sources"] == [[["The gate forgets.", 4, 0], ["It is red.", 1, 0], ["Owls fly.", 4, 0]]]
    assert ready.record["answer"] == "What is red?"


def test_a_long_passage_is_cut_around_what_is_asked_about() -> None:
    paragraphs = Paragraphs()
    text = " ".join(f"Sentence number {number} says a little of its own." for number in range(90))
    start = text.index("Sentence number 60")
    place = paragraphs.add("s", "t", text)
    item = Item(source="s", title="t", context=place, question="Which?", gold=(start, start + 9), answer=None)
    (ready,) = read_asking(iter([item]), paragraphs)
    (pieces,) = ready.record["sources"]
    assert sum(len(piece[0]) for piece in pieces) < 1400
    assert [piece[0].split()[2] for piece in pieces if piece[1] == 1] == ["60"]


def test_a_question_to_be_rewritten_may_be_copied_from_the_last_source() -> None:
    made = rewriting("And the output gate?", ["What does the forget gate do?"], "What does the output gate do?")
    assert [source[0][0] for source in made["sources"]] == ["What does the forget gate do?", "And the output gate?"]
    copied = {(made["answer"][a:b], source) for a, b, source, *_ in made["spans"]}
    assert ("What does", 0) in copied
    assert any("output gate" in text and source == 1 for text, source in copied)
    assert asking([["Owls fly.", 1, 0]], "Do owls fly?")["spans"] == [[4, 11, 0, 0, 1]]


def test_follow_ups_are_rewritten_and_lone_questions_stay(tmp_path: Path) -> None:
    records = train_records(_course(tmp_path))
    made = [one.record for one in read_rewriting(records, np.random.default_rng(0), 40)]
    assert len(made) == 40
    turns = [one for one in made if one["question"] == "And what of it?"]
    assert len(turns) == 30
    assert {one["answer"] for one in turns} == {"What does the gate do?"}
    assert {one["sources"][-2][0][0] for one in turns} == {"What is a gate?"}
    assert len({len(one["sources"]) for one in turns}) == 3
    assert all(one["answer"] == one["question"] for one in made if one not in turns)


def test_defining_sentences_make_questions() -> None:
    (found,) = definitions(GLOSSARY, np.random.default_rng(0))
    assert "gate" in found.question.casefold()
    assert found.context[slice(*found.sentence)] == "A gate is a vector of numbers between zero and one."


def test_vague_subjects_make_no_question() -> None:
    for sentence in (
        "This is a way to see what happens inside.",
        "There is one more thing to say about it all.",
        "Here is how.",
    ):
        text = f"# A\n\n{sentence} " + "Words follow it here. " * 20
        assert not list(definitions(text, np.random.default_rng(0)))
        assert not list(clozes(text, np.random.default_rng(0)))


def test_a_term_that_is_left_out_is_asked_for() -> None:
    found = [one for seed in range(60) for one in clozes(STORY, np.random.default_rng(seed))]
    asked = {one.context[slice(*one.term)]: one for one in found if one.term}
    assert set(asked) == {"Thomas Newcomen", "oaken shaft"}
    for term, one in asked.items():
        assert term not in one.question
        assert one.sentence[0] <= one.term[0] < one.term[1] <= one.sentence[1]
    assert "What drives a pair of heavy stones by means of wooden gears?" in {one.question for one in found}
    assert sum("___" in one.question for one in found) < len(found) / 2


def test_a_term_named_often_is_not_asked_for() -> None:
    text = STORY.replace("The miller sings", "Thomas Newcomen sang. Thomas Newcomen slept. The miller sings")
    found = [one for seed in range(20) for one in clozes(text, np.random.default_rng(seed))]
    assert found
    assert not any("Newcomen" in one.context[slice(*one.term)] for one in found if one.term)


def test_reading_files_keep_one_paragraph_for_many_questions(tmp_path: Path) -> None:
    paragraphs = Paragraphs()
    path = reading_file(tmp_path)
    assert len([*read_items(path, paragraphs), *read_items(path, paragraphs)]) == 6
    assert paragraphs.texts == CONTEXTS
