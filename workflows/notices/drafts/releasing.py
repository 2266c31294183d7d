"""From a draft to a version that runs: handed over by its writers, looked at and released by somebody who wrote none of it."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from engine.work import Work
from workflows.notices.drafts.problems import DraftClosed, DraftReasonMissing, DraftUnchanged
from workflows.notices.drafts.reading import Draft, read_files
from workflows.notices.drafts.saving import lock_draft, require_version
from workflows.notices.folders import hash_folder, read_notice
from workflows.notices.store import deploy_folder, find_base, newest_version
from workflows.people import Person
from workflows.rules import DraftSubject, require
from workflows.tables import notice, notice_draft, notice_draft_step


def submit_draft(work: Work, by: Person, draft_id: str, *, seen: int, reason: str = "") -> None:
    """Hand the draft over for release; it cannot be edited until it comes back.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged.
    """
    require(by, "notice.edit")
    _step(work, by, draft_id, "submitted", seen, reason, before=("editing",), after="submitted")


def withdraw_draft(work: Work, by: Person, draft_id: str, *, seen: int) -> None:
    """Take a submitted draft back to go on editing.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged.
    """
    require(by, "notice.edit")
    _step(work, by, draft_id, "withdrawn", seen, "", before=("submitted",), after="editing")


def discard_draft(work: Work, by: Person, draft_id: str, *, seen: int) -> None:
    """Put a draft away; its versions stay readable.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged.
    """
    require(by, "notice.edit")
    _step(work, by, draft_id, "discarded", seen, "", before=("editing",), after="discarded")


def send_back(work: Work, by: Person, draft_id: str, *, seen: int, reason: str) -> None:
    """Give a submitted draft back to its writers, with a reason.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged, DraftReasonMissing.
    """
    draft = lock_draft(work, draft_id)
    require(by, "notice.return")
    if not reason.strip():
        raise DraftReasonMissing()
    _step(work, by, draft.id, "sent_back", seen, reason, before=("submitted",), after="editing")


def release_draft(work: Work, by: Person, draft_id: str, *, seen: int, reason: str = "") -> str:
    """Deploy the submitted version as the notice's next one; the id of that version. What runs finishes on its own.

    Raises NotPermitted (also for whoever wrote part of the draft), DraftUnknown, DraftClosed, DraftChanged, DraftUnchanged;
    NoticeInvalid and DiagramRefused with all findings.
    """
    draft = lock_draft(work, draft_id)
    require(by, "notice.release", DraftSubject(draft.id, draft.state, draft.writers))

    def deploy(current: Draft) -> dict[str, str]:
        files = read_files(work, draft_id, current.version)
        digest = hash_folder(read_notice(files, base=find_base(work, files)), files)
        newest = newest_version(work, current.key)
        known = newest and work.connection.execute(sa.select(notice).where(notice.c.id == newest)).one()
        if known and known.sha256 == digest:
            raise DraftUnchanged(version=known.version)
        return {"notice_id": deploy_folder(work, files, key=current.key, source="person")}

    return _step(work, by, draft_id, "released", seen, reason, before=("submitted",), after="released", then=deploy)["notice_id"]


def _step(
    work: Work,
    by: Person,
    draft_id: str,
    kind: str,
    seen: int,
    reason: str,
    *,
    before: tuple[str, ...],
    after: str,
    then: Callable[[Draft], dict[str, str]] = lambda draft: {},
) -> dict[str, str]:
    """One decision: the draft stands where the person saw it, `then` is done, and both the state and the decision are kept."""
    draft = lock_draft(work, draft_id)
    if draft.state not in before:
        raise DraftClosed(state=draft.state)
    require_version(work, draft, seen)
    values = then(draft)
    table = notice_draft_step
    last = work.connection.execute(sa.select(sa.func.max(table.c.number)).where(table.c.draft_id == draft_id)).scalar_one()
    work.connection.execute(
        table.insert().values(
            draft_id=draft_id,
            number=(last or 0) + 1,
            kind=kind,
            at=work.now,
            by=by.id,
            version=draft.version,
            reason=reason.strip() or None,
        )
    )
    work.connection.execute(notice_draft.update().where(notice_draft.c.id == draft_id).values(state=after, **values))
    return values
