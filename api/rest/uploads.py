"""`/uploads`: files that programs send in pieces, for a field of a task's form; after a broken connection they go on."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from api.pages.present import process_engine, reader
from api.rest.cases import FileTold
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Nothing, Told
from engine.errors import TaskAlreadyClaimed, TaskAlreadyCompleted
from workflows.files import PIECE, Attachment, Part, append_part, begin_part, drop_part, find_part

resource = Resource("uploads")
TAKEN = (TaskAlreadyCompleted, TaskAlreadyClaimed)
OFFSET = {"Upload-Offset": "offset"}
LARGEST_SIZE = 2**53 - 1
"""What a number of JSON can say; how large a file may be is asked of the field and the installation."""


class UploadAsked(Asked):
    """The file that is to come. `sha256` is compared at the end; without it `mark` (as when the file was changed) tells apart
    what has the same name and size."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    size: Annotated[int, Field(ge=1, le=LARGEST_SIZE)]
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] | None = None
    mark: Annotated[str, StringConstraints(max_length=200)] | None = None


class UploadTold(Told):
    """How far a file has come: `offset` bytes of `size`. `piece` is how much to send at a time; `file` is there with the last."""

    id: str
    task_id: str
    field: str
    name: str
    size: int
    offset: int
    piece: int
    file: FileTold | None


@resource.post("/tasks/<task_id>/fields/<name>/uploads", UploadTold, takes=UploadAsked, raises=TAKEN, heads=OFFSET, status=201)
def begin(task_id: str, name: str, body: UploadAsked, key: str) -> UploadTold:
    """Begin a file, or go on with it: what has the same name, size and digest (or mark) for the same field is the same file, in
    whatever program, so that the answer tells how far it has come by now, also to the same key again.

    Raises KeyReused, and what `begin_part` raises.
    """
    act(key, "upload.begin", {"task": task_id, "field": name, **body.model_dump()}, lambda _: Nothing())
    told = {"name": body.name, "size": body.size, "sha256": body.sha256 or "", "mark": body.mark or ""}
    return tell_part(begin_part(process_engine(), reader(), task_id, name, **told))  # type: ignore[arg-type]


@resource.get("/tasks/<task_id>/uploads/<part_id>", UploadTold, raises=TAKEN, heads=OFFSET)
def show(task_id: str, part_id: str) -> UploadTold:
    """How far a file has come; a HEAD says it in `Upload-Offset`.

    Raises what `find_part` raises.
    """
    return tell_part(find_part(process_engine(), reader(), task_id, part_id))


@resource.patch("/tasks/<task_id>/uploads/<part_id>", UploadTold, raises=TAKEN, heads=OFFSET)
def append(task_id: str, part_id: str, piece: bytes, offset: int) -> UploadTold:
    """Take the piece that begins at `Upload-Offset`; of one that broke off, what came. With the last one the file is kept for the
    field; it counts once the task is completed with its id.

    Raises what `append_part` raises; the answer to PartOffsetWrong says in `Upload-Offset` where to go on.
    """
    part, kept = append_part(process_engine(), reader(), task_id, part_id, offset=offset, content=piece)
    return tell_part(part, kept)


@resource.delete("/tasks/<task_id>/uploads/<part_id>", UploadTold, raises=TAKEN)
def drop(task_id: str, part_id: str) -> UploadTold:
    """Forget a file that is on its way.

    Raises what `find_part` raises.
    """
    part = find_part(process_engine(), reader(), task_id, part_id)
    drop_part(process_engine(), reader(), task_id, part_id)
    return tell_part(part)


def tell_part(part: Part, kept: Attachment | None = None) -> UploadTold:
    """How far it has come."""
    told = {name: getattr(part, name) for name in ("id", "task_id", "field", "name", "size", "offset")}
    return UploadTold(**told, piece=PIECE, file=None if kept is None else FileTold.model_validate(kept))
