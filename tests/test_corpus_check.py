"""The check of the course finds every kind of fault that it is for, and the shipped course has none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus.check import alike_faults, faults, main
from corpus.course import CourseError, Record, read_course
from corpus.latex import latex_faults, symbols
from corpus.overlap import alike_by_words, shared_runs, shared_within, texts_of
from corpus.report import reading_ease, report

LECTURE = """---
title: Gates
course: Small
order: 1
prerequisites: []
sources:
  - "A. Author: A paper, 1999"
---

# Gates

## What a gate is

A gate is a number between 0 and 1 that scales a value.

$$ y = g x $$

Here $y$ is the output, $g$ is the gate and $x$ is the value.

```python
print(0.5 * 8)
```

```text
4.0
```

FILLER

## Worked example: half

Half of 8.0 is 4.0, and a quarter is 2.0.

## Common misconceptions

Misconception: a gate is a door. In fact, a gate is a number.

Misconception: a gate is binary. In fact, a gate is soft.

## Glossary

- **Gate**: a number.
- **Value**: what is scaled.
- **Output**: the product.
- **Soft**: between 0 and 1.
- **Product**: the result of a multiplication.

## Sources

All of it follows Author (1999).
"""
QUESTION = {
    "id": "gate-1",
    "question": "What is a gate?",
    "kind": "definition",
    "answerable": True,
    "gold": [{"lecture": "01-gates.md", "quote": "A gate is a number between 0 and 1 that scales a value."}],
    "reference": "A gate is a number between 0 and 1 that scales a value.",
    "key_facts": ["between 0 and 1"],
    "lecture": "01-gates.md",
    "section": "What a gate is",
    "split": "train",
}
NUMBER = {"lecture": "01-gates.md", "quote": "a quarter is 2.0", "number": "2.0", "expression": "8 / 4"}
PASSAGE = {
    "id": "reading-1",
    "topic": "birds",
    "title": "The teal",
    "text": "The teal sleeps on one leg. " + " ".join(f"word{number}" for number in range(130)),
    "split": "train",
    "questions": [
        {
            "question": f"{opening} the teal do at night?",
            "kind": "how",
            "answerable": number > 0,
            "gold": ["The teal sleeps on one leg."] if number else [],
            "reference": "The teal sleeps on one leg." if number else "",
            "key_facts": ["on one leg"] if number else [],
        }
        for number, opening in enumerate(("Where does", "What will", "How would", "Why might", "When could"))
    ],
}
DECK_QUESTION = {
    "id": "slides-1",
    "question": "Which states has a gate?",
    "kind": "list",
    "answerable": True,
    "gold": [{"lecture": "gates.txt", "quote": "open or closed"}],
    "reference": "It is open, or it is closed.",
    "key_facts": ["open or closed"],
    "lecture": "gates.txt",
    "split": "train",
}
NOTE_QUESTION: dict[str, Any] = {
    "id": "note-1",
    "question": "May I leave it half open?",
    "kind": "consequence",
    "source": "someone/gates",
    "path": "gates.md",
    "part": [10, 90],
    "gold": [[20, 40], [60, 90]],
}
FILLER = " ".join(f"Sentence number {number} says that a gate may be open or closed." for number in range(110))


class Folder:
    """A course on disk whose parts a test spoils."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lecture = LECTURE.replace("FILLER", FILLER)
        self.questions: list[dict[str, Any]] = [json.loads(json.dumps(QUESTION))]
        self.numbers: list[dict[str, Any]] = [
            dict(NUMBER),
            {**NUMBER, "quote": "Half of 8.0", "number": "8.0", "expression": "2 * 4.0"},
        ]
        self.reading: list[dict[str, Any]] = [json.loads(json.dumps(PASSAGE))]
        self.decks: list[dict[str, Any]] = [json.loads(json.dumps(DECK_QUESTION))]
        self.notes: list[dict[str, Any]] = [json.loads(json.dumps(NOTE_QUESTION))]

    def faults(self) -> list[str]:
        for name in ("lectures", "questions", "numbers", "reading", "decks", "notes"):
            (self.root / name).mkdir(exist_ok=True)
        (self.root / "lectures" / "01-gates.md").write_text(self.lecture, encoding="utf-8")
        (self.root / "decks" / "gates.txt").write_text("Gates\n- open or closed\n", encoding="utf-8")
        for name in ("questions", "numbers", "reading", "decks", "notes"):
            lines = [json.dumps(one) + "\n" for one in getattr(self, name)]
            (self.root / name / "gates.jsonl").write_text("".join(lines), encoding="utf-8")
        return list(faults(read_course(self.root)))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_sound_course_has_no_faults(folder: Folder) -> None:
    assert folder.faults() == []


def _lecture(old: str, new: str) -> Callable[[Folder], None]:
    def spoil(folder: Folder) -> None:
        assert old in folder.lecture
        folder.lecture = folder.lecture.replace(old, new)

    return spoil


def _question(**values: Any) -> Callable[[Folder], None]:
    return lambda folder: folder.questions[0].update(values)


