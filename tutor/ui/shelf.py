"""The tab of the lectures: one to read, what is indexed, and the means to add lectures and to remove them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from corpus.readers import FORMATS
from tutor.ui import lectures
from tutor.ui.chat import BUG, one_line
from tutor.ui.drawing import LATEX, drawn, inert_json
from tutor.ui.library import KEPT, LONGEST_COURSE, Health, Library, Status
from tutor.ui.loading import Loading, user_errors
from tutor.ui.payload import visible
from tutor.ui.rebuilding import LibraryError
from tutor.ui.receiving import LARGEST_FILE, MOST_FILES

SCRIPTS = ("elements.js", "library.js")
PROGRESS_SCRIPTS = ("elements.js", "progress.js")

_EMPTY = "*The index is empty; build it with* `python -m index.build`."
_ADD = (
    f"{', '.join(known.name for known in FORMATS)}, and ZIP archives of them; at most {LARGEST_FILE / 1e6:,.0f} MB and "
    f"{MOST_FILES} files at once. They are kept beside the index on the machine that serves this page; a file of the "
    "same name is replaced."
)


def library_json(library: Library, loading: Loading, health: Health | None = None) -> str:
    """What is indexed, as the page draws it. Raises NotLoaded."""
    documents = [
        {
            "course": visible(one.course),
            "source": one.source,
            "title": visible(one.title),
            "passages": one.passages,
            "origin": one.origin,
            "warnings": [visible(warning) for warning in one.warnings],
            "reason": visible(one.reason),
        }
        for one in library.documents()
    ]
    store = loading.get().store
    values = {
        "generation": store.generation,
        "created": store.created,
        "uploads": library.uploads,
        "kept": KEPT,
        "documents": documents,
        "health": asdict(health) if health else None,
    }
    return inert_json(values)


def status_json(status: Status) -> str:
    """How far a change is, or what it did, as the page draws it."""
    values = asdict(status)
    if status.difference is not None:
        values["difference"]["rejected"] = [
            [visible(part) for part in astuple(one)] for one in status.difference.rejected
        ]
    return inert_json(values)


def fault_json(fault: Exception) -> str:
    """An error in the place of what was asked for: its line if it was meant for the reader."""
    if not isinstance(fault, user_errors()):
        traceback.print_exception(fault)
        return inert_json({"fault": BUG})
    line = " ".join(str(fault).split())
    return inert_json({"fault": line[:1].upper() + line[1:]})


def lectures_tab(gr: Any, loading: Loading, library: Library, tab: Any) -> tuple[Any, Any]:
    """Fill the tab; its choice of a lecture and the text of it. The index may only be changed where `library.uploads`
    says so."""
    private = {"api_visibility": "private", "show_progress": "hidden"}
    choice = gr.Dropdown([], label="Lecture", elem_id="gb-lecture")
    with gr.Accordion("What is indexed", open=False, elem_id="gb-index"):
        shelf = drawn(gr, "gb-library", SCRIPTS, elem_id="gb-library")
        check = gr.Button("Check the index", size="sm", elem_id="gb-check")
    change = _change(gr) if library.uploads else None
    progress = drawn(gr, "gb-change", PROGRESS_SCRIPTS, elem_id="gb-change")
    text = gr.Markdown(
        "*Loading the lectures…*",
        latex_delimiters=LATEX,
        sanitize_html=True,
        elem_id="gb-lecture-text",
        height="calc(100vh - 352px)",
        buttons=[],
    )
    clock = gr.Timer(1.0, active=False)

    def opened(chosen: str | None) -> tuple[Any, ...]:
        status = library.status
        told = status_json(status) if status.busy else gr.skip()
        try:
            store = loading.get().store
            found = lectures.choices(store)
            listed = library_json(library, loading)
        except Exception as fault:
            if not isinstance(fault, user_errors()):
                raise
            return gr.skip(), one_line(fault), fault_json(fault), told, gr.Timer(active=False)
        keys = [key for _, key in found]
        chosen = chosen if chosen in keys else next(iter(keys), None)
        shown = lectures.read(store, chosen) if chosen else _EMPTY
        dropdown = gr.Dropdown(choices=found, value=chosen)
        return dropdown, shown, listed, told, gr.Timer(active=status.busy)

    def ticked(chosen: str | None) -> tuple[Any, ...]:
        status = library.status
        if status.busy:
            return gr.skip(), gr.skip(), gr.skip(), status_json(status), gr.skip()
        dropdown, shown, listed, _, timer = opened(chosen)
        return dropdown, shown, listed, status_json(status), timer

    def checked() -> str:
        try:
            return library_json(library, loading, library.health())
        except Exception as fault:
            return fault_json(fault)

    outputs = [choice, text, shelf, progress, clock]
    tab.select(opened, choice, outputs, queue=False, **private)
    clock.tick(ticked, choice, outputs, queue=False, **private)
    choice.input(lambda chosen: lectures.read(loading.get().store, chosen), choice, text, queue=False, **private)
    check.click(checked, None, shelf, **{**private, "show_progress": "full"})
    if change is not None:
        _wire(gr, library, change, shelf, progress, clock)
    return choice, text


def uploaded(paths: Sequence[str], folder: Path) -> list[Path]:
    """The files of these paths. Raises LibraryError for one that is not in the folder that uploads come into: whoever
    talks to the page without a browser can name any."""
    found = [Path(path) for path in paths]
    if not all(path.resolve().is_relative_to(folder.resolve()) for path in found):
        raise LibraryError("a file was named that was never uploaded; upload it first")
    return found


def _change(gr: Any) -> tuple[Any, Any, Any]:
    """The form that adds lectures: files, course, button."""
    with gr.Accordion("Add your lectures", open=False, elem_id="gb-add"):
        gr.Markdown(_ADD, elem_classes="gb-lead", buttons=[])
        files = gr.File(label="Files", file_count="multiple", height=160, elem_id="gb-files")
        course = gr.Textbox(
            label="Course",
            placeholder="A new name, or that of a course in the index",
            max_length=LONGEST_COURSE,
            max_lines=1,
            elem_id="gb-course",
        )
        add = gr.Button("Add to the index", variant="primary", elem_id="gb-add-button")
    return files, course, add


def _wire(gr: Any, library: Library, change: tuple[Any, Any, Any], shelf: Any, progress: Any, clock: Any) -> None:
    from gradio.utils import get_upload_folder

    private = {"api_visibility": "private", "show_progress": "hidden"}
    files, course, add = change

    def begun(begin: Callable[[], None]) -> tuple[str, Any, bool]:
        """What the page shows of a change that was asked for, and whether it was begun."""
        try:
            begin()
        except Exception as fault:
            return fault_json(fault), gr.skip(), False
        return status_json(library.status), gr.Timer(active=True), True

    def added(paths: list[str] | None, name: str | None) -> tuple[Any, ...]:
        shown, timer, ok = begun(lambda: library.add(uploaded(paths or [], Path(get_upload_folder())), name or ""))
        return shown, timer, gr.File(value=None) if ok else gr.skip()

    def discarded(event: Any) -> tuple[Any, ...]:
        shown, timer, _ = begun(lambda: library.remove(str(event.course), str(event.source)))
        return shown, timer

    # Gradio passes the event by the annotation, which has to be the class itself and not its name.
    discarded.__annotations__["event"] = gr.EventData
    gr.on([add.click, course.submit], added, [files, course], [progress, clock, files], **private)
    shelf.discard(discarded, None, [progress, clock], **private)
