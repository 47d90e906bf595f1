from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from lm_samples import old_tokenizer, small_model, small_tokenizer

from lm import checkpoint
from lm.checkpoint import CONFIG, TOKENIZER, WEIGHTS, CheckpointError
from lm.convert import main as convert
from lm.model import LanguageModel
from lm.sampling import forbid_special
from lm.tokenizer import QUESTION


def _saved(folder: Path, dtype: torch.dtype = torch.float32) -> LanguageModel:
    model = small_model(dtype=torch.float32)
    checkpoint.save(folder, model, small_tokenizer(), training={"step": 7}, dtype=dtype)
    return model


def test_save_and_load_round_trip(tmp_path: Path) -> None:
    model = _saved(tmp_path / "small")
    loaded = checkpoint.load(tmp_path / "small")
    assert loaded.name == "small"
    assert loaded.training == {"step": 7}
    assert loaded.model.config == model.config
    assert not loaded.model.training
    assert loaded.tokenizer.sha256 == small_tokenizer().sha256
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor), name
    assert sorted(path.name for path in (tmp_path / "small").iterdir()) == sorted([CONFIG, TOKENIZER, WEIGHTS])


def test_a_checkpoint_from_before_the_last_special_tokens_loads_and_writes(tmp_path: Path) -> None:
    tokenizer = old_tokenizer()
    model = small_model(dtype=torch.float32, vocabulary=tokenizer.size, special=tokenizer.special)
    checkpoint.save(tmp_path, model, tokenizer, training={})
    path = tmp_path / "config.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    del fields["model"]["special"]
    settings = json.dumps([fields["model"], fields["training"]], sort_keys=True, separators=(",", ":"))
    fields["sha256"]["config.json"] = hashlib.sha256(settings.encode()).hexdigest()
    path.write_text(json.dumps(fields), encoding="utf-8")
    loaded = checkpoint.load(tmp_path)
    assert loaded.model.config.special == 9
    # Its text may begin with the pieces whose ids are special tokens by now.
    with torch.no_grad():
        loaded.model.embedding.weight.zero_()
    first = torch.tensor([[QUESTION]])
    log_p, _ = loaded.model.next_tokens(*loaded.model.prefill(first, torch.zeros_like(first)))
    allowed = forbid_special(log_p, loaded.model.config.special, first=False, may_refuse=False)
    assert allowed[0, 9].isfinite()
    other = small_model(dtype=torch.float32, vocabulary=tokenizer.size)
    checkpoint.save(tmp_path / "other", other, tokenizer, training={})
    with pytest.raises(CheckpointError, match="9 of them special, the model 300, 11"):
        checkpoint.load(tmp_path / "other")


def test_half_precision_halves_the_file_and_loads_as_fp32(tmp_path: Path) -> None:
    model = _saved(tmp_path / "whole")
    _saved(tmp_path / "half", torch.float16)
    sizes = [(tmp_path / name / WEIGHTS).stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 0.6 * sizes[1]
    loaded = checkpoint.load(tmp_path / "half").model
    for name, tensor in model.state_dict().items():
        assert loaded.state_dict()[name].dtype == torch.float32
        assert torch.equal(loaded.state_dict()[name], tensor.half().float()), name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"format": 1', '"format": 3'),
        ('"format": 1', '"formau": 1'),
        ('"width": 30', '"width": 36'),
        ('"heads": 3', '"heads": 5'),
        ('"layers": 2', '"layers": 3'),
        ('"layers": 2', '"layers": 1'),
        ('"hidden": 44', '"hidden": 45'),
        ('"ngram": 8', '"ngram": 7'),
        ('"context": ', '"context": 1'),
        ('"rotary_base": 1', '"rotary_base": 2'),
        ('"training": {', '"training": {"seed": 3, '),
        ('"vocabulary": 330', '"vocabulary": 331'),
        ('"width"', '"widti"'),
        ('"model"', '"modem"'),
        ("{", "["),
        ('"model.safetensors": "', '"model.safetensors": "0'),
    ],
)
def test_a_damaged_configuration_is_refused(tmp_path: Path, old: str, new: str) -> None:
    _saved(tmp_path)
    path = tmp_path / CONFIG
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=r".") as caught:
        checkpoint.load(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", [WEIGHTS, TOKENIZER])
def test_a_missing_file_is_named(tmp_path: Path, part: str) -> None:
    _saved(tmp_path)
    (tmp_path / part).unlink()
    with pytest.raises(CheckpointError, match=f"cannot read .*{part}"):
        checkpoint.load(tmp_path)


@pytest.mark.parametrize("content", ['{"format": 1, "sha256": "0"}', '{"hidden_size": 384}', "[]", "\u00ff"])
def test_a_model_of_another_kind_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / CONFIG).write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError, match="give a directory written by"):
        checkpoint.load(tmp_path)


