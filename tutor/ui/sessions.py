"""What the server remembers of the conversations: the states of their pages, of each a few kilobytes."""

from __future__ import annotations

from copy import copy
from typing import Any

from gradio.state_holder import SessionState, StateHolder

MOST_SESSIONS = 300
"""Conversations that are remembered; the one that was asked nothing for longest is forgotten first."""

_HOUR = 3600
"""Seconds that a conversation is remembered once its page was closed."""


class Unkept(dict[int, Any]):
    """Takes everything and holds nothing."""

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: int) -> dict[str, Any]:
        return {}

    def __setitem__(self, key: int, value: Any) -> None:
        return None


class Session(SessionState):  # type: ignore[misc]
    """A session without the copy of all settings of all components that gradio makes for each, which only links to a
    state of the page would need: 160 KB and 30 ms of a processor."""

    def __init__(self, blocks: Any) -> None:
        self.blocks_config = copy(blocks.default_config)
        self.config_values = Unkept()
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = _HOUR


class Sessions(StateHolder):  # type: ignore[misc]
    """The sessions of a page, by the names that their browsers gave them."""

    def __init__(self, blocks: Any) -> None:
        """Takes the place of the sessions of `blocks`."""
        super().__init__()
        self.set_blocks(blocks)
        self.capacity = MOST_SESSIONS

    def __getitem__(self, session_id: str) -> Session:
        if session_id not in self.session_data:
            self.session_data[session_id] = Session(self.blocks)
        found: Session = super().__getitem__(session_id)
        return found
