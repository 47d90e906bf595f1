"""The other command lines of lm: tokenize, generate, benchmark; and the help of all."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lm_samples import TEXTS, small_model, small_tokenizer

from lm import benchmark, generate, tokenize
from lm.beam import beam_search
from lm.checkpoint import load, save
from lm.data import ExampleSet
from lm.reading import Piece, build_prompt
from lm.sampling import Decoding
from lm.tokenizer import SPECIAL, Tokenizer

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    save(tmp_path / "model", small_model(dtype=torch.float32), small_tokenizer(), training={})
    (tmp_path / "notes.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    (tmp_path / "tok.json").write_text(small_tokenizer().to_json(), encoding="utf-8")
    (tmp_path / "bad.jsonl").write_text('{"text": 1}\n', encoding="utf-8")
    record = {"question": "Who?", "sources": [[["A queue.", 0, 0]]], "mode": "full", "answer": None, "spans": []}
    (tmp_path / "some.jsonl").write_text(json.dumps(record) + "\n" + '{"text": "A heap."}\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("module", ["tokenize", "train", "generate", "evaluate", "benchmark"])
def test_help_needs_no_torch(module: str) -> None:
    code = (
        f"import sys, runpy; sys.argv = ['{module}', '--help']\n"
        f"try: runpy.run_module('lm.{module}', run_name='__main__')\n"
        "except SystemExit as end: assert end.code in (0, None), end.code\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    environment = {"PATH": "", "MALLOC_TRIM_THRESHOLD_": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=_ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"python -m lm.{module}" in done.stdout


def test_tokenize_trains_and_packs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tokenize.main(["train", "notes.txt", "some.jsonl", "--vocabulary", "300", "--output", "new.json"]) == 0
    assert Tokenizer.load(folder / "new.json").size == 300
    assert tokenize.main(["pack", "some.jsonl", "--tokenizer", "tok.json", "--output", "some.npz"]) == 0
    assert len(ExampleSet.load(folder / "some.npz", tokenizer=small_tokenizer())) == 2
    assert tokenize.main(["pack", "some.jsonl", "--tokenizer", "tok.json", "--output", "s.npz", "--longest", "9"]) == 0
    assert "s.npz: 1 examples" in capsys.readouterr().out


def test_generate_answers_and_continues(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--model", "model", "--longest", "5"]
    assert generate.main([*common, "--question", "Who?", "--source", "A queue.", "--mode", "short"]) == 0
    assert len(capsys.readouterr().out) > 1
    assert generate.main([*common, "--text", "A heap"]) == 0
    assert capsys.readouterr().out.startswith("A heap")


def _printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    common = ["--model", "model", "--longest", "12", "--question", "Who returns?", "--source", TEXTS[0]]
    assert generate.main([*common, *arguments]) == 0
    printed = capsys.readouterr()
    assert not printed.err
    return printed.out


@pytest.mark.usefixtures("folder")
def test_flags_of_generate_are_the_settings_of_a_decoding(capsys: pytest.CaptureFixture[str]) -> None:
    model, tokenizer = load("model").model, small_tokenizer()
    prompt = build_prompt(tokenizer, "Who returns?", [[Piece(text=TEXTS[0])]])

    def text(**settings: Any) -> str:
        decoding = Decoding(longest=12, **settings)
        if decoding.beams > 1:
            tokens = list(beam_search(model, prompt, decoding)[0].tokens)
        else:
            tokens = [one.token for one in generate.generate(model, prompt, decoding)]
        return tokenizer.decode([token for token in tokens if token >= len(SPECIAL)]).rstrip("\n")

    plain = _printed(capsys)
    hot = ["--temperature", "1.5", "--seed", "9"]
    few = [*hot, "--top-k", "4"]
    stop = next(piece for piece in map(tokenizer.piece, tokenizer.encode(plain).ids[4:]) if piece.isascii())
    pairs: list[tuple[list[str], dict[str, Any]]] = [
        ([], {}),
        (["--lookup", "0"], {"lookup": 0}),
        (hot, {"temperature": 1.5, "seed": 9}),
        (few, {"temperature": 1.5, "seed": 9, "top_k": 4}),
        ([*hot, "--top-p", "0.7"], {"temperature": 1.5, "seed": 9, "top_p": 0.7}),
        ([*hot, "--min-p", "0.1"], {"temperature": 1.5, "seed": 9, "min_p": 0.1}),
        ([*few, "--repetition", "9"], {"temperature": 1.5, "seed": 9, "top_k": 4, "repetition": 9.0}),
        (["--no-repeat", "1"], {"no_repeat": 1}),
        (["--beams", "3", "--no-repeat", "1"], {"beams": 3, "no_repeat": 1}),
        (["--beams", "3", "--length-penalty", "0"], {"beams": 3, "length_penalty": 0.0}),
        (["--stop", stop], {"stop": tuple(tokenizer.encode(stop).ids)}),
    ]
    found = [_printed(capsys, *flags) for flags, _ in pairs]
    assert found == [f"{text(**settings)}\n" for _, settings in pairs]
    assert len(set(found)) >= 9
    assert found[0] == found[1] == plain
    assert plain.startswith(found[-1].rstrip("\n"))
    assert len(found[-1]) < len(plain)


@pytest.mark.usefixtures("folder")
def test_samples_are_the_texts_of_the_seeds_from_the_first_on(capsys: pytest.CaptureFixture[str]) -> None:
    hot = ["--temperature", "1.5"]
    alone = [_printed(capsys, *hot, "--seed", str(seed)) for seed in (5, 6, 7)]
    assert _printed(capsys, *hot, "--seed", "5", "--samples", "3") == "".join(alone)
    assert len(set(alone)) == 3
    common = ["--model", "model", "--longest", "3", "--text", "A heap", *hot]
    assert generate.main([*common, "--samples", "2"]) == 0
    assert capsys.readouterr().out.count("A heap") == 2


_ERRORS = [
    (tokenize.main, ["train", "none.txt", "--output", "x.json"], "none.txt"),
    (tokenize.main, ["train", "notes.txt", "--vocabulary", "9", "--output", "x.json"], "at least 267"),
    (tokenize.main, ["pack", "none.jsonl", "--tokenizer", "tok.json", "--output", "x.npz"], "none.jsonl"),
    (tokenize.main, ["pack", "some.jsonl", "--tokenizer", "notes.txt", "--output", "x.npz"], "not a tokenizer file"),
    (tokenize.main, ["pack", "bad.jsonl", "--tokenizer", "tok.json", "--output", "x.npz"], "record 1 is malformed"),
    (generate.main, ["--text", "x", "--model", "nonesuch"], "no model 'nonesuch'"),
    (generate.main, ["--text", "x", "--model", "model", "--temperature", "-1"], "temperature is -1.0"),
    (generate.main, ["--text", "x", "--model", "model", "--top-p", "0"], "top_p is 0.0"),
    (generate.main, ["--text", "x", "--model", "model", "--top-k", "-1"], "top_k is -1"),
    (generate.main, ["--text", "x", "--model", "model", "--min-p", "2"], "min_p is 2.0"),
    (generate.main, ["--text", "x", "--model", "model", "--lookup", "-1"], "lookup is -1"),
    (generate.main, ["--text", "x", "--model", "model", "--beams", "0"], "beams is 0"),
    (generate.main, ["--text", "x", "--model", "model", "--beams", "2", "--temperature", "1"], "temperature 0 only"),
    (generate.main, ["--text", "x", "--model", "model", "--length-penalty", "2"], "length_penalty is 2.0"),
    (generate.main, ["--text", "x", "--model", "model", "--samples", "0"], "samples is 0; it must be at least 1"),
    (generate.main, ["--text", "x", "--model", "model", "--stop", "the oldest"], "--stop 'the oldest' is "),
    (generate.main, ["--text", "x", "--model", "model", "--stop", ""], "give the text of one token"),
    (generate.main, ["--text", "x", "--source", "y", "--model", "model"], "go together"),
    (generate.main, ["--text", "A heap " * 200, "--model", "model"], "the model reads 160 at most"),
    (generate.main, ["--question", "Who?", "--model", "model"], "--source"),
    (benchmark.main, ["--preset", "tiny"], "context is 256"),
    (benchmark.main, ["--model", "nonesuch"], "no model 'nonesuch'"),
    (benchmark.main, ["--device", "gpu7"], "cannot use device"),
]


@pytest.mark.parametrize(("main", "arguments", "message"), _ERRORS)
@pytest.mark.usefixtures("folder")
def test_errors_are_one_line(
    main: Callable[[list[str]], int], arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert error.startswith("lm.")


@pytest.mark.parametrize("main", [tokenize.main, generate.main])
def test_no_arguments_is_a_usage_error(main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


_PEER = """
import torch
from dataclasses import dataclass


