"""Readers of text formats."""

from __future__ import annotations

import json

import pytest
from read_samples import covered, outline

from corpus.readers import FORMATS, UnreadableError, html, markdown, notebook, plain, tex
from corpus.readers.builder import markdown_table, plain_heading, title_from_name
from corpus.readers.content import decode_text, sniff

TRANSCRIPT = """# Gates

 
\u25b6 forget
- input
  - nested

#### Equations

$$ a = 1

b $$
 label of it

\\begin{aligned}
x

y
\\end{aligned}

```
# no heading

- no list
```
Name\tScore
a\t1
Plain words
run on.
## Last
End.
"""


def test_plain_text_is_verbatim_and_its_structure_is_seen() -> None:
    document = plain.read(TRANSCRIPT.encode(), source="w.txt")
    assert document.text == TRANSCRIPT
    assert document.title == "Gates"
    assert outline(document) == [
        ("heading", 1, "# Gates"),
        ("list", 0, "\u25b6 forget\n- input\n  - nested"),
        ("heading", 4, "#### Equations"),
        ("equation", 0, "$$ a = 1\n\nb $$"),
        ("paragraph", 0, "label of it"),
        ("equation", 0, "\\begin{aligned}\nx\n\ny\n\\end{aligned}"),
        ("code", 0, "```\n# no heading\n\n- no list\n```"),
        ("table", 0, "Name\tScore\na\t1"),
        ("paragraph", 0, "Plain words\nrun on."),
        ("heading", 2, "## Last"),
        ("paragraph", 0, "End."),
    ]


@pytest.mark.parametrize("opening", ["```", "$$", "\\[", "\\begin{align}", "# ", "|", "---", "~~~~"])
def test_a_mark_that_is_never_closed_loses_nothing(opening: str) -> None:
    text = f"Before.\n\n{opening} odd\n\nAfter one.\n\n## Next\n\nAfter two.\n"
    for reader in (plain, markdown, tex):
        document = reader.read(text.encode(), source="a.x")
        assert covered(document)
    for reader in (plain, markdown):
        rows = outline(reader.read(text.encode(), source="a.x"))
        assert [kind for kind, _, body in rows if body == "## Next"] == ["heading"]
        assert rows[-1] == ("paragraph", 0, "After two.")


def test_form_feeds_are_pages() -> None:
    document = plain.read(b"One.\n\fTwo.\nmore\n\f\fFour.", source="a.txt")
    assert [(block.page, document.text[block.start : block.end]) for block in document.blocks] == [
        (1, "One."),
        (2, "Two.\nmore"),
        (4, "Four."),
    ]


def test_titles_are_found_where_no_heading_is_marked() -> None:
    parts = ["Hidden State", "$$h$$", "The forget gate", "- it forgets", "It ends with a stop.", "Attention Now?", "x"]
    document = plain.read("\n\n".join(parts).encode(), source="a.txt")
    assert [row[2] for row in outline(document) if row[0] == "heading"] == ["The forget gate", "Attention Now?"]
    one_word = plain.read(b"Plankton\n\nPlankton drifts.\n\nKrill\n\nKrill swims.\n", source="a.txt")
    assert [row[2] for row in outline(one_word) if row[0] == "heading"] == [one_word.title] == ["Plankton"]
    underlined = plain.read(b"Big title\n=========\nText.\n", source="a.txt")
    assert outline(underlined)[0] == ("heading", 1, "Big title\n=========")
    assert underlined.title == "Big title"


