"""Which round a case is in: decided by its moment to the second, whatever the clock does, and never twice in one cadence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.handlers import Call
from tests.workflows.rounds.hubei import Hubei, beijing
from workflows.deadlines import HalfYear, MonthEnd, expand
from workflows.rounds import close, find_occurrence, list_rest, read_plans
from workflows.tables import case, round_, round_case

CUTOFFS = {
    "month": [beijing(month, 1) for month in range(6, 13)] + [beijing(1, 1, year=2024)],
    "batch": [beijing(7, 1), beijing(12, 1)],
}
"""Before these moments, as the outside sees them: the end of the last day."""
MONTHS = [f"2023-{month:02}" for month in range(5, 13)]
HALVES = ["2023-H1", "2023-H2"]


def expected(keys: list[str], cutoffs: list[datetime], moment: datetime | None) -> str | None:
    """The round of a moment, counted by hand."""
    if moment is None:
        return None
    return next((key for key, cutoff in zip(keys, cutoffs, strict=True) if moment < cutoff), None)


@pytest.mark.parametrize(
    ("moment", "month", "half"),
    [
        (beijing(5, 31, 23, 59, 59), "2023-05", "2023-H1"),
        (beijing(6, 1), "2023-06", "2023-H1"),
        (beijing(6, 30, 23, 59, 59), "2023-06", "2023-H1"),
        (beijing(7, 1), "2023-07", "2023-H2"),
        (beijing(11, 30, 23, 59, 59), "2023-11", "2023-H2"),
        (beijing(12, 1), "2023-12", None),
        (beijing(12, 31, 23, 59, 59), "2023-12", None),
        (beijing(1, 1, year=2024), None, None),
    ],
)
def test_the_last_second_of_a_round_and_the_first_of_the_next(
    hubei: Hubei, moment: datetime, month: str | None, half: str | None
) -> None:
    with hubei.process_engine.read() as work:
        plans = read_plans(work, hubei.campaign_id)
    found = {key: find_occurrence(plan.occurrences, moment) for key, plan in plans.items()}
    assert {key: None if each is None else each.key for key, each in found.items()} == {"month": month, "batch": half}


def test_the_days_of_both_cadences(hubei: Hubei) -> None:
    with hubei.process_engine.read() as work:
        plans = read_plans(work, hubei.campaign_id)
    days = {key: [each.due_on.isoformat() for each in plan.occurrences] for key, plan in plans.items()}
    assert days == {
        "month": [
            "2023-05-31", "2023-06-30", "2023-07-31", "2023-08-31", "2023-09-30", "2023-10-31", "2023-11-30", "2023-12-31",
        ],
        "batch": ["2023-06-30", "2023-11-30"],
    }  # fmt: skip
    for key, plan in plans.items():
        assert [each.cutoff_at for each in plan.occurrences] == CUTOFFS[key]
        assert [each.opens_at for each in plan.occurrences] == [None, *CUTOFFS[key][:-1]]


@given(st.integers(1990, 2100), st.integers(1, 12), st.integers(1, 40))
def test_month_ends_over_years(year: int, month: int, count: int) -> None:
    last = year * 12 + month - 1 + count - 1
    value = MonthEnd(value=f"{year}-{month:02}", repeats=True, until=f"{last // 12}-{last % 12 + 1:02}", source="ours")
    days = [each.due_on for each in expand(value)]
    assert len(days) == count
    for place, day in enumerate(days):
        assert day is not None and (day + timedelta(days=1)).day == 1  # the last day of its month
        assert day.year * 12 + day.month - 1 == year * 12 + month - 1 + place


@given(st.integers(1990, 2100), st.integers(1, 6), st.integers(7, 12))
def test_half_years_end_a_month(year: int, first: int, second: int) -> None:
    value = HalfYear(value=f"{year}-H1", months=(first, second), repeats=True, until=f"{year}-H2", source="ours")
    days = [each.due_on for each in expand(value)]
    assert [(day.year, day.month, (day + timedelta(days=1)).day) for day in days if day] == [(year, first, 1), (year, second, 1)]


# ---- closing in any order, at any time -------------------------------------------------------------------------------
START, END = beijing(5, 23, 9), beijing(3, 1, year=2024)
EDGES = sorted({*CUTOFFS["month"], *CUTOFFS["batch"]})
MOMENTS = st.one_of(
    st.datetimes(START.replace(tzinfo=None), END.replace(tzinfo=None)).map(lambda moment: moment.replace(tzinfo=UTC)),
    st.sampled_from(EDGES).flatmap(
        lambda edge: st.sampled_from((-1, 0, 1)).map(lambda step: edge + timedelta(microseconds=step))
    ),
)
CASES = st.lists(st.tuples(MOMENTS, st.one_of(st.none(), st.integers(0, 60 * 24 * 3600))), max_size=12)
"""When each case reached the province, and how many seconds later it was accepted, if it was."""


def test_every_case_is_in_the_right_round_whatever_the_clock_does(hubei_anywhere: Hubei) -> None:
    world = hubei_anywhere
    plans, institution = _plans(world), world.places["lab"]

    @settings(max_examples=20)
    @given(CASES, st.randoms(use_true_random=False))
    def check(moments: list[tuple[datetime, int | None]], dice: Any) -> None:
        with world.process_engine.begin() as work:
            for table in (round_case, round_, case):
                work.connection.execute(sa.delete(table))
            for place, (reported, later) in enumerate(moments):
                accepted = None if later is None else reported + timedelta(seconds=later)
                work.connection.execute(
                    sa.insert(case).values(
                        id=f"{place:032}", number=f"n{place}", campaign_id=world.campaign_id, institution_id=institution,
                        channel="direct", title="", directions=[], state="accepted" if accepted else "submitted",
                        reported_at=reported, accepted_at=accepted, created_at=START,
                    )
                )  # fmt: skip
        rounds = [(key, occurrence.key) for key, plan in plans.items() for occurrence in plan.occurrences]
        dice.shuffle(rounds)
        world.clock.move_to(max(world.clock.now(), END))
        for key, occurrence in rounds:
            _close(world, key, occurrence)
        with world.process_engine.read() as work:
            found = {
                (row.case_id, row.plan): row.occurrence
                for row in work.connection.execute(sa.select(round_case, round_.c.occurrence).join(round_))
            }
            rest = {row.id for row in list_rest(work, world.campaign_id, plans["batch"])}
        wanted: dict[tuple[str, str], str] = {}
        for place, (reported, later) in enumerate(moments):
            accepted = None if later is None else reported + timedelta(seconds=later)
            name = f"{place:032}"
            for plan, keys, moment in (("month", MONTHS, reported), ("batch", HALVES, accepted)):
                if (occurrence := expected(keys, CUTOFFS[plan], moment)) is not None:
                    wanted[(name, plan)] = occurrence
            assert (name in rest) == (accepted is not None and accepted >= CUTOFFS["batch"][-1])
        assert found == wanted

    check()


def _plans(world: Hubei) -> Mapping[str, Any]:
    with world.process_engine.read() as work:
        return read_plans(work, world.campaign_id)


def _close(world: Hubei, plan: str, occurrence: str) -> None:
    """Roll up a round as the diagram would, whenever it is."""
    with world.process_engine.begin() as work:
        instance_id = work.connection.execute(sa.text("SELECT instance_id FROM campaign")).scalar_one()
        variables = {"campaign": world.campaign_id, "period": {"key": occurrence}}
        call = Call(work, instance_id, "", "close", None, "execute", variables, MappingProxyType({"round": plan}), {})
        close(call)
