"""The shipped course as typed values: lectures, questions on them, dialogues, numbers to recompute, reading passages.

lectures/NN-name.md     notes in Markdown with front matter
questions/*.jsonl       questions; a line with `dialogue` is a turn of a conversation and carries its `history`
numbers/NN-name.jsonl   for a number that stands in a lecture, the expression that gives it
reading/*.jsonl         passages on other subjects, each with its questions
decks/NN-name.*         slides turned into text (.md, .txt), each with its questions beside it (.jsonl)
notes/*.jsonl           questions on open course notes and slides of other people, which are not here (see tutor.notes)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_FENCE = re.compile(
    r"^(?P<fence>```+)(?P<language>\w*)[^\n]*\n(?P<code>.*?)^(?P=fence)[ \t]*$", re.DOTALL | re.MULTILINE
)
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*$", re.MULTILINE)
_FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n", re.DOTALL)


class CourseError(ValueError):
    """A file of the course cannot be read; says which line and why."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading with the text below it, down to the next heading of any level; offsets in the lecture's text."""

    heading: str
    level: int
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Snippet:
    """A fenced block of code."""

    language: str
    code: str
    start: int


@dataclass(frozen=True, kw_only=True)
class Lecture:
    """A lecture file. `matter`: its front matter; `text`: the whole file, front matter included."""

    name: str
    matter: dict[str, Any]
    text: str
    sections: tuple[Section, ...]
    snippets: tuple[Snippet, ...]

    def prose(self, start: int = 0, end: int | None = None) -> str:
        """The text from `start` to `end` without front matter, blocks of code and display equations."""
        part = self.text[start:end]
        if start == 0:
            part = _FRONT_MATTER.sub("", part, count=1)
        return re.sub(r"\$\$.+?\$\$", " ", _FENCE.sub(" ", part), flags=re.DOTALL)

    def heading_at(self, offset: int) -> str:
        """The nearest heading above a character offset."""
        return next((one.heading for one in reversed(self.sections) if one.start <= offset), "")


@dataclass(frozen=True, kw_only=True)
class Record:
    """A line of a JSONL file: its values and where it stands."""

    place: str
    values: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Course:
    """All of a course folder, sorted by file name."""

    lectures: dict[str, Lecture]
    questions: tuple[Record, ...]
    numbers: tuple[Record, ...]
    reading: tuple[Record, ...]
    decks: dict[str, str]
    deck_questions: tuple[Record, ...]
    note_questions: tuple[Record, ...]


def read_course(root: Path) -> Course:
    """Reads a course folder; CourseError where a file is not what it should be."""
    lectures = {path.name: read_lecture(path) for path in sorted((root / "lectures").glob("*.md"))}
    if not lectures:
        raise CourseError(f"{root} holds no lectures/*.md; name the folder of a course")
    return Course(
        lectures=lectures,
        questions=tuple(_records(root / "questions")),
        numbers=tuple(_records(root / "numbers")),
        reading=tuple(_records(root / "reading")),
        decks={path.name: path.read_text(encoding="utf-8") for path in deck_files(root / "decks")},
        deck_questions=tuple(_records(root / "decks")),
        note_questions=tuple(_records(root / "notes")),
    )


def deck_files(folder: Path) -> list[Path]:
    """The slide decks of a folder, sorted by name; the questions on one stand beside it as `.jsonl`."""
    return sorted(path for path in folder.glob("*") if path.suffix in (".md", ".txt"))


def read_lecture(path: Path) -> Lecture:
    """Reads a lecture; headings inside blocks of code are code."""
    text = path.read_text(encoding="utf-8")
    found = _FRONT_MATTER.match(text)
    try:
        matter = yaml.safe_load(found[1]) if found else {}
    except yaml.YAMLError as fault:
        raise CourseError(f"{path}: the front matter is not YAML ({str(fault).splitlines()[0]})") from None
    fences = list(_FENCE.finditer(text))
    inside = [(fence.start(), fence.end()) for fence in fences]
    headings = [one for one in _HEADING.finditer(text) if not any(a <= one.start() < b for a, b in inside)]
    ends = [*(one.start() for one in headings[1:]), len(text)]
    return Lecture(
        name=path.name,
        matter=matter if isinstance(matter, dict) else {},
        text=text,
        sections=tuple(
            Section(heading=one[2], level=len(one[1]), start=one.start(), end=end)
            for one, end in zip(headings, ends, strict=True)
        ),
        snippets=tuple(Snippet(language=one["language"], code=one["code"], start=one.start()) for one in fences),
    )


def _records(folder: Path) -> Iterator[Record]:
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            place = f"{path.parent.name}/{path.name}:{number}"
            try:
                values = json.loads(line)
            except json.JSONDecodeError as fault:
                raise CourseError(f"{place}: not a JSON object ({fault.msg})") from None
            if not isinstance(values, dict):
                raise CourseError(f"{place}: not a JSON object")
            yield Record(place=place, values=values)
