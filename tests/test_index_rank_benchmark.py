"""The ranker in two number formats."""

from pathlib import Path

import pytest

from index.build import build
from index.rank_benchmark import main

NOTES = {
    "tide.md": "# The tide\n\nThe tide is the rise and fall of the sea. It comes twice a day.\n",
    "yeast.md": "# Yeast\n\nYeast turns sugar into gas. The gas makes bread rise.\n",
}


def test_both_formats_read_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in NOTES.items():
        (tmp_path / name).write_text(text)
    build([tmp_path / name for name in NOTES], store=tmp_path / "store", course="Sea")
    assert main(["--store", str(tmp_path / "store"), "--questions", "2"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("2 questions; median ")
    mean, largest = float(said[1].split()[3]), float(said[1].split()[7])
    assert 0 < mean <= largest < 0.05


def test_faults_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--questions", "0"]) == 1
    assert main(["--store", str(tmp_path / "none")]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 2
