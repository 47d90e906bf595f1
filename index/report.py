"""What a build did, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from corpus.document import shown


@dataclass(frozen=True, kw_only=True)
class FileReport:
    """What became of one file: read anew, unchanged since the last build, skipped for a reason, or removed."""

    course: str
    source: str
    status: Literal["read", "unchanged", "skipped", "removed"]
    passages: int = 0
    reason: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BuildReport:
    """What a build did. `changed` is False when the store was up to date and nothing was published.

    `passages` and `sentences` count the whole store, all courses; `embedded` and `embedded_sentences` those whose
    text was new, the others were taken over from the last generation. `seconds` is wall time.
    """

    store: Path
    generation: str
    changed: bool
    courses: tuple[str, ...]
    files: tuple[FileReport, ...]
    passages: int
    sentences: int
    embedded: int
    embedded_sentences: int
    seconds: float

    @property
    def reused(self) -> int:
        """Passages whose vectors were taken over."""
        return self.passages - self.embedded

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {**asdict(self), "store": str(self.store), "reused": self.reused, "seconds": round(self.seconds, 2)}

    def lines(self) -> Iterator[str]:
        """The report for people, a line for each file that is not simply unchanged, then the sums."""
        unchanged = [file for file in self.files if file.status == "unchanged"]
        for file in self.files:
            place = shown(f"{file.course}: {file.source}")
            if file.status == "read":
                yield f"read       {place}: {_count(file.passages, 'passage')}"
            elif file.status != "unchanged":
                yield f"{file.status:<10} {place}" + (f": {file.reason}" if file.reason else "")
            for warning in file.warnings if file.status == "read" else ():
                yield f"           note: {warning}"
        if unchanged:
            yield f"unchanged  {_count(len(unchanged), 'file')}"
        courses = shown(", ".join(self.courses))
        if not self.changed:
            yield f"{self.store} is up to date: {_count(self.passages, 'passage')} ({courses}); {self.seconds:.1f} s"
            return
        yield (
            f"{self.store} generation {self.generation}: {_count(self.passages, 'passage')}, "
            f"{self.embedded:,} embedded, {self.reused:,} reused ({courses}); {self.seconds:.1f} s"
        )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
