from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lm_samples import small_model, small_tokenizer

from lm import checkpoint
from lm.grow import grown, main, with_special_tokens
from lm.tokenizer import SPECIAL


def _random_model() -> torch.nn.Module:
    model = small_model(dtype=torch.float64)
    generator = torch.Generator().manual_seed(3)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=generator)
    return model.float().double()


def test_a_deeper_model_computes_the_same_and_learns_in_its_new_layers() -> None:
    model = _random_model()
    layers = model.config.layers
    deeper = grown(model, layers=2 * layers + 1, added=0, special=len(SPECIAL)).double()
    assert deeper.config.layers == 2 * layers + 1
    tokens = torch.randint(len(SPECIAL), model.config.vocabulary, (2, 9), generator=torch.Generator().manual_seed(1))
    before, _ = model(tokens)
    after, _ = deeper(tokens)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-10)
    after.square().mean().backward()
    silent = [block for block in deeper.body.blocks if not block.down.weight.any()]
    assert len(silent) == layers + 1
    assert all(block.down.weight.grad.any() for block in silent)
    assert all(block.attention.out.weight.grad.any() for block in silent)


def test_new_special_tokens_move_the_text_pieces_behind_them() -> None:
    model = _random_model()
    larger = grown(model, layers=model.config.layers, added=2, special=len(SPECIAL)).double()
    first = len(SPECIAL) - 2
    tokens = torch.randint(first, model.config.vocabulary, (1, 7), generator=torch.Generator().manual_seed(1))
    before, _ = model(tokens)
    after, _ = larger(tokens + 2)
    # The same mixture but for the share of the two new tokens, which is the same everywhere.
    kept = torch.cat((after[..., :first], after[..., first + 2 :]), dim=-1)
    torch.testing.assert_close(kept.softmax(-1), before.softmax(-1), rtol=0, atol=0.02)


def test_a_tokenizer_that_has_all_special_tokens_stays_as_it_is() -> None:
    tokenizer = small_tokenizer()
    assert with_special_tokens(tokenizer).to_json() == tokenizer.to_json()


def test_the_command_grows_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint.save(tmp_path / "old", small_model(dtype=torch.float32), small_tokenizer(), training={})
    layers = small_model().config.layers
    assert main([str(tmp_path / "old"), str(tmp_path / "new"), "--layers", str(layers + 2)]) == 0
    assert checkpoint.load(tmp_path / "new").model.config.layers == layers + 2
    assert main([str(tmp_path / "old"), str(tmp_path / "less"), "--layers", str(layers - 1)]) == 1
    assert "at least" in capsys.readouterr().err
    assert not (tmp_path / "less").exists()


def test_the_shipped_model_grows_and_answers_the_same(tmp_path: Path) -> None:
    from lm.generate import generate
    from lm.reading import Piece, build_prompt
    from lm.sampling import Decoding

    old = checkpoint.load()
    assert main([old.name, str(tmp_path), "--layers", str(old.model.config.layers + 3)]) == 0
    sources = [[Piece(text="Ada keeps otters.", rank=1), Piece(text="Bo keeps bees in $n_3$ hives.", rank=2)]]
    said = []
    for one in (old, checkpoint.load(tmp_path)):
        prompt = build_prompt(one.tokenizer, "What does Bo keep?", sources)
        tokens = [found.token for found in generate(one.model, prompt, Decoding(may_refuse=False))]
        said.append(one.tokenizer.decode(tokens))
    assert said[0] == said[1]
    assert said[0]


def test_another_architecture_is_refused() -> None:
    model = small_model()
    model.config = replace(model.config, tied=False)
    with pytest.raises(ValueError, match="tied transformer"):
        grown(model, layers=9, added=0, special=len(SPECIAL))
