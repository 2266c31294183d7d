"""Drafts as they stand: lists, versions, files, the check."""

from __future__ import annotations

from flask import Response

from api.pages.drafts.opening import check, open_draft
from api.pages.drafts.versions import answer_archive
from api.pages.present import process_engine, reader, words
from api.rest.drafts.shapes import (
    STATES,
    CheckTold,
    DraftsAsked,
    DraftsTold,
    DraftTold,
    DraftWholeTold,
    FileLineTold,
    FileTold,
    StepTold,
    VersionAsked,
    VersionsTold,
    VersionTold,
)
from api.rest.operations import Resource
from api.rest.shapes import FindingTold, Paging, cut_page
from engine.errors import Problem
from workflows.notices import drafts
from workflows.notices.drafts import DraftFileUnknown
from workflows.rules import require

resource = Resource("drafts")


class DraftFileNotText(Problem):
    """The file is not in UTF-8, so that it is no text in JSON; the draft's archive has its bytes. Value: `path`."""

    kind = "conflict"


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
