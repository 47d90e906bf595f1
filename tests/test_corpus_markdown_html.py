"""HTML in Markdown: what a page shows of it is read, its marks are not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.readers import markdown, notebook
from corpus.readers.markdown_html import without_tags

NOTES = """<!-- TOC -->
<p align="center">
  <img src="cell.png" width="300" alt="The cell">
</p>

# Gates of the marsh

The sluice gate lets water out<br>when the tide falls. <!-- check this -->

<details>
<summary>How high is the dam?</summary>

The dam is <b>four</b> metres high.

</details>

<table>
<tr><th>Gate</th><th>Width</th></tr>
<tr><td>North</td><td>3 m</td></tr>
</table>

```html
<!-- kept --><div>sluice</div>
```

<style>
.note { color: red }
</style>
"""


def test_notes_are_read_as_a_page_shows_them() -> None:
    document = markdown.read(NOTES.encode(), source="marsh.md")
    assert [(block.kind, document.text[block.start : block.end]) for block in document.blocks] == [
        ("heading", "# Gates of the marsh"),
        ("paragraph", "The sluice gate lets water out\nwhen the tide falls."),
        ("paragraph", "How high is the dam?"),
        ("paragraph", "The dam is four metres high."),
        ("table", "| Gate | Width |\n| --- | --- |\n| North | 3 m |"),
        ("code", "```html\n<!-- kept --><div>sluice</div>\n```"),
    ]
    assert document.title == "Gates of the marsh"


def test_cells_of_notebooks_and_slides_are_read_so_too() -> None:
    cells = [{"cell_type": "markdown", "metadata": {}, "source": "<h2>Gates</h2>\n<font color=red>Note:</font> open"}]
    written = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    assert notebook.read(written.encode(), source="a.ipynb").text == "## Gates\n\nNote: open"
    deck = "---\nmarp: true\n---\n\n# One\n\n---\n\n# Two\n\n<ul><li>a</li><li>b</li></ul>\n\n---\n\n# Three\n"
    text = markdown.read(deck.encode(), source="a.md").text
    assert "# Two\n\n- a\n- b" in text


def test_components_of_mdx_are_left_out() -> None:
    written = (
        "import Video from './video'\n\n<Banner chapter={1}\n  links={[{label: 'a'}]} />\n\n# Gates[[gates]]\n\n"
        "<Tip>\n\nA gate opens. {/* why? */}\n\n</Tip>\n\n```jsx\nimport a from 'b'\n<Tip>\n```\n"
    )
    read = "# Gates\n\nA gate opens. \n\n```jsx\nimport a from 'b'\n<Tip>\n```"
    assert markdown.read(written.encode(), source="a.mdx").text == read
    assert "<Tip>" in markdown.read(written.encode(), source="a.md").text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<s> I am </s> <unk> <T> <i> alone", "<s> I am </s> <unk> <T> <i> alone"),
        ("an </span>end, <font color=red>open, <a name='x'/>here <a>", "an end, open, here <a>"),
        ("<b>bold <i>and slanted</i></b>", "bold and slanted"),
        ("| a<br>b | c |\n| --- | --- |\n| <ul><li>1</li></ul> | 2 |", "| a b | c |\n| --- | --- |\n| - 1 | 2 |"),
        ("- one<br/>\n- two", "- one\n- two"),
        ("10<sup>-3</sup>, the 1<sup>st</sup> x<sub>t-1</sub>", "10^-3, the 1st x_(t-1)"),
        ("as shown<sup><a href='#f'>[1]</a></sup>", "as shown"),
        ("<pre><code class='language-python'>if x < 2:\n  y</code></pre>", "```python\nif x < 2:\n  y\n```"),
        ("$$a<b>c$$ and <b>x</b>", "$$a<b>c$$ and x"),
        ("use <code>fit()</code>", "use `fit()`"),
        ("&lt;eos&gt; ends&nbsp;it &amp; `&lt;` stays", "<eos> ends it & `&lt;` stays"),
        ("the `<br>` tag", "the `<br>` tag"),
        ('<a href="https://x.example">the paper</a>, <https://y.example>', "the paper, <https://y.example>"),
        ("before <!-- ```\ncode\n``` --> after", "before  after"),
        ("never closed: <!-- so, <ul> so", "never closed: <!-- so,  so"),
        ("a < b and c > d", "a < b and c > d"),
        ("<STYLE>p {}</STYLE><DIV>Text</DIV>", "Text"),
        ('<img alt="a > b" src="x.png">Text', "Text"),
        ('so <img src="https://latex.codecogs.com/gif.latex?x&space;&plus;&space;1" title="x"> is', "so $x + 1$ is"),
        ("![f](https://latex.codecogs.com/svg.latex?\\inline&space;x_2) ![pic](a.png)", "$x_2$ ![pic](a.png)"),
        ('<img src="https://render.githubusercontent.com/render/math?math=x%20%3D%201">', "$x = 1$"),
        ("## Graph search{:.highlight} {#sec-a .b}\n{: .no_toc }", "## Graph search"),
        ("![pic](a.png){width=50%} {% include x.html %}so", "![pic](a.png) so"),
        ("$f(x){n=1}$ and f(x){n=1}", "$f(x){n=1}$ and f(x){n=1}"),
        ("![](https://x.example/a.png?chl=de)", "![](https://x.example/a.png?chl=de)"),
        ("![](https://chart.googleapis.com/chart?cht=tx&chl=x%5E2)", "$x^2$"),
        ("::: {.callout-note}\nOne.\n:::\n\n:::tip\nTwo.\n:::", "One.\n\nTwo."),
        ("the set {x=1}\nprint('{:.2f}') {:.2f}", "the set {x=1}\nprint('{:.2f}') {:.2f}"),
    ],
)
def test_what_a_page_shows(written: str, read: str) -> None:
    assert without_tags(written) == read


@given(st.text(alphabet="ab <>/!-`$|&;\n\"'=#*_pulitrdhscoe1", max_size=120))
def test_any_text_is_read_and_what_has_no_html_stays(text: str) -> None:
    read = without_tags(text)
    assert "<br>" not in read or "`" in text or "$$" in text
    if "<" not in text and "&" not in text:
        assert read == text


@pytest.mark.parametrize(
    "piece", ["<p>", "<ul>", "<b>", "</b>", "<!--", "<pre>", '<img "', "<a href='", "`", "<svg", "![x]("]
)
def test_a_line_of_opening_marks_is_read(piece: str) -> None:
    assert len(without_tags(piece * 5_000)) <= len(piece) * 5_000
