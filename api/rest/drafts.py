"""`/drafts`: drafts of whole notices, for programs that keep a folder elsewhere: begun, written, checked, handed over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Response
from pydantic import Field, StringConstraints
from werkzeug.datastructures import FileStorage

from api.pages.drafts.opening import check, open_draft
from api.pages.drafts.overview import unpack
from api.pages.drafts.versions import answer_archive
from api.pages.present import process_engine, reader, words
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, FindingTold, Id, Listed, Paging, Told, cut_page
from engine.errors import Problem
from engine.work import Work
from workflows.notices import drafts
from workflows.notices.drafts import Draft, DraftChanged, DraftClosed, DraftFileUnknown
from workflows.notices.source import LARGEST_FILE
from workflows.rules import require
from workflows.rules.subjects import NoticeUnknown

resource = Resource("drafts")
State = Literal["editing", "submitted", "released", "discarded"]
STATES: tuple[State, ...] = ("editing", "submitted", "released", "discarded")
Remark = Annotated[str, StringConstraints(max_length=1000)]
Number = Annotated[int, Field(ge=1, le=999_999_999)]
CHANGED = (DraftChanged, DraftClosed)


class DraftFileNotText(Problem):
    """The file is not in UTF-8, so that it is no text in JSON; the draft's archive has its bytes. Value: `path`."""

    kind = "conflict"


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
    """One save: `kind` is `started`, `saved` or `restored`, `changed` the paths that differ from the version before."""

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


@resource.get("/drafts", DraftsTold, query=DraftsAsked)
def list_all(query: DraftsAsked) -> DraftsTold:
    """Drafts of notices.

    Raises NotPermitted, PageUnknown.
    """
    require(reader(), "notice.review")
    with process_engine().read(by=reader().id) as work:
        found = drafts.list_drafts(work, states=STATES if query.state is None else (query.state,))
    page, following = cut_page(sorted(found, key=lambda each: STATES.index(each.state)), query, lambda each: each.id)
    return DraftsTold(items=[DraftTold.model_validate(each) for each in page], next=following)


@resource.post("/drafts", BegunTold, takes=DraftAsked, status=201, raises=(NoticeUnknown,))
def begin(body: DraftAsked, key: str) -> Any:
    """Begin a draft from a version of a notice.

    Raises NotPermitted, NoticeUnknown, DraftKeyRefused.
    """

    def start(work: Work) -> BegunTold:
        if body.kind == "next":
            return BegunTold(draft=drafts.start_draft(work, reader(), body.notice))
        made = drafts.clone_notice(work, reader(), body.notice, key=body.key or "", number=body.number, years=body.years)
        return BegunTold(draft=made)

    require(reader(), "notice.edit")
    return act(key, "draft.start", body.model_dump(), start)


@resource.post("/drafts/archives", BegunTold, file=True, status=201)
def upload(upload: FileStorage, key: str) -> Any:
    """Begin a draft with the files of a folder in a zip archive; faults in them are told by the check.

    Raises NotPermitted, ArchiveRefused, DraftFileRefused, DraftKeyRefused.
    """
    require(reader(), "notice.edit")
    files = unpack(upload.stream.read())
    asked = {"files": {path: drafts.hash_content(content) for path, content in files.items()}}
    return act(key, "draft.upload", asked, lambda work: BegunTold(draft=drafts.upload_draft(work, reader(), files)))


@resource.get("/drafts/<draft_id>", DraftWholeTold, tagged=True)
def show(draft_id: str) -> DraftWholeTold:
    """One draft with its files.

    Raises NotPermitted, DraftUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        draft = open_draft(work, draft_id)
        files = drafts.read_files(work, draft_id, draft.version)
        steps = drafts.list_steps(work, draft_id)
    return DraftWholeTold(
        **DraftTold.model_validate(draft).model_dump(),
        revision=draft.version,
        files=[
            FileLineTold(path=path, size=len(content), sha256=drafts.hash_content(content))
            for path, content in sorted(files.items())
        ],
        steps=[StepTold.model_validate(each) for each in steps],
    )


@resource.get("/drafts/<draft_id>/versions", VersionsTold, query=Paging)
def list_versions(draft_id: str, query: Paging) -> VersionsTold:
    """All versions of a draft.

    Raises NotPermitted, DraftUnknown, PageUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        open_draft(work, draft_id)
        found = drafts.list_versions(work, draft_id)
    page, following = cut_page(found, query, lambda each: str(each.number))
    return VersionsTold(items=[VersionTold.model_validate(each) for each in page], next=following)


@resource.get("/drafts/<draft_id>/check", CheckTold)
def check_all(draft_id: str) -> CheckTold:
    """The check of the whole draft, as a release makes it; takes a moment.

    Raises NotPermitted, DraftUnknown.
    """
    draft, findings = check(draft_id)
    return CheckTold(
        version=draft.version,
        refused=any(each.severity == "error" for each in findings),
        findings=[
            FindingTold(code=each.code, severity=each.severity, element=each.element, path=each.path, text=words().tell(each))
            for each in findings
        ],
    )


@resource.get("/drafts/<draft_id>/archive", "application/zip", query=VersionAsked)
def download(draft_id: str, query: VersionAsked) -> Response:
    """A version as a folder in a zip archive, byte by byte.

    Raises NotPermitted, DraftUnknown.
    """
    return answer_archive(draft_id, query.version)


