"""The MCP tools of the page answer in JSON; Gradio would write Python's own notation, which nothing else reads."""

from __future__ import annotations

import json
from typing import Any


def answer_in_json(server: Any) -> None:
    """Let the `GradioMCPServer` of a launched page give every value that a tool returns as one JSON text."""

    def as_json(data: list[Any], root_url: str) -> list[Any]:
        return [server.types.TextContent(type="text", text=json.dumps(one, ensure_ascii=False)) for one in data]

    server.postprocess_output_data = as_json