def test_an_unknown_name_tells_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no model 'nonesuch'; give a checkpoint directory or one of"):
        checkpoint.load("nonesuch")
    with pytest.raises(CheckpointError, match=r"holds no config\.json"):
        checkpoint.load(tmp_path)
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"holds no config\.json; give one of: .*best"):
        checkpoint.load(tmp_path)


def test_an_unusable_device_is_named(tmp_path: Path) -> None:
    _saved(tmp_path)
    for device in ("gpu7", "cuda:99"):
        with pytest.raises(CheckpointError, match=f"cannot use device '{device}'"):
            checkpoint.load(tmp_path, device=device)


def test_saving_replaces_a_checkpoint_and_leaves_no_other_files(tmp_path: Path) -> None:
    _saved(tmp_path)
    checkpoint.save(tmp_path, small_model(seed=1, dtype=torch.float32), small_tokenizer(), training={"step": 8})
    assert checkpoint.load(tmp_path).training == {"step": 8}
    assert json.loads((tmp_path / CONFIG).read_text(encoding="utf-8"))["format"] == 1
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("places", range(6))
@pytest.mark.parametrize("before", [0, 1])
def test_saves_that_are_cut_short_leave_one_whole_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int, places: int
) -> None:
    """Each save but the first `before` dies at the same of its six places; the last one is let through."""
    replace, left = Path.replace, 0

    def cut_short(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", cut_short)
    for step in range(6):
        left = 99 if step < before or step == 5 else places
        with suppress(KeyboardInterrupt):
            model = small_model(seed=step, dtype=torch.float32)
            checkpoint.save(tmp_path, model, small_tokenizer(), training={"step": step})
        if not (tmp_path / CONFIG).exists():
            assert places < 3
            continue
        loaded = checkpoint.load(tmp_path)
        found = loaded.training["step"]
        assert found == 0 if places < 3 and step < 5 else found in (step, step - 1)
        expected = small_model(seed=found, dtype=torch.float32)
        assert torch.equal(loaded.model.embedding.weight, expected.embedding.weight)
    assert found == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([CONFIG, TOKENIZER, WEIGHTS])


def test_int8_keeps_every_weight_within_half_a_step_and_the_answers_near(tmp_path: Path) -> None:
    model = small_model(dtype=torch.float32)
    checkpoint.save(tmp_path / "whole", model, small_tokenizer(), training={})
    assert convert(["--dtype", "int8", str(tmp_path / "whole"), str(tmp_path / "small")]) == 0
    loaded = checkpoint.load(tmp_path / "small")
    assert loaded.training == {"stored_as": "int8"}
    for (name, weight), (_, kept) in zip(model.state_dict().items(), loaded.model.state_dict().items(), strict=True):
        step = weight.abs().amax(dim=-1, keepdim=True) / 127 if weight.dim() > 1 else torch.zeros(())
        assert bool(((weight - kept).abs() <= step / 2 + 1e-7).all()), name
    whole, small = ((tmp_path / name / "model.safetensors").stat().st_size for name in ("whole", "small"))
    assert small < 0.5 * whole


@pytest.mark.parametrize("dtype", ["fp32", "fp16", "bf16"])
def test_other_formats_store_the_rounded_weights(tmp_path: Path, dtype: str) -> None:
    model = small_model(dtype=torch.float32)
    kind = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[dtype]
    checkpoint.save(tmp_path / "whole", model, small_tokenizer(), training={})
    assert convert([str(tmp_path / "whole"), str(tmp_path / dtype), "--dtype", dtype]) == 0
    kept = checkpoint.load(tmp_path / dtype).model.state_dict()
    for name, weight in model.state_dict().items():
        assert torch.equal(kept[name], weight.to(kind).float()), name


def test_converting_onto_itself_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint.save(tmp_path / "m", small_model(dtype=torch.float32), small_tokenizer(), training={})
    assert convert([str(tmp_path / "m"), str(tmp_path / "m"), "--dtype", "int8"]) == 1
    assert "is the checkpoint itself" in capsys.readouterr().err
