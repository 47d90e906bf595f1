"""Runs what a lecture claims: its blocks of Python, and the expressions behind its numbers.

A child process does it, so that the room stays light and a snippet that hangs can be ended.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

from corpus.course import Lecture, Record, Snippet

_LIMIT = 60
"""Seconds for the import of torch, to which come five for each lecture."""

_RUNNER = """
import contextlib, io, json, sys, traceback, warnings
warnings.simplefilter("ignore")
import math, numpy
names = {**vars(math), "np": numpy, "sum": sum, "pow": pow}
for line in sys.stdin:
    job, space, results = json.loads(line), {"__name__": "lecture"}, []
    if any("torch" in code for code in job["expressions"]):
        import torch
        names["torch"] = torch
    for code in job["blocks"]:
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                exec(compile(code, "snippet", "exec"), space)
            results.append({"output": out.getvalue()})
        except Exception:
            results.append({"error": traceback.format_exc().strip().splitlines()[-1]})
    for code in job["expressions"]:
        try:
            value = eval(code, dict(names))
            results.append({"value": value if isinstance(value, bool) else float(value)})
        except Exception as fault:
            results.append({"error": f"{type(fault).__name__}: {fault}"})
    print(json.dumps(results), flush=True)
"""


def snippet_faults(lectures: Sequence[Lecture], numbers: Mapping[str, Sequence[Record]]) -> Iterator[str]:
    """One line for every block that fails or prints something else than the block of text below it, and for every
    number that its expression does not give; `numbers` by name of the lecture."""
    jobs = [
        {
            "blocks": [one.code for one in _blocks(lecture)],
            "expressions": [str(one.values.get("expression", "")) for one in numbers.get(lecture.name, ())],
        }
        for lecture in lectures
    ]
    answers = _run(jobs)
    for lecture, results in zip(lectures, answers, strict=False):
        yield from _block_faults(lecture, results)
        for record, result in zip(numbers.get(lecture.name, ()), results[len(_blocks(lecture)) :], strict=True):
            yield from _number_faults(record, lecture, result)
    if len(answers) < len(lectures):
        yield f"{lectures[len(answers)].name}: a snippet ends the process or takes too long"


def uncovered_numbers(lecture: Lecture, numbers: Sequence[Record]) -> Iterator[str]:
    """One line for every number with a decimal point in the worked example that nothing recomputes."""
    known = " ".join(f"{one.values.get('number', '')} {one.values.get('expression', '')}" for one in numbers)
    code = " ".join(one.code for one in lecture.snippets)
    covered = set(re.findall(r"\d+\.\d+", known + " " + code))
    for section in lecture.sections:
        if section.heading.startswith("Worked example"):
            text = lecture.text[section.start : section.end]
            for number in sorted(set(re.findall(r"\d+\.\d+", text)) - covered):
                yield f"{lecture.name}: nothing recomputes {number} of the worked example; add a line to numbers/"


def _blocks(lecture: Lecture) -> list[Snippet]:
    return [one for one in lecture.snippets if one.language == "python"]


def _block_faults(lecture: Lecture, results: Sequence[dict[str, object]]) -> Iterator[str]:
    for block, result in zip(_blocks(lecture), results, strict=False):
        line = lecture.text.count("\n", 0, block.start) + 1
        if "error" in result:
            yield f"{lecture.name}:{line}: {result['error']}"
            continue
        after = lecture.text[block.start :].split("```", 2)[2].lstrip()
        shown = after.split("\n", 1)[1].split("```", 1)[0] if after.startswith("```text") else ""
        printed = str(result["output"]).rstrip()
        if printed != shown.rstrip():
            yield f"{lecture.name}:{line}: prints {printed!r}, the lecture shows {shown.rstrip()!r}"


def _number_faults(record: Record, lecture: Lecture, result: dict[str, object]) -> Iterator[str]:
    quote, number = str(record.values.get("quote", "")), str(record.values.get("number") or "")
    if not quote or quote not in lecture.text:
        yield f"{record.place}: the quote {quote!r} does not stand in {lecture.name}"
    elif "error" in result:
        yield f"{record.place}: {result['error']}"
    elif not number:
        if result["value"] is not True:
            yield f"{record.place}: the expression gives {result['value']}, not True"
    elif number not in quote:
        yield f"{record.place}: {number} does not stand in its quote"
    else:
        decimals = len(number.partition(".")[2])
        value = float(str(result["value"]))
        if abs(value - float(number.replace(",", ""))) > 0.5000001 * 10**-decimals:
            yield f"{record.place}: the lecture says {number}, the expression gives {value:.10g}"


def _run(jobs: Sequence[dict[str, list[str]]]) -> list[list[dict[str, object]]]:
    """What the jobs gave, as far as the child process came."""
    command = [sys.executable, "-c", _RUNNER]
    lines = "".join(json.dumps(job) + "\n" for job in jobs)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    try:
        limit = _LIMIT + 5 * len(jobs)
        output = subprocess.run(
            command, input=lines, stdout=subprocess.PIPE, text=True, timeout=limit, check=False, env=environment
        ).stdout
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode() if isinstance(late.stdout, bytes) else late.stdout or ""
    return [json.loads(line) for line in output.splitlines() if line.endswith("]")]
