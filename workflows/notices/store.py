"""Notices in the database: what runs. A folder is deployed once; designers' versions stand above folders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
import sqlalchemy as sa
import yaml

from engine import definitions
from engine.decisions import list_decisions
from engine.errors import Finding
from engine.ids import new_id
from engine.tables import definition
from engine.work import Work
from workflows.forms import Form
from workflows.notices.checks import check_settings
from workflows.notices.folders import Files, dump_content, form_keys, hash_folder, read_notice
from workflows.notices.model import Notice
from workflows.notices.overlays import leave_out_inherited, read_extended
from workflows.notices.problems import NoticeInvalid
from workflows.notices.source import NOTICE
from workflows.rules.subjects import NoticeUnknown
from workflows.tables import notice as notice_table

Source = Literal["folder", "person"]


@dataclass(frozen=True, slots=True)
class NoticeSummary:
    """One version of a notice, for lists. `state` is `deployed` or `draft`; `extends_id` the version that an overlay extends."""

    id: str
    key: str
    version: int
    state: str
    source: str
    title: str
    number: str | None
    deployed_at: datetime
    extends_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoredNotice:
    """One version of a notice with all it holds. `definitions` are the ids of its processes: `campaign`, `case`, `report`,
    `stage`. `extends_id` is the version of the notice that an overlay extends."""

    id: str
    key: str
    version: int
    state: str
    source: str
    sha256: str
    deployment_id: str
    deployed_at: datetime
    notice: Notice
    definitions: Mapping[str, str]
    forms: Mapping[str, Mapping[str, Any]]
    extends_id: str | None = None

    def form(self, key: str) -> Form:
        """One of its forms.

        Raises KeyError when it has none of this key: a fault of ours, as form keys are checked at deployment.
        """
        return Form.load(self.forms[key], name=key)


def deploy_folder(work: Work, files: Files, *, key: str, source: Source = "folder", kernel: str = "tokens") -> str:
    """Store the folder as the next version of the notice `key` and deploy its diagrams; starts nothing. Returns its id.

    The same content for the same kernel was stored before: its id is returned and nothing happens; what a person releases
    becomes the next version all the same, unless it is the newest deployed one (an older one can be brought back so). A folder
    never comes above a version that a person released: it is stored as a draft then, and `notice_findings` says so.
    Raises NoticeInvalid and DiagramRefused, each with all findings; nothing is written then.
    """
    extended = read_extended(files)
    base_id = None if extended is None else newest_deployed(work, extended)
    notice = read_notice(files, base=find_base(work, files))
    if notice.key != key:
        fault = Finding("NoticeKeyDiffers", path=f"{NOTICE}: key", values={"folder": key, "key": notice.key})
        raise NoticeInvalid(findings=[fault], name=key)
    _lock_table(work)
    digest = hash_folder(notice, files)
    known = _find_same(work, key, digest, kernel)
    if known is not None and (source == "folder" or known == newest_version(work, key)):
        return known
    parts = {path: content for path, content in files.items() if path.endswith((".bpmn", ".dmn"))}
    draft = source == "folder" and _released_version(work, key) is not None
    ours = [f"{key}_{role}" for role in notice.diagrams.by_role]  # a campaign, case or report has rows of ours beside it
    deployed = definitions.deploy(work, parts, name=key, source=source, kernel=kernel, draft=draft, unwatched=ours)
    last = work.connection.execute(
        sa.select(sa.func.max(notice_table.c.version)).where(notice_table.c.key == key)
    ).scalar_one_or_none()
    notice_id = new_id()
    work.connection.execute(
        notice_table.insert().values(
            id=notice_id,
            key=key,
            version=(last or 0) + 1,
            sha256=digest,
            deployment_id=deployed.deployment_id,
            source=source,
            state="draft" if draft else "deployed",
            content=dump_content(notice),
            forms={form: orjson.loads(files[path]) for form, path in sorted(form_keys(files).items())},
            deployed_at=work.now,
            extends_id=base_id,
        )
    )
    return notice_id


def get_notice(work: Work, notice_id: str) -> StoredNotice:
    """One version of a notice.

    Raises NoticeUnknown.
    """
    row = _find(work, notice_id)
    notice = _load(row)
    keys = {f"{row.key}_{role}": role for role in notice.diagrams.by_role}
    found = work.connection.execute(
        sa.select(definition.c.id, definition.c.key).where(definition.c.deployment_id == row.deployment_id)
    )
    return StoredNotice(
        id=row.id,
        key=row.key,
        version=row.version,
        state=row.state,
        source=row.source,
        sha256=row.sha256,
        deployment_id=row.deployment_id,
        deployed_at=row.deployed_at,
        notice=notice,
        definitions={keys[each.key]: each.id for each in found if each.key in keys},
        forms=row.forms,
        extends_id=row.extends_id,
    )


def newest_deployed(work: Work, key: str) -> str | None:
    """The id of the newest version of a notice that campaigns can follow; None when there is none."""
    query = sa.select(notice_table.c.id).where(notice_table.c.key == key, notice_table.c.state == "deployed")
    found: str | None = work.connection.execute(query.order_by(notice_table.c.version.desc()).limit(1)).scalar_one_or_none()
    return found


def find_base(work: Work, files: Files) -> Files | None:
    """The folder of the notice that an overlay extends, as it is deployed; empty when it never was; None for no overlay."""
    extended = read_extended(files)
    if extended is None:
        return None
    base_id = newest_deployed(work, extended)
    return {} if base_id is None else export_notice(work, base_id)


def list_notices(work: Work) -> list[NoticeSummary]:
    """All versions of all notices: by key, the newest version of each first. Who may see drafts is the caller's matter."""
    rows = work.connection.execute(sa.select(notice_table).order_by(notice_table.c.key, notice_table.c.version.desc()))
    return [
        NoticeSummary(
            id=row.id,
            key=row.key,
            version=row.version,
            state=row.state,
            source=row.source,
            title=row.content["document"]["title"]["value"],
            number=(row.content["document"].get("number") or {}).get("value"),
            deployed_at=row.deployed_at,
            extends_id=row.extends_id,
        )
        for row in rows
    ]


