"""Decides which lecture files have to be read again, reads those, and splits them into passages."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import corpus
from corpus.document import Passage, shown
from corpus.ingest import DocumentReader, SourceError, SourceFile, find_files
from corpus.sentences import Span, sentence_spans
from corpus.split import split
from corpus.units import SplitError
from corpus.wire import few
from index.database import Database, Source
from index.embedder import Embedder
from index.errors import StoreError, quoted
from index.generation import GENERATIONS, LOCK, Generation
from index.manifest import DATABASE, POINTER
from index.uploads import UPLOADED, Upload, uploads_folder

PASSAGE_TARGET = 180
"""Word pieces aimed at. 2026-11-21, evidence first / in the first five of 170 transcript questions: 160 pieces 0.72 /
0.96, 180 pieces 0.74 / 0.96, 200 pieces 0.74 / 0.94, 240 pieces 0.74 / 0.92."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A passage on its way into a store. `key` names its vector in the last generation; empty for a new passage."""

    passage: Passage
    sentences: tuple[Span, ...]
    key: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A file of the new generation. Carried ones belong to courses that this build does not touch.

    `old_id` is the source_id in the last generation of what is carried or unchanged; `drafts` are the passages of
    what was read now.
    """

    source: Source
    status: Literal["read", "unchanged", "skipped", "carried"]
    old_id: int | None = None
    drafts: tuple[Draft, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for: the SOURCE paths, resolved; the course named, or ""; whether to read all files again; the
    course to leave out, or ""."""

    roots: tuple[Path, ...]
    course: str
    force: bool
    without: str = ""


def find(roots: Sequence[Path], store: Path) -> list[SourceFile]:
    """The files under `roots`, hashed, not read, without those of the store itself and its uploads, which may be kept
    there. Raises StoreError when there is none that could be read."""
    inside = store.resolve()
    own = (inside / POINTER, inside / LOCK, inside / GENERATIONS, uploads_folder(store))
    try:
        files = [file for file in find_files(roots) if not any(file.path.is_relative_to(folder) for folder in own)]
    except SourceError as error:
        raise StoreError(str(error)) from error
    if all(file.problem for file in files):
        raise _nothing([(file.source, file.problem) for file in files])
    return files


def gather(
    request: Request,
    files: Sequence[SourceFile],
    uploads: Sequence[Upload],
    old: Sequence[Source],
    embedder: Embedder,
    progress: Callable[[int, int], None],
) -> tuple[list[Part], list[Source]]:
    """The files of the next generation in the order of courses and names, and the old ones that it drops.

    `files` are those that were asked for; the `uploads` of the store stand beside them, whatever their course. Files
    that are as the last build saw them are not read again. Raises StoreError when no file could be read, and where the
    course to leave out cannot be.
    """
    if request.without:
        _check_removable(request.without, old, uploads)
    reader = reader_version(embedder)
    seen = {} if request.force else {_identity(source): number for number, source in enumerate(old)}
    total = len(files) + len(uploads)
    with DocumentReader() as child:

        def part_of(file: SourceFile, source: Source, course: str) -> Part:
            old_id = seen.get(_identity(source))
            if file.problem:
                return Part(source=replace(source, reason=file.problem), status="skipped")
            if old_id is None:
                return _read(child, file, source, course, embedder)
            status: Literal["skipped", "unchanged"] = "skipped" if old[old_id].reason else "unchanged"
            return Part(source=old[old_id], status=status, old_id=old_id)

        parts: list[Part] = []
        for number, file in enumerate(files):
            progress(number, total)
            parts.append(part_of(file, _source(file, request, reader), request.course))
        parts = _name_courses(parts, request.course)
        if files and all(part.source.reason for part in parts):
            raise _nothing([(part.source.source, part.source.reason) for part in parts])
        parts += _carried(old, request, parts)
        taken = {(part.source.course, part.source.source) for part in parts}
        for number, upload in enumerate(uploads, start=len(files)):
            progress(number, total)
            source = _uploaded_source(upload, taken, reader)
            parts.append(part_of(replace(upload.file, source=source.source), source, upload.course))
    progress(total, total)
    if all(part.source.reason for part in parts):
        raise _nothing([(part.source.source, part.source.reason) for part in parts])
    present = {(part.source.course, part.source.source) for part in parts}
    gone = [one for one in old if not one.reason and (one.course, one.source) not in present]
    return sorted(parts, key=lambda part: (part.source.course, part.source.source)), gone


def _carried(old: Sequence[Source], request: Request, parts: Sequence[Part]) -> list[Part]:
    """What stays of the last generation: the courses that `parts` do not make up. Uploads are read by each build."""
    return [
        Part(source=source, status="carried", old_id=number)
        for number, source in enumerate(old)
        if source.root != UPLOADED and source.course != request.without and not _is_replaced(source, request, parts)
    ]


