"""The later life of a case: every part by each reader, the same number of statements however much there is of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from engine.ids import new_id
from tests.workflows.test_cases import bring_to_review
from tests.workflows.world import BEIJING, World
from workflows import cases
from workflows.cases.life import MOST_COMMENTS, read_life
from workflows.cases.life_views import CaseLife
from workflows.consultations import list_comments, receive_comment
from workflows.rules import CaseUnknown
from workflows.tables import case, comment

SCORES = {"distinctiveness": "90", "effectiveness": "80", "typicality": "85", "authenticity": "95"}
PRAISE = "做法清楚，成效有数据支撑，具有较强的推广价值，建议入选本次案例。"
TOLD = ("lab", "east_auditor")
"""Who knows the case without running the campaign."""


def bring_to_consultation(world: World) -> str:
    """A selected case about which comments are asked; its id."""
    case_id = bring_to_review(world)
    world.do("expert", "review", {"no_conflict": True, **SCORES, "comment": PRAISE}, case_id)
    world.do("organiser", "select_cases", {"cut": "1", "method": "mean", "reason": "按得分"})
    return case_id


def object_to(world: World, case_id: str, text: str = "数据与实际不符。") -> None:
    with world.process_engine.begin() as work:
        number = world.number(case_id)
        receive_comment(
            work, world.campaign_id, kind="objection", from_name="李举报", from_contact="010-1", text=text, case_number=number
        )


def settle(world: World, decision: str) -> None:
    world.at(world.clock.now() + timedelta(days=30))
    with world.process_engine.read() as work:
        found = list_comments(work, world.campaign_id)
    decisions = [{"comment": row.id, "decision": decision, "answer": "已向单位核实，数据属实。"} for row in found]
    world.do("organiser", "settle_comments", {"decisions": decisions, "remark": ""})


def test_a_case_lives_to_its_publication(world: World) -> None:
    case_id = bring_to_review(world)
    for name in (*TOLD, "organiser"):
        found = world.life(name, case_id)
        assert found.recommendation is not None and found.recommendation.rank == 1 and found.recommendation.body == "北京"
        assert (found.selections, found.comments, found.publications, found.reports, found.rounds) == ((),) * 5
        told = None if name == "lab" else "人员east_auditor"
        assert found.recommendation.by == told

    world.do("expert", "review", {"no_conflict": True, **SCORES, "comment": PRAISE}, case_id)
    world.do("organiser", "select_cases", {"cut": "1", "method": "mean", "reason": "按得分"})
    (chosen,) = world.life("organiser", case_id).selections
    assert (chosen.selected, chosen.place, chosen.score, chosen.cut, chosen.method, chosen.reason, chosen.by) == (
        True,
        1,
        Decimal("86.50"),
        1,
        "mean",
        "按得分",
        "人员organiser",
    )
    object_to(world, case_id)
    (heard,) = world.life("organiser", case_id).comments
    assert (heard.kind, heard.state, heard.from_name, heard.from_contact, heard.text, heard.answer) == (
        "objection",
        "open",
        "李举报",
        "010-1",
        "数据与实际不符。",
        None,
    )
    for name in TOLD:  # nothing of it is told before it is decided and published
        assert (world.life(name, case_id).selections, world.life(name, case_id).comments) == ((), ())

    settle(world, "not_adopted")
    for name in TOLD:
        (heard,) = world.life(name, case_id).comments
        assert (heard.state, heard.answer) == ("not_adopted", "已向单位核实，数据属实。")
        assert (heard.from_name, heard.from_contact, heard.text, heard.decided_by) == (None,) * 4
        assert world.life(name, case_id).selections == ()
    assert world.life("organiser", case_id).comments[0].decided_by == "人员organiser"

    world.do("organiser", "publish", {"title": "关于公布优秀案例的通知"})
    for name in (*TOLD, "organiser"):
        (listed,) = world.life(name, case_id).publications
        assert (listed.title, listed.place, listed.campaign_id) == ("关于公布优秀案例的通知", 1, world.campaign_id)
    for name in TOLD:
        (told_now,) = world.life(name, case_id).selections
        assert told_now.selected and (told_now.place, told_now.score, told_now.reason, told_now.by) == (None,) * 4
    # whoever reviewed it blind is told nothing of all this
    assert world.life("expert", case_id) == CaseLife()
    for name in ("lab2", "west_auditor", "administrator"):
        with pytest.raises(CaseUnknown):
            world.life(name, case_id)


def test_an_organiser_who_reviews_is_told_no_more_than_an_expert(world: World) -> None:
    case_id = bring_to_review(world)
    with world.process_engine.begin() as work:
        work.connection.execute(sa.text("UPDATE review SET expert_id = :person"), {"person": world["organiser"].id})
    assert world.life("organiser", case_id) == CaseLife()


def test_deadlines_are_those_that_hold_for_the_case(world: World) -> None:
    case_id = world.apply("lab")
    told = [(each.kind, each.at, each.unit) for each in world.life("lab", case_id).deadlines if each.kind != "task"]
    assert told == [
        ("body", datetime(2022, 8, 6, tzinfo=BEIJING), "北京"),
        ("collection", datetime(2022, 8, 11, tzinfo=BEIJING), None),
    ]
    world.audit("east_auditor", case_id, "return")
    for name in ("lab", "east_auditor", "organiser"):  # whose task it is, and those whom it keeps waiting
        assert [each.step for each in world.life(name, case_id).deadlines if each.kind == "task"] == ["补正材料"]


def test_an_expert_is_told_when_the_own_review_is_due_and_nobody_elses(world: World) -> None:
    case_id = bring_to_review(world)
    assert [(each.kind, each.step) for each in world.life("expert", case_id).deadlines] == [("task", "专家评审")]
    for name in TOLD:
        assert [each for each in world.life(name, case_id).deadlines if each.kind == "task"] == []


def count_statements(world: World, name: str, case_id: str) -> int:
    sent: list[str] = []

    def note(*args: object) -> None:
        sent.append(str(args[2]))

    sa.event.listen(world.process_engine.database, "before_cursor_execute", note)
    with world.process_engine.read(by=world[name].id) as work:
        cases.get_case(work, world[name], case_id)
        read_life(work, world[name], case_id)
    sa.event.remove(world.process_engine.database, "before_cursor_execute", note)
    return len(sent)


@pytest.mark.parametrize("name", ["organiser", "east_auditor", "lab"])
def test_more_of_it_is_not_more_statements(world: World, name: str) -> None:
    case_id = bring_to_consultation(world)
    object_to(world, case_id)
    settle(world, "not_adopted")
    before = count_statements(world, name, case_id)
    with world.process_engine.begin() as work:
        row = dict(work.connection.execute(sa.select(comment)).one()._mapping)
        again = [{**row, "id": new_id()} for _ in range(MOST_COMMENTS)]
        work.connection.execute(comment.insert(), again)
        work.connection.execute(sa.text("INSERT INTO audit SELECT id || 'x', case_id, organisation_id, kind, result, grades,"
                                        " opinion, application_version, by, at FROM audit"))  # fmt: skip
        work.connection.execute(sa.update(case).where(case.c.id == case_id).values(rank=1))
        sheet = work.connection.execute(sa.text("SELECT case_id FROM review")).scalar_one()
        for person in ("west_auditor", "union_auditor", "designer"):
            work.connection.execute(
                sa.text("INSERT INTO review (id, case_id, expert_id, state, scores, assigned_at)"
                        " SELECT :id, :case, :expert, 'submitted', scores, assigned_at FROM review LIMIT 1"),
                {"id": new_id(), "case": sheet, "expert": world[person].id},
            )  # fmt: skip
    assert len(world.life(name, case_id).comments) == MOST_COMMENTS
    assert count_statements(world, name, case_id) == before
