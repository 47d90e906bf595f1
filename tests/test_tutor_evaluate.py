"""The figures of an evaluation, on outcomes made by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.document import Locator, Passage
from tutor.answer import Answer, Citation, Ranked
from tutor.errors import TutorError
from tutor.evaluate import Outcome, by_kind, main, report
from tutor.questions import Question, has_facts, holds, plain, read_questions


def passage(text: str) -> Passage:
    return Passage(passage_id="0", document="A", text=text, locator=Locator(source="a", start=0, end=len(text)))


def outcome(
    *, answerable: bool = True, refused: bool = False, text: str = "", cited: str = "", rank: int = 1
) -> Outcome:
    citations = (
        (Citation(number=1, passage=passage(cited), answer_spans=(), passage_spans=(), weight=1.0),) if cited else ()
    )
    return Outcome(
        question=Question(
            id="q",
            question="?",
            answerable=answerable,
            gold=("The gate forgets.",) if answerable else (),
            reference="The gate forgets.",
            key_facts=("forgets",),
            split="dev",
        ),
        answer=Answer(
            question="?",
            text=text,
            refused=refused,
            citations=citations,
            passages=(Ranked(passage=passage(cited), score=1.0),),
            trace=None,
            timings={"search": 0.1, "prompt": 0.1, "first_token": 0.1, "first_words": 0.1, "total": 0.5},
        ),
        rank=rank,
        baselines={"best_sentence": "Owls fly.", "top_passage": "The gate forgets. Owls fly."},
    )


def test_figures_by_kind() -> None:
    right, wrong = outcome(text="The gate forgets. [1]"), outcome(text="Owls fly. [1]", rank=2)
    why = replace(wrong, question=replace(wrong.question, kind="why"))
    assert by_kind([why, right, wrong, outcome(answerable=False)]) == {
        "other": {"questions": 2, "key_facts": 0.5, "f1": 0.5, "hit@1": 0.5},
        "why": {"questions": 1, "key_facts": 0.0, "f1": 0.0, "hit@1": 0.0},
    }


def test_report_on_known_outcomes() -> None:
    found = report(
        [
            outcome(text="The gate forgets. [1]", cited="x The gate\nforgets. y", rank=1),
            outcome(text="Owls fly. [1]", cited="Owls fly.", rank=4),
            outcome(refused=True, rank=0),
            outcome(answerable=False, refused=True),
        ],
        k=5,
    )
    assert found["hit@1"] == pytest.approx(1 / 3)
    assert found["hit@5"] == pytest.approx(2 / 3)
    assert found["mrr@5"] == pytest.approx((1 + 1 / 4) / 3)
    assert found["citation_precision"] == found["citation_recall"] == 0.5
    assert found["refusal_precision"] == 0.5
    assert found["refusal_recall"] == 1.0
    assert found["key_facts (tutor)"] == pytest.approx(1 / 3)
    assert found["f1 (tutor)"] == pytest.approx(1 / 3)
    assert found["key_facts (best_sentence)"] == 0.0
    assert found["key_facts (top_passage)"] == 1.0
    assert found["seconds_first_token"] == pytest.approx(0.3)
    assert found["seconds_first_words"] == pytest.approx(0.4)
    assert found["seconds_total"] == 0.5
    # 1.96 standard errors of the mean of 1, 0 and 0.
    assert found["interval"]["hit@1"] == pytest.approx(1.96 * (1 / 3) ** 0.5 / 3**0.5)
    assert found["interval"]["refusal_recall"] is None


def test_quotes_are_found_over_line_breaks_and_emphasis() -> None:
    assert holds("so the **gate**\n  forgets. It", ["The gate forgets."])
    assert not holds("the gate remembers", ["The gate forgets."])


def test_facts_are_whole_words() -> None:
    assert has_facts("It has 4 gates.", ["4", "gates"])
    assert not has_facts("It has 42 gates.", ["4"])
    assert has_facts("L = Y\\max(0, m - D)^2", ["\\max(0, m - D)"])


def test_markers_are_not_words_of_the_answer() -> None:
    assert plain("One. [1][2] Two. [3]") == "One. Two."


def test_other_places_that_answer_wholly_are_evidence_too(tmp_path: Path) -> None:
    also = [{"quote": "It erases.", "complete": True}, {"quote": "It is a gate.", "complete": False}]
    line = {"id": 1, "question": "?", "answerable": True, "gold": [{"quote": "It forgets."}], "also": also}
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps(line), encoding="utf-8")
    (question,) = read_questions([path], None)
    assert question.gold == ("It forgets.", "It erases.")


def test_questions_are_read_by_split(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    lines = [{"id": n, "question": "?", "answerable": False, "split": split} for n, split in enumerate(["dev", "test"])]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert [one.id for one in read_questions([path], "dev")] == ["0"]
    assert len(read_questions([path], None)) == 2
    with pytest.raises(TutorError, match="no train question"):
        read_questions([path], "train")


def test_turns_are_read_as_a_batch_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    turn = {"question": "What is a gate?", "answer": "A vector."}
    path.write_text(json.dumps({"id": 1, "question": "Why?", "answerable": False, "history": [turn]}), encoding="utf-8")
    (question,) = read_questions([path], None)
    assert question.history == (("What is a gate?", "A vector."),)


@pytest.mark.parametrize("content", ["", "{}", "not json", "[1]", '\n{"history": "x"}'])
def test_bad_question_files_give_one_line(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(content, encoding="utf-8")
    assert main([str(path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("tutor.evaluate: ")
    assert said.count("\n") == 1
