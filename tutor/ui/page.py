"""The page itself, in Gradio's terms: layout, events, looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tutor.ui import chat as conversation
from tutor.ui import lectures
from tutor.ui.api import endpoints
from tutor.ui.chat import EXAMPLES, Turn
from tutor.ui.loading import Loading, user_errors
from tutor.ui.markdown import DELIMITERS

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = ("elements.js", "weights.js", "sources.js", "attention.js", "panel.js")
FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace"]

IDLE = {"submit_btn": "Ask", "stop_btn": False}
BUSY = {"submit_btn": False, "stop_btn": "Stop"}


def script() -> str:
    """The panel's JavaScript: one function body made of the files in `SCRIPTS`."""
    return "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS)


def head() -> str:
    """What goes into the page's head: the style sheet."""
    return f"<style>\n{(ASSETS / 'style.css').read_text(encoding='utf-8')}\n</style>"


def theme() -> Any:
    """Gradio's base theme with the fonts of the reader's machine, so that nothing is fetched."""
    import gradio as gr

    return gr.themes.Base(
        primary_hue="teal", neutral_hue="slate", font=FONT, font_mono=MONO, radius_size=gr.themes.sizes.radius_md
    )


def build_page(loading: Loading, *, longest: int) -> Any:
    """The `gradio.Blocks` of the tutor; `longest` is the most characters a question may have."""
    import gradio as gr

    with gr.Blocks(title="Glassbox", analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)) as page:
        turns = gr.State(())
        gr.HTML(
            '<header class="gb-header"><h1>Glassbox</h1><p>A course tutor you can see through: every answer is '
            "written from the lecture material, and every word shows where it came from.</p></header>",
            html_template="${value}",
            js_on_load=None,
        )
        with gr.Row(elem_id="gb-columns"):
            with gr.Column(scale=11, min_width=320, elem_id="gb-left"):
                chat = _chatbot(gr)
                box = gr.Textbox(
                    placeholder="Ask about the course material",
                    label="Question",
                    show_label=False,
                    max_length=longest,
                    max_lines=6,
                    autofocus=True,
                    elem_id="gb-question",
                    **IDLE,
                )
                clear = gr.Button("New conversation", size="sm", variant="secondary", elem_id="gb-clear")
            with gr.Column(scale=10, min_width=320, elem_id="gb-right"), gr.Tabs():
                with gr.Tab("This answer"):
                    panel = gr.HTML("", html_template='<div class="gb-panel"></div>', js_on_load=script(),
                                    apply_default_css=False, elem_id="gb-panel")  # fmt: skip
                with gr.Tab("Lectures") as shelf:
                    _reader(gr, loading, shelf)
        _wire(gr, loading, chat, box, clear, panel, turns)
        for function in endpoints(loading):
            gr.api(function, api_name=function.__name__)
    return page


def _delimiters() -> list[dict[str, Any]]:
    return [{"left": left, "right": right, "display": display} for left, right, display in DELIMITERS]


def _reader(gr: Any, loading: Loading, shelf: Any) -> None:
    """A lecture to choose and its text, read from the store when the tab is opened."""
    private = {"api_visibility": "private", "queue": False}
    choice = gr.Dropdown([], label="Lecture", elem_id="gb-lecture")
    text = gr.Markdown(
        "*Loading the lectures…*",
        latex_delimiters=_delimiters(),
        sanitize_html=True,
        elem_id="gb-lecture-text",
        height="calc(100vh - 260px)",
        buttons=[],
    )

    def opened(chosen: str | None) -> tuple[Any, str]:
        try:
            store = loading.get().store
            found = lectures.choices(store)
        except Exception as fault:
            if not isinstance(fault, user_errors()):
                raise
            return gr.skip(), conversation.one_line(fault)
        keys = [key for _, key in found]
        chosen = chosen if chosen in keys else next(iter(keys), None)
        empty = "*The index is empty; build it with* `python -m index.build`."
        return gr.Dropdown(choices=found, value=chosen), lectures.read(store, chosen) if chosen else empty

    shelf.select(opened, choice, [choice, text], **private)
    choice.input(lambda chosen: lectures.read(loading.get().store, chosen), choice, text, **private)


def _chatbot(gr: Any) -> Any:
    return gr.Chatbot(
        label="Conversation",
        show_label=False,
        elem_id="gb-chat",
        height="calc(100vh - 250px)",
        min_height=360,
        latex_delimiters=_delimiters(),
        buttons=["copy", "copy_all"],
        feedback_options=None,
        sanitize_html=True,
        allow_tags=False,
        layout="bubble",
        placeholder="**What would you like to understand?**",
        examples=[{"text": question} for question in EXAMPLES],
    )


def _wire(gr: Any, loading: Loading, chat: Any, box: Any, clear: Any, panel: Any, turns: Any) -> None:
    """Connect the events. Everything here is plumbing of the page and hidden from programs."""
    private = {"api_visibility": "private"}

    def answer(question: str, earlier: tuple[Turn, ...]) -> Iterator[tuple[Any, ...]]:
        if not question.strip():
            yield gr.skip(), gr.skip(), gr.skip(), gr.Textbox(**IDLE)
            return
        box_state = gr.Textbox(value="", **BUSY)
        for frame in conversation.respond(loading, question.strip(), earlier):
            yield frame.messages(), gr.skip() if frame.panel is None else frame.panel, frame.turns, box_state
            box_state = gr.skip()
        yield gr.skip(), gr.skip(), gr.skip(), gr.Textbox(**IDLE)

    def pick(event: Any) -> str:
        return str(event.value["text"])

    # Gradio passes the event by the annotation, which has to be the class itself and not its name.
    pick.__annotations__["event"] = gr.SelectData
    run = {"fn": answer, "inputs": [box, turns], "outputs": [chat, panel, turns, box]}
    run |= {"show_progress": "minimal", "show_progress_on": chat, **private}
    asked = box.submit(**run)
    chosen = chat.example_select(pick, None, box, queue=False, show_progress="hidden", **private).then(**run)
    box.stop(lambda: gr.Textbox(**IDLE), None, box, cancels=[asked, chosen], queue=False, **private)
    gr.on(
        [clear.click, chat.clear],
        lambda: ([], "", (), gr.Textbox(value="", **IDLE)),
        None,
        [chat, panel, turns, box],
        cancels=[asked, chosen],
        queue=False,
        show_progress="hidden",
        **private,
    )
