"""Work days: the pure calendar (`calendar`), the years that the software knows (`announced`), those that are stored (`reading`),
and changing them (`editing`, `arrangements`). All counting goes through `read_calendar(work)`.
"""

from workflows.workdays.announced import announced_calendar, announced_years, read_announced
from workflows.workdays.arrangements import (
    Arranged,
    Arrangement,
    ArrangementInvalid,
    ArrangementUnknown,
    read_arrangement,
    with_source,
)
from workflows.workdays.calendar import ReckonedCount, ReckonedDay, WorkCalendar, WorkDay
from workflows.workdays.editing import (
    CalendarChanged,
    ChangedDay,
    ImportPlan,
    WorkdayInvalid,
    WorkdayUnknown,
    calendar_after,
    hold_calendar,
    import_year,
    plan_import,
    remove_day,
    seed_calendar,
    set_day,
    unseeded_years,
)
from workflows.workdays.reading import (
    AnnouncedYear,
    CalendarChange,
    DecidedDay,
    list_changes,
    list_decided,
    list_years,
    read_calendar,
)

__all__ = [
    "AnnouncedYear",
    "Arranged",
    "Arrangement",
    "ArrangementInvalid",
    "ArrangementUnknown",
    "CalendarChange",
    "CalendarChanged",
    "ChangedDay",
    "DecidedDay",
    "ImportPlan",
    "ReckonedCount",
    "ReckonedDay",
    "WorkCalendar",
    "WorkDay",
    "WorkdayInvalid",
    "WorkdayUnknown",
    "announced_calendar",
    "announced_years",
    "calendar_after",
    "hold_calendar",
    "import_year",
    "list_changes",
    "list_decided",
    "list_years",
    "plan_import",
    "read_announced",
    "read_arrangement",
    "read_calendar",
    "remove_day",
    "seed_calendar",
    "set_day",
    "unseeded_years",
    "with_source",
]
