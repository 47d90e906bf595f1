"""Documents to split, and what holds of their passages whatever they are."""

from __future__ import annotations

import re
from collections.abc import Callable

from corpus.document import Document, Passage
from corpus.readers import markdown, plain
from corpus.split import embedding_text, split

LIMIT = 64


def count_words(text: str) -> int:
    """Stands in for a word-piece tokenizer: words and single marks, plus two special tokens."""
    return 2 + len(re.findall(r"\w+|[^\w\s]", text))


def count_characters(text: str) -> int:
    """A counter for which the parts of a text do not add up to the whole: white space counts too."""
    return 2 + (len(text) + 3) // 4


def document(text: str, source: str = "a.txt") -> Document:
    read = markdown.read if source.endswith(".md") else plain.read
    return read(text.encode("utf-8", "replace"), source=source)


def passages(text: str, limit: int = LIMIT, target: int = 48) -> list[Passage]:
    return split(document(text), count_tokens=count_words, limit=limit, target=target)


def check_invariants(
    read: Document, found: list[Passage], limit: int, count_tokens: Callable[[str], int] = count_words
) -> None:
    position = 0
    for passage in found:
        place = passage.locator
        assert passage.text == read.text[place.start : place.end]
        assert place.start >= position
        assert not read.text[position : place.start].strip()
        assert passage.text.strip()
        assert count_tokens(passage.text) <= limit
        assert count_tokens(embedding_text(passage, count_tokens, limit)) <= limit
        assert embedding_text(passage, count_tokens, limit).endswith(passage.text)
        position = place.end
    assert not read.text[position:].strip()
    assert len({passage.passage_id for passage in found}) == len(found)
