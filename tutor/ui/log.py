"""The log of answers: one JSON line for each, in a file of the instructor's choosing."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class AnswerLog:
    """Appends lines to a file, which may be moved away at any time. Safe for several threads and processes.

    `questions` keeps the text of the questions, too; without it a line tells nothing of what was asked or answered.
    """

    def __init__(self, path: Path, *, questions: bool = False) -> None:
        self.path = path
        self.questions = questions
        self._lock = threading.Lock()
        self._fault = ""

    def write(self, fields: Mapping[str, Any], question: str) -> None:
        """Append a line. Where the file cannot be written, the terminal says so once and answering goes on."""
        told = {**fields, "question": question} if self.questions else fields
        # Plain ASCII: half a surrogate pair, as a browser may send it, is no text for a file.
        line = json.dumps(told, separators=(", ", ": ")) + "\n"
        with self._lock:
            try:
                with self.path.open("a", encoding="ascii") as file:
                    file.write(line)
                self._fault = ""
            except OSError as fault:
                if str(fault) != self._fault:
                    print(f"error: the log cannot be written: {fault}", file=sys.stderr, flush=True)
                self._fault = str(fault)
