"""What of a text is Markdown with LaTeX, and what is not let through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from payloads import AWAY, FORMULAS, PAYLOADS

from tutor.ui.markdown import _TAG, without_html


@pytest.mark.parametrize(("text", "shown"), [
    ("Let <b>x</b> be", "Let &lt;b>x&lt;/b> be"),
    ("if a < b then", "if a < b then"),
    ("$p(y_t \\mid y_{<t})$", "$p(y_t \\mid y_{< t})$"),
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
    ("$n![x]$", "$n![x]$"),
    ("\\`<b>\\`", "\\`&lt;b>\\`"),
])  # fmt: skip
def test_tags_and_images_become_text(text: str, shown: str) -> None:
    assert without_html(text) == shown


@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_stay(formula: str) -> None:
    assert without_html(formula) == formula


@pytest.mark.parametrize("payload", [payload for payload in PAYLOADS if "`" not in payload])
def test_no_tag_is_left(payload: str) -> None:
    assert not _TAG.search(without_html(payload))


@given(st.text(alphabet="ab<>/!$\\()[]{}`~\n ", max_size=60))
def test_only_what_is_escaped_changes(text: str) -> None:
    shown = without_html(text).replace("&lt;", "<").replace("&#91;", "[")
    assert shown.replace("< ", "<") == text.replace("< ", "<")
