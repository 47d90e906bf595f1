"""Hostile files: what a folder of lectures may hold beside lectures, by families and kinds."""

from __future__ import annotations

import os
import random as chance
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from random import Random

from tests.battery import hostile_markup as markup
from tests.battery import hostile_office as office
from tests.battery.good_files import GOOD, docx, plain
from tests.battery.hostile_markup import one_line
from tests.battery.hostile_office import DOCUMENT, SLIDE, damaged

Place = Callable[[Path, str, Random], str]
"""Puts something into a folder under a name that begins with a stem; returns the whole name."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of hostile file. `fate` says what must become of it: "read", "skipped", or either one ("")."""

    family: str
    what: str
    place: Place
    fate: str = ""


def of(family: str, what: str, suffix: str, make: Callable[[Random], bytes], fate: str = "") -> Kind:
    """A kind that is made of bytes."""

    def place(folder: Path, stem: str, random: Random) -> str:
        (folder / f"{stem}{suffix}").write_bytes(make(random))
        return f"{stem}{suffix}"

    return Kind(family=family, what=what, place=place, fate=fate)


def kinds(secret: Path, url: str) -> list[Kind]:
    """All kinds, the first of each family first; `secret` is a file outside the folder, `url` an address that nobody
    should ask for."""
    families = (
        _folder(secret), _names(), _pdf(), _word(secret, url), _powerpoint(secret, url), _archives(),
        _html(secret, url), _markdown(), _tex(secret), _notebook(), _plain(),
    )  # fmt: skip
    return [kind for turn in zip_longest(*families) for kind in turn if kind is not None]


def _pdf() -> Iterator[Kind]:
    yield from _damages("PDF", ".pdf")
    for what, make in {
        "pages that hold themselves": office.pdf_inside_itself, "a wrong count of pages": office.pdf_that_counts_wrong,
        "one page very often": office.pdf_of_one_page_many_times, "tables in circles": office.pdf_in_circles,
        "a stream that unpacks to far more": office.pdf_bomb, "actions": office.pdf_that_acts,
        "out of scale": office.pdf_out_of_scale, "encrypted": office.pdf_encrypted, "nested": office.pdf_nested,
        "a strange font": office.pdf_with_a_strange_font,
    }.items():  # fmt: skip
        yield of("PDF", what, ".pdf", make)


def _damages(family: str, suffix: str) -> Iterator[Kind]:
    for number, what in enumerate(("cut short", "bits flipped", "pieces moved")):
        yield of(family, what, suffix, damaged(GOOD[suffix], number))


def _office(family: str, suffix: str, member: str, secret: Path, url: str) -> Iterator[Kind]:
    yield from _damages(family, suffix)
    yield of(family, "entities that grow", suffix, office.laughs(member))
    yield of(family, "entities from elsewhere", suffix, office.external(member, str(secret), url))
    yield of(family, "XML with changes", suffix, office.xml_with_changes(member))


def _word(secret: Path, url: str) -> Iterator[Kind]:
    yield from _office("Word", ".docx", DOCUMENT, secret, url)
    yield of("Word", "nested", ".docx", office.docx_nested)
    yield of("Word", "a huge table", ".docx", office.docx_table)
    yield of("Word", "reaching out", ".docx", office.reaching_out(url), "read")


def _powerpoint(secret: Path, url: str) -> Iterator[Kind]:
    yield from _office("PowerPoint", ".pptx", SLIDE, secret, url)
    yield of("PowerPoint", "crowded", ".pptx", office.pptx_crowded)


def _html(secret: Path, url: str) -> Iterator[Kind]:
    for what, make in {
        "nested": markup.html_nested, "a huge table": markup.html_table,
        "entities": markup.html_entities(str(secret), url), "attributes": markup.html_attributes,
        "scripts and images": markup.html_payloads, "another encoding than it says": markup.html_lying_charset,
        "changes": markup.of_changes(GOOD[".html"]), "bits flipped": damaged(GOOD[".html"], 1),
        "one line of 10 MB": one_line("<p>"),
    }.items():  # fmt: skip
        yield of("HTML", what, ".html", make)


def _markdown() -> Iterator[Kind]:
    for what, make in {
        "front matter": markup.markdown_matter, "hostile texts": markup.soup, "nested": markup.markdown_nested,
        "changes": markup.of_changes(GOOD[".md"]), "a huge heading": markup.markdown_heading,
        "a huge table": markup.markdown_table, "references": markup.markdown_references,
        "headings without end": markup.many_headings, "one line of 10 MB": one_line("# A\n\n"),
    }.items():  # fmt: skip
        yield of("Markdown", what, ".md", make)


def _tex(secret: Path) -> Iterator[Kind]:
    yield of("TeX", "nested", ".tex", markup.tex_nested)
    yield of("TeX", "commands that read files", ".tex", markup.tex_that_reads(str(secret)), "read")
    yield of("TeX", "changes", ".tex", markup.of_changes(GOOD[".tex"]))
    yield of("TeX", "one line of 10 MB", ".tex", one_line("\\begin{document}\n", "\n\\end{document}"))


def _notebook() -> Iterator[Kind]:
    yield from _damages("notebook", ".ipynb")
    yield of("notebook", "nested", ".ipynb", markup.notebook_nested)
    yield of("notebook", "wrong types", ".ipynb", markup.notebook_of_wrong_types)
    yield of("notebook", "huge outputs", ".ipynb", markup.notebook_of_outputs, "read")


def _plain() -> Iterator[Kind]:
    yield of("plain text", "marks without end", ".txt", markup.pages)
    yield of("plain text", "encodings", ".txt", markup.encodings)
    yield of("plain text", "random bytes", ".txt", markup.rubbish)
    yield of("plain text", "hostile texts", ".txt", markup.soup)
    yield of("plain text", "one line of 10 MB", ".txt", one_line())


