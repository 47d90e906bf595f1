"""What MCP clients get of the page's functions."""

import json
from types import SimpleNamespace

from fake_tutor import answer_for

from tutor.ui.tools import answer_in_json


def test_a_tool_answers_in_json() -> None:
    server = SimpleNamespace(types=SimpleNamespace(TextContent=dict))
    answer_in_json(server)
    answer = answer_for("What does the forget gate do?").to_json()
    (content,) = server.postprocess_output_data([answer], "http://127.0.0.1")
    assert content["type"] == "text"
    assert json.loads(content["text"]) == answer
    assert json.loads(server.postprocess_output_data([[None, True, "ä"]], "")[0]["text"]) == [None, True, "ä"]
