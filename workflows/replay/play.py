"""Plays a whole campaign: the world of a seed, the people, the campaign, then time until nothing is left to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.errors import Problem
from engine.model import read_diagram
from engine.tables import installation
from engine.work import ProcessEngine
from workflows.campaigns.settings import ARCHIVE_AFTER
from workflows.deadlines import Unknown, load_date
from workflows.notices import bundled_notices, deploy_folder, read_folder, read_notice
from workflows.replay.cast import Cast
from workflows.replay.everybody import everybody
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
    """What to play: the key of a bundled notice, or the path of a folder. What is None is as the notice says.

    `institutions` are by default five for each recommending body and five more. `deadline` moves the collection's cut-off (a
    day counts up to 24:00 in Beijing, a moment is itself). Without `confirm` nobody confirms unknown dates.
    """

    notice: str
    seed: int = 1
    institutions: int | None = None
    experts: int = 40
    cut: int | None = None
    kernel: str = "tokens"
    deadline: datetime | None = None
    experts_per_case: int | None = None
    confirm: bool = True

    @property
    def settings(self) -> dict[str, int]:
        """The settings of the campaign that differ from the notice's; what was played stays to be looked at, not archived."""
        wanted = {"cut": self.cut, "experts_per_case": self.experts_per_case, ARCHIVE_AFTER: 0}
        return {name: value for name, value in wanted.items() if value is not None}


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
    key = content["key"]
    dates = notice_dates(content, deadline=options.deadline)
    experts = options.experts if names_handler(files, "reviews.assign") else 0
    world = make_world(content, dates, seed=options.seed, institutions=options.institutions, experts=experts)
    claim_database(process_engine, "replay")
    clock = VirtualClock(dates.issued_at - timedelta(days=1))
    stage = Stage(process_engine, clock)
    with process_engine.begin() as work:
        notice_id = deploy_folder(work, files, key=key, kernel=options.kernel)
    people = write_people(process_engine, world, authority=content["document"]["issuer"]["value"])
    plan = CampaignPlan(
        notice_id,
        campaign_key(key),
        None,
        None if options.deadline is None else {"collection_cutoff": options.deadline},
        options.settings,
        False,
    )
    campaign_id = write_campaign(process_engine, world, people, plan)
    cast = Cast(stage, world, people, campaign_id, tell_answer, parts=everybody, confirms=options.confirm)
    whole = (dates.last_at - clock.now()).total_seconds()
    stage.tell_progress = lambda now: tell_progress(min(1.0, 1 - (dates.last_at - now).total_seconds() / whole))
    stage.play()
    name_logins(process_engine, people, people.applicants[0], PASSWORD)
    with process_engine.read() as work:
        return make_report(work, campaign_id, notice=key, seed=options.seed, kernel=options.kernel, submissions=cast.submissions)


def find_notice(key: str) -> tuple[Mapping[str, bytes], dict[str, Any]]:
    """The files of a bundled notice, or of the folder at a path, and its content as plain values.

    Raises NoticeNotBundled and NoticeInvalid.
    """
    bundled = bundled_notices()
    files = bundled.get(key) or (read_folder(Path(key)) if Path(key).is_dir() else None)
    if files is None:
        raise NoticeNotBundled(notice=key, known=", ".join(sorted(bundled)))
    return files, read_notice(files).model_dump(mode="json", by_alias=True)


def names_handler(files: Mapping[str, bytes], name: str) -> bool:
    """Whether one of the diagrams names this handler."""
    read = (read_diagram(content, name=path).definition for path, content in files.items() if path.endswith(".bpmn"))
    return any(name in definition.handlers for definition in read if definition is not None)


def campaign_key(notice: str) -> str:
    """The key of a replay's campaign; case numbers begin with it."""
    return notice.replace("_", "-").lower()[:50]


def notice_dates(content: Mapping[str, Any], *, deadline: datetime | None = None) -> Dates:
    """The moments around which a world is built, out of the notice's dates.

    Raises ReplayImpossible when the notice has no day of its own or the deadline lies outside of the campaign.
    """
    values = {name: load_date(value, path=f"dates.{name}") for name, value in content["dates"].items()}
    known = {name: value.cutoff_at.astimezone(UTC) for name, value in values.items() if value.cutoff_at is not None}
    unknown = {name: value for name, value in values.items() if isinstance(value, Unknown)}
    latest_of = {
        name: max(each.cutoff_at for each in value.candidates if each.cutoff_at is not None) for name, value in unknown.items()
    }
    if "collection_cutoff" not in known:
        reported = [name for plan in content["reports"] for name in plan["due"]]
        names = reported if "collection_cutoff" not in values else ["collection_cutoff"]
        moments = [moment for name, moment in {**known, **latest_of}.items() if name in names]
        if not moments:
            raise ReplayImpossible(reason="the notice says neither until when cases are collected nor when anything is reported")
        known["collection_cutoff"] = max(moments)
    document = content["document"]
    issued = document["issued_on"] or document["published_on"]
    if issued is None:
        raise ReplayImpossible(reason="the notice says neither when it was issued nor when it was published")
    cutoff_at = (deadline or known["collection_cutoff"]).astimezone(UTC)
    published = known.get("publication")
    dates = Dates(
        issued_at=datetime.fromisoformat(issued["value"]).replace(hour=9, tzinfo=ZONE).astimezone(UTC),
        cutoff_at=cutoff_at,
        review_until=known.get("review_until"),
        published_at=None if published is None else published - timedelta(hours=14),  # at ten in the morning of the last day
    )
    latest = dates.review_until or datetime.max.replace(tzinfo=UTC)
    if not dates.issued_at + timedelta(days=16) < cutoff_at < latest - timedelta(days=20):
        raise ReplayImpossible(reason=f"the cut-off {cutoff_at.isoformat()} leaves no time to apply or to review")
    return dates


def make_world(
    content: Mapping[str, Any], dates: Dates, *, seed: int, institutions: int | None, experts: int, bodies: int | None = None
) -> World:
    """The world of a seed around a notice's recommending bodies (the first `bodies` of them).

    Raises ReplayImpossible.
    """
    listed = content["recipients"]["bodies"]
    chosen = listed if bodies is None else [*listed[: bodies - 1], listed[-1]]
    minimum = content["quota"]["minimum"]["value"] if content["quota"] else None
    count = 5 * len(chosen) + 5 if institutions is None else institutions
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
        return build_world(seed, facts, dates, institutions=count, experts=experts, direct=reports_directly(content))
    except ValueError as error:
        raise ReplayImpossible(reason=str(error)) from error


def reports_directly(content: Mapping[str, Any]) -> bool:
    """Whether the notice takes what institutions send without a recommending body."""
    stated = content["direct_reporting"]
    return stated is None or bool(stated["value"])


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