def _archives() -> Iterator[Kind]:
    yield of("archive", "a ZIP bomb", ".docx", office.zip_bomb)
    yield of("archive", "archives in archives", ".docx", office.nested_archives)
    yield of("archive", "members that overlap", ".docx", office.overlapping, "skipped")
    yield of("archive", "names that climb", ".docx", office.climbing)
    yield of("archive", "thousands of members", ".docx", office.many_members)
    yield of("archive", "sizes that lie", ".docx", office.lying_sizes)
    yield of("archive", "not a lecture", ".zip", lambda random: docx(), "skipped")


def _folder(secret: Path) -> Iterator[Kind]:
    def kind(what: str, place: Place, fate: str = "skipped") -> Kind:
        return Kind(family="folder", what=what, place=place, fate=fate)

    yield kind("a link out of the folder", partial(_link, targets=(str(secret), str(secret.parent), "/etc/passwd")))
    yield kind("a link to a device", partial(_link, targets=("/dev/zero", "/dev/random", "/proc/self/mem")))
    yield kind("a link in circles", partial(_link, targets=(".", "..", "{self}")))
    yield kind("a pipe", lambda folder, stem, _: _made(os.mkfifo, folder, f"{stem}.md"))
    yield kind("a socket", _socket)
    yield kind("a device", _device)
    yield kind("larger than 200 MB", _sparse)
    yield kind("empty or blank", _blank)
    yield kind("another format than its name", _renamed, "")
    yield kind("hidden", _hidden)
    yield kind("folders as deep as they go", _deep, "")
    yield kind("a folder named like a file", _folder_named_like_a_file, "read")


def _names() -> Iterator[Kind]:
    for what, odd in {
        "a name with line ends": "\n\r\u2028read       forged: 9 passages\n",
        "a name with quotes": "'\"`$(id);&|<b>%s{}",
        "a name with direction marks": "\u202egnp.\u2066\u200b", "a name with terminal codes": "\x1b[2J\x07\x9b31m\x7f",
        "a name like an option": " --help -rf *?[a-z]~",
    }.items():  # fmt: skip
        yield Kind(family="name", what=what, place=partial(_named, odd=odd), fate="read")
    yield Kind(family="name", what="a name of 255 bytes", place=_long_name, fate="read")
    yield Kind(family="name", what="a name that is not UTF-8", place=_bytes_name, fate="read")


def _text(folder: Path, name: str) -> str:
    (folder / name).write_bytes(plain())
    return name


def _hidden(folder: Path, stem: str, random: Random) -> str:
    return _text(folder, random.choice([f".{stem}.md", f"~${stem}.docx"]))


def _named(folder: Path, stem: str, random: Random, odd: str) -> str:
    return _text(folder, f"{stem}{odd}.txt")


def _long_name(folder: Path, stem: str, random: Random) -> str:
    letter = random.choice(["n", "é", "字", "\U0001f600"])
    return _text(folder, stem + letter * ((255 - len(stem) - 4) // len(letter.encode())) + ".txt")


def _bytes_name(folder: Path, stem: str, random: Random) -> str:
    odd = bytes(chance.Random(random.random()).choices(range(0x80, 0x100), k=random.randint(1, 40)))
    return _text(folder, os.fsdecode(f"{stem}-".encode() + odd + b".txt"))


def _made(make: Callable[[Path], object], folder: Path, name: str) -> str:
    make(folder / name)
    return name


def _link(folder: Path, stem: str, random: Random, targets: tuple[str, ...]) -> str:
    name = f"{stem}.md"
    (folder / name).symlink_to(random.choice(targets).format(self=name))
    return name


def _socket(folder: Path, stem: str, random: Random) -> str:
    # The path of a socket may have about a hundred characters, so it is made beside and moved.
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(name := f"/tmp/glassbox-{os.getpid()}")
    return _made(Path(name).rename, folder, f"{stem}.md")


def _device(folder: Path, stem: str, random: Random) -> str:
    with suppress(OSError):
        os.mknod(folder / f"{stem}.md", 0o600 | 0o020000, os.makedev(1, 5))  # as /dev/zero; for the superuser alone
        return f"{stem}.md"
    return _link(folder, stem, random, ("/dev/zero",))


def _sparse(folder: Path, stem: str, random: Random) -> str:
    with (folder / f"{stem}.md").open("wb") as file:
        file.truncate(random.choice([201_000_000, 10**12]))
    return f"{stem}.md"


def _blank(folder: Path, stem: str, random: Random) -> str:
    name = f"{stem}{random.choice(list(GOOD))}"
    (folder / name).write_bytes(random.choice([b"", b"\x00" * 5_000, b" \n\t" * 9, b"\xef\xbb\xbf", b"\x00"]))
    return name


def _renamed(folder: Path, stem: str, random: Random) -> str:
    name = f"{stem}{random.choice(list(GOOD))}"
    (folder / name).write_bytes(GOOD[random.choice(list(GOOD))]())
    return name


def _deep(folder: Path, stem: str, random: Random) -> str:
    path = folder / f"{stem}-deep"
    with suppress(OSError):  # as deep as the system lets it be
        for _ in range(random.choice([30, 200])):
            path = path / ("d" * random.choice([3, 15]))
        path.mkdir(parents=True)
    deepest = path if path.is_dir() else folder / f"{stem}-deep"
    deepest.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        _text(deepest, "note.txt")
    return f"{stem}-deep"


def _folder_named_like_a_file(folder: Path, stem: str, random: Random) -> str:
    inside = folder / f"{stem}{random.choice(list(GOOD))}"
    inside.mkdir()
    _text(inside, "note.txt")
    return inside.name
