from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from split_samples import LIMIT, check_invariants, count_characters, count_words, document

from corpus.document import Block, BlockKind, Document
from corpus.split import split
from corpus.units import MOST_UNITS, SplitError

PIECES = st.one_of(
    st.sampled_from(
        [
            "# Big heading",
            "## Gates I",
            "## Gates II",
            "#### Small",
            "- item one\n- item two\n  - nested",
            "$$a = b + c$$",
            "$$\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}$$",
            "```\nx = 1\n\ny = 2\n```",
            "```\nunclosed",
            "$$ unclosed",
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "a\tb\nc\td",
            "\f",
            " ",
            "\n\n\n",
            "A sentence. Another one! A third?",
            "The state is:",
        ]
    ),
    st.text(alphabet="ab .$\n#|-\t\u2003é中\\", max_size=60),
    st.integers(1, 90).map(lambda number: "word " * number),
    st.integers(1, 90).map(lambda number: "$$" + "x + " * number + "y$$"),
    st.integers(1, 60).map(lambda number: "```\n" + "a = b\n" * number + "```"),
    st.integers(1, 40).map(lambda number: "| " + "cell " * number + "|"),
    st.integers(300, 3000).map(lambda number: "z" * number),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=25), st.sampled_from(["\n\n", "\n", "\n\n\n\n"]), st.sampled_from(["a.txt", "a.md"]))
def test_passages_cover_ascend_fit_and_differ(pieces: list[str], between: str, source: str) -> None:
    read = document(between.join(pieces), source)
    check_invariants(read, split(read, count_tokens=count_words, limit=LIMIT, target=48), LIMIT)


@settings(max_examples=50, deadline=None)
@given(st.lists(PIECES, max_size=15), st.integers(4, 40))
def test_the_limit_holds_for_any_counter_and_any_limit(pieces: list[str], limit: int) -> None:
    read = document("\n\n".join(pieces))
    found = split(read, count_tokens=count_characters, limit=limit)
    check_invariants(read, found, limit, count_characters)


@settings(max_examples=50, deadline=None)
@given(
    st.text(max_size=200),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=4),
    st.sampled_from(["paragraph", "code", "heading", "table"]),
)
def test_blocks_that_leave_gaps_lose_nothing(text: str, spans: list[tuple[int, int]], kind: BlockKind) -> None:
    blocks, position = [], 0
    for start, length in sorted(spans):
        start, end = max(position, start), min(len(text), max(position, start) + length)
        if start < end:
            blocks.append(Block(kind=kind, start=start, end=end))
            position = end
    read = Document(source="a", title="", text=text, blocks=tuple(blocks))
    check_invariants(read, split(read, count_tokens=count_words, limit=LIMIT), LIMIT)


@pytest.mark.parametrize(
    "text",
    [
        ("# Slide\n\nSome words, and $x$ too. More words.\n\n- item\n\n$$a=b$$\n\n" * 1600),
        "\\begin{a}" * 12_000,
        "$$x " * 25_000,
        "$$\n" * 30_000,
        "word " * 20_000,
        "z" * 100_000,
        "# h\n" * 20_000,
        "- a\n" * 25_000,
        "```\n" + "x\n" * 50_000,
    ],
    ids=["slides", "begin", "dollars", "dollar lines", "words", "one word", "headings", "items", "code"],
)
def test_the_work_grows_with_the_text_whatever_it_is(text: str) -> None:
    """The counter, which is the costly part, reads every character a bounded number of times."""
    counted = 0

    def counting(part: str) -> int:
        nonlocal counted
        counted += len(part)
        return count_words(part)

    read = document(text)
    found = split(read, count_tokens=counting)
    assert counted < 30 * len(text)
    check_invariants(read, found, 256)


def test_splitting_stops_in_time() -> None:
    with pytest.raises(SplitError, match="takes more than 0 s") as caught:
        split(document("One sentence. Another one."), count_tokens=count_words, seconds=0)
    assert "\n" not in str(caught.value)


def test_splitting_stops_at_too_many_pieces() -> None:
    with pytest.raises(SplitError, match=f"more than {MOST_UNITS:,} sentences"):
        split(document("- a\n" * (MOST_UNITS + 1)), count_tokens=lambda text: 1 + len(text) // 4)
