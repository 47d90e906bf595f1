"""The left column: the conversation, how and where to look for an answer, votes, and the conversation to take away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tutor.errors import TutorError
from tutor.suggest import starters
from tutor.ui import chat as conversation
from tutor.ui import lectures
from tutor.ui.answering import QUEUE
from tutor.ui.chat import EXAMPLES, Asking, Turn, turn_of
from tutor.ui.drawing import LATEX
from tutor.ui.export import conversation_json, conversation_markdown
from tutor.ui.feedback import BAD, GOOD, Feedback
from tutor.ui.loading import Loading, user_errors

IDLE = {"submit_btn": "Ask", "stop_btn": False}
BUSY = {"submit_btn": False, "stop_btn": "Stop"}
ANSWER, HINT = "Answer", "Hint"
EVERYWHERE = ""
FEW = 2
"""So few documents of one course need no choice among them."""

_NOTE = (
    '<p class="gb-caution">Answers come from a small model trained on the course and may be wrong: check them against '
    "their sources. A vote is kept with its question and answer on the machine that serves this page, nowhere else.</p>"
)
_SAVE = """(text) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "TYPE;charset=utf-8" }));
  link.download = "glassbox-conversation.ENDING";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}"""
_RETRIED = ("The answer is being written anew.", "The answer is being written anew.")


@dataclass(frozen=True)
class Queued:
    """A question to ask next, after `earlier` turns; None: after those that there are then."""

    question: str = ""
    earlier: tuple[Turn, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Column:
    """The components of the column. `turns` and `queued` are states: the conversation, and what to ask next."""

    chat: Any
    box: Any
    how: tuple[Any, ...]
    where: tuple[Any, Any, Any]
    clear: Any
    saves: tuple[tuple[Any, Callable[[Sequence[Turn]], str], str], ...]
    saved: Any
    turns: Any
    queued: Any


def talk_column(gr: Any, loading: Loading, *, longest: int) -> Column:
    """Lay out the column; `wire_talk` connects it. `longest` is the most characters a question may have."""
    turns, queued = gr.State(()), gr.State(Queued())
    chat = gr.Chatbot(
        label="Conversation",
        show_label=False,
        elem_id="gb-chat",
        height="calc(100vh - 250px)",
        min_height=300,
        latex_delimiters=LATEX,
        buttons=["copy", "copy_all"],
        editable="user",
        autoscroll=False,
        sanitize_html=True,
        allow_tags=False,
        layout="bubble",
        placeholder="**What would you like to understand?**",
        examples=[{"text": question} for question in EXAMPLES],
    )
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
    models = loading.models()
    with gr.Row(elem_id="gb-how"):
        mode = gr.Radio([ANSWER, HINT], value=ANSWER, label="Reply with", container=False, min_width=150, scale=0,
                        elem_id="gb-mode")  # fmt: skip
        model = gr.Dropdown(
            [(loading.label(name), name) for name in models],
            value=models[0] if models else None,
            label="Model",
            container=False,
            min_width=120,
            visible=len(models) > 1,
            elem_id="gb-model",
        )
        clear = gr.Button(
            "New conversation", size="sm", min_width=60, elem_classes="gb-plain-button", elem_id="gb-clear"
        )
        markdown = gr.Button("Save Markdown", size="sm", min_width=60, elem_classes="gb-plain-button")
        data = gr.Button("Save JSON", size="sm", min_width=60, elem_classes="gb-plain-button")
    gr.HTML(_NOTE, html_template="${value}", js_on_load=None)
    with gr.Accordion("Where to look: everywhere", open=False, elem_id="gb-where") as place:
        course = gr.Dropdown([("All courses", EVERYWHERE)], value=EVERYWHERE, label="Course", visible=False)
        documents = gr.Dropdown([], value=[], multiselect=True, label="Lectures (none chosen: all of them)")
    return Column(
        chat=chat,
        box=box,
        how=(mode, model, course, documents),
        where=(place, course, documents),
        clear=clear,
        saves=(
            (markdown, conversation_markdown, _SAVE.replace("TYPE", "text/markdown").replace("ENDING", "md")),
            (data, conversation_json, _SAVE.replace("TYPE", "application/json").replace("ENDING", "json")),
        ),
        saved=gr.Textbox(visible="hidden", label="Conversation", interactive=False),
        turns=turns,
        queued=queued,
    )


def wire_talk(gr: Any, loading: Loading, column: Column, page: Any, panel: Any, feedback: Feedback) -> None:
    """Connect the column with the page and the panel. All of it is plumbing of the page and hidden from programs."""
    _wire_asking(gr, loading, column, panel)
    _wire_votes(gr, column, feedback)
    _wire_places(gr, loading, column, page)
    private = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    for button, export, script in column.saves:
        button.click(export, column.turns, column.saved, **private).then(
            None, column.saved, None, js=script, api_visibility="private"
        )


def asking(mode: str, model: str | None, course: str | None, documents: Sequence[str] | None) -> Asking:
    """What the controls say."""
    return Asking(
        hints=mode == HINT, model=model or None, course=course or None, documents=tuple(documents or ()) or None
    )


def _wire_asking(gr: Any, loading: Loading, column: Column, panel: Any) -> None:
    private = {"api_visibility": "private"}
    quick = {**private, "queue": False, "show_progress": "hidden"}
    chat, box, turns, queued = column.chat, column.box, column.turns, column.queued

    def frames(question: str, earlier: tuple[Turn, ...], how: Asking, box_state: Any) -> Iterator[tuple[Any, ...]]:
        if not question.strip():
            # A message that was edited away comes back.
            yield conversation.Frame(turns=earlier).messages(), gr.skip(), gr.skip(), gr.Textbox(**IDLE), gr.skip()
            return
        asked: Any = Queued()
        for frame in conversation.respond(loading, question.strip(), earlier, how):
            shown = gr.skip() if frame.panel is None else frame.panel
            # What to ask next is looked for while the reader may already write.
            yield frame.messages(), shown, frame.turns, box_state, asked
            box_state = gr.skip() if frame.panel is None else gr.Textbox(**IDLE)
            asked = gr.skip()
        yield gr.skip(), gr.skip(), gr.skip(), gr.Textbox(**IDLE), gr.skip()

    def typed(question: str, earlier: tuple[Turn, ...], *how: Any) -> Iterator[tuple[Any, ...]]:
        yield from frames(question, earlier, asking(*how), gr.Textbox(value="", **BUSY))

    def clicked(queued: Queued, turns: tuple[Turn, ...], *how: Any) -> Iterator[tuple[Any, ...]]:
        earlier = turns if queued.earlier is None else queued.earlier
        yield from frames(queued.question, earlier, asking(*how), gr.Textbox(**BUSY))

    def example(event: Any) -> Queued:
        return Queued(str(event.value["text"]))

    def option(event: Any) -> Queued:
        return Queued(str(event.value))

    def again(event: Any, earlier: tuple[Turn, ...]) -> tuple[Any, ...]:
        return rewritten(earlier, event.index, None)

    def edited(event: Any, earlier: tuple[Turn, ...]) -> tuple[Any, ...]:
        question = text_of(event.value)
        return rewritten(earlier, event.index, question) if question.strip() else (Queued(), gr.skip(), gr.skip())

    def stop(earlier: tuple[Turn, ...]) -> tuple[Any, ...]:
        frame = conversation.stopped(earlier)
        return frame.messages(), frame.turns, gr.Textbox(**IDLE)

    # Gradio passes the event by the annotation, which has to be the class itself and not its name.
    for function, kind in (
        (example, gr.SelectData),
        (option, gr.SelectData),
        (again, gr.RetryData),
        (edited, gr.EditData),
    ):
        function.__annotations__["event"] = kind
    # Every press counts, which else may wait for a stopped answer; that one asks once is seen to by the page.
    run = {"outputs": [chat, panel, turns, box, queued], "concurrency_id": QUEUE, "trigger_mode": "multiple"}
    run |= {"show_progress": "minimal", "show_progress_on": chat, **private}
    follow = {"fn": clicked, "inputs": [queued, turns, *column.how], **run}
    events = [
        box.submit(typed, [box, turns, *column.how], **run),
        chat.example_select(example, None, queued, **quick).then(**follow),
        chat.option_select(option, None, queued, **quick).then(**follow),
        chat.retry(again, turns, [queued, turns, panel], **quick).then(**follow),
        chat.edit(edited, turns, [queued, turns, panel], **quick).then(**follow),
    ]
    # What an answer under way still brings must not come after what takes its place, so it is cancelled first.
    cancelled = {"fn": None, "cancels": events, **quick}
    box.stop(**cancelled).then(stop, turns, [chat, turns, box], **quick)
    column.clear.click(**cancelled).then(
        lambda: ([], "", (), gr.Textbox(value="", **IDLE)), None, [chat, panel, turns, box], **quick
    )


def rewritten(turns: tuple[Turn, ...], message: int, question: str | None) -> tuple[Queued, tuple[Turn, ...], str]:
    """The question to ask again (None: as it was), the turns before it, and what the panel says meanwhile."""
    place = turn_of(turns, message)
    asked = Queued(turns[place].question if question is None else question, turns[:place])
    return asked, turns[:place], conversation.notes_json(place, *_RETRIED)


def text_of(content: Any) -> str:
    """The text of a chat message as an event brings it: a string, or parts of which some are text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    return " ".join(one if isinstance(one, str) else str(one.get("text", "")) for one in parts)


