"""The tutor's page: `python app.py` builds the index if there is none yet and serves a chat on 127.0.0.1:7860."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tutor.ui.checks import CannotStart
from tutor.ui.start import prepare, serve


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python app.py", description=__doc__)
    parser.add_argument("--store", type=Path, help="folder of the index (default: that of the shipped notes)")
    parser.add_argument("--model", metavar="NAME_OR_DIR", help="model that writes (default: the one that ships)")
    parser.add_argument("--device", help="torch device, such as cpu or cuda (default: a GPU where there is one)")
    parser.add_argument("--host", default="127.0.0.1", help="address to serve on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=7860, help="port to serve on (default: %(default)s)")
    parser.add_argument(
        "--root-path",
        default="",
        metavar="PATH",
        help="where a reverse proxy shows the page: /tutor, or with its address: https://school.example/tutor",
    )
    parser.add_argument("--auth", type=Path, metavar="FILE", help="let in only who is in FILE: lines user:password")
    parser.add_argument("--open", action="store_true", help="let everybody in who reaches a --host of other machines")
    parser.add_argument(
        "--uploads",
        action=argparse.BooleanOptionalAction,
        help="let the page add lectures to the index and remove them (default: on 127.0.0.1 only)",
    )
    parser.add_argument("--mcp", action="store_true", help="offer what programs can call as MCP tools, too")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append a JSON line on every answer to FILE")
    parser.add_argument("--log-questions", action="store_true", help="with the text of the question in that line")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the page until Ctrl+C: exit status 0; 130 if stopped before that; 1 with one line if it cannot start."""
    options = arguments().parse_args(argv)
    try:
        settings = prepare(
            store=options.store,
            model=options.model,
            device=options.device,
            host=options.host,
            port=options.port,
            auth=options.auth,
            mcp=options.mcp,
            uploads=options.uploads,
            everybody=options.open,
            log=options.log,
            log_questions=options.log_questions,
            root_path=options.root_path,
        )
        serve(settings)
    except CannotStart as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
