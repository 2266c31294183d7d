"""Reading campaigns: one, those a person may see, their dates and settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.tables import user_task
from engine.work import Work, lasting, recalled
from workflows.deadlines import DateValue, expand, load_date
from workflows.people import Person
from workflows.rules import CampaignUnknown, visible_campaigns
from workflows.tables import campaign, case, notice, report

KEYS: tuple[tuple[sa.Column[str], sa.Column[str]], ...] = (
    (campaign.c.id, campaign.c.key),
    (case.c.campaign_id, case.c.number),
    (report.c.campaign_id, report.c.number),
)
"""What instances belong to a campaign: (the campaign's id, the instance's business key) of each table that has some."""


IDENTITY = notice.c.content["identity"].label("identity")
"""The brand and slogan of a notice, beside the rows of its campaigns."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign's row. `dates` are date values by name, as `deadlines.dump_date` writes them; `settings` plain values.

    `identity` is what its notice is called in public (`brand`, `slogan`, as facts); None where it has no such names.
    A body's own stage is a campaign within the one of `parent_id`; the body is its organiser.
    """

    id: str
    key: str
    title: str
    phase: str
    demo: bool
    notice_id: str
    notice_key: str
    notice_version: int
    instance_id: str | None
    case_definition_id: str
    organiser_id: str
    settings: Mapping[str, Any]
    dates: Mapping[str, Mapping[str, Any]]
    created_at: datetime
    created_by: str | None
    identity: Mapping[str, Any] | None
    parent_id: str | None = None

    @property
    def managers(self) -> str:
        """The group that runs it: the organiser's organisers; of a body's own stage, the body's auditors."""
        return f"{'organiser' if self.parent_id is None else 'auditor'}@{self.organiser_id}"


@recalled
def get_campaign(work: Work, campaign_id: str, *, person: Person | None = None) -> Campaign:
    """One campaign; with `person` only when that person may see it.

    Raises CampaignUnknown.
    """
    query = _CAMPAIGN if person is None else _CAMPAIGN.where(visible_campaigns(person))
    row = work.connection.execute(query, {"campaign": campaign_id}).one_or_none()
    if row is None:
        raise CampaignUnknown()
    return Campaign(**row._mapping)


def list_campaigns(work: Work, person: Person) -> list[Campaign]:
    """All campaigns that the person may see, newest first, without the stages of bodies within them."""
    query = (
        _select()
        .where(visible_campaigns(person), campaign.c.parent_id.is_(None))
        .order_by(campaign.c.created_at.desc(), campaign.c.id.desc())
    )
    return [Campaign(**row._mapping) for row in work.connection.execute(query)]


def campaign_dates(work: Work, campaign_id: str) -> dict[str, str]:
    """The campaign's dates as ISO instants by name, as its instances know them; a date that is still unknown is absent.

    Raises CampaignUnknown.
    """
    dates = work.connection.execute(_DATES, {"campaign": campaign_id}).scalar_one_or_none()
    if dates is None:
        raise CampaignUnknown()
    return {name: value["cutoff_at"] for name, value in dates.items() if value.get("cutoff_at")}


def campaign_series(work: Work, campaign_id: str) -> dict[str, list[dict[str, str]]]:
    """The single dates of the campaign's series that end (month ends, half-years, Thursdays), by name and in order, as diagrams
    loop over them: `key` names the occurrence (2023-05, 2023-H1), `due_on` its last day, `cutoff` its ISO instant.

    Raises CampaignUnknown.
    """
    dates = work.connection.execute(_DATES, {"campaign": campaign_id}).scalar_one_or_none()
    if dates is None:
        raise CampaignUnknown()
    found = {}
    for name, stored in dates.items():
        if stored.get("cutoff_at") or not (stored.get("until") or stored.get("last")):
            continue
        found[name] = list_series(load_date(stored))
    return found


def list_series(value: DateValue) -> list[dict[str, str]]:
    """The single dates of one series that ends, as diagrams loop over them."""
    return [
        {"key": each.key, "due_on": each.due_on.isoformat(), "cutoff": each.cutoff_at.isoformat()}
        for each in expand(value)
        if each.key is not None and each.due_on is not None and each.cutoff_at is not None
    ]


@lasting
def find_campaign(work: Work, business_key: str) -> str:
    """The id of the campaign to which the instance with this business key belongs.

    Raises LookupError for the instance of no campaign.
    """
    found = work.connection.execute(_OWNER, {"key": business_key}).scalar()
    if found is None:
        raise LookupError(f"nothing of a campaign has the business key {business_key}")
    return str(found)


@lasting
def find_stage(work: Work, business_key: str) -> str | None:
    """The id of the body's own stage on whose diagram the case with this number runs; None for all else."""
    found: str | None = work.connection.execute(_STAGE, {"key": business_key}).scalar()
    return found


def of_campaign(campaign_id: str) -> sa.ColumnElement[bool]:
    """The rows of `user_task` that belong to a campaign: to its own instance, and to those of its cases and reports.

    To a body's own stage belong those of the cases that go through it, which are also those of the campaign around it.
    """
    owners = (*KEYS, (case.c.stage_id, case.c.number))
    keys = sa.union_all(*(sa.select(key).where(owner == campaign_id) for owner, key in owners))
    return user_task.c.business_key.in_(keys)


def _select() -> sa.Select[Any]:
    columns = [column for column in campaign.c if column.name != "next_number"]
    of_notice = (notice.c.key.label("notice_key"), notice.c.version.label("notice_version"), IDENTITY)
    return sa.select(*columns, *of_notice).join(notice, notice.c.id == campaign.c.notice_id)


_CAMPAIGN = _select().where(campaign.c.id == sa.bindparam("campaign"))
_DATES = sa.select(campaign.c.dates).where(campaign.c.id == sa.bindparam("campaign"))
_OWNER = sa.union_all(*(sa.select(owner).where(key == sa.bindparam("key")) for owner, key in KEYS))
_STAGE = sa.select(case.c.stage_id).where(case.c.number == sa.bindparam("key"))
