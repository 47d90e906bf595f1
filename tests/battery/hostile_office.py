"""PDF and Office files that nobody should have to open: each maker takes chance and gives bytes."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from random import Random

from tests.battery.good_files import (
    DAMAGES,
    FONT,
    PAGE,
    docx,
    one_page,
    packed,
    pdf_of,
    pptx,
    shown_lines,
    spliced,
    stream,
    unpacked,
)  # fmt: skip

SECRET = "the-hidden-harpsichord"
"""Stands in a file outside the folder; never in a store."""

DOCUMENT, SLIDE = "word/document.xml", "ppt/slides/slide1.xml"
_PARAGRAPH = b"<w:p><w:r><w:t>%b</w:t></w:r></w:p>"
_BOX = (
    b'<p:sp><p:nvSpPr><p:cNvPr id="%d" name="x"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/>'
    b"<p:txBody><a:bodyPr/><a:p><a:r><a:t>%b</a:t></a:r></a:p></p:txBody></p:sp>"
)


# PDF


def pdf_inside_itself(random: Random) -> bytes:
    """Pages whose kids are themselves, or their parent."""
    objects = one_page(shown_lines())
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (random.choice([b"2 0 R", b"3 0 R 2 0 R"]), 10**6)
    return pdf_of(objects)


def pdf_that_counts_wrong(random: Random) -> bytes:
    """A page tree that claims very many pages, or fewer than none."""
    objects = one_page(shown_lines())
    count = random.choice([2_000_000_000, 10**30, -5, 0])
    objects[1] = b"<< /Type /Pages /Kids [3 0 R] /Count %d >>" % count
    return pdf_of(objects)


def pdf_of_one_page_many_times(random: Random) -> bytes:
    """Thousands of pages that are one."""
    objects = one_page(shown_lines())
    many = random.choice([2_000, 20_000])
    objects[1] = b"<< /Type /Pages /Kids [%b] /Count %d >>" % (b"3 0 R " * many, many)
    return pdf_of(objects)


def pdf_bomb(random: Random) -> bytes:
    """A content stream that unpacks to far more than it is."""
    content = zlib.compress(random.choice([bytes(300 << 20), b"q " * (50 << 20), shown_lines() * 200_000]))
    entries = b"/Filter /FlateDecode"
    if random.random() < 0.3:
        content, entries = zlib.compress(content), b"/Filter [/FlateDecode /FlateDecode]"
    return pdf_of(one_page(content, entries=entries))


def pdf_in_circles(random: Random) -> bytes:
    """A cross-reference table that goes back to itself, or an object that refers to itself."""
    objects = one_page(shown_lines())
    if random.random() < 0.5:
        return pdf_of(objects, prev=b"yes")
    objects[3] = b"<< /Length 4 0 R >>\nstream\n%b\nendstream" % shown_lines()
    return pdf_of(objects)


def pdf_that_acts(random: Random) -> bytes:
    """Scripts, links, programs and forms that want to run when the file is opened."""
    action = random.choice([
        b"/S /JavaScript /JS (app.launchURL('http://127.0.0.1:9/'))", b"/S /URI /URI (http://127.0.0.1:9/)",
        b"/S /Launch /F (/bin/sh)", b"/S /GoToR /F (/etc/passwd) /D [0 /Fit]",
        b"/S /SubmitForm /F (http://127.0.0.1:9/)",
    ])  # fmt: skip
    objects = one_page(shown_lines(), b"/AA << /O << %b >> >>" % action)
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R /OpenAction << %b >> >>" % action
    return pdf_of(objects)


def pdf_out_of_scale(random: Random) -> bytes:
    """Type sizes, pages and matrices without measure."""
    number = random.choice([b"1e38", b"-1e38", b"99999999999999999999", b"0.0000001", b"NaN", b"2147483648"])
    content = b"q " * random.choice([1, 300_000]) + b"BT /F1 %b Tf %b 0 0 %b 0 0 Tm (x) Tj ET" % (
        number,
        number,
        number,
    )
    return pdf_of(one_page(content, b"/Rotate 45 /UserUnit %b /MediaBox [0 0 %b %b]" % (number, number, number)))


def pdf_encrypted(random: Random) -> bytes:
    """A file that says it is encrypted."""
    key = random.randbytes(32).hex().encode()
    objects = [
        *one_page(shown_lines()),
        b"<< /Filter /Standard /V 2 /R 3 /P -4 /Length 128 /O <%b> /U <%b> >>" % (key, key),
    ]
    return pdf_of(objects, b"/Encrypt 6 0 R /ID [<%b> <%b>]" % (key, key))


def pdf_nested(random: Random) -> bytes:
    """Arrays, dictionaries or forms inside one another without end."""
    depth = random.choice([1_000, 200_000])
    nest = random.choice([b"[" * depth + b"]" * depth, b"<< /A " * depth + b">> " * depth, b"[" * depth])
    objects = one_page(b"/X0 Do " + shown_lines(), b"/Nest %b" % nest)
    objects += [
        stream(b"/X0 Do", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X0 6 0 R >> >>")
    ]
    objects[2] = (PAGE % b"").replace(b"/Font", b"/XObject << /X0 6 0 R >> /Font")
    return pdf_of(objects, b"/Info << /Title %b >>" % nest if random.random() < 0.5 else b"")


def pdf_with_a_strange_font(random: Random) -> bytes:
    """A font whose table of characters is nonsense, or maps each to a thousand."""
    wide = "".join(f"<{code:02x}> <{'0041' * 500}>\n" for code in range(32, 127))
    table = random.choice([random.randbytes(5000), f"100 beginbfchar\n{wide}endbfchar".encode(), b"begincmap " * 9999])
    font = FONT.replace(b"/BaseFont", b"/ToUnicode 6 0 R /BaseFont")
    return pdf_of([*one_page(shown_lines())[:4], font, stream(table)])


# Office


def with_document(change: Callable[[bytes], bytes], member: str = DOCUMENT) -> bytes:
    """A sound file of Word (or PowerPoint) with one member changed."""
    members = unpacked(docx() if member == DOCUMENT else pptx())
    return packed({**members, member: change(members[member])})


def _doctype(subset: bytes, entity: bytes, xml: bytes) -> bytes:
    head, _, rest = xml.partition(b"?>")
    return head + b"?><!DOCTYPE x [" + subset + b"]>" + rest.replace(b"A reservoir", b"A reservoir " + entity)


LAUGHS = b"<!ENTITY a0 'ha'>" + b"".join(b"<!ENTITY a%d '%b'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12))


def laughs(member: str) -> Callable[[Random], bytes]:
    """Entities that grow tenfold, eleven times; or one long one very often."""

    def make(random: Random) -> bytes:
        long = b"<!ENTITY a11 '" + b"ha" * 50_000 + b"'>"
        subset, entity = random.choice([(LAUGHS, b"&a11;"), (long, b"&a11;" * 20_000)])
        return with_document(lambda xml: _doctype(subset, entity, xml), member)

    return make


def external(member: str, secret: str, url: str) -> Callable[[Random], bytes]:
    """An entity that stands in another file, or somewhere on the network."""

    def make(random: Random) -> bytes:
        where = random.choice([f"file://{secret}", secret, url]).encode()
        subset = random.choice(
            [b"<!ENTITY s SYSTEM '%b'>" % where, b"<!ENTITY %% d SYSTEM '%b'> %%d;<!ENTITY s 'x'>" % where]
        )
        return with_document(lambda xml: _doctype(subset, b"&s;", xml), member)

    return make


def docx_nested(random: Random) -> bytes:
    """Runs, tables or formulas inside one another."""
    name = random.choice([b"w:r", b"w:tbl", b"w:sdt", b"m:e"])
    depth = random.choice([240, 5_000, 100_000])
    space = b' xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    nest = b"<%b%b>" % (name, space) + b"<%b>" % name * depth + b"<w:t>deep</w:t>" + b"</%b>" % name * (depth + 1)
    return with_document(lambda xml: xml.replace(b"<w:p>", b"<w:p>" + nest, 1))


def docx_table(random: Random) -> bytes:
    """A table of very many cells, or very many paragraphs."""
    row = b"<w:tr>" + (b"<w:tc>" + _PARAGRAPH % b"cell" + b"</w:tc>") * random.choice([50, 5_000]) + b"</w:tr>"
    table = b"<w:tbl><w:tblPr/><w:tblGrid/>" + row * (60_000 // row.count(b"<w:tc>")) + b"</w:tbl>"
    many = random.choice([table, _PARAGRAPH % b"word" * 60_000])
    return with_document(lambda xml: xml.replace(b"<w:sectPr", many + b"<w:sectPr", 1))


def pptx_crowded(random: Random) -> bytes:
    """A slide of thousands of boxes, or of one with a megabyte of words."""
    boxes = random.choice([b"".join(_BOX % (n + 9, b"box") for n in range(8_000)), _BOX % (9, b"reservoir " * 200_000)])
    return with_document(lambda xml: xml.replace(b"</p:spTree>", boxes + b"</p:spTree>", 1), SLIDE)


def xml_with_changes(member: str) -> Callable[[Random], bytes]:
    """The XML with pieces lost, doubled and moved, in an archive that is sound."""
    return lambda random: with_document(lambda xml: spliced(random, xml), member)


# Archives


def zip_bomb(random: Random) -> bytes:
    """A member that unpacks to a gigabyte, or a little less than is refused at once."""
    size = random.choice([300 << 20, 48 << 20])
    return packed({**unpacked(docx()), random.choice([DOCUMENT, "word/media/image1.png"]): b" " * size})


def nested_archives(random: Random) -> bytes:
    """An Office file in an Office file, many times."""
    data = docx()
    for depth in range(random.choice([3, 40])):
        data = packed({**unpacked(docx()), f"word/embeddings/{depth}.docx": data})
    return data


def overlapping(random: Random) -> bytes:
    """Many entries of the directory for one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in unpacked(docx()).items():
            archive.writestr(name, data)
        first = archive.infolist()[0]
        for number in range(random.choice([5, 500])):
            again = zipfile.ZipInfo(f"word/media/{number}.xml")
            for name in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
                setattr(again, name, getattr(first, name))
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
    return file.getvalue()


