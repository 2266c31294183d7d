"""Who gets a reminder: who has the task, who could take it, the body that owes it, the organiser; nobody once it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.tables import outbox, user_task
from engine.tasks import claim_task
from tests.workflows.world import BEIJING, World
from workflows import reminders
from workflows.mails import is_wanted
from workflows.tables import letter, letter_task

RECOMMEND = reminders.Rule("recommend", (1,), True, "none", ("candidates",), "reminder")
BEFORE = datetime(2022, 8, 9, 9, tzinfo=BEIJING)
"""One work day before the lists are due."""
OF_EAST = {"east_auditor", "east_colleague"}
OF_ALL = OF_EAST | {"west_auditor", "union_auditor"}


def plan_anew(world: World, set_rules: Callable[..., None], rule: reminders.Rule) -> None:
    set_rules(world, rule)
    with world.process_engine.begin() as work:
        reminders.plan_for_campaign(work, world.campaign_id)


def claim(world: World, name: str, body: str) -> None:
    with world.process_engine.begin(by=world[name].id) as work:
        claim_task(work, world.find_task("recommend", body=body), world[name].id)


@pytest.mark.parametrize(
    ("kinds", "unclaimed", "claimed"),
    [
        (("assignee",), set(), {"east_colleague"}),
        (("candidates",), OF_ALL, {"east_colleague", "west_auditor", "union_auditor"}),
        (("body",), OF_ALL, OF_ALL),
        (("assignee", "body"), OF_ALL, OF_ALL),
        (("organiser",), {"organiser"}, {"organiser"}),
        (("candidates", "organiser"), OF_ALL | {"organiser"}, {"east_colleague", "west_auditor", "union_auditor", "organiser"}),
    ],
)
def test_each_kind_of_recipient(
    mailed: World,
    set_rules: Callable[..., None],
    read_letters: Callable[..., Any],
    kinds: tuple[str, ...],
    unclaimed: set[str],
    claimed: set[str],
) -> None:
    plan_anew(mailed, set_rules, replace(RECOMMEND, recipients=kinds))
    mailed.at(BEFORE)
    first = read_letters(mailed, "reminder")
    assert [row.recipient for row in first] == sorted(f"{name}@example.org" for name in unclaimed)
    claim(mailed, "east_colleague", "east")
    mailed.at(BEFORE + timedelta(days=1))
    later = read_letters(mailed, "reminder")[len(first) :]
    assert [row.recipient for row in later] == sorted(f"{name}@example.org" for name in claimed)


@pytest.mark.parametrize("kinds", [("assignee",), ("candidates",), ("body",), ("organiser",)])
def test_nobody_is_reminded_of_what_was_done_at_the_moment_itself(
    mailed: World, set_rules: Callable[..., None], read_letters: Callable[..., Any], kinds: tuple[str, ...]
) -> None:
    """Done in the same minute as the reminder, but before it: its moment has come, and the row fires into nothing."""
    plan_anew(mailed, set_rules, replace(RECOMMEND, recipients=kinds, overdue="daily", after=(1,)))
    for name, body in (("east_auditor", "east"), ("west_auditor", "west"), ("union_auditor", "union")):
        claim(mailed, name, body)
    mailed.at(BEFORE, due=False)
    with mailed.process_engine.begin() as work:
        work.connection.execute(sa.update(user_task).where(user_task.c.element_id == "recommend").values(state="cancelled"))
    mailed.settle()
    mailed.at(BEFORE + timedelta(days=30))
    assert read_letters(mailed, "reminder", "reminder_overdue") == []


def test_a_letter_knows_its_campaign_person_and_the_tasks_that_the_person_owes(
    mailed_anywhere: World, set_rules: Callable[..., None]
) -> None:
    world = mailed_anywhere
    plan_anew(world, set_rules, replace(RECOMMEND, recipients=("body", "organiser")))
    world.at(BEFORE)
    query = (
        sa.select(
            outbox.c.recipient, letter.c.person_id, letter.c.campaign_id, sa.func.count(letter_task.c.task_id).label("owed")
        )
        .join(letter, letter.c.outbox_id == outbox.c.id)
        .outerjoin(letter_task, letter_task.c.outbox_id == outbox.c.id)
        .where(letter.c.name == "reminder")
        .group_by(outbox.c.recipient, letter.c.person_id, letter.c.campaign_id)
    )
    assert {tuple(row) for row in world.rows(query)} == {
        *((f"{name}@example.org", world[name].id, world.campaign_id, 1) for name in OF_ALL),
        ("organiser@example.org", world["organiser"].id, world.campaign_id, 0),
    }


def test_a_letter_that_waited_until_its_task_was_done_does_not_leave(
    mailed_anywhere: World, set_rules: Callable[..., None], read_letters: Callable[..., Any]
) -> None:
    """The mail server was down; east handed in its list meanwhile, west did not."""
    world = mailed_anywhere
    plan_anew(world, set_rules, replace(RECOMMEND, recipients=("body",)))
    world.at(BEFORE)
    left: list[str] = []
    world.process_engine.extras.update(senders={"mail": lambda row: left.append(row.recipient)}, mail_wanted=is_wanted)
    done = world.find_task("recommend", body="east")
    with world.process_engine.begin() as work:
        work.connection.execute(sa.update(user_task).where(user_task.c.id == done).values(state="completed"))
    world.settle()
    assert sorted(address for address in left if not address.startswith("organiser")) == [
        "union_auditor@example.org",
        "west_auditor@example.org",
    ]
    states = {row.recipient.partition("@")[0]: row.state for row in read_letters(world, "reminder")}
    assert states == {
        "east_auditor": "withdrawn",
        "east_colleague": "withdrawn",
        "union_auditor": "sent",
        "west_auditor": "sent",
    }


def test_the_next_level_is_told_of_what_is_overdue_below(
    mailed: World, set_rules: Callable[..., None], read_letters: Callable[..., Any]
) -> None:
    """Of corrections that institutions owe, their bodies' auditors; of lists that bodies owe, the organiser."""
    world = mailed
    correct = reminders.Rule("correct", (), False, "daily", ("candidates",), "reminder", escalate_after=2)
    set_rules(world, correct, replace(RECOMMEND, work_days_before=(), on_the_day=False, overdue="daily", escalate_after=1))
    returned, direct = world.apply("lab"), world.open_case("lab2", channel="direct")
    world.audit("east_auditor", returned, "return")
    moment = datetime(2022, 7, 10, 16, tzinfo=UTC)  # due long before the collection ends
    with world.process_engine.begin() as work:
        due = sa.update(user_task).where(user_task.c.element_id.in_(("correct", "recommend")), user_task.c.state == "open")
        work.connection.execute(due.values(due_at=moment))
        reminders.plan_for_campaign(work, world.campaign_id)
    for day in (11, 12, 13):
        world.at(datetime(2022, 7, day, 9, tzinfo=BEIJING))
    told = [(row.recipient.split("@")[0], row.created_at.day) for row in read_letters(world, "reminder_escalated")]
    assert sorted(told) == [("east_auditor", 12), ("east_colleague", 12), ("organiser", 11)]
    mine = [row.created_at.day for row in read_letters(world, "reminder_overdue") if row.recipient == "lab@example.org"]
    assert mine == [11, 12, 13]
    assert world.number(returned) in read_letters(world, "reminder_escalated")[-1].body
    assert world.state(direct) == "draft"


def test_the_next_level_is_told_once_after_a_downtime_too(
    mailed: World, set_rules: Callable[..., None], read_letters: Callable[..., Any]
) -> None:
    plan_anew(mailed, set_rules, replace(RECOMMEND, work_days_before=(), on_the_day=False, overdue="daily", escalate_after=1))
    with mailed.process_engine.begin() as work:
        work.connection.execute(
            sa.update(user_task).where(user_task.c.element_id == "recommend").values(due_at=datetime(2022, 7, 10, 16, tzinfo=UTC))
        )
        reminders.plan_for_campaign(work, mailed.campaign_id)
    mailed.at(datetime(2022, 7, 20, 12, tzinfo=BEIJING))
    (letter_,) = read_letters(mailed, "reminder_escalated")
    assert letter_.recipient == "organiser@example.org"
    assert "停机" in letter_.body
    owing = [row.recipient for row in read_letters(mailed, "reminder_overdue")]
    assert len(owing) == len(set(owing)) == 4
    mailed.at(datetime(2022, 7, 22, 12, tzinfo=BEIJING))
    assert len(read_letters(mailed, "reminder_escalated")) == 1
