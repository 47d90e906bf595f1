"""The tab that asks several models the same question and puts what they say side by side."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tutor.compare import Ground, Side, ground, side
from tutor.ui.chat import one_line, shown
from tutor.ui.drawing import LATEX, drawn, inert_json
from tutor.ui.loading import Loading, user_errors
from tutor.ui.markdown import without_html
from tutor.ui.markers import put_by_tutor
from tutor.ui.payload import runs_marked, visible

MOST = 6
"""Models side by side at once."""

SCRIPTS = ("elements.js", "models.js", "chart.js", "passage.js", "markers.js", "compare.js")
CARD_SCRIPTS = ("elements.js", "models.js", "compare-card.js")
IDLE = {"submit_btn": "Compare", "stop_btn": False}
BUSY = {"submit_btn": False, "stop_btn": "Stop"}
NO_WORDS = "*(nothing)*"


@dataclass(frozen=True, kw_only=True)
class Card:
    """What the page shows of one model: `head` as JSON, and its answer and own words as Markdown."""

    head: str
    answer: str = ""
    own: str = ""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A state of the tab: a line on what is going on, a card for each model, and the JSON of what stands below them."""

    status: str
    cards: tuple[Card, ...] = ()
    result: str = ""


def respond(loading: Loading, question: str, names: Sequence[str]) -> Iterator[Frame]:
    """Ask the models of those names one after the other. An error becomes one line: for all, or in a model's card."""
    if not names:
        yield Frame(status="Choose at least one model.")
        return
    names = names[:MOST]
    cards = [Card(head=_head(name, "waiting")) for name in names]
    frame = Frame(status="Searching…", cards=tuple(cards))
    yield frame
    try:
        given = ground(_tutor(loading, names[0]), question)
    except Exception as fault:
        yield Frame(status=_line(fault))
        return
    sides: list[Side] = []
    for place, name in enumerate(names):
        cards[place] = Card(head=_head(name, "writing"))
        status = f"Asking model {place + 1} of {len(names)}…"
        frame = replace(frame, status=status, cards=tuple(cards), result=result_json(given, sides))
        yield frame
        try:
            found = side(name, _tutor(loading, name), given)
        except Exception as fault:
            cards[place] = Card(head=_head(name, "failed"), answer=f"**No answer.** {_line(fault)}")
            continue
        sides.append(found)
        cards[place] = card(found)
    count = len(given.passages)
    status = f"All were given the same {count} passages; the numbers in brackets mean the same ones in every answer."
    yield Frame(status=status, cards=tuple(cards), result=result_json(given, sides))


def _tutor(loading: Loading, name: str) -> Any:
    """The tutor with that model: a comparison measures the model itself, which the chat need not know."""
    return loading.get(name)


def _line(fault: Exception) -> str:
    # The border to the page: whatever happens below, the reader sees a sentence and the terminal the reason.
    if not isinstance(fault, user_errors()):
        traceback.print_exception(fault)
    return one_line(fault)


def card(found: Side) -> Card:
    """The card of a model that has answered."""
    figures = {
        "architecture": found.architecture,
        "parameters": found.parameters,
        "seconds": round(found.seconds, 2),
        "speed": round(found.writing.tokens_per_second),
        "declined": found.writing.declined,
    }
    answer = without_html(shown(replace(found.answer, text=found.text)))
    own = f"**In its own words**\n\n{without_html(found.writing.text) or NO_WORDS}"
    return Card(head=_head(found.model, "done", **figures), answer=answer, own=own)


def _head(name: str, state: str, **figures: Any) -> str:
    return inert_json({"name": visible(name), "state": state, **figures})


def halted(head: str) -> str:
    """The head of a card after a stop: a model that has not answered is not going to."""
    data = json.loads(head) if head else {}
    return _head(data["name"], "stopped") if data.get("state") in ("waiting", "writing") else head


def result_json(given: Ground, sides: Sequence[Side]) -> str:
    """What stands below the cards, as JSON: the passages in their order, with the reference marked, and the figures of
    the models that have answered."""
    passages = []
    for number, one in enumerate(given.passages, 1):
        found = given.reference
        start, end = (found.start, found.end) if found and found.number == number else (0, 0)
        passages.append(
            {
                "number": number,
                "title": visible(one.document),
                "place": visible(one.locator.describe()),
                "runs": runs_marked(one, start, end),
            }
        )
    return inert_json({"passages": passages, "models": [_figures(one) for one in sides]})


