"""Forwarding (推送): a published case goes to departments, to local governments, and as a case of its own into another campaign.

The other campaign is one of this installation. A case is opened there for the same institution, its application begun with what
the two forms have in common; the institution completes and sends it, in that campaign's own time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.handlers import Call
from engine.history import record_entry
from engine.ids import new_id
from engine.messages import send_message
from engine.timers import arm_timer
from engine.work import Work
from workflows.applications import applying_window, last_version, open_case
from workflows.campaigns.forms import file_fields
from workflows.campaigns.windows import (
    COLLECTION,
    CollectionEnded,
    CollectionNotOpen,
    TooLate,
    decide_collecting,
    decide_open,
    find_window,
)
from workflows.deadlines import say_cutoff
from workflows.forms import Form
from workflows.mails import find_members, queue_letter
from workflows.tables import campaign, case, forwarding, recommending_body

DEPARTMENT, GOVERNMENT, CAMPAIGN = "department", "government", "campaign"
NAME_LENGTH = 200
OVER = ("prepared", "publishing", "published", "ended")
"""Phases of a campaign that nothing can be forwarded to any more, or not yet."""


class ForwardingRefused(Problem):
    """Nothing was forwarded; `findings` say what is in the way, by field."""


@dataclass(frozen=True, slots=True)
class Forwarding:
    """One forwarding of a case. `case_id` and `number` are of the case at its other end, once it is opened."""

    kind: str
    name: str
    at: datetime
    remark: str
    case_id: str | None
    number: str | None


def record(call: Call) -> None:
    """`forwardings.record`: the organiser says whereto a case goes. The form: `decision` (`forward` or `none`), `departments`
    and `governments` (names, one a line), `campaign` (its id), `remark`.

    The case in the other campaign is opened right after this step, in a transaction of its own.
    Raises ForwardingRefused, when that campaign's window is closed, too.
    """
    if call.form.get("decision") != "forward":
        return
    work, findings = call.work, list[Finding]()
    names = [(kind, name) for kind, field in _FIELDS for name in _read_names(call.form.get(field), field, findings)]
    target_id = str(call.form.get("campaign") or "") or None
    if target_id is not None:
        findings += _check_target(work, call.variables, target_id)
    if not names and target_id is None and not findings:
        findings.append(Finding("ForwardingEmpty", path="departments"))
    if findings:
        raise ForwardingRefused(findings=findings)
    for kind, name in names:
        _write(call, kind, name, None)
    if target_id is not None:
        title = work.connection.execute(sa.select(campaign.c.title).where(campaign.c.id == target_id)).scalar_one()
        forwarding_id = _write(call, CAMPAIGN, title[:NAME_LENGTH], target_id)
        arm_timer(
            work, "forwardings.open", call.now, unique_key=f"forwarding:{forwarding_id}", payload={"forwarding": forwarding_id}
        )
    detail = {"names": [name for _, name in names], "campaign": target_id}
    record_entry(work, call.instance_id, "forwarded", element_id=call.element_id, token=call.token, detail=detail)


def open_target(call: Call) -> None:
    """`forwardings.open`: open the case in the other campaign, once, and tell the institution.

    Whether it is in time was decided when it was forwarded. A collection without a date that was ended meanwhile tells the new
    case, as it told the others.
    """
    work = call.work
    query = sa.select(forwarding, case.c.institution_id, case.c.number, case.c.title, campaign.c.organiser_id)
    query = query.join(case, case.c.id == forwarding.c.case_id).join(campaign, campaign.c.id == case.c.campaign_id)
    row = work.connection.execute(query.where(forwarding.c.id == call.form["forwarding"])).one()
    if row.target_case_id is not None:
        return
    case_id = open_case(
        work, row.target_campaign_id, row.institution_id, find_body(work, row.target_campaign_id, row.organiser_id)
    )
    work.connection.execute(sa.update(forwarding).where(forwarding.c.id == row.id).values(target_case_id=case_id))
    number = work.connection.execute(sa.select(case.c.number).where(case.c.id == case_id)).scalar_one()
    queue_letter(
        work,
        "case_forwarded",
        find_members(work, [f"applicant@{row.institution_id}"]),
        campaign_id=row.target_campaign_id,
        about=number,
        unique_key=f"case_forwarded:{row.id}",
        values={"number": number, "title": row.title, "from_number": row.number},
    )
    if find_window(work, row.target_campaign_id, COLLECTION) is None:
        try:
            decide_collecting(work, row.target_campaign_id, alone=True)
        except CollectionEnded:
            send_message(work, "collection_closed", number, unique_key=f"collection_closed:{number}", sent_by=call.instance_id)


def list_targets(work: Work, case_id: str, organiser_id: str) -> list[tuple[str, str]]:
    """The campaigns that a case could go to: (id, title with the cut-off). One whose cut-off has passed is told, and refused."""
    own = sa.select(case.c.campaign_id).where(case.c.id == case_id).scalar_subquery()
    query = sa.select(campaign.c.id, campaign.c.title, campaign.c.phase).where(
        campaign.c.phase.not_in(OVER), campaign.c.parent_id.is_(None), campaign.c.id != own
    )
    found = []
    for row in work.connection.execute(query.order_by(campaign.c.created_at, campaign.c.id)).all():
        where = applying_window(work, row.id, find_body(work, row.id, organiser_id))
        if where is not None:
            found.append((row.id, f"{row.title}（{say_cutoff(where.cutoff_at, 'zh')}）"))
        elif row.phase == "collecting":
            found.append((row.id, row.title))
    return found


def find_body(work: Work, campaign_id: str, organiser_id: str) -> str | None:
    """Through whom a forwarded case goes: the forwarding organisation where it recommends in that campaign, else directly."""
    member = sa.select(recommending_body.c.organisation_id).where(
        recommending_body.c.campaign_id == campaign_id, recommending_body.c.organisation_id == organiser_id
    )
    found: str | None = work.connection.execute(member).scalar_one_or_none()
    return found


def begin_with(work: Work, case_id: str, form: Form) -> dict[str, Any]:
    """What the application of a forwarded case begins with: the last version of where it comes from, as far as the forms agree.

    Files stay behind: they belong to the other case. Empty for any other case.
    """
    source = sa.select(forwarding.c.case_id).where(forwarding.c.target_case_id == case_id)
    source_id = work.connection.execute(source).scalar_one_or_none()
    version = None if source_id is None else last_version(work, source_id)
    if version is None:
        return {}
    taken = {field.key for field in form.fields if not field.read_only} - file_fields(form)
    return {key: value for key, value in version.data.items() if key in taken and _fits(form, key, value)}


def list_forwardings(work: Work, case_id: str) -> tuple[list[Forwarding], Forwarding | None]:
    """Whereto a case was forwarded, and where it comes from, if it was."""
    other = case.alias("other")
    query = sa.select(forwarding, other.c.number).outerjoin(other, other.c.id == forwarding.c.target_case_id)
    rows = work.connection.execute(query.where(forwarding.c.case_id == case_id).order_by(forwarding.c.at, forwarding.c.id))
    away = [Forwarding(row.kind, row.name, row.at, row.remark, row.target_case_id, row.number) for row in rows]
    origin = (
        sa.select(forwarding, other.c.number, campaign.c.title)
        .join(other, other.c.id == forwarding.c.case_id)
        .join(campaign, campaign.c.id == other.c.campaign_id)
        .where(forwarding.c.target_case_id == case_id)
    )
    row = work.connection.execute(origin).one_or_none()
    return away, None if row is None else Forwarding(row.kind, row.title, row.at, row.remark, row.case_id, row.number)


_FIELDS = ((DEPARTMENT, "departments"), (GOVERNMENT, "governments"))


def _read_names(text: Any, field: str, findings: list[Finding]) -> list[str]:
    names = list(dict.fromkeys(line.strip() for line in str(text or "").splitlines() if line.strip()))
    if any(len(name) > NAME_LENGTH for name in names):
        findings.append(Finding("TextTooLong", path=field, values={"most": NAME_LENGTH}))
    return names


def _check_target(work: Work, variables: Mapping[str, Any], target_id: str) -> list[Finding]:
    """Whether the other campaign takes a case now; its window's row is held until the unit of work ends."""
    row = work.connection.execute(
        sa.select(campaign.c.phase, campaign.c.parent_id).where(campaign.c.id == target_id)
    ).one_or_none()
    if row is None or row.parent_id is not None or row.phase == "prepared" or target_id == variables["campaign"]:
        return [Finding("ForwardingCampaignUnknown", path="campaign")]
    where = applying_window(work, target_id, find_body(work, target_id, variables["organiser"]), lock=True)
    if where is None:
        try:
            decide_collecting(work, target_id)
        except CollectionEnded:
            return [Finding("ForwardingCollectionEnded", path="campaign")]
        return []
    try:
        decide_open(work, where)
    except (TooLate, CollectionNotOpen):
        return [Finding("ForwardingWindowClosed", path="campaign", values=where.cutoff_values)]
    return []


def _write(call: Call, kind: str, name: str, target_id: str | None) -> str:
    forwarding_id = new_id()
    call.work.connection.execute(
        sa.insert(forwarding).values(
            id=forwarding_id,
            case_id=call.variables["case"],
            kind=kind,
            name=name,
            target_campaign_id=target_id,
            remark=str(call.form.get("remark") or ""),
            by=call.by,
            at=call.now,
        )
    )
    return forwarding_id


def _fits(form: Form, key: str, value: Any) -> bool:
    """Whether a choice of the one form is one of the other, too."""
    options = form.by_key[key].options
    if not options:
        return True
    known = {option.value for option in options}
    return all(each in known for each in value) if isinstance(value, list) else value is None or value in known
