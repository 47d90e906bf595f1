"""Jupyter notebooks: Markdown cells as Markdown, code cells as code, short text outputs after the code."""

from __future__ import annotations

import warnings
from typing import Any

from corpus.document import Block, Document
from corpus.readers import UnreadableError
from corpus.readers.builder import Builder
from corpus.readers.content import decode_text
from corpus.readers.markdown import markdown_blocks
from corpus.readers.markdown_html import without_tags
from corpus.whole import fenced

_LONGEST_OUTPUT = 500
"""Characters of text output kept per cell; the rest is data, not teaching."""


def read(data: bytes, *, source: str) -> Document:
    """Reads notebooks of any format version that nbformat knows; pictures and errors among the outputs are left out."""
    import nbformat

    text, remarks = decode_text(data)
    try:
        with warnings.catch_warnings():
            # Old notebooks lack cell ids; nothing here needs them.
            warnings.simplefilter("ignore")
            notebook = nbformat.reads(text, as_version=4)
        cells = notebook.cells
    except (nbformat.ValidationError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise UnreadableError("not a Jupyter notebook (not the JSON that it should be); save it again") from error
    builder = Builder()
    builder.warnings.extend(remarks)
    language = _language(notebook.metadata)
    for number, cell in enumerate(cells, start=1):
        body = _joined(cell.get("source", "")).strip("\n").rstrip()
        if cell.get("cell_type") == "code":
            builder.add("code", fenced(body, language), cell=number)
            builder.add("code", fenced(_output(cell.get("outputs", []))), cell=number)
        elif cell.get("cell_type") == "markdown":
            body = without_tags(body)
            builder.add_marked(body, markdown_blocks(body), cell=number)
        else:
            builder.add_marked(body, [Block(kind="paragraph", start=0, end=len(body))], cell=number)
    title = str(notebook.metadata.get("title", ""))
    return builder.document(source=source, title=title)


def _language(metadata: Any) -> str:
    """The programming language that a notebook says it is in, or an empty string."""
    for holder, field in (("language_info", "name"), ("kernelspec", "language")):
        part = metadata.get(holder)
        if isinstance(part, dict) and isinstance(part.get(field), str):
            return str(part[field])
    return ""


def _joined(value: Any) -> str:
    return value if isinstance(value, str) else "".join(value)


def _output(outputs: list[Any]) -> str:
    """The plain-text output of a cell where it is short, else its beginning."""
    parts = []
    for output in outputs:
        if output.get("output_type") == "stream" and output.get("name") != "stderr":
            parts.append(_joined(output.get("text", "")))
        elif output.get("output_type") == "execute_result":
            parts.append(_joined(output.get("data", {}).get("text/plain", "")))
    text = "".join(parts).strip()
    return text if len(text) <= _LONGEST_OUTPUT else text[:_LONGEST_OUTPUT].rsplit("\n", 1)[0] + "\n..."
