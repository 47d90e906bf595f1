from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lm_samples import TEXTS, small_model, small_tokenizer

from lm.checkpoint import Checkpoint, save
from lm.evaluate import (
    Question,
    answers,
    evaluate_squad,
    evaluate_text,
    fit,
    main,
    prompt_of,
    read_questions,
    sentences,
)
from lm.generate import Decoding, generate
from lm.model import LanguageModel
from lm.reading import Piece
from lm.tokenizer import END

_LINE: dict[str, Any] = {
    "id": "q1",
    "context": TEXTS[0],
    "question": "What returns the oldest item?",
    "answers": {"text": ["A queue", "queue"]},
}


def _checkpoint(model: LanguageModel | None = None) -> Checkpoint:
    return Checkpoint(name="small", model=model or small_model(), tokenizer=small_tokenizer(), training={})


def _question(context: str = TEXTS[0], question: str = "What returns the oldest item?") -> Question:
    return Question(id="1", context=context, question=question, answers=("A queue",))


@given(st.text(alphabet="ab .!?\nA1\"')", max_size=60))
def test_sentences_lose_nothing_but_white_space(text: str) -> None:
    found = sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(sentence == sentence.strip() and sentence for sentence in found)


def test_sentences_are_cut_at_ends_lines_and_when_very_long() -> None:
    assert sentences('He said "No." Then 3 came.\nNew line here. lower goes on') == [
        'He said "No."',
        "Then 3 came.",
        "New line here. lower goes on",
    ]
    long = sentences("word " * 500)
    assert len(long) > 3
    assert all(len(sentence) <= 600 for sentence in long)
    assert max(map(len, sentences("x" * 2000))) == 600


def test_what_does_not_fit_goes_the_least_like_first() -> None:
    texts = ["Water boils.", "A queue returns the oldest.", "It is old.", "A stack returns."]
    tokenizer = small_tokenizer()
    cost = [len(tokenizer.encode(" " + text).ids) + 1 for text in texts]
    whole = fit(tokenizer, "oldest queue returns", texts, sum(cost))
    assert whole == [Piece(text=text) for text in texts]
    assert fit(tokenizer, "oldest queue returns", texts, cost[1] + cost[3]) == [
        Piece(text=texts[1]),
        Piece(text=texts[3], gap=True),
    ]


@pytest.mark.parametrize("context", ["", "x" * 5000, "😀" * 900, "word " * 3000, "A b. " * 900, TEXTS[0] * 20])
@pytest.mark.parametrize("question", ["Why?", "who " * 400, "π" * 500, ""])
def test_any_length_makes_a_prompt_with_room_for_the_answer(context: str, question: str) -> None:
    prompt = prompt_of(small_tokenizer(), _question(context, question), 160)
    assert len(prompt.tokens) <= 160 - 40


def test_answers_equal_generate_one_by_one() -> None:
    checkpoint = _checkpoint()
    questions = [_question(text) for text in (TEXTS[0], TEXTS[1], TEXTS[0], TEXTS[2], TEXTS[1])]
    found = {number: answer for number, answer, _ in answers(checkpoint, questions)}
    assert sorted(found) == [0, 1, 2, 3, 4]
    for number, question in enumerate(questions):
        prompt = prompt_of(small_tokenizer(), question, 160)
        steps = generate(checkpoint.model, prompt, Decoding(longest=40, may_refuse=False))
        tokens = [step.token for step in steps if step.token != END]
        assert found[number] == small_tokenizer().decode(tokens).strip()


def test_scores_are_means_in_per_cent_in_the_order_asked() -> None:
    checkpoint = _checkpoint()
    contexts = [TEXTS[0], "", TEXTS[1], TEXTS[2]]
    said = {number: answer for number, answer, _ in answers(checkpoint, [_question(text) for text in contexts])}
    questions = [
        Question(
            id=str(number),
            context=text,
            question="What returns the oldest item?",
            answers=("zzz", said[number]) if number < 2 else ("zzz",),
        )
        for number, text in enumerate(contexts)
    ]
    summary, records = evaluate_squad(checkpoint, questions)
    assert [record["id"] for record in records] == ["0", "1", "2", "3"]
    assert [record["exact_match"] for record in records] == [1.0, 1.0, 0.0, 0.0]
    assert summary["exact_match"] == pytest.approx(50.0)
    assert summary["questions"] == 4


