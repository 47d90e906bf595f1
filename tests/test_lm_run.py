from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from lm_samples import TEXTS, small_model, small_tokenizer

from lm import checkpoint
from lm.config import TrainConfig
from lm.data import DataError
from lm.run import Clock, Run, locked, loss_curves
from lm.text import TextSet
from lm.train import main
from lm.trainer import Stepped, Trainer

_ROOT = Path(__file__).resolve().parent.parent


def _text() -> TextSet:
    return TextSet.pack(small_tokenizer(), [" ".join(TEXTS)] * 4)


class _Interrupted(Trainer):
    """A trainer in whose third step a signal arrives."""

    kind: int = signal.SIGINT

    def train_step(self, left: float = 1.0) -> Stepped:
        stepped = super().train_step(left)
        if self.step == 3:
            signal.raise_signal(self.kind)
        return stepped


def _run(folder: Path, kind: type[Trainer] = Trainer, **settings: Any) -> Run:
    config = TrainConfig(**{"steps": 6, "batch_tokens": 64, "window": 16, "validate_every": 2} | settings)
    trainer = kind(small_model(dtype=torch.float32, std=None), config, _text(), torch.device("cpu"))
    folder.mkdir(exist_ok=True)
    return Run(trainer, small_tokenizer(), folder, {"data": {"text.npz": "0"}})


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_saved_where_it_came_to(
    tmp_path: Path, kind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Interrupted, "kind", kind)
    before = signal.getsignal(kind)
    assert not _run(tmp_path, _Interrupted).train(_text())
    assert signal.getsignal(kind) is before
    second = _run(tmp_path)
    assert second.resume()
    assert second.trainer.step == 3
    assert second.train(_text())
    losses = [json.loads(line)["loss"] for line in (tmp_path / "metrics.jsonl").read_text("utf-8").splitlines()]
    straight = _run(tmp_path / "straight")
    assert straight.train(_text())
    lines = (tmp_path / "straight" / "metrics.jsonl").read_text("utf-8").splitlines()
    assert losses == [json.loads(line)["loss"] for line in lines]
    assert len(losses) == 6


class _Slow(Trainer):
    """A trainer whose steps take a twentieth of a second; it notes what it is told of the time left."""

    def train_step(self, left: float = 1.0) -> Stepped:
        self.told = [*getattr(self, "told", []), left]
        time.sleep(0.05)
        return super().train_step(left)


def test_the_minutes_end_a_run_as_its_last_step_would(tmp_path: Path) -> None:
    run = _run(tmp_path, _Slow, steps=5000, minutes=0.02, warmup=0, decay=1.0, validate_every=1000)
    began = time.perf_counter()
    assert run.train(_text())
    assert time.perf_counter() - began < 20
    trainer = run.trainer
    assert isinstance(trainer, _Slow)
    assert 3 < trainer.step < 40
    assert trainer.told == sorted(trainer.told, reverse=True)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert [line["rate"] for line in lines] == pytest.approx(trainer.told, abs=1e-2)
    assert lines[-1]["rate"] < 0.2
    assert "validation" in lines[-1]
    assert checkpoint.load(tmp_path / "last").training["step"] == trainer.step
    again = _run(tmp_path, steps=trainer.step + 2, minutes=5.0, decay=0.0, warmup=0)
    assert again.resume()
    assert again.train(_text())
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert [line["rate"] for line in lines[-2:]] == [1.0, 1.0]


def test_minutes_that_began_long_ago_leave_one_step(tmp_path: Path) -> None:
    run = _run(tmp_path, minutes=1.0)
    assert run.train(_text(), started=time.perf_counter() - 100)
    assert run.trainer.step == 1
    assert (tmp_path / "state.pt").exists()


def test_what_the_end_takes_is_kept_of_the_minutes() -> None:
    assert Clock(0.0, time.perf_counter() - 999).left() == 1.0
    clock = Clock(1.0, time.perf_counter() - 30)
    assert clock.left() == pytest.approx(0.5, abs=0.01)
    with clock.of_the_end("saving"):
        time.sleep(0.6)
    assert clock.left() == pytest.approx(1 - 30.6 / 59.4, abs=0.005)


def test_metrics_beyond_the_state_are_dropped_on_resume(tmp_path: Path) -> None:
    _run(tmp_path, steps=3).train(_text())
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_text(metrics.read_text("utf-8") + json.dumps({"step": 4, "loss": 9.0}) + "\n", "utf-8")
    run = _run(tmp_path)
    assert run.resume()
    assert run.train(_text())
    steps = [json.loads(line)["step"] for line in metrics.read_text("utf-8").splitlines()]
    assert steps == [1, 2, 3, 4, 5, 6]


