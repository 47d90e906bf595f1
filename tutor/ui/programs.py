"""What the page says to those who want to call it from a program."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from typing import Any

from tutor.ui.answering import QUEUE
from tutor.ui.api import ANSWERING, Endpoint

_TEXT = """\
Programs can call what stands here and nothing else of the page. With the Python client (`pip install gradio_client`):

```python
from gradio_client import Client

client = Client("ADDRESS")
answer = client.predict("What does the forget gate do?", None, api_name="/ask")
print(answer["answer"], [one["passage"]["document"] for one in answer["citations"]])
```

ENDPOINTS

Without a client, `POST ADDRESS/gradio_api/call/ask` with `{"data": ["What does the forget gate do?", null]}` gives an
`event_id`, and `GET ADDRESS/gradio_api/call/ask/EVENT_ID` the answer as the last event. When the page is started with
`--mcp`, MCP clients find the same functions as tools at `ADDRESS/gradio_api/mcp/`. An error is one line.
"""

_AT_HERE = "() => %s.replaceAll('ADDRESS', location.origin + location.pathname.replace(/\\/$/, ''))"
"""Puts the address of the page, as the browser knows it, into the text."""


def programs_text(endpoints: Sequence[Endpoint]) -> str:
    """How to call the endpoints, each with its arguments and its purpose from its docstring, as Markdown."""
    return _TEXT.replace("ENDPOINTS", "\n".join(_described(one) for one in endpoints))


def _described(endpoint: Endpoint) -> str:
    summary, _, _ = inspect.cleandoc(endpoint.__doc__ or "").partition("\n\n")
    arguments = ", ".join(
        name if one.default is inspect.Parameter.empty else f"{name}={one.default}"
        for name, one in inspect.signature(endpoint).parameters.items()
    )
    return f"- `/{endpoint.__name__}({arguments})`: {' '.join(summary.split())}"


def programs_section(gr: Any, endpoints: Sequence[Endpoint]) -> None:
    """A closed section with that text, and the endpoints themselves."""
    told = programs_text(endpoints)
    with gr.Accordion("For programs", open=False, elem_id="gb-programs") as section:
        text = gr.Markdown(told, sanitize_html=True, buttons=[])
    section.expand(None, None, text, js=_AT_HERE % json.dumps(told), api_visibility="private")
    for endpoint in endpoints:
        queue = QUEUE if endpoint.__name__ in ANSWERING else None
        gr.api(endpoint, api_name=endpoint.__name__, concurrency_id=queue)