@resource.get("/drafts/<draft_id>/files/<path:path>", FileTold, query=VersionAsked, tagged=True, raises=(DraftFileNotText,))
def show_file(draft_id: str, path: str, query: VersionAsked) -> FileTold:
    """One file as text.

    Raises NotPermitted, DraftUnknown, DraftFileUnknown, DraftFileNotText.
    """
    with process_engine().read(by=reader().id) as work:
        draft = open_draft(work, draft_id)
        number = draft.version if query.version is None else query.version
        content = drafts.read_files(work, draft_id, number).get(path)
    if content is None:
        raise DraftFileUnknown(path=path[:80])
    try:
        text = content.decode()
    except UnicodeDecodeError as fault:
        raise DraftFileNotText(path=path) from fault
    return FileTold(path=path, revision=number, sha256=drafts.hash_content(content), text=text)


@resource.put("/drafts/<draft_id>/files/<path:path>", SavedTold, takes=FileAsked, tagged=True, raises=CHANGED)
def write_file(draft_id: str, path: str, body: FileAsked, revision: int) -> SavedTold:
    """Keep a file, new or changed, as the next version. `If-Match` names the version that was read: only a change of this same
    file since then is in the way.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged, DraftFileRefused.
    """
    with process_engine().begin(by=reader().id) as work:
        number = drafts.save_file(work, reader(), draft_id, path, body.text.encode(), seen=revision)
    return SavedTold(draft=draft_id, revision=number)


@resource.delete("/drafts/<draft_id>/files/<path:path>", SavedTold, tagged=True, raises=CHANGED)
def remove_file(draft_id: str, path: str, revision: int) -> SavedTold:
    """Take a file out of the draft.

    Raises NotPermitted, DraftUnknown, DraftFileUnknown, DraftClosed, DraftChanged, DraftFileRefused.
    """
    with process_engine().begin(by=reader().id) as work:
        number = drafts.remove_file(work, reader(), draft_id, path, seen=revision)
    return SavedTold(draft=draft_id, revision=number)


@resource.post("/drafts/<draft_id>/restore", SavedTold, takes=RestoreAsked, tagged=True, raises=CHANGED)
def restore(draft_id: str, body: RestoreAsked, key: str, revision: int) -> Any:
    """Make an older version the next one.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged.
    """

    def bring_back(work: Work) -> SavedTold:
        made = drafts.restore_version(work, reader(), draft_id, body.version, seen=revision)
        return SavedTold(draft=draft_id, revision=made)

    return act(key, "draft.restore", {"draft": draft_id, "number": body.version, "seen": revision}, bring_back)


@resource.post("/drafts/<draft_id>/submit", DecidedTold, takes=RemarkAsked, raises=CHANGED)
def submit(draft_id: str, body: RemarkAsked, key: str, revision: int) -> Any:
    """Hand the draft over for release.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged.
    """

    def hand_over(work: Work) -> None:
        drafts.submit_draft(work, reader(), draft_id, seen=revision, reason=body.reason)

    return decide("submit", draft_id, key, revision, hand_over, reason=body.reason)


@resource.post("/drafts/<draft_id>/withdraw", DecidedTold, raises=CHANGED)
def withdraw(draft_id: str, key: str, revision: int) -> Any:
    """Take a draft back that was handed over.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged.
    """
    return decide(
        "withdraw", draft_id, key, revision, lambda work: drafts.withdraw_draft(work, reader(), draft_id, seen=revision)
    )


@resource.post("/drafts/<draft_id>/discard", DecidedTold, raises=CHANGED)
def discard(draft_id: str, key: str, revision: int) -> Any:
    """Put a draft away.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged.
    """
    return decide("discard", draft_id, key, revision, lambda work: drafts.discard_draft(work, reader(), draft_id, seen=revision))


@resource.post("/drafts/<draft_id>/return", DecidedTold, takes=RemarkAsked, raises=CHANGED)
def send_back(draft_id: str, body: RemarkAsked, key: str, revision: int) -> Any:
    """Give a draft back to its writers, with a reason.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged, DraftReasonMissing.
    """

    def give_back(work: Work) -> None:
        drafts.send_back(work, reader(), draft_id, seen=revision, reason=body.reason)

    return decide("return", draft_id, key, revision, give_back, reason=body.reason)


@resource.post("/drafts/<draft_id>/release", DecidedTold, takes=RemarkAsked, raises=CHANGED)
def release(draft_id: str, body: RemarkAsked, key: str, revision: int) -> Any:
    """Deploy the draft as the next version of its notice; somebody who wrote none of it.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged, DraftUnchanged, NoticeInvalid, DiagramRefused.
    """
    check(draft_id)  # before the transaction, which then finds the walks done

    def deploy(work: Work) -> None:
        drafts.release_draft(work, reader(), draft_id, seen=revision, reason=body.reason)

    return decide("release", draft_id, key, revision, deploy, reason=body.reason)


def decide(operation: str, draft_id: str, key: str, revision: int, function: Callable[[Work], object], **asked: str) -> Any:
    """Decide once about a draft, and tell how it stands.

    Raises what `function` raises.
    """

    def run(work: Work) -> DecidedTold:
        function(work)
        found: Draft = drafts.get_draft(work, draft_id)
        return DecidedTold.model_validate(found)

    return act(key, f"draft.{operation}", {"draft": draft_id, "seen": revision, **asked}, run)
