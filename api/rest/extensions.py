"""`/campaigns/{id}/extensions`: deadlines of a running campaign are moved, after a preview of all that moves with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field, StringConstraints

from api.pages.present import process_engine, reader
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Id, Listed, Paging, Told, cut_page
from engine.bulk import BulkJob
from engine.work import Work
from workflows import extensions
from workflows.campaigns.lateness import MOST_MINUTES
from workflows.campaigns.reading import get_campaign
from workflows.extensions.asking import MOST_DAYS
from workflows.extensions.moving import LONGEST_NUMBER, LONGEST_REASON
from workflows.rules import campaign_subject, require

resource = Resource("extensions")
Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Moment = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Days = Annotated[int, Field(ge=-MOST_DAYS, le=MOST_DAYS)]


class ChangeAsked(Asked):
    """What is to move: one `date` to `new` (a day, whose end counts, or an ISO moment), for all or for one `organisation` (a
    recommending body or an institution); of a series one occurrence (`month_ends/2023-06`), with `rest` all later ones; or all
    dates to come by `days`, `work_days`, or to `first_day`; or what becomes of `late` submissions (`refuse`, `grace`,
    `accept_late`), with its `extent` in minutes or days."""

    date: Name | None = None
    new: Moment = "?"
    rest: bool = False
    organisation: Id | None = None
    days: Days = 0
    work_days: Days = 0
    first_day: Moment | None = None
    late: Annotated[str, StringConstraints(max_length=40)] | None = None
    extent: Annotated[int, Field(ge=1, le=MOST_MINUTES)] | None = None

    def ask(self, work: Work, campaign_id: str) -> extensions.Asked:
        """The same for the domain.

        Raises CampaignUnknown, NotPermitted, ExtensionRefused.
        """
        get_campaign(work, campaign_id, person=reader())
        require(reader(), "campaign.manage", campaign_subject(work, campaign_id))
        if self.late is not None:
            return extensions.ask_lateness(work, campaign_id, self.late, self.extent)
        if self.date is not None:
            return extensions.ask_extension(
                work, campaign_id, self.date, self.new, organisation_id=self.organisation, rest=self.rest
            )
        return extensions.ask_shift(work, campaign_id, days=self.days, work_days=self.work_days, first_day=self.first_day or "")


class PreviewAsked(ChangeAsked, Paging):
    """A change to be previewed, with a page of the tasks that it moves."""


class ExtensionAsked(ChangeAsked):
    """A change that was previewed: `digest` is the preview's."""

    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    reason: Annotated[str, StringConstraints(max_length=LONGEST_REASON)]
    document_number: Annotated[str, StringConstraints(max_length=LONGEST_NUMBER)]


class MovedDateTold(Told):
    """A date with its moment before and after."""

    name: str
    old: datetime
    new: datetime


class MovedWindowTold(Told):
    """A cut-off with its moment before and after."""

    name: str
    organisation_id: str | None
    old: datetime
    new: datetime


class MovedCountTold(Told):
    """How many tasks or timers of an element move from one moment to another."""

    element_id: str
    old: datetime
    new: datetime
    count: int


class MovedTaskTold(Told):
    """An open task that moves; `subject` is the number of its case, or the campaign's key."""

    id: str
    element_id: str
    subject: str
    old: datetime
    new: datetime


class MovedReminderTold(Told):
    """A planned reminder: `old` is withdrawn, `new` comes."""

    element_id: str
    name: str
    old: datetime | None
    new: datetime | None


class ExtensionPreviewTold(Listed):
    """All that would move. `cases` is the number of cases whose documents follow, `reports` that of reports not handed in;
    `items` is a page of the open tasks."""

    digest: str
    dates: list[MovedDateTold]
    windows: list[MovedWindowTold]
    cases: int
    reports: int
    tasks: list[MovedCountTold]
    timers: list[MovedCountTold]
    reminders: list[MovedReminderTold]
    items: list[MovedTaskTold]


class LatenessTold(Told):
    """What becomes of late submissions: the settings of that name."""

    late_submissions: str
    grace_minutes: int
    late_days: int


class LatenessChangedTold(Told):
    """The same before and after a change."""

    old: LatenessTold
    new: LatenessTold


class DateMovedTold(Told):
    """A date that was moved."""

    date: str
    old: datetime
    new: datetime


class ProgressTold(Told):
    """How far a change has come to its cases; states as of bulk jobs."""

    id: str
    state: Literal["running", "done", "cancelled", "stuck"]
    total: int
    done: int
    refused: int
    left: int


