"""The report of the battery: a Markdown table of what was tried and what survived."""

from __future__ import annotations

from collections.abc import Mapping

from tests.battery.rows import ROWS
from tests.battery.trials import Trials


def markdown(found: Mapping[str, Trials]) -> str:
    """A line for each row and kind of fault, then the figures and the failures of each row."""
    lines = ["| row | promise | fault | tried | survived |", "|---|---|---|---|---|"]
    for name, trials in found.items():
        promise = ROWS[name].promise
        if trials.skipped:
            lines.append(f"| {name} | {promise} | not run: {trials.skipped} | 0 | 0 |")
        for kind, tried in sorted(trials.tried.items()):
            lines.append(f"| {name} | {promise} | {kind} | {tried:,} | {trials.survived[kind]:,} |")
    lines.append("")
    for name, trials in found.items():
        figures = ", ".join(f"{key} {value}" for key, value in trials.figures.items())
        lines.append(f"- {name} (seed {trials.seed}): {figures}")
        lines += [f"  - failed: {failure}" for failure in trials.failures]
    return "\n".join(lines) + "\n"
