"""What the interface of drafts asks and tells."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.rest.shapes import Asked, FindingTold, Id, Listed, Paging, Told
from workflows.notices.source import LARGEST_FILE

State = Literal["editing", "submitted", "released", "discarded"]
STATES: tuple[State, ...] = ("editing", "submitted", "released", "discarded")
Remark = Annotated[str, StringConstraints(max_length=1000)]
Number = Annotated[int, Field(ge=1, le=999_999_999)]


class DraftsAsked(Paging):
    """Drafts in one state, else all."""

    state: State | None = None


class DraftTold(Told):
    """A draft; `version` is its latest, `based_on` the id of the notice's version that it began from, `notice_id` what it was
    released as."""

    id: str
    key: str
    state: State
    version: int
    based_on: str | None
    base_key: str | None
    base_version: int | None
    notice_id: str | None
    created_at: datetime
    saved_at: datetime
    saved_by: str | None


class DraftsTold(Listed):
    """A page of drafts, those that are worked on first, then by when they were saved."""

    items: list[DraftTold]


class FileLineTold(Told):
    """A file of the latest version."""

    path: str
    size: int
    sha256: str


class StepTold(Told):
    """What somebody decided about a version: `submitted`, `withdrawn`, `sent_back`, `released`, `discarded`."""

    kind: str
    at: datetime
    by: str | None
    version: int
    reason: str | None


class DraftWholeTold(DraftTold):
    """One draft with its files and what was decided, the newest first. `revision` (the latest version) begins the `ETag`."""

    revision: int
    files: list[FileLineTold]
    steps: list[StepTold]


class VersionTold(Told):
    """One save (`started`, `saved`, `autosaved`, `restored`); `changed` are the paths that differ from the version before."""

    number: int
    kind: str
    at: datetime
    by: str | None
    changed: list[str]
    files: dict[str, str]


class VersionsTold(Listed):
    """A page of versions, the newest first; `files` are digests by path."""

    items: list[VersionTold]


class VersionAsked(Asked):
    """The latest version, unless another one is asked for."""

    version: Number | None = None


class FileTold(Told):
    """A file as it stands in a version. `revision` is the version that its `ETag` begins with: what `If-Match` wants."""

    path: str
    revision: int
    sha256: str
    text: str


class FileAsked(Asked):
    """The whole file."""

    text: Annotated[str, StringConstraints(max_length=LARGEST_FILE)]


class SavedTold(Told):
    """In which version the draft stands now."""

    draft: str
    revision: int


class DraftAsked(Asked):
    """From which version of a notice a draft begins. `next`: for the notice's next version; `clone`: for another notice of the
    key `key`, with the document number `number` (null: not known yet), its dates moved by `years`."""

    kind: Literal["next", "clone"]
    notice: Id
    key: Annotated[str, StringConstraints(max_length=60)] | None = None
    number: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    years: Annotated[int, Field(ge=-50, le=50)] = 1


class BegunTold(Told):
    """The new draft."""

    draft: str


class CheckTold(Told):
    """What a release would be answered: `refused` when a finding is an error."""

    version: int
    refused: bool
    findings: list[FindingTold]


class RemarkAsked(Asked):
    """A remark for who reads the draft's record; sending a draft back needs one."""

    reason: Remark = ""


class RestoreAsked(Asked):
    """Which version becomes the next one."""

    version: Number


class DecidedTold(Told):
    """How the draft stands after a decision; `notice_id` once it is released."""

    id: str
    state: State
    version: int
    notice_id: str | None
