from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.document import Block, BlockKind, Document, Passage
from corpus.readers import markdown, plain
from corpus.readers.builder import LONGEST_TITLE
from corpus.split import Costs, embedding_text, split
from corpus.units import MOST_UNITS, SplitError

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


def test_equations_code_and_rows_are_never_cut_while_they_fit() -> None:
    generator = random.Random(7)
    wholes, parts = [], []
    for number in range(120):
        size = generator.randint(2, 25)
        whole = generator.choice(
            [
                f"$${number} = " + "x + " * (size // 2) + "y$$",
                f"```\nrun{number}()\n\n" + "a\n" * size + "```",
                f"| {number} | " + "cell " * size + "|",
                f"\\begin{{align}}\n{number} \\\\\n\n" + "a " * size + "\n\\end{align}",
            ]
        )
        wholes.append(whole)
        parts += [generator.choice(["# Head", "words " * generator.randint(1, 30), "- item"]), whole]
    found = passages("\n\n".join(parts))
    for whole in wholes:
        assert any(whole in passage.text for passage in found), whole


def test_an_equation_inside_a_paragraph_is_not_cut() -> None:
    equation = "$$" + "a. B + " * 12 + "c$$"
    found = passages("Words before it. " * 5 + f"where\n{equation}\nholds. " + "Words after it. " * 9)
    assert any(equation in passage.text for passage in found)


@pytest.mark.parametrize("before", range(380, 420, 5))
def test_an_equation_in_a_very_long_paragraph_is_not_cut(before: int) -> None:
    equation = "$$" + "a. B + " * 12 + "c$$"
    found = passages("long words, " * 200 + "a b " * (before - 250) + equation + " and so on" * 400)
    assert any(equation in passage.text for passage in found)


def test_code_without_a_fence_is_not_cut_even_for_its_heading() -> None:
    heading, code = "A heading of quite some words that has to stand by itself\n\n", "x = 1\n\ny = 2. Z\n" * 7
    blocks = (
        Block(kind="heading", start=0, end=len(heading) - 2, level=1, cell=1),
        Block(kind="code", start=len(heading), end=len(heading) + len(code), cell=1),
    )
    read = Document(source="a.ipynb", title="", text=heading + code, blocks=blocks)
    assert [passage.text for passage in split(read, count_tokens=count_words, limit=LIMIT)] == [
        heading[:-2],
        code.rstrip(),
    ]


def test_a_heading_travels_with_the_text_under_it() -> None:
    generator = random.Random(3)
    parts = []
    for number in range(80):
        parts.append(f"{'#' * generator.randint(1, 4)} Heading {number}")
        parts += ["Some more words here. " * generator.randint(0, 12) for _ in range(generator.randint(1, 3))]
    parts.append("Last words.")
    for passage in passages("\n\n".join(parts))[:-1]:
        assert not passage.text.rstrip().splitlines()[-1].startswith("#")


def test_small_slides_of_one_topic_stay_together_and_topics_apart() -> None:
    slide = "An input and the state before it make the new state, one step at a time."
    text = (
        f"# Hidden State I\n\n{slide}\n\n# Hidden State II\n\n{slide}\n\n# Attention\n\n" + "Scores weigh values. " * 10
    )
    first, second = passages(text)
    assert "# Hidden State I\n" in first.text
    assert "# Hidden State II\n" in first.text
    assert second.text.startswith("# Attention")
    assert first.locator.headings == ("Hidden State I",)
    assert second.locator.headings == ("Attention",)


def test_no_tiny_passage_could_have_joined_a_neighbour() -> None:
    generator = random.Random(11)
    slides = [f"## Slide {number}\n\n" + "word " * generator.randint(1, 90) for number in range(150)]
    read = document("# Deck\n\n" + "\n\n".join(slides))
    found = split(read, count_tokens=count_words)
    for before, after in pairwise(found):
        together = count_words(read.text[before.locator.start : after.locator.end])
        assert together > 256 or min(count_words(before.text), count_words(after.text)) - 2 >= 40


def test_a_tiny_section_joins_even_across_chapters_up_to_the_limit() -> None:
    text = f"# A\n\n## B\n\n{'word ' * 48}\n\n# C\n\n{'more ' * 7}".strip()
    assert count_words(text) == LIMIT
    assert [passage.text for passage in passages(text)] == [text]


def test_a_tiny_section_joins_its_sibling_rather_than_the_next_chapter() -> None:
    first, second = passages(f"# A\n\n## B\n\n{'one ' * 44}\n\n## C\n\nBrief.\n\n# D\n\n{'two ' * 44}")
    assert first.text.endswith("Brief.")
    assert second.text.startswith("# D")


def test_a_section_that_fits_is_one_passage() -> None:
    section = "## Gates\n\n" + "The forget gate decides. It looks at the state.\n\n" * 5
    found = passages("# Deck\n\n" + "Opening words. " * 12 + "\n\n" + section + "## Next\n\n" + "Other words. " * 15)
    assert section.strip() in [passage.text for passage in found]


def test_a_long_paragraph_is_cut_at_sentence_ends_and_a_long_sentence_at_words() -> None:
    found = passages("The gate opens for e.g. the input. " * 40)
    assert all(passage.text.endswith("input.") for passage in found)
    for passage in passages("word $a b c d e$ " * 100):
        assert passage.text.count("$") % 2 == 0
        assert not passage.text.startswith("ord")


def test_what_is_above_the_limit_is_cut_at_its_seams_and_reported() -> None:
    code = "```\n" + "value = f(x)\n" * 60 + "```"
    rows = "| " + "cell " * 150 + "|"
    equation = "$$" + " \\\\ ".join("x + y = z" for _ in range(60)) + "$$"
    read = document(f"Words.\n\n{code}\n\n{rows}\n\n{equation}")
    remarks: list[str] = []
    found = split(read, count_tokens=count_words, limit=LIMIT, report=remarks.append)
    check_invariants(read, found, LIMIT)
    assert [remark.split(" is above")[0] for remark in remarks] == [
        "a.txt: code on line 3",
        "a.txt: table on line 66",
        "a.txt: equation on line 68",
    ]
    lines = [line for passage in found if "value" in passage.text for line in passage.text.splitlines()]
    assert lines.count("value = f(x)") == 60
    pieces = [passage.text for passage in found if "x + y" in passage.text]
    assert all(piece.count("x + y = z") == piece.count("z") for piece in pieces)


def test_pages_are_named_first_and_last_with_the_printed_label() -> None:
    read = document("First page words, a few of them.\fSecond page words, some more.\f" + "Third page. " * 18)
    read = replace(read, page_labels={1: "i", 3: "1"})
    found = split(read, count_tokens=count_words, limit=LIMIT, target=48)
    assert (found[0].locator.page, found[0].locator.last, found[0].locator.page_label) == (1, 2, "i")
    assert (found[1].locator.page, found[1].locator.last, found[1].locator.page_label) == (3, 3, "1")
    assert "page 1-2 (printed i)" in found[0].locator.describe()


def test_slides_and_cells_are_named() -> None:
    text = "one words\n\ntwo words"
    blocks = (Block(kind="paragraph", start=0, end=9, slide=4), Block(kind="notes", start=11, end=20, slide=5))
    (passage,) = split(Document(source="a", title="", text=text, blocks=blocks), count_tokens=count_words)
    assert (passage.locator.slide, passage.locator.last, passage.locator.cell) == (4, 5, None)


def test_heading_paths_close_at_the_same_level() -> None:
    body = "Enough words to fill a passage of its own, more or less, as these do. " * 3
    text = f"# A\n\n{body}\n\n## B *x*\n\n{body}\n\n### C\n\n{body}\n\n## D\n\n{body}\n\n# E\n\n{body}"
    paths = [passage.locator.headings for passage in passages(text)]
    assert paths == [("A",), ("A", "B x"), ("A", "B x", "C"), ("A", "D"), ("E",)]


def test_ids_are_stable_and_tell_repeated_slides_apart() -> None:
    text = ("# Thanks\n\n" + "The same words on each slide. " * 6 + "\n\n") * 4
    first, again = passages(text), passages(text)
    assert [passage.passage_id for passage in first] == [passage.passage_id for passage in again]
    assert len({passage.text for passage in first}) == 1
    assert len({passage.passage_id for passage in first}) == 4


def test_context_is_added_only_as_far_as_it_fits() -> None:
    read = replace(
        document("# Gates\n\n## Forget gate\n\n" + "The gate opens and closes. " * 20), title="Course on memory"
    )
    first, second, *_ = split(read, count_tokens=count_words, limit=LIMIT, target=48)
    assert embedding_text(first, count_words, LIMIT) == f"Course on memory\n\n{first.text}"
    context = "Course on memory > Gates > Forget gate\n\n"
    assert embedding_text(second, count_words, LIMIT) == context + second.text
    size = count_words(second.text)
    assert embedding_text(second, count_words, size) == second.text
    assert embedding_text(second, count_words, size + 2) == f"Forget gate\n\n{second.text}"
    assert embedding_text(second, count_words, size + 4) == f"Gates > Forget gate\n\n{second.text}"


def test_an_empty_document_has_no_passages_and_a_limit_without_room_is_an_error() -> None:
    assert passages("") == passages(" \n\f\n") == []
    with pytest.raises(ValueError, match="limit is 2"):
        split(document("x"), count_tokens=count_words, limit=2)


def test_costs_can_be_changed() -> None:
    text = "# One\n\n" + "word " * 16 + "\n\n# Two\n\n" + "word " * 16
    together = split(document(text), count_tokens=count_words, limit=LIMIT)
    apart = split(document(text), count_tokens=count_words, limit=LIMIT, costs=Costs(tiny=0.0, join_section=5.0))
    assert (len(together), len(apart)) == (1, 2)


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


def test_passages_carry_the_beginning_of_a_long_heading_and_hold_all_of_it() -> None:
    text = f"# {'rye ' * 500}\n\nWords."
    passages = split(document(text), count_tokens=count_words, limit=LIMIT)
    assert {len(heading) for one in passages for heading in one.locator.headings} == {LONGEST_TITLE - 1}
    assert sum(one.text.count("rye") for one in passages) == 500


def test_a_table_that_fits_is_one_passage_with_its_caption() -> None:
    parts = [
        "This sentence has exactly eight words in it. " * 12,
        "Tuning systems",
        "| tuning | its fifth in cents |\n" * 6,
    ]
    text, blocks, kinds = "", [], ("paragraph", "paragraph", "table")
    for kind, part in zip(kinds, parts, strict=True):
        blocks.append(Block(kind=kind, start=len(text), end=len(text) + len(part.rstrip())))
        text += part.rstrip() + "\n\n"
    document = Document(source="a.md", title="A", text=text, blocks=tuple(blocks))
    passages = split(document, count_tokens=lambda part: len(part.split()) + 2, limit=180, target=120)
    assert any("\n\n".join(parts[1:]).rstrip() in passage.text for passage in passages)
