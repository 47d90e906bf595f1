from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lm.data import DataError
from tutor.groups import Nearby, deck_groups, item_group, main, note_groups, overlapping, standing
from tutor.items import DEFINITIONS, Item, Paragraphs
from tutor.notes import read_notes

TEXT = "The mill has four sails. Each sail is eleven metres long. It grinds rye in autumn. A cat lives in the loft."


def _item(paragraphs: Paragraphs, text: str = TEXT, said: str = "eleven metres", title: str = "mill") -> Item:
    start = text.find(said)
    place = paragraphs.add("mills", title, text)
    return Item(
        source="mills",
        title=title,
        context=place,
        question="How long is a sail?",
        gold=(start, start + len(said)) if start >= 0 else None,
        answer=None,
        answerable=start >= 0,
    )


def test_sentences_that_answer_are_those_the_gold_lies_in() -> None:
    assert overlapping([(0, 10), (10, 20), (20, 30)], [(12, 14)]) == [1]
    assert overlapping([(0, 10), (10, 20), (20, 30)], [(8, 21)]) == [1]
    assert overlapping([(0, 10), (10, 20)], []) == []
    assert standing("a b a", ["b", "c"]) == [(2, 3)]


def _groups(item: Item, paragraphs: Paragraphs, count: int) -> list[dict[str, Any]]:
    nearby = Nearby(paragraphs)
    made = [item_group(item, paragraphs, nearby, np.random.default_rng(seed)) for seed in range(count)]
    return [group for group in made if group is not None]


@pytest.mark.parametrize("seed", range(30))
def test_the_gold_sentence_is_named_whatever_the_cut_and_the_layout(seed: int) -> None:
    paragraphs = Paragraphs()
    long = " ".join([TEXT, *(f"Sentence number {n} says little of note about mills." for n in range(40))])
    item = _item(paragraphs, long)
    group = item_group(item, paragraphs, Nearby(paragraphs), np.random.default_rng(seed))
    assert group is not None
    own = group["passages"][0]
    assert len(own["text"]) < 1100
    said = [own["text"][slice(*own["sentences"][number])] for number in own["gold"]]
    assert len(said) == 1
    assert said[0].lstrip("- ").rstrip(".") == "Each sail is eleven metres long"
    shown = [own["text"][start:end] for start, end in own["sentences"]]
    assert all(one.strip() == one and one for one in shown)


def test_neighbours_share_words_and_do_not_say_the_same() -> None:
    paragraphs = Paragraphs()
    item = _item(paragraphs)
    paragraphs.add("mills", "mill", "A sail may be Eleven Metres long. It was built in 1790.")
    paragraphs.add("yachts", "yacht", "How long is a sail? As long as the mast.")
    paragraphs.add("mills", "owl", "The owls sing.")
    assert all(len(group["passages"]) == 1 for group in _groups(item, paragraphs, 20))
    paragraphs.add("mills", "other", "It was built in 1790, when a sail was of linen.")
    groups = _groups(item, paragraphs, 60)
    assert all("1790" in group["passages"][-1]["text"] and not group["passages"][-1]["gold"] for group in groups)
    without = [group for group in groups if not any(one["gold"] for one in group["passages"])]
    assert 0 < len(without) < 20
    paragraphs.add("mills", "third", "Every sail is mended in spring, long before the harvest.")
    assert {len(group["passages"]) for group in _groups(item, paragraphs, 40)} == {1, 2, 3}


def test_a_definition_has_no_neighbours() -> None:
    paragraphs = Paragraphs()
    item = replace(_item(paragraphs), source=DEFINITIONS)
    paragraphs.add(DEFINITIONS, "other", "A sail is long.")
    assert all(len(group["passages"]) == 1 for group in _groups(item, paragraphs, 20))


def test_a_question_without_an_answer_names_no_sentence() -> None:
    paragraphs = Paragraphs()
    (group,) = _groups(_item(paragraphs, said="no such words"), paragraphs, 1)
    assert group["passages"][0]["gold"] == []


def _lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def test_the_command_reads_files_and_holds_documents_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = [
        {
            "id": str(n),
            "title": f"mill {n}",
            "context": TEXT.replace("eleven", f"{n} or so"),
            "question": "How long is a sail?",
            "answers": [{"text": f"{n} or so metres", "start": TEXT.find("eleven")}],
            "licence": "CC BY 4.0",
        }
        for n in range(200)
    ]
    source = tmp_path / "mills.jsonl"
    source.write_text("\n".join(map(json.dumps, records)))
    out, held = tmp_path / "train.jsonl.gz", tmp_path / "held.jsonl.gz"
    assert main([str(source), "--output", str(out), "--held-out", str(held)]) == 0
    assert "mills: 200" in capsys.readouterr().out
    train, dev = _lines(out), _lines(held)
    assert len(train) + len(dev) == 200
    assert 0 < len(dev) < 30
    answered = [one for one in train + dev if any(passage["gold"] for passage in one["passages"])]
    assert 160 < len(answered) < 200
    assert all(one["passages"][0]["gold"] == [1] for one in answered)
    source.write_text(json.dumps(records[0] | {"licence": "CC BY-NC 4.0"}))
    assert main([str(source), "--output", str(out)]) == 1
    assert "NC" in capsys.readouterr().err