def _figures(found: Side) -> dict[str, Any]:
    """A row of the table and a line of the chart."""
    whole = found.to_json()
    kept = ("architecture", "parameters", "seconds", "tokens_per_second", "reference", "passages", "gradient")
    marked = {"cited": whole["citations"], "markers": put_by_tutor(found.answer)}
    return {"name": visible(found.model), **marked, **{name: whole[name] for name in kept}}


def compare_tab(gr: Any, loading: Loading, tab: Any, *, longest: int) -> Any:
    """The contents of `tab` and its events; `longest` is the most characters a question may have. Returned is what
    draws passages."""
    private = {"api_visibility": "private"}
    gr.Markdown(
        "One question, one search, the same passages for every model: the answer as the tutor gives it, and the "
        "model's own words before they were checked and completed.",
        elem_classes="gb-lead",
    )
    box = gr.Textbox(
        placeholder="Ask all of them the same question",
        label="Question for all models",
        max_length=longest,
        max_lines=4,
        elem_id="gb-compare-question",
        **IDLE,
    )
    names = gr.CheckboxGroup([], label=f"Models (at most {MOST})", elem_id="gb-compare-models")
    status = gr.Markdown("", elem_id="gb-compare-status")
    columns, parts = [], []
    with gr.Row(elem_id="gb-compare-cards"):
        for _ in range(MOST):
            with gr.Column(visible=False, min_width=200, elem_classes="gb-compare-card") as column:
                columns.append(column)
                head = drawn(gr, "gb-compare-head", CARD_SCRIPTS)
                parts.append((head, _text(gr, "gb-compare-answer"), _text(gr, "gb-compare-own")))
    result = drawn(gr, "gb-compare-result", SCRIPTS)

    def opened(chosen: list[str]) -> Any:
        known = loading.models()
        kept = [name for name in known if name in chosen] or list(known[:MOST])
        return gr.CheckboxGroup(choices=[(loading.label(name), name) for name in known], value=kept)

    def asked(question: str, chosen: list[str]) -> Iterator[list[Any]]:
        skip = [gr.skip()] * (len(columns) + 3 * len(parts))
        if not question.strip():
            yield [gr.skip(), *skip, gr.skip(), gr.Textbox(**IDLE)]
            return
        before = None
        bar: Any = gr.Textbox(**BUSY)
        for frame in respond(loading, question.strip(), chosen):
            yield [frame.status, *_cards(gr, frame, before), frame.result, bar]
            before, bar = frame, gr.skip()
        yield [gr.skip(), *skip, gr.skip(), gr.Textbox(**IDLE)]

    outputs = [status, *columns, *(part for three in parts for part in three), result, box]
    tab.select(opened, names, names, queue=False, show_progress="hidden", **private)
    run = box.submit(asked, [box, names], outputs, show_progress="hidden", trigger_mode="multiple", **private)
    quick = {**private, "queue": False, "show_progress": "hidden"}

    def stop(*heads: str) -> list[Any]:
        return ["Stopped.", gr.Textbox(**IDLE), *map(halted, heads)]

    heads = [head for head, _, _ in parts]
    box.stop(None, cancels=run, **quick).then(stop, heads, [status, box, *heads], **quick)
    return result


def _cards(gr: Any, frame: Frame, before: Frame | None) -> list[Any]:
    """Updates of the columns and of what is in them; what has not changed since `before` is left alone, but where
    that is None, since the page may show anything then."""
    count, had = len(frame.cards), before.cards if before else ()
    alike = [before is not None and (n < count) == (n < len(had)) for n in range(MOST)]
    columns = [gr.skip() if alike[n] else gr.Column(visible=n < count) for n in range(MOST)]
    parts: list[Any] = []
    for number in range(MOST):
        if number >= count or (number < len(had) and frame.cards[number] == had[number]):
            parts += [gr.skip()] * 3
        else:
            now = frame.cards[number]
            parts += [
                now.head,
                gr.Markdown(now.answer, visible=bool(now.answer)),
                gr.Markdown(now.own, visible=bool(now.own)),
            ]
    return [*columns, *parts]


def _text(gr: Any, name: str) -> Any:
    return gr.Markdown("", latex_delimiters=LATEX, sanitize_html=True, elem_classes=name, visible=False, buttons=[])
