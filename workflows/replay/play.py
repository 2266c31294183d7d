"""Plays a whole campaign: the world of a seed, the people, the campaign, then time until nothing is left to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.errors import Problem
from engine.tables import installation
from engine.work import ProcessEngine
from workflows.deadlines import load_date
from workflows.notices import bundled_notices, deploy_folder
from workflows.notices.folders import read_notice
from workflows.replay.cast import Cast
from workflows.replay.report import Report, Submission, make_report
from workflows.replay.setting import PASSWORD, CampaignPlan, name_logins, write_campaign, write_people
from workflows.replay.stage import Stage
from workflows.replay.world import BodyFacts, Dates, World, build_world
from workflows.tables import organisation

ZONE = ZoneInfo("Asia/Shanghai")


class NoticeNotBundled(Problem):
    """No notice folder has this name; `known` lists those there are."""

    kind = "missing"


class DatabaseInUse(Problem):
    """The database holds other data; a replay or demonstration needs one of its own."""

    kind = "conflict"


class ReplayImpossible(Problem):
    """The options do not make a campaign; `reason` says why."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to play. `deadline` moves the collection's cut-off (a day counts up to 24:00 in Beijing, a moment is itself)."""

    notice: str
    seed: int = 1
    institutions: int = 170
    experts: int = 40
    cut: int = 49
    kernel: str = "tokens"
    deadline: datetime | None = None
    experts_per_case: int | None = None  # None: as the notice says


def play(
    process_engine: ProcessEngine,
    options: Options,
    *,
    tell_progress: Callable[[float], None] = lambda _: None,
    tell_answer: Callable[[Submission], None] = lambda _: None,
) -> Report:
    """Play a notice's campaign in an empty, migrated database.

    `tell_progress` is given the part of the time that has passed, `tell_answer` each submission as soon as it is answered.

    Everything goes through the functions that the pages call. The same seed gives the same report, whatever the kernel and
    the database.
    Raises NoticeNotBundled, DatabaseInUse, ReplayImpossible, and whatever the campaign itself refuses.
    """
    files, content = find_notice(options.notice)
    dates = notice_dates(content, deadline=options.deadline)
    world = make_world(content, dates, seed=options.seed, institutions=options.institutions, experts=options.experts)
    claim_database(process_engine, "replay")
    clock = VirtualClock(dates.issued_at - timedelta(days=1))
    stage = Stage(process_engine, clock)
    with process_engine.begin() as work:
        notice_id = deploy_folder(work, files, key=options.notice, kernel=options.kernel)
    people = write_people(process_engine, world, authority=content["document"]["issuer"]["value"])
    plan = CampaignPlan(
        notice_id,
        campaign_key(options.notice),
        None,
        None if options.deadline is None else {"collection_cutoff": options.deadline},
        {"cut": options.cut} | ({} if options.experts_per_case is None else {"experts_per_case": options.experts_per_case}),
        False,
    )
    campaign_id = write_campaign(process_engine, world, people, plan)
    cast = Cast(stage, world, people, campaign_id, tell_answer)
    whole = (dates.published_at - clock.now()).total_seconds()
    stage.tell_progress = lambda now: tell_progress(min(1.0, 1 - (dates.published_at - now).total_seconds() / whole))
    stage.play()
    name_logins(process_engine, people, people.applicants[0], PASSWORD)
    with process_engine.read() as work:
        return make_report(
            work, campaign_id, notice=options.notice, seed=options.seed, kernel=options.kernel, submissions=cast.submissions
        )


def find_notice(key: str) -> tuple[Mapping[str, bytes], dict[str, Any]]:
    """The files of a bundled notice and its content as plain values.

    Raises NoticeNotBundled.
    """
    bundled = bundled_notices()
    if key not in bundled:
        raise NoticeNotBundled(notice=key, known=", ".join(sorted(bundled)))
    return bundled[key], read_notice(bundled[key]).model_dump(mode="json", by_alias=True)


def campaign_key(notice: str) -> str:
    """The key of a replay's campaign; case numbers begin with it."""
    return notice.replace("_", "-").lower()[:50]


def notice_dates(content: Mapping[str, Any], *, deadline: datetime | None = None) -> Dates:
    """The moments around which a world is built, out of the notice's dates.

    Raises ReplayImpossible when a date is unknown or the deadline lies outside of the campaign.
    """
    instants = {name: load_date(value, path=f"dates.{name}").cutoff_at for name, value in content["dates"].items()}
    known = {name: instant for name, instant in instants.items() if instant is not None}
    missing = [name for name in ("collection_cutoff", "review_until", "publication") if name not in known]
    if missing:
        raise ReplayImpossible(reason=f"unknown dates: {', '.join(missing)}")
    issued_on = datetime.fromisoformat(content["document"]["issued_on"]["value"])
    cutoff_at = (deadline or known["collection_cutoff"]).astimezone(UTC)
    dates = Dates(
        issued_at=issued_on.replace(hour=9, tzinfo=ZONE).astimezone(UTC),
        cutoff_at=cutoff_at,
        review_until=known["review_until"].astimezone(UTC),
        published_at=(known["publication"] - timedelta(hours=14)).astimezone(UTC),  # at ten in the morning of the last day
    )
    if not dates.issued_at + timedelta(days=16) < cutoff_at < dates.review_until - timedelta(days=20):
        raise ReplayImpossible(reason=f"the cut-off {cutoff_at.isoformat()} leaves no time to apply or to review")
    return dates


def make_world(
    content: Mapping[str, Any], dates: Dates, *, seed: int, institutions: int, experts: int, bodies: int | None = None
) -> World:
    """The world of a seed around a notice's recommending bodies (the first `bodies` of them).

    Raises ReplayImpossible.
    """
    listed = content["recipients"]["bodies"]
    chosen = listed if bodies is None else [*listed[: bodies - 1], listed[-1]]
    minimum = content["quota"]["minimum"]["value"]
    facts = [
        BodyFacts(
            body["name"],
            body["short_name"],
            body["kind"],
            body["region"],
            None if body["kind"] == "consortium" else minimum,
        )
        for body in chosen
    ]
    try:
        return build_world(seed, facts, dates, institutions=institutions, experts=experts)
    except ValueError as error:
        raise ReplayImpossible(reason=str(error)) from error


def claim_database(process_engine: ProcessEngine, purpose: str) -> None:
    """Say what an empty database is for.

    Raises DatabaseInUse when it holds anything already.
    """
    with process_engine.begin() as work:
        marked = work.connection.execute(
            sa.select(installation.c.value).where(installation.c.key == "purpose")
        ).scalar_one_or_none()
        filled = work.connection.execute(sa.select(organisation.c.id).limit(1)).one_or_none() is not None
        if marked is not None or filled:
            raise DatabaseInUse(purpose=marked or "-")
        work.connection.execute(installation.insert().values(key="purpose", value=purpose))
