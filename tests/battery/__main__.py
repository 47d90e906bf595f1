"""The command line of the battery; exit 1 where anything did not survive."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.battery.report import markdown
from tests.battery.rows import ROWS, run_row


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(prog="python -m tests.battery", description="Try what Glassbox promises to survive.")
    cli.add_argument("rows", nargs="*", metavar="ROW", help=f"which of: {', '.join(ROWS)} (default: all)")
    cli.add_argument("--scale", choices=("fast", "full"), default="full", help="how many trials (default %(default)s)")
    cli.add_argument("--count", type=int, help="trials of each row, whatever the scale says")
    cli.add_argument("--seed", type=int, default=1)
    cli.add_argument("--report", type=Path, help="write the table to this Markdown file")
    cli.add_argument("--keep", type=Path, default=Path("runs/battery"), help="where failures go (default %(default)s)")
    return cli


def main(argv: Sequence[str] | None = None) -> int:
    """Run the rows one after the other; 0 where all trials survived, 1 where not, 2 on a wrong name."""
    arguments = parser().parse_args(argv)
    if unknown := [name for name in arguments.rows if name not in ROWS]:
        print(f"tests.battery: there is no row {unknown[0]!r}; there are: {', '.join(ROWS)}", file=sys.stderr)
        return 2
    found = {}
    for name in arguments.rows or ROWS:
        count = arguments.count or getattr(ROWS[name], arguments.scale)
        found[name] = run_row(name, count, arguments.seed, arguments.keep)
        print(f"\r{name}: {found[name].tried.total():,} tried, {len(found[name].failures)} failed", file=sys.stderr)
        for failure in found[name].failures[:20]:
            print(f"  {failure}", file=sys.stderr)
    table = markdown(found)
    print(table)
    if arguments.report:
        arguments.report.parent.mkdir(parents=True, exist_ok=True)
        arguments.report.write_text(table, encoding="utf-8")
    return int(any(trials.failures for trials in found.values()))


if __name__ == "__main__":
    raise SystemExit(main())
