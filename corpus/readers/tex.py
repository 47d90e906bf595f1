"""LaTeX sources: sections as headings, formulas and code whole, beamer frames as slides. Comments and preamble go."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from corpus.document import Block, BlockKind, Document
from corpus.readers.builder import Builder, plain_heading
from corpus.readers.content import decode_text
from corpus.readers.tex_macros import written_out
from corpus.readers.tex_prose import VERBATIM, environments, readable
from corpus.readers.tex_words import in_words

_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%.*?$\n?", re.MULTILINE)
_OPTION = r"(?:\[[^\]]*\])?"
_ARGUMENT = r"\{((?:[^{}]|\{[^{}]*\})*)\}"
_TITLE = re.compile(rf"\\title{_OPTION}{_ARGUMENT}")
_HEADING = re.compile(
    rf"[ \t]*\\(part|chapter|section|subsection|subsubsection|paragraph|frametitle)\*?{_OPTION}{_ARGUMENT}"
)
_FRAME = re.compile(rf"[ \t]*\\begin\{{frame\}}(?:<[^>]*>)?{_OPTION}(?:{_ARGUMENT})?")
_BEGIN = re.compile(r"[ \t]*\\begin\{([A-Za-z]+)\*?\}")
_FENCE = re.compile(r"(`{3,})[^`\n]*$")
_LEVELS = {"part": 1, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4, "paragraph": 5, "frametitle": 5}
_OPEN = frozenset(("document", "frame", "abstract", "columns", "column", "center", "block", "appendix", "multicols"))
"""Environments that hold ordinary text with blocks of its own."""
_KINDS: dict[str, BlockKind] = {
    **dict.fromkeys("align alignat displaymath eqnarray equation gather math multline".split(), "equation"),
    **dict.fromkeys("description enumerate itemize".split(), "list"),
    **dict.fromkeys("algorithm algorithmic lstlisting minted verbatim".split(), "code"),
    **dict.fromkeys("longtable table tabular tabularx".split(), "table"),
}


def read(data: bytes, *, source: str) -> Document:
    """Reads what stands between `\\begin{document}` and `\\end{document}`, or all of a file without them."""
    raw, warnings = decode_text(data)
    raw = without_comments(raw)
    title = _TITLE.search(raw)
    text = readable(written_out(_body(raw), raw), raw)
    builder = Builder()
    builder.warnings += warnings
    for block in _blocks(text):
        piece = text[block.start : block.end]
        if block.kind == "heading":
            piece = plain_heading(in_words(piece))
        elif block.kind not in ("code", "table"):
            piece = in_words(piece)
        builder.add(block.kind, piece, level=block.level, slide=block.slide)
    return builder.document(source=source, title=plain_heading(in_words(title[1])) if title else "")


def without_comments(text: str) -> str:
    """The text without `%` comments; a percent sign in verbatim text or after a backslash stays."""
    parts, position = [], 0
    for opening, _, end in environments(text, VERBATIM):
        parts += [_COMMENT.sub(_after_comment, text[position : opening.start()]), text[opening.start() : end]]
        position = end
    return "".join([*parts, _COMMENT.sub(_after_comment, text[position:])])


def _after_comment(match: re.Match[str]) -> str:
    """A comment that has its line to itself takes the line with it; one after text leaves the line end."""
    start = match.start()
    alone = start == 0 or match.string[start - 1] == "\n"
    return match[1] + ("" if alone or not match[0].endswith("\n") else "\n")


def _body(text: str) -> str:
    begin = text.find("\\begin{document}")
    if begin != -1:
        text = text[begin + len("\\begin{document}") :]
        end = text.find("\\end{document}")
        text = text if end == -1 else text[:end]
    return text.strip("\n")


def _blocks(text: str) -> Iterator[Block]:
    """Walks over the lines; a block ends at a blank line, a heading or an environment."""
    position, begin, slide, slides = 0, None, None, 0
    closings = _environments(text)

    def finished(stop: int) -> Iterator[Block]:
        if begin is not None:
            yield from _trimmed("paragraph", text, begin, stop, 0, slide)

    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end == -1 else end + 1
        line = text[position:end]
        heading, frame = _HEADING.match(line), _FRAME.match(line)
        whole = _environment(text, position, line, closings)
        if heading or frame or whole or not line.strip():
            yield from finished(position)
            begin = None
        if frame:
            slides += 1
            slide = slides
        if heading or (frame and frame[1]):
            found = heading or frame
            assert found is not None
            level = _LEVELS[heading[1]] if heading else 5
            last = 2 if heading else 1
            yield from _trimmed("heading", text, position + found.start(last), position + found.end(last), level, slide)
            end = position + found.end()
        elif whole:
            kind, end = whole
            yield from _trimmed(kind, text, position, end, 0, slide)
        elif line.strip() and begin is None:
            begin = position
        if "\\end{frame}" in line:
            yield from finished(end)
            begin = slide = None
        position = end
    yield from finished(len(text))


def _environment(text: str, position: int, line: str, closings: dict[int, int]) -> tuple[BlockKind, int] | None:
    """Kind and end of the environment or display equation that opens on this line and is kept whole."""
    stripped = line.lstrip()
    begin = _BEGIN.match(line)
    kind: BlockKind = "equation"
    if stripped.startswith("\\["):
        closing = "\\]"
    elif stripped.startswith("$$"):
        closing = "$$"
    elif fence := _FENCE.match(line):
        closing, kind = f"\n{fence[1]}\n", "code"
    elif line.startswith("| "):
        return "table", _after_rows(text, position)
    elif begin and begin[1] not in _OPEN:
        closed = closings.get(position + len(line) - len(stripped))
        return None if closed is None else (_KINDS.get(begin[1], "paragraph"), _next_line(text, closed))
    else:
        return None
    inside = position + len(line) - len(stripped) + 2
    end = text.find(closing, inside)
    if end == -1 and kind == "code" and text.endswith(closing.rstrip()):
        return kind, len(text)
    if end == -1:
        return None
    end += len(closing) - len(closing.lstrip())
    return kind, _next_line(text, end)


def _environments(text: str) -> dict[int, int]:
    """Where the environment ends that opens at an offset, for all that are closed."""
    opened: defaultdict[str, list[int]] = defaultdict(list)
    found = {}
    for mark in re.finditer(r"\\(begin|end)\{([A-Za-z]+)\*?\}", text):
        if mark[1] == "begin":
            opened[mark[2]].append(mark.start())
        elif opened[mark[2]]:
            found[opened[mark[2]].pop()] = mark.end()
    return found


def _next_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end == -1 else end + 1


def _after_rows(text: str, position: int) -> int:
    """Where the table ends whose first row is at `position`."""
    while text.startswith("|", position):
        end = text.find("\n", position)
        position = len(text) if end == -1 else end + 1
    return position


def _trimmed(kind: BlockKind, text: str, start: int, end: int, level: int, slide: int | None) -> Iterator[Block]:
    body = text[start:end]
    if body.strip():
        start += len(body) - len(body.lstrip())
        yield Block(kind=kind, start=start, end=start + len(body.strip()), level=level, slide=slide)
