"""Opening a stage: a body's own dates, quotas and settings in a campaign, and the start of its instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.definitions import get_definition
from engine.errors import Finding, Problem
from engine.work import Work
from workflows.campaigns.creating import (
    CUTOFF,
    Override,
    begin_campaign,
    check_key,
    check_lateness,
    merge_dates,
    write_campaign,
    write_windows,
)
from workflows.campaigns.reading import Campaign, get_campaign
from workflows.campaigns.settings import merge_settings
from workflows.campaigns.windows import COLLECTION, find_window
from workflows.deadlines import DateValue, say_cutoff
from workflows.notices import StoredNotice, get_notice, list_notices
from workflows.notices.overlays import check_messages
from workflows.organisations import Organisation, get_organisation, list_organisations
from workflows.people import Person
from workflows.recommendations import get_body
from workflows.rules import NotPermitted, campaign_subject, require
from workflows.tables import recommending_body

MOST = 1000
"""Cases that a prefecture may be asked for, like the quotas of notices."""


class StageOpened(Problem):
    """The body runs its stage in this campaign already."""

    kind = "conflict"


class StageTooLate(Problem):
    """The campaign does not collect (yet, or any more), or the body's list was sent: a stage would decide nothing."""

    kind = "conflict"


class StageInvalid(Problem):
    """Dates, quotas or settings do not fit; each finding says where: `dates.<name>`, `quotas.<organisation>.maximum`."""


@dataclass(frozen=True, slots=True)
class OverlayChoice:
    """An overlay that fits a campaign, with what it proposes: the newest deployed version of its key."""

    notice: StoredNotice

    @property
    def title(self) -> str:
        """What it calls itself."""
        return self.notice.notice.document.title.value


def list_overlays(work: Work, found: Campaign) -> list[OverlayChoice]:
    """The overlays of the campaign's notice, by key."""
    newest: dict[str, str] = {}
    for each in list_notices(work):
        if each.state == "deployed" and each.extends_id is not None:
            newest.setdefault(each.key, each.id)
    choices = [get_notice(work, notice_id) for notice_id in newest.values()]
    return [OverlayChoice(each) for each in choices if each.notice.extends == found.notice_key]


def find_openable(work: Work, person: Person, campaign_id: str) -> list[Organisation]:
    """The bodies for which the person could open a stage now: its own, without a stage and without a list, while it collects."""
    found = get_campaign(work, campaign_id, person=person)
    cutoff = find_window(work, campaign_id, COLLECTION)
    if found.parent_id is not None or found.phase != "collecting" or cutoff is None or work.now >= cutoff.cutoff_at:
        return []
    query = sa.select(recommending_body.c.organisation_id).where(
        recommending_body.c.campaign_id == campaign_id,
        recommending_body.c.organisation_id.in_(sorted(person.organisations("auditor"))),
        recommending_body.c.stage_id.is_(None),
        recommending_body.c.recommended_at.is_(None),
    )
    return list_organisations(work, ids=list(work.connection.execute(query).scalars()))


def list_prefectures(work: Work, body_id: str) -> list[Organisation]:
    """Whom a body can ask to check cases first: the prefectures below it."""
    return list_organisations(work, kind="prefecture", under=body_id)


