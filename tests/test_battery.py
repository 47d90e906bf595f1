"""The fast part of the battery: every row with a few trials. In full: `make battery`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery.__main__ import main
from tests.battery.rows import ROWS, run_row
from tests.battery.trials import Trials, started


@pytest.mark.parametrize("row", ROWS)
def test_what_is_promised_holds(row: str, tmp_path: Path) -> None:
    trials = run_row(row, ROWS[row].fast, seed=1, keep=tmp_path)
    if trials.skipped:
        pytest.skip(trials.skipped)
    assert trials.tried.total() > 0
    assert trials.failures == []
    assert trials.survived == trials.tried


def test_a_failure_is_counted_and_kept_with_what_reproduces_it(tmp_path: Path) -> None:
    culprit = tmp_path / "culprit.md"
    culprit.write_text("# Rye", encoding="utf-8")
    with started("rye", 2, 1, tmp_path / "keep") as trials:
        for number in range(trials.count):
            with trials.trial("milling", number=number, file=culprit):
                if number:
                    raise ValueError("the mill stands still")
    assert (trials.tried["milling"], trials.survived["milling"]) == (2, 1)
    assert trials.failures == ["milling: ValueError: the mill stands still"]
    kept = tmp_path / "keep" / "rye-001"
    assert '"number": 1' in (kept / "failure.json").read_text(encoding="utf-8")
    assert (kept / "file.md").read_text(encoding="utf-8") == "# Rye"


def test_the_same_seed_is_the_same_chance(tmp_path: Path) -> None:
    def drawn(seed: int) -> float:
        return Trials(row="rye", count=1, seed=seed, place=tmp_path, keep=tmp_path).random.random()

    assert drawn(1) == drawn(1) != drawn(2)


def test_an_unknown_row_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no-such-row"]) == 2
    assert "no-such-row" in capsys.readouterr().err
