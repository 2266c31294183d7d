"""`/filters`: filters of the inbox that are kept under a name, by one person, perhaps for a group."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import StringConstraints

from api.pages.present import process_engine, reader
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Told
from api.rest.tasks import ListAsked
from engine.work import Work
from workflows import inbox
from workflows.inbox.filters import LONGEST_NAME

resource = Resource("filters")


class NameAsked(Asked):
    """The filter's name, and which group of the caller's (a role at an organisation: `auditor@…`) uses it, too."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME)]
    group: Annotated[str, StringConstraints(max_length=80)] | None = None


class FilterAsked(ListAsked, NameAsked):
    """What of which view the filter lets through, and in which order, as `/tasks` takes it."""


class FilterTold(Told):
    """A kept filter: `asked` are the parameters of `/tasks`. `owner` is null for one's own; since `kept_at` it is as it is."""

    id: str
    name: str
    asked: dict[str, str]
    shared_with: str | None
    owner: str | None
    kept_at: datetime


class FiltersTold(Told):
    """The caller's own filters and those that colleagues share, by name."""

    items: list[FilterTold]


class FilterKept(Told):
    """The filter's id."""

    filter: str


@resource.get("/filters", FiltersTold)
def list_all() -> FiltersTold:
    """One's own filters, and those that colleagues share."""
    with process_engine().read(by=reader().id) as work:
        return FiltersTold(items=[FilterTold.model_validate(each) for each in inbox.list_filters(work, reader())])


@resource.post("/filters", FilterKept, takes=FilterAsked, status=201)
def keep(body: FilterAsked, key: str) -> Any:
    """Keep a filter, in the place of one's own of the same name.

    Raises FilterInvalid.
    """
    asked = body.model_dump(exclude={"name", "group"}, exclude_none=True)

    def add(work: Work) -> FilterKept:
        return FilterKept(filter=inbox.keep_filter(work, reader(), body.name, asked, group=body.group))

    return act(key, "filter.keep", body.model_dump(), add)


@resource.post("/filters/<filter_id>", FilterKept, takes=NameAsked)
def rename(filter_id: str, body: NameAsked, key: str) -> Any:
    """Give one's own filter another name, and share it with another group or with nobody.

    Raises FilterUnknown, FilterInvalid.
    """

    def change(work: Work) -> FilterKept:
        inbox.rename_filter(work, reader(), filter_id, body.name, group=body.group)
        return FilterKept(filter=filter_id)

    return act(key, "filter.rename", {"filter": filter_id, **body.model_dump()}, change)


@resource.delete("/filters/<filter_id>", FilterKept)
def drop(filter_id: str) -> FilterKept:
    """Keep one's own filter no more.

    Raises FilterUnknown.
    """
    with process_engine().begin(by=reader().id) as work:
        inbox.drop_filter(work, reader(), filter_id)
    return FilterKept(filter=filter_id)