def open_stage(
    work: Work,
    person: Person,
    campaign_id: str,
    *,
    body_id: str,
    overlay_id: str,
    dates: Mapping[str, Override] | None = None,
    settings: Mapping[str, Any] | None = None,
    quotas: Mapping[str, tuple[int | str | None, int | str | None]] | None = None,
) -> str:
    """Open the body's own stage in a campaign and start its instance; the id of the stage, which is a campaign of its own.

    `dates` and `settings` override what the overlay proposes (an empty date is a missing one); `quotas` are least and most
    cases by prefecture (None or "": no figure). All prefectures below the body take part. Cases begun from now on go through
    the stage.
    Raises CampaignUnknown, NotPermitted, NoticeUnknown, StageOpened, StageTooLate, StageInvalid with all faults.
    """
    found = get_campaign(work, campaign_id, person=person)
    subject = campaign_subject(work, campaign_id)
    require(person, "stage.open", subject)
    if body_id not in subject.bodies & person.organisations("auditor"):
        raise NotPermitted(action="stage.open")
    national = find_window(work, campaign_id, COLLECTION, lock=True)
    body = get_body(work, campaign_id, body_id, lock=True)
    if body.stage_id is not None:
        raise StageOpened()
    if found.phase != "collecting" or body.recommended_at is not None or national is None or work.now >= national.cutoff_at:
        raise StageTooLate()
    overlay = get_notice(work, overlay_id)
    key = f"{found.key}-{body.place + 1}"
    findings: list[Finding] = [*check_key(work, key), *_check_overlay(work, found, overlay)]
    given = {name: value for name, value in (dates or {}).items() if value != ""}
    findings += [Finding("StageDateMissing", path=f"dates.{name}") for name in dates or {} if name not in given]
    dated = merge_dates(overlay.notice.dates, given, findings)
    told = {finding.path for finding in findings}
    findings += [each for each in _check_dates(work, dated, national.cutoff_at) if each.path not in told]
    set_to = merge_settings(overlay.notice, settings or {}, findings)
    case_definition_id = overlay.definitions.get("case") or found.case_definition_id
    if "stage" in overlay.definitions:
        findings += check_lateness(work, set_to, [overlay.definitions["stage"], case_definition_id])
    prefectures = list_prefectures(work, body_id)
    asked = _read_quotas(prefectures, quotas or {}, set_to, findings)
    if findings:
        raise StageInvalid(findings=findings)
    place = get_organisation(work, body_id)
    stage_id = write_campaign(
        work,
        dated,
        key=key,
        notice_id=overlay_id,
        case_definition_id=case_definition_id,
        organiser_id=body_id,
        title=f"{found.title}（{place.short_name}）"[:300],
        demo=found.demo,
        settings=set_to,
        parent_id=campaign_id,
    )
    for number, prefecture in enumerate(prefectures):
        least, most = asked[prefecture.id]
        work.connection.execute(
            sa.insert(recommending_body).values(
                campaign_id=stage_id, organisation_id=prefecture.id, place=number, quota_min=least, quota_max=most
            )
        )
    own = dated[CUTOFF].cutoff_at
    assert own is not None
    write_windows(work, stage_id, own, {each.id: None for each in prefectures}, settings=set_to)
    work.connection.execute(
        sa.update(recommending_body)
        .where(recommending_body.c.campaign_id == campaign_id, recommending_body.c.organisation_id == body_id)
        .values(stage_id=stage_id)
    )
    begin_campaign(work, stage_id, overlay.definitions["stage"], [each.id for each in prefectures])
    return stage_id


def _check_overlay(work: Work, found: Campaign, overlay: StoredNotice) -> list[Finding]:
    """It is deployed, it extends the campaign's notice, and its cases take the messages that this campaign sends."""
    if overlay.state != "deployed" or overlay.notice.extends != found.notice_key:
        return [Finding("OverlayUnfitting", path="overlay", values={"key": overlay.key, "base": found.notice_key})]
    if overlay.extends_id == found.notice_id or "case" not in overlay.definitions:
        return []
    own = get_definition(work, overlay.definitions["case"]).model
    above = get_definition(work, found.case_definition_id).model
    return list(check_messages("overlay", own, above))


def _check_dates(work: Work, dated: Mapping[str, DateValue], national: datetime) -> list[Finding]:
    own = dated[CUTOFF].cutoff_at if CUTOFF in dated else None
    findings = []
    for name, value in dated.items():
        at, path = value.cutoff_at, f"dates.{name}"
        values = {"name": name, "cutoff": say_cutoff(national, "zh"), "cutoff_en": say_cutoff(national, "en")}
        if at is None:
            findings.append(Finding("StageDateMissing", path=path, values=values))
        elif at <= work.now:
            findings.append(Finding("StageDatePassed", path=path, values=values))
        elif at >= national:
            findings.append(Finding("StageDateLate", path=path, values=values))
        elif own is not None and at < own:
            findings.append(Finding("StageDateEarly", path=path, values=values))
    return findings


def _read_quotas(
    prefectures: list[Organisation],
    given: Mapping[str, tuple[int | str | None, int | str | None]],
    settings: Mapping[str, Any],
    findings: list[Finding],
) -> dict[str, tuple[int | None, int | None]]:
    """Least and most of each prefecture; the overlay's own figures for those that nothing is said about."""
    for unknown in sorted(set(given) - {each.id for each in prefectures}):
        findings.append(Finding("QuotaOfNobody", path=f"quotas.{unknown}"))
    standard = (settings.get("quota.minimum"), settings.get("quota.maximum"))
    read = {}
    for each in prefectures:
        path = f"quotas.{each.id}"
        least, most = (
            _read_count(count, f"{path}.{name}", each, findings)
            for name, count in zip(("minimum", "maximum"), given.get(each.id, standard), strict=True)
        )
        if least is not None and most is not None and least > most:
            values = {"name": each.short_name, "minimum": least, "maximum": most}
            findings.append(Finding("QuotaReversed", path=f"{path}.maximum", values=values))
        read[each.id] = (least, most)
    return read


def _read_count(given: int | str | None, path: str, of: Organisation, findings: list[Finding]) -> int | None:
    text = "" if given is None else str(given).strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) <= MOST):
        findings.append(Finding("QuotaUnreadable", path=path, values={"name": of.short_name, "given": text[:20], "most": MOST}))
        return None
    return int(text)
