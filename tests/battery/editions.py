"""Lecture notes in editions: what a store holds and answers shows which edition it was built from, and whether all of
it was."""

from __future__ import annotations

import re
from pathlib import Path

from index.store import Store

PARTS = 5
COURSE = "editions"
_WORDS = "walnut heron glacier violin copper saffron harbour lantern meadow quartz thistle anchor".split()
_SAID = re.compile(r"The (\w+) of part (\d+) is told in edition (\d+)\.")


class Editions:
    """A folder of notes, `folder/editions`. An edition changes one file of PARTS, so that a build of it has some to
    read and some to take over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / COURSE
        self.folder.mkdir(parents=True)

    def write(self, edition: int) -> None:
        """The notes as they are in this edition, 0 being the first."""
        for part in range(PARTS):
            lines = [f"## The {word}\n\n{_line(word, part, _told(part, edition))}" for word in _WORDS]
            text = f"# Part {part}\n\n" + "\n\n".join(lines) + "\n"
            path = self.folder / f"part-{part}.md"
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")


def edition_of(store: Store) -> int:
    """The edition that an open store holds and answers from; AssertionError where it is not exactly one, whole."""
    held = [passage for passage in store.passages() if passage.course == COURSE]
    said = sorted(found for passage in held for found in _SAID.findall(passage.text))
    edition = max(int(number) for _, _, number in said)
    expected = sorted((word, str(part), str(_told(part, edition))) for part in range(PARTS) for word in _WORDS)
    assert said == expected, f"expected all of edition {edition}, got {len(said)} lines of {len(expected)} or others"
    part = edition % PARTS
    word = _WORDS[edition % len(_WORDS)]
    hits = store.search(f"What is told of the {word} of part {part}?", k=50, course=COURSE)
    assert hits[0].passage.text.count(_line(word, part, edition)) == 1, f"expected the {word} of part {part} first"
    known = {passage.passage_id: passage for passage in held}
    assert all(known.get(hit.passage.passage_id) == hit.passage for hit in hits), "expected passages of one edition"
    return edition


def _told(part: int, edition: int) -> int:
    """The edition in which a part was last changed."""
    return max(0, edition - (edition - part) % PARTS)


def _line(word: str, part: int, edition: int) -> str:
    return f"The {word} of part {part} is told in edition {edition}."
