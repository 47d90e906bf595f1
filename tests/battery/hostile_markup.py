"""Web pages, notes, TeX, notebooks and text that nobody should have to read: each maker takes chance, gives bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from tests.battery.good_files import LINES, cell, html, notebook_of
from tests.battery.hostile_texts import MAKERS, mixed, mutated
from tests.payloads import PAYLOADS

MEGABYTE = 1_000_000


def one_line(head: str = "", tail: str = "") -> Callable[[Random], bytes]:
    """One line of four or ten megabytes, of words or without a gap."""

    def make(random: Random) -> bytes:
        piece = random.choice(["reservoir ", "a", "字", "$x$ ", "a.b ", "`x` ", "[a](b) ", "*a ", "&amp; "])
        return (head + piece * (random.choice([4, 10]) * MEGABYTE // len(piece.encode())) + tail).encode()

    return make


def soup(random: Random) -> bytes:
    """Hostile texts of all kinds, one below the other."""
    return "\n\n".join([*LINES, *(mixed(random, LINES) for _ in range(20))]).encode("utf-8", "surrogatepass")


def of_changes(make: Callable[[], bytes]) -> Callable[[Random], bytes]:
    """A sound text with a few hundred changes of a character or a word."""

    def changed(random: Random) -> bytes:
        text = make().decode()
        for _ in range(random.choice([3, 60])):
            text = mutated(random, text)[:200_000]
        return (text or "x").encode("utf-8", "surrogatepass")

    return changed


# HTML


def html_nested(random: Random) -> bytes:
    """Elements inside one another without end."""
    tag = random.choice(["div", "table><tr><td", "ul><li", "b", "math", "svg", "blockquote", "font"])
    return f"<h1>{LINES[0]}</h1>{f'<{tag}>' * random.choice([300, 20_000, 200_000])}deep".encode()


def html_table(random: Random) -> bytes:
    """A table of very many cells."""
    wide = random.choice([10, 20_000])
    rows = 100_000 // wide
    return (html().decode() + "<table>" + ("<tr>" + "<td>reservoir" * wide) * rows).encode()


def html_entities(secret: str, url: str) -> Callable[[Random], bytes]:
    """Entities that grow, or that stand in another file."""

    def make(random: Random) -> bytes:
        many = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
        where = random.choice([f"file://{secret}", url])
        doctype = f'<!DOCTYPE html [<!ENTITY a0 "ha">{many}<!ENTITY s SYSTEM "{where}">]>'
        body = f"<p>{LINES[1]} &a11; &s; {'&#65;' * 9999}"
        return f"<?xml version='1.0'?>{doctype}<html><body>{body}</body></html>".encode()

    return make


def html_attributes(random: Random) -> bytes:
    """An attribute of a megabyte, thousands of attributes, or a tag that never closes."""
    long = 'a="' + "x" * MEGABYTE
    attribute = random.choice([long, f'{long}"', " ".join(f"a{n}=1" for n in range(50_000))])
    return f"<h1>{LINES[0]}</h1><p {attribute}>{LINES[1]}</p>".encode()


def html_payloads(random: Random) -> bytes:
    """Scripts and images that want to run or to be fetched."""
    return (html().decode() + "\n".join(random.sample(PAYLOADS, 30))).encode()


def html_lying_charset(random: Random) -> bytes:
    """A page that is in another encoding than it says."""
    name = random.choice(
        ["utf-7", "utf-16", "idna", "unicode_escape", "punycode", "hex", "zlib", "rot13", "x" * 40, "big5"]
    )
    text = html().decode().replace("A reservoir", "Ein Gerüst für das Gedächtnis")
    encoded = text.encode(random.choice(["utf-8", "latin-1", "utf-16", "utf-32", "utf-7"]))
    return f'<meta charset="{name}">'.encode() + encoded


# Markdown


def markdown_nested(random: Random) -> bytes:
    """Quotations, lists, brackets or emphasis inside one another."""
    depth = random.choice([500, 50_000])
    return random.choice([
        "> " * depth + "deep", "\n".join("  " * n + "- item" for n in range(min(depth, 2_000))), "*a **b " * depth,
        "[" * depth + "a" + "]" * depth, "![" * depth, "- " * depth + "x", "1. " * depth, "<div>" * depth,
        "*" * depth + "a" + "_" * depth,
        "[a](" * depth, "`" * depth + "a" + "`" * (depth - 1), "\n".join("`" * n + "a" for n in range(1, 1_500)),
        "![a](<" * depth, "\\" * depth, "&" * depth, "<!--" * depth, "<a b=" * depth, "a**b" * depth,
    ]).encode()  # fmt: skip


def markdown_table(random: Random) -> bytes:
    """A table of very many cells."""
    wide = random.choice([5, 10_000])
    row = "| cell " * wide + "|\n"
    return (f"# {LINES[0]}\n\n" + row + "|---" * wide + "|\n" + row * (100_000 // wide)).encode()


def markdown_heading(random: Random) -> bytes:
    """A heading of a megabyte, above a few pages of text."""
    title = random.choice(["reservoir ", "x"]) * (MEGABYTE // 5)
    mark = random.choice(["# {}\n\n", "{}\n====\n\n", "###### {}\n\n"])
    return (mark.format(title) + "\n\n".join(LINES * 400)).encode()


def markdown_matter(random: Random) -> bytes:
    """Front matter with a title and a course of a megabyte, that never ends, or that is a YAML bomb."""
    name = random.choice(["title", "course"])
    return random.choice([
        f"---\n{name}: {'x ' * (MEGABYTE // 2)}\n---\n" + "\n\n".join(LINES * 200),
        "---\n" + f"{name}: a\n" * 100_000 + LINES[0],
        f"---\na: &a [x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n{name}: !!python/object:os.system id\n---\n{LINES[1]}",
        f"---\n{name}: \u202e\x00\x1b[31m{LINES[0]}\n---\n{LINES[1]}",
    ]).encode()  # fmt: skip


def markdown_references(random: Random) -> bytes:
    """Very many definitions of links, and very many uses."""
    return ("\n".join(f"[a{n}]: http://127.0.0.1:9/{n}" for n in range(20_000)) + "\n\n" + "[a1] " * 20_000).encode()


def many_headings(random: Random) -> bytes:
    """Very many headings with little below them, or with nothing."""
    return "\n".join(f"{'#' * (n % 6 + 1)} Heading {n}\n{random.choice(['', 'text'])}" for n in range(20_000)).encode()


# TeX


def tex_nested(random: Random) -> bytes:
    """Braces or environments inside one another, and openings without an end."""
    depth = random.choice([300, 30_000])
    body = random.choice([
        "{" * depth + "x" + "}" * depth, "\\begin{itemize}\\item " * depth, "\\begin{align}x\n" * depth,
        "$$\n" * (depth | 1),
        "\\section{" * depth, "\\begin{verbatim}\n" * depth, "%" * depth, "\\[\n" * depth, "\\title{" + "{a}" * depth,
        "\\frametitle[" * depth, "\\begin{frame}[" * depth, "\\\\" * depth + "%x",
    ])  # fmt: skip
    return f"\\begin{{document}}\n{LINES[1]}\n\n{body}\n".encode()


def tex_that_reads(secret: str) -> Callable[[Random], bytes]:
    """Commands that would read a file or run a program."""
    orders = f"\\input{{{secret}}} \\include{{{secret}}} \\lstinputlisting{{{secret}}} \\immediate\\write18{{id}}"
    return lambda random: f"\\begin{{document}}\n{LINES[1]} {orders}\n\\def\\a{{\\a\\a}}\\a\n\\end{{document}}".encode()


# Notebooks


def notebook_nested(random: Random) -> bytes:
    """JSON inside one another without end."""
    depth = random.choice([900, 100_000])
    nest = random.choice(["[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth])
    return notebook_of([cell("markdown", LINES[1])]).replace(
        b'"metadata": {}', b'"metadata": {"x": %b}' % nest.encode(), 1
    )


def notebook_of_wrong_types(random: Random) -> bytes:
    """Cells that are something else than cells."""
    wrong = random.choice([None, 5, -1e400, "x", ["a", 5], {"a": []}, [[]], True, ["x"] * 9])
    return random.choice([
        lambda: notebook_of(wrong), lambda: notebook_of([wrong]), lambda: notebook_of([cell("markdown", wrong)]),
        lambda: notebook_of([cell("code", "x", outputs=wrong)]), lambda: notebook_of([], metadata=wrong),
        lambda: notebook_of([cell("code", "x", outputs=[{"output_type": "stream", "text": wrong}])]),
        lambda: notebook_of([cell("code", "x", outputs=[{"output_type": "execute_result", "data": wrong}])]),
        lambda: notebook_of([], nbformat=wrong), lambda: notebook_of([cell("markdown", "x", metadata=wrong)]),
        lambda: notebook_of([{"cell_type": wrong}]), lambda: json.dumps(wrong).encode(),
        lambda: notebook_of([cell("raw", LINES[1])], nbformat=random.choice([0, 1, 2, 3, 5, 10**9]), worksheets=wrong),
    ])()  # fmt: skip


def notebook_of_outputs(random: Random) -> bytes:
    """Outputs of many megabytes, or thousands of cells."""
    text = random.choice(["x", "number 7\n"]) * MEGABYTE
    output = {"output_type": "stream", "name": "stdout", "text": text}
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * 3 * MEGABYTE}}
    return notebook_of(
        random.choice([[cell("code", LINES[1], outputs=[output, picture])], [cell("code", "x = 1")] * 5_000])
    )


# Plain text


def pages(random: Random) -> bytes:
    """Very many page breaks, line ends, dollars or dashes."""
    mark = random.choice(
        ["\f", "\n", "$$\n", "---\n", "| a\n", "\t\n", "a\tb\n", "- \n", "#\n", "\r", ". ", "a\n\n", "```\n", "$"]
    )
    return (LINES[1] + "\n\n" + mark * (2 * MEGABYTE // len(mark))).encode()


def encodings(random: Random) -> bytes:
    """Text in other encodings, with half characters, a wrong mark or none."""
    text = "\n\n".join(LINES) + "".join(MAKERS["half characters"](random) for _ in range(9)) + "für Gedächtnis"
    name = random.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-8", "utf-7"])
    mark = random.choice([b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff\xfe\x00\x00", b"\x00"])
    return (
        mark
        + text.encode(name, "surrogatepass" if "7" not in name else "ignore")
        + random.choice([b"", b"\xd8", b"\x00"])
    )


def rubbish(random: Random) -> bytes:
    """Random bytes, with or without something at the front that looks like a text."""
    head = random.choice([b"", LINES[0].encode(), b"%PDF-1.7\n", b"PK\x03\x04", b"<html>", b'{"cells":'])
    return head + random.randbytes(random.choice([10, 5_000, MEGABYTE]))
