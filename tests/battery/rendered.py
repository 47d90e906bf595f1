"""What the page makes of Markdown: which of its elements and attributes do not come from Markdown."""

from __future__ import annotations

from html.parser import HTMLParser

from markdown_it import MarkdownIt

MADE: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        "p br hr em strong s pre blockquote ul li table thead tbody tr h1 h2 h3 h4 h5 h6".split(), frozenset()
    ),
    "a": frozenset({"href", "title"}),
    "code": frozenset({"class"}),
    "ol": frozenset({"start"}),
    **dict.fromkeys(["th", "td"], frozenset({"style"})),
}
"""The elements that Markdown without images makes, and their attributes."""


def foreign(markdown: str) -> list[str]:
    """The elements and attributes that a page would get which lets HTML through, other than those of Markdown."""
    reader = _Reader()
    reader.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in MADE:
            self.found.append(f"<{tag}>")
        self.found += [f"<{tag} {name}>" for name, _ in attrs if name not in MADE.get(tag, frozenset())]

    def handle_comment(self, data: str) -> None:
        self.found.append("<!-- -->")

    def handle_decl(self, decl: str) -> None:
        self.found.append("<!>")

    def handle_pi(self, data: str) -> None:
        self.found.append("<?>")

    def unknown_decl(self, data: str) -> None:
        self.found.append("<![>")