def _check_removable(course: str, old: Sequence[Source], uploads: Sequence[Upload]) -> None:
    courses = sorted({source.course for source in old if not source.reason})
    if course not in courses:
        raise StoreError(f"no course {quoted(course)} in the store; there are: {', '.join(courses)}")
    if any(upload.course == course for upload in uploads):
        raise StoreError(f"files were uploaded to {quoted(course)}; remove these on the page first, in Lectures")
    if courses == [course]:
        raise StoreError(f"{quoted(course)} is all that the store holds; delete its folder, or build it from others")


def _uploaded_source(upload: Upload, taken: Collection[tuple[str, str]], reader: str) -> Source:
    """The source of an upload, under a name that no other file of its course has."""
    name = upload.file.source
    while (upload.course, name) in taken:
        name = f"{UPLOADED}/{name}"
    sha256 = upload.file.sha256
    return Source(course=upload.course, source=name, root=UPLOADED, assigned=True, sha256=sha256, reader=reader)


def reader_version(embedder: Embedder) -> str:
    """Fingerprint of all that decides the passages of a file: the code of `corpus`, and how it is told to split."""
    digest = hashlib.sha256()
    package = Path(corpus.__path__[0])
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode("utf-8") + path.read_bytes())
    digest.update(f"{embedder.fingerprint().get('tokenizer_sha256')} {embedder.max_tokens} {PASSAGE_TARGET}".encode())
    return digest.hexdigest()[:16]


def load_drafts(generation: Generation) -> dict[int, list[Draft]]:
    """The passages of a generation by source_id."""
    database = Database(generation.directory / DATABASE)
    drafts: dict[int, list[Draft]] = {}
    for row in database.rows():
        drafts.setdefault(row.source_id, []).append(Draft(passage=row.passage, sentences=row.sentences, key=row.key))
    database.close()
    return drafts


def _identity(source: Source) -> tuple[str, ...]:
    """Equal for two files that give the same passages."""
    return source.source, source.root, source.course if source.assigned else "", source.sha256, source.reader


def _source(file: SourceFile, request: Request, reader: str) -> Source:
    # A link is filed under the folder it lies in, wherever it leads; a problem in the list is told under that folder.
    path = file.path.parent.resolve() / file.path.name
    root = next(root for root in request.roots if path.is_relative_to(root) or os.path.realpath(file.path) == str(root))
    folder = root if root.is_dir() else root.parent
    return Source(
        course=request.course or folder.name,
        source=file.source,
        root=str(root),
        assigned=bool(request.course),
        sha256=file.sha256,
        reader=reader,
    )


def _read(child: DocumentReader, file: SourceFile, source: Source, course: str, embedder: Embedder) -> Part:
    result = child.read(file, course=source.course)
    source = replace(source, sha256=result.sha256 or source.sha256)
    if result.document is None:
        return Part(source=replace(source, reason=result.reason), status="skipped")
    document = replace(result.document, course=course) if course else result.document
    remarks = list(result.warnings)
    try:
        passages = split(
            document,
            count_tokens=embedder.count_tokens,
            limit=embedder.max_tokens,
            target=PASSAGE_TARGET,
            report=lambda remark: remarks.append(remark.removeprefix(f"{file.source}: ")),
        )
    except SplitError as error:
        return Part(source=replace(source, reason=str(error)), status="skipped")
    if not passages:
        return Part(source=replace(source, reason="holds no text"), status="skipped")
    source = replace(source, course=document.course, title=document.title, warnings=tuple(few(remarks)))
    drafts = tuple(Draft(passage=passage, sentences=_sentences(passage.text)) for passage in passages)
    return Part(source=source, status="read", drafts=drafts)


def _sentences(text: str) -> tuple[Span, ...]:
    return tuple(sentence_spans(text)) or ((0, len(text)),)


def _name_courses(parts: list[Part], course: str) -> list[Part]:
    """Files that were skipped go to the course of those beside them, where these agree on one."""
    courses = {part.source.course for part in parts if not part.source.reason}
    if course or len(courses) != 1:
        return parts
    only = courses.pop()
    return [replace(part, source=replace(part.source, course=only)) for part in parts]


def _is_replaced(source: Source, request: Request, parts: Sequence[Part]) -> bool:
    """Whether a source of the last generation goes: its whole course is built anew, or the folder it came from is."""
    built = {part.source.course for part in parts}
    same_root = source.root in {str(root) for root in request.roots}
    return source.course in built or (not request.course and not source.assigned and same_root)


def _nothing(problems: Sequence[tuple[str, str]]) -> StoreError:
    name, reason = problems[0] if problems else ("the source", "is empty")
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return StoreError(f"nothing to index: {shown(name)} {reason}{more}; name a folder with lecture files")
