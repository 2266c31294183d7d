"""Making a campaign of a deployed notice: its dates, settings, recommending bodies and windows, and the start of its instance."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.definitions import get_definition
from engine.errors import Finding, Problem
from engine.ids import new_id
from engine.instances import start_instance
from engine.work import Work
from workflows.campaigns.archiving import arm_archive
from workflows.campaigns.lateness import CLOSES, POLICY, REFUSE, Lateness, list_early
from workflows.campaigns.reading import campaign_dates, campaign_series
from workflows.campaigns.settings import merge_settings
from workflows.campaigns.windows import BODY, COLLECTION, last_end
from workflows.deadlines import Bilingual, DateInvalid, DateValue, Day, Instant, Unknown, dump_date, load_date, say_cutoff
from workflows.notices import Notice, get_notice
from workflows.organisations import Organisation, get_organisation, list_organisations
from workflows.tables import campaign, recommending_body, window

CUTOFF = "collection_cutoff"
"""The date of a notice that closes the collection. Without it, and while it is unknown, there are no windows: nothing is due,
nothing too late."""

SET_HERE = Bilingual(zh="由办理人员为本次征集设定", en="Set for this campaign by an official")
"""What is noted at a date that somebody sets in place of the notice's, so that nobody takes it for one of the software's."""
NO_CUTOFF = Unknown(source="ours")
"""What stands for a cut-off that the notice does not set at all."""

Override = DateValue | date | datetime | str | Mapping[str, Any]

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")


class NoticeNotDeployed(Problem):
    """The notice is a draft: it must be released before a campaign can follow it."""

    kind = "conflict"


class NoticeIsOverlay(Problem):
    """The notice is a body's own stage within another: it is opened from that one's campaign."""

    kind = "conflict"


class CampaignInvalid(Problem):
    """The key, dates, settings or bodies do not fit the notice or each other; each finding says where."""


def create_campaign(
    work: Work,
    notice_id: str,
    *,
    key: str,
    organiser_id: str,
    bodies: Iterable[tuple[str, Override | None]] = (),
    dates: Mapping[str, Override] | None = None,
    settings: Mapping[str, Any] | None = None,
    demo: bool = False,
    title: str | None = None,
    ends_after: datetime | None = None,
) -> str:
    """Make a campaign and start its instance, which waits at its first step; return its id. Nothing is issued by that.

    `key` has 1 to 50 small letters, digits, hyphens and underscores: case numbers begin with it. `bodies` are recommending bodies
    with their own cut-offs (None: `body_lead_days` before the collection's). `dates` and `settings` override what the notice
    says. A date is a date value or its mapping, a day, or an aware moment (also as ISO text), which then is the cut-off itself.
    A collection that would have ended by `ends_after` is refused.
    Raises NoticeUnknown, NoticeNotDeployed, OrganisationUnknown, NoticeIsOverlay, CampaignInvalid with all faults.
    """
    stored = get_notice(work, notice_id)
    if stored.state != "deployed":
        raise NoticeNotDeployed()
    if stored.notice.extends is not None:
        raise NoticeIsOverlay(key=stored.key)
    get_organisation(work, organiser_id)
    findings = check_key(work, key)
    dated = merge_dates(stored.notice.dates, dates or {}, findings)
    set_to = merge_settings(stored.notice, settings or {}, findings)
    wanted = _read_cutoffs(bodies, findings)
    places = {body.id: body for body in list_organisations(work, ids=[body_id for body_id, _ in wanted])}
    cutoff_at = dated[CUTOFF].cutoff_at if CUTOFF in dated else None
    if cutoff_at is None and not isinstance(stored.notice.dates.get(CUTOFF, NO_CUTOFF), Unknown):
        findings.append(Finding("CampaignDateMissing", path=f"dates.{CUTOFF}", values={"date": CUTOFF}))
    if cutoff_at is not None and ends_after is not None and cutoff_at <= ends_after:
        values = {"cutoff": say_cutoff(cutoff_at, "zh"), "cutoff_en": say_cutoff(cutoff_at, "en")}
        findings.append(Finding("CampaignCutoffPast", path=f"dates.{CUTOFF}", values=values))
    findings += _check_bodies(wanted, places, cutoff_at)
    findings += check_lateness(work, set_to, [stored.definitions[role] for role in ("campaign", "case")])
    if findings:
        raise CampaignInvalid(findings=findings)
    campaign_id = write_campaign(
        work,
        dated,
        key=key,
        notice_id=notice_id,
        case_definition_id=stored.definitions["case"],
        organiser_id=organiser_id,
        title=title or _find_title(stored.notice),
        demo=demo,
        settings=set_to,
    )
    for place, (body_id, _) in enumerate(wanted):
        _write_body(work, campaign_id, places[body_id], place, stored.notice, set_to)
    if cutoff_at is not None:
        write_windows(work, campaign_id, cutoff_at, dict(wanted), settings=set_to)
    begin_campaign(work, campaign_id, stored.definitions["campaign"], [body_id for body_id, _ in wanted])
    return campaign_id


def write_campaign(work: Work, dates: Mapping[str, DateValue], **values: Any) -> str:
    """Write the row of a campaign (or of a body's stage in one) that is prepared; its id. `values` are the other columns."""
    campaign_id = new_id()
    work.connection.execute(
        sa.insert(campaign).values(
            id=campaign_id,
            phase="prepared",
            dates={name: dump_date(value) for name, value in dates.items()},
            next_number=1,
            created_at=work.now,
            created_by=work.by,
            **values,
        )
    )
    return campaign_id


def begin_campaign(work: Work, campaign_id: str, definition_id: str, bodies: Sequence[str]) -> None:
    """Start the instance of a campaign whose row, bodies and windows are written, with the variables that diagrams know.

    The clock looks after its archive from now on.
    """
    row = work.connection.execute(sa.select(campaign).where(campaign.c.id == campaign_id)).one()
    closes_at = last_end(work, campaign_id)
    variables = {
        "campaign": campaign_id,
        "campaign_key": row.key,
        "organiser": row.organiser_id,
        "bodies": list(bodies),
        "dates": campaign_dates(work, campaign_id),
        "series": campaign_series(work, campaign_id),
        "settings": row.settings,
        CLOSES: None if closes_at is None else closes_at.isoformat(),
    }
    instance_id = start_instance(work, definition_id, row.key, variables, belongs_to=campaign_id)
    work.connection.execute(sa.update(campaign).where(campaign.c.id == campaign_id).values(instance_id=instance_id))
    arm_archive(work, campaign_id)


def write_windows(
    work: Work,
    campaign_id: str,
    cutoff_at: datetime,
    bodies: Mapping[str, datetime | None],
    *,
    settings: Mapping[str, Any],
    opens_at: datetime | None = None,
) -> None:
    """Write the collection's window and that of each body: its own cut-off, or as many days before the collection's as `settings`
    say, which also say what is taken after it.

    They are open from `opens_at` on; planned without it.
    """
    lead_days, lateness = int(settings.get("body_lead_days") or 0), Lateness.read(settings)
    own = {body_id: cutoff or cutoff_at - timedelta(days=lead_days) for body_id, cutoff in bodies.items()}
    for name, organisation_id, ends_at in [(COLLECTION, None, cutoff_at), *((BODY, *each) for each in own.items())]:
        work.connection.execute(
            sa.insert(window).values(
                id=new_id(),
                campaign_id=campaign_id,
                name=name,
                organisation_id=organisation_id,
                opens_at=opens_at,
                cutoff_at=ends_at,
                state="planned" if opens_at is None else "open",
                **lateness.columns(ends_at),
            )
        )


def check_lateness(work: Work, settings: Mapping[str, Any], definitions: Iterable[str]) -> list[Finding]:
    """What forbids to take late submissions: a diagram of the campaign that ends something at the cut-off itself."""
    if settings.get(POLICY, REFUSE) == REFUSE:
        return []
    early = sorted({each for one in definitions for each in list_early(get_definition(work, one).model)})
    return [Finding("LateNotDrawn", path=f"settings.{POLICY}", values={"elements": ", ".join(early)})] if early else []


def merge_dates(
    stated: Mapping[str, DateValue], overrides: Mapping[str, Override], findings: list[Finding]
) -> dict[str, DateValue]:
    """The dates of a notice with those that somebody set above them; what cannot be read is added to `findings`."""
    dated = dict(stated)
    for name, given in overrides.items():
        path = f"dates.{name}"
        if name not in dated:
            findings.append(Finding("CampaignDateUnknown", path=path, values={"date": name}))
            continue
        try:
            read = _read_date(given, path=path)
            dated[name] = read if read.label else read.model_copy(update={"label": stated[name].label})
        except DateInvalid as fault:
            findings += fault.findings
        except ValueError:
            findings.append(Finding("CampaignDateUnreadable", path=path, values={"date": name, "given": str(given)}))
    return dated


def _read_date(given: Override, *, path: str) -> DateValue:
    """A date of the organiser's (`ours`): the notice's words belong to another day and are left out."""
    if isinstance(given, str):
        given = datetime.fromisoformat(given) if "T" in given else date.fromisoformat(given)
    if isinstance(given, datetime):
        if given.tzinfo is None:
            raise ValueError(f"naive moment {given!r}")
        return Instant(value=given.isoformat(), source="ours", note=SET_HERE)
    if isinstance(given, date):
        return Day(value=given, source="ours", note=SET_HERE)
    return load_date(given, path=path) if isinstance(given, Mapping) else given


def check_key(work: Work, key: str) -> list[Finding]:
    """Whether a new campaign can have this key: 1 to 50 small letters, digits, hyphens and underscores, that no other one has."""
    if not _KEY.fullmatch(key):
        return [Finding("CampaignKeyInvalid", path="key", values={"key": key})]
    if work.connection.execute(sa.select(campaign.c.id).where(campaign.c.key == key)).first():
        return [Finding("CampaignKeyTaken", path="key", values={"key": key})]
    return []


def _read_cutoffs(bodies: Iterable[tuple[str, Override | None]], findings: list[Finding]) -> list[tuple[str, datetime | None]]:
    """The bodies with the moments of their own cut-offs."""
    read: list[tuple[str, datetime | None]] = []
    for place, (body_id, given) in enumerate(bodies):
        cutoff_at = None
        try:
            cutoff_at = None if given is None else _read_date(given, path=f"bodies[{place}]").cutoff_at
        except DateInvalid as fault:
            findings += fault.findings
        except ValueError:
            findings.append(Finding("BodyCutoffUnreadable", path=f"bodies[{place}]", values={"given": str(given)}))
        read.append((body_id, cutoff_at))
    return read


def _check_bodies(
    wanted: Sequence[tuple[str, datetime | None]], places: Mapping[str, Organisation], cutoff_at: datetime | None
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
        if own is not None and cutoff_at is not None and own > cutoff_at:
            values = {"body": name, "cutoff": say_cutoff(cutoff_at, "zh"), "cutoff_en": say_cutoff(cutoff_at, "en")}
            found.append(Finding("BodyCutoffTooLate", path=path, values=values))
    return found


def _write_body(
    work: Work, campaign_id: str, body: Organisation, place: int, notice: Notice, settings: Mapping[str, Any]
) -> None:
    work.connection.execute(
        sa.insert(recommending_body).values(
            campaign_id=campaign_id,
            organisation_id=body.id,
            place=place,
            quota_min=_quota_of(body, notice, settings),
            quota_max=settings.get("quota.maximum"),
        )
    )


def _quota_of(body: Organisation, notice: Notice, settings: Mapping[str, Any]) -> int | None:
    """How many cases the notice asks of this body for; which kind it is, the notice's list of recipients says by its name."""
    if notice.quota is None:
        return None
    named = [entry for entry in notice.recipients.bodies if entry.name == body.name or entry.short_name == body.short_name]
    kind = named[0].kind if named else body.kind
    if kind == "consortium" or (kind == "corps" and not settings["quota.corps_counts_as_province"]):
        return settings["quota.consortium_minimum"] if kind == "consortium" else None
    minimum: int | None = settings["quota.minimum"]
    return minimum


def _find_title(notice: Notice) -> str:
    document = notice.document
    return document.theme.value if document.theme is not None else document.title.value
