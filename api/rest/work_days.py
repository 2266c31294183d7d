"""`/work-days`: what days are worked; administrators decide about days, and import a year after a preview."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.pages.present import process_engine, reader
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Told
from engine.work import Work
from workflows import extensions, workdays
from workflows.rules import require
from workflows.workdays.arrangements import FIRST_YEAR, LARGEST, LAST_YEAR

resource = Resource("work_days")
Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]
Line = Annotated[str, StringConstraints(max_length=1000)]


class YearAsked(Asked):
    """The year that is asked for."""

    year: Year


class DayAsked(Asked):
    """What is decided about one day, and who says so."""

    day: date
    is_workday: bool
    name_zh: Line
    name_en: Line = ""
    source: Line


class RemovalAsked(Asked):
    """The day that is one of plain weeks again, and on what ground."""

    day: date
    source: Line


class ImportAsked(Asked):
    """The arrangement of a year, as CSV or JSON text (`content`; null: as the software knows it). Without `digest` nothing is
    written; with the one of that preview it is."""

    year: Year
    content: Annotated[str, StringConstraints(max_length=LARGEST)] | None = None
    source: Line = ""
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None


class DecidedTold(Told):
    """A day about which somebody decided; `origin` is `software`, `import` or `person`."""

    day: date
    is_workday: bool
    name_zh: str
    name_en: str
    source: str
    origin: str
    by: str | None
    at: datetime


class YearTold(Told):
    """A year: whether its arrangement is `published` (else all that touches it is provisional), how many days are worked, and
    the days that differ from plain weeks."""

    year: int
    published: bool
    source: str | None
    workdays: int
    items: list[DecidedTold]


class ArrangedTold(Told):
    """What is decided about a day."""

    is_workday: bool
    name_zh: str
    name_en: str


class DayTold(Told):
    """A day before and after; null: a day of plain weeks. `kept`: a person entered it, and no import changes it."""

    day: date
    before: ArrangedTold | None
    after: ArrangedTold | None
    kept: bool = False


class AffectedTold(Told):
    """A running campaign of which something would be later by an import; its organisers decide. `first` is the earliest moment
    as it is now."""

    id: str
    title: str
    tasks: int
    timers: int
    window: bool
    first: datetime


class ImportTold(Told):
    """What an import changes. `state`: `preview`, or `imported`; `affected` is what the preview tells of running campaigns."""

    state: Literal["preview", "imported"]
    year: int
    source: str
    digest: str
    items: list[DayTold]
    affected: list[AffectedTold]


@resource.get("/work-days", YearTold, query=YearAsked)
def show(query: YearAsked) -> YearTold:
    """The work days of a year."""
    with process_engine().read(by=reader().id) as work:
        calendar, decided = workdays.read_calendar(work), workdays.list_decided(work, query.year)
        stated = next((each for each in workdays.list_years(work) if each.year == query.year), None)
        known = workdays.read_announced(query.year) if stated is None else None
        count = calendar.workdays_between(date(query.year - 1, 12, 31), date(query.year, 12, 31))
    return YearTold(
        year=query.year,
        published=query.year in calendar.years,
        source=stated.source if stated else known.source if known and query.year in calendar.years else None,
        workdays=count.count,
        items=[DecidedTold.model_validate(each) for each in decided],
    )


@resource.post("/work-days", DayTold, takes=DayAsked)
def set_day(body: DayAsked, key: str) -> Any:
    """Decide about one day.

    Raises NotPermitted, WorkdayInvalid.
    """
    require(reader(), "workdays.edit")

    def decide(work: Work) -> DayTold:
        named = {"name_zh": body.name_zh, "name_en": body.name_en, "source": body.source}
        before, after = workdays.set_day(work, reader(), body.day, is_workday=body.is_workday, **named)
        return DayTold.model_validate({"day": body.day, "before": before, "after": after})

    return act(key, "workdays.set", body.model_dump(mode="json"), decide)


@resource.post("/work-days/removals", DayTold, takes=RemovalAsked)
def remove_day(body: RemovalAsked, key: str) -> Any:
    """Make a day one of plain weeks again.

    Raises NotPermitted, WorkdayUnknown, WorkdayInvalid.
    """
    require(reader(), "workdays.edit")

    def remove(work: Work) -> DayTold:
        before = workdays.remove_day(work, reader(), body.day, source=body.source)
        return DayTold.model_validate({"day": body.day, "before": before, "after": None})

    return act(key, "workdays.remove", body.model_dump(mode="json"), remove)


@resource.post("/work-days/imports", ImportTold, takes=ImportAsked, raises=(workdays.CalendarChanged,))
def import_year(body: ImportAsked, key: str) -> Any:
    """Import the arrangement of a year, or preview it.

    Raises NotPermitted, ArrangementInvalid, CalendarChanged.
    """
    require(reader(), "workdays.edit")
    known = workdays.read_announced(body.year)
    if body.content is not None or known is None:
        arrangement = workdays.read_arrangement((body.content or "").encode(), body.year, source=body.source)
    else:
        arrangement = workdays.with_source(known, body.source)

    def bring(work: Work) -> ImportTold:
        affected: list[extensions.Affected] = []
        if body.digest is None:
            plan = workdays.plan_import(work, arrangement)
            affected = extensions.list_affected(work, plan)
        else:
            plan = workdays.import_year(work, reader(), arrangement, digest=body.digest)
        return ImportTold(
            state="preview" if body.digest is None else "imported",
            year=body.year,
            source=arrangement.source,
            digest=plan.digest,
            items=[DayTold.model_validate(each) for each in plan.days],
            affected=[AffectedTold.model_validate(each) for each in affected],
        )

    return act(key, "workdays.import", body.model_dump(mode="json"), bring)
