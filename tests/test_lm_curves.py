"""Learning curves of several runs in one chart."""

import json
from pathlib import Path

import pytest

from lm.curves import learning_curves, main, smoothed


def run(folder: Path, losses: list[float]) -> Path:
    folder.mkdir()
    lines = [json.dumps({"step": step, "loss": loss, "tokens": 1000}) for step, loss in enumerate(losses, 1)]
    (folder / "metrics.jsonl").write_text("\n".join([*lines, '{"step": 99, "lo']), encoding="utf-8")
    return folder


def test_the_average_keeps_a_level_from_its_first_value_and_follows_a_change() -> None:
    assert smoothed([3.0, 3.0, 3.0], keep=0.9) == pytest.approx([3.0, 3.0, 3.0])
    assert smoothed([1.0, 0.0], keep=0.5) == pytest.approx([1.0, 1 / 3])
    assert smoothed([], keep=0.5) == []


def test_every_run_is_a_line_of_its_name_over_the_tokens_seen(tmp_path: Path) -> None:
    one, other = run(tmp_path / "gru", [2.0] * 40), run(tmp_path / "lstm", [4.0] * 20)
    svg = learning_curves([one, other])
    assert ">gru<" in svg
    assert ">lstm<" in svg
    assert "million tokens" in svg
    assert main([str(one), "--output", str(tmp_path / "new" / "curves.svg")]) == 0
    assert (tmp_path / "new" / "curves.svg").read_text(encoding="utf-8").startswith("<svg")


def test_a_folder_that_is_no_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = run(tmp_path / "empty", [])
    for folder in (tmp_path / "nothing", empty):
        assert main([str(folder), "--output", str(tmp_path / "curves.svg")]) == 2
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert folder.name in told
    assert not (tmp_path / "curves.svg").exists()
