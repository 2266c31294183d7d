"""A province's own stage from opening to its sealed recommendation, and where it may not leave the path."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.incidents import list_incidents
from engine.tables import instance, outbox, user_task
from engine.verification import verify_chain
from tests.workflows.stages.conftest import CUTOFF, StageWorld
from tests.workflows.world import BEIJING, SECOND
from tests.workflows.world import CUTOFF as NATIONAL
from workflows import stages
from workflows.campaigns import TooLate
from workflows.forms import FormInvalid
from workflows.recommendations import ListNotSealed
from workflows.stages import ListSealed, ListUnready, QuotaUsedUp
from workflows.tables import audit, campaign, case, recommending_body

RANKING_DAY = datetime(2022, 8, 1, 10, tzinfo=BEIJING)
PUBLIC_UNTIL = datetime(2022, 8, 9, tzinfo=BEIJING)
"""Five work days after 2022-08-01, the day itself not counted: the end of Monday 2022-08-08."""


def ended(world: StageWorld) -> bool:
    query = sa.select(instance.c.state).join(campaign, campaign.c.instance_id == instance.c.id)
    return bool(world.scalar(query.where(campaign.c.id == world.stage_id)) == "ended")


def test_the_whole_life(each_world: StageWorld) -> None:
    world = each_world
    before = world.apply("lab")  # begun before the stage: it finishes on the national diagram
    world.open_stage()
    assert world.phase() == "collecting"
    one = world.apply("north_lab", title="甲")
    two = world.apply("south_lab", title="乙")
    direct = world.apply("lab2", title="丙")  # no prefecture stands above it: the province audits at once
    world.audit("east_auditor", before, "pass", "")
    world.audit("east_auditor", direct, "pass", "")
    world.restart()

    # the prefecture returns, then passes; the province returns, and the correction does not go to the prefecture again
    world.check("north_auditor", one, "return")
    assert world.state(one) == "returned"
    world.send("north_lab", one, "correct", title="甲甲")
    world.check("north_auditor", one)
    world.audit("east_auditor", one, "return")
    world.send("north_lab", one, "correct", title="甲乙")
    world.audit("east_auditor", one, "pass", "")
    world.check("south_auditor", two)
    world.audit("east_auditor", two, "pass", "")
    kinds = world.rows(sa.select(audit.c.kind, audit.c.result).where(audit.c.case_id == one).order_by(audit.c.id))
    assert kinds == [("check", "return"), ("check", "pass"), ("audit", "return"), ("audit", "pass")]

    # ranked, public, one objection upheld
    world.at(RANKING_DAY)
    assert world.phase() == "reviewing"
    world.restart()
    world.rank([two, before, one])
    assert world.phase() == "consulting"
    comment = world.object_to(two)
    world.at(PUBLIC_UNTIL - SECOND)
    with pytest.raises(AssertionError):
        world.find_task("settle")
    world.at(PUBLIC_UNTIL)
    with pytest.raises(ListNotSealed):
        world.recommend()
    world.restart()
    decision = {"comment": comment, "decision": "adopted", "answer": "经核实，异议成立。"}
    world.do("east_auditor", "settle", {"decisions": [decision], "remark": ""})
    assert world.list_row().cases == [before, one]
    assert world.list_row().dropped == [two]
    # who runs the stage reads the objection, all others its answer alone; the national organiser is one of them
    heard = {name: world.life(name, two).comments for name in ("east_auditor", "organiser", "south_auditor", "south_lab")}
    assert {name: [(each.state, each.answer, each.text, each.from_name) for each in found] for name, found in heard.items()} == {
        "east_auditor": [("adopted", "经核实，异议成立。", "数据不实。", "甲某")],
        **dict.fromkeys(("organiser", "south_auditor", "south_lab"), [("adopted", "经核实，异议成立。", None, None)]),
    }

    # sealed: the national list can only be this one
    world.seal()
    row = world.list_row()
    assert (row.sealed_by, row.sealed_at, len(row.sha256)) == (world["east_auditor"].id, PUBLIC_UNTIL, 64)
    task_id = world.find_task("recommend", body="east")
    view = world.open("east_auditor", task_id)
    assert view.form is not None
    assert view.form.by_key["ranking"].read_only
    assert view.values["ranking"] == [before, one]
    lists = {name: world.life(name, one).stage_list for name in ("east_auditor", "organiser", "north_auditor", "north_lab")}
    ranked = lists.pop("east_auditor")
    assert ranked is not None and (ranked.place, ranked.dropped, ranked.sha256) == (2, False, row.sha256)
    assert set(lists.values()) == {None}
    world.recommend([one, before])  # what a forged form says does not count
    states = world.rows(sa.select(case.c.id, case.c.state, case.c.rank).order_by(case.c.number))
    assert states == [
        (before, "recommended", 1),
        (one, "recommended", 2),
        (two, "not_recommended", None),
        (direct, "not_recommended", None),
    ]
    told = world.life("north_lab", one).recommendation
    assert told is not None and (told.rank, told.body, told.by) == (2, "北京", None)
    left_out = world.life("organiser", direct).recommendation
    assert left_out is not None and (left_out.rank, left_out.by) == (None, "人员east_auditor")
    assert [each.kind for each in world.life("north_lab", one).deadlines if each.stage] != []
    assert world.phase() == "ended"
    assert ended(world)
    with world.process_engine.read() as work:
        assert list_incidents(work) == []
        for instance_id in work.connection.execute(sa.select(instance.c.id)).scalars().all():
            assert verify_chain(work, instance_id) is None


def test_without_a_stage_everything_is_as_before(each_world: StageWorld) -> None:
    world = each_world
    case_id = world.apply("north_lab")
    world.audit("east_auditor", case_id, "pass", "")
    world.recommend([case_id])
    assert world.state(case_id) == "recommended"
    assert world.rows(sa.select(case.c.stage_id, case.c.prefecture_id)) == [(None, None)]


def test_another_body_is_not_touched(stage_world: StageWorld) -> None:
    case_id = stage_world.apply("works")
    stage_world.audit("west_auditor", case_id, "pass", "")
    assert stage_world.state(case_id) == "audited"


@pytest.mark.parametrize(("moment", "in_time"), [(CUTOFF - SECOND, True), (CUTOFF, False)])
def test_the_stage_s_own_cut_off_decides(stage_world: StageWorld, moment: datetime, in_time: bool) -> None:
    world = stage_world
    case_id = world.open_case("north_lab")
    task_id = world.find_task("apply", case_id)
    assert world.open("north_lab", task_id).context["cutoff_at"] == CUTOFF
    data = world.application("north_lab", task_id)
    world.at(moment, due=False)
    if in_time:
        world.complete("north_lab", task_id, data)
    else:
        with pytest.raises(TooLate):
            world.complete("north_lab", task_id, data)
        with pytest.raises(TooLate):
            world.open_case("south_lab")
        assert world.open_case("works")  # another province still collects


def test_a_prefecture_passes_no_more_than_its_quota(stage_world: StageWorld) -> None:
    world = stage_world
    cases = [world.apply("north_lab", title=f"案例{number}") for number in range(4)]
    for case_id in cases[:3]:
        world.check("north_auditor", case_id)
    with pytest.raises(QuotaUsedUp) as caught:
        world.check("north_auditor", cases[3])
    assert caught.value.values == {"passed": 3, "quota": 3}
    assert world.state(cases[3]) == "submitted"
    world.audit("east_auditor", cases[0], "reject")  # its place is free again
    world.check("north_auditor", cases[3])
    world.check("south_auditor", world.apply("south_lab"))


def test_sealing_waits_for_ranking_and_cannot_be_undone(stage_world: StageWorld) -> None:
    world = stage_world
    one = world.bring("north_lab", "north_auditor")
    two = world.bring("south_lab", "south_auditor")
    world.at(RANKING_DAY)
    with pytest.raises(FormInvalid):
        world.rank([one, "nobody"])
    world.rank([one, two])
    world.at(PUBLIC_UNTIL)
    world.do("east_auditor", "settle", {"decisions": [], "remark": ""})
    task_id = world.find_task("seal")
    with pytest.raises(FormInvalid):
        world.complete("east_auditor", task_id, {"confirmed": True})  # without the scan
    shown = world.open("east_auditor", task_id).context
    assert [row.id for row in shown["listed"]] == [one, two]
    world.seal()
    assert world.list_row().sha256 == shown["digest"]
    world.recommend()
    assert (world.state(one), world.state(two)) == ("recommended", "recommended")


def test_a_stage_without_list_ends_with_the_national_collection(stage_world: StageWorld) -> None:
    world = stage_world
    ready = world.bring("north_lab", "north_auditor")
    waiting = world.apply("south_lab")
    world.at(NATIONAL + timedelta(minutes=1))
    assert world.phase() == "ended"
    assert ended(world)
    assert (world.state(ready), world.state(waiting)) == ("lapsed", "lapsed")
    left = sa.select(user_task.c.element_id).where(user_task.c.state == "open").order_by(user_task.c.element_id)
    assert world.rows(left) == [("organise_review",)]


def test_the_stage_reminds_by_its_own_plan(stage_world: StageWorld) -> None:
    world = stage_world
    world.apply("north_lab")
    draft = world.open_case("north_lab")
    for day in range(1, 29):
        world.at(datetime(2022, 7, day, 12, tzinfo=BEIJING))
    assert world.state(draft) == "lapsed"
    query = sa.select(outbox.c.recipient, outbox.c.about).where(outbox.c.unique_key.startswith("reminder:"))
    reminders = [
        (row.recipient.partition("@")[0], row.about) for row in world.rows(query.order_by(outbox.c.created_at, outbox.c.id))
    ]
    stage_key = world.scalar(sa.select(campaign.c.key).where(campaign.c.id == world.stage_id))
    # apply: 5, 2 and 1 work days before 07-25 and on it; check: 2 and 1 before 07-28 and on it; the national plan adds nothing
    assert reminders == [("north_lab", stage_key)] * 4 + [("north_auditor", stage_key)] * 3


def test_the_board_shows_each_his_own(stage_world: StageWorld) -> None:
    world = stage_world
    world.apply("north_lab")
    passed = world.apply("north_lab")
    world.check("north_auditor", passed)
    world.open_case("south_lab")
    world.apply("lab2")
    whole = world.board()
    lines = [
        (line.name, line.cases.opened, line.cases.received, line.cases.waiting, line.cases.checked, line.missing)
        for line in whole.lines
    ]
    assert lines == [("north", 2, 2, 1, 1, 0), ("south", 1, 0, 0, 0, 1), ("", 1, 1, 0, 0, 0)]
    assert (whole.runs, whole.states) == (True, {"draft": 1, "submitted": 3})
    own = world.board("north_auditor")
    assert ([line.name for line in own.lines], own.runs, own.ranking) == (["north"], False, None)
    other = world.board("works")
    assert (list(other.lines), other.watches) == ([], False)
    world.at(datetime(2022, 7, 29, 10, tzinfo=BEIJING))
    assert [line.cases.late for line in world.board().lines] == [1, 0, 0]


def test_case_is_known_to_its_prefecture_alone(stage_world: StageWorld) -> None:
    world = stage_world
    case_id = world.apply("north_lab")
    seen = world.view("north_auditor", case_id)
    assert seen.prefecture is not None and seen.prefecture.short_name == "north"
    assert seen.stage is not None and seen.stage.id == world.stage_id
    with pytest.raises(Exception, match="CaseUnknown"):
        world.view("south_auditor", case_id)


def test_recommending_body_keeps_its_stage(stage_world: StageWorld) -> None:
    query = sa.select(recommending_body.c.stage_id).where(recommending_body.c.organisation_id == stage_world.places["east"])
    assert stage_world.rows(query) == [(stage_world.stage_id,)]


def test_nobody_changes_a_sealed_list(stage_world: StageWorld) -> None:
    world = stage_world
    one = world.bring("north_lab", "north_auditor")
    world.at(RANKING_DAY)
    world.rank([one])
    world.at(PUBLIC_UNTIL)
    world.do("east_auditor", "settle", {"decisions": [], "remark": ""})
    world.seal()
    sealed = world.list_row()
    for handler in (stages.rank, stages.settle, stages.seal):
        with world.process_engine.begin(by=world["east_auditor"].id) as work, pytest.raises(ListSealed):
            handler(world.call(work, {"ranking": []}))
    assert world.list_row() == sealed


def test_a_list_with_an_open_objection_is_not_sealed(stage_world: StageWorld) -> None:
    world = stage_world
    with world.process_engine.begin() as work, pytest.raises(ListUnready):
        stages.seal(world.call(work, {}))
    one = world.bring("north_lab", "north_auditor")
    world.at(RANKING_DAY)
    world.rank([one])
    world.object_to(one)
    with world.process_engine.begin() as work, pytest.raises(ListUnready) as caught:
        stages.seal(world.call(work, {}))
    assert caught.value.values == {"open": 1}
