"""`/notifications` and `/substitutions`: what the caller is told, and who acts for whom."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from api.pages.present import process_engine, reader
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Free, Id, Listed, Paging, Told, write_cursor
from engine.work import Work
from workflows import desk
from workflows.desk import substitution

resource = Resource("desk")
Day = Annotated[date, Field(strict=False)]
"""A day as `2022-07-01`."""


class NotificationTold(Told):
    """Something that the caller is told; ids are null for what may not (or no longer) be read."""

    id: str
    kind: str
    at: datetime
    by: str | None
    number: str | None
    campaign_id: str | None
    case_id: str | None
    task_id: str | None
    values: Free
    read_at: datetime | None


class NotificationsTold(Listed):
    """A page of notifications, the newest first; `unread` of all of them, at most 100."""

    unread: int
    items: list[NotificationTold]


class ReadTold(Told):
    """How many were marked as read."""

    read: int


class SubstitutionTold(Told):
    """Who acts for whom, the first and the last day included; `campaign` null: in all."""

    id: str
    person_id: str
    name: str
    substitute_id: str
    substitute: str
    campaign: str | None
    begins_on: date
    last_on: date
    appointed: bool
    state: str


class SubstitutionsTold(Told):
    """The caller's substitutions, the latest first."""

    items: list[SubstitutionTold]


class SubstitutionAsked(Asked):
    """Whom the caller appoints; an administrator also for another `person`."""

    substitute: Id
    begins_on: Day
    last_on: Day
    campaign: Id | None = None
    person: Id | None = None


class SubstitutionMade(Told):
    """The substitution's id."""

    substitution: str


@resource.get("/notifications", NotificationsTold, query=Paging)
def list_notifications(query: Paging) -> Any:
    """What the caller is told.

    Raises NotificationPageUnknown, PageUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        page = desk.list_notifications(work, reader(), limit=query.limit, after=query.after)
        return NotificationsTold(
            unread=desk.count_unread(work, reader()),
            items=[NotificationTold.model_validate(each) for each in page.rows],
            next=write_cursor(page.next),
        )


@resource.post("/notifications/read", ReadTold)
def read_all(key: str) -> Any:
    """Mark all notifications as read."""
    return act(key, "notifications.read", {}, lambda work: ReadTold(read=desk.read_all(work, reader())))


@resource.get("/substitutions", SubstitutionsTold)
def list_substitutions() -> Any:
    """Who acts for whom, as far as it concerns the caller."""
    with process_engine().read(by=reader().id) as work:
        rows = substitution.list_substitutions(work, reader())
    return SubstitutionsTold(items=[SubstitutionTold.model_validate(each) for each in rows])


@resource.post("/substitutions", SubstitutionMade, takes=SubstitutionAsked, status=201)
def appoint(body: SubstitutionAsked, key: str) -> Any:
    """Let somebody act for the caller.

    Raises SubstitutionInvalid, NotPermitted.
    """

    def make(work: Work) -> SubstitutionMade:
        made = substitution.appoint_substitute(
            work,
            reader(),
            person_id=body.person or reader().id,
            substitute_id=body.substitute,
            begins_on=body.begins_on,
            last_on=body.last_on,
            campaign_id=body.campaign,
        )
        return SubstitutionMade(substitution=made)

    return act(key, "substitution.appoint", body.model_dump(mode="json"), make)


@resource.post("/substitutions/<substitution_id>/end", SubstitutionMade)
def end(substitution_id: str, key: str) -> Any:
    """End a substitution now.

    Raises SubstitutionUnknown.
    """

    def do(work: Work) -> SubstitutionMade:
        substitution.end_substitution(work, reader(), substitution_id)
        return SubstitutionMade(substitution=substitution_id)

    return act(key, "substitution.end", {"substitution": substitution_id}, do)