def _number(**values: Any) -> Callable[[Folder], None]:
    return lambda folder: folder.numbers[0].update(values)


def _reading(**values: Any) -> Callable[[Folder], None]:
    return lambda folder: folder.reading[0].update(values)


def _deck(**values: Any) -> Callable[[Folder], None]:
    return lambda folder: folder.decks.append({**DECK_QUESTION, "id": "slides-2", "question": "Gates?", **values})


def _note(**values: Any) -> Callable[[Folder], None]:
    return lambda folder: folder.notes.append({**NOTE_QUESTION, "id": "note-2", "question": "Gates?", **values})


def _second(**values: Any) -> Callable[[Folder], None]:
    return lambda folder: folder.questions.append({**QUESTION, "id": "gate-2", "question": "A gate?", **values})


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_lecture("sources:\n", "origins:\n"), "lacks sources"),
        (_lecture("prerequisites: []", "prerequisites: [Doors]"), "the prerequisite 'Doors' is no lecture before"),
        (_lecture("prerequisites: []", "prerequisites: [Gates]"), "the prerequisite 'Gates' is no lecture before"),
        (_lecture("order: 1", "order: 2"), "not the number of the file"),
        (_lecture(FILLER, ""), "words before the glossary"),
        (_lecture("title: Gates", "title: Doors"), "the first heading is 'Gates'"),
        (_lecture("## Glossary", "## Words"), "no section 'Glossary'"),
        (_lecture("Misconception: a gate is binary.", "A gate is binary."), "fewer than two paragraphs"),
        (_lecture("- **Soft**: between 0 and 1.\n", ""), "fewer than five lines"),
        (_lecture("$$ y = g x $$", "$$ y = {g x $$"), "braces do not balance"),
        (_lecture("$$ y = g x $$", r"$$ y = \grr x $$"), r"\grr is not known"),
        (_lecture("$$ y = g x $$", r"$$ y = g x + \beta $$"), "does not name beta"),
        (_lecture("$g$ is the gate", "g$ is the gate"), "a dollar sign without its partner"),
        (_lecture("print(0.5 * 8)", "print(0.5 * 9)"), "prints '4.5', the lecture shows '4.0'"),
        (_lecture("print(0.5 * 8)", "print(half * 8)"), "name 'half' is not defined"),
        (_lecture("print(0.5 * 8)", "import os; os._exit(3)"), "ends the process"),
        (_lecture("a quarter is 2.0.", "a quarter is 2.0 and not 2.5."), "nothing recomputes 2.5"),
        (_number(expression="8 / 5"), "the lecture says 2.0, the expression gives 1.6"),
        (_number(quote="a third is 2.0"), "does not stand in 01-gates.md"),
        (_number(number="2.1"), "2.1 does not stand in its quote"),
        (_number(number=None, expression="8 / 4 < 1"), "gives False, not True"),
        (_number(expression="8 / 0"), "ZeroDivisionError"),
        (_question(kind="riddle"), "kind 'riddle'"),
        (_question(split="exam"), "split 'exam'"),
        (_question(gold=[{"lecture": "01-gates.md", "quote": "A gate is a door."}]), "does not stand in 01-gates.md"),
        (_question(gold=[{"lecture": "09-doors.md", "quote": "A"}]), "no lecture '09-doors.md'"),
        (_question(key_facts=["a value of"]), "is not in the reference"),
        (_question(reference="A swing gate.", key_facts=["swing"]), "the key fact 'swing' is not in the quotes"),
        (_question(section="Doors"), "has no section 'Doors'"),
        (_question(section="Glossary"), "the first quote stands in 'What a gate is', not in 'Glossary'"),
        (_question(answerable=False), "belong to answerable questions"),
        (_question(key_facts=[]), "belong to answerable questions"),
        (lambda folder: folder.questions[0].pop("split"), "lacks split"),
        (_second(id="gate-1"), "'gate-1' stands at"),
        (_second(question="what is a GATE?"), "'what is a gate?' stands at"),
        (_second(split="test"), "questions in test and train"),
        (_second(dialogue="d", turn=2, standalone="A gate?", history=[]), "turn 2 wants"),
        (_reading(text="Too short."), "2 words; between 120 and 250"),
        (_reading(questions=PASSAGE["questions"][:4]), "wants five questions"),
        (_reading(questions=PASSAGE["questions"][1:] + PASSAGE["questions"][1:2]), "wants five questions"),
        (lambda folder: folder.reading[0]["questions"][1].update(gold=["It flies."]), "does not stand in the text"),
        (lambda folder: folder.reading.append({**PASSAGE, "id": "reading-2", "questions": []}), "share 'the teal"),
        (_deck(id="slides-1"), "'slides-1' stands at"),
        (_deck(question="which states has a gate?"), "stands at decks/gates.jsonl:1"),
        (_deck(kind="multi"), "kind 'multi'"),
        (_deck(lecture="owls.txt"), "deck, kind 'list'"),
        (_deck(split="dev"), "questions in dev and train; a deck has one split"),
        (_deck(gold=[{"lecture": "gates.txt", "quote": "half open"}]), "does not stand in gates.txt"),
        (lambda folder: folder.decks.clear(), "gates.txt: questions in no split"),
        (lambda folder: folder.decks[0].pop("key_facts"), "lacks key_facts"),
        (_note(id="note-1"), "'note-1' stands at notes/gates.jsonl:1"),
        (_note(question="may I leave it half OPEN?"), "may i leave it half open?' stands at"),
        (_note(kind="riddle"), "kind 'riddle'"),
        (_note(kind="none"), "kind 'none' is none of the known, or not that"),
        (_note(gold=[]), "kind 'consequence' is none of the known, or not that"),
        (_note(gold=[[20, 40], [80, 91]]), "is not in the part from 10 to 90"),
        (_note(gold=[[40, 40]]), "is not in the part from 10 to 90"),
        (lambda folder: folder.notes[0].pop("part"), "lacks part"),
    ],
)
def test_a_fault_is_found(folder: Folder, spoil: Callable[[Folder], Any], said: str) -> None:
    spoil(folder)
    found = folder.faults()
    assert any(said in line for line in found), found


