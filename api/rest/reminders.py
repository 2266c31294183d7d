"""`/campaigns/{id}/missing` and `/urges`: who owes what, and urging them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.pages.present import process_engine, reader
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Id, Listed, Paging, Told, write_cursor
from engine.work import Work
from workflows import reminders
from workflows.campaigns.reading import get_campaign
from workflows.reminders.urging import LONGEST_REMARK
from workflows.rules import campaign_subject, require

resource = Resource("reminders")
Step = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Remark = Annotated[str, StringConstraints(max_length=LONGEST_REMARK)]


class OwedAsked(Asked):
    """Which of what is owed: at one step (its `element_id`), of one body, only what is overdue."""

    step: Step | None = None
    body: Id | None = None
    overdue: bool = False

    def choose(self, task_ids: list[str] | None = None) -> reminders.Choice:
        """The same for the domain."""
        ids = None if task_ids is None else tuple(dict.fromkeys(task_ids))
        return reminders.Choice(self.step, self.body, self.overdue, ids)


class MissingAsked(OwedAsked, Paging):
    """A page of what is owed."""


class PreviewAsked(OwedAsked):
    """Who would be urged, with which sentence added."""

    remark: Remark = ""


class UrgeAsked(OwedAsked):
    """Who is urged: all that the filter lets through, or only `tasks` of them; `remark` is a sentence that is added."""

    tasks: Annotated[list[Id], Field(min_length=1, max_length=1000)] | None = None
    remark: Remark = ""


class SentTold(Told):
    """Letters about a task: how many, the last one's moment, how many by state."""

    count: int
    last_at: datetime | None
    states: dict[str, int]


class UrgedTold(Told):
    """How often a task was urged, when last, with which sentence."""

    count: int
    last_at: datetime | None
    remark: str


class OwedTold(Told):
    """An open task with a due date. `units` owe it (none: a person does), `holder` has claimed it, `work_days` are left."""

    task_id: str
    element_id: str
    step: str
    due_at: datetime
    overdue: bool
    work_days: int
    units: list[str]
    holder: str | None
    body: str | None
    number: str | None
    title: str | None
    sent: SentTold
    urged: UrgedTold
    reachable: bool


class OwedCountTold(Told):
    """How much is owed at one step by (or below) one body."""

    element_id: str
    step: str
    body_id: str | None
    body: str | None
    count: int
    overdue: int
    earliest_at: datetime


class MissingTold(Listed):
    """A page of what is owed, what is due first on top; `counts` are of the whole campaign."""

    counts: list[OwedCountTold]
    items: list[OwedTold]


class ShareTold(Told):
    """A recipient, and how many tasks the letter lists."""

    recipient: str
    tasks: int


class PreviewTold(Told):
    """What urging would do now: the first recipients, tasks of which nobody can be reached, the first letter as it leaves."""

    tasks: int
    letters: int
    shares: list[ShareTold]
    unreachable: list[OwedTold]
    subject: str | None
    body: str | None


class OutcomeTold(Told):
    """What was done; `following`: tasks that are urged in the next minutes, in parts."""

    tasks: int
    letters: int
    unreachable: int
    following: int


@resource.get("/campaigns/<campaign_id>/missing", MissingTold, query=MissingAsked)
def list_missing(campaign_id: str, query: MissingAsked) -> MissingTold:
    """What is owed in a campaign now, within what the caller may remind of.

    Raises CampaignUnknown, NotPermitted, MissingPageUnknown.
    """
    who = reader()
    with process_engine().read(by=who.id) as work:
        get_campaign(work, campaign_id, person=who)
        subject = campaign_subject(work, campaign_id)
        require(who, "campaign.remind", subject)
        counts = reminders.count_owed(work, who, subject)
        page = reminders.list_owed(work, who, subject, query.choose(), limit=query.limit, after=query.after)
    return MissingTold(
        counts=[OwedCountTold.model_validate(each) for each in counts],
        items=[OwedTold.model_validate(each) for each in page.rows],
        next=write_cursor(page.next),
    )


@resource.get("/campaigns/<campaign_id>/urges/preview", PreviewTold, query=PreviewAsked)
def preview(campaign_id: str, query: PreviewAsked) -> PreviewTold:
    """Who would get what; nothing is sent.

    Raises CampaignUnknown, NotPermitted, NobodyChosen, RemarkTooLong.
    """
    with process_engine().read(by=reader().id) as work:
        found = reminders.preview_urge(work, reader(), campaign_id, query.choose(), query.remark)
    return PreviewTold(
        tasks=found.tasks,
        letters=found.letters,
        shares=[ShareTold(recipient=each.recipient.name, tasks=len(each.tasks)) for each in found.shares],
        unreachable=[OwedTold.model_validate(each) for each in found.unreachable],
        subject=found.subject,
        body=found.body,
    )


@resource.post("/campaigns/<campaign_id>/urges", OutcomeTold, takes=UrgeAsked)
def urge(campaign_id: str, body: UrgeAsked, key: str) -> Any:
    """Urge those who owe something (催办): a letter to each, an entry in the record of each task.

    Raises CampaignUnknown, NotPermitted, NobodyChosen, RemarkTooLong.
    """

    def remind(work: Work) -> OutcomeTold:
        choice = body.choose(body.tasks)
        return OutcomeTold.model_validate(reminders.urge_owers(work, reader(), campaign_id, choice, body.remark))

    return act(key, "campaign.remind", {"campaign": campaign_id, **body.model_dump()}, remind)