def _wire_votes(gr: Any, column: Column, feedback: Feedback) -> None:
    def vote(event: Any, turns: tuple[Turn, ...]) -> None:
        turn = turns[turn_of(turns, event.index)]
        if turn.record is None:
            return
        try:
            if event.liked in (True, False):
                feedback.vote(turn.key, GOOD if event.liked else BAD, turn.record)
            else:
                feedback.withdraw(turn.key)
        except TutorError as fault:
            gr.Warning(conversation.one_line(fault))

    vote.__annotations__["event"] = gr.LikeData
    column.chat.like(vote, column.turns, None, api_visibility="private", queue=False)


def _wire_places(gr: Any, loading: Loading, column: Column, page: Any) -> None:
    """Fill the choice of courses and lectures and the questions to begin with, once the store is there."""
    private = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
    place, course, documents = column.where

    def opened() -> tuple[Any, Any]:
        try:
            store = loading.get().store
        except user_errors():
            return gr.skip(), gr.skip()
        found = lectures.choices(store)
        if not found:
            return gr.Accordion(visible=False), gr.Chatbot(examples=[], placeholder=conversation.empty(store))
        examples = [{"text": question} for question in starters(store, EXAMPLES)]
        return gr.Accordion(visible=len(found) > FEW or len(store.courses()) > 1), gr.Chatbot(examples=examples)

    def offered(chosen: str, kept: list[str]) -> tuple[Any, Any]:
        store = loading.get().store
        courses = store.courses()
        chosen = chosen if chosen in courses else EVERYWHERE
        named = [("All courses", EVERYWHERE), *((one, one) for one in courses)]
        known = [
            (one.title, one.source) for one in store.sources() if one.passages and chosen in (EVERYWHERE, one.course)
        ]
        sources = {source for _, source in known}
        return (
            gr.Dropdown(choices=named, value=chosen, visible=len(courses) > 1),
            gr.Dropdown(choices=known, value=[one for one in kept if one in sources]),
        )

    def said(chosen: str, kept: list[str]) -> Any:
        parts = [chosen] if chosen else []
        parts += [f"{len(kept)} lecture{'s' * (len(kept) > 1)}"] if kept else []
        return gr.Accordion(label=f"Where to look: {', '.join(parts) or 'everywhere'}")

    page.load(opened, None, [place, column.chat], **private)
    place.expand(offered, [course, documents], [course, documents], **private)
    course.input(offered, [course, documents], [course, documents], **private)
    gr.on([course.change, documents.change], said, [course, documents], place, **private)
