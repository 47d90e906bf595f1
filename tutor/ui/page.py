"""The page itself, in Gradio's terms: layout, events, looks."""

from __future__ import annotations

from typing import Any

from tutor.ui import lectures
from tutor.ui.api import endpoints
from tutor.ui.compare import compare_tab
from tutor.ui.drawing import ASSETS, drawn, formula_setter, set_formulas
from tutor.ui.feedback import Feedback, file_beside
from tutor.ui.library import Library
from tutor.ui.loading import Loading
from tutor.ui.programs import programs_section
from tutor.ui.quiz import quiz_tab
from tutor.ui.resuming import wire_resuming
from tutor.ui.shelf import lectures_tab
from tutor.ui.talk import talk_column, wire_talk

SCRIPTS = (
    "elements.js", "asking.js", "pressing.js", "following.js", "weights.js", "pictures.js", "passage.js", "sources.js",
    "effects.js", "maps.js", "heads.js", "gates.js", "attention.js", "markers.js", "panel.js",
)  # fmt: skip
FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace"]

LECTURES = "lectures"
"""Id of the tab."""


def head() -> str:
    """What goes into the page's head: the style sheet."""
    return f"<style>\n{(ASSETS / 'style.css').read_text(encoding='utf-8')}\n</style>"


def theme() -> Any:
    """Gradio's base theme with the fonts of the reader's machine, so that nothing is fetched."""
    import gradio as gr

    return gr.themes.Base(
        primary_hue="teal", neutral_hue="slate", font=FONT, font_mono=MONO, radius_size=gr.themes.sizes.radius_md
    )


def build_page(loading: Loading, library: Library, *, longest: int) -> Any:
    """The `gradio.Blocks` of the tutor; `longest` is the most characters a question may have."""
    import gradio as gr

    with gr.Blocks(title="Glassbox", analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)) as page:
        gr.HTML(
            '<header class="gb-header"><h1>Glassbox</h1><p>A course tutor you can see through: every answer is '
            "written from the lecture material, and every word shows where it came from.</p></header>",
            html_template="${value}",
            js_on_load=None,
        )
        setter = formula_setter(gr)
        with gr.Row(elem_id="gb-columns"):
            with gr.Column(scale=11, min_width=320, elem_id="gb-left"):
                talk = talk_column(gr, loading, longest=longest)
            with gr.Column(scale=10, min_width=320, elem_id="gb-right"), gr.Tabs() as tabs:
                with gr.Tab("This answer"):
                    asked = loading.workings.functions()
                    panel = drawn(gr, "gb-panel", SCRIPTS, elem_id="gb-panel", server_functions=asked)
                with gr.Tab("Lectures", id=LECTURES) as shelf:
                    choice, text = lectures_tab(gr, loading, library, shelf)
                with gr.Tab("Compare") as side_by_side, gr.Column(elem_id="gb-compare"):
                    compared = compare_tab(gr, loading, side_by_side, longest=longest)
                with gr.Tab("Quiz") as asking, gr.Column(elem_id="gb-quiz"):
                    quizzed = quiz_tab(gr, loading, asking)
        set_formulas(setter, panel, compared, quizzed)
        wire_talk(gr, loading, talk, page, panel, Feedback(file_beside(library.store)))
        wire_resuming(gr, page, talk, panel)
        _link_lectures(gr, loading, panel, tabs, choice, text)
        programs_section(gr, endpoints(loading))
    return page


def _link_lectures(gr: Any, loading: Loading, panel: Any, tabs: Any, choice: Any, text: Any) -> None:
    """Let the panel open a lecture; its script goes on to the heading."""

    def opened(event: Any) -> tuple[Any, ...]:
        store = loading.get().store
        found = lectures.choices(store)
        key = next((key for _, key in found if key.endswith(f"\n{event.source}")), None)
        if key is None:
            return gr.skip(), gr.skip(), gr.skip()
        return gr.Tabs(selected=LECTURES), gr.Dropdown(choices=found, value=key), lectures.read(store, key)

    opened.__annotations__["event"] = gr.EventData
    panel.lecture(opened, None, [tabs, choice, text], queue=False, show_progress="hidden", api_visibility="private")
