"""The folder where files lie, named by their SHA-256. Nothing in it is ever changed, and nothing in it is served directly."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.errors import Problem
from engine.work import ProcessEngine
from workflows.files.content import check_content
from workflows.files.names import clean_name

LARGEST_FILE = 20 * 1024 * 1024
"""Bytes, unless the installation's settings say otherwise (`process_engine.extras["largest_file"]`)."""

_CHUNK = 256 * 1024


class FileTooLarge(Problem):
    """The file has more bytes than allowed."""


class FileEmpty(Problem):
    """The file has no bytes at all."""


class FileDamaged(Problem):
    """The stored bytes are missing or no longer those whose SHA-256 they are named by."""

    kind = "internal"


@dataclass(frozen=True, slots=True)
class Received:
    """A checked file that lies in the store already; no row names it yet."""

    sha256: str
    size: int
    media_type: str
    name: str


def receive_file(process_engine: ProcessEngine, stream: IO[bytes], *, name: str) -> Received:
    """Read the stream to its end, check it and put it into the store. Needs no transaction: call it before one begins.

    Either the whole file is there under its final name (temporary file, flushed, renamed, folder flushed) or nothing is.
    Raises FileTooLarge as soon as the limit is passed, FileEmpty, FileTypeRefused and FileContentRefused.
    """
    limit = largest_file(process_engine)
    name = clean_name(name)
    folder = file_root(process_engine) / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder)
    path = Path(temporary)
    try:
        with os.fdopen(descriptor, "wb") as target:
            digest, size = _copy(stream, target, name, limit)
            target.flush()
            os.fsync(target.fileno())
        return settle_file(process_engine, path, digest, size, name)
    finally:
        path.unlink(missing_ok=True)


def settle_file(process_engine: ProcessEngine, path: Path, sha256: str, size: int, name: str) -> Received:
    """Check the whole file at `path`, which lies within the store, and give it its place there.

    Raises FileTypeRefused and FileContentRefused.
    """
    media_type = check_content(path, name)
    _place(path, path_of(file_root(process_engine), sha256))
    return Received(sha256, size, media_type, name)


def largest_file(process_engine: ProcessEngine) -> int:
    """Bytes that one file may have here."""
    return int(process_engine.extras.get("largest_file", LARGEST_FILE))


def refuse_large(size: int, name: str, limit: int) -> None:
    """Raises FileTooLarge beyond `limit` bytes."""
    if size > limit:
        raise FileTooLarge(name=name, limit_mb=round(limit / 1024 / 1024, 1))


def file_root(process_engine: ProcessEngine) -> Path:
    """The store's folder, as the wiring set it."""
    return Path(process_engine.extras["files"])


def path_of(root: Path, sha256: str) -> Path:
    """Where the file with this hash lies."""
    return root / sha256[:2] / sha256[2:4] / sha256


def verify_file(process_engine: ProcessEngine, sha256: str) -> Path:
    """The path of a stored file whose bytes were read and are still those that were received.

    Raises FileDamaged.
    """
    path = path_of(file_root(process_engine), sha256)
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as fault:
        raise FileDamaged(sha256=sha256) from fault
    if found != sha256:
        raise FileDamaged(sha256=sha256)
    return path


def _copy(stream: IO[bytes], target: IO[bytes], name: str, limit: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        refuse_large(size, name, limit)
        digest.update(chunk)
        target.write(chunk)
    if size == 0:
        raise FileEmpty(name=name)
    return digest.hexdigest(), size


def _place(path: Path, final: Path) -> None:
    if final.exists():
        return  # the same bytes came before
    final.parent.mkdir(parents=True, exist_ok=True)
    path.chmod(0o440)
    os.replace(path, final)
    for folder in (final.parent, final.parent.parent, final.parent.parent.parent):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