def test_decks_give_the_lines_that_answer_among_others_of_the_deck(tmp_path: Path) -> None:
    mills = (
        "# Mills\n\nParts\n\n- four sails\n- a millstone of basalt\n\n# Rye\n\n- is ground in autumn\n- feeds the cat\n"
    )
    (tmp_path / "mills.md").write_text(mills, encoding="utf-8")
    (tmp_path / "owls.txt").write_text("Owls\n\n- have four sails, too\n", encoding="utf-8")
    asked = [("What are the parts of a mill?", ["four sails", "a millstone of basalt"]), ("Who built it?", [])]
    records = [
        {"question": question, "answerable": bool(quotes), "gold": [{"quote": one} for one in quotes], "split": "train"}
        for question, quotes in asked
    ]
    records[0]["also"] = [{"quote": "feeds the cat", "complete": False}]
    records.append({**records[0], "split": "dev"})
    (tmp_path / "mills.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    (tmp_path / "owls.jsonl").write_text("", encoding="utf-8")
    found = list(deck_groups(tmp_path))
    assert [group["question"] for group in found] == [question for question, _ in (*asked, asked[0])]
    assert [group["held_out"] for group in found] == [False, False, True]
    answering, other = ([p for p in found[0]["passages"] if bool(p["gold"]) is gold] for gold in (True, False))
    (parts,) = answering
    said = [parts["text"][slice(*parts["sentences"][number])] for number in parts["gold"]]
    assert said == ["- four sails", "- a millstone of basalt"]
    assert all("too" not in passage["text"] for passage in other)
    assert [p["text"][slice(*p["sentences"][n])] for p in found[0]["passages"] for n in p.get("also", ())] == [
        "- feeds the cat"
    ]
    assert all(not passage["gold"] for passage in found[1]["passages"])


def test_some_questions_come_once_more_without_what_answers_them(tmp_path: Path) -> None:
    parts = "\n\n".join(f"# Part {n}\n\n- the wheel of part {n} turns\n- and grinds rye" for n in range(30))
    (tmp_path / "mills.md").write_text(parts, encoding="utf-8")
    asked = [f"What turns in part {n} of the mill?" for n in range(30)]
    records = [
        {
            "question": question,
            "answerable": True,
            "gold": [{"quote": f"the wheel of part {n} turns"}],
            "split": "train",
        }
        for n, question in enumerate(asked)
    ]
    (tmp_path / "mills.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    found = list(deck_groups(tmp_path))
    answered = {group["question"]: group["passages"] for group in found if group["source"] == "decks"}
    left = {group["question"]: group["passages"] for group in found if group["source"] == "decks unanswered"}
    assert list(answered) == asked
    assert 5 < len(left) < 20
    for question, passages in left.items():
        assert passages == [one for one in answered[question] if not one["gold"]]
        assert len(passages) < len(answered[question])


MILL_NOTES = "# Mills\n\nA mill has four sails.\n\n# Rye\n\nIt is ground in autumn. Salt and rye.\n\n# Owls\n\nNone."


def _note(question: str, quotes: list[str]) -> dict[str, Any]:
    gold = [[MILL_NOTES.index(quote), MILL_NOTES.index(quote) + len(quote)] for quote in quotes]
    part = [0, MILL_NOTES.index("# Owls")]
    return {"id": question, "question": question, "kind": "how", "source": "mills", "path": "a.md", "part": part} | {
        "gold": gold
    }


def _noted(folder: Path, licence: str = "MIT") -> tuple[Path, Path]:
    asked, texts = folder / "notes.jsonl", folder / "texts.jsonl"
    records = [_note("When is grain turned into flour?", ["It is ground in autumn."]), _note("Who owns the cat?", [])]
    asked.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    text = {"source": "mills", "path": "a.md", "licence": licence, "text": MILL_NOTES}
    texts.write_text("\n".join(map(json.dumps, [text, text | {"path": "b.md", "text": "Else."}])), encoding="utf-8")
    return asked, texts


def test_questions_on_slides_are_a_source_of_their_own_and_pages_are_read_as_text(tmp_path: Path) -> None:
    asked, texts = _noted(tmp_path)
    slides = asked.read_text(encoding="utf-8").replace('"kind"', '"data": "slides", "kind"').replace("a.md", "a.pdf")
    asked.write_text(slides, encoding="utf-8")
    texts.write_text(texts.read_text(encoding="utf-8").replace("a.md", "a.pdf"), encoding="utf-8")
    assert [note.name for note in read_notes([asked], [texts])] == ["0000.txt"]
    answered, other = note_groups([asked], [texts])
    assert (answered["source"], other["source"]) == ("slides", "slides")
    said = [p["text"][slice(*p["sentences"][n])] for p in answered["passages"] for n in p["gold"]]
    assert said == ["It is ground in autumn."]


def test_course_notes_give_the_sentences_at_the_places_that_answer(tmp_path: Path) -> None:
    asked, texts = _noted(tmp_path)
    answered, other = note_groups([asked], [texts])
    assert (answered["question"], answered["source"]) == ("When is grain turned into flour?", "notes")
    said = [p["text"][slice(*p["sentences"][n])] for p in answered["passages"] for n in p["gold"]]
    assert said == ["It is ground in autumn."]
    assert not any(passage["gold"] for passage in other["passages"])
    assert not any("None." in passage["text"] for group in (answered, other) for passage in group["passages"])


@pytest.mark.parametrize("licence", ["MIT", "CC BY-NC 4.0"])
def test_notes_that_are_missing_or_may_not_be_learned_from_are_named(tmp_path: Path, licence: str) -> None:
    asked, texts = _noted(tmp_path, licence)
    if licence == "MIT":
        texts.write_text(texts.read_text(encoding="utf-8").replace("a.md", "c.md"), encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.md of mills is not in the texts"):
        list(note_groups([asked], [texts]))