@pytest.mark.parametrize(
    ("data", "text", "warning"),
    [
        (b"\xef\xbb\xbfa\r\nb\rc", "a\nb\nc", ""),
        ("é∑".encode(), "é∑", ""),
        ("é∑ and more".encode("utf-16"), "é∑ and more", ""),
        ("plain words".encode("utf-16-le"), "plain words", "UTF-16"),
        ("café".encode("cp1252"), "café", "Windows-1252"),
        ("éèê".encode() + b"\xff", "éèê\ufffd", "not UTF-8"),
        (b"a\x00b" + b"c" * 20, "a b" + "c" * 20, "1 NUL"),
    ],
)
def test_encodings(data: bytes, text: str, warning: str) -> None:
    decoded, warnings = decode_text(data)
    assert decoded == text
    assert any(warning in line for line in warnings) if warning else not warnings


def test_markdown_stays_verbatim_without_its_front_matter() -> None:
    body = (
        "# Attention\n\nWords with $x$.\n$$\na = b\n\n# no heading\n$$\nafter\n\n- one\n\n  more\n- two\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\n# no\n\nx\n```\n\n[ref]: http://x.example\n\nThe end: <eos>.\n"
    )
    front = "---\ntitle: 'Soft lookup'\nCourse: NLP\ntags:\n  - a\n---\n\n"
    document = markdown.read((front + body).encode(), source="a.md")
    assert document.text == body
    assert (document.title, document.course) == ("Soft lookup", "NLP")
    assert covered(document)
    assert outline(document)[:6] == [
        ("heading", 1, "# Attention"),
        ("paragraph", 0, "Words with $x$."),
        ("equation", 0, "$$\na = b\n\n# no heading\n$$"),
        ("paragraph", 0, "after"),
        ("list", 0, "- one\n\n  more\n- two"),
        ("table", 0, "| a | b |\n|---|---|\n| 1 | 2 |"),
    ]
    assert [kind for kind, _, body in outline(document) if "# no\n" in body] == ["code"]


def test_html_keeps_what_is_read_and_drops_the_rest() -> None:
    page = """<!DOCTYPE html><html><head><title>My &amp; page</title><style>p{}</style></head><body>
    <nav>menu</nav><h1>Big <em>one</em></h1><p>Hello<br>there &lt;b&gt; <span class="katex"><span><math><mi>x</mi>
    <annotation encoding="application/x-tex">x^2</annotation></math></span><span aria-hidden="true">x2</span></span>
    end</p>loose<div>inner</div><ul><li>a<ul><li>b</li></ul></li><li>c</li></ul><ol><li>d</li></ol>
    <pre>for x:\n    y</pre><table><tr><th>h</th><th>i</th></tr><tr><td>1</td><td>2</td></tr></table>
    <script type="math/tex; mode=display">\\sum_i</script><script>alert(1)</script></body></html>"""
    document = html.read(page.encode(), source="a.html")
    assert document.title == "My & page"
    assert outline(document) == [
        ("heading", 1, "Big one"),
        ("paragraph", 0, "Hello\nthere <b> $x^2$ end"),
        ("paragraph", 0, "loose"),
        ("paragraph", 0, "inner"),
        ("list", 0, "- a\n  - b\n- c"),
        ("list", 0, "1. d"),
        ("code", 0, "```\nfor x:\n    y\n```"),
        ("table", 0, "| h | i |\n| --- | --- |\n| 1 | 2 |"),
        ("equation", 0, "$$\\sum_i$$"),
    ]


def test_html_says_which_encoding_it_is_in_and_may_be_deep() -> None:
    latin = '<meta charset="iso-8859-1"><p>caf\xe9</p>'.encode("latin-1")
    assert html.read(latin, source="a.html").text == "café"
    lying = '<meta charset="ascii"><p>café</p>'.encode()
    document = html.read(lying, source="a.html")
    assert document.text == "café"
    assert "which it is not" in document.warnings[0]
    deep = b"<p>" + b"<b>" * 1500 + b"core" + b"</b>" * 1500
    assert "core" in html.read(deep, source="a.html").text
    deeper = html.read(b"<p>words</p>" + b"<b>" * 30_000 + b"core", source="a.html")
    assert "nested too deep" in deeper.warnings[0]


