"""Organising the review: what is refused, what the draw gives and leaves behind."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from engine.history import list_entries
from engine.instances import instance_variables
from workflows.assignment import ExpertsInsufficient
from workflows.people import grant_role
from workflows.reviews import PoolInvalid, ReviewNotReady
from workflows.tables import campaign, panel_member, review_draw, window


def test_the_draw_gives_every_case_its_experts_without_conflict(make_stage: Any) -> None:
    stage = make_stage(cases=6, experts=6, provinces=3)
    stage.open_review(experts_per_case=3)
    assert set(stage.states().values()) == {"reviewing"}
    tasks = stage.find_tasks("review")
    assert len(tasks) == 18
    loads = {expert.id: sum(task.assignee == expert.id for task in tasks) for expert in stage.experts}
    assert set(loads.values()) == {3}
    for place, number in enumerate(stage.numbers):
        mine = [stage.experts.index(stage.expert(task.assignee)) for task in tasks if task.business_key == number]
        assert len(set(mine)) == 3
        assert all(expert % 3 != place % 3 for expert in mine), "an expert of the case's own province"
    letters = stage.letters("请评审")
    assert len(letters) == 6 and all("案例共 3 个" in letter.body and "10月31日24:00" in letter.body for letter in letters)
    with stage.process_engine.read() as work:
        draw = work.connection.execute(sa.select(review_draw)).one()
        row = work.connection.execute(sa.select(campaign)).one()
        states = {row.person_id: row.state for row in work.connection.execute(sa.select(panel_member))}
        entry = next(entry for entry in list_entries(work, row.instance_id) if entry.kind == "experts_drawn")
        cutoff = work.connection.execute(sa.select(window.c.cutoff_at).where(window.c.name == "review")).scalar_one()
        assert instance_variables(work, row.instance_id)["cases_in_review"] == 6
    assert (draw.seed, draw.experts_per_case, len(draw.input_hash)) == ("seed-1", 3, 64)
    assert (entry.detail["seed"], entry.detail["input"], entry.detail["loads"]) == ("seed-1", draw.input_hash, [3, 3])
    assert set(states.values()) == {"drawn"}
    assert row.phase == "reviewing"
    assert cutoff.isoformat() == "2022-10-31T16:00:00+00:00"


def test_the_same_seed_gives_the_same_draw_in_every_database(make_sqlite_stage: Any) -> None:
    """Log-ins and case numbers decide, not ids: so a supervisor can repeat it anywhere."""
    stage = make_sqlite_stage(cases=5, experts=7, provinces=3)
    stage.open_review(seed="监督员抽取的数字 20220815")
    drawn: dict[str, list[int]] = {}
    for task in stage.find_tasks("review"):
        drawn.setdefault(task.business_key[-4:], []).append(stage.experts.index(stage.expert(task.assignee)))
    assert {number: sorted(experts) for number, experts in drawn.items()} == {
        "0001": [1, 4, 5],
        "0002": [0, 3, 6],
        "0003": [0, 1, 3],
        "0004": [1, 2, 4],
        "0005": [2, 5, 6],
    }


def test_a_panel_is_drawn_of_the_pool_and_the_rest_is_reserve(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=3, experts=9, provinces=3)
    stage.open_review(experts_per_case=2, panel_size=6)
    with stage.process_engine.read() as work:
        states = {row.person_id: row.state for row in work.connection.execute(sa.select(panel_member))}
    assert sorted(states.values()) == ["drawn"] * 6 + ["reserve"] * 3
    assert {task.assignee for task in stage.find_tasks("review")} <= {who for who, state in states.items() if state == "drawn"}


def test_a_panel_too_small_for_the_conflicts_calls_the_reserve(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=3, experts=9, provinces=3)
    stage.open_review(experts_per_case=4, panel_size=4)  # 4 of other provinces are needed for each: at least 6 experts
    assert len(stage.find_tasks("review")) == 12
    with stage.process_engine.read() as work:
        states = list(work.connection.execute(sa.select(panel_member.c.state)).scalars())
    assert states.count("drawn") >= 6


def test_direct_submissions_that_wait_are_named(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=3)
    stage.go_to(stage.clock.now().replace(month=8, day=10, hour=17))
    with pytest.raises(ReviewNotReady) as caught:
        stage.organise()
    assert [(finding.code, finding.path) for finding in caught.value.findings] == [
        ("DirectSubmissionWaits", number) for number in stage.numbers
    ]
    assert len(stage.find_tasks("organise_review")) == 1
    stage.accept_all()
    stage.organise(experts_per_case=2)
    assert len(stage.find_tasks("review")) == 6


def test_too_few_experts_are_told_case_by_case_and_nothing_is_changed(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=4, experts=6, provinces=3)
    stage.close_collection()
    with pytest.raises(ExpertsInsufficient) as caught:
        stage.organise(experts_per_case=5)
    assert [(f.path, f.values["lacking"], f.values["possible"]) for f in caught.value.findings] == [
        (number, 1, 4) for number in stage.numbers
    ]
    with stage.process_engine.read() as work:
        assert work.connection.execute(sa.select(panel_member)).all() == []
    with pytest.raises(ExpertsInsufficient):
        stage.organise(experts_per_case=4, load_limit=2)
    stage.organise(experts_per_case=4)
    assert len(stage.find_tasks("review")) == 16


def test_a_pool_of_people_who_are_no_experts_is_refused_with_all_faults(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=1, experts=3)
    with stage.process_engine.begin() as work:
        double = stage.add_expert(work, 77, stage.provinces[0])
        grant_role(work, double.id, "organiser", stage.authority)
    stage.close_collection()
    with pytest.raises(PoolInvalid) as caught:
        stage.organise(pool=[stage.applicants[0].id, "nobody", double.id])
    assert [(f.code, f.path) for f in caught.value.findings] == [
        ("ExpertUnknown", "pool"),
        ("ExpertUnknown", "pool"),
        ("ExpertIsOrganiser", "pool"),
    ]
    with pytest.raises(PoolInvalid) as caught:
        stage.organise(pool=[])
    assert [f.code for f in caught.value.findings] == ["PoolEmpty"]
    with pytest.raises(PoolInvalid) as caught:
        stage.organise(experts_per_case="viele", panel_size=0, load_limit=-1, seed="x" * 65)
    assert [(f.code, f.path) for f in caught.value.findings] == [
        ("FigureRefused", "experts_per_case"),
        ("FigureRefused", "panel_size"),
        ("FigureRefused", "load_limit"),
        ("SeedTooLong", "seed"),
    ]


def test_without_a_seed_one_is_drawn_and_kept(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=1, experts=6)
    stage.open_review(seed="")
    with stage.process_engine.read() as work:
        assert len(work.connection.execute(sa.select(review_draw.c.seed)).scalar_one()) == 16


def test_a_campaign_without_cases_ends(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=0, experts=3)
    stage.open_review()
    with stage.process_engine.read() as work:
        row = work.connection.execute(sa.select(campaign)).one()
        assert row.phase == "ended"
        assert list_entries(work, row.instance_id)[-1].kind == "ended"
