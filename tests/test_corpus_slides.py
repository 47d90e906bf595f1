"""Slides written in Markdown."""

from __future__ import annotations

import pytest

from corpus.document import Document
from corpus.readers import html
from corpus.readers.markdown import read

REMARK = """\
class: center, middle
name: mills

# Mills

.footnote[Seen in .red[Kiel].]

---
## Sails

- four of them
--

- eleven metres, `sail[0]` the first

???
Mind the wind.

---
layout: true
class: left

## Grain

.left-column[
$$a.b[1] = \\sum_i x_i$$
]
<img src="rye.svg" style="width: 10px"/><br/>

```python
# ---
.x[0]
```
"""


def _slides(document: Document) -> dict[int | None, list[str]]:
    found: dict[int | None, list[str]] = {}
    for block in document.blocks:
        found.setdefault(block.slide, []).append(document.text[block.start : block.end])
    return found


def test_what_styles_slides_for_remark_is_left_out() -> None:
    document = read(REMARK.encode(), source="mills.md")
    assert document.title == "Mills"
    assert _slides(document) == {
        1: ["# Mills", "Seen in Kiel."],
        2: ["## Sails", "- four of them\n\n- eleven metres, `sail[0]` the first", "Mind the wind."],
        3: ["## Grain", "$$a.b[1] = \\sum_i x_i$$", "```python\n# ---\n.x[0]\n```"],
    }


def test_a_page_that_holds_slides_is_read_as_slides() -> None:
    inside = REMARK.replace("&", "&amp;").replace("<", "&lt;")
    page = f"<html><title>x</title><body><textarea id='source'>{inside}</textarea></body></html>"
    assert html.read(page.encode(), source="mills.html").text == read(REMARK.encode(), source="mills.md").text
    plain = "<html><body><h1>Mills</h1><textarea id=source>type here</textarea></body></html>"
    assert html.read(plain.encode(), source="mills.html").title == "Mills"


def test_front_matter_declares_slides() -> None:
    text = (
        "---\nmarp: true\ntitle: Rye\n---\n\n# One\n\n<!-- _class: lead -->\n![bg right](mill.png)\n\n---\n\nTwo: so\n"
    )
    document = read(text.encode(), source="a.md")
    assert (document.title, _slides(document)) == ("Rye", {1: ["# One"], 2: ["Two: so"]})
    assert _slides(read(text.replace("marp: true\n", "").encode(), source="a.md")).keys() == {None}


def test_properties_of_a_slide_are_no_slide() -> None:
    text = "---\ntransition: fade\n---\n# One\n\n---\nlayout: two-cols\nclass: wide\n---\n\n# Two\n"
    assert _slides(read(text.encode(), source="a.md")) == {1: ["# One"], 2: ["# Two"]}


@pytest.mark.parametrize(("parts", "deck"), [(9, True), (5, False)])
def test_many_short_parts_under_headings_are_slides(parts: int, deck: bool) -> None:
    text = "\n\n---\n\n".join(f"## Mill {number}\n\n- turns" for number in range(parts))
    assert (_slides(read(text.encode(), source="a.md")).keys() == set(range(1, parts + 1))) is deck


@pytest.mark.parametrize(
    "text",
    [
        "# Mills\n\nThey turn.\n\n---\n\nNotes: .1 [2]\n\n---\n\nEnd.",
        "\n\n---\n\n".join(["## Mill\n\n" + "It turns in the wind. " * 60] * 9),
        "Head\n---\n\nname: x\n\n| a |\n|---|\n| b |",
    ],
)
def test_notes_with_rules_are_no_slides(text: str) -> None:
    document = read(text.encode(), source="a.md")
    assert document.text == text
    assert all(block.slide is None for block in document.blocks)


@pytest.mark.parametrize("unit", [".a[ ", "[", "]", "<!-- ", "<style ", "<div "])
def test_marks_that_never_end_stay(unit: str) -> None:
    text = "class: a\n# One\n--\n--\n\n---\n" + unit * 200
    assert read(text.encode(), source="a.md").text == "# One\n\n" + (unit * 200).strip()
