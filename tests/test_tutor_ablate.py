"""Other choices on the same passages."""

from pathlib import Path
from typing import Any, cast

import pytest
import torch
from fake_embedder import FakeEmbedder

from index.build import build
from index.store import Store
from lm.checkpoint import Checkpoint
from lm.config import preset
from lm.model import LanguageModel
from lm.reading import FEATURES
from lm.tokenizer import Tokenizer
from tutor.ablate import Recalling, main, rows, variants
from tutor.evaluate import measure
from tutor.measures import write
from tutor.questions import Question
from tutor.tutor import Tutor

NOTES = "# Mill\n\nThe mill grinds rye. It has four sails. It was built in 1790.\n"


class _Counting:
    generation = "000007"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def search(self, query: str, **how: Any) -> tuple[str, ...]:
        self.asked.append(query)
        return (query, *map(str, how.values()))


def test_a_search_is_done_once() -> None:
    counting = _Counting()
    store = cast("Any", Recalling(cast("Store", counting)))
    assert (
        store.search("rye", k=2, documents=["a"]) == store.search("rye", documents=["a"], k=2) == ("rye", "2", "['a']")
    )
    assert store.search("rye", k=3) == ("rye", "3")
    assert counting.asked == ["rye", "rye"]
    assert store.generation == "000007"


@pytest.fixture
def tutor(tmp_path: Path) -> Tutor:
    (tmp_path / "mill.md").write_text(NOTES, encoding="utf-8")
    build([tmp_path / "mill.md"], tmp_path / "store", embedder=FakeEmbedder())
    tokenizer = Tokenizer.train([NOTES], vocabulary=300)
    model = LanguageModel(preset("tiny", vocabulary=tokenizer.size, features=FEATURES, context=1024))
    model.reset(torch.Generator().manual_seed(1))
    checkpoint = Checkpoint(name="toy", model=model.eval(), tokenizer=tokenizer, training={})
    return Tutor(Store.open(tmp_path / "store", embedder=FakeEmbedder()), checkpoint)


def test_the_table_has_a_row_for_every_baseline_and_variant(tutor: Tutor) -> None:
    question = Question(
        id="q",
        question="What does the mill grind?",
        answerable=True,
        gold=("The mill grinds rye.",),
        reference="The mill grinds rye.",
        key_facts=("rye", "four sails"),
        split="dev",
    )
    tutors = list(variants(tutor, [], ["threshold=0,sentences=1", "threshold=1"]))
    assert [one.choices.sentences for _, one in tutors] == [3, 1, 3]
    measured = {name: [measure(one, question, 5)] * 2 for name, one in tutors}
    table = {row[0]: row for row in rows(measured, 5)}
    names = ["best sentence", "ranked sentence", "top passage", "toy", "threshold=0,sentences=1", "threshold=1"]
    assert list(table) == names
    assert all(len(row) == 6 for row in table.values())
    assert table["top passage"][1] == "1.000 ± 0.000"
    assert table["threshold=0,sentences=1"][1:4] == ("0.000 ± 0.000", "1.000 ± 0.000", "1.00 / 1.00")
    assert table["threshold=1"][1:] == ("0.000 ± 0.000", "0.000 ± 0.000", "- / -", "0.00 / -", "-")


def test_what_a_model_writes_alone_has_a_row_of_its_own(tutor: Tutor) -> None:
    question = Question(
        id="q", question="What does the mill grind?", answerable=True, gold=("The mill grinds rye.",),
        reference="The mill grinds rye.", key_facts=("rye",), split="dev",
    )  # fmt: skip
    outcome = measure(tutor, question, 5, alone=True)
    prompt, _ = tutor.prompt(question.question, tutor.store.search(question.question, k=5))
    assert outcome.baselines["alone"] == write(tutor.checkpoint, prompt).text
    table = {row[0]: row for row in rows({"one": [outcome], "other": [outcome]}, 5)}
    assert list(table)[3:] == ["one", "one alone", "other", "other alone"]


@pytest.mark.parametrize(("option", "says"), [(["--every", "0"], "--every is 0"), (["--vary", "depth=1"], "no choice")])
def test_faults_are_one_line(
    option: list[str], says: str, course_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", str(course_store), *option]) == 1
    fault = capsys.readouterr().err
    assert says in fault
    assert len(fault.strip().splitlines()) == 1
