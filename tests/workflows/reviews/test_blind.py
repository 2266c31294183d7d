"""Blind review: an expert sees the content of a case, and neither unit nor contact anywhere in it."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from workflows.cases.scrubbing import HIDDEN, hide_names
from workflows.reviews import ReviewDropped, ReviewNotYours, declare_conflict, review_context
from workflows.tables import case, organisation


def test_nothing_of_a_case_tells_whose_it_is(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=3, experts=6, provinces=3)
    stage.open_review(experts_per_case=2)
    for task in stage.find_tasks("review"):
        place = stage.numbers.index(task.business_key)
        with stage.process_engine.read(by=task.assignee) as work:
            context = review_context(work, stage.expert(task.assignee), task)
            row = work.connection.execute(sa.select(case).where(case.c.number == task.business_key)).one()
            unit = work.connection.execute(sa.select(organisation).where(organisation.c.id == row.institution_id)).one()
        view = context["case"]
        assert view.blind and view.institution is None and view.body is None and view.channel is None and view.history == ()
        assert view.title == f"{HIDDEN}服务产业案例"
        assert view.latest.values["summary"] == f"{HIDDEN}由{HIDDEN}负责，服务企业。"
        told = repr(view).replace(repr(view.campaign), "")
        for secret in (unit.name, unit.short_name, unit.id, f"联系人{place}", "010-55500000", f"contact{place}@example.org"):
            assert secret not in told, secret
        assert [(item.key, item.weight) for item in context["criteria"]] == [
            ("distinctiveness", 20),
            ("effectiveness", 30),
            ("typicality", 30),
            ("authenticity", 20),
        ]
        assert context["until"] == task.due_at


def test_only_the_experts_of_the_case_see_it(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=1, experts=6, provinces=3)
    stage.open_review(experts_per_case=2)
    task, other = stage.find_tasks("review")
    for person in (
        stage.applicants[0],
        stage.organiser,
        *(e for e in stage.experts if e.id not in (task.assignee, other.assignee)),
    ):
        with stage.process_engine.read() as work, pytest.raises(ReviewNotYours):
            review_context(work, person, task)
    expert = stage.expert(task.assignee)
    with stage.process_engine.begin(by=expert.id) as work:
        declare_conflict(work, expert, task.id, reason="曾共事")
        with pytest.raises(ReviewDropped):
            review_context(work, expert, task)


def test_names_are_hidden_in_texts_lists_and_tables() -> None:
    value = {"text": "演练检测中心和演练检测", "rows": [{"name": "演练检测中心", "id": "演练检测"}], "number": 5, "none": None}
    assert hide_names(value, ["演练检测中心", "演练检测"]) == {
        "text": f"{HIDDEN}和{HIDDEN}",
        "rows": [{"name": HIDDEN, "id": "演练检测"}],
        "number": 5,
        "none": None,
    }