def climbing(random: Random) -> bytes:
    """Members that are named to lie elsewhere."""
    names = (
        "../../../../tmp/glassbox-climbed",
        "/tmp/glassbox-climbed",
        "..\\..\\x",
        "a/../../x",
        "con",
        "word/\u202ex",
    )
    return packed({**unpacked(docx()), **dict.fromkeys(names, b"x" * random.randint(1, 99))})


def many_members(random: Random) -> bytes:
    """Thousands of empty members."""
    return packed({**unpacked(docx()), **{f"word/media/{n}.xml": b"" for n in range(random.choice([15_000, 25_000]))}})


def lying_sizes(random: Random) -> bytes:
    """A directory that says other sizes than the members have."""
    data = bytearray(packed({**unpacked(docx()), DOCUMENT: b" " * (30 << 20)}))
    at = data.find(b"PK\x01\x02")
    while at != -1:
        struct.pack_into("<L", data, at + 24, random.choice([1, 0, 4_000_000_000]))
        at = data.find(b"PK\x01\x02", at + 1)
    return bytes(data)


def reaching_out(url: str) -> Callable[[Random], bytes]:
    """Relations to pictures, templates and frames on the network."""

    def make(random: Random) -> bytes:
        kind = random.choice(["image", "attachedTemplate", "frame", "oleObject", "hyperlink"])
        schema = f"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}"
        relation = f'<Relationship Id="rIdX" Type="{schema}" Target="{url}" TargetMode="External"/></Relationships>'
        members = unpacked(docx())
        name = "word/_rels/document.xml.rels"
        members[name] = members[name].replace(b"</Relationships>", relation.encode())
        return packed(members)

    return make


def damaged(make: Callable[[], bytes], number: int) -> Callable[[Random], bytes]:
    """A sound file that was cut short, had bits flipped, or pieces moved."""
    return lambda random: DAMAGES[number](random, make())
