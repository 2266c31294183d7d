"""Writing drafts: every save is kept as a version; contents are stored once by their SHA-256."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Literal

import sqlalchemy as sa

from engine.ids import new_id
from engine.work import Work
from workflows.notices.drafts.problems import (
    DraftChanged,
    DraftClosed,
    DraftFileRefused,
    DraftFileUnknown,
    DraftKeyRefused,
    DraftUnknown,
)
from workflows.notices.drafts.reading import Draft, find_writer, get_draft, get_version, read_files
from workflows.notices.folders import Files
from workflows.notices.source import NOTICE, check_files, read_yaml
from workflows.notices.store import export_notice, newest_version
from workflows.people import Person
from workflows.rules import require
from workflows.tables import notice, notice_draft, notice_draft_file, notice_draft_version

KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")


def start_draft(work: Work, by: Person, notice_id: str) -> str:
    """A draft of the next version of a notice, beginning with what a stored version says. Returns its id.

    Raises NotPermitted, NoticeUnknown.
    """
    require(by, "notice.edit")
    files = export_notice(work, notice_id)
    key = work.connection.execute(sa.select(notice.c.key).where(notice.c.id == notice_id)).scalar_one()
    return create_draft(work, by, key, files, based_on=notice_id)


def upload_draft(work: Work, by: Person, files: Files) -> str:
    """A draft with the files of a folder; its key is the one that `notice.yaml` names. Returns its id.

    Faults within the files are no hindrance: they are found by the check.
    Raises NotPermitted, DraftFileRefused for files that no notice has, DraftKeyRefused when there is no usable key.
    """
    require(by, "notice.edit")
    findings = check_files(files)
    if findings:
        raise DraftFileRefused(findings=findings)
    data, _faults = read_yaml(files[NOTICE])
    key = str((data or {}).get("key", ""))
    if not KEY.fullmatch(key):
        raise DraftKeyRefused(key=key[:60])
    return create_draft(work, by, key, files, based_on=newest_version(work, key))


def create_draft(work: Work, by: Person, key: str, files: Files, *, based_on: str | None) -> str:
    """The draft's row and its first version."""
    draft_id = new_id()
    work.connection.execute(
        notice_draft.insert().values(
            id=draft_id,
            key=key,
            based_on=based_on,
            state="editing",
            version=0,
            created_at=work.now,
            created_by=by.id,
            saved_at=work.now,
            saved_by=by.id,
        )
    )
    _write_version(work, by, draft_id, 1, "started", {}, files)
    return draft_id


def save_file(
    work: Work, by: Person, draft_id: str, path: str, content: bytes, *, seen: int, kind: Literal["saved", "autosaved"] = "saved"
) -> int:
    """Keep a file as the next version; the number of the version that holds it now. Nothing is written if it is there already.

    `seen` is the version that the person had before them: only a later change of this same file is a conflict, unless it made
    the same of it (a page that got no answer sends again). `autosaved`: the page did it, nobody pressed a button.
    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged, DraftFileRefused.
    """
    draft, files = _open(work, by, draft_id)
    refused = [found for found in check_files({NOTICE: b"", path: content}) if found.path]
    if refused:
        raise DraftFileRefused(findings=refused)
    if files.get(path) == content:
        return draft.version
    _require_seen(work, draft, path, seen)
    return _save(work, by, draft, kind, files, {**files, path: content})


def remove_file(work: Work, by: Person, draft_id: str, path: str, *, seen: int) -> int:
    """Take a file out of the draft; the number of the new version.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged, DraftFileUnknown; DraftFileRefused for `notice.yaml`.
    """
    draft, files = _open(work, by, draft_id)
    _require_seen(work, draft, path, seen)
    if path not in files:
        raise DraftFileUnknown(path=path)
    left = {name: content for name, content in files.items() if name != path}
    if path == NOTICE:
        raise DraftFileRefused(findings=check_files(left))
    return _save(work, by, draft, "saved", files, left)


def restore_version(work: Work, by: Person, draft_id: str, number: int, *, seen: int, path: str | None = None) -> int:
    """Make an older version the next one, or only its file at `path`; the number of the new version.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged when something was saved after `seen` (of that file);
    DraftFileUnknown when the older version has no such file.
    """
    draft, files = _open(work, by, draft_id)
    older = read_files(work, draft_id, number)
    if path is None:
        require_version(work, draft, seen)
        return _save(work, by, draft, "restored", files, older)
    _require_seen(work, draft, path, seen)
    if path not in older:
        raise DraftFileUnknown(path=path)
    return _save(work, by, draft, "restored", files, {**files, path: older[path]})


def lock_draft(work: Work, draft_id: str) -> Draft:
    """The draft, nobody else writing to it until the transaction ends.

    Raises DraftUnknown.
    """
    found = work.connection.execute(sa.select(notice_draft.c.id).where(notice_draft.c.id == draft_id).with_for_update())
    if found.one_or_none() is None:
        raise DraftUnknown()
    return get_draft(work, draft_id)


def require_version(work: Work, draft: Draft, seen: int) -> None:
    """Nothing when `seen` is the latest version.

    Raises DraftChanged.
    """
    if seen != draft.version:
        last = get_version(work, draft.id, draft.version)
        raise DraftChanged(path=", ".join(last.changed), by=last.by or "", number=draft.version)


def _open(work: Work, by: Person, draft_id: str) -> tuple[Draft, dict[str, bytes]]:
    """The locked draft and its files, to be changed."""
    require(by, "notice.edit")
    draft = lock_draft(work, draft_id)
    if not draft.open:
        raise DraftClosed(state=draft.state)
    return draft, read_files(work, draft_id, draft.version)


def _require_seen(work: Work, draft: Draft, path: str, seen: int) -> None:
    """Nothing when this file is as it was in the version that the person saw."""
    if seen == draft.version:
        return
    known, latest = (get_version(work, draft.id, number).files.get(path) for number in (seen, draft.version))
    if known != latest:
        raise DraftChanged(path=path, by=find_writer(work, draft.id, path), number=draft.version)


def _save(work: Work, by: Person, draft: Draft, kind: str, before: Files, after: Files) -> int:
    if dict(before) == dict(after):
        return draft.version
    _write_version(work, by, draft.id, draft.version + 1, kind, before, after)
    return draft.version + 1


def _write_version(work: Work, by: Person, draft_id: str, number: int, kind: str, before: Files, after: Files) -> None:
    digests = {path: hash_content(content) for path, content in sorted(after.items())}
    known = set(
        work.connection.execute(sa.select(notice_draft_file.c.sha256).where(notice_draft_file.c.draft_id == draft_id)).scalars()
    )
    fresh = {digests[path]: content for path, content in after.items() if digests[path] not in known}
    if fresh:
        rows = [{"draft_id": draft_id, "sha256": digest, "content": content} for digest, content in fresh.items()]
        work.connection.execute(notice_draft_file.insert(), rows)
    work.connection.execute(
        notice_draft_version.insert().values(
            draft_id=draft_id,
            number=number,
            kind=kind,
            at=work.now,
            by=by.id,
            changed=list_changed(before, after),
            files=digests,
        )
    )
    change = notice_draft.update().where(notice_draft.c.id == draft_id)
    work.connection.execute(change.values(version=number, saved_at=work.now, saved_by=by.id))


def hash_content(content: bytes) -> str:
    """The SHA-256 under which a file's content is kept."""
    return hashlib.sha256(content).hexdigest()


def list_changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    """Paths of the files that differ."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
