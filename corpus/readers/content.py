"""Looks at the bytes of a file before any parser does: is it what its suffix says, is it safe to unpack, which
encoding is its text in.
"""

from __future__ import annotations

import codecs
import io
import re
import zipfile
from collections.abc import Sequence

from corpus.readers import Format, UnreadableError

MAX_UNPACKED = 1 << 30
"""Bytes that an Office file may unpack to."""
MAX_RATIO = 200
"""Unpacked size over packed size of an Office file; ordinary XML packs 5 to 30 times."""
MAX_MEMBERS = 20_000
_RATIO_FLOOR = 50 << 20

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or encrypted Office file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"{\\rtf", "a rich-text file"),
    (b"%!PS", "a PostScript file"),
    (b"OggS", "an Ogg recording"),
    (b"ID3", "an MP3 recording"),
    (b"\x1aE\xdf\xa3", "a video"),
)
_BINARY = frozenset(kind for _, kind in _SIGNATURES)


def sniff(data: bytes) -> str:
    """What the bytes look like, for people: "a PNG image", "text", "binary data"."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[4:8] == b"ftyp":
        return "a video"
    if data[:4] == b"RIFF":
        return "a media file"
    if b"%PDF-" in data[:1024]:
        return "a PDF"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _utf16_without_mark(data):
        return "text"
    head = data[:65536]
    odd = sum(head.count(code) for code in range(32) if code not in (9, 10, 12, 13))
    if odd > max(16, len(head) // 10):
        return "binary data"
    start = head.lstrip()[:256].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return "text"


def check_content(data: bytes, known: Format) -> None:
    """Raises UnreadableError where `data` is not what the format says, or is an archive that must not be unpacked."""
    if not data.strip(b" \t\r\n\f\x00"):
        raise UnreadableError("is empty")
    found = sniff(data)
    if known.content == "pdf" and found != "a PDF":
        raise UnreadableError(f"not a PDF (it is {found}); rename it or export it again")
    if known.content == "zip":
        _check_archive(data, known, found)
    if known.content == "text" and (found in _BINARY or found in ("binary data", "a video", "a media file")):
        raise UnreadableError(f"not text (it is {found}); rename it or export it again")


def _check_archive(data: bytes, known: Format, found: str) -> None:
    if found == "an old or encrypted Office file":
        raise UnreadableError(
            f"not a readable {known.name} file (it is encrypted or in the old format); "
            f"save it without a password as {known.suffixes[0]}"
        )
    if found != "a ZIP archive":
        raise UnreadableError(f"not a {known.name} file (it is {found}); rename it or export it again")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise UnreadableError(f"damaged {known.name} file ({error}); export it again") from error
    names = [member.filename for member in members]
    if known.member not in names:
        raise UnreadableError(f"not a {known.name} file (a ZIP archive without {known.member}); export it again")
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableError("encrypted; save it without a password")
    if reason := bomb(members, len(data)):
        raise UnreadableError(f"refused: {reason}")


def bomb(members: Sequence[zipfile.ZipInfo], packed: int) -> str:
    """Why the archive of `packed` bytes with these members must not be unpacked; empty where it may be."""
    unpacked = sum(member.file_size for member in members)
    ratio = unpacked / max(1, packed)
    if len(members) > MAX_MEMBERS or unpacked > MAX_UNPACKED or (unpacked > _RATIO_FLOOR and ratio > MAX_RATIO):
        return f"{packed:,} bytes unpack to {unpacked:,} in {len(members):,} parts, as a ZIP bomb does"
    if len({member.header_offset for member in members}) != len(members):
        return "parts of the archive overlap, as in a ZIP bomb"
    return ""


def decode_text(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of a file and one-line warnings on what was not clean.

    UTF-8 with or without a mark, UTF-16 with a mark (or plainly without), else Windows-1252. Line ends become `\\n`.
    NUL characters become spaces, so that every later store can hold the text.
    """
    warnings: list[str] = []
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        text = data.decode("utf-32", "replace")
    elif data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", "replace")
    elif guess := _utf16_without_mark(data):
        text = data.decode(guess, "replace")
        warnings.append("read as UTF-16 without a byte-order mark")
    else:
        text = _decode_bytes(data, warnings)
    if "\x00" in text:
        warnings.append(f"{text.count(chr(0))} NUL characters read as spaces")
        text = text.replace("\x00", " ")
    return text.replace("\r\n", "\n").replace("\r", "\n"), tuple(warnings)


def _decode_bytes(data: bytes, warnings: list[str]) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    lossy = data.decode("utf-8-sig", "replace")
    bad = lossy.count("\ufffd")
    good = len(re.findall(r"[^\x00-\x7f]", lossy)) - bad
    if good > bad:
        warnings.append(f"{bad} places are not UTF-8 (first on line {line}); they read as \ufffd")
        return lossy
    warnings.append(f"not UTF-8 (first on line {line}); read as Windows-1252")
    return data.decode("cp1252", "replace")


def _utf16_without_mark(data: bytes) -> str:
    """The UTF-16 variant that `data` plainly is in (every other byte NUL), or an empty string."""
    head = data[:4096]
    pairs = len(head) // 2
    if pairs < 4:
        return ""
    even, odd = head[0 : 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    if odd > 0.7 * pairs and even < 0.1 * pairs:
        return "utf-16-le"
    if even > 0.7 * pairs and odd < 0.1 * pairs:
        return "utf-16-be"
    return ""
