"""The check of a whole draft: what a release would be answered, and whether what it stands on was overtaken."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Finding
from engine.work import Work
from workflows.notices.drafts.reading import Draft, read_files
from workflows.notices.folders import Files, check_folder, read_notice
from workflows.notices.problems import NoticeInvalid
from workflows.notices.source import NOTICE, read_yaml
from workflows.notices.store import find_base, newest_version
from workflows.tables import notice


def find_at_once(work: Work, draft: Draft, files: Files) -> list[Finding]:
    """What is wrong as far as it is found by reading: all but the schema, the handlers and the walks of the diagrams."""
    try:
        read_notice(files, base=find_base(work, files))
    except NoticeInvalid as invalid:
        return [*invalid.findings, *_check_key(draft, files)]
    return list(_check_key(draft, files))


def _check_key(draft: Draft, files: Files) -> Iterator[Finding]:
    data, _faults = read_yaml(files[NOTICE]) if NOTICE in files else (None, [])
    key = (data or {}).get("key")
    if isinstance(key, str) and key != draft.key:
        yield Finding("NoticeKeyDiffers", path=f"{NOTICE}: key", values={"folder": draft.key, "key": key})


def check_draft(work: Work, draft: Draft) -> list[Finding]:
    """All there is to say about the draft's latest version, errors first; it can be released when none is an error.

    Takes some tenths of a second for each diagram that was not checked before: both kernels walk it.
    """
    files = read_files(work, draft.id, draft.version)
    findings = check_folder(files, base=find_base(work, files), handlers=work.engine.handlers.names(), now=work.now)
    findings += _check_key(draft, files)
    newest = newest_version(work, draft.key)
    if draft.state != "released" and newest is not None and draft.base_key == draft.key and newest != draft.based_on:
        version = work.connection.execute(notice.select().where(notice.c.id == newest)).one().version
        values = {"version": version, "base": draft.base_version}
        findings.append(Finding("DraftBaseOvertaken", "warning", values=values))
    order = {"error": 0, "warning": 1, "information": 2}
    return sorted(findings, key=lambda found: order[found.severity])
