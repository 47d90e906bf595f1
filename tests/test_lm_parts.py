"""A folder cut into parts and put together again, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from lm_samples import small_model, small_tokenizer

from lm import checkpoint
from lm.parts import LIST, join, main, split


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    checkpoint.save(tmp_path / "model", small_model(dtype=torch.float32), small_tokenizer(), training={"step": 3})
    return tmp_path / "model"


def test_parts_join_to_the_same_checkpoint(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["split", str(folder), str(tmp_path / "out"), "--largest", "0.02"]) == 0
    sizes = [path.stat().st_size for path in (tmp_path / "out").iterdir() if path.name != LIST]
    assert len(sizes) > 3
    assert max(sizes) <= 0.02 * 2**20
    assert f"{LIST}:" in capsys.readouterr().out
    assert main(["join", str(tmp_path / "out"), str(tmp_path / "again")]) == 0
    names = {path.name for path in folder.iterdir()}
    assert {path.name for path in (tmp_path / "again").iterdir()} == names
    assert all((tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes() for name in names)
    assert checkpoint.load(tmp_path / "again").training == {"step": 3}


@pytest.mark.parametrize("change", ["flip", "cut", "drop", "list", "hash", "format", "name"])
def test_damage_is_refused_and_nothing_is_put_in_place(folder: Path, tmp_path: Path, change: str) -> None:
    written = split(folder, tmp_path / "out", 30_000)
    part, listed = written[1], written[-1]
    fields = json.loads(listed.read_text("utf-8"))
    if change == "flip":
        data = bytearray(part.read_bytes())
        data[5] ^= 1
        part.write_bytes(bytes(data))
    elif change == "cut":
        part.write_bytes(part.read_bytes()[:-1])
    elif change == "drop":
        part.unlink()
    elif change == "list":
        listed.write_text("{")
    else:
        row = {"hash": ("files", 0, 2, "0" * 64), "format": ("format",), "name": ("files", 0, 0, "../up")}[change]
        if len(row) == 1:
            fields["format"] = 9
        else:
            fields[row[0]][row[1]][row[2]] = row[3]
        listed.write_text(json.dumps(fields), "utf-8")
    assert main(["join", str(tmp_path / "out"), str(tmp_path / "again")]) == 1
    assert not (tmp_path / "again").exists()
    assert not (tmp_path / "up").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["split", "nowhere", "out"], "nowhere"),
        (["split", "model", "model"], "model is not empty"),
        (["split", "empty", "out"], "holds no files"),
        (["split", "model", "out", "--largest", "0"], "--largest is 0"),
        (["join", "nowhere", "out"], "cannot join nowhere"),
    ],
)
def test_a_fault_of_input_is_one_line(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(folder.parent)
    Path("empty").mkdir()
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("lm.parts: ")
    assert message in error
    assert error.count("\n") == 1


def test_one_part_is_enough_for_a_small_folder(folder: Path, tmp_path: Path) -> None:
    assert len(split(folder, tmp_path / "out", 1 << 30)) == 2
    assert len(join(tmp_path / "out", tmp_path / "again")) == 3
