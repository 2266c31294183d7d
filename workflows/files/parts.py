"""Files that come in pieces: after a broken connection, a reload or a restart they go on from the last byte that is with us.

Each person has a folder in the store: `<id>.json` says what is to come and for which field, `<id>.part` holds what has come, and
its size is the offset; nothing else is kept. The id follows from the file as its sender describes it: who begins the same file
for the same field again, in another window or after a week's end, goes on where it was. What was never finished is forgotten.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path, PurePath
from typing import Any

import orjson

from engine.errors import Problem
from engine.work import ProcessEngine
from workflows.files.attachments import Attachment, attach_once, require_field
from workflows.files.content import ALLOWED, FileTypeRefused
from workflows.files.names import clean_name, extension_of
from workflows.files.store import FileEmpty, Received, file_root, largest_file, refuse_large, settle_file
from workflows.people import Person

PIECE = 1024 * 1024
"""Bytes that a sender is asked to send at a time."""
LARGEST_PIECE = 4 * PIECE
"""Bytes of one piece that are taken: it is read whole before anything is locked."""
KEEP = timedelta(days=7)
"""How long what was not finished waits to be gone on with."""
SWEEP = timedelta(hours=1)
"""How often a process looks for what is to be forgotten."""
MOST_PARTS = 20
MOST_FILES_WAITING = 4
"""Of one person so many files may be unfinished, and so many of the largest that are taken, measured in bytes."""

_ID = re.compile(r"[0-9a-f]{32}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class PartUnknown(Problem):
    """The person has begun no such file for this task, or it was forgotten meanwhile."""

    kind = "missing"


class PartOffsetWrong(Problem):
    """The piece does not go on where the file stands: at `offset`."""

    kind = "conflict"


class PartPieceTooLarge(Problem):
    """More bytes came at once than a piece may have."""


class PartDamaged(Problem):
    """What came is not the file that was announced; it is forgotten, and the file has to be sent again."""


class PartsTooMany(Problem):
    """The person has begun so many files without finishing them that no other can begin."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class Part:
    """A file on its way. `offset` bytes of `size` are with us; `sha256` is what the sender said of the whole, if anything.

    `stored` has the digest and the media type once all of it came, was checked and lies in the store.
    """

    id: str
    task_id: str
    field: str
    name: str
    size: int
    sha256: str | None
    began_at: datetime
    stored: tuple[str, str] | None = None
    offset: int = 0


def begin_part(
    process_engine: ProcessEngine,
    person: Person,
    task_id: str,
    key: str,
    *,
    name: str,
    size: int,
    sha256: str = "",
    mark: str = "",
) -> Part:
    """Begin a file for the field `key` of the person's open task, or go on with it: the answer says from which byte.

    `sha256` is compared at the end; without it, `mark` (when the file was changed, say) tells apart what has the same name and
    size.
    Raises what `require_field` raises; FileTypeRefused, FileEmpty, FileTooLarge, PartsTooMany.
    """
    name = clean_name(name)
    with process_engine.read(by=person.id) as work:
        wanted = require_field(work, person, task_id, key)
        now = work.now
    _sweep_sometimes(process_engine, now)
    taken = [each for each in ALLOWED if not wanted.accept or f".{each}" in wanted.accept]
    if extension_of(name) not in taken:
        raise FileTypeRefused(name=name, allowed=", ".join(taken))
    if size <= 0:
        raise FileEmpty(name=name)
    refuse_large(size, name, min(largest_file(process_engine), wanted.max_bytes or size))
    known = sha256 if _SHA256.fullmatch(sha256) else None
    part_id = hashlib.sha256(orjson.dumps([task_id, key, name, size, known or mark[:200]])).hexdigest()[:32]
    with _holding(process_engine, person) as folder:
        before = _read(folder, part_id)
        waiting = [each for each in _list(folder) if each.stored is None and each.id != part_id]
        if before is None and (
            len(waiting) >= MOST_PARTS
            or sum(each.size for each in waiting) + size > MOST_FILES_WAITING * largest_file(process_engine)
        ):
            raise PartsTooMany(count=len(waiting), names=", ".join(each.name for each in waiting))
        part = Part(part_id, task_id, key, name, size, known, now)
        if before is not None:
            part = replace(part, stored=before.stored, offset=before.offset)
        _write(folder, part)
    return part


def find_part(process_engine: ProcessEngine, person: Person, task_id: str, part_id: str) -> Part:
    """How far a file has come.

    Raises PartUnknown, and what `require_field` raises.
    """
    with _holding(process_engine, person) as folder:
        part = _find(folder, task_id, part_id)
    with process_engine.read(by=person.id) as work:
        require_field(work, person, task_id, part.field)
    return part


def list_parts(process_engine: ProcessEngine, person: Person, task_id: str) -> list[Part]:
    """What the person has begun for a task and not finished, in the order of its beginning."""
    folder = _folder(process_engine, person)
    found = [each for each in _list(folder) if each.task_id == task_id and each.stored is None] if folder.exists() else []
    return sorted(found, key=lambda each: (each.began_at, each.id))


