"""The tab "Quiz": a question, a box for the answer, what it is worth, and the progress by lecture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tutor.quiz import LONGEST_ANSWER
from tutor.quiz_progress import Progress
from tutor.ui import quizzing
from tutor.ui.drawing import LATEX, drawn
from tutor.ui.loading import Loading, user_errors
from tutor.ui.quizzing import NOTE, Desk, Frame, Turn

CARD_SCRIPTS = ("elements.js", "passage.js", "quiz-card.js")
PROGRESS_SCRIPTS = ("elements.js", "quiz-progress.js")

_KEPT = {"storage_key": "glassbox-quiz", "secret": "glassbox-quiz"}
"""The progress is no secret; with a fixed key it outlives a restart of the page's program."""

_TO_ANSWER = "() => setTimeout(() => document.querySelector('#gb-quiz-answer textarea:enabled')?.focus(), 60)"
_TO_NEXT = (
    "() => setTimeout(() => { if (document.activeElement === document.body) "
    "document.querySelector('#gb-quiz-buttons button')?.focus(); }, 60)"
)
_OPEN, _CLOSED = {"interactive": True, "submit_btn": "Check"}, {"interactive": False, "submit_btn": False}


def quiz_tab(gr: Any, loading: Loading, tab: Any) -> Any:
    """The contents of `tab` and its events. Returned is what draws the passage."""
    desk = Desk(loading)
    turn, kept = gr.State(None), gr.BrowserState({}, **_KEPT)
    gr.Markdown(NOTE, elem_classes="gb-lead")
    chosen = gr.Dropdown([], value=[], multiselect=True, label="Lectures (none chosen: all of them)",
                         elem_id="gb-quiz-lectures")  # fmt: skip
    ask = gr.Button("Ask me", variant="primary", elem_id="gb-quiz-ask")
    question = _text(gr, "gb-quiz-question")
    box = gr.Textbox(label="Your answer", max_length=LONGEST_ANSWER, max_lines=5, visible=False,
                     elem_id="gb-quiz-answer", **_OPEN)  # fmt: skip
    feedback = _text(gr, "gb-quiz-feedback")
    with gr.Row(elem_id="gb-quiz-buttons"):
        again = gr.Button("Try again", size="sm", visible=False, elem_id="gb-quiz-again")
        show = gr.Button("Show the answer", size="sm", visible=False, elem_id="gb-quiz-show")
        following = gr.Button("Next question", size="sm", visible=False, elem_id="gb-quiz-next")
    card = drawn(gr, "gb-quiz-card", CARD_SCRIPTS)
    standing = drawn(gr, "gb-quiz-progress", PROGRESS_SCRIPTS)
    anew = gr.Button("Begin anew", size="sm", visible=False, elem_id="gb-quiz-anew")

    def parts(frame: Frame) -> tuple[Any, ...]:
        begun = frame.turn is not None
        return (
            frame.question,
            gr.Textbox(visible=begun, **(_OPEN if frame.answers else _CLOSED)),
            frame.feedback,
            gr.Button(visible=frame.may_retry),
            gr.Button(visible=frame.may_show),
            gr.Button(visible=begun),
            frame.card,
            quizzing.progress_json(frame.progress),
            gr.Button(visible=bool(frame.progress.items)),
            gr.Button(visible=not begun),
            frame.turn,
            frame.progress.to_json(),
        )

    outputs = [question, box, feedback, again, show, following, card, standing, anew, ask, turn, kept]

    def asked(keys: Sequence[str], data: Any) -> Iterator[Any]:
        progress = Progress.from_json(data)
        yield (quizzing.LOOKING, *[gr.skip()] * (len(outputs) - 1))
        frame = quizzing.asked(desk, progress, list(keys or ()), np.random.default_rng())
        text, _, *rest = parts(frame)
        yield (text, gr.Textbox(value="", visible=frame.turn is not None, **_OPEN), *rest)

    def answered(answer: str, now: Turn | None, data: Any) -> tuple[Any, ...]:
        if now is None or now.over:
            return tuple(gr.skip() for _ in outputs)
        return parts(quizzing.answered(desk, Progress.from_json(data), now, answer or ""))

    def retried(now: Turn, data: Any) -> tuple[Any, ...]:
        return parts(quizzing.retried(Progress.from_json(data), now))

    def shown(now: Turn, data: Any) -> tuple[Any, ...]:
        return parts(quizzing.shown(Progress.from_json(data), now))

    def forgotten() -> tuple[Any, ...]:
        return parts(Frame(question="", progress=Progress()))

    def opened(keys: Sequence[str], data: Any) -> tuple[Any, ...]:
        progress = Progress.from_json(data)
        drawing = quizzing.progress_json(progress), gr.Button(visible=bool(progress.items))
        try:
            found = quizzing.offered(loading.get().store, keys or ())
        except user_errors():
            return gr.skip(), *drawing
        return gr.Dropdown(choices=found, value=list(keys or ())), *drawing

    private = {"api_visibility": "private"}
    quick = {**private, "queue": False, "show_progress": "hidden"}
    slow = {**private, "show_progress": "minimal", "show_progress_on": question}
    tab.select(opened, [chosen, kept], [chosen, standing, anew], **quick)
    for button in (ask, following):
        button.click(asked, [chosen, kept], outputs, **slow).then(None, None, None, js=_TO_ANSWER, **private)
    box.submit(answered, [box, turn, kept], outputs, **{**slow, "show_progress_on": feedback}).then(
        None, None, None, js=_TO_NEXT, **private
    )
    again.click(retried, [turn, kept], outputs, **quick).then(None, None, None, js=_TO_ANSWER, **private)
    show.click(shown, [turn, kept], outputs, **quick).then(None, None, None, js=_TO_NEXT, **private)
    anew.click(forgotten, None, outputs, **quick)
    return card


def _text(gr: Any, name: str) -> Any:
    return gr.Markdown("", latex_delimiters=LATEX, sanitize_html=True, elem_id=name, buttons=[])
