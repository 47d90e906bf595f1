"""Searches a store from the command line: `python -m index.search "query"`."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import StoreError
from index.paths import default_store
from index.terminal import print_anything

if TYPE_CHECKING:
    from index.hits import Hit, SentenceScore


def main(argv: Sequence[str] | None = None) -> int:
    """The command `python -m index.search`: exit status 0, or 1 with one line on standard error."""
    parser = argparse.ArgumentParser(prog="python -m index.search", description=__doc__)
    parser.add_argument("query", help="what to look for, in words or as a question")
    parser.add_argument("--store", type=Path, default=default_store(), help="the store's folder (default: %(default)s)")
    parser.add_argument("-k", type=_positive, default=5, help="number of passages (default: %(default)s)")
    parser.add_argument("--course", help="search this course only")
    parser.add_argument("--document", action="append", help="search this source or title only (may be repeated)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    print_anything()

    from index.ranker import Ranker
    from index.scoring import clean_query
    from index.store import Store

    query = clean_query(options.query)
    try:
        with Store.open(options.store, ranker=Ranker.load()) as store:
            hits = store.search(query, k=options.k, course=options.course, documents=options.document)
            generation = store.generation
    except StoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.json:
        found = [hit_to_json(rank, hit) for rank, hit in enumerate(hits, start=1)]
        print(json.dumps({"query": query, "generation": generation, "hits": found}, ensure_ascii=False))
    else:
        print("\n\n".join("\n".join(_lines(rank, hit)) for rank, hit in enumerate(hits, start=1)) or "nothing found")
    return 0


def hit_to_json(rank: int, hit: Hit) -> dict[str, Any]:
    """A JSON-ready dictionary of a hit: rank, scores, the passage, its sentences with their scores."""
    return {
        "rank": rank,
        "score": round(hit.score, 6),
        "dense": round(hit.dense, 6),
        "lexical": round(hit.lexical, 6),
        **hit.passage.to_json(),
        "sentences": [[span.start, span.end, round(likeness(span), 4)] for span in hit.sentences],
    }


def likeness(span: SentenceScore) -> float:
    """How well a sentence meets the query: the ranker's probability that it answers, else the cosine."""
    return span.score if span.answers is None else span.answers


def _lines(rank: int, hit: Hit) -> Iterator[str]:
    yield f"{rank}. {hit.passage.locator.describe()}  (score {hit.score:.3f}, {hit.passage.course})"
    best = max(hit.sentences, key=likeness)
    for line in hit.passage.text[best.start : best.end].splitlines():
        yield textwrap.fill(line, 110, initial_indent="   > ", subsequent_indent="   > ")
    yield textwrap.shorten(hit.passage.text, 300, placeholder=" ...")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


if __name__ == "__main__":
    raise SystemExit(main())