def newest_version(work: Work, key: str) -> str | None:
    """The id of the newest deployed version of a notice; None when none is deployed."""
    query = sa.select(notice_table.c.id).where(notice_table.c.key == key, notice_table.c.state == "deployed")
    found: str | None = work.connection.execute(query.order_by(notice_table.c.version.desc())).scalars().first()
    return found


def notice_findings(work: Work, notice_id: str) -> list[Finding]:
    """What there is to say about a stored version: why it is only a draft, settings that nothing reads, remarks on its diagrams.

    Raises NoticeUnknown.
    """
    row = _find(work, notice_id)
    findings = []
    released = _released_version(work, row.key)
    if row.state == "draft" and row.source == "folder" and released is not None:
        values = {"key": row.key, "released": released, "version": row.version}
        findings.append(Finding("NoticeKeptAsDraft", "warning", values=values))
    stored = get_notice(work, notice_id)
    diagrams = {role: definitions.get_definition(work, each).model for role, each in stored.definitions.items()}
    findings += [found for found in check_settings(stored.notice, diagrams) if found.severity != "error"]
    remarks = work.connection.execute(
        sa.select(definition.c.findings).where(definition.c.deployment_id == row.deployment_id).order_by(definition.c.key)
    ).scalars()
    return findings + [Finding(**remark) for found in remarks for remark in found]


def export_notice(work: Work, notice_id: str) -> dict[str, bytes]:
    """The folder of a stored version, of an overlay what it states itself; deploying it again changes nothing.

    Raises NoticeUnknown.
    """
    row = _find(work, notice_id)
    notice = _load(row)
    content = notice.model_dump(exclude_unset=True)
    if row.extends_id is not None:
        content = leave_out_inherited(content, _load(_find(work, row.extends_id)).model_dump(exclude_unset=True))
    files = {NOTICE: write_yaml(content)}
    names = {f"{row.key}_{role}": file for role, file in notice.diagrams.by_role.items()}
    diagrams = work.connection.execute(
        sa.select(definition.c.key, definition.c.xml).where(definition.c.deployment_id == row.deployment_id)
    )
    files |= {names[each.key]: each.xml for each in diagrams if each.key in names}
    files |= list_decisions(work, row.deployment_id)
    for key, form in row.forms.items():
        files[f"forms/{key}.form"] = (json.dumps(form, ensure_ascii=False, indent=2) + "\n").encode()
    return files


def write_yaml(content: Mapping[str, Any]) -> bytes:
    """`notice.yaml` as we write it: in the order of the content, Chinese as it is, without aliases."""
    text = yaml.dump(dict(content), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)
    return text.encode()


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out."""
        return True


def _load(row: sa.Row[Any]) -> Notice:
    return Notice.model_validate_json(orjson.dumps(row.content))


def _find(work: Work, notice_id: str) -> sa.Row[Any]:
    row = work.connection.execute(sa.select(notice_table).where(notice_table.c.id == notice_id)).one_or_none()
    if row is None:
        raise NoticeUnknown()
    return row


def _find_same(work: Work, key: str, digest: str, kernel: str) -> str | None:
    other_kernel = sa.exists().where(definition.c.deployment_id == notice_table.c.deployment_id, definition.c.kernel != kernel)
    query = sa.select(notice_table.c.id).where(notice_table.c.key == key, notice_table.c.sha256 == digest, ~other_kernel)
    found: str | None = work.connection.execute(query.order_by(notice_table.c.version.desc())).scalars().first()
    return found


def _released_version(work: Work, key: str) -> int | None:
    """The newest version that a person released."""
    query = sa.select(sa.func.max(notice_table.c.version)).where(
        notice_table.c.key == key, notice_table.c.source == "person", notice_table.c.state == "deployed"
    )
    found: int | None = work.connection.execute(query).scalar_one_or_none()
    return found


def _lock_table(work: Work) -> None:
    """Two that deploy at once follow each other; on SQLite the transaction holds the only write lock already."""
    if work.connection.dialect.name == "postgresql":
        work.connection.execute(sa.text("LOCK TABLE notice IN SHARE ROW EXCLUSIVE MODE"))
