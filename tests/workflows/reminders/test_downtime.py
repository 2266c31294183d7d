"""Nothing runs for a while over cut-offs and reminders of SAMR 2022; then everything comes up. Nobody is written to at night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.tables import history, instance
from tests.workflows.world import BEIJING, BODY_CUTOFF, CUTOFF, SECOND, World
from workflows.deadlines import say_cutoff
from workflows.reminders.plans import end_quiet
from workflows.tables import campaign

Letters = Callable[..., list[sa.Row[Any]]]


def beijing(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2022, month, day, hour, minute, tzinfo=BEIJING)


def fired(world: World) -> list[tuple[str, datetime, datetime]]:
    """All timers that the histories have: element, due moment, the moment at which it happened."""
    rows = world.rows(sa.select(history).where(history.c.kind == "fired"))
    return sorted((row.element_id, datetime.fromisoformat(row.detail["due_at"]), row.at) for row in rows)


def told(letters: list[sa.Row[Any]]) -> list[tuple[str, datetime]]:
    """To whom, and when."""
    return sorted((letter.recipient.split("@")[0], letter.created_at) for letter in letters)


@pytest.mark.parametrize("down", [timedelta(seconds=1), timedelta(days=1), timedelta(days=40)], ids=["1s", "1d", "40d"])
def test_every_cutoff_happens_once_with_its_own_date(mailed_anywhere: World, read_letters: Letters, down: timedelta) -> None:
    """Reminders of what the cut-offs take away are not sent after them."""
    world = mailed_anywhere
    drafts = [world.open_case("lab"), world.open_case("lab2", channel="direct")]
    world.at(beijing(7, 20), due=False)
    up = CUTOFF + down
    world.at(up)
    assert fired(world) == [
        ("apply_cutoff", BODY_CUTOFF, up),
        ("apply_cutoff", CUTOFF, up),
        ("await_cutoff", CUTOFF, up),
        ("recommend_cutoff", CUTOFF, up),
    ]
    assert [world.state(each) for each in drafts] == ["lapsed", "lapsed"]
    assert world.scalar(sa.select(campaign.c.phase)) == "reviewing"
    states = world.rows(sa.select(instance.c.state).where(instance.c.business_key.in_([world.number(each) for each in drafts])))
    assert [row.state for row in states] == ["ended", "ended"]
    assert read_letters(world, "reminder", "reminder_overdue") == []
    world.at(up + timedelta(days=2))
    assert len(fired(world)) == 4
    assert read_letters(world, "reminder", "reminder_overdue") == []


def test_missed_reminders_are_one_letter_that_lists_them(mailed_anywhere: World, read_letters: Letters) -> None:
    world = mailed_anywhere
    world.open_case("lab")
    world.at(beijing(7, 20), due=False)
    up = beijing(8, 4, 12)
    world.at(up)
    letters = read_letters(world, "reminder")
    expected = [("lab", up), ("lab_colleague", up)]  # of the application, which is due on 5 August
    expected += [(name, up) for name in ("east_auditor", "east_colleague", "west_auditor", "union_auditor")]  # of the lists
    assert told(letters) == sorted(expected)
    (mine,) = [letter for letter in letters if letter.recipient == "lab@example.org"]
    for moment in (beijing(7, 27, 9), beijing(8, 2, 9), beijing(8, 4, 9)):
        assert say_cutoff(moment, "zh") in mine.body
    world.at(beijing(8, 5, 9))
    again = [letter for letter in read_letters(world, "reminder") if letter.recipient == "lab@example.org"]
    assert len(again) == 2  # the one of the day itself, which was not missed
    assert say_cutoff(beijing(8, 4, 9), "zh") not in again[1].body


def test_a_second_is_not_missed(mailed_anywhere: World, read_letters: Letters) -> None:
    world = mailed_anywhere
    world.open_case("lab")
    world.at(beijing(7, 27, 9) - SECOND, due=False)
    world.at(beijing(7, 27, 9) + SECOND)
    assert told(read_letters(world, "reminder")) == [(name, beijing(7, 27, 9) + SECOND) for name in ("lab", "lab_colleague")]
    assert "停机" not in read_letters(world, "reminder")[0].body


def test_who_comes_up_at_night_writes_in_the_morning(mailed: World, read_letters: Letters) -> None:
    world = mailed
    world.open_case("lab")
    world.at(beijing(8, 3, 2))  # two were missed
    assert read_letters(world, "reminder") == []
    world.at(beijing(8, 3, 7) - SECOND)
    assert read_letters(world, "reminder") == []
    world.at(beijing(8, 3, 7))
    mine = [letter for letter in read_letters(world, "reminder") if letter.recipient == "lab@example.org"]
    assert [letter.created_at for letter in mine] == [beijing(8, 3, 7)]
    for moment in (beijing(7, 27, 9), beijing(8, 2, 9)):
        assert say_cutoff(moment, "zh") in mine[0].body


@pytest.mark.parametrize(
    ("now", "due", "ends"),
    [
        (beijing(8, 3, 6, 59), None, beijing(8, 3, 7)),
        (beijing(8, 3, 7), None, None),
        (beijing(8, 3, 21, 59), None, None),
        (beijing(8, 3, 22), None, beijing(8, 4, 7)),
        (beijing(8, 3, 22), beijing(8, 4), None),  # due at midnight: the morning is too late
        (beijing(8, 3, 22), beijing(8, 4, 7), None),
        (beijing(8, 3, 22), beijing(8, 4, 8), beijing(8, 4, 7)),
        (beijing(8, 4, 1), beijing(8, 4), beijing(8, 4, 7)),  # overdue already: it can wait
    ],
)
def test_quiet_hours(now: datetime, due: datetime | None, ends: datetime | None) -> None:
    assert end_quiet(now, due) == ends
