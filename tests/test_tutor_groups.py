from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tutor.groups import deck_groups, item_group, main, overlapping, standing
from tutor.items import Item, Paragraphs

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


@pytest.mark.parametrize("seed", range(30))
def test_the_gold_sentence_is_named_whatever_the_cut_and_the_layout(seed: int) -> None:
    paragraphs = Paragraphs()
    long = " ".join([TEXT, *(f"Sentence number {n} says little of note about mills." for n in range(40))])
    item = _item(paragraphs, long)
    group = item_group(item, paragraphs, np.random.default_rng(seed))
    assert group is not None
    own = group["passages"][0]
    assert len(own["text"]) < 1100
    said = [own["text"][slice(*own["sentences"][number])] for number in own["gold"]]
    assert len(said) == 1
    assert said[0].lstrip("- ").rstrip(".") == "Each sail is eleven metres long"
    shown = [own["text"][start:end] for start, end in own["sentences"]]
    assert all(one.strip() == one and one for one in shown)


def test_a_neighbour_that_says_the_same_is_no_counterexample() -> None:
    paragraphs = Paragraphs()
    item = _item(paragraphs)
    paragraphs.add("mills", "mill", "Its sails measure eleven metres each. It was built in 1790.")
    groups = [item_group(item, paragraphs, np.random.default_rng(seed)) for seed in range(20)]
    assert all(group and len(group["passages"]) == 1 for group in groups)
    paragraphs.add("mills", "mill", "It was built in 1790. The miller sings.")
    groups = [item_group(item, paragraphs, np.random.default_rng(seed)) for seed in range(20)]
    others = [group["passages"][1] for group in groups if group and len(group["passages"]) == 2]
    assert others
    assert all(other["gold"] == [] and "1790" in other["text"] for other in others)


def test_a_question_without_an_answer_names_no_sentence() -> None:
    paragraphs = Paragraphs()
    group = item_group(_item(paragraphs, said="no such words"), paragraphs, np.random.default_rng(1))
    assert group is not None
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
    assert all(one["passages"][0]["gold"] == [1] for one in train + dev)
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
    assert all(not passage["gold"] for passage in found[1]["passages"])
