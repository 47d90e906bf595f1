"""Measure a model: answers on SQuAD-like questions, or the likelihood of a text.

    python -m lm.evaluate --squad dev.jsonl.gz --model runs/mini/best --predictions out.jsonl
    python -m lm.evaluate --text notes.txt

A line for --squad is {"id", "context", "question", "answers": {"text": [...]}} (or "answers": [{"text"}, ...]). The
model answers with a span from the given paragraph; exact match and F1 are those of SQuAD v1.1, in per cent.
For --text a window of 256 tokens slides over the file by 128, so that each byte is scored once and, but for the
first ones, after at least 128 tokens.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm.metrics import exact_match, f1

if TYPE_CHECKING:
    from lm.checkpoint import Checkpoint
    from lm.reading import Piece, Prompt
    from lm.tokenizer import Tokenizer

_LONGEST_ANSWER = 40
_LONGEST_SENTENCE = 600
_BATCH = 32
_WINDOW, _STRIDE = 256, 128
_SENTENCE_END = re.compile(r"""(?<=[.!?])["')\]]*\s+(?=["'(\[]?[A-Z0-9])|\s*\n\s*""")


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question on a paragraph and the answers that count as right."""

    id: str
    context: str
    question: str
    answers: tuple[str, ...]


def read_questions(path: Path, *, limit: int | None = None) -> list[Question]:
    """The first `limit` questions of a JSON Lines file; DataError names the line that is not one."""
    from lm.data import DataError, numbered_records

    questions = []
    for number, record in islice(numbered_records(path), limit):
        try:
            questions.append(_question(record))
        except (KeyError, TypeError, ValueError) as fault:
            raise DataError(
                f"{path}, line {number} is no question ({type(fault).__name__}: {fault}); "
                'a line is {"id", "context", "question", "answers": {"text": [...]}}'
            ) from None
    if not questions:
        raise DataError(f"{path} holds no questions; give a file with one a line")
    return questions


def _question(record: dict[str, Any]) -> Question:
    answers = record["answers"]
    texts = answers["text"] if isinstance(answers, dict) else [answer["text"] for answer in answers]
    texts = [texts] if isinstance(texts, str) else texts
    fields = [record["context"], record["question"], *texts]
    if not texts or not all(isinstance(field, str) for field in fields):
        raise ValueError("context, question and at least one answer must be texts")
    return Question(id=str(record["id"]), context=fields[0], question=fields[1], answers=tuple(texts))


def sentences(text: str) -> list[str]:
    """Sentences of `text` by a plain rule: end mark, white space, capital or digit. Very long ones are cut at spaces.

    >>> sentences("It rains. Dr. No is e.g. here! 3 left")
    ['It rains.', 'Dr.', 'No is e.g. here!', '3 left']
    """
    found: list[str] = []
    start = 0
    for cut in [*(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]:
        while cut - start > _LONGEST_SENTENCE:
            space = text.rfind(" ", start + 1, start + _LONGEST_SENTENCE)
            middle = space if space > start else start + _LONGEST_SENTENCE
            found.append(text[start:middle].strip())
            start = middle
        found.append(text[start:cut].strip())
        start = cut
    return [sentence for sentence in found if sentence]


def fit(tokenizer: Tokenizer, question: str, texts: Sequence[str], room: int) -> list[Piece]:
    """The sentences that share most words with the question, in reading order, in at most `room` tokens."""
    from lm.reading import Piece, content_stems

    asked = set(content_stems(question))
    shared = [len(asked.intersection(content_stems(text))) for text in texts]
    taken: set[int] = set()
    for number in sorted(range(len(texts)), key=lambda number: (-shared[number], number)):
        cost = len(tokenizer.encode(" " + texts[number]).ids) + 1
        if cost <= room:
            taken.add(number)
            room -= cost
    if not taken and texts:
        # No more than four tokens to a character, since a character has at most four bytes.
        return [Piece(text=texts[max(range(len(texts)), key=shared.__getitem__)][: max(1, room // 4 - 1)])]
    order = sorted(taken)
    return [
        Piece(text=texts[number], gap=place > 0 and order[place - 1] != number - 1)
        for place, number in enumerate(order)
    ]


def prompt_of(tokenizer: Tokenizer, question: Question, context: int) -> Prompt:
    """The reading prompt of a question; where `context` tokens cannot hold it, the least fitting sentences go."""
    from lm.reading import build_prompt

    asked = question.question
    room = context - _LONGEST_ANSWER - 3
    used = len(tokenizer.encode(asked).ids)
    if used > room // 2:
        asked = asked[: room // 8]
        used = len(tokenizer.encode(asked).ids)
    pieces = fit(tokenizer, asked, sentences(question.context), room - used)
    return build_prompt(tokenizer, asked, [pieces], mode="short")


def answers(checkpoint: Checkpoint, questions: Sequence[Question]) -> Iterator[tuple[int, str, int]]:
    """Number of a question, its answer, and tokens read and written; in order of prompt length.

    Prompts of the same length are read as one batch, so none needs padding.
    """
    from lm.generate import generate_batch
    from lm.sampling import Decoding

    tokenizer, model = checkpoint.tokenizer, checkpoint.model
    decoding = Decoding(longest=_LONGEST_ANSWER, may_refuse=False)
    prompts = []
    for number, question in enumerate(questions):
        prompt = prompt_of(tokenizer, question, model.config.context)
        prompts.append((len(prompt.tokens), number, prompt.tokens, prompt.features))
    prompts.sort(key=lambda prompt: prompt[:2])
    for length, group in groupby(prompts, key=lambda prompt: prompt[0]):
        while batch := list(islice(group, _BATCH)):
            written = generate_batch(model, [one[2] for one in batch], [one[3] for one in batch], decoding)
            for (_, number, _, _), tokens in zip(batch, written, strict=True):
                yield number, tokenizer.decode(tokens).strip(), length + len(tokens)


def _show(line: str, last: bool) -> None:
    """Progress, written over on a terminal; into a log goes the last line alone."""
    if sys.stderr.isatty() or last:
        print(f"\r{line} " if sys.stderr.isatty() else line, end="\n" if last else "", file=sys.stderr, flush=True)


def evaluate_squad(
    checkpoint: Checkpoint, questions: Sequence[Question]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Exact match and F1 in per cent over `questions`, with the time it took; and one record per question."""
    started = time.perf_counter()
    records: dict[int, dict[str, Any]] = {}
    tokens = 0
    for number, answer, count in answers(checkpoint, questions):
        question = questions[number]
        scores = {"exact_match": exact_match(answer, question.answers), "f1": f1(answer, question.answers)}
        records[number] = {"id": question.id, "prediction": answer, **scores}
        tokens += count
        last = len(records) == len(questions)
        if len(records) % 20 == 0 or last:
            rate = tokens / (time.perf_counter() - started)
            _show(f"{len(records):,}/{len(questions):,} questions, {rate:,.0f} tokens/s", last)
    seconds = time.perf_counter() - started
    ordered = [records[number] for number in range(len(questions))]
    summary: dict[str, Any] = {
        name: 100 * sum(record[name] for record in ordered) / len(ordered) for name in ("exact_match", "f1")
    }
    return summary | {"questions": len(ordered), "seconds": seconds, "tokens_per_second": tokens / seconds}, ordered


def evaluate_text(checkpoint: Checkpoint, text: str, *, quiet: bool = False) -> dict[str, Any]:
    """Loss per token in nats, perplexity per token and per word, and bits per byte of `text`, every token scored once.
    The progress is shown in the terminal unless `quiet`.

    Words are what white space separates, as in the word-level sets (WikiText and Penn Treebank mark the end of a line
    by a word of its own, so give those files with <eos> in them to compare).
    """
    import torch

    from lm.tokenizer import TEXT

    model, ids = checkpoint.model, checkpoint.tokenizer.encode(text).ids
    if not ids:
        raise ValueError("the text is empty; give a file with at least one character")
    device = model.embedding.weight.device
    window = min(_WINDOW, model.config.context)
    total = 0.0
    with torch.inference_mode():
        for start in range(0, len(ids), _STRIDE):
            begin = max(0, start + _STRIDE - window)
            known, scored = ids[begin:start], ids[start : start + _STRIDE]
            tokens = torch.tensor([[TEXT, *known, *scored[:-1]]], device=device)
            answer = torch.tensor([[-1] * len(known) + scored], device=device)
            prompt = torch.ones(1, dtype=torch.long, device=device)
            losses = model.losses(tokens, torch.zeros_like(tokens), prompt, answer, torch.full_like(answer, -1))
            total += float(losses.nll[losses.mask].double().sum())
            if not quiet:
                _show(f"{start + len(scored):,}/{len(ids):,} tokens", start + _STRIDE >= len(ids))
    size, words = len(text.encode()), len(text.split())
    return {
        "loss": total / len(ids),
        "perplexity": math.exp(total / len(ids)),
        "perplexity_per_word": math.exp(min(700.0, total / max(1, words))),
        "bits_per_byte": total / math.log(2) / size,
        "tokens": len(ids),
        "words": words,
        "bytes": size,
    }


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m lm.evaluate", description="Measure a model.")
    what = cli.add_mutually_exclusive_group(required=True)
    what.add_argument("--squad", type=Path, help="questions on paragraphs, .jsonl or .jsonl.gz: exact match and F1")
    what.add_argument("--text", type=Path, help="a UTF-8 text file: loss, perplexity and bits per byte")
    cli.add_argument("--model", help="checkpoint name or directory")
    cli.add_argument("--limit", type=int, help="only the first so many questions")
    cli.add_argument("--predictions", type=Path, help="write the answer to every question to this .jsonl file")
    cli.add_argument("--json", action="store_true", help="print one JSON object")
    cli.add_argument("--device", default="cpu")
    return cli


def _evaluate(arguments: argparse.Namespace) -> dict[str, Any]:
    from lm.checkpoint import load, write_atomically

    if arguments.limit is not None and arguments.limit < 1:
        raise ValueError(f"--limit is {arguments.limit}; it must be at least 1")
    if arguments.squad is None:
        if arguments.predictions or arguments.limit:
            raise ValueError("--predictions and --limit go with --squad; leave them out with --text")
        try:
            # Not `read_text`, which would drop the carriage returns of a file that has them.
            text = arguments.text.read_bytes().decode("utf-8")
        except UnicodeDecodeError as fault:
            raise ValueError(f"{arguments.text} is not UTF-8 text ({fault}); convert it first") from None
        checkpoint = load(arguments.model, device=arguments.device)
        return {"model": checkpoint.name, **evaluate_text(checkpoint, text)}
    if arguments.predictions and not arguments.predictions.absolute().parent.is_dir():
        raise ValueError(f"there is no folder {arguments.predictions.absolute().parent}; make it first")
    questions = read_questions(arguments.squad, limit=arguments.limit)
    checkpoint = load(arguments.model, device=arguments.device)
    summary, records = evaluate_squad(checkpoint, questions)
    if arguments.predictions:
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        write_atomically(arguments.predictions, lines.encode())
    return {"model": checkpoint.name, **summary}


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 with one line on a fault of input."""
    arguments = parser().parse_args(argv)
    try:
        result = _evaluate(arguments)
    except (ValueError, OSError) as fault:
        print(f"lm.evaluate: {fault}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name.replace('_', ' '):18} {value:,.3f}" if isinstance(value, float) else f"{name:18} {value}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
