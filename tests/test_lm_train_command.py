from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from lm_lessons import examples, plain_text
from lm_samples import TEXTS, small_tokenizer

from lm import checkpoint
from lm.text import TextSet
from lm.tokenizer import Tokenizer
from lm.train import main


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "tok.json").write_text(small_tokenizer().to_json(), encoding="utf-8")
    examples().save(tmp_path / "train.npz", tokenizer=small_tokenizer())
    examples(6).save(tmp_path / "dev.npz", tokenizer=small_tokenizer())
    names = {"--tokenizer": "tok.json", "--data": "train.npz", "--validation": "dev.npz", "--output": "run"}
    common = ["--preset", "tiny", "--precision", "fp32", "--batch-tokens", "900", "--device", "cpu"]
    return [part for flag, name in names.items() for part in (flag, str(tmp_path / name))] + common


def test_the_command_trains_saves_and_resumes(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*files, "--steps", "6", "--validate-every", "3"]) == 0
    run = tmp_path / "run"
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [record["step"] for record in metrics] == [1, 2, 3, 4, 5, 6]
    assert [("validation" in record) for record in metrics] == [False, False, True] * 2
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert about["settings"]["steps"] == 6
    assert set(about["data"]) == {"train.npz"}
    assert checkpoint.load(run / "last").training["step"] == 6
    assert checkpoint.load(run / "best").tokenizer.sha256 == small_tokenizer().sha256
    assert main([*files, "--steps", "8"]) == 0
    assert "at step 6" in capsys.readouterr().err

    assert checkpoint.load(run / "last").training["step"] == 8
    assert main([*files, "--steps", "9", "--preset", "mini"]) == 1
    assert "cannot resume" in capsys.readouterr().err.splitlines()[-1]
    assert main([*files[:7], str(tmp_path / "other"), *files[8:], "--steps", "1", "--init", str(run / "last")]) == 0


def test_files_of_one_name_are_told_apart(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "more").mkdir()
    more = tmp_path / "more" / "train.npz"
    examples(5).save(more, tokenizer=small_tokenizer())
    place = files.index("--data") + 2
    both = [*files[:place], str(more), *files[place:]]
    assert main([*both, "--steps", "2"]) == 0
    hashes = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["data"]
    assert list(hashes) == ["train.npz", "train.npz (2)"]
    assert len(set(hashes.values())) == 2
    examples(4).save(more, tokenizer=small_tokenizer())
    assert main([*both, "--steps", "3"]) == 1
    assert "begun with data train.npz (2)" in capsys.readouterr().err


def test_a_run_keeps_the_precision_that_was_measured_when_it_began(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.remove("--precision")
    files.remove("fp32")
    for measured, steps in (("fp32", "2"), ("bf16", "3")):
        monkeypatch.setattr("lm.trainer.faster_precision", lambda device, found=measured: found)
        assert main([*files, "--steps", steps]) == 0
    about = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert (about["settings"]["precision"], about["settings"]["steps"]) == ("fp32", 3)


def test_a_signal_before_the_first_step_ends_the_command_with_a_line(
    files: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("lm.train.load_data", lambda paths, tokenizer: signal.raise_signal(signal.SIGTERM))
    assert main([*files, "--steps", "2"]) == 130
    assert capsys.readouterr().err == "stopped; run the same command to begin; nothing was saved yet\n"
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_command_ends_with_its_minutes_and_says_how_to_go_on(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*files, "--steps", "5000", "--minutes", "0.02", "--bucket", "64"]) == 0
    said = capsys.readouterr().err.splitlines()[-1]
    assert "the 0.02 minutes are over at step" in said
    assert "run the same command to go on" in said
    step = checkpoint.load(tmp_path / "run" / "last").training["step"]
    assert 0 < step < 5000
    assert main([*files, "--steps", str(step + 1), "--bucket", "64"]) == 0
    assert checkpoint.load(tmp_path / "run" / "last").training["step"] == step + 1
    assert main([*files, "--steps", "5", "--bucket", "300"]) == 1
    assert "rounded up to --bucket" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--tokenizer", "none.json"], "none.json"),
        (["--data", "none.npz"], "none.npz"),
        (["--steps", "0"], "steps is 0"),
        (["--lr", "0"], "lr is 0.0"),
        (["--init", "nonesuch"], "no model 'nonesuch'"),
        (["--device", "gpu7"], "cannot use device 'gpu7'"),
        (["--dropout", "2"], "dropout is 2.0"),
        (["--set", "depth=3"], "no model setting 'depth'"),
        (["--set", "hidden=x"], "hidden is 'x'; it must be a whole number"),
        (["--ema", "1"], "ema is 1.0"),
        (["--validation", "text.npz"], "of one kind"),
        (["--data", "text.npz", "train.npz"], "examples and plain text together"),
        (["--data", "text.npz", "--validation", "text.npz", "--window", "900"], "--window are longer than the model's"),
        (["--data", "short.npz", "--validation", "text.npz", "--window", "64"], "must have more than --window, 64"),
        (["--data", "short.npz", "--validation", "text.npz", "--architecture", "gru"], "lower --batch-tokens"),
        (["--tokenizer", "other.json"], "packed with another tokenizer"),
    ],
)
def test_command_errors_are_one_line(
    files: list[str], change: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain_text().save(tmp_path / "text.npz", tokenizer=small_tokenizer())
    TextSet(plain_text().tokens[:20]).save(tmp_path / "short.npz", tokenizer=small_tokenizer())
    other = Tokenizer.train(TEXTS, vocabulary=300)
    (tmp_path / "other.json").write_text(other.to_json(), encoding="utf-8")
    made = {"text.npz", "short.npz", "train.npz", "other.json"}
    change = [str(tmp_path / part) if part in made else part for part in change]
    assert main([*files, "--steps", "2", *change]) == 1
    error = capsys.readouterr().err
    assert error.startswith("lm.train: ")
    assert message in error
    assert error.count("\n") == 1
