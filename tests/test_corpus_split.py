from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from split_samples import LIMIT, check_invariants, count_words, document, passages

from corpus.document import Block, Document
from corpus.readers.builder import LONGEST_TITLE
from corpus.split import Costs, embedding_text, split


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


def test_code_stays_with_the_words_that_lead_to_it_and_with_what_it_prints() -> None:
    generator = random.Random(3)
    parts, wholes = [], []
    for number in range(60):
        lead = f"Program {number} " + "counts words and " * generator.randint(1, 4) + "prints them."
        code = f"```python\nrun({number})\n" + "a = b\n" * generator.randint(1, 4) + "```"
        whole = f"{lead}\n\n{code}\n\n```text\n{number}\n```"
        wholes.append(whole)
        parts += [*("More words about it. " * generator.randint(1, 6) for _ in range(generator.randint(1, 3))), whole]
    found = [passage.text for passage in passages("\n\n".join(parts))]
    assert all(any(whole in text for text in found) for whole in wholes)


def test_a_cell_of_code_stays_with_the_cell_that_leads_to_it() -> None:
    texts = [
        "Words of a cell. " * 7,
        "Sum the numbers with a loop.",
        "total = 0\nfor x in xs:\n    total += x",
        "Words. " * 20,
    ]
    kinds = ("paragraph", "paragraph", "code", "paragraph")
    blocks, start = [], 0
    for cell, (kind, text) in enumerate(zip(kinds, texts, strict=True), 1):
        blocks.append(Block(kind=kind, start=start, end=start + len(text.rstrip()), cell=cell))
        start += len(text) + 2
    read = Document(source="a.ipynb", title="", text="\n\n".join(texts), blocks=tuple(blocks))
    found = split(read, count_tokens=count_words, limit=LIMIT)
    assert any(f"{texts[1]}\n\n{texts[2]}" in passage.text for passage in found)


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
