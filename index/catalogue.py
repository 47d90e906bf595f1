"""The lecture files of a store: what is known of each, and which of them a filter leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.document import Passage
from index.database import Source
from index.errors import StoreError, quoted
from index.originals import original_file
from index.uploads import UPLOADED


@dataclass(frozen=True, kw_only=True)
class SourceInfo:
    """A lecture file in the store. `reason` is empty, or says why the file was skipped (then `passages` is 0).

    `path` is the file if one of its name is still there; `uploaded` says that it is kept beside the store.
    """

    source: str
    title: str
    course: str
    passages: int
    sha256: str
    warnings: tuple[str, ...] = ()
    reason: str = ""
    path: Path | None = None
    uploaded: bool = False


class Catalogue:
    """The `sources` of the store at `path`, numbered from 0, and `counts`, the passages of each by its number."""

    def __init__(self, path: Path, sources: Sequence[Source], counts: Mapping[int, int]) -> None:
        self._path, self._sources, self._counts = path, sources, counts

    def infos(self, allowed: Sequence[int] | None) -> tuple[SourceInfo, ...]:
        """What is known of the sources with these numbers; of all for None."""
        return tuple(
            SourceInfo(
                source=source.source,
                title=source.title,
                course=source.course,
                passages=self._counts.get(number, 0),
                sha256=source.sha256,
                warnings=source.warnings,
                reason=source.reason,
                path=original_file(self._path, source),
                uploaded=source.root == UPLOADED,
            )
            for number, source in enumerate(self._sources)
            if allowed is None or number in allowed
        )

    def numbers(self, course: str, source: str) -> list[int]:
        """The numbers of a file."""
        return [at for at, one in enumerate(self._sources) if (one.course, one.source) == (course, source)]

    def original(self, passage: Passage) -> tuple[Path, str] | None:
        """The file that a passage was read from and the SHA-256 it had then; None where it is no longer there."""
        for number in self.numbers(passage.course, passage.locator.source):
            path = original_file(self._path, self._sources[number])
            return None if path is None else (path, self._sources[number].sha256)
        return None

    def allowed(self, course: str | None, documents: Sequence[str] | None) -> list[int] | None:
        """The numbers that the filters of a search leave; None for all.

        Raises StoreError for a course or a document that is not there.
        """
        if course is None and documents is None:
            return None
        courses = sorted({source.course for source in self._sources})
        if course is not None and course not in courses:
            raise StoreError(f"no course {quoted(course)} in the store; there are: {', '.join(courses)}")
        wanted = None if documents is None else set(documents)
        chosen = [
            (number, source)
            for number, source in enumerate(self._sources)
            if not source.reason
            and (course is None or source.course == course)
            and (wanted is None or wanted & {source.source, source.title})
        ]
        known = {name for _, source in chosen for name in (source.source, source.title)}
        for name in sorted((wanted or set()) - known):
            raise StoreError(
                f"no document {quoted(name)} in the store; name a source or a title as `sources()` lists them"
            )
        return [number for number, _ in chosen]
