"""Who is missing, and urging them: shown before it happens, recorded where it belongs, once, and only by whoever may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.history import list_entries
from engine.tables import timer, user_task
from engine.tasks import claim_task
from engine.verification import verify_chain
from tests.workflows.world import BEIJING, World
from workflows import inbox, reminders
from workflows.reminders import Choice, Outcome, urging
from workflows.rules import NotPermitted, campaign_subject
from workflows.tables import person

NEAR = datetime(2022, 8, 8, 10, tzinfo=BEIJING)
"""Monday; the lists are due on Wednesday at 24:00."""
Letters = Callable[..., list[Any]]


def owed(world: World, name: str, **choice: Any) -> list[reminders.Owed]:
    with world.process_engine.read(by=world[name].id) as work:
        subject = campaign_subject(work, world.campaign_id)
        return list(reminders.list_owed(work, world[name], subject, Choice(**choice)).rows)


def urge(world: World, name: str, remark: str = "", **choice: Any) -> Outcome:
    with world.process_engine.begin(by=world[name].id) as work:
        return reminders.urge_owers(work, world[name], world.campaign_id, Choice(**choice), remark)


@pytest.fixture
def busy(mailed_anywhere: World) -> World:
    """A draft, a case that its institution must correct, one that west must audit; the lists are due in two work days."""
    world = mailed_anywhere
    world.open_case("lab")
    returned = world.apply("lab2")
    world.audit("east_auditor", returned, "return")
    world.apply("works")
    world.at(NEAR)
    return world


def test_what_is_owed_is_seen_by_whoever_may_remind_of_it(busy: World) -> None:
    def seen(name: str) -> dict[tuple[str, tuple[str, ...]], int]:
        return {(line.element_id, line.units): line.work_days for line in owed(busy, name)}

    whole = seen("organiser")
    lists = {("recommend", (body,)): 2 for body in ("北京", "天津", "创新联合体")}
    assert {key: days for key, days in whole.items() if key[0] == "recommend"} == lists
    assert ("correct", ("lab2",)) in whole and "apply" not in {element for element, _ in whole}
    assert set(seen("east_auditor")) == {key for key in whole if key in {("recommend", ("北京",)), ("correct", ("lab2",))}}
    assert len(seen("east_auditor")) == 2
    with busy.process_engine.read() as work:
        counts = reminders.count_owed(work, busy["organiser"], campaign_subject(work, busy.campaign_id))
    assert sum(row.count for row in counts) == len(owed(busy, "organiser"))
    assert {(row.step, row.body) for row in counts if row.element_id == "correct"} == {("补正材料", "北京")}


def test_overdue_comes_first_and_pages_follow_each_other(busy: World) -> None:
    with busy.process_engine.begin() as work:
        late = busy.find_task("recommend", body="union")
        moment = NEAR - timedelta(days=3)
        work.connection.execute(sa.update(user_task).where(user_task.c.id == late).values(due_at=moment))
        subject = campaign_subject(work, busy.campaign_id)
        found, after = [], None
        while True:
            page = reminders.list_owed(work, busy["organiser"], subject, Choice(), limit=2, after=after)
            found += [line.task_id for line in page.rows]
            after = page.next
            if after is None:
                break
        with pytest.raises(reminders.MissingPageUnknown):
            reminders.list_owed(work, busy["organiser"], subject, Choice(), after="x")
    assert found == [line.task_id for line in owed(busy, "organiser")]
    first = owed(busy, "organiser")[0]
    assert (first.task_id, first.overdue, first.work_days) == (late, True, -1)  # from Friday 10:00 to Monday
    assert [line.task_id for line in owed(busy, "organiser", overdue=True)] == [late]


def test_urging_writes_letters_rows_and_history_and_is_seen_by_the_one_who_owes(busy: World, read_letters: Letters) -> None:
    task = busy.find_task("recommend", body="east")
    with busy.process_engine.begin(by=busy["east_auditor"].id) as work:
        claim_task(work, task, busy["east_auditor"].id)
    done = urge(busy, "organiser", "请先电话联系\n我办。", task_ids=(task,))
    assert done == Outcome(tasks=1, letters=2, unreachable=0)
    letters = read_letters(busy, "urged")
    assert [row.recipient for row in letters] == ["east_auditor@example.org", "east_colleague@example.org"]
    assert letters[0].subject == "催办（1 项）：优秀案例征集"
    assert "- 报送推荐名单（截止时间：2022年8月10日24:00(北京时间)）" in letters[0].body
    assert "附言：请先电话联系 我办。" in letters[0].body
    with busy.process_engine.read() as work:
        instance_id = work.connection.execute(sa.select(user_task.c.instance_id).where(user_task.c.id == task)).scalar_one()
        entry = [row for row in list_entries(work, instance_id) if row.kind == "urged"]
        assert [(row.by, row.element_id, row.detail["task"], row.detail["letters"]) for row in entry] == [
            (busy["organiser"].id, "recommend", task, 2)
        ]
        assert verify_chain(work, instance_id) is None
    busy.at(NEAR + timedelta(hours=1))
    urge(busy, "organiser", element_id="recommend")
    line = next(line for line in owed(busy, "organiser") if line.task_id == task)
    assert (line.urged.count, line.urged.last_at, line.urged.remark) == (2, NEAR + timedelta(hours=1), "")
    assert line.sent.states["queued"] >= 4 and line.sent.last_at == NEAR + timedelta(hours=1)
    with busy.process_engine.read() as work:
        rows = inbox.list_tasks(work, busy["east_auditor"], view="mine").rows
        assert {row.id: row.urged.count for row in rows} == {task: 2}
        assert inbox.open_task(work, busy["east_auditor"], task).urged.count == 2


def test_a_preview_changes_nothing_and_says_who_cannot_be_reached(busy: World, read_letters: Letters) -> None:
    with busy.process_engine.begin() as work:
        work.connection.execute(sa.update(person).where(person.c.login == "union_auditor").values(email=None))
        work.connection.execute(sa.update(person).where(person.c.login == "west_auditor").values(disabled=True))
    with busy.process_engine.read() as work:
        preview = reminders.preview_urge(work, busy["organiser"], busy.campaign_id, Choice(element_id="recommend"), "请抓紧。")
    assert (preview.tasks, preview.letters) == (3, 2)
    assert {share.recipient.name for share in preview.shares} == {"人员east_auditor", "人员east_colleague"}
    assert {line.units for line in preview.unreachable} == {("天津",), ("创新联合体",)}
    assert preview.body is not None and "附言：请抓紧。" in preview.body
    assert read_letters(busy, "urged") == []
    done = urge(busy, "organiser", element_id="recommend")
    assert done == Outcome(tasks=3, letters=2, unreachable=2)
    lines = {line.units: (line.reachable, line.urged.count) for line in owed(busy, "organiser", element_id="recommend")}
    assert lines == {("北京",): (True, 1), ("天津",): (False, 1), ("创新联合体",): (False, 1)}


def test_nobody_is_urged_beyond_what_one_may(busy: World, read_letters: Letters) -> None:
    west = busy.find_task("recommend", body="west")
    with pytest.raises(reminders.NobodyChosen):
        urge(busy, "east_auditor", task_ids=(west,))
    for name in ("lab", "expert", "administrator", "designer"):
        with pytest.raises(NotPermitted):
            urge(busy, name, task_ids=(west,))
    with pytest.raises(reminders.RemarkTooLong):
        urge(busy, "organiser", "长" * 501, task_ids=(west,))
    with pytest.raises(reminders.NobodyChosen):
        urge(busy, "organiser", task_ids=())
    assert read_letters(busy, "urged") == []
    assert urge(busy, "east_auditor", element_id="correct").tasks == 1
    assert [row.recipient for row in read_letters(busy, "urged")] == ["lab2@example.org"]


def test_many_are_urged_in_parts_and_what_is_done_meanwhile_is_left_out(
    mailed: World, read_letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urging, "PART", 1)
    mailed.at(NEAR)
    done = urge(mailed, "organiser", "快。", element_id="recommend")
    assert (done.tasks, done.following) == (1, 2)
    rest = mailed.rows(sa.select(timer).where(timer.c.handler == "reminders.urge").order_by(timer.c.id))
    with mailed.process_engine.begin() as work:
        skipped = rest[0].payload["tasks"]
        work.connection.execute(sa.update(user_task).where(user_task.c.id.in_(skipped)).values(state="completed"))
    mailed.settle()
    mailed.settle()
    counted = {line.units: line.urged.count for line in owed(mailed, "organiser", element_id="recommend")}
    assert set(counted.values()) == {1} and len(counted) == 2
    assert len({row.recipient for row in read_letters(mailed, "urged")}) == len(read_letters(mailed, "urged"))
    by = mailed.scalar(sa.text("SELECT count(*) FROM urge WHERE by IS NULL").columns(n=sa.Integer))
    assert by == 0
