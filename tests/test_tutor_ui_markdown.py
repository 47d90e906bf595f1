"""What of a text is Markdown with LaTeX, and what is not let through."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import AWAY, FORMULAS, PAYLOADS

from tests.battery.rendered import foreign
from tutor.ui.markdown import _TAG, without_html


@pytest.mark.parametrize(("text", "shown"), [
    ("Let <b>x</b> be", "Let &lt;b>x&lt;/b> be"),
    ("if a < b then", "if a < b then"),
    ("$p(y_t \\mid y_{<t})$", "\\(p(y_t \\mid y_{< t})\\)"),
    ("\\[ a<b \\] <i>", "\\[ a< b \\] &lt;i>"),
    ("$5 and <b> or", "$5 and &lt;b> or"),
    ("`x<b>` <b>", "`x<b>` &lt;b>"),
    ("``a`<b>`` <b>", "``a`<b>`` &lt;b>"),
    ("` not code\n\n<b> `", "` not code\n\n&lt;b> `"),
    ("```\n<b>\n```\n<b>", "```\n<b>\n```\n&lt;b>"),
    ("```python\nopen <b>", "```python\nopen <b>"),
    ("~~~\n<b>\n~~~\n<b>", "~~~\n<b>\n~~~\n&lt;b>"),
    ("<!-- no --> <?php", "&lt;!-- no --> &lt;?php"),
    (f"![an image]({AWAY})", f"!&#91;an image]({AWAY})"),
    ("$n![x]$", "\\(n! [x]\\)"),
    ("`a\n<b>`", "`a\n<b>`"),
    ("`a\n# <b>`", "`a\n# &lt;b>`"),
    ("`a\n- ![b](c)`", "`a\n- !&#91;b](c)`"),
    ("```x`<b>\ny", "```x`&lt;b>\ny"),
    ("- a\n  ```\n<b>\n", "- a\n  ```\n&lt;b>\n"),
    ("| a | b |\n|---|---|\n| `b | <i>` |", "| a | b |\n|---|---|\n| `b | &lt;i>` |"),
    ("\\`<b>\\`", "\\`&lt;b>\\`"),
])  # fmt: skip
def test_tags_and_images_become_text(text: str, shown: str) -> None:
    assert without_html(text) == shown


@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_stay_but_for_their_delimiters(formula: str) -> None:
    shown = without_html(formula)
    assert shown[2:-2] == formula.strip("$").removeprefix(formula[:2] * (formula[0] == "\\"))[: len(shown) - 4]
    assert (shown[:2], shown[-2:]) == (("\\[", "\\]") if formula[:2] in ("$$", "\\[") else ("\\(", "\\)"))


@pytest.mark.parametrize(("text", "shown"), [
    ("It costs $5 an hour, then $0.50, and $x$ cents", "It costs $5 an hour, then $0.50, and \\(x\\) cents"),
    ("from $5 to $6, or $a$", "from $5 to $6, or \\(a\\)"),
    ("$HOME and `$a$` and\n```\n$b$\n```\n$c$", "$HOME and `$a$` and\n```\n$b$\n```\n\\(c\\)"),
    ("$ \\alpha $ and $ 5 or $ 6", "\\( \\alpha \\) and $ 5 or $ 6"),
    ("$$a$$", "\\[a\\]"),
    ("\\begin{align}a\\label{b}\\end{align}", "\\[\\begin{align*}a\\end{align*}\\]"),
    ("\\begin{equation*}a\\end{equation*}", "\\[\\begin{equation*}a\\end{equation*}\\]"),
    ("\\begin{align}a\\end{equation}", "\\begin{align}a\\end{equation}"),
    ("$$\\begin{aligned}a\\end{aligned}$$", "\\[\\begin{aligned}a\\end{aligned}\\]"),
])  # fmt: skip
def test_formulas_get_delimiters_that_are_set_and_prices_stay_prices(text: str, shown: str) -> None:
    assert without_html(text) == shown


@pytest.mark.parametrize("payload", [payload for payload in PAYLOADS if "`" not in payload])
def test_no_tag_is_left(payload: str) -> None:
    assert not _TAG.search(without_html(payload))


@settings(max_examples=300)
@given(st.text(alphabet="a-#|`~>\n <b![]()", max_size=40))
def test_no_reader_of_markdown_finds_html(text: str) -> None:
    assert foreign(without_html(text + "<b>`![a](b)`")) == []


@given(st.text(alphabet="ab<>/!$\\()[]{}`~\n ", max_size=60))
def test_only_what_is_escaped_changes(text: str) -> None:
    shown = without_html(text).replace("&lt;", "<").replace("&#91;", "[")
    assert _bare(shown) == _bare(text)


def _bare(text: str) -> str:
    """Without the delimiters of formulas, and with the blanks gone that keep a tag or an image from being one."""
    return re.sub(r"\$|\\[()\[\]]|(?<=[<!]) ", "", text)