@dataclass
class GPTConfig:
    block_size: int
    vocab_size: int
    n_layer: int
    n_head: int
    n_embd: int
    dropout: float
    bias: bool


class GPT(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.table = torch.nn.Embedding(config.vocab_size, config.vocab_size)

    def configure_optimizers(self, decay, rate, betas, device):
        return torch.optim.SGD(self.parameters(), lr=rate)

    def forward(self, tokens, targets):
        logits = self.table(tokens)
        return logits, torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
"""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A small checkpoint; the benchmark makes one round of small shapes."""
    save(tmp_path / "m", small_model(dtype=torch.float32, context=1024), small_tokenizer(), training={})
    monkeypatch.setattr(benchmark, "_ROUNDS", 1)
    sizes = {"width": 16, "layers": 1, "heads": 2, "hidden": 16, "context": 8}
    monkeypatch.setattr(benchmark, "_SHAPES", {"small": (sizes, 32, 2)})
    return str(tmp_path / "m")


@pytest.mark.usefixtures("quick")
def test_benchmark_goes_without_a_peer(
    quick: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert benchmark.main(["--model", quick, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["gpt2"] is None
    assert set(result["tokens_per_second"]) == {"prefill", "plain", "lookup", "the same answers, plain"}
    assert result["peak_memory_mib"] > 10
    assert benchmark.main(["--model", quick]) == 0
    assert "no peer" in capsys.readouterr().out


def test_benchmark_compares_with_its_peers(quick: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.py").write_text(_PEER, encoding="utf-8")
    assert benchmark.main(["--model", quick, "--nanogpt", str(tmp_path), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    for name, rate in result["tokens_per_second"].items():
        assert result["ratio"][name] == pytest.approx(rate / result["gpt2"][name])
    trained = result["training"]["small"]
    assert trained["ratio"]["nanogpt"] == 1.0
    assert {"equal, adamw, fp32", "default, muon, fp32"} <= set(trained["ratio"])
    assert benchmark.main(["--model", quick, "--nanogpt", str(tmp_path / "m")]) == 1
    assert "holds no model.py" in capsys.readouterr().err