def test_a_line_of_metrics_that_was_cut_short_is_dropped_on_resume(tmp_path: Path) -> None:
    _run(tmp_path, steps=3).train(_text())
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_text(metrics.read_text("utf-8") + '{"step": 4, "lo', "utf-8")
    run = _run(tmp_path)
    assert run.resume()
    assert run.train(_text())
    assert [json.loads(line)["step"] for line in metrics.read_text("utf-8").splitlines()] == [1, 2, 3, 4, 5, 6]


def test_a_run_has_one_writer(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(DataError, match="another process is training"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


@contextmanager
def _small_files(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_keeps_what_was_saved_before(tmp_path: Path) -> None:
    run = _run(tmp_path, steps=2)
    assert run.train(_text())
    whole = {path.name: path.read_bytes() for path in (tmp_path / "last").iterdir()}
    state = (tmp_path / "state.pt").read_bytes()
    run.trainer.train_step()
    with _small_files(40_000), pytest.raises(DataError, match=r"cannot write .*state\.pt.*Make room and run the same"):
        run.save()
    assert (tmp_path / "state.pt").read_bytes() == state
    assert {path.name: path.read_bytes() for path in (tmp_path / "last").iterdir()} == whole
    with _small_files(len(whole["model.safetensors"]) // 2), pytest.raises(OSError, match="File too large"):
        checkpoint.save(tmp_path / "last", run.trainer.model, small_tokenizer(), training={})
    assert not list(tmp_path.rglob("*.part"))
    assert checkpoint.load(tmp_path / "last").training["step"] == 2


def test_whatever_the_disk_refuses_is_one_line_with_its_name(tmp_path: Path) -> None:
    run = _run(tmp_path, steps=1)
    (tmp_path / "last").write_text("in the way", "utf-8")
    with pytest.raises(DataError, match=r"cannot write .*last \(File exists\); what was saved before is kept"):
        run.train(_text())
    (tmp_path / "metrics.jsonl").unlink()
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(DataError, match=r"cannot write .*metrics\.jsonl \(Is a directory\)"):
        run.train(_text())


def test_the_loss_curves_are_a_picture_with_both_losses(tmp_path: Path) -> None:
    run = _run(tmp_path)
    run.train(_text())
    picture = (tmp_path / "loss.svg").read_text("utf-8")
    lines = (tmp_path / "metrics.jsonl").read_text("utf-8").splitlines()
    assert picture == loss_curves([json.loads(line) for line in lines])
    words = " ".join(ElementTree.fromstring(picture).itertext())
    assert "validation" in words
    assert "training" in words


def _command(folder: Path, run: str, *flags: str) -> list[str]:
    files = {"--tokenizer": "tok.json", "--data": "train.npz", "--validation": "dev.npz", "--output": run}
    paths = [part for flag, name in files.items() for part in (flag, str(folder / name))]
    common = ["--preset", "tiny", "--precision", "fp32", "--batch-tokens", "96", "--window", "16", "--device", "cpu"]
    return ["-m", "lm.train", *paths, *common, "--steps", "5", *flags]


def _losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]


def test_two_processes_have_the_loss_curve_of_one(tmp_path: Path) -> None:
    (tmp_path / "tok.json").write_text(small_tokenizer().to_json(), encoding="utf-8")
    for name in ("train.npz", "dev.npz"):
        _text().save(tmp_path / name, tokenizer=small_tokenizer())
    quiet = os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_TRIM_THRESHOLD_": "1000000000"}
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    assert main(_command(tmp_path, "one")[2:]) == 0
    command = [sys.executable, *launch, *_command(tmp_path, "two")]
    done = subprocess.run(command, cwd=_ROOT, env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert _losses(tmp_path / "one") == pytest.approx(_losses(tmp_path / "two"), rel=1e-4)
    assert len(_losses(tmp_path / "two")) == 5
    one, two = (checkpoint.load(tmp_path / run / "last").model for run in ("one", "two"))
    for name, tensor in one.state_dict().items():
        torch.testing.assert_close(two.state_dict()[name], tensor, rtol=1e-2, atol=1e-4, msg=name)
    about = json.loads((tmp_path / "two" / "run.json").read_text("utf-8"))
    assert about["settings"]["processes"] == 2
