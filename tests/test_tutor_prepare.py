"""From a mixture to packed files: shares, splits, hashes, the cache of scores, one line on a fault."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prepare_samples import CONTEXTS, GLOSSARY, STORY, record, write

from index.scoring import Readable
from lm.data import ExampleSet
from lm.tokenizer import ASK, REWRITE, TEXT, Tokenizer
from tutor.items import Paragraphs
from tutor.prepare import main
from tutor.records import Draft
from tutor.scores import ByEmbedder, Scored, noisy

MIXTURE = """
longest = 400
held_out = 0.2
[tokenizer]
pieces = 600
characters = 20000
[prompt]
budgets = [64, 96]
[scores]
by = "none"
[text]
"text.jsonl.xz" = 1
[outputs.train]
text = 0.25
[outputs.more]
[[source]]
kind = "reading"
file = "reading.jsonl.gz"
examples = { train = 60, more = 20 }
[[source]]
kind = "definitions"
files = ["text.jsonl.xz"]
examples = { train = 5 }
[[source]]
kind = "cloze"
files = ["text.jsonl.xz"]
examples = { train = 5 }
[[source]]
kind = "passages"
examples = { train = 10 }
[[source]]
kind = "ask"
of = "reading.jsonl.gz"
examples = { train = 10 }
[[source]]
kind = "rewrite"
examples = { train = 12 }
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    titles = [
        record(context, text, number, title=f"title {number // 3}")
        for number, (context, text) in enumerate(list(zip(CONTEXTS, ["1843", "three", "Yeast"], strict=True)) * 10)
    ]
    write(folder / "reading.jsonl.gz", [*titles, titles[0] | {"licence": "CC BY-NC 4.0"}])
    texts = [
        {"text": text.replace("# ", f"# {number} "), "path": f"{number}.md", "licence": "MIT"}
        for number, text in enumerate([GLOSSARY, STORY] * 20)
    ]
    write(folder / "text.jsonl.xz", [*texts, texts[0] | {"licence": "CC BY-NC 4.0"}])
    return folder


def run(folder: Path, data: Path, mixture: str = MIXTURE, name: str = "out") -> int:
    path = folder / "mixture.toml"
    path.write_text(mixture, encoding="utf-8")
    return main(["--mixture", str(path), "--data", str(data), "--output", str(folder / name)])


def test_a_mixture_becomes_packed_files_with_a_manifest(tmp_path: Path, data: Path) -> None:
    assert run(tmp_path, data) == 0
    out = tmp_path / "out"
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer.load(out / "tokenizer.json")
    assert tokenizer.size == 600
    packed = {name: ExampleSet.load(out / f"{name}.npz", tokenizer=tokenizer) for name in manifest["outputs"]}
    assert list(packed) == ["train", "more", "held-out"]
    for name, examples in packed.items():
        assert manifest["outputs"][name]["examples"] == len(examples) > 0
        assert manifest["outputs"][name]["tokens"] == int(examples.lengths.sum())
        assert int(examples.lengths.max()) <= 400
        assert manifest["sha256"][f"{name}.npz"] == hashlib.sha256((out / f"{name}.npz").read_bytes()).hexdigest()
    assert manifest["inputs"]["text.jsonl.xz"] == hashlib.sha256((data / "text.jsonl.xz").read_bytes()).hexdigest()
    assert "corpus/questions/dialogues.jsonl" in manifest["inputs"]
    assert manifest["mixture"]["mixture.toml"] == hashlib.sha256(MIXTURE.encode()).hexdigest()
    reading = manifest["sources"]["reading reading.jsonl.gz"]
    assert reading["licences"] == {"MIT": 30}
    assert reading["left_out_for_licence"] == 1
    assert reading["examples"] >= 78
    assert manifest["sources"]["rewrite"]["licences"].keys() == {"Apache-2.0"}
    train = [packed["train"][number] for number in range(len(packed["train"]))]
    assert sum(one.prompt[-1] == ASK for one in train) == 10
    assert sum(one.prompt[-1] == REWRITE for one in train) == 12
    text = sum(len(one.prompt) + len(one.answer) for one in train if one.prompt == [TEXT])
    assert 0.2 < text / packed["train"].lengths.sum() < 0.32
    assert not any(packed["more"][number].prompt == [TEXT] for number in range(len(packed["more"])))


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path: Path, data: Path) -> None:
    for name, mixture in (("a", MIXTURE), ("b", MIXTURE), ("c", "seed = 2\n" + MIXTURE)):
        assert run(tmp_path, data, mixture, name) == 0
    hashes = [json.loads((tmp_path / name / "manifest.json").read_text("utf-8"))["sha256"] for name in "abc"]
    assert hashes[0] == hashes[1]
    assert hashes[0]["train.npz"] != hashes[2]["train.npz"]


