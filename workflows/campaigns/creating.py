"""Making a campaign of a deployed notice: its dates, settings, recommending bodies and windows, and the start of its instance."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.ids import new_id
from engine.instances import start_instance
from engine.tables import definition
from engine.work import Work
from workflows.campaigns.reading import campaign_dates
from workflows.campaigns.windows import BODY, COLLECTION
from workflows.deadlines import DateInvalid, DateValue, Day, Instant, dump_date, load_date, say_cutoff
from workflows.organisations import Organisation, get_organisation, list_organisations
from workflows.rules import notice_subject
from workflows.tables import campaign, notice, recommending_body, window

CUTOFF = "collection_cutoff"
"""The date of a notice that closes the collection."""

OWN_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "correction_window": {"value": COLLECTION, "choices": [COLLECTION, BODY]},
    "quota.minimum": {"minimum": 0, "maximum": 1000},
    "quota.maximum": {"minimum": 0, "maximum": 1000},
    "quota.corps_counts_as_province": {"choices": [True, False]},
    "quota.consortium_minimum": {"minimum": 0, "maximum": 1000},
    "quota.below_minimum": {"choices": ["warn", "refuse"]},
}
"""Settings of every campaign beside those of its notice; without `value` the notice's own entry is taken."""

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")

Override = DateValue | date | datetime | str | Mapping[str, Any]


class CampaignKeyInvalid(Problem):
    """A key has 1 to 50 small letters, digits, hyphens and underscores: case numbers begin with it."""


class CampaignKeyTaken(Problem):
    """Another campaign has this key."""

    kind = "conflict"


class NoticeNotDeployed(Problem):
    """The notice is a draft: it must be released before a campaign can follow it."""

    kind = "conflict"


class CampaignInvalid(Problem):
    """Dates, settings or bodies do not fit the notice or each other; each finding says where."""


def create_campaign(
    work: Work,
    notice_id: str,
    *,
    key: str,
    organiser_id: str,
    bodies: Iterable[tuple[str, datetime | None]] = (),
    dates: Mapping[str, Override] | None = None,
    settings: Mapping[str, Any] | None = None,
    demo: bool = False,
    title: str | None = None,
) -> str:
    """Make a campaign and start its instance, which waits at its first step; return its id. Nothing is issued by that.

    `bodies` are recommending bodies with their own cut-offs (None: `body_lead_days` before the collection's). `dates` and
    `settings` override what the notice says: a date value or its mapping, a day, or an aware moment (also as ISO text), which
    then is the cut-off itself.
    Raises NoticeUnknown, NoticeNotDeployed, OrganisationUnknown, CampaignKeyInvalid, CampaignKeyTaken, CampaignInvalid.
    """
    if notice_subject(work, notice_id).state != "deployed":
        raise NoticeNotDeployed()
    row = work.connection.execute(sa.select(notice).where(notice.c.id == notice_id)).one()
    _check_key(work, key)
    get_organisation(work, organiser_id)
    findings: list[Finding] = []
    dated = _merge_dates(row.content.get("dates") or {}, dates or {}, findings)
    set_to = merge_settings(row.content, settings or {}, findings)
    wanted = list(bodies)
    places = {body.id: body for body in list_organisations(work, ids=[body_id for body_id, _ in wanted])}
    cutoff_at = dated[CUTOFF].cutoff_at if CUTOFF in dated else None
    if cutoff_at is None:
        findings.append(Finding("CampaignDateMissing", path=f"dates.{CUTOFF}", values={"date": CUTOFF}))
    else:
        findings += _check_bodies(wanted, places, cutoff_at)
    if findings or cutoff_at is None:
        raise CampaignInvalid(findings=findings)
    campaign_id = new_id()
    work.connection.execute(
        sa.insert(campaign).values(
            id=campaign_id,
            key=key,
            notice_id=notice_id,
            case_definition_id=_find_definition(work, row, "case"),
            organiser_id=organiser_id,
            title=title or _find_title(row.content, row.key),
            demo=demo,
            phase="prepared",
            settings=set_to,
            dates={name: dump_date(value) for name, value in dated.items()},
            next_number=1,
            created_at=work.now,
            created_by=work.by,
        )
    )
    lead = timedelta(days=int(set_to.get("body_lead_days") or 0))
    _write_window(work, campaign_id, COLLECTION, None, cutoff_at)
    for place, (body_id, own_cutoff_at) in enumerate(wanted):
        _write_body(work, campaign_id, places[body_id], place, row.content, set_to)
        _write_window(work, campaign_id, BODY, body_id, own_cutoff_at or cutoff_at - lead)
    variables = {
        "campaign": campaign_id,
        "campaign_key": key,
        "organiser": organiser_id,
        "bodies": [body_id for body_id, _ in wanted],
        "dates": campaign_dates(work, campaign_id),
        "settings": set_to,
    }
    instance_id = start_instance(work, _find_definition(work, row, "campaign"), key, variables)
    work.connection.execute(sa.update(campaign).where(campaign.c.id == campaign_id).values(instance_id=instance_id))
    return campaign_id


def merge_settings(content: Mapping[str, Any], overrides: Mapping[str, Any], findings: list[Finding]) -> dict[str, Any]:
    """The notice's settings as plain values, with `overrides`; what does not fit is added to `findings`."""
    quota = content.get("quota") or {}
    entries: dict[str, Mapping[str, Any]] = dict(content.get("settings") or {})
    for name, entry in OWN_SETTINGS.items():
        own = quota.get(name.removeprefix("quota."))
        entries.setdefault(name, {**entry, "value": entry.get("value", _plain(own))})
    merged = {name: _plain(entry) for name, entry in entries.items()}
    for name, value in overrides.items():
        path = f"settings.{name}"
        if name not in entries:
            findings.append(Finding("SettingUnknown", path=path, values={"setting": name}))
        elif not _fits(entries[name], value):
            findings.append(
                Finding(
                    "SettingOutOfRange",
                    path=path,
                    values={"setting": name, "given": str(value), "allowed": _say_limits(entries[name])},
                )
            )
        else:
            merged[name] = value
    return merged


