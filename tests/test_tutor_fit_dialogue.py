"""When a question is a follow-up, fitted on made-up searches."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tutor.fit_dialogue import Example, Searched, example, fitted, lines, main
from tutor.questions import Question


@dataclass(frozen=True)
class FakePassage:
    text: str


@dataclass(frozen=True)
class FakeHit:
    passage: FakePassage
    score: float


class FakeStore:
    """Finds the passages that share most words with a query."""

    TEXTS = ("The tide is the rise of the sea. It comes twice a day.", "Yeast makes bread rise.", "Granite is hard.")

    def search(self, query: str, *, k: int, read: bool) -> list[FakeHit]:
        def share(text: str) -> float:
            words = set(query.casefold().replace("?", "").split())
            return len(words & set(text.casefold().replace(".", "").split())) / max(len(words), 1)

        return [FakeHit(FakePassage(one), share(one)) for one in sorted(self.TEXTS, key=share, reverse=True)[:k]]

    def says(self, phrase: str) -> bool:
        return True


def question(text: str, gold: str) -> Question:
    return Question(
        id="q", question=text, answerable=True, gold=(gold,), reference="", key_facts=(), split="train", history=()
    )


def searched() -> Searched:
    return Searched(FakeStore())  # type: ignore[arg-type]


def test_an_example_knows_the_rank_of_the_evidence_each_way() -> None:
    one = example(searched(), question("and how often?", "twice a day"), ["What is the tide of the sea?"], follows=True)
    assert (one.joined, one.as_it_is) == (1, 1)
    assert one.signs[0] == 1.0
    assert not one.certain


def made(follows: bool, signs: Sequence[float], alone: int, joined: int) -> Example:
    return Example(
        follows=follows, split="train", as_it_is=1, alone=alone, joined=joined, certain=False, signs=tuple(signs)
    )


def test_the_weights_follow_what_is_gained() -> None:
    follow = [made(True, (1.0, float(number % 2), 0.0, 0.0, 1.0, 0.3), 4, 1) for number in range(30)]
    new = [made(False, (0.0, float(number % 2), 0.0, 0.0, 5.0, 0.8), 1, 0) for number in range(30)]
    weights = fitted([*follow, *new])
    assert weights[0] > 0.5
    assert abs(weights[1]) < 0.2
    assert weights[4] < 0


def test_the_report_tells_all_sets() -> None:
    follow = [made(True, (1.0, 0.0, 0.0, 0.0, 1.0, 0.3), 0, 1)] * 5
    new = [made(False, (0.0, 0.0, 0.0, 0.0, 5.0, 0.8), 1, 2)] * 5
    said = list(lines([*follow, *new]))
    assert said[0].startswith("WEIGHTS = (")
    assert said[2] == "5 follow-ups, train: 1.00 / 1.00 as it is, 0.00 / 0.00 alone, 1.00 / 1.00 joined"
    assert said[4] == "5 new questions, train: 1.00 / 1.00 as it is, 1.00 / 1.00 alone, 0.00 / 1.00 joined"
    assert said[3].startswith("0 follow-ups, dev: -")


def test_faults_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--store", str(tmp_path / "none")]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
