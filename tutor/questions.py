"""Question sets: what is asked, what a right answer holds, and how an answer is held against that.

A question is {"id", "question", "answerable", "gold": [{"quote"}, ...], "also"?: [{"quote", "complete"}, ...],
"reference", "key_facts", "split"?, "kind"?, "history"?: [[question, answer], ...]}. `also` are other places that
answer it, as were found by reading the first passages that the search finds without the ranker (pooled relevance
judgements, as in TREC); those that are complete count as evidence, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutor.ask import read_history
from tutor.errors import TutorError


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question of a set. `gold`: quotes any of which is evidence; `key_facts`: what a right answer must contain;
    `history`: the (question, answer) turns before it; `kind`: what it asks for, such as "why"."""

    id: str
    question: str
    answerable: bool
    gold: tuple[str, ...]
    reference: str
    key_facts: tuple[str, ...]
    split: str
    history: tuple[tuple[str, str], ...] = ()
    kind: str = ""


def read_questions(paths: Sequence[Path], split: str | None) -> list[Question]:
    """Questions of the files, of one split where named; TutorError where a line cannot be used."""
    from lm.data import numbered_records

    questions = []
    for path in paths:
        for number, record in numbered_records(path):
            history = tuple(read_history(record, f"{path}, line {number}"))
            try:
                question = Question(
                    id=str(record["id"]),
                    question=str(record["question"]),
                    answerable=bool(record["answerable"]),
                    gold=tuple(str(gold["quote"]) for gold in (*(record.get("gold") or ()), *_complete(record))),
                    reference=str(record.get("reference") or ""),
                    key_facts=tuple(str(fact) for fact in record.get("key_facts") or ()),
                    split=str(record.get("split", "")),
                    history=history,
                    kind=str(record.get("kind") or ""),
                )
            except (KeyError, TypeError, ValueError) as fault:
                raise TutorError(f"{path}, line {number} lacks {fault}; see python -m tutor.evaluate --help") from None
            if split is None or question.split in ("", split):
                questions.append(question)
    if not questions:
        raise TutorError(
            f"no {split or ''} question in {', '.join(map(str, paths)) or 'no file'}; name a question file"
        )
    return questions


def _complete(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in record.get("also") or () if one["complete"]]


def shipped_or_named(paths: Sequence[Path], split: str | None) -> list[Question]:
    """Questions of the named files, by default those of the shipped course and of them the dev split."""
    import corpus

    if paths:
        return read_questions(paths, split)
    return read_questions(sorted((Path(corpus.__path__[0]) / "questions").glob("*.jsonl")), split or "dev")


def fold(text: str) -> str:
    """Text for comparison: one space for any white space, no case, no Markdown emphasis."""
    return re.sub(r"\s+", " ", re.sub(r"[*_`]+", "", text)).strip().casefold()


def holds(passage: str, gold: Sequence[str]) -> bool:
    """Whether a passage contains one of the gold quotes."""
    folded = fold(passage)
    return any(fold(quote) in folded for quote in gold)


def has_facts(text: str, facts: Sequence[str]) -> bool:
    """Whether a text contains every key fact, as whole words.

    >>> has_facts("The gates are open.", ["gate"]), has_facts("D is Y(1 - Y).", ["(1 - Y)"])
    (False, True)
    """
    folded = fold(text)
    return all(re.search(_whole_words(fold(fact)), folded) for fact in facts)


def _whole_words(words: str) -> str:
    """The pattern of words that do not go on before or behind; a formula may stand next to anything."""
    before, behind = (r"(?<!\w)" if words[:1].isalnum() else "", r"(?!\w)" if words[-1:].isalnum() else "")
    return f"{before}{re.escape(words)}{behind}"


def plain(text: str) -> str:
    """An answer without its citation markers."""
    return re.sub(r"\s*\[\d+\]", "", text)
