"""Ask from the command line.

    python -m tutor.ask "What does the forget gate do?"
    python -m tutor.ask --batch questions.jsonl --output predictions.jsonl

A batch line is {"id", "question", "history"?}; an output line {"id", "answer", "refused", "citations", "passages",
"seconds"}, and "error" where the question could not be asked. A history is a list of [question, answer] pairs, of
{"question", "answer"} or of chat messages, {"role", "content"}.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tutor.errors import TutorError

if TYPE_CHECKING:
    from tutor.answer import Answer, History
    from tutor.tutor import Tutor


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m tutor.ask", description="Ask a question about the course.")
    cli.add_argument("question", nargs="?", help="the question")
    cli.add_argument("--batch", type=Path, help='questions, one {"id", "question", "history"?} a line')
    cli.add_argument("--output", type=Path, help="where the answers of --batch go, one a line")
    cli.add_argument("--store", type=Path, help="store to search; by default the shipped lectures")
    cli.add_argument("--model", help="model to answer with: a name that ships, or a checkpoint directory")
    cli.add_argument("--device", help="cpu or cuda; by default a GPU where there is one")
    cli.add_argument("-k", type=int, default=5, help="passages to read (default 5)")
    cli.add_argument("--course", help="search in this course only")
    cli.add_argument("--document", action="append", help="search in this document only; repeat for several")
    cli.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    return cli


def read_batch(path: Path) -> list[dict[str, Any]]:
    """The lines of a batch; TutorError names the first one that cannot be used."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as fault:
        raise TutorError(f"cannot read {path}: {fault}") from None
    records = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as fault:
            why = getattr(fault, "msg", fault)
            raise TutorError(f"{path}, line {number} is not JSON ({why}); mend the line") from None
        if not isinstance(record, dict) or "id" not in record or not isinstance(record.get("question"), str):
            raise TutorError(f'{path}, line {number} needs "id" and "question"; mend the line')
        read_history(record, f"{path}, line {number}")
        records.append(record)
    if not records:
        raise TutorError(f"{path} holds no question; write one JSON object a line")
    return records


def read_history(record: dict[str, Any], place: str) -> History:
    """The turns of a record: pairs, objects with question and answer, or chat messages."""
    turns: list[tuple[str, str]] = []
    history = record.get("history") or []
    history = history if isinstance(history, list) else [None]
    if all(isinstance(turn, dict) and "role" in turn for turn in history):
        history = _paired(history)
    for turn in history:
        pair = [turn.get("question"), turn.get("answer")] if isinstance(turn, dict) else turn
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
            raise TutorError(f'{place}: "history" must be a list of [question, answer] pairs; mend the line')
        turns.append((pair[0], pair[1]))
    return turns


def _paired(messages: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Chat messages as [question, answer] pairs; those before the first question and of other roles are left out."""
    turns: list[list[Any]] = []
    for message in messages:
        if message["role"] == "user":
            turns.append([message.get("content"), ""])
        elif message["role"] == "assistant" and turns:
            turns[-1][1] = message.get("content")
    return turns


def answer_batch(tutor: Tutor, records: Sequence[dict[str, Any]], output: Path, arguments: argparse.Namespace) -> int:
    """Answer every record; the output file appears when all are done. Returns how many could not be asked."""
    failed = 0
    part = output.with_name(output.name + ".part")
    # An identity may hold half a character: it goes out as the escape it came as.
    with part.open("w", encoding="utf-8", errors="backslashreplace") as file:
        try:
            for number, record in enumerate(records, 1):
                line = _asked(tutor, record, arguments)
                failed += "error" in line
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                if sys.stderr.isatty() or number % 50 == 0 or number == len(records):
                    print(f"\r{number}/{len(records)} questions ", end="", file=sys.stderr, flush=True)
        except BaseException:
            print(f"\ntutor.ask: ended early; what was answered before is in {part}", file=sys.stderr)
            raise
    print(file=sys.stderr)
    part.replace(output)
    return failed


def _asked(tutor: Tutor, record: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """The output line of a record, with `error` where it could not be asked."""
    started = time.perf_counter()
    try:
        found = tutor.ask(
            record["question"],
            read_history(record, str(record["id"])),
            arguments.k,
            course=arguments.course,
            documents=arguments.document,
            trace=False,
        )
        line = batch_line(record["id"], found)
    except TutorError as fault:
        line = {"id": record["id"], "answer": "", "refused": True, "citations": [], "passages": []}
        line["error"] = str(fault)
    return line | {"seconds": round(time.perf_counter() - started, 4)}


def batch_line(identity: Any, answer: Answer) -> dict[str, Any]:
    """An output line, but for the seconds."""
    whole = answer.to_json()
    return {
        "id": identity,
        "answer": answer.text,
        "refused": answer.refused,
        "citations": whole["citations"],
        "passages": [hit.passage.text for hit in answer.passages],
    }


def show(answer: Answer) -> str:
    """The answer with its sources, for a terminal."""
    lines = [answer.text]
    if answer.citations:
        lines.append("")
    lines += [f"[{citation.number}] {citation.passage.locator.describe()}" for citation in answer.citations]
    seconds = answer.timings.get("total", 0.0)
    how = ", an overview" if answer.overview else ", quoted word for word" if answer.extractive else ""
    lines.append(f"\n{answer.model}, {seconds:.2f} s{how}")
    return "\n".join(lines)


def _check(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Everything that can be wrong without loading a model."""
    if (arguments.question is None) == (arguments.batch is None):
        raise TutorError('give a question, or --batch FILE; for example: python -m tutor.ask "What is attention?"')
    if (arguments.batch is None) != (arguments.output is None):
        raise TutorError("--batch and --output go together")
    if arguments.k < 1:
        raise TutorError(f"-k is {arguments.k}; it must be at least 1")
    if arguments.batch is None:
        return []
    if arguments.output.is_dir():
        raise TutorError(f"{arguments.output} is a folder; name a file for --output")
    if not arguments.output.absolute().parent.is_dir():
        raise TutorError(f"there is no folder {arguments.output.absolute().parent}; make it first")
    return read_batch(arguments.batch)


def _run(arguments: argparse.Namespace) -> int:
    records = _check(arguments)
    if arguments.question is not None and not arguments.question.strip():
        raise TutorError("the question is empty; ask something about the course")
    from tutor.tutor import Tutor

    tutor = Tutor.load(arguments.store, arguments.model, arguments.device)
    if records:
        failed = answer_batch(tutor, records, arguments.output, arguments)
        if failed:
            print(
                f"tutor.ask: {failed} of {len(records)} questions could not be asked; see their error", file=sys.stderr
            )
        return 1 if failed else 0
    answer = tutor.ask(
        arguments.question, k=arguments.k, course=arguments.course, documents=arguments.document, trace=False
    )
    print(json.dumps(answer.to_json(), ensure_ascii=False, indent=2) if arguments.json else show(answer))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input, store or model."""
    arguments = parser().parse_args(argv)
    from index.errors import StoreError
    from index.terminal import print_anything

    print_anything()
    try:
        return _run(arguments)
    except (ValueError, StoreError, OSError) as fault:
        print(f"tutor.ask: {fault}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
