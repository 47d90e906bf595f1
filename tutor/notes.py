"""Questions on open course notes and slides of other people: what they ask is written here, the notes and slides are
not part of the project.

A line of a question file is {"id", "question", "kind", "data", "source", "path", "part": [start, end], "gold": [[start,
end], ...]}: `part` is a stretch of the document `path` of `source`, `gold` names the places of the document that
answer, none where it does not; `data` is "slides" where the document is slides. The documents are records {"source",
"path", "licence", "text"} of files of plain text (see corpus.texts).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm.data import DataError, read_records
from tutor.items import Licences


@dataclass(frozen=True, kw_only=True)
class Note:
    """A part of a document as a lecture file, and the questions on it with the quotes that answer; `part` names it."""

    name: str
    text: str
    questions: tuple[dict[str, Any], ...]


def read_notes(questions: Sequence[Path], texts: Sequence[Path]) -> list[Note]:
    """The parts of documents that the questions are on, in the order of the files. DataError where a document is not in
    `texts`, is shorter than a part of it or under a non-commercial licence."""
    asked: dict[tuple[str, str], dict[tuple[int, int], list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for path in questions:
        for record in read_records(path):
            start, end = record["part"]
            asked[str(record["source"]), str(record["path"])][start, end].append(record)
    documents = {
        key: str(record["text"])
        for path in texts
        for record in Licences().allowed(read_records(path))
        for key in [(str(record["source"]), str(record["path"]))]
        if key in asked
    }
    found: list[Note] = []
    for (source, document), parts in asked.items():
        text = documents.get((source, document), "")
        for (start, end), records in parts.items():
            if end > len(text):
                raise DataError(
                    f"{document} of {source} is not in the texts, or not whole; name the file that holds it"
                )
            found.append(
                Note(
                    name=f"{len(found):04d}{_suffix(document)}",
                    text=text[start:end],
                    questions=tuple(_quoting(record, text) for record in records),
                )
            )
    return found


def _suffix(document: str) -> str:
    """What a part of a document is read as: the text of pages as text, all else as Markdown."""
    return ".txt" if document.endswith(".pdf") else ".md"


def _quoting(record: dict[str, Any], text: str) -> dict[str, Any]:
    gold = [{"quote": text[start:end]} for start, end in record["gold"]]
    part = f"{record['source']}/{record['path']}/{record['part'][0]}"
    kind = "slides" if record.get("data") == "slides" else "notes"
    return {"question": str(record["question"]), "answerable": bool(gold), "gold": gold, "part": part, "of": kind}