@pytest.mark.parametrize("length", [1, 2, 40, 127, 128, 129, 700])
def test_text_loss_scores_every_token_once_with_what_the_window_holds(length: int) -> None:
    model = small_model(std=0.1, context=256)
    tokenizer = small_tokenizer()
    ids = tokenizer.encode(" ".join(TEXTS) * 3).ids[:length]
    text = tokenizer.decode(ids)
    ids = tokenizer.encode(text).ids
    result = evaluate_text(_checkpoint(model), text)
    total = 0.0
    for place, token in enumerate(ids):
        start = max(0, place // 128 * 128 + 128 - 256)
        seen = torch.tensor([[3, *ids[start:place]]])
        hidden, state = model.prefill(seen, torch.zeros_like(seen), prefix=1)
        total -= float(model.next_token(hidden, state)[0][token])
    assert result["tokens"] == len(ids)
    assert result["bytes"] == len(text.encode())
    assert result["loss"] == pytest.approx(total / len(ids), abs=1e-9)
    assert result["perplexity"] == pytest.approx(math.exp(total / len(ids)))
    assert result["bits_per_byte"] == pytest.approx(total / math.log(2) / len(text.encode()))


def test_both_forms_of_answers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "dev.jsonl.gz"
    other = _LINE | {"id": 7, "answers": [{"text": "A queue", "start": 0}, {"text": "queue"}]}
    path.write_bytes(gzip.compress((json.dumps(_LINE) + "\n" + json.dumps(other) + "\n").encode()))
    one, two = read_questions(path)
    assert one.answers == two.answers == ("A queue", "queue")
    assert (one.id, two.id) == ("q1", "7")
    assert read_questions(path, limit=1) == [one]


@pytest.mark.parametrize(
    "change", [{"answers": {"text": []}}, {"answers": None}, {"context": 3}, {"answers": [{}]}, {"question": None}]
)
def test_a_line_that_is_no_question_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "dev.jsonl"
    path.write_text(json.dumps(_LINE) + "\n" + json.dumps(_LINE | change) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2 is no question"):
        read_questions(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(tmp_path / "model", small_model(dtype=torch.float32), small_tokenizer(), training={})
    (tmp_path / "dev.jsonl").write_text(json.dumps(_LINE) + "\n", encoding="utf-8")
    (tmp_path / "empty").write_text("", encoding="utf-8")
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    (tmp_path / "text").write_text("A queue returns π.", encoding="utf-8")
    return tmp_path


def test_the_command_prints_scores_and_writes_predictions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "predictions.jsonl"
    common = ["--squad", str(folder / "dev.jsonl"), "--model", str(folder / "model")]
    assert main([*common, "--predictions", str(out), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result) == {"model", "exact_match", "f1", "questions", "seconds", "tokens_per_second"}
    record = json.loads(out.read_text(encoding="utf-8"))
    assert record["id"] == "q1"
    assert result["f1"] == pytest.approx(100 * record["f1"])
    assert main(common) == 0
    assert "exact match" in capsys.readouterr().out


def test_the_command_measures_a_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--text", str(folder / "text"), "--model", str(folder / "model"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == len("A queue returns π.".encode())


def test_every_byte_of_a_file_is_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "lines").write_bytes(b"A queue\r\nreturns.\r\n")
    assert main(["--text", str(folder / "lines"), "--model", str(folder / "model"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == 19


def test_blank_lines_hold_no_question_and_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "dev.jsonl"
    path.write_text(json.dumps(_LINE) + "\n\n  \r\n" + json.dumps(_LINE | {"id": 2}) + "\n\n", encoding="utf-8")
    assert [one.id for one in read_questions(path)] == ["q1", "2"]
    path.write_text("\n" + json.dumps(_LINE | {"context": 3}), encoding="utf-8")
    with pytest.raises(ValueError, match="line 2 is no question"):
        read_questions(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--squad", "none.jsonl"], "cannot read"),
        (["--squad", "empty"], "no questions"),
        (["--squad", "text"], "line 1 is not JSON"),
        (["--squad", "dev.jsonl", "--limit", "0"], "--limit is 0"),
        (["--squad", "dev.jsonl", "--model", "nonesuch"], "no model 'nonesuch'"),
        (["--squad", "dev.jsonl", "--device", "gpu7"], "cannot use device"),
        (["--text", "none"], "none"),
        (["--text", "latin"], "is not UTF-8"),
        (["--text", "empty"], "the text is empty"),
        (["--text", "text", "--limit", "3"], "go with --squad"),
        (["--squad", "dev.jsonl", "--predictions", "none/out.jsonl"], "there is no folder"),
    ],
)
def test_command_errors_are_one_line(
    folder: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    assert main(["--model", "model", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("lm.evaluate: ")
    assert message in error
    assert error.count("\n") == 1
