from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest
import torch
from lm_samples import small_model, small_tokenizer
from torch import Tensor

from lm.checkpoint import save
from lm.config import ModelConfig
from lm.copy_task import CopyTask, learn, recall
from lm.memory import draw_zeros, gradient_norms, main, per_token
from lm.model import LanguageModel
from lm.sizing import COMPARED, equals, fresh_model, sized, weights_in_use

_ROOT = Path(__file__).resolve().parent.parent


def config(architecture: str, **overrides: Any) -> ModelConfig:
    shape: dict[str, Any] = {
        "vocabulary": 6,
        "features": 1,
        "width": 6,
        "heads": 1,
        "hidden": 8,
        "layers": 1,
        "context": 40,
    }
    return ModelConfig(**shape | {"architecture": architecture, "shift": False} | overrides)


class OneUnit:
    """h_t = u h_(t-1) + x_t, whose gradient k tokens back is u^k."""

    u = 0.5

    def embed(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        x = tokens.double()[..., None]
        return x, x

    def body(self, x: Tensor) -> Tensor:
        h = [x[:, 0]]
        for t in range(1, x.shape[1]):
            h.append(self.u * h[-1] + x[:, t])
        return torch.stack(h, dim=1)


def test_the_gradient_of_a_linear_unit_is_a_power_of_its_weight() -> None:
    tokens = torch.arange(6).repeat(3, 1)
    norms = gradient_norms(cast(LanguageModel, OneUnit()), tokens, torch.Generator().manual_seed(3))
    v = torch.randn((3, 1), generator=torch.Generator().manual_seed(3), dtype=torch.float64).abs().mean()
    assert norms == pytest.approx([float(v) * 0.5**k for k in range(6)], rel=1e-12)
    assert per_token(norms) == pytest.approx(0.5)


@pytest.mark.parametrize("architecture", COMPARED)
def test_the_gradient_is_that_of_finite_differences(architecture: str) -> None:
    model = fresh_model(config(architecture), seed=1).double().eval()
    draw_zeros(model, seed=1)
    tokens = torch.tensor([[3, 1, 4, 1, 5]])
    norms = gradient_norms(model, tokens, torch.Generator().manual_seed(2))
    v = torch.randn((1, 6), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x = model.embed(tokens)[0].detach()

    def change(k: int, unit: int) -> float:
        ends = []
        for step in (1e-5, -1e-5):
            moved = x.clone()
            moved[0, 4 - k, unit] += step
            ends.append(float((v * model.body(moved)[:, -1]).sum().detach()))
        return (ends[0] - ends[1]) / 2e-5

    by_hand = [sum(change(k, unit) ** 2 for unit in range(6)) ** 0.5 for k in range(5)]
    assert norms == pytest.approx(by_hand, rel=1e-6)
    assert min(norms) > 1e-3, "every input counts, a transformer's too"


def test_a_gradient_that_reaches_zero_has_factor_zero() -> None:
    assert per_token([1.0, 0.0, 0.0]) == 0
    assert per_token([1.0, 0.5, 0.0, 0.0]) == 0


def test_weights_in_use_leave_out_what_serves_prompts() -> None:
    d, h, v = 6, 8, 6
    shared = v * d + d + d  # embedding, the one feature, the gain of the norm
    recurrent = d * h + h * h + 2 * h
    assert weights_in_use(config("rnn")) == shared + recurrent + h * d
    assert weights_in_use(config("lstm")) == shared + 4 * recurrent + h * d
    block = 4 * d * d + 2 * d * h + 2 * d + 2 * d  # two norms of the width, two of queries and keys
    assert weights_in_use(config("transformer")) == shared + block


@pytest.mark.parametrize("architecture", COMPARED)
def test_sized_finds_the_nearest(architecture: str) -> None:
    counts = {hidden: weights_in_use(config(architecture, hidden=hidden)) for hidden in range(2, 30, 2)}
    wanted = (counts[12] + 2 * counts[14]) // 3
    assert sized(config(architecture), wanted).hidden == 14
    assert sized(config(architecture), counts[2]).hidden == 2
    with pytest.raises(ValueError, match="raise --weights"):
        sized(config(architecture), counts[2] - 1)


def test_compared_models_are_equally_large() -> None:
    configs = equals(vocabulary=10, width=16, context=50, weights=6000)
    assert tuple(configs) == COMPARED
    assert all(abs(weights_in_use(one) - 6000) < 300 for one in configs.values())


def test_sequences_of_the_copy_task() -> None:
    task = CopyTask(symbols=3, alphabet=5)
    tokens = task.batch(200, 4, torch.Generator().manual_seed(0))
    assert tokens.shape == (200, 3 + 4 + 1 + 3)
    assert bool((tokens[:, 3:7] == 5).all()), "blanks"
    assert bool((tokens[:, 7] == 6).all()), "the marker"
    assert torch.equal(tokens[:, :3], tokens[:, 8:])
    assert set(tokens[:, :3].flatten().tolist()) == set(range(5))
    assert int(tokens.max()) == task.vocabulary - 1
    assert not torch.equal(tokens, task.batch(200, 4, torch.Generator().manual_seed(1)))


class Rigged:
    """Sure of the symbol that stood `back` tokens before the one to predict."""

    def __init__(self, task: CopyTask, back: int) -> None:
        self.task, self.back = task, back

    def embed(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.nn.functional.one_hot(tokens, self.task.vocabulary).double()
        return x, x

    def body(self, x: Tensor) -> Tensor:
        return x.roll(self.back - 1, dims=1)

    def write_logits(self, hidden: Tensor) -> Tensor:
        return 50 * hidden

    def text_losses(self, tokens: Tensor) -> Tensor:
        logits = self.write_logits(self.body(self.embed(tokens[:, :-1])[0]))
        return torch.nn.functional.cross_entropy(logits.transpose(1, 2), tokens[:, 1:], reduction="none")


def test_recall_counts_symbols_repeated() -> None:
    task = CopyTask(symbols=4, alphabet=5)
    loss, share = recall(cast(LanguageModel, Rigged(task, 4 + 6 + 1)), task, 6, seed=1)
    assert loss == pytest.approx(0.0, abs=1e-12)
    assert share == 1
    # One too near: the neighbour's symbol, right one time in five; and where the blank stood, never.
    loss, share = recall(cast(LanguageModel, Rigged(task, 4 + 6)), task, 6, seed=1)
    assert share == pytest.approx(3 / 4 / 5, abs=0.03)
    assert loss > 30


def test_a_gru_learns_to_copy() -> None:
    task = CopyTask(symbols=2, alphabet=4)
    model = fresh_model(config("gru", width=16, hidden=32, context=9), seed=1)
    before, _ = recall(model, task, 3, seed=2)
    learn(model, task, 3, rate=1e-2, steps=150, seed=1)
    after, share = recall(model, task, 3, seed=2)
    assert before > 1
    assert after < 0.1
    assert share > 0.97


_SMALL = ["--distance", "3", "1", "--symbols", "1", "--alphabet", "2", "--steps", "2", "--rates", "0.001", "0.01"]


def test_copy_writes_table_charts_and_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["copy", *_SMALL, "--width", "8", "--weights", "900", "--jobs", "1", "--output", str(tmp_path / "new")]
    assert main(command) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["symbols", "recalled", "over", "1", "over", "3"]
    assert [line.split()[0] for line in table[1:]] == [*COMPARED, "chance"]
    assert table[-1].split() == ["chance", "50.0%", "50.0%"]
    found = json.loads((tmp_path / "new" / "copy.json").read_text(encoding="utf-8"))
    assert found["format"] == 1
    assert found["settings"]["steps"] == 2
    assert {(one["name"], one["distance"]) for one in found["results"]} == {(n, d) for n in COMPARED for d in (1, 3)}
    for one in found["results"]:
        losses = one["validation_loss"]
        assert losses[f"{one['rate']:g}"] == min(losses.values())
        assert len(losses) == 2
        assert len(one["gradient"]["norms"]) == 1 + one["distance"] + 1
    assert _lines(tmp_path / "new" / "copy.svg") == len(COMPARED) + 1
    assert _lines(tmp_path / "new" / "copy-gradients.svg") == len(COMPARED)
    again = [*command[:-1], str(tmp_path / "again")]
    assert main(again) == 0
    assert (tmp_path / "again/copy.json").read_bytes() == (tmp_path / "new/copy.json").read_bytes()


def _lines(chart: Path) -> int:
    return len(list(ElementTree.parse(chart).iter("{http://www.w3.org/2000/svg}polyline")))


def test_gradients_of_fresh_models_and_of_checkpoints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--tokens", "12", "--sequences", "4", "--output", str(tmp_path)]
    assert main(["gradients", "--width", "8", "--weights", "4000", *common]) == 0
    table = capsys.readouterr().out
    assert table.splitlines()[0].split("  ")[-1].strip() == "per token"
    assert all(name in table for name in COMPARED)
    found = json.loads((tmp_path / "gradients.json").read_text(encoding="utf-8"))["results"]
    factors = {one["name"]: one["per_token"] for one in found}
    assert factors["rnn"] < 0.9 < factors["transformer"]
    assert all(one["relative"][0] == 1 and len(one["norms"]) == 12 for one in found)
    assert _lines(tmp_path / "gradients.svg") == len(COMPARED)

    model = small_model(dtype=torch.float32)
    save(tmp_path / "model", model, small_tokenizer(), training={})
    assert main(["gradients", "--model", str(tmp_path / "model"), *common]) == 0
    (one,) = json.loads((tmp_path / "gradients.json").read_text(encoding="utf-8"))["results"]
    assert (one["name"], one["weights"]) == ("model", model.parameters_count())


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["gradients", "--model", "nonesuch"], "no model 'nonesuch'"),
        (["gradients", "--model", "model", "--tokens", "161"], "model reads 160 tokens at most"),
        (["gradients", "--weights", "1000"], "raise --weights"),
        (["copy", "--weights", "10"], "raise --weights"),
        (["copy", "--width", "5"], "width 5 over 2 heads"),
    ],
)
def test_faults_take_one_line(
    argv: Sequence[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "model", small_model(dtype=torch.float32), small_tokenizer(), training={})
    assert main([*argv, "--output", "out"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "argv", [["copy", "--steps", "0"], ["copy", "--rates", "x"], ["gradients", "--tokens", "2"], []]
)
def test_senseless_arguments_are_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([*argv, "--output", "out"] if argv else [])
    assert end.value.code == 2
    assert "error:" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["gradients", "copy"])
def test_help_needs_no_torch(command: str) -> None:
    code = (
        f"import sys; from lm.memory import main\ntry: main(['{command}', '--help'])\n"
        "except SystemExit as end: assert end.code == 0\nassert not {'torch', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"python -m lm.memory {command}" in done.stdout
