"""A conversation to take away, with its citations: as Markdown to read, as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from corpus.sentences import sentence_spans
from corpus.tables import is_rule
from tutor.candidate import Candidate, Kind, candidate
from tutor.hint import inert
from tutor.table import empty_head, in_bars, rule
from tutor.ui.chat import Turn
from tutor.ui.markers import bracketed

FORMAT = 1


def conversation_json(turns: Sequence[Turn]) -> str:
    """The turns that were answered or refused, each with the passages it cites and the words that were taken."""
    found = [
        {
            "question": turn.question,
            "answer": turn.answer,
            "refused": turn.record["refused"],
            "model": turn.record["model"],
            "generation": turn.record["generation"],
            "time": turn.record["time"],
            "citations": [{**one, "quotes": quotes(one)} for one in turn.record["citations"]],
        }
        for turn in turns
        if turn.record is not None and turn.answer is not None
    ]
    return json.dumps({"format": FORMAT, "program": "Glassbox", "turns": found}, ensure_ascii=False, indent=2) + "\n"


def conversation_markdown(turns: Sequence[Turn]) -> str:
    """The same for people: question, answer as it was shown, and its sources with the words that were taken.

    The tutor's numbers of sources are bold: bracketed numbers of the lectures are not.
    """
    parts = ["# A conversation with Glassbox"]
    for turn in turns:
        parts += [f"## {inert(turn.question)}", _shown(turn) or "*(no answer)*"]
        if turn.record is None or turn.answer is None:
            continue
        if turn.record["citations"]:
            parts.append("Sources:")
        for one in turn.record["citations"]:
            passage = one["passage"]
            lines = [f"**[{one['number']}]** {inert(passage['document'])} ({inert(passage['place'])})"]
            lines += ["> " + quote.replace("\n", "\n> ") for quote in _quotes_in_markdown(one)]
            parts.append("\n\n".join(lines))
        written = f"model {turn.record['model']}, index generation {turn.record['generation']}, {turn.record['time']}"
        parts.append(f"*{inert(written)}*")
    return "\n\n".join(parts) + "\n"


def _shown(turn: Turn) -> str:
    """What the chat shows of an answer, the tutor's numbers in it bold."""
    answer = turn.answer or ""
    if turn.record is None or not answer or answer not in turn.shown:
        return turn.shown
    spans = [(start, end) for one in turn.record["citations"] for start, end in one["answer_spans"]]
    text, at = "", 0
    for start, end, put in bracketed(answer, spans):
        text += answer[at:start] + (f"**{answer[start:end]}**" if put else answer[start:end])
        at = end
    before, _, after = turn.shown.rpartition(answer)
    return before + text + answer[at:] + after


def quotes(citation: dict[str, Any]) -> list[str]:
    """The stretches of the passage that a citation, as `Answer.to_json` gives it, rests on."""
    text = citation["passage"]["text"]
    return [text[start:end] for start, end in citation["passage_spans"]]


def _quotes_in_markdown(citation: dict[str, Any]) -> list[str]:
    """The same stretches for people: rows of one table are one table again, with a head and its rule."""
    text = citation["passage"]["text"]
    read = [candidate(0, text, start, end, 0.0) for start, end in sentence_spans(text)]
    rows = [one for one in read if one is not None and one.kind is Kind.ROW]
    found: list[str] = []
    last: Candidate | None = None
    for start, end in citation["passage_spans"]:
        inside = [row for row in rows if start <= row.start and row.end <= end]
        for row, at in zip((*inside, None), (start, *(row.end for row in inside)), strict=True):
            before = text[at : row.start if row else end].strip()
            if before and not (last and is_rule(before)):
                found.append(before)
                last = None
            if row and last and row.belongs(last):
                found[-1] += f"\n{in_bars(row.text)}"
            elif row:
                told = in_bars(row.text)
                found.append(f"{told}\n{rule(row.text)}" if row.heads else empty_head(row.text) + told)
            last = row or last
    return found
