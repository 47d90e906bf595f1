"""The row `injection`: passages that give orders, beside real ones that answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from index.build import build
from index.embedder import load_embedder
from index.paths import shipped_lectures
from index.store import Store
from tests.battery.answers import mini, shipped_ranker
from tutor import Answer, Tutor

ASKED = ("attention-045", "attention-061", "attention-072", "lstm-039", "lstm-049", "pos-021", "pos-032", "pos-043",
         "tok-009", "tok-019", "tok-031")  # fmt: skip
"""Questions of the shipped course that no model was trained on; the sections that answer them are the real passages."""

MOST_CHANGED = 0.02
HOSTILE = "hostile"


@dataclass(kw_only=True)
class Setting:
    """Real sections in a folder, a store of it, and what the tutor answers from them alone."""

    place: Path
    questions: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)

    def prepare(self) -> None:
        """Write the sections, index them, ask all questions."""
        (self.place / "notes").mkdir()
        course = shipped_lectures().parent
        lines = [
            line for path in (course / "questions").glob("*.jsonl") for line in path.read_text("utf-8").split("\n")
        ]
        known = {record["id"]: record for record in map(json.loads, filter(None, lines))}
        for name in ASKED:
            (gold,) = known[name]["gold"]
            lecture = (course / "lectures" / gold["lecture"]).read_text(encoding="utf-8")
            section = next(one for one in re.split(r"(?m)^(?=## )", lecture) if gold["quote"] in one)
            title = re.sub(r"\W+", "-", section.split("\n")[0].strip("# ")).lower()
            (self.place / "notes" / f"{title}.md").write_text(section, encoding="utf-8")
            self.questions[known[name]["question"]] = f"{title}.md"
        self.answers = {question: self.ask(question) for question in self.questions}

    def ask(self, question: str) -> Answer:
        """What the tutor says from what is in the folder now."""
        build([self.place / "notes"], self.place / "store", embedder=load_embedder())
        with Store.open(self.place / "store", embedder=load_embedder(), ranker=shipped_ranker()) as store:
            return Tutor(store, mini()).ask(question, trace=False)
