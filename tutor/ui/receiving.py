"""Looks at what was uploaded before it is kept: kinds, names, sizes and number; archives are unpacked within limits."""

from __future__ import annotations

import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from corpus.readers import format_of, refusal
from corpus.readers.content import bomb

LARGEST_FILE = 100_000_000
"""Bytes of one file, and of all that one request brings in."""
LARGEST_UNPACKED = 400_000_000
"""Bytes of one upload once its archives are unpacked."""
MOST_FILES = 300
"""Files of one upload, those in archives included."""

_LONGEST_PART = 200
"""Bytes of the name of a file or folder."""
_DEEPEST = 8
_LARGEST_DIRECTORY = 4_000_000
"""Bytes of an archive's list of contents, which is held in memory before it can be counted."""
_CHUNK = 1 << 20
_LINE_BREAKS = re.compile(r"(?:%0[AD])+")
"""What browsers send for line breaks in a file's name (HTML Standard, "multipart/form-data encoding algorithm")."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A file that was not taken, and why in one line."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Received:
    """What came through: names relative to the folder it was put in, with forward slashes; and what did not."""

    files: tuple[str, ...]
    rejected: tuple[Rejected, ...]


def receive(paths: Sequence[Path], folder: Path) -> Received:
    """Copies the uploaded files, and what is in the ZIP archives among them, into the empty `folder`.

    A file that is no lecture file, too large, too many, or has a name that would lead out of the folder is rejected.
    Raises OSError where `folder` cannot be written.
    """
    intake = _Intake(folder)
    for path in paths:
        try:
            size = path.stat().st_size
            opened = path.open("rb")
        except OSError:
            intake.reject(path.name, "is no longer there; upload it again")
            continue
        with opened as file:
            if path.suffix.lower() == ".zip":
                intake.unpack(path.name, file, size)
            else:
                name = _LINE_BREAKS.sub(" ", path.name).strip()
                intake.take(name, name, file, size)
    return Received(files=tuple(intake.files), rejected=tuple(intake.rejected))


class _Refused(Exception):
    """The file is not taken; the message is the reason."""


class _Intake:
    """Fills a folder and counts what went in."""

    def __init__(self, folder: Path) -> None:
        self.files: list[str] = []
        self.rejected: list[Rejected] = []
        self._folder = folder
        self._size = 0

    def reject(self, name: str, reason: str) -> None:
        self.rejected.append(Rejected(name=name, reason=reason))

    def take(self, shown: str, name: str, file: IO[bytes], size: int) -> None:
        """Copies one file to `name` in the folder, or rejects it under the name `shown`."""
        name = unicodedata.normalize("NFC", name)
        try:
            if reason := name_fault(name) or self._fault(name, size):
                raise _Refused(reason)
            self._copy(name, file)
        except _Refused as refused:
            self.reject(shown, str(refused))
        else:
            self.files.append(name)

    def unpack(self, archive: str, file: IO[bytes], size: int) -> None:
        """Takes the files of a ZIP archive; hidden ones are counted only."""
        try:
            if reason := _size_fault(size) or _directory_fault(file, size):
                raise _Refused(reason)
            with zipfile.ZipFile(file) as opened:
                members = [member for member in opened.infolist() if not member.is_dir()]
                if reason := bomb(members, size):
                    raise _Refused(f"is refused: {reason}")
                hidden = sum(is_hidden(member.filename) for member in members)
                members = [member for member in members if not is_hidden(member.filename)]
                if len(self.files) + len(members) > MOST_FILES:
                    raise _Refused(
                        f"holds {len(members):,} files, and an upload {MOST_FILES} at most; pack it in parts"
                    )
                for member in members:
                    self._member(archive, opened, member)
        except _Refused as refused:
            self.reject(archive, str(refused))
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as fault:
            self.reject(archive, f"is a damaged ZIP archive ({fault}); pack it again")
        else:
            if hidden:
                self.reject(archive, f"holds {hidden:,} hidden file{'s' if hidden > 1 else ''}, left out")
            if not members:
                self.reject(archive, "holds no files")

    def _member(self, archive: str, opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        shown = f"{archive}: {member.filename}"
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            self.reject(shown, "is no ordinary file (a link or device)")
        elif member.flag_bits & 1:
            self.reject(shown, "is encrypted; pack it without a password")
        elif member.compress_type not in _METHODS:
            self.reject(shown, "is packed in a way that is not read; pack it as an ordinary ZIP archive")
        else:
            try:
                with opened.open(member) as file:
                    self.take(shown, member.filename, file, member.file_size)
            except (zipfile.BadZipFile, NotImplementedError, ValueError) as fault:
                self.reject(shown, f"is damaged ({fault}); pack it again")

    def _fault(self, name: str, size: int) -> str:
        if name.lower().endswith(".zip"):
            return "is an archive inside an archive; upload it by itself"
        if format_of(name) is None:
            return refusal(name)
        if size == 0:
            return "is empty"
        if len(self.files) >= MOST_FILES:
            return f"is more than the {MOST_FILES} files of one upload; upload it afterwards"
        if (self._folder / name).exists():
            return "has the name of another file of this upload; rename one"
        return _size_fault(size)

    def _copy(self, name: str, file: IO[bytes]) -> None:
        target = self._folder / name
        done = 0
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            written = target.open("xb")
        except (FileExistsError, NotADirectoryError):
            raise _Refused("has a folder named as another file of this upload; rename one") from None
        try:
            with written:
                while part := file.read(_CHUNK):
                    done += len(part)
                    if reason := _size_fault(done):
                        raise _Refused(reason)
                    if self._size + done > LARGEST_UNPACKED:
                        most = LARGEST_UNPACKED / 1e6
                        raise _Refused(f"does not fit into the {most:,.0f} MB of one upload; upload it afterwards")
                    written.write(part)
        except (zipfile.BadZipFile, zlib.error, EOFError) as fault:
            target.unlink()
            raise _Refused(f"is damaged ({fault or 'it ends too early'}); pack it again") from fault
        except BaseException:
            target.unlink()
            raise
        self._size += done


def is_hidden(name: str) -> bool:
    """Whether a file of an archive is what systems put beside files for themselves."""
    parts = name.split("/")
    return parts[0] == "__MACOSX" or any(part.startswith((".", "~$")) and part not in (".", "..") for part in parts)


def name_fault(name: str) -> str:
    """Why a file of this relative name is not taken; empty where it may be kept under it."""
    parts = name.split("/")
    if "\\" in name or re.match(r"[A-Za-z]:", name) or any(part in ("", ".", "..") for part in parts):
        return "has a name that leads out of its folder; pack or name it anew"
    if is_hidden(name):
        return "is hidden"
    if not name.isprintable():
        return "has characters in its name that cannot be shown; rename it"
    if len(parts) > _DEEPEST or any(len(part.encode("utf-8", "replace")) > _LONGEST_PART for part in parts):
        return "has a name that is too long or lies too deep in folders; rename it"
    return ""


def _size_fault(size: int) -> str:
    if size > LARGEST_FILE:
        return f"is larger than {LARGEST_FILE / 1e6:,.0f} MB; split it into parts"
    return ""


def _directory_fault(file: IO[bytes], size: int) -> str:
    """Why the list of contents at the end of a ZIP archive is not read; leaves `file` at its start."""
    file.seek(max(0, size - (20 + 22 + 65_535)))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return "is not a readable ZIP archive; pack it again"
    length = int.from_bytes(tail[at + 12 : at + 16], "little")
    if length > _LARGEST_DIRECTORY or tail[max(at - 20, 0) : at].startswith(b"PK\x06\x07"):
        return "is an archive of too many or too large files; pack it in parts"
    return ""
