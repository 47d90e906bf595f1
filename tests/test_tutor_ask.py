"""The command line of the tutor."""

import json
from pathlib import Path

import pytest

from tutor import Tutor
from tutor.ask import answer_batch, batch_line, main, parser, read_batch, read_history, show


def batch(path: Path, *lines: object) -> Path:
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give a question"),
        ([""], "empty"),
        (["   "], "empty"),
        (["what?", "--batch", "x.jsonl"], "give a question"),
        (["--batch", "x.jsonl"], "go together"),
        (["what?", "--output", "x.jsonl"], "go together"),
        (["what?", "-k", "0"], "-k is 0"),
        (["what?", "--store", "missing-store"], "missing-store"),
        (["what?", "--model", "missing-model"], "no model 'missing-model'"),
        (["--batch", "missing.jsonl", "--output", "out.jsonl"], "cannot read missing.jsonl"),
        (["--batch", "x.jsonl", "--output", "."], "is a folder"),
    ],
)
def test_bad_arguments_give_one_line(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert says in said
    assert said.startswith("tutor.ask: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[" * 100_000,
        '{"id": ' + "1" * 5000 + "}",
        "[]",
        {"id": 1},
        {"question": "x"},
        {"id": 1, "question": "x", "history": "y"},
        {"id": 1, "question": "x", "history": [{"role": "user", "content": None}]},
    ],
)
def test_bad_batch_lines_name_their_number(line: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = batch(tmp_path / "in.jsonl", {"id": 0, "question": "What is attention?"}, line)
    assert main(["--batch", str(path), "--output", str(tmp_path / "out.jsonl")]) == 1
    assert "line 2" in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()


def test_a_batch_keeps_every_line(course_tutor: Tutor, tmp_path: Path) -> None:
    records = read_batch(
        batch(
            tmp_path / "in.jsonl",
            {"id": "a", "question": "What is the update gate?"},
            {"id": "b", "question": ""},
            {"id": 3, "question": "And the reset gate?", "history": [["What is the update gate?", "A gate."]]},
            {"id": 4, "question": "Why?", "history": [{"question": "Why do gradients vanish?", "answer": "..."}]},
            {"id": "\ud800", "question": "?"},
        )
    )
    failed = answer_batch(course_tutor, records, tmp_path / "out.jsonl", parser().parse_args(["--batch", "x"]))
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert failed == 1
    assert [line["id"] for line in lines] == ["a", "b", 3, 4, "\ud800"]
    assert all({"answer", "refused", "citations", "passages", "seconds"} <= line.keys() for line in lines)
    assert "empty" in lines[1]["error"]
    assert all(isinstance(text, str) for text in lines[0]["passages"])
    assert len(lines[0]["passages"]) == 5
    assert lines[0]["citations"][0]["passage"]["text"] in lines[0]["passages"]


def test_answers_are_shown_with_their_places(course_tutor: Tutor) -> None:
    answer = course_tutor.ask("What is the update gate?", trace=False)
    shown = show(answer)
    assert answer.text in shown
    assert f"[1] {answer.citations[0].passage.locator.describe()}" in shown
    assert json.loads(json.dumps(answer.to_json()))["answer"] == batch_line("x", answer)["answer"] == answer.text


def test_line_separators_inside_a_question_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(chr(0xFEFF) + '{"id": 1, "question": "What is' + chr(0x2028) + 'attention?"}\n', encoding="utf-8")
    assert [record["id"] for record in read_batch(path)] == [1]


@pytest.mark.parametrize(
    "history",
    [
        [["Why?", "So."], ["How?", ""]],
        [{"question": "Why?", "answer": "So."}, {"question": "How?", "answer": ""}],
        [
            {"role": "system", "content": "Be brief."},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "Why?"},
            {"role": "assistant", "content": "So."},
            {"role": "user", "content": "How?"},
        ],
    ],
)
def test_a_history_may_be_written_as_pairs_or_messages(history: list[object]) -> None:
    assert read_history({"history": history}, "here") == [("Why?", "So."), ("How?", "")]


def test_a_batch_that_ends_early_keeps_what_was_answered(
    course_tutor: Tutor, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [{"id": number, "question": "What is attention?"} for number in range(3)]
    asked, ask = [], course_tutor.ask

    def interrupted(*question: object, **how: object) -> object:
        asked.append(question)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return ask(*question, **how)

    monkeypatch.setattr(course_tutor, "ask", interrupted)
    output = tmp_path / "out.jsonl"
    with pytest.raises(KeyboardInterrupt):
        answer_batch(course_tutor, records, output, parser().parse_args(["--batch", "x", "--output", "y"]))
    assert not output.exists()
    kept = tmp_path / "out.jsonl.part"
    assert [json.loads(line)["id"] for line in kept.read_text(encoding="utf-8").splitlines()] == [0]
    assert f"what was answered before is in {kept}" in capsys.readouterr().err