class ExtensionTold(Told):
    """A change that was confirmed; `job` says how far it has come to the cases, null when none was affected."""

    id: str
    organisation_id: str | None
    organisation: str | None
    dates: list[DateMovedTold]
    late: LatenessChangedTold | None
    reason: str
    document_number: str
    windows: int
    tasks: int
    timers: int
    sha256: str
    by: str | None
    at: datetime
    job: ProgressTold | None


class ExtensionsTold(Told):
    """All changes of a campaign's deadlines, the latest first."""

    items: list[ExtensionTold]


@resource.get("/campaigns/<campaign_id>/extensions", ExtensionsTold)
def list_all(campaign_id: str) -> ExtensionsTold:
    """The changes of a campaign's deadlines, and how far they have come to its cases.

    Raises CampaignUnknown, NotPermitted.
    """
    with process_engine().read(by=reader().id) as work:
        get_campaign(work, campaign_id, person=reader())
        require(reader(), "campaign.manage", campaign_subject(work, campaign_id))
        found = extensions.list_extensions(work, campaign_id)
        return ExtensionsTold(items=[tell_extension(each, extensions.read_job(work, each)) for each in found])


@resource.get("/campaigns/<campaign_id>/extensions/preview", ExtensionPreviewTold, query=PreviewAsked)
def preview(campaign_id: str, query: PreviewAsked) -> ExtensionPreviewTold:
    """What a change would move; nothing is changed.

    Raises CampaignUnknown, NotPermitted, ExtensionRefused, PageUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        plan = extensions.preview_extension(work, reader(), campaign_id, query.ask(work, campaign_id))
    return tell_preview(plan, query)


@resource.post(
    "/campaigns/<campaign_id>/extensions",
    ExtensionTold,
    takes=ExtensionAsked,
    status=201,
    raises=(extensions.PreviewOutdated,),
)
def extend(campaign_id: str, body: ExtensionAsked, key: str) -> Any:
    """Do what was previewed; the cases follow in the background.

    Raises CampaignUnknown, NotPermitted, ExtensionRefused, PreviewOutdated.
    """

    return do_previewed("campaign.extend", campaign_id, body, key, lambda work: body.ask(work, campaign_id))


class Confirmed(Protocol):
    """What confirms a preview, named by its `digest`."""

    digest: str
    reason: str
    document_number: str

    def model_dump(self) -> dict[str, Any]:
        """All that was sent, for its key."""


def do_previewed(
    action: str,
    campaign_id: str,
    body: Confirmed,
    key: str,
    ask: Callable[[Work], extensions.Asked],
    *,
    decline: bool = False,
) -> Any:
    """Do once what was previewed, or decline it.

    Raises CampaignUnknown, NotPermitted, ExtensionRefused, PreviewOutdated.
    """

    def move(work: Work) -> ExtensionTold:
        get_campaign(work, campaign_id, person=reader())
        require(reader(), "campaign.manage", campaign_subject(work, campaign_id))
        extensions.hold_campaign(work, campaign_id)
        found = extensions.extend(
            work,
            reader(),
            campaign_id,
            ask(work),
            digest=body.digest,
            reason=body.reason,
            document_number=body.document_number,
            decline=decline,
        )
        return tell_extension(found, extensions.read_job(work, found))

    return act(key, action, {"campaign": campaign_id, **body.model_dump()}, move)


def tell_extension(found: extensions.Extension, job: BulkJob | None) -> ExtensionTold:
    """A change that was confirmed, as clients see it."""
    named = {name: getattr(found, name) for name in ExtensionTold.model_fields if name not in ("dates", "late", "job")}
    return ExtensionTold(
        **named,
        dates=[DateMovedTold.model_validate(each) for each in found.dates],
        late=None if found.late is None else LatenessChangedTold.model_validate(found.late),
        job=None if job is None else ProgressTold.model_validate(job),
    )


def tell_preview(plan: extensions.Plan, query: Paging) -> ExtensionPreviewTold:
    """What would move, with a page of the tasks.

    Raises PageUnknown.
    """
    page, following = cut_page(plan.tasks, query, lambda row: row.id)
    return ExtensionPreviewTold(
        digest=plan.digest,
        dates=[MovedDateTold(name=name, old=old, new=new) for name, old, new in plan.dates],
        windows=[MovedWindowTold.model_validate(each) for each in plan.windows],
        cases=len(plan.instances) - len(plan.reports),
        reports=len(plan.reports),
        tasks=[MovedCountTold.model_validate(each) for each in extensions.count_moved(plan.tasks)],
        timers=[MovedCountTold.model_validate(each) for each in extensions.count_moved(plan.timers)],
        reminders=[MovedReminderTold.model_validate(each) for each in plan.reminders],
        items=[MovedTaskTold.model_validate(each) for each in page],
        next=following,
    )
