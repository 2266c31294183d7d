"""The list of the inbox: its views, filters, orders and kept filters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.tables import user_task
from engine.tasks import delegate_task
from tests.workflows.world import CUTOFF, World
from workflows import inbox
from workflows.inbox import FilterInvalid, FilterUnknown, TaskFilter, listing
from workflows.inbox.picking import PageUnknown
from workflows.talk import watch_case

SECOND = timedelta(seconds=1)


def page(world: World, name: str, view: Any = "groups", **options: Any) -> inbox.TaskPage:
    with world.process_engine.read(by=world[name].id) as work:
        return inbox.list_tasks(work, world[name], view=view, **options)


def numbers(world: World, name: str, view: Any = "groups", **options: Any) -> list[str | None]:
    return [row.number for row in page(world, name, view, **options).rows]


def claim(world: World, name: str, task_id: str) -> None:
    with world.process_engine.begin(by=world[name].id) as work:
        inbox.claim(work, world[name], task_id)


# ---- views -----------------------------------------------------------------------------------------------------------
def test_delegated_tasks_are_with_their_owner_until_they_come_back(world: World) -> None:
    case_id = world.apply("lab")
    task_id = world.find_task("audit", case_id)
    claim(world, "east_auditor", task_id)
    with world.process_engine.begin(by=world["east_auditor"].id) as work:
        delegate_task(work, task_id, world["east_colleague"].id, reason="请核对")
    (line,) = page(world, "east_auditor", "delegated").rows
    assert (line.id, line.claimed_by, line.readable) == (task_id, "人员east_colleague", True)
    assert numbers(world, "east_colleague", "mine") == [world.number(case_id)]
    assert page(world, "east_colleague", "delegated").rows == page(world, "east_auditor", "mine").rows == ()


def test_watched_cases_show_where_they_are_to_who_may_read_them(world: World) -> None:
    first, second = world.apply("lab"), world.apply("lab2")
    assert numbers(world, "organiser", "watched") == []
    with world.process_engine.begin(by=world["organiser"].id) as work:
        for case_id in (first, second):
            watch_case(work, world["organiser"], case_id)
    claim(world, "east_auditor", world.find_task("audit", first))
    lines = page(world, "organiser", "watched").rows
    assert sorted((line.number, line.name, line.readable, line.claimed_by) for line in lines) == [
        (world.number(first), "省级审核", False, None),
        (world.number(second), "省级审核", False, None),
    ]
    assert numbers(world, "east_auditor", "watched") == []
    world.audit("east_auditor", first)
    assert numbers(world, "organiser", "watched") == [world.number(second)]  # the first waits for no person


def test_what_was_sent_on_is_found_where_it_is(world: World) -> None:
    case_id = world.apply("lab")
    (line,) = page(world, "lab", "sent").rows
    assert (line.case_id, line.name, line.readable) == (case_id, "省级审核", False)
    world.audit("east_auditor", case_id, result="return")
    assert [row.name for row in page(world, "east_auditor", "sent").rows] == ["补正材料"]
    assert [(row.name, row.readable) for row in page(world, "lab", "sent").rows] == [("补正材料", True)]


# ---- filters ---------------------------------------------------------------------------------------------------------
def test_filters_narrow_and_combine(world: World) -> None:
    east, west = world.apply("lab"), world.apply("works")
    assert set(numbers(world, "east_auditor")) == {world.number(east), None}
    assert numbers(world, "east_auditor", asked=TaskFilter(step="audit")) == [world.number(east)]
    assert numbers(world, "east_auditor", asked=TaskFilter(step="audit", due="undated")) == [world.number(east)]
    assert numbers(world, "east_auditor", asked=TaskFilter(step="recommend", due="undated")) == []
    assert numbers(world, "east_auditor", asked=TaskFilter(body_id=world.places["east"])) == [world.number(east)]
    assert numbers(world, "east_auditor", asked=TaskFilter(body_id=world.places["west"])) == []
    assert numbers(world, "west_auditor", asked=TaskFilter(text="检验检测", step="audit")) == [world.number(west)]
    assert numbers(world, "west_auditor", asked=TaskFilter(body_id=world.places["west"], text="省级审核")) == [world.number(west)]
    assert numbers(world, "west_auditor", asked=TaskFilter(campaign_id="0" * 32)) == []


def test_ranges_of_due_dates_meet_at_their_moments(world: World) -> None:
    """The list is due on 10 August, 24:00."""

    def found(due: Any) -> bool:
        return bool(page(world, "west_auditor", asked=TaskFilter(step="recommend", due=due)).rows)

    world.at(CUTOFF - timedelta(days=7, seconds=1))
    assert [found(due) for due in inbox.DUE_RANGES] == [False, False, False, False]
    world.at(CUTOFF - timedelta(days=7))
    assert [found(due) for due in inbox.DUE_RANGES] == [False, False, True, False]
    world.at(CUTOFF - timedelta(days=1) - SECOND)
    assert [found(due) for due in inbox.DUE_RANGES] == [False, False, True, False]
    world.at(CUTOFF - timedelta(days=1))  # 0:00 of the last day
    assert [found(due) for due in inbox.DUE_RANGES] == [False, True, True, False]
    world.at(CUTOFF - SECOND)
    assert [found(due) for due in inbox.DUE_RANGES] == [False, True, True, False]
    world.at(CUTOFF, due=False)
    assert [found(due) for due in inbox.DUE_RANGES] == [True, False, False, False]


# ---- orders ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sort", inbox.SORTS)
def test_every_order_is_the_same_page_by_page(world: World, sort: Any) -> None:
    for number in range(5):
        world.clock.move_to(world.clock.now() + timedelta(minutes=number))
        world.apply(("lab", "lab2")[number % 2])
    with world.process_engine.begin() as work:
        rows = work.connection.execute(sa.select(user_task.c.id).where(user_task.c.element_id == "audit")).scalars().all()
        for place, task_id in enumerate(sorted(rows)):
            work.connection.execute(sa.update(user_task).where(user_task.c.id == task_id).values(priority=50 + place % 2))
    whole = page(world, "east_auditor", sort=sort)
    assert len(whole.rows) == 6 and whole.sorted_by == sort
    for limit in (1, 2, 4):
        found, after = [], None
        while True:
            some = page(world, "east_auditor", sort=sort, limit=limit, after=after)
            found += some.rows
            after = some.next
            if after is None:
                break
        assert tuple(found) == whole.rows
    keys = {
        "arrived": [row.created_at for row in whole.rows],
        "priority": [row.priority for row in whole.rows],
        "case": [row.business_key for row in whole.rows],
        "step": [row.name for row in whole.rows],
    }
    if sort != "due":
        assert keys[sort] == sorted(keys[sort], reverse=sort in ("arrived", "priority"))


def test_too_many_are_left_in_the_order_of_due_dates(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        world.apply("lab")
    monkeypatch.setattr(listing, "COUNTED", 2)
    shown = page(world, "east_auditor", sort="arrived", limit=2)
    assert shown.sorted_by == "due" and shown.rows == page(world, "east_auditor", limit=2).rows
    assert page(world, "east_auditor", sort="arrived", asked=TaskFilter(step="recommend")).sorted_by == "arrived"


@pytest.mark.parametrize("after", ["arrived~x~1", "case~", "priority~a~b", "due~2022~x", "arrived~2022-07-01~a"])
def test_marks_of_other_lists_are_refused(world: World, after: str) -> None:
    with pytest.raises(PageUnknown):
        page(world, "east_auditor", sort=after.partition("~")[0], after=after)


def test_steps_and_bodies_are_offered(world: World) -> None:
    world.apply("lab")
    with world.process_engine.read() as work:
        assert inbox.list_steps(work, world["east_auditor"], "groups") == [("recommend", "报送推荐名单"), ("audit", "省级审核")]
        assert inbox.list_steps(work, world["designer"], "groups") == []
        assert [name for _, name in inbox.list_bodies(work, world["organiser"])] == sorted(["北京", "天津", "创新联合体"])
        assert inbox.list_bodies(work, world["east_auditor"]) == []


# ---- kept filters ----------------------------------------------------------------------------------------------------
def test_a_filter_is_kept_shared_changed_and_dropped(world: World) -> None:
    auditor, colleague = world["east_auditor"], world["east_colleague"]
    group = f"auditor@{world.places['east']}"
    with world.process_engine.begin(by=auditor.id) as work:
        own = inbox.keep_filter(
            work, auditor, " 待审 ", {"view": "groups", "step": "audit", "after": "x", "due": ""}, group=group
        )
        assert inbox.keep_filter(work, auditor, "待审", {"view": "groups", "step": "audit"}, group=group) == own
        (mine,), (theirs,) = inbox.list_filters(work, auditor), inbox.list_filters(work, colleague)
        assert (mine.name, mine.asked, mine.owner) == ("待审", {"view": "groups", "step": "audit"}, None)
        assert (theirs.id, theirs.owner) == (own, "人员east_auditor")
        assert inbox.list_filters(work, world["west_auditor"]) == []
        with pytest.raises(FilterUnknown):
            inbox.drop_filter(work, colleague, own)
        inbox.drop_filter(work, auditor, own)
        assert inbox.list_filters(work, colleague) == []


def test_a_filter_is_renamed_by_whose_it_is(world: World) -> None:
    auditor, group = world["east_auditor"], f"auditor@{world.places['east']}"
    with world.process_engine.begin(by=auditor.id) as work:
        first, second = (inbox.keep_filter(work, auditor, name, {"step": name}) for name in ("a", "b"))
        inbox.rename_filter(work, auditor, first, " 审核 ", group=group)
        assert [(row.id, row.name, row.shared_with) for row in inbox.list_filters(work, auditor)] == [
            (second, "b", None),
            (first, "审核", group),
        ]
        for name, code in (("审核", "FilterNameTaken"), ("", "FilterNameUnfit")):
            with pytest.raises(FilterInvalid) as refused:
                inbox.rename_filter(work, auditor, second, name)
            assert [finding.code for finding in refused.value.findings] == [code]
        with pytest.raises(FilterUnknown):
            inbox.rename_filter(work, world["east_colleague"], first, "c")


def test_the_inbox_begins_with_a_colleagues_filter_until_the_colleague_changes_it(world: World) -> None:
    auditor, colleague, group = world["east_auditor"], world["east_colleague"], f"auditor@{world.places['east']}"
    before, after = {"view": "groups", "step": "audit"}, {"view": "groups", "due": "overdue"}

    def start() -> tuple[Any, bool]:
        found = inbox.read_start(work, colleague)
        return found.asked, found.changed

    with world.process_engine.begin(by=auditor.id) as work:
        assert start() == ({}, False)
        inbox.keep_start(work, colleague, view="watched")
        assert start() == ({"view": "watched"}, False)
        shared = inbox.keep_filter(work, auditor, "待审", before, group=group)
        for person in (auditor, colleague):
            inbox.keep_start(work, person, filter_id=shared)
        inbox.rename_filter(work, auditor, shared, "审核", group=group)
        assert start() == (before, False)
        inbox.keep_filter(work, auditor, "审核", after, group=group)
        assert (inbox.read_start(work, auditor).asked, start()) == (after, (before, True))
        inbox.keep_start(work, colleague, filter_id=shared)
        assert start() == (after, False)
        inbox.rename_filter(work, auditor, shared, "审核")
        assert start() == ({}, False)
        with pytest.raises(FilterUnknown):
            inbox.keep_start(work, colleague, filter_id=shared)


def test_a_filter_without_a_name_or_for_foreign_people_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    auditor = world["east_auditor"]
    with world.process_engine.begin(by=auditor.id) as work:
        with pytest.raises(FilterInvalid) as refused:
            inbox.keep_filter(work, auditor, "  ", {}, group="organiser@x")
        assert [finding.path for finding in refused.value.findings] == ["name", "group"]
        monkeypatch.setattr("workflows.inbox.filters.MOST", 1)
        inbox.keep_filter(work, auditor, "一", {})
        with pytest.raises(FilterInvalid):
            inbox.keep_filter(work, auditor, "二", {})
