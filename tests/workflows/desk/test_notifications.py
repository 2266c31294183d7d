"""Notifications: who is told what, by which way, and what is left of them when the right to read ends."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from engine.bulk import run_bulk
from engine.tables import outbox
from tests.workflows.world import World
from workflows import desk, inbox, talk
from workflows.desk import NotificationUnknown, NotificationWaysInvalid
from workflows.inbox import Asked, many
from workflows.people import get_person
from workflows.tables import letter, membership, notification, person


def told(world: World, name: str) -> list[str]:
    with world.process_engine.read() as work:
        return [row.kind for row in desk.list_notifications(work, world[name]).rows if row.kind not in desk.LETTERS]


def keep(world: World, name: str, **ways: str) -> None:
    with world.process_engine.begin(by=world[name].id) as work:
        desk.keep_ways(work, world[name], ways)


def test_who_gets_a_task_is_told_and_an_ordinary_step_tells_nobody(world: World) -> None:
    case_id = world.apply("lab")
    before = world.scalar(sa.select(sa.func.count()).select_from(notification))
    task_id = world.find_task("audit", case_id)
    auditor, colleague = world["east_auditor"], world["east_colleague"]
    with world.process_engine.begin(by=auditor.id) as work:
        inbox.claim(work, auditor, task_id)
    assert world.scalar(sa.select(sa.func.count()).select_from(notification)) == before
    with world.process_engine.begin(by=auditor.id) as work:
        inbox.transfer(work, auditor, task_id, colleague.id, "出差")
    assert (told(world, "east_colleague"), told(world, "east_auditor")) == (["assigned"], [])
    with world.process_engine.begin(by=colleague.id) as work:
        (target,) = inbox.open_task(work, colleague, task_id).return_targets
        inbox.operate(work, colleague, task_id, Asked("return", reason="补充", target=target.element_id))
    assert told(world, "lab") == ["returned"]


def test_each_kind_comes_by_the_way_that_its_reader_chose(world: World) -> None:
    case_id = world.apply("lab")
    colleague = world["east_colleague"]
    with world.process_engine.begin() as work:
        work.connection.execute(sa.update(person).where(person.c.id == colleague.id).values(email="li@example.org"))
    letters = sa.select(outbox.c.subject).join(letter, letter.c.outbox_id == outbox.c.id).where(letter.c.name == "notified")
    for way, rung, mailed in (("bell", 1, 0), ("mail", 1, 1), ("both", 2, 2), ("none", 2, 2)):
        keep(world, "east_colleague", mention=way)
        with world.process_engine.begin(by=world["east_auditor"].id) as work:
            talk.add_remark(work, world["east_auditor"], case_id, f"@{colleague.name} 请看内部数字")
        assert (len(told(world, "east_colleague")), len(world.rows(letters))) == (rung, mailed), way
    assert all("内部数字" not in row.subject for row in world.rows(letters))


def test_the_bell_tells_that_a_bulk_job_is_done_until_its_page_is_seen(world: World) -> None:
    auditor = world["east_auditor"]
    world.process_engine.bulk.update(many.OPERATIONS)
    for way, count in (("bell", 1), ("none", 1)):
        keep(world, "east_auditor", bulk=way)
        with world.process_engine.begin(by=auditor.id) as work:
            job = many.start_many(work, auditor, "claim", [{"task": f"{place:032}"} for place in range(many.CHUNK + 1)])
        assert run_bulk(world.process_engine, job).refused == many.CHUNK + 1
        with world.process_engine.begin(by=auditor.id) as work:
            assert [row.kind for row in desk.list_notifications(work, auditor).rows] == ["bulk"] * count
            assert desk.read_about_job(work, auditor, job) == (way == "bell")
            assert desk.read_about_job(work, auditor, job) == 0
    with pytest.raises(NotificationWaysInvalid):
        keep(world, "east_auditor", bulk="mail")


def test_settings_that_are_not_known_are_refused_together(world: World) -> None:
    with pytest.raises(NotificationWaysInvalid) as refused:
        keep(world, "lab", mention="pigeon", gossip="bell", urged="none", reminder="mail")
    assert {(each.path, each.code) for each in refused.value.findings} == {
        ("mention", "NotificationWayUnknown"),
        ("gossip", "NotificationKindUnknown"),
        ("reminder", "NotificationWayUnknown"),  # a letter is never without its mail
    }
    keep(world, "lab", mention="both", copy="bell")
    with world.process_engine.read() as work:
        ways = desk.read_ways(work, world["lab"])
    assert {kind for kind, way in ways.items() if way != "bell"} == {"mention"}


def test_letters_stand_on_the_desk_unless_that_is_switched_off(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    with world.process_engine.begin() as work:
        work.connection.execute(sa.update(person).where(person.c.id == world["lab"].id).values(email="lab@example.org"))
    world.apply("lab")
    query = sa.select(notification.c.kind, notification.c["values"]).where(notification.c.person_id == world["lab"].id)
    (row,) = world.rows(query)
    assert row.kind == "letter" and row[1]["subject"] in world.rows(sa.select(outbox.c.subject))[-1][0]
    keep(world, "lab", letter="none")
    world.apply("lab", channel="direct")
    assert len(world.rows(query)) == 1


def test_the_bell_counts_what_is_not_read(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    case_id = world.apply("lab")
    who = world["east_colleague"]
    for _ in range(3):
        with world.process_engine.begin(by=world["east_auditor"].id) as work:
            talk.copy_case(work, world["east_auditor"], case_id, [who.id], "看")
    with world.process_engine.begin(by=who.id) as work:
        rows = desk.list_notifications(work, who, limit=2)
        assert len(rows.rows) == 2 and rows.next is not None
        assert len(desk.list_notifications(work, who, limit=2, after=rows.next).rows) == 1
        assert desk.count_unread(work, who) == 3
        assert desk.read_notification(work, who, rows.rows[0].id).case_id == case_id
        assert desk.count_unread(work, who) == 2
        assert desk.read_all(work, who) == 2
        assert desk.count_unread(work, who) == 0
        with pytest.raises(NotificationUnknown):
            desk.read_notification(work, world["lab"], rows.rows[0].id)


def test_what_one_may_not_read_any_more_is_not_told_by_an_old_notification(world: World) -> None:
    case_id = world.apply("lab")
    who = world["east_colleague"]
    with world.process_engine.begin(by=world["east_auditor"].id) as work:
        talk.add_remark(work, world["east_auditor"], case_id, f"@{who.name} 内部")
        work.connection.execute(sa.delete(membership).where(membership.c.person_id == who.id))
    with world.process_engine.read() as work:
        (row,) = desk.list_notifications(work, get_person(work, who.id)).rows
    assert (row.kind, row.case_id, row.number, dict(row.values)) == ("mention", None, None, {})