def test_notebooks_by_cell() -> None:
    import nbformat

    v4 = nbformat.v4
    cells = [
        v4.new_markdown_cell("# Title\n\ntext $x$"),
        v4.new_code_cell("x = 1\n\nprint(x)", outputs=[v4.new_output("stream", text="1\n")]),
        v4.new_code_cell("big", outputs=[v4.new_output("stream", text="7\n" * 5000)]),
        v4.new_raw_cell("raw words"),
    ]
    data = nbformat.writes(v4.new_notebook(cells=cells)).encode()
    document = notebook.read(data, source="a.ipynb")
    rows = [(block.kind, block.cell, document.text[block.start : block.end]) for block in document.blocks]
    assert rows[:4] == [
        ("heading", 1, "# Title"),
        ("paragraph", 1, "text $x$"),
        ("code", 2, "```\nx = 1\n\nprint(x)\n```"),
        ("code", 2, "```\n1\n```"),
    ]
    assert len(document.text) < 1000
    assert rows[-1] == ("paragraph", 4, "raw words")
    assert document.title == "Title"
    with pytest.raises(UnreadableError, match="not a Jupyter notebook"):
        notebook.read(json.dumps({"a": 1}).encode(), source="a.ipynb")


def test_html_keeps_formulas_that_a_server_draws() -> None:
    formula = '<img src="https://latex.codecogs.com/svg.latex?a_1&amp;space;%3E&amp;space;0">'
    page = f'<p>Since {formula} grows <img src="x.png"></p>'
    assert html.read(page.encode(), source="a.html").text == "Since $a_1 > 0$ grows"


def test_html_keeps_powers_and_indices() -> None:
    page = """<p>The ratio is 2<sup>1/12</sup>, not (3/2)<sup>12</sup>; H<sub>2</sub>O.</p><p>The 1<sup>st</sup> of
    May<sup><a href="#n">3</a></sup></p><table><tr><td>x<sub>i</sub></td><td>10<sup>-9</sup></td></tr></table>"""
    assert html.read(page.encode(), source="a.html").text.split("\n\n") == [
        "The ratio is 2^(1/12), not (3/2)^12; H_2O.",
        "The 1st of May",
        "| x_i | 10^-9 |\n| --- | --- |",
    ]


def test_the_language_of_code_is_kept_where_it_is_named() -> None:
    import nbformat

    v4 = nbformat.v4
    metadata = {"language_info": {"name": "julia"}}
    data = nbformat.writes(v4.new_notebook(cells=[v4.new_code_cell("f(x) = x")], metadata=metadata)).encode()
    assert notebook.read(data, source="a.ipynb").text == "```julia\nf(x) = x\n```"
    pages = (
        '<pre><code class="hljs language-python">x</code></pre>',
        '<div class="highlight-python"><pre>x</pre></div>',
        '<pre class="sourceCode python">x</pre>',
    )
    assert {html.read(page.encode(), source="a.html").text for page in pages} == {"```python\nx\n```"}
    sources = (
        "\\begin{lstlisting}[language=Python]\nx\n\\end{lstlisting}",
        "\\begin{minted}[a]{python}\nx\n\\end{minted}",
    )
    assert {tex.read(source.encode(), source="a.tex").text for source in sources} == {"```python\nx\n```"}


def test_small_helpers() -> None:
    assert plain_heading("### **The *forget* gate** ###") == "The forget gate"
    assert plain_heading("snake_case stays") == "snake_case stays"
    assert title_from_name("slides/week_3-lstm.pdf") == "week 3 lstm"
    assert markdown_table([["a"], ["b\nc", "d"]]) == "| a |  |\n| --- | --- |\n| b c | d |"
    assert markdown_table([["", ""]]) == ""
    assert sniff(b"\xff\xd8\xff\xe0") == "a JPEG image"
    suffixes = [suffix for known in FORMATS for suffix in known.suffixes]
    assert len(suffixes) == len(set(suffixes))
