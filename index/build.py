"""Builds a store from lecture files, or brings one up to date: `python -m index.build`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Collection, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from corpus.document import Passage
from corpus.split import embedding_text
from index.database import Database, Row, Source, write_database
from index.disk import reserve
from index.embedder import Embedder, load_embedder, same_vectors
from index.embedding import VectorMaker, content_key
from index.errors import StoreError, UnreadError
from index.generation import (
    GENERATIONS,
    FailPoint,
    Generation,
    current_generation,
    has_generation,
    new_directory,
    next_name,
    no_fail,
    publish,
    salvaged,
    writing,
)
from index.manifest import DATABASE, SENTENCES, VECTORS, Manifest, describe_files
from index.originals import original_file
from index.paths import default_store, shipped_lectures
from index.progress import Stages, silent, stages_on_stderr
from index.report import BuildReport, FileReport
from index.sources import Part, Request, find, gather, load_drafts
from index.uploads import find_uploads


def build(
    sources: Sequence[Path | str],
    store: Path | str,
    *,
    course: str = "",
    without: str = "",
    force: bool = False,
    new: Collection[Path] = (),
    embedder: Embedder | None = None,
    progress: Stages = silent,
    fail_point: FailPoint = no_fail,
) -> BuildReport:
    """Makes the store hold the lecture files under `sources` (files or folders), and publishes it in one step.

    The sources become the whole of their course: `course`, else what a file's front matter names, else the name of
    the folder. Other courses stay, but for the one named by `without`, and so do the files that were uploaded to this
    store (`index.uploads`), which are read along; without any `sources` these alone are brought up to date. Files that
    have not changed are not read again, text that has not changed is not embedded again, and when nothing changed
    nothing is published; `force` does all of it afresh. `embedder` is by default the one the store was built with.
    Raises StoreError, and leaves the store as it was, when there is nothing to index, the course `without` is not
    there or all there is, another build is at work, or the store is damaged (unless `force`), UnreadError when one of
    the uploads `new` cannot be read, and OSError when the disk is full.
    """
    started = time.perf_counter()
    store = Path(store).expanduser()
    request = Request(
        roots=tuple(Path(source).expanduser().resolve() for source in sources),
        course=" ".join(course.split()),
        without=" ".join(without.split()),
        force=force,
    )
    files = find(request.roots, store) if request.roots else []
    with writing(store):
        old, uploads = _last_generation(store, force, bool(files)), find_uploads(store)
        if not (files or old) and (has_generation(store) or not uploads):
            raise StoreError(f"nothing is left of {store} to build it from; name its lectures and --force")
        embedder = embedder or load_embedder(old.manifest.embedder["name"] if old else "")
        old_sources = _sources_of(old)
        parts, gone = gather(request, files, uploads, old_sources, embedder, partial(progress, "reading"))
        if unread := _unread(store, parts, new):
            raise UnreadError(unread)
        same = old is not None and same_vectors(old.manifest.embedder, embedder.fingerprint())
        if old and same and not force and [part.source for part in parts] == old_sources:
            return _report(store, old, parts, gone, started)
        work = new_directory(store)
        loading = partial(progress, "loading the embedder", 0, 0)
        maker = VectorMaker(embedder, old if same and not force else None, loading)
        rows, embedded = _write_data(work, parts, old, maker, progress)
        fail_point("written")
        manifest = _manifest(next_name(store), work, parts, rows, maker)
        sha256 = manifest.write(work)
        fail_point("manifest")
        generation = publish(store, work, manifest, sha256, fail_point)
    return _report(store, generation, parts, gone, started, embedded)


def build_shipped(store: Path) -> None:
    """Builds the shipped lectures into `store`, with progress on standard error, unless it holds something already."""
    if has_generation(store):
        return
    print("building the index of the shipped lectures (once)", file=sys.stderr, flush=True)
    with stages_on_stderr() as progress:
        build([shipped_lectures()], store, progress=progress)


def _last_generation(store: Path, force: bool, named: bool) -> Generation | None:
    """The one to build on. Where it is damaged, `force` takes what can be saved; an older one only to keep the other
    courses beside lectures that were `named`."""
    if not has_generation(store):
        return None
    try:
        return current_generation(store)
    except StoreError:
        if force:
            return salvaged(store, older=named)
        raise


def _sources_of(generation: Generation | None) -> list[Source]:
    if generation is None:
        return []
    with closing(Database(generation.directory / DATABASE)) as database:
        return database.sources()


def _unread(store: Path, parts: Sequence[Part], new: Collection[Path]) -> dict[Path, str]:
    """Why those of the uploads `new` that cannot be read cannot, by path."""
    skipped = [part.source for part in parts if part.source.reason] if new else []
    found = [(original_file(store, source), source.reason) for source in skipped]
    return {path: reason for path, reason in found if path is not None and path in new}


def _write_data(
    work: Path, parts: Sequence[Part], old: Generation | None, maker: VectorMaker, progress: Stages
) -> tuple[list[Row], tuple[int, int]]:
    """Writes vectors, sentences and database into `work`; returns the rows and how many of each were embedded."""
    from index.vectors import build_index, write_index

    embedder = maker.embedder
    rows = _rows(parts, old, maker)
    passages = np.zeros((len(rows), embedder.dimension), dtype=np.float32)
    new_passages = maker.passages(
        passages,
        [row.key for row in rows],
        lambda position: _embedded_text(rows[position].passage, embedder),
        partial(progress, "embedding passages"),
    )
    write_index(build_index(passages), work / VECTORS)

    lines = [row.passage.text[start:end] for row in rows for start, end in row.sentences]
    shape = (len(lines), embedder.dimension)
    sentences = np.lib.format.open_memmap(work / SENTENCES, mode="w+", dtype=np.float16, shape=shape)
    reserve(work / SENTENCES)
    new_sentences = maker.sentences(
        sentences,
        [content_key(maker.identity, line) for line in lines],
        lines.__getitem__,
        partial(progress, "embedding sentences"),
    )
    sentences.flush()
    write_database(work / DATABASE, [part.source for part in parts], rows)
    return rows, (new_passages, new_sentences)


def _rows(parts: Sequence[Part], old: Generation | None, maker: VectorMaker) -> list[Row]:
    """The passages of all parts in order, those of unread files taken from the last generation."""
    embedder = maker.embedder
    kept = load_drafts(old) if old else {}
    rows: list[Row] = []
    first_sentence = 0
    for source_id, part in enumerate(parts):
        for draft in part.drafts if part.old_id is None else kept.get(part.old_id, ()):
            key = draft.key
            if not maker.knows(key):
                key = content_key(maker.identity, _embedded_text(draft.passage, embedder))
            rows.append(
                Row(
                    row=len(rows),
                    source_id=source_id,
                    passage=draft.passage,
                    key=key,
                    sentences=draft.sentences,
                    first_sentence=first_sentence,
                )
            )
            first_sentence += len(draft.sentences)
    return rows


def _embedded_text(passage: Passage, embedder: Embedder) -> str:
    return embedding_text(passage, embedder.count_tokens, embedder.max_tokens)


def _manifest(name: str, work: Path, parts: Sequence[Part], rows: Sequence[Row], maker: VectorMaker) -> Manifest:
    present = [part.source for part in parts if not part.source.reason]
    return Manifest(
        generation=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        embedder=maker.embedder.fingerprint(),
        dimension=maker.embedder.dimension,
        counts={
            "sources": len(present),
            "passages": len(rows),
            "sentences": sum(len(row.sentences) for row in rows),
        },
        courses=tuple(sorted({source.course for source in present})),
        files=describe_files(work),
        probes=maker.probes(),
    )


def _report(
    store: Path,
    generation: Generation,
    parts: Sequence[Part],
    gone: Sequence[Source],
    started: float,
    embedded: tuple[int, int] | None = None,
) -> BuildReport:
    """`embedded` counts passages and sentences; None says that nothing was published."""
    with closing(Database(generation.directory / DATABASE)) as database:
        counts = database.passage_counts()
    files = [
        FileReport(
            course=part.source.course,
            source=part.source.source,
            status=part.status,
            passages=counts.get(number, 0),
            reason=part.source.reason,
            warnings=part.source.warnings,
        )
        for number, part in enumerate(parts)
        if part.status != "carried"
    ]
    files += [FileReport(course=source.course, source=source.source, status="removed") for source in gone]
    manifest = generation.manifest
    return BuildReport(
        store=store,
        generation=manifest.generation,
        changed=embedded is not None,
        courses=manifest.courses,
        files=tuple(files),
        passages=manifest.counts["passages"],
        sentences=manifest.counts["sentences"],
        embedded=embedded[0] if embedded else 0,
        embedded_sentences=embedded[1] if embedded else 0,
        seconds=time.perf_counter() - started,
    )


def _default_sources(store: Path) -> list[Path]:
    """What is read where no SOURCE is named: the shipped lectures, unless the store holds others alone; these stay."""
    shipped, roots = shipped_lectures(), _known_roots(store)
    return [shipped] if not roots or any(Path(root).parts[-2:] == shipped.parts[-2:] for root in roots) else []


def _known_roots(store: Path) -> set[str]:
    """The folders and files that a store was built from, even if it is damaged, as far as that can be read."""
    for directory in sorted((store / GENERATIONS).glob("[0-9]*"), reverse=True):
        with suppress(StoreError, ValueError), closing(Database(directory / DATABASE)) as database:
            return {source.root for source in database.sources()}
    return set()


def main(argv: Sequence[str] | None = None) -> int:
    """The command `python -m index.build`: exit status 0, or 1 with one line on standard error."""
    parser = argparse.ArgumentParser(prog="python -m index.build", description=__doc__)
    parser.add_argument(
        "source",
        nargs="*",
        type=Path,
        help="lecture files or folders, the whole of a course (default: the shipped notes, or what the store holds "
        "where that is something else)",
    )
    parser.add_argument("--store", type=Path, default=default_store(), help="the store's folder (default: %(default)s)")
    parser.add_argument("--course", default="", help="course the sources make up (default: front matter, else folder)")
    parser.add_argument(
        "--remove", default="", metavar="COURSE", help="take this course out of the store; all others stay as they are"
    )
    parser.add_argument(
        "--embedder",
        default="",
        metavar="NAME_OR_DIR",
        help="sentence-transformers model (default: the store's, else all-MiniLM-L6-v2)",
    )
    parser.add_argument("--force", action="store_true", help="read and embed everything again")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    options = parser.parse_args(argv)
    if options.remove and (options.source or options.course):
        parser.error("--remove goes without a SOURCE and without --course")
    sources = options.source or ([] if options.remove else _default_sources(options.store.expanduser()))
    try:
        embedder = load_embedder(options.embedder) if options.embedder else None
        with stages_on_stderr() as progress:
            report = build(
                sources,
                options.store,
                course=options.course,
                without=options.remove,
                force=options.force,
                embedder=embedder,
                progress=progress,
            )
    except StoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"stopped; {options.store} is as it was", file=sys.stderr)
        return 130
    except OSError as error:
        print(
            f"error: cannot write {options.store} ({error.strerror or error}); free space or name another --store",
            file=sys.stderr,
        )
        return 1
    print(json.dumps(report.to_json(), ensure_ascii=False) if options.json else "\n".join(report.lines()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
