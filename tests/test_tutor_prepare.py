"""Training records: fair, aligned, and never from a test split or a non-commercial source."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lm.data import reading_example
from lm.reading import Piece
from lm.tokenizer import NONE, Tokenizer
from tutor.definitions import definitions
from tutor.items import Paragraphs, read_course, read_items, read_reading
from tutor.prepare import Maker, align, main
from tutor.selection import Candidate, Chosen

CONTEXTS = [
    "Ada built the first engine in 1843. It ran on steam. Nobody saw it.",
    "The harbour has three lighthouses. The oldest is red. Ships pass at dawn.",
    "Bread needs flour and water. Yeast makes it rise. Bakers wake early.",
]


def record(context: str, text: str, number: int, **more: Any) -> dict[str, Any]:
    answers = [{"text": text, "start": context.index(text)}]
    return {
        "id": f"r{number}",
        "title": "same",
        "context": context,
        "question": f"question {number}?",
        "answers": answers,
        "licence": "MIT",
    } | more


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for one in records)
    return path


@pytest.fixture
def reading(tmp_path: Path) -> Path:
    spans = ["1843", "three", "Yeast"]
    return write(
        tmp_path / "reading.jsonl.gz",
        [record(context, text, n) for n, (context, text) in enumerate(zip(CONTEXTS, spans, strict=True))],
    )


def maker(reading: Path, seed: int = 0) -> tuple[Maker, list[Any]]:
    paragraphs = Paragraphs()
    items = list(read_items(reading, paragraphs))
    random = np.random.default_rng(0)
    texts = [item.question for item in items]
    texts += [text[a:b] for text, spans in zip(paragraphs.texts, paragraphs.sentences, strict=True) for a, b in spans]
    vectors = {text: random.normal(size=4).astype(np.float32) for text in texts}
    return Maker(paragraphs, vectors, Tokenizer.train(CONTEXTS, vocabulary=350), seed), items


def test_answers_stand_where_the_spans_say(reading: Path) -> None:
    made, items = maker(reading)
    kinds = set()
    for _ in range(60):
        for item in items:
            one = made.record(item)
            assert one is not None
            kinds.add((one["mode"], one["answer"] is None))
            pieces = [piece[0] for source in one["sources"] for piece in source]
            if one["answer"] is None:
                said = made.paragraphs.texts[item.context][item.gold[0] : item.gold[1]]
                assert not any(said in piece for piece in pieces)
                continue
            for start, end, source, piece, offset in one["spans"]:
                text = one["sources"][source][piece][0]
                assert text[offset : offset + end - start] == one["answer"][start:end]
            example = reading_example(made.tokenizer, one)
            assert all(
                example.prompt[pointer] == token
                for token, pointer in zip(example.answer, example.pointers, strict=True)
                if pointer >= 0
            )
            assert max(example.pointers) >= 0
    assert {mode for mode, _ in kinds} == {"short", "full"}
    assert {True, False} == {none for _, none in kinds}


def test_an_unanswerable_record_asks_for_the_no_answer_token(reading: Path) -> None:
    made, items = maker(reading)
    found = [one for _ in range(40) if (one := made.record(items[0])) and one["answer"] is None]
    assert found
    assert reading_example(made.tokenizer, found[0]).answer == [NONE]
    assert 0.05 < len(found) / 40 < 0.45


def test_non_commercial_records_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "nc.jsonl.gz", [record(CONTEXTS[0], "1843", 0, licence="CC BY-NC-SA 4.0")])
    tokenizer = tmp_path / "tokenizer.json"
    tokenizer.write_text(Tokenizer.train(CONTEXTS, vocabulary=300).to_json(), encoding="utf-8")
    options = ["--tokenizer", str(tokenizer), "--output", str(tmp_path / "a.gz"), "--held-out", str(tmp_path / "b.gz")]
    assert main([str(path), *options]) == 1
    assert "CC BY-NC-SA" in capsys.readouterr().err


def test_only_the_train_split_of_the_course_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "# A\n\nIntro.\n\n## Gate\n\nThe gate forgets.\n\n## Owl\n\nOwls fly.\n", encoding="utf-8"
    )
    gold = [{"lecture": "a.md", "quote": "The gate forgets."}]
    shared = {"answerable": True, "gold": gold, "reference": "The gate forgets.", "lecture": "a.md"}
    records = [{"id": split, "question": f"{split}?", "split": split} | shared for split in ("train", "dev", "test")]
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    paragraphs = Paragraphs()
    assert [item.question for item in read_course(path, tmp_path, paragraphs)] == ["train?"]
    assert paragraphs.texts == ["## Gate\n\nThe gate forgets."]


def test_a_reading_passage_stays_where_it_was_written_not_to_answer(tmp_path: Path) -> None:
    asked = [
        {"question": "Who built it?", "gold": ["Ada built it in 1843."], "reference": "Ada did.", "answerable": True},
        {"question": "What did it cost?", "gold": [], "reference": "", "answerable": False},
    ]
    texts = ["Ada built it in 1843. It ran on steam.", "Bread needs flour.", "Ships pass at dawn."]
    records = [
        {"id": f"r{number}", "text": text, "split": split, "questions": asked if number < 2 else []}
        for number, (text, split) in enumerate(zip(texts, ("train", "test", "train"), strict=True))
    ]
    path = tmp_path / "engines.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    paragraphs = Paragraphs()
    items = list(read_reading(path, paragraphs))
    assert [(item.question, item.answerable) for item in items] == [
        ("Who built it?", True),
        ("What did it cost?", False),
    ]
    texts = [item.question for item in items] + [
        text[a:b] for text, spans in zip(paragraphs.texts, paragraphs.sentences, strict=True) for a, b in spans
    ]
    vectors = {text: np.ones(4, dtype=np.float32) for text in texts}
    made = Maker(paragraphs, vectors, Tokenizer.train(CONTEXTS, vocabulary=350), 0)
    for _ in range(20):
        found = made.record(items[1])
        assert found
        assert found["answer"] is None
        assert any("Ada built it" in piece[0] for source in found["sources"] for piece in source)


def test_align_finds_the_parts_of_a_free_answer() -> None:
    piece = Piece(text="The forget gate decides what is kept, and that is all.")
    one = Candidate(passage=0, start=0, end=len(piece.text), text=piece.text, score=0.0)
    answer = "Here the forget gate decides what is kept."
    spans = align(answer, [Chosen(passage=0, pieces=(piece,), candidates=(one,))])
    assert [answer[a:b] for a, b, *_ in spans] == ["he forget gate decides what is kept"]
    start, end, _, _, offset = spans[0]
    assert piece.text[offset : offset + end - start] == answer[start:end]


def test_defining_sentences_make_questions() -> None:
    text = (
        "# Notes\n\nWe begin slowly here.\n\n## Gates\n\nA gate is a vector of numbers between zero and one. "
        "It multiplies another vector. This is a thing of beauty, and nobody would ever ask about it. "
        "There are a number of further remarks that fill the paragraph until it is long enough to be used.\n"
    )
    found = list(definitions(text, np.random.default_rng(0)))
    assert len(found) == 1
    question, context, (start, end) = found[0]
    assert "gate" in question.casefold()
    assert context[start:end] == "A gate is a vector of numbers between zero and one."


def test_vague_subjects_make_no_question() -> None:
    for sentence in (
        "This is a way to see what happens inside.",
        "There is one more thing to say about it all.",
        "Here is how.",
    ):
        assert not list(definitions(f"# A\n\n{sentence} " + "Words follow it here. " * 20, np.random.default_rng(0)))
