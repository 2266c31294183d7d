"""Work days and cron texts in timers: what a text means, and both kernels counting by the function that they are given."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.definitions import check_diagram, deploy
from engine.due import run_due
from engine.instances import start_instance
from engine.moments import (
    SHANGHAI,
    Due,
    MomentInvalid,
    WorkPeriod,
    count_weekdays,
    counts_workdays,
    find_moment,
    first_due,
    is_plain,
    next_due,
    recount,
)
from engine.tables import timer, user_task
from engine.work import ProcessEngine
from tests.engine.kernel_runs import END, START, diagram

FRIDAY = datetime(2026, 1, 2, 15, 30, tzinfo=SHANGHAI)
"""The 5th is a Monday."""


def say(moment: datetime) -> str:
    """A moment on the wall of Beijing."""
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def closed_on_monday(day: date, count: int) -> date:
    """Plain weeks, but for Monday, 5 January 2026."""
    closed, step, left = date(2026, 1, 5), (-1 if count < 0 else 1), abs(count)
    while left or day.isoweekday() > 5 or day == closed:
        day += timedelta(days=step)
        left -= left > 0 and day.isoweekday() <= 5 and day != closed
    return day


# ---- texts -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "text", "moment"),
    [
        ("timeDuration", "P1WD", "2026-01-05 15:30"),
        ("timeDuration", "P5WD", "2026-01-09 15:30"),
        ("timeDuration", "P5WDT24:00", "2026-01-10 00:00"),
        ("timeDuration", "P5WDT09:00", "2026-01-09 09:00"),
        ("timeDuration", "P0WDT24:00", "2026-01-03 00:00"),
        ("timeDate", "2026-01-02T24:00/P1WD", "2026-01-06 00:00"),  # the end of Friday, and one work day: the end of Monday
        ("timeDate", "2026-01-03T00:00/P1WD", "2026-01-06 00:00"),  # the same moment
        ("timeDate", "2026-01-02T16:00Z/P1WD", "2026-01-06 00:00"),
        ("timeDate", "P3WD/2026-01-09T24:00+08:00", "2026-01-07 00:00"),
        ("timeDate", "P3WDT09:00/2026-01-09T24:00+08:00", "2026-01-06 09:00"),
        ("timeDate", "2026-01-03/P0WDT09:00", "2026-01-05 09:00"),  # a day of rest: the next one that is worked
        ("timeDate", "2026-01-05/P0WDT24:00", "2026-01-06 00:00"),
        ("timeDate", "2026-01-05/P5WDT09:00", "2026-01-12 09:00"),
        ("timeDate", "2026-01-31T09:00/P1M", "2026-02-28 09:00"),
        ("timeDate", "P1M/2026-03-31T09:00", "2026-02-28 09:00"),
        ("timeDate", "PT2H/2026-01-09T24:00", "2026-01-09 22:00"),
        ("timeCycle", "R/P1WD", "2026-01-05 15:30"),
        ("timeCycle", "0 9 * * 1-5", "2026-01-05 09:00"),
        ("timeCycle", "30 8 L * *", "2026-01-31 08:30"),
        ("timeCycle", "0 9 29 2 *", "2028-02-29 09:00"),
        ("timeCycle", "0 9 31 * *", "2026-01-31 09:00"),
        ("timeCycle", "*/20 15 2 JAN *", "2026-01-02 15:40"),
        ("timeCycle", "0 9 13 * 5", "2026-01-09 09:00"),  # either is enough
        ("timeCycle", "0 0 * * 7", "2026-01-04 00:00"),
    ],
)
def test_what_a_text_means(kind: str, text: str, moment: str) -> None:
    assert is_plain(text)
    assert say(first_due(kind, text, FRIDAY).at) == moment


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("R/P1WD", ["2026-01-05 15:30", "2026-01-06 15:30", "2026-01-07 15:30", "2026-01-08 15:30", "2026-01-09 15:30"]),
        ("R3/2026-01-08T09:00/P1WD", ["2026-01-08 09:00", "2026-01-09 09:00", "2026-01-12 09:00"]),
        ("R3/2026-01-03/P2WDT24:00", ["2026-01-06 00:00", "2026-01-07 00:00", "2026-01-09 00:00"]),
        ("R2/P1WD/2026-01-12T09:00", ["2026-01-09 09:00", "2026-01-12 09:00"]),
        ("0 9 31 * *", ["2026-01-31 09:00", "2026-03-31 09:00", "2026-05-31 09:00", "2026-07-31 09:00"]),
        ("0 9 L 2 *", ["2026-02-28 09:00", "2027-02-28 09:00", "2028-02-29 09:00", "2029-02-28 09:00"]),
        ("15 9,21 * * *", ["2026-01-02 21:15", "2026-01-03 09:15", "2026-01-03 21:15"]),
    ],
)
def test_cycles_are_computed_from_their_anchor(text: str, moments: list[str]) -> None:
    due: Due | None = first_due("timeCycle", text, FRIDAY)
    found = []
    while due is not None and len(found) < len(moments):
        found.append(say(due.at))
        assert Due.load(due.dump()) == due
        due = next_due(due)
    assert found == moments
    assert (due is None) == text.startswith(("R2", "R3"))


def test_a_moved_occurrence_of_a_cron_text_does_not_move_the_next_ones() -> None:
    due = first_due("timeCycle", "0 9 * * *", FRIDAY)
    moved = Due(datetime(2026, 1, 8, tzinfo=UTC), *due.dump()[1:])
    following = next_due(moved)
    assert following is not None
    assert say(following.at) == "2026-01-04 09:00"


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("timeDuration", "P5WD1", "moment_no_work_period"),
        ("timeDuration", "P1MP5WD", "moment_no_work_period"),
        ("timeDuration", "P5WDT5H", "moment_no_work_period"),
        ("timeDuration", "P5WDT24:30", "moment_no_such_time"),
        ("timeDuration", "P10001WD", "moment_out_of_range"),
        ("timeDate", "2026-01-05/P5WD", "moment_time_missing"),
        ("timeDate", "2026-01-05/P1D", "moment_time_missing"),
        ("timeDate", "P5WD", "moment_not_readable"),
        ("timeCycle", "R/P0WD", "moment_cycle_too_short"),
        ("timeCycle", "0 9 30 2 *", "moment_cron_never"),
        ("timeCycle", "0 9 * *", "moment_no_cycle"),
        ("timeCycle", "60 9 * * *", "moment_no_cron"),
        ("timeCycle", "0 0 9 ? * MON-FRI", "moment_no_cron"),
        ("timeCycle", "0 9 1 1 * 2026", "moment_no_cron"),
        ("timeCycle", "@daily", "moment_no_cycle"),
        ("timeCycle", "H 9 * * *", "moment_no_cycle"),
        ("timeDuration", "0 9 * * 1", "moment_no_duration"),
    ],
)
def test_what_is_refused(kind: str, text: str, code: str) -> None:
    with pytest.raises(MomentInvalid) as refused:
        first_due(kind, text, FRIDAY)
    assert refused.value.values["reason"].code == code


def test_periods_are_written_as_they_are_read() -> None:
    assert [str(WorkPeriod.parse(text)) for text in ("P5WD", "P0WDT24:00", "P12WDT09:05")] == [
        "P5WD",
        "P0WDT24:00",
        "P12WDT09:05",
    ]


@pytest.mark.parametrize("text", ["P${days}WD", "${dates.until}/P3WD", "P3WD/${dates.until}", "P${days}WDT24:00"])
def test_texts_with_parts_are_texts(text: str) -> None:
    assert is_plain(text)


@pytest.mark.parametrize("text", ["2 > n and a", "1 if x else 2", "${a / P}"])
def test_expressions_that_look_like_cron_stay_expressions(text: str) -> None:
    assert not is_plain(text)


def test_a_due_moment_is_counted_again_from_the_same_anchor() -> None:
    due = first_due("timeDuration", "P5WDT24:00", FRIDAY)
    assert counts_workdays(due)
    assert say(recount(due, closed_on_monday).at) == "2026-01-13 00:00"
    assert recount(due, count_weekdays) == due
    plain = first_due("timeDuration", "P5D", FRIDAY)
    assert not counts_workdays(plain)
    assert recount(plain, closed_on_monday) == plain


def test_due_dates_are_moments_periods_or_both() -> None:
    assert say(find_moment("P3WDT24:00", FRIDAY)) == "2026-01-08 00:00"
    assert say(find_moment("P3D", FRIDAY)) == "2026-01-05 15:30"
    assert say(find_moment("P1WD/2026-01-12T16:00:00+00:00", FRIDAY)) == "2026-01-10 00:00"
    assert say(find_moment("2026-01-12T16:00:00+00:00", FRIDAY)) == "2026-01-13 00:00"
    with pytest.raises(MomentInvalid):
        find_moment("2026-01-12T16:00", FRIDAY)  # without offset


# ---- diagrams --------------------------------------------------------------------------------------------------------
def timed(kind: str, text: str) -> str:
    """A timer event definition."""
    return f"<timerEventDefinition><{kind}>{text}</{kind}></timerEventDefinition>"


BODY = (
    START
    + END
    + '<userTask id="a" camunda:assignee="anna" camunda:dueDate="P${days}WDT24:00" camunda:followUpDate="P1WD/${until}"/>'
    + f'<boundaryEvent id="y" attachedToRef="a" cancelActivity="false">{timed("timeCycle", "R2/P${days}WD")}</boundaryEvent>'
    + f'<boundaryEvent id="z" attachedToRef="a">{timed("timeDate", "${until}/P1WD")}</boundaryEvent>'
    + '<endEvent id="reminded"/><endEvent id="late"/>'
)
FLOWS = ("s a", "a e", "y reminded", "z late")


def test_both_kernels_count_as_the_engine_does(process_engine: ProcessEngine, virtual_clock: VirtualClock, kernel: str) -> None:
    process_engine.workdays = lambda _work: closed_on_monday
    virtual_clock.move_to(FRIDAY)
    with process_engine.begin() as work:
        deployed = deploy(work, {"p.bpmn": diagram(BODY, *FLOWS)}, name="p", kernel=kernel)
        variables = {"days": 2, "until": "2026-01-08T16:00:00+00:00"}
        start_instance(work, deployed.definitions["p"], "case-1", variables)

    def rows() -> dict[str, str]:
        with process_engine.read() as work:
            armed = work.connection.execute(sa.select(timer).where(timer.c.state == "armed")).all()
            return {row.element_id: say(row.due_at) for row in armed}

    with process_engine.read() as work:
        task = work.connection.execute(sa.select(user_task)).one()
    assert (say(task.due_at), say(task.follow_up_at)) == ("2026-01-08 00:00", "2026-01-08 00:00")
    assert rows() == {"y": "2026-01-07 15:30", "z": "2026-01-10 00:00"}
    virtual_clock.move_to(datetime(2026, 1, 7, 16, tzinfo=SHANGHAI))
    run_due(process_engine)
    assert rows() == {"y": "2026-01-09 15:30", "z": "2026-01-10 00:00"}
    virtual_clock.move_to(datetime(2026, 1, 20, tzinfo=SHANGHAI))
    run_due(process_engine)
    assert rows() == {}


def test_a_cron_text_starts_a_process_once_each_time(process_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    virtual_clock.move_to(FRIDAY)
    start = f'<startEvent id="s">{timed("timeCycle", "0 9 L * *")}</startEvent>'
    with process_engine.begin() as work:
        deploy(work, {"p.bpmn": diagram(start + END + '<userTask id="a"/>', "s a", "a e")}, name="p")
    virtual_clock.move_to(datetime(2026, 4, 1, tzinfo=SHANGHAI))  # after downtime
    for _ in range(2):
        run_due(process_engine)
    with process_engine.read() as work:
        keys = work.connection.execute(sa.select(user_task.c.business_key).order_by(user_task.c.business_key)).scalars().all()
    assert keys == [f"p/2026-0{month}T01:00:00Z" for month in ("1-31", "2-28", "3-31")]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (f'<boundaryEvent id="y" attachedToRef="a">{timed("timeDuration", "P5WDT25:00")}</boundaryEvent>', "timeDuration"),
        (f'<boundaryEvent id="y" attachedToRef="a">{timed("timeCycle", "0 0 9 * * ?")}</boundaryEvent>', "timeCycle"),
    ],
)
def test_a_diagram_with_an_unreadable_text_is_refused_with_its_element(body: str, where: str) -> None:
    xml = diagram(START + END + '<userTask id="a" camunda:assignee="anna"/>' + body, "s a", "a e", "y e")
    checked = check_diagram(xml, name="p.bpmn")
    told = [(found.element, found.values["where"]) for found in checked.findings if found.code == "diagram_moment"]
    assert (checked.refused, told) == (True, [("y", where)])