def test_a_held_out_document_is_in_no_other_file(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    texts = [f"The bell of tower {number} was cast in {1500 + number}. It rings." for number in range(60)]
    years = [str(1500 + number) for number in range(60)]
    pairs = enumerate(zip(texts, years, strict=True))
    write(folder / "bells.jsonl", [record(text, year, n, title=f"tower {n}") for n, (text, year) in pairs])
    mixture = """held_out = 0.3
[tokenizer]
pieces = 400
[prompt]
distractors = [1.0]
no_answer = 0.0
[scores]
by = "none"
[outputs.train]
[[source]]
kind = "reading"
file = "bells.jsonl"
examples = 100
"""
    assert run(tmp_path, folder, mixture) == 0
    out = tmp_path / "out"
    tokenizer = Tokenizer.load(out / "tokenizer.json")
    said = []
    for name in ("train", "held-out"):
        examples = ExampleSet.load(out / f"{name}.npz", tokenizer=tokenizer)
        prompts = [tokenizer.decode(examples[number].prompt) for number in range(len(examples))]
        said.append({year for year in years if any(year in prompt for prompt in prompts)})
    assert len(said[1]) > 5
    assert len(said[0]) > 25
    assert not said[0] & said[1]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("reading.jsonl.gz", "other.jsonl.gz", "holds no other.jsonl.gz, which the mixture names"),
        ('by = "none"', 'by = "luck"', "scores.by is 'luck'"),
        ("pieces = 600", 'file = "none.json"', "none.json"),
        ('by = "none"', 'by = "ranker"\nranker = "nowhere"', "cannot read the ranker's nowhere"),
    ],
)
def test_a_fault_of_input_is_one_line(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, message: str
) -> None:
    assert run(tmp_path, data, MIXTURE.replace(old, new)) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("tutor.prepare: ")
    assert message in error


def test_a_file_of_non_commercial_records_is_refused(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(data / "reading.jsonl.gz", [record(CONTEXTS[0], "1843", 0, licence="CC BY-NC-SA 4.0")])
    assert run(tmp_path, data) == 1
    assert "non-commercial" in capsys.readouterr().err


class FakeScorer:
    """Scores a sentence by its length, and counts what it is asked."""

    fingerprint = "fake"

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def scores(self, question: str, passages: Sequence[Readable]) -> list[np.ndarray[Any, Any]]:
        self.asked += [(question, len(one.text)) for one in passages]
        return [np.array([end - start for start, end in one.sentences], dtype=np.float32) for one in passages]


def _draft(question: str, *passages: int) -> Draft:
    return Draft(
        source="s", title="t", question=question, passages=passages, places=(), answer=None, quote=False, mode="full",
        budget=64, ranked=True,
    )  # fmt: skip


def test_passages_are_scored_once_and_kept(tmp_path: Path) -> None:
    paragraphs = Paragraphs()
    for number, text in enumerate(CONTEXTS):
        paragraphs.add("s", str(number), text)
    drafts = [_draft("Who?", 0, 1), _draft("Who?", 1, 2), _draft("What?", 0)]
    first = FakeScorer()
    scored = Scored(tmp_path / "s.sqlite", first, paragraphs)
    scored.score(drafts)
    assert sorted(first.asked) == sorted([("Who?", len(CONTEXTS[n])) for n in range(3)] + [("What?", len(CONTEXTS[0]))])
    lengths = [[end - start for start, end in paragraphs.sentences[number]] for number in (1, 2)]
    assert [one.tolist() for one in scored.of(drafts[1])] == lengths
    scored.close()
    again, other = FakeScorer(), FakeScorer()
    other.fingerprint = "other"
    for scorer in (again, other):
        scored = Scored(tmp_path / "s.sqlite", scorer, paragraphs)
        scored.score(drafts)
        assert len(scored.of(drafts[0])) == 2
        scored.close()
    assert not again.asked
    assert len(other.asked) == 4


def test_noise_has_the_deviation_that_is_asked_for() -> None:
    values = [np.ones(5000, dtype=np.float32), np.zeros(5000, dtype=np.float32)]
    one, other = noisy(values, 0.5, np.random.default_rng(0))
    assert one.std() == pytest.approx(0.5, rel=0.05)
    assert one.mean() - other.mean() == pytest.approx(1.0, abs=0.05)
    assert [part.tolist() for part in noisy(values, 0.0, np.random.default_rng(0))] == [
        part.tolist() for part in values
    ]


def test_the_embedder_prefers_the_sentence_that_answers(tmp_path: Path) -> None:
    text = "Bread needs flour and water. The lighthouse stands on a red cliff. Yeast makes the dough rise."
    paragraphs = Paragraphs()
    paragraphs.add("s", "t", text)
    scored = Scored(tmp_path / "s.sqlite", ByEmbedder(), paragraphs)
    draft = _draft("Where is the lighthouse?", 0)
    scored.score([draft])
    (found,) = scored.of(draft)
    scored.close()
    assert int(found.argmax()) == 1
    assert found.dtype == np.float32
