"""Parts of the page that scripts draw out of JSON, so that untrusted text travels as data alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tutor.ui.markdown import SET

LATEX = [{"left": left, "right": right, "display": display} for left, right, display in SET]
"""`SET` in Gradio's terms."""

ASSETS = Path(__file__).parent / "assets"


def inert_json(value: Any) -> str:
    """JSON that does nothing wherever a page may put it: `<` and the line separators are escaped, and half surrogates
    are question marks."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode("utf-8")
    for character in "<\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def drawn(gr: Any, name: str, scripts: Sequence[str], **more: Any) -> Any:
    """A `gradio.HTML` whose value is JSON and that the files `scripts` of the assets draw, laid end to end, into an
    element of the class `name`."""
    code = "\n".join((ASSETS / script).read_text(encoding="utf-8") for script in scripts)
    template = f'<div class="{name}"></div>'
    return gr.HTML("", html_template=template, js_on_load=code, apply_default_css=False, **more)


def formula_setter(gr: Any) -> Any:
    """An unseen `gradio.Markdown`: what scripts have of Gradio's typesetter."""
    return gr.Markdown("", latex_delimiters=LATEX, sanitize_html=True, elem_id="gb-formulas", buttons=[])


def set_formulas(setter: Any, *asking: Any) -> None:
    """Let what is `drawn` have its formulas set (`assets/passage.js`); nothing of that leaves the browser."""
    for one in asking:
        one.typeset(None, None, setter, js="() => window.gbToSet", api_visibility="private")