def append_part(
    process_engine: ProcessEngine, person: Person, task_id: str, part_id: str, *, offset: int, content: bytes
) -> tuple[Part, Attachment | None]:
    """Put a piece at the end of what has come; with the last one the file is checked, stored and attached to its field.

    The same last piece again (or none, at the end) gives the same attachment again.
    Raises PartUnknown, PartOffsetWrong, PartPieceTooLarge, PartDamaged, what the checks of a file raise (it is forgotten then),
    and what `require_field` raises.
    """
    if len(content) > LARGEST_PIECE:
        raise PartPieceTooLarge(limit_mb=LARGEST_PIECE // PIECE)
    find_part(process_engine, person, task_id, part_id)  # whether the person may, before a byte is kept
    with _holding(process_engine, person) as folder:
        part = _find(folder, task_id, part_id)
        if offset != part.offset or offset + len(content) > part.size:
            raise PartOffsetWrong(name=part.name, offset=part.offset)
        if content:
            with _bytes_of(folder, part_id).open("ab") as target:
                target.write(content)
                target.flush()
                os.fsync(target.fileno())
            part = _find(folder, task_id, part_id)
        if part.offset < part.size:
            return part, None
        received = _store(process_engine, folder, part)
        with process_engine.begin(by=person.id) as work:
            return part, attach_once(work, person, received, task_id=task_id, field=part.field)


def drop_part(process_engine: ProcessEngine, person: Person, task_id: str, part_id: str) -> None:
    """Forget a file that is on its way. What is forgotten already is no fault."""
    with _holding(process_engine, person) as folder, suppress(PartUnknown):
        _forget(folder, _find(folder, task_id, part_id).id)


def sweep_parts(process_engine: ProcessEngine, now: datetime) -> int:
    """Forget what was begun long ago, of everybody; how many files."""
    count = 0
    for folder in sorted(each for each in (file_root(process_engine) / "parts").glob("*") if each.is_dir()):
        descriptor = _lock(folder)
        if descriptor is None:
            continue
        try:
            old = [part for part in _list(folder) if part.began_at < now - KEEP]
            for part in old:
                _forget(folder, part.id)
            count += len(old)
            with suppress(OSError):  # others wait in it
                folder.rmdir()
        finally:
            os.close(descriptor)
    return count


def _sweep_sometimes(process_engine: ProcessEngine, now: datetime) -> None:
    looked_at: datetime | None = process_engine.extras.get(__name__)
    if looked_at is None or not looked_at <= now < looked_at + SWEEP:
        process_engine.extras[__name__] = now
        sweep_parts(process_engine, now)


def _store(process_engine: ProcessEngine, folder: Path, part: Part) -> Received:
    """The whole file, checked and in the store; what must not be kept is forgotten. Raises what the checks raise."""
    if part.stored is None:
        path = _bytes_of(folder, part.id)
        try:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if part.sha256 not in (None, digest):
                raise PartDamaged(name=part.name)
            received = settle_file(process_engine, path, digest, part.size, part.name)
        except Problem:
            _forget(folder, part.id)
            raise
        _write(folder, part, stored=(received.sha256, received.media_type))
        path.unlink(missing_ok=True)
        return received
    return Received(part.stored[0], part.size, part.stored[1], part.name)


# ---- the folder ------------------------------------------------------------------------------------------------------
def _folder(process_engine: ProcessEngine, person: Person) -> Path:
    return file_root(process_engine) / "parts" / PurePath(person.id).name


@contextmanager
def _holding(process_engine: ProcessEngine, person: Person) -> Iterator[Path]:
    """The person's folder, of which nobody else changes anything meanwhile, be it another process."""
    folder = _folder(process_engine, person)
    descriptor = None
    while descriptor is None:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _lock(folder)
    try:
        yield folder
    finally:
        os.close(descriptor)


def _lock(folder: Path) -> int | None:
    """Lock the folder until what is answered is closed; None when whoever swept it away was faster."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(descriptor), folder.stat()):
            return descriptor
    os.close(descriptor)
    return None


def _bytes_of(folder: Path, part_id: str) -> Path:
    return folder / f"{part_id}.part"


def _find(folder: Path, task_id: str, part_id: str) -> Part:
    part = _read(folder, part_id) if _ID.fullmatch(part_id) else None
    if part is None or part.task_id != task_id:
        raise PartUnknown()
    return part


def _read(folder: Path, part_id: str) -> Part | None:
    try:
        told: dict[str, Any] = orjson.loads((folder / f"{part_id}.json").read_bytes())
    except FileNotFoundError:
        return None
    path = _bytes_of(folder, part_id)
    come = told["size"] if told["stored"] else path.stat().st_size if path.exists() else 0
    stored = None if told["stored"] is None else (told["stored"][0], told["stored"][1])
    return Part(**{**told, "began_at": datetime.fromisoformat(told["began_at"]), "stored": stored}, offset=come)


def _list(folder: Path) -> list[Part]:
    found = (_read(folder, path.stem) for path in sorted(folder.glob("*.json")))
    return [part for part in found if part is not None]


def _write(folder: Path, part: Part, *, stored: tuple[str, str] | None = None) -> None:
    told = {name: getattr(part, name) for name in ("id", "task_id", "field", "name", "size", "sha256", "began_at")}
    temporary = folder / f"{part.id}.new"
    with temporary.open("wb") as target:
        target.write(orjson.dumps({**told, "stored": stored or part.stored}))
        target.flush()
        os.fsync(target.fileno())
    temporary.replace(folder / f"{part.id}.json")


def _forget(folder: Path, part_id: str) -> None:
    _bytes_of(folder, part_id).unlink(missing_ok=True)  # before what says whose it is: none lies there for good
    (folder / f"{part_id}.json").unlink(missing_ok=True)
