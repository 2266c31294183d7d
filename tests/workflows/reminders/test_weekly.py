"""The weekly letter: on Mondays or the next work day, one after downtime, as long as the campaign runs, for who wants it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from engine.history import list_entries
from engine.instances import cancel_instance
from engine.tables import timer
from tests.workflows.world import BEIJING, World
from workflows.people import create_person
from workflows.reminders import list_receivers, next_board, set_receivers
from workflows.rules import NotPermitted
from workflows.tables import campaign
from workflows.workdays import announced_calendar

Letters = Callable[..., list[Any]]


def at(month: int, day: int, hour: int = 9, *, year: int = 2022) -> datetime:
    return datetime(year, month, day, hour, tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("now", "week", "moment"),
    [
        (at(7, 1), "2022-07-04", at(7, 4)),
        (at(7, 4, 8), "2022-07-04", at(7, 4)),
        (at(7, 4), "2022-07-11", at(7, 11)),  # the moment itself has come
        (at(9, 11, 12), "2022-09-12", at(9, 13)),  # the Mid-Autumn Festival's Monday
        (at(9, 26), "2022-10-03", at(10, 8)),  # the National Day; Saturday 8 October is a make-up day
        (at(10, 8), "2022-10-10", at(10, 10)),
        (at(1, 17, year=2023), "2023-01-23", at(1, 28, year=2023)),  # the Spring Festival
    ],
)
def test_mondays_at_nine_or_the_next_work_day(now: datetime, week: str, moment: datetime) -> None:
    found = next_board(now.astimezone(UTC), announced_calendar())
    assert (found.week.isoformat(), found.at) == (week, moment)


def test_each_organiser_gets_one_letter_a_week_while_the_campaign_runs(mailed_anywhere: World, read_letters: Letters) -> None:
    world = mailed_anywhere
    for day in (4, 11):
        world.at(at(7, day, 10))
    world.apply("lab")
    world.at(at(8, 8, 10))  # three Mondays later: nothing ran
    letters = read_letters(world, "board")
    assert {row.recipient for row in letters} == {"organiser@example.org"}
    assert [row.created_at.astimezone(BEIJING).strftime("%m-%d") for row in letters] == ["07-04", "07-11", "08-08"]
    first, last = letters[0], letters[-1]
    assert first.subject == "每周进展（未办 3 项，逾期 0 项）：优秀案例征集" and "停机" not in first.body
    assert "北京，报送推荐名单：1 项，其中逾期 0 项，最早截止 2022年8月10日24:00(北京时间)" in first.body
    assert f"/campaigns/{world.campaign_id}/missing" in first.body and "{" not in first.body
    assert "- 已报送：1 个" in last.body
    assert all(f"2022年{month}月{day}日09:00" in last.body for month, day in ((7, 18), (7, 25), (8, 1)))
    assert last.body.index("本周内到期：") < last.body.index("- 北京，报送推荐名单") < last.body.index("其余未办：\n- 无")
    with world.process_engine.begin(by=world["organiser"].id) as work:
        instance_id = work.connection.execute(sa.select(campaign.c.instance_id)).scalar_one()
        cancel_instance(work, instance_id, reason="停办")
    world.at(at(9, 30))
    assert len(read_letters(world, "board")) == 3
    assert world.rows(sa.select(timer).where(timer.c.handler == "reminders.send_board", timer.c.state == "armed")) == []


def test_who_does_not_want_it_gets_none(mailed: World, read_letters: Letters) -> None:
    with mailed.process_engine.begin() as work:
        create_person(
            work,
            login="second",
            name="二",
            organisation_id=mailed.places["authority"],
            email="second@example.org",
            language="en",
            roles=[("organiser", mailed.places["authority"])],
        )
    mailed.at(at(7, 4))
    assert [row.recipient for row in read_letters(mailed, "board")] == ["organiser@example.org", "second@example.org"]
    assert "This week (3 open, 0 overdue)" in read_letters(mailed, "board")[1].subject
    with mailed.process_engine.begin(by=mailed["organiser"].id) as work:
        second = next(
            person for person, wanted in list_receivers(work, mailed.campaign_id) if person.login == "second" and wanted
        )
        set_receivers(work, mailed["organiser"], mailed.campaign_id, [second.id])
        assert [wanted for person, wanted in list_receivers(work, mailed.campaign_id) if person.id != second.id] == [False]
        instance_id = work.connection.execute(sa.select(campaign.c.instance_id)).scalar_one()
        assert list_entries(work, instance_id)[-1].detail == {"off": [mailed["organiser"].id]}
    with pytest.raises(NotPermitted), mailed.process_engine.begin(by=mailed["east_auditor"].id) as work:
        set_receivers(work, mailed["east_auditor"], mailed.campaign_id, [])
    mailed.at(at(7, 11))
    assert [row.recipient for row in read_letters(mailed, "board")][2:] == ["second@example.org"]


def test_a_campaign_in_which_nothing_is_due_any_more_is_told_of_no_more(mailed: World, read_letters: Letters) -> None:
    """Its dates are long gone and nobody ends it: the letters end half a year later, and so does the series."""
    with mailed.process_engine.begin() as work:
        dates = work.connection.execute(sa.select(campaign.c.dates)).scalar_one()
        early = {"collection_cutoff": dates["collection_cutoff"]}
        work.connection.execute(sa.update(campaign).values(dates=early))
    for month in range(8, 13):
        mailed.at(at(month, 28))
    mailed.at(at(6, 30, year=2023))
    count = len(read_letters(mailed, "board"))
    armed = sa.select(timer).where(timer.c.handler == "reminders.send_board", timer.c.state == "armed")
    assert 0 < count < 10 and mailed.rows(armed) == []
    mailed.at(at(6, 30, year=2024))
    assert len(read_letters(mailed, "board")) == count
