"""A page that is loaded again in its window goes on with its conversation, as long as the server remembers it.

The browser keeps a name of the conversation that nobody can guess as long as its window is open; the server knows the
conversation by that name, and who had it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tutor.ui.chat import Turn, panels_json, stopped
from tutor.ui.talk import Column

_NAME = "() => [sessionStorage.getItem('glassbox-conversation') || '']"
_KEEP = "(name) => { sessionStorage.setItem('glassbox-conversation', name); }"


def wire_resuming(gr: Any, page: Any, column: Column, panel: Any) -> None:
    """Let the page look for its conversation when it is loaded."""
    told, known = gr.Textbox(visible="hidden", label="Conversation", interactive=False), gr.State(("", ""))

    def resumed(before: str, request: Any) -> tuple[Any, ...]:
        user, name = request.username or "", secrets.token_urlsafe(18)
        states = (one.state_data for one in list(page.app.state_holder.session_data.values()))
        turns = remembered(states, (before, user), known._id, column.turns._id)
        if not turns:
            return gr.skip(), gr.skip(), gr.skip(), (name, user), name
        shown = stopped(turns)
        return shown.messages(), panels_json(shown.turns), shown.turns, (name, user), name

    resumed.__annotations__["request"] = gr.Request
    private = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
    loaded = page.load(resumed, told, [column.chat, panel, column.turns, known, told], js=_NAME, **private)
    loaded.then(None, told, None, js=_KEEP, api_visibility="private")


def remembered(
    states: Iterable[Mapping[int, Any]], known: tuple[str, str], known_id: int, turns_id: int
) -> Sequence[Turn]:
    """The turns of the conversation of that name that this user had, by the states of all of them; none where it is
    forgotten. `known_id` and `turns_id` are the numbers of the states that hold name and user, and the turns."""
    if not known[0]:
        return ()
    found = next((state for state in states if state.get(known_id) == known), {})
    turns: Sequence[Turn] = found.get(turns_id, ())
    return turns
