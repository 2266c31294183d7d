"""The selection on a real campaign: cut, ties, and what is written about it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from engine.history import list_entries
from engine.timers import fire_timer
from workflows.selection import ReviewsUnsettled, SelectionInvalid, TieUndecided, last_selection, list_tied, ranking
from workflows.tables import campaign, case, selection_item


def reviewed(make: Any, points: dict[int, int | str], *, experts: int = 9, **settings: Any) -> Any:
    """A campaign whose cases got these points from each of two experts."""
    stage = make(cases=len(points), experts=experts, provinces=3, settings=settings)
    stage.open_review(experts_per_case=2)
    stage.review_all(lambda number, turn: points[stage.numbers.index(number)])
    return stage


def select(stage: Any, **form: Any) -> None:
    stage.complete("select_cases", stage.organiser, {"cut": 2, "method": "mean", "reason": "", **form})


def read_items(stage: Any) -> dict[str, Any]:
    with stage.process_engine.read() as work:
        last = last_selection(work, stage.campaign_id)
        assert last is not None
        query = sa.select(selection_item, case.c.number).join(case, case.c.id == selection_item.c.case_id)
        return {row.number: row for row in work.connection.execute(query.where(selection_item.c.selection_id == last.id))}


def test_the_best_are_selected_and_everything_is_written(make_stage: Any) -> None:
    stage = reviewed(make_stage, {0: 70, 1: 90, 2: "80.5", 3: 60})
    select(stage, cut=2, reason="按得分")
    first, second, third, fourth = stage.numbers
    assert stage.states() == {first: "not_selected", second: "selected", third: "selected", fourth: "not_selected"}
    items = read_items(stage)
    assert {number: (row.place, Decimal(row.score), row.selected) for number, row in items.items()} == {
        second: (1, 90, True),
        third: (2, Decimal("80.5"), True),
        first: (3, 70, False),
        fourth: (4, 60, False),
    }
    with stage.process_engine.read() as work:
        last = last_selection(work, stage.campaign_id)
        assert last is not None
        assert (last.cut, last.method, last.reason, last.by) == (2, "mean", "按得分", stage.organiser.id)
        instance_id = work.connection.execute(sa.select(campaign.c.instance_id)).scalar_one()
        [entry] = [entry for entry in list_entries(work, instance_id) if entry.kind == "selection_recorded"]
    assert entry.detail == {"cut": 2, "method": "mean", "selected": 2, "ranked": 4, "tied": 0}


def test_a_tie_at_the_cut_is_decided_by_a_person_with_a_reason(make_sqlite_stage: Any) -> None:
    stage = reviewed(make_sqlite_stage, {0: 90, 1: 80, 2: 80, 3: 80, 4: 60})
    top, *tied, last = stage.numbers
    with stage.process_engine.read() as work:
        assert [number for number, _ in list_tied(work, stage.campaign_id)] == tied
    with pytest.raises(TieUndecided) as caught:
        select(stage, cut=3)
    assert caught.value.values == {"seats": 2, "count": 3}
    assert [finding.values["case"] for finding in caught.value.findings] == tied
    for decided in ([], tied, [tied[0]], [tied[0], tied[0]]):
        with pytest.raises(TieUndecided):
            select(stage, cut=3, decided=decided)
    with pytest.raises(SelectionInvalid) as outside:
        select(stage, cut=3, decided=[tied[0], last])
    assert [(f.code, f.path, f.values["case"]) for f in outside.value.findings] == [("CaseNotTied", "decided", last)]
    with pytest.raises(SelectionInvalid) as without:
        select(stage, cut=3, decided=[tied[0], tied[2]])
    assert [(f.code, f.path) for f in without.value.findings] == [("TieReasonMissing", "reason")]
    assert set(stage.states().values()) == {"reviewed"}  # nothing was written by the refusals
    select(stage, cut=3, decided=[tied[0], tied[2]], reason="会议研究决定")
    assert [number for number, state in stage.states().items() if state == "selected"] == [top, tied[0], tied[2]]
    notes = {number: (row.place, row.note) for number, row in read_items(stage).items()}
    assert notes == {top: (1, None), **dict.fromkeys(tied, (2, "tie_decided")), last: (5, None)}


def test_a_choice_where_there_is_no_tie_is_refused(make_sqlite_stage: Any) -> None:
    stage = reviewed(make_sqlite_stage, {0: 90, 1: 80, 2: 70})
    with pytest.raises(SelectionInvalid):
        select(stage, cut=2, decided=[stage.numbers[2]], reason="x")


def test_more_seats_than_cases_selects_all_that_have_a_score(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=3, experts=6, provinces=3)
    stage.open_review(experts_per_case=2)
    for task in stage.find_tasks("review"):
        if task.business_key != stage.numbers[2]:
            stage.submit(task, 70)
    stage.go_to(stage.clock.now().replace(month=10, day=31, hour=17))
    with stage.process_engine.read() as work:
        ranked = ranking(work, stage.campaign_id)
    assert [number for number, _ in ranked.unscored] == [stage.numbers[2]]
    select(stage, cut=49, decided=stage.numbers[:0], reason="")
    assert stage.states() == dict(zip(stage.numbers, ("selected", "selected", "not_selected"), strict=True))


def test_the_ranking_tells_what_an_organiser_must_look_at(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=2, experts=9, provinces=3, settings={"disagreement_range": 10})
    stage.open_review(experts_per_case=3)
    agreed, far = stage.numbers
    tasks = stage.find_tasks("review", key=agreed)
    for task, points in zip(tasks, (70, 75, 80), strict=True):
        stage.submit(task, points)
    for task, points in zip(stage.find_tasks("review", key=far), (70, 81), strict=False):
        stage.submit(task, points)
    stage.go_to(stage.clock.now().replace(month=10, day=31, hour=17))
    with stage.process_engine.read() as work:
        lines = {line.number: line for line in ranking(work, stage.campaign_id, "trimmed").lines}
    assert (lines[agreed].disagrees, lines[agreed].few, lines[agreed].fell_back) == (False, False, True)
    assert (lines[far].disagrees, lines[far].few, lines[far].score.sheets) == (True, True, 2)


def test_nothing_is_selected_while_cases_are_still_counted(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=2, experts=6, provinces=3)
    stage.open_review(experts_per_case=2)
    stage.clock.move_to(stage.clock.now().replace(month=10, day=31, hour=17))
    with stage.process_engine.read() as work:
        timer_id = work.connection.execute(
            sa.text("SELECT id FROM timer WHERE element_id = 'review_deadline' AND state = 'armed'")
        ).scalar_one()
    assert fire_timer(stage.process_engine, timer_id)  # the campaign goes on; the cases' messages are not delivered yet
    with pytest.raises(ReviewsUnsettled) as caught:
        select(stage)
    assert caught.value.values == {"count": 2}
    stage.run()
    select(stage, cut=1)
    assert set(stage.states().values()) == {"not_selected"}  # nobody handed in a sheet


@pytest.mark.parametrize(
    ("form", "faults"),
    [
        ({"cut": 0}, [("FigureRefused", "cut")]),
        ({"cut": "viele", "method": "magic"}, [("FigureRefused", "cut"), ("MethodUnknown", "method")]),
        ({"cut": True}, [("FigureRefused", "cut")]),
    ],
)
def test_faults_of_the_form(make_sqlite_stage: Any, form: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    stage = reviewed(make_sqlite_stage, {0: 80})
    with pytest.raises(SelectionInvalid) as caught:
        select(stage, **form)
    assert [(f.code, f.path) for f in caught.value.findings] == faults
