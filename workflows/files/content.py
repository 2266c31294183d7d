"""What a file may be: the extension must be allowed, the content must be what the extension says, and nothing in it may run.

Limits for containers follow the project's security notes: at most 1,000 entries, at most 100 times the packed size, no archive
within an archive, no path that leads outside, no link, no macro.
"""

from __future__ import annotations

import stat
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import filetype

from engine.errors import Problem
from workflows.files.names import extension_of

ALLOWED: dict[str, str] = {
    "pdf": "application/pdf",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "ofd": "application/ofd",  # GB/T 33190, the fixed layout of official documents
    "zip": "application/zip",
}
"""Extensions that are taken, and the media type that each is served with."""

LARGEST_ENTRIES = 1_000
LARGEST_RATIO = 100
LARGEST_UNPACKED = 500 * 1024 * 1024
FREE_UNPACKED = 1024 * 1024
"""Below this size a high ratio is no bomb: an empty spreadsheet packs its blank cells very well."""
DEEPEST_NESTING = 2

_MARKS = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml", "pptx": "ppt/presentation.xml", "ofd": "OFD.xml"}
_OFFICE = frozenset({"docx", "xlsx", "pptx"})
_IN_ARCHIVE = frozenset({"pdf", "jpg", "jpeg", "png", "docx", "xlsx", "pptx", "ofd", "txt", "csv"})
_ARCHIVES = frozenset({"zip", "rar", "7z", "gz", "tgz", "tar", "bz2", "xz"})
_PROGRAMS = (b"MZ", b"\x7fELF", b"#!", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
"""How programs begin."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MACRO_PATHS = ("vbaproject.bin", "vbadata.xml", "/activex/", "/macrosheets/", "/dialogsheets/")


class FileTypeRefused(Problem):
    """The extension is not among the allowed ones, or the content is not what the extension says."""


class FileContentRefused(Problem):
    """The file holds something that could harm its reader: `reason` is a code of `REASONS`."""


REASONS = ("encrypted", "macro", "nested", "entries", "ratio", "unpacked", "path", "link", "kind", "program", "broken")


@dataclass(slots=True)
class _Budget:
    """What all containers within one file may unpack to, together."""

    entries: int = LARGEST_ENTRIES
    unpacked: int = 0
    packed: int = 0

    def unpack(self, size: int) -> str | None:
        """Note `size` more bytes; the reason when it is too much."""
        self.unpacked += size
        if self.unpacked > LARGEST_UNPACKED:
            return "unpacked"
        if self.unpacked > FREE_UNPACKED and self.unpacked > self.packed * LARGEST_RATIO:
            return "ratio"
        return None


def check_content(path: Path, name: str) -> str:
    """The media type of the file at `path` that somebody calls `name`.

    Raises FileTypeRefused and FileContentRefused.
    """
    extension = extension_of(name)
    if extension not in ALLOWED:
        raise FileTypeRefused(name=name, allowed=", ".join(ALLOWED))
    found = filetype.guess_extension(str(path))
    if extension in ("pdf", "png", "jpg", "jpeg"):
        if found != {"jpeg": "jpg"}.get(extension, extension):
            raise FileTypeRefused(name=name, allowed=", ".join(ALLOWED))
        return ALLOWED[extension]
    if not zipfile.is_zipfile(path):
        raise FileTypeRefused(name=name, allowed=", ".join(ALLOWED))
    with path.open("rb") as stream:
        _check_container(stream, extension, name, _Budget(packed=path.stat().st_size), 1)
    return ALLOWED[extension]


def _check_container(stream: IO[bytes], extension: str, name: str, budget: _Budget, depth: int) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = archive.infolist()
            budget.entries -= len(entries)
            if budget.entries < 0:
                raise FileContentRefused(name=name, reason="entries")
            if extension in _MARKS and _MARKS[extension] not in {entry.filename for entry in entries}:
                raise FileTypeRefused(name=name, allowed=", ".join(ALLOWED))
            for entry in entries:
                reason = _judge_entry(entry, extension)
                if reason is not None:
                    raise FileContentRefused(name=name, reason=reason)
            for entry in entries:
                if not entry.is_dir():
                    _check_entry(archive, entry, extension, name, budget, depth)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as fault:
        raise FileContentRefused(name=name, reason="broken") from fault


def _judge_entry(entry: zipfile.ZipInfo, container: str) -> str | None:
    """The reason why an entry is refused by what the directory says about it."""
    path = entry.filename
    if entry.flag_bits & 0x1:
        return "encrypted"
    if path.startswith("/") or "\\" in entry.orig_filename or ":" in path or ".." in PurePosixPath(path).parts:
        return "path"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "link"
    lower = f"/{path.casefold()}"
    if container in _OFFICE and any(mark in lower for mark in _MACRO_PATHS):
        return "macro"
    if container == "zip" and not entry.is_dir():
        extension = extension_of(path)
        if extension in _ARCHIVES:
            return "nested"
        if extension not in _IN_ARCHIVE:
            return "kind"
    return None


def _check_entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, container: str, name: str, budget: _Budget, depth: int
) -> None:
    """Unpack an entry, counting what really comes out (declared sizes may lie), and look at how it begins."""
    with tempfile.SpooledTemporaryFile(max_size=1024 * 1024) as unpacked:
        with archive.open(entry) as content:
            while chunk := content.read(64 * 1024):
                reason = budget.unpack(len(chunk))
                if reason is not None:
                    raise FileContentRefused(name=name, reason=reason)
                unpacked.write(chunk)
        unpacked.seek(0)
        head = unpacked.read(8)
        unpacked.seek(0)
        if head.startswith(_PROGRAMS):
            raise FileContentRefused(name=name, reason="program")
        if container in _OFFICE and entry.filename == "[Content_Types].xml":
            types = unpacked.read().lower()
            if b"macroenabled" in types or b"vbaproject" in types:
                raise FileContentRefused(name=name, reason="macro")
        elif head.startswith(_OLE):
            _check_ole(unpacked.read(), container, name)
        elif head.startswith(b"PK\x03\x04"):
            inner = extension_of(entry.filename)
            if inner not in _MARKS or depth >= DEEPEST_NESTING:  # a chart in a presentation brings its spreadsheet along
                raise FileContentRefused(name=name, reason="nested")
            _check_container(unpacked, inner, name, budget, depth + 1)


def _check_ole(content: bytes, container: str, name: str) -> None:
    """Formulas of older editors are such objects; macros and packed files within one are refused."""
    if container not in _OFFICE or "_VBA_PROJECT".encode("utf-16-le") in content:
        raise FileContentRefused(name=name, reason="macro")
    if "Ole10Native".encode("utf-16-le") in content:
        raise FileContentRefused(name=name, reason="program")
