"""The digest: on work days at nine, one letter a person, only with something near, one after downtime, in parts for many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from engine.history import list_entries
from engine.tables import timer
from tests.workflows.world import BEIJING, World
from workflows.reminders import digest, next_digest, set_digest
from workflows.rules import NotPermitted
from workflows.tables import campaign
from workflows.workdays import announced_calendar

Letters = Callable[..., list[Any]]


def at(month: int, day: int, hour: int = 9, minute: int = 0, *, year: int = 2022) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BEIJING)


def switch(world: World, name: str = "organiser", *, wanted: bool = True) -> None:
    with world.process_engine.begin(by=world[name].id) as work:
        set_digest(work, world[name], world.campaign_id, wanted=wanted)


@pytest.mark.parametrize(
    ("now", "moment"),
    [
        (at(7, 1, 8), at(7, 1)),
        (at(7, 1), at(7, 4)),  # the moment itself has come, and it is Friday
        (at(9, 30, 10), at(10, 8)),  # after the National Day; Saturday 8 October is a make-up day
        (at(1, 20, 12, year=2023), at(1, 28, year=2023)),  # the Spring Festival
    ],
)
def test_work_days_at_nine(now: datetime, moment: datetime) -> None:
    assert next_digest(now.astimezone(UTC), announced_calendar()) == moment


def test_who_owes_something_near_gets_one_letter_a_day(mailed_anywhere: World, read_letters: Letters) -> None:
    """Lists are due on 10 August: five work days ahead they are in the digest, and the correction of a case before."""
    world = mailed_anywhere
    switch(world)
    case_id = world.apply("lab")
    world.at(at(8, 1, 10))
    assert read_letters(world, "digest") == []  # nothing is near
    world.at(at(8, 3, 10))
    first = [row for row in read_letters(world, "digest") if row.recipient == "union_auditor@example.org"]
    assert [row.subject for row in first] == ["今日待办（1 项，逾期 0 项）：优秀案例征集"]
    assert "已逾期：\n- 无" in first[0].body and "{" not in first[0].body
    assert "近日到期：\n- 报送推荐名单 samr-2022，截止 2022年8月10日24:00(北京时间)" in first[0].body
    world.at(at(8, 5, 10))
    by_day: dict[str, list[str]] = {}
    for row in read_letters(world, "digest"):
        by_day.setdefault(row.created_at.astimezone(BEIJING).strftime("%m-%d %H:%M"), []).append(row.recipient)
    assert all(len(found) == len(set(found)) for found in by_day.values())
    assert list(by_day) == ["08-03 10:00", "08-05 10:00"]  # the one of the fourth was missed
    assert world.state(case_id) == "submitted"


def test_after_downtime_one_letter_says_what_it_stands_for(mailed_anywhere: World, read_letters: Letters) -> None:
    world = mailed_anywhere
    switch(world)
    world.at(at(8, 3, 9, 1))
    before = len(read_letters(world, "digest"))
    world.clock.move_to(at(8, 9, 12))
    world.settle()
    letters = [row for row in read_letters(world, "digest")[before:] if row.recipient == "union_auditor@example.org"]
    assert len(letters) == 1
    assert all(f"2022年8月{day}日09:00" in letters[0].body for day in (4, 5, 8, 9))


def test_many_get_theirs_in_parts(mailed_anywhere: World, read_letters: Letters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "CHUNK", 1)
    world = mailed_anywhere
    switch(world)
    world.at(at(8, 3, 9, 1))
    found = [row.recipient for row in read_letters(world, "digest")]
    wanted = {f"{name}_auditor@example.org" for name in ("east", "west", "union")} | {"east_colleague@example.org"}
    assert len(found) == len(set(found)) and wanted <= set(found)


def test_without_the_wish_or_the_right_there_is_none(mailed_anywhere: World, read_letters: Letters) -> None:
    world = mailed_anywhere
    with pytest.raises(NotPermitted):
        switch(world, "east_auditor")
    switch(world)
    switch(world)  # changes nothing
    switch(world, wanted=False)
    world.at(at(8, 9, 12))
    assert read_letters(world, "digest") == []
    with world.process_engine.read() as work:
        instance_id = work.connection.execute(sa.select(campaign.c.instance_id)).scalar_one()
        told = [entry.detail["wanted"] for entry in list_entries(work, instance_id) if entry.kind == "digest_set"]
    assert told == [True, False]
    assert world.rows(sa.select(timer).where(timer.c.handler == "reminders.send_digest", timer.c.state == "armed")) == []