def _fits(entry: Mapping[str, Any], value: Any) -> bool:
    if value is None:
        return entry.get("value") is None
    if entry.get("choices"):
        return value in entry["choices"]
    low, high = entry.get("minimum"), entry.get("maximum")
    if low is not None or high is not None:
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return (low is None or low <= value) and (high is None or value <= high)
    return isinstance(value, type(entry.get("value")))


def _say_limits(entry: Mapping[str, Any]) -> str:
    if entry.get("choices"):
        return ", ".join(str(choice) for choice in entry["choices"])
    low, high = entry.get("minimum"), entry.get("maximum")
    return f"{'' if low is None else low}–{'' if high is None else high}"


def _merge_dates(
    stated: Mapping[str, Mapping[str, Any]], overrides: Mapping[str, Override], findings: list[Finding]
) -> dict[str, Any]:
    dated: dict[str, Any] = {name: load_date(value, path=f"dates.{name}") for name, value in stated.items()}
    for name, given in overrides.items():
        if name not in dated:
            findings.append(Finding("CampaignDateUnknown", path=f"dates.{name}", values={"date": name}))
            continue
        try:
            dated[name] = _read_date(given, path=f"dates.{name}")
        except (DateInvalid, ValueError) as fault:
            told = fault.findings if isinstance(fault, DateInvalid) else ()
            findings += told or [
                Finding("CampaignDateUnreadable", path=f"dates.{name}", values={"date": name, "given": str(given)})
            ]
    return dated


def _read_date(given: Override, *, path: str) -> Any:
    """A date of the organiser's (`ours`): the notice's words belong to another day and are left out."""
    if isinstance(given, str):
        given = datetime.fromisoformat(given) if "T" in given else date.fromisoformat(given)
    if isinstance(given, datetime):
        if given.tzinfo is None:
            raise ValueError(f"naive moment {given!r}")
        return Instant(value=given.isoformat(), source="ours")
    if isinstance(given, date):
        return Day(value=given, source="ours")
    return load_date(given, path=path) if isinstance(given, Mapping) else given


def _check_key(work: Work, key: str) -> None:
    if not _KEY.fullmatch(key):
        raise CampaignKeyInvalid(key=key)
    if work.connection.execute(sa.select(campaign.c.id).where(campaign.c.key == key)).first():
        raise CampaignKeyTaken(key=key)


def _check_bodies(
    wanted: Sequence[tuple[str, datetime | None]], places: Mapping[str, Organisation], cutoff_at: datetime
) -> list[Finding]:
    found = []
    for place, (body_id, own) in enumerate(wanted):
        path = f"bodies[{place}]"
        if body_id not in places:
            found.append(Finding("BodyUnknown", path=path, values={"body": body_id}))
            continue
        name = places[body_id].short_name
        if any(body_id == earlier for earlier, _ in wanted[:place]):
            found.append(Finding("BodyNamedTwice", path=path, values={"body": name}))
        if own is not None and own > cutoff_at:
            values = {"body": name, "cutoff": say_cutoff(cutoff_at, "zh"), "cutoff_en": say_cutoff(cutoff_at, "en")}
            found.append(Finding("BodyCutoffTooLate", path=path, values=values))
    return found


def _write_body(
    work: Work, campaign_id: str, body: Organisation, place: int, content: Mapping[str, Any], settings: Mapping[str, Any]
) -> None:
    work.connection.execute(
        sa.insert(recommending_body).values(
            campaign_id=campaign_id,
            organisation_id=body.id,
            place=place,
            quota_min=_quota_of(body, content, settings),
            quota_max=settings.get("quota.maximum"),
        )
    )


def _quota_of(body: Organisation, content: Mapping[str, Any], settings: Mapping[str, Any]) -> int | None:
    """How many cases the notice asks of this body for; which kind it is, the notice's list of recipients says by its name."""
    listed = (content.get("recipients") or {}).get("bodies") or []
    kind = next(
        (entry["kind"] for entry in listed if body.name == entry["name"] or body.short_name == entry["short_name"]), body.kind
    )
    if kind == "consortium":
        return settings.get("quota.consortium_minimum")
    if kind == "corps" and not settings.get("quota.corps_counts_as_province"):
        return None
    return settings.get("quota.minimum")


def _write_window(work: Work, campaign_id: str, name: str, organisation_id: str | None, cutoff_at: datetime) -> None:
    work.connection.execute(
        sa.insert(window).values(
            id=new_id(),
            campaign_id=campaign_id,
            name=name,
            organisation_id=organisation_id,
            opens_at=None,
            cutoff_at=cutoff_at,
            state="planned",
        )
    )


def _find_definition(work: Work, row: sa.Row[Any], part: str) -> str:
    """The definition that the notice's deployment brought for its campaign or its cases: `<notice key>_campaign`, `_case`."""
    query = sa.select(definition.c.id).where(
        definition.c.deployment_id == row.deployment_id, definition.c.key == f"{row.key}_{part}"
    )
    found: str = work.connection.execute(query).scalar_one()
    return found


def _find_title(content: Mapping[str, Any], key: str) -> str:
    document = content.get("document") or {}
    return str(_plain(document.get("theme")) or _plain(document.get("title")) or key)


def _plain(value: Any) -> Any:
    return value["value"] if isinstance(value, Mapping) and "value" in value else value
