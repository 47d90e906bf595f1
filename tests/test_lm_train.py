from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from lm_lessons import coloured, examples, plain_text
from lm_samples import small_model, small_tokenizer

from lm import checkpoint
from lm.config import TrainConfig
from lm.data import DataError, ExampleSet, examples_of
from lm.generate import Decoding, generate
from lm.model import LanguageModel
from lm.reading import Piece, build_prompt
from lm.run import Run
from lm.text import TextSet
from lm.tokenizer import END
from lm.trainer import Trainer

_CPU = torch.device("cpu")


def _trainer(data: ExampleSet | TextSet | None = None, *, steps: int = 20, **settings: Any) -> Trainer:
    shape = {name: settings.pop(name) for name in ("dropout", "architecture") if name in settings}
    model = small_model(dtype=torch.float32, std=None, **shape)
    config = TrainConfig(steps=steps, **({"batch_tokens": 600, "warmup": 3} | settings))
    return Trainer(model, config, data or examples(), _CPU)


_KINDS = ["transformer", "rnn", "lstm", "gru", "window", "text", "text-lstm"]


def _of_kind(kind: str, *, steps: int = 20, **settings: Any) -> Trainer:
    """A trainer on examples of an architecture, or on plain text."""
    if not kind.startswith("text"):
        return _trainer(steps=steps, architecture=kind, **settings)
    architecture = kind.removeprefix("text-").replace("text", "transformer")
    return _trainer(plain_text(), steps=steps, architecture=architecture, batch_tokens=64, window=16, **settings)


def _run(trainer: Trainer, folder: Path, **about: Any) -> Run:
    return Run(trainer, small_tokenizer(), folder, about)


def test_the_same_seed_gives_the_same_losses() -> None:
    runs = [[trainer.train_step() for _ in range(4)] for trainer in (_trainer(), _trainer(), _trainer(seed=2))]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("kind", _KINDS)
def test_stopped_at_ten_and_resumed_equals_twenty_straight(tmp_path: Path, kind: str) -> None:
    settings: dict[str, Any] = {"dropout": 0.1, "ema": 0.9}
    torch.manual_seed(0)
    straight = _of_kind(kind, **settings)
    expected = [straight.train_step() for _ in range(20)]
    assert straight.source.place[0] >= 1, "the run should cross an epoch"
    torch.manual_seed(0)
    first = _of_kind(kind, **settings)
    losses = [first.train_step() for _ in range(10)]
    _run(first, tmp_path).save()
    torch.manual_seed(99)
    second = _of_kind(kind, **settings)
    assert _run(second, tmp_path).resume()
    assert second.step == 10
    losses += [second.train_step() for _ in range(10)]
    assert losses == expected
    for name, tensor in straight.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], tensor), name
    assert straight.validate(plain_text() if kind.startswith("text") else examples(6)) == second.validate(
        plain_text() if kind.startswith("text") else examples(6)
    )


def test_resume_without_a_state_begins_anew_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    trainer = _trainer()
    assert not _run(trainer, tmp_path).resume()
    _run(trainer, tmp_path).save()
    path = tmp_path / "state.pt"
    whole = path.read_bytes()
    for content in (b"", b"nothing", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"cannot resume from .*state\.pt"):
            _run(_trainer(), tmp_path).resume()


@pytest.mark.parametrize(
    ("began", "now", "message"),
    [
        ({"data": {"a.npz": "12"}}, {"data": {"a.npz": "13"}}, "begun with data a.npz 12, now it is 13"),
        ({"data": {"a.npz": "12"}}, {"data": {"b.npz": "12"}}, "begun with data a.npz 12, now it is absent"),
        ({"settings": {"lr": 1.0}}, {"settings": {"lr": 2.0}}, "begun with settings lr 1.0, now it is 2.0"),
    ],
)
def test_a_run_goes_on_with_what_it_began_with(
    tmp_path: Path, began: dict[str, Any], now: dict[str, Any], message: str
) -> None:
    _run(_trainer(), tmp_path, **began).save()
    with pytest.raises(DataError, match=message):
        _run(_trainer(), tmp_path, **now).resume()
    longer = {"settings": {"steps": 99, **began.get("settings", {})}} if "settings" in began else began
    assert _run(_trainer(), tmp_path, **longer).resume()


@torch.no_grad()
def test_recurrent_text_goes_on_from_window_to_window() -> None:
    """The second window is read in the state that the first one left: cutting the text changes no loss."""
    pieces = _of_kind("text-gru")
    halves = [pieces.source.loss(pieces.source.next()).nll for _ in range(2)]
    whole = _trainer(plain_text(), architecture="gru", batch_tokens=128, window=32)
    both = whole.source.loss(whole.source.next())
    assert int(both.tokens) == 128
    assert float(both.nll) == pytest.approx(float(halves[0] + halves[1]), rel=1e-5)