def test_openings_of_questions_must_vary(folder: Folder) -> None:
    for number in range(12):
        passage = json.loads(json.dumps(PASSAGE).replace("word", f"word{number}x").replace("teal", f"teal{number}"))
        for index, question in enumerate(passage["questions"]):
            question["question"] = f"What is the use of {number} and {index}?"
        folder.reading.append({**passage, "id": f"reading-{number}-x"})
    assert any("open with 'what is the'" in line for line in folder.faults())


def test_questions_of_two_splits_may_not_be_alike() -> None:
    questions = ["What does the forget gate of an LSTM do?", "What does an LSTM forget gate do?", "Who wrote Hamlet?"]
    nearest = alike_by_words(questions, ["train", "test", "test"])
    assert (nearest[0].first, nearest[0].second) == (0, 1)
    assert nearest[0].similarity == 1.0
    assert alike_by_words(questions, ["train", "train", "test"]) == []
    records = [Record(place=f"q:{number}", values={"question": text}) for number, text in enumerate(questions)]
    assert "q:1 and q:0 are 1.00 alike by words" in next(iter(alike_faults("words", nearest, records)))


def test_shared_runs_of_words_are_found(tmp_path: Path) -> None:
    sentence = "the quick brown fox jumps over the lazy dog and then it sleeps"
    (tmp_path / "other.jsonl").write_text(json.dumps({"text": f"Yes, {sentence} well."}) + "\n", encoding="utf-8")
    found = list(shared_runs(["nothing here", f"We say: {sentence.upper()}!"], texts_of(tmp_path)))
    assert [(number, name) for number, name, _ in found] == [(1, "other.jsonl:1")]
    assert list(shared_runs([sentence.replace("lazy", "tired")], texts_of(tmp_path))) == []
    assert [(one, other) for one, other, _ in shared_within([sentence, "x", sentence + " more"])] == [(0, 2)]


def test_latex_of_code_is_no_latex() -> None:
    assert list(latex_faults("`$HOME` and\n\n```sh\necho $HOME\n```\n\ncosts \\$5, $x$")) == []
    assert [fault for _, fault in latex_faults(r"$$ \left( x $$")] == [
        r"\left and \right do not balance in '\\left( x'"
    ]
    assert symbols(r"\frac{\partial L}{\partial W_{ij}} \text{if } \sigma") == {"L", "W", "i", "j", "sigma"}


def test_reading_ease_falls_with_long_words() -> None:
    plain = "The cat sat on the mat. The dog ran to the cat."
    learned = (
        "Institutional considerations necessitate comprehensive reorganisation of administrative responsibilities."
    )
    assert 90 < reading_ease(plain) < 125
    assert reading_ease(learned) < 0 < reading_ease(plain)


def test_the_report_counts(folder: Folder) -> None:
    folder.questions.append({**QUESTION, "id": "gate-2", "dialogue": "d", "turn": 1, "standalone": "?", "history": []})
    folder.faults()
    shown = report(read_course(folder.root), {"words": 0.25})
    assert "1 questions, 0 not answerable; 1 dialogues of 1 turns" in shown
    assert "1 reading passages" in shown
    assert "nearest questions across splits by words: 0.25" in shown


def test_a_folder_that_is_no_course_is_said_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(tmp_path)]) == 2
    assert "holds no lectures" in capsys.readouterr().err
    folder = Folder(tmp_path)
    folder.faults()
    (tmp_path / "questions" / "gates.jsonl").write_text('{"id": \n', encoding="utf-8")
    with pytest.raises(CourseError, match=r"questions/gates\.jsonl:1: not a JSON object"):
        read_course(tmp_path)
    (tmp_path / "questions" / "gates.jsonl").unlink()
    with pytest.raises(SystemExit):
        main(["--root", str(tmp_path), "07-none.md"])
    assert "no lecture 07-none.md" in capsys.readouterr().err


def test_the_shipped_course_has_no_faults(capsys: pytest.CaptureFixture[str]) -> None:
    status = main([])
    shown = capsys.readouterr().out
    assert status == 0, shown
