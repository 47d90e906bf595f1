"""The conversation to take away."""

import json
from dataclasses import replace

import pytest
from fake_tutor import HOSTILE, SENTENCE, FakeTutor
from markdown_it import MarkdownIt

from tutor.ui.chat import respond
from tutor.ui.export import FORMAT, conversation_json, conversation_markdown
from tutor.ui.loading import Loading

QUESTION = "What does the forget gate do?"
TABBED = "owl\tmetres\tnest\neagle owl\t1.8\tcliff\nbarn owl\t0.9\ttree\n\nThey fly."
TABLE = (
    "The table compares owls.\n\n| owl | metres |\n|:---|------:|\n| eagle owl | 1.8 |\n| barn owl | 0.9 |\n\nThey fly."
)


def talked(*questions: str):
    """The turns of a conversation with the fake tutor."""
    loading = Loading(FakeTutor)
    loading.start()
    loading.get()
    turns = ()
    for question in questions:
        turns = list(respond(loading, question, turns))[-1].turns
    return turns


def test_json_holds_answers_with_their_citations() -> None:
    found = json.loads(conversation_json(talked(QUESTION, "How do I cook pasta?", "a long question")))
    assert (found["format"], found["program"]) == (FORMAT, "Glassbox")
    answered, refused = found["turns"]
    assert (answered["question"], answered["refused"], answered["model"]) == (QUESTION, False, "fake")
    assert answered["generation"] == "000001"
    assert answered["citations"][0]["quotes"] == [SENTENCE]
    assert answered["citations"][0]["passage"]["source"] == "14-lstm.md"
    assert (refused["refused"], refused["citations"]) == (True, [])


def test_markdown_quotes_the_sources() -> None:
    text = conversation_markdown(talked(QUESTION, "a long question"))
    assert text.startswith("# A conversation with Glassbox\n\n## What does the forget gate do?\n\n")
    assert "**[1]** Long short-term memory (14-lstm.md, " in text
    assert f"> {SENTENCE}" in text
    assert "*model fake, index generation 000001, " in text
    assert text.rstrip().endswith("**No answer.** The question has 9,999 characters; ask in at most 2,000.")


def test_the_numbers_of_sources_are_bold_and_those_of_the_lecture_are_not() -> None:
    text = conversation_markdown(talked("What are the numbers?"))
    assert f"{SENTENCE} [2] as of [1] {{[3]}}. **[1]** It is computed as" in text
    assert "with a gate vector **[2]**.\n\nSources:\n\n**[1]** Long" in text


def test_an_empty_conversation_is_a_file_all_the_same() -> None:
    assert conversation_markdown(()) == "# A conversation with Glassbox\n"
    assert json.loads(conversation_json(()))["turns"] == []


def test_a_question_cannot_break_out_of_its_heading() -> None:
    text = conversation_markdown(talked(f"# {HOSTILE}"))
    assert "<img" not in text.split("\n\n")[1]
    assert text.split("\n\n")[1].startswith("## \\# ")


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (["The table compares owls.\n\n| owl | metres |", "| eagle owl | 1.8 |\n| barn owl | 0.9 |\n\nThey fly."], 3),
        (["| owl | metres |", "| barn owl | 0.9 |"], 2),
        (["| eagle owl | 1.8 |"], 2),
        ([TABLE], 3),
        (["owl\tmetres\tnest", "barn owl\t0.9\ttree\n\nThey fly."], 2),
    ],
)
def test_rows_that_were_quoted_are_a_table_in_markdown(words: list[str], rows: int) -> None:
    table = TABBED if "\t" in words[0] else TABLE
    (turn,) = talked(QUESTION)
    first, *_ = turn.record["citations"]
    spans = [[table.index(one), table.index(one) + len(one)] for one in words]
    first = {**first, "passage": {**first["passage"], "text": table}, "passage_spans": spans}
    turn = replace(turn, record={**turn.record, "citations": [first]})
    text = conversation_markdown([turn])
    shown = MarkdownIt("commonmark").enable("table").render(text)
    assert "|" not in shown
    assert (shown.count("<table>"), shown.count("<tr>")) == (1, rows)
    assert all(f"<p>{line}</p>" in shown for line in ("The table compares owls.", "They fly.") if line in str(words))
    assert json.loads(conversation_json([turn]))["turns"][0]["citations"][0]["quotes"] == words