def test_carried_state_passes_no_gradient() -> None:
    trainer = _of_kind("text-lstm")
    for _ in range(3):
        trainer.train_step()
    assert trainer.source.state()["carried"][0].grad_fn is None


def test_the_average_is_its_recurrence() -> None:
    trainer = _trainer(ema=0.5)
    assert trainer.average is not None
    expected = trainer.model.embedding.weight.detach().clone()
    for step in range(4):
        trainer.train_step()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * trainer.model.embedding.weight.detach()
    own = trainer.model.embedding.weight.detach().clone()
    with trainer.averaged() as model:
        torch.testing.assert_close(model.embedding.weight.detach(), expected, rtol=0, atol=1e-6)
    assert torch.equal(trainer.model.embedding.weight, own)


def test_validation_and_checkpoints_use_the_average(tmp_path: Path) -> None:
    trainer = _trainer(ema=0.9, steps=6)
    run = _run(trainer, tmp_path)
    assert run.train(examples(6))
    saved = checkpoint.load(tmp_path / "last").model
    with trainer.averaged() as model:
        assert torch.equal(saved.embedding.weight, model.embedding.weight)
    assert not torch.equal(saved.embedding.weight, trainer.model.embedding.weight)


def test_one_tiny_batch_is_driven_near_zero() -> None:
    data = ExampleSet.pack(examples_of(small_tokenizer(), [coloured("zorbat", "minfel"), coloured("bliven", "hadrop")]))
    trainer = _trainer(data, steps=90, batch_tokens=4000)
    losses = [trainer.train_step().loss for _ in range(90)]
    assert losses[0] > 0.5
    assert losses[-1] < 0.02


def test_a_trained_model_copies_a_word_it_never_saw() -> None:
    trainer = _trainer(examples(300), steps=150, batch_tokens=2000)
    for _ in range(150):
        trainer.train_step()
    model: LanguageModel = trainer.model.eval()
    tokenizer = small_tokenizer()
    for word in ("wickzormet", "ulfenbat"):
        pieces = [[Piece(text=f"The zorbat is {word}.")], [Piece(text="Water boils at sea level.")]]
        prompt = build_prompt(tokenizer, "What is the zorbat?", pieces, mode="short")
        written = list(generate(model, prompt, Decoding(longest=20, may_refuse=False)))
        assert tokenizer.decode([one.token for one in written]).strip() == word
        assert written[-1].token == END
        for one in written[1:-1]:
            place = prompt.places[int(one.copy.argmax())]
            assert place.source == 0
            assert f"The zorbat is {word}."[place.start : place.end].strip() in f" {word}"
        assert sum(one.p_copy for one in written[:-1]) / len(written[:-1]) > 0.5


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_loss_or_gradient_that_is_no_number_stops_the_run(where: str) -> None:
    trainer = _trainer()
    if where == "loss":
        torch.nn.init.constant_(trainer.model.copy.gate.bias, math.nan)
    else:
        trainer.model.shift.register_hook(lambda gradient: gradient * math.inf)
    before = trainer.model.embedding.weight.detach().clone()
    with pytest.raises(DataError, match=r"no longer a number at step 0.*Lower --lr"):
        trainer.train_step()
    assert torch.equal(trainer.model.embedding.weight, before)


def test_the_rate_rises_holds_and_falls_to_zero() -> None:
    config = TrainConfig(steps=100, warmup=10, decay=0.5)
    assert config.rate(0) == pytest.approx(0.1)
    assert config.rate(9) == config.rate(30) == config.rate(50) == 1.0
    assert config.rate(75) == pytest.approx(0.5)
    assert config.rate(100) == 0.0
    assert config.rate(50, 0.5) == 1.0
    assert config.rate(50, 0.25) == config.rate(75, 0.9) == pytest.approx(0.5)
    assert config.rate(50, 0.0) == 0.0
    assert TrainConfig(steps=100, warmup=10, decay=0.0).rate(99, 0.01) == 1.0


@pytest.mark.parametrize(
    "change",
    [{"steps": 0}, {"batch_tokens": 0}, {"lr": 0.0}, {"precision": "fp8"}, {"clip": -1.0}, {"validate_every": 0}],
)
def test_a_bad_setting_names_its_field(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(change))} is "):
        TrainConfig(**({"steps": 5} | change))
