from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lm_samples import small_model, small_tokenizer

from lm import checkpoint
from lm.average import main


def test_the_mean_of_two_models_lies_between_them_and_tells_of_both(tmp_path: Path) -> None:
    for step in (1, 2):
        model = small_model(vocabulary=small_tokenizer().size)
        torch.nn.init.constant_(next(model.parameters()), float(step))
        checkpoint.save(tmp_path / str(step), model, small_tokenizer(), training={"step": step})
    assert main([str(tmp_path / "1"), str(tmp_path / "2"), str(tmp_path / "mean")]) == 0
    mean, one, two = (checkpoint.load(tmp_path / name) for name in ("mean", "1", "2"))
    assert mean.training == {
        "averaged": [{"step": 1}, {"step": 2}],
        "parameters": mean.model.parameters_count(),
    }
    for name, weight in mean.model.state_dict().items():
        halfway = (one.model.state_dict()[name] + two.model.state_dict()[name]) / 2
        torch.testing.assert_close(weight, halfway)
    assert not torch.equal(next(mean.model.parameters()), next(one.model.parameters()))


def test_models_of_different_shapes_are_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, layers in (("one", 1), ("two", 2)):
        model = small_model(vocabulary=small_tokenizer().size, layers=layers)
        checkpoint.save(tmp_path / name, model, small_tokenizer(), training={})
    assert main([str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "mean")]) == 1
    assert "another shape" in capsys.readouterr().err
    assert not (tmp_path / "mean").exists()
