"""Who sees which report: the narrowed query answers as the question does, person by person."""

from __future__ import annotations

import sqlalchemy as sa

from tests.workflows.reports.acting import Action
from tests.workflows.reports.test_figures import collect
from workflows import rules
from workflows.rules import can
from workflows.tables import report


def test_the_query_of_reports_is_narrowed_exactly_as_the_question_is_answered(samr_lite: Action) -> None:
    samr_lite.confirm("summary_due", "2021-11-25")
    collect(samr_lite)
    with samr_lite.process_engine.read() as work:
        ids = list(work.connection.execute(sa.select(report.c.id)).scalars())
        subjects = [rules.report_subject(work, each) for each in ids]
        assert {subject.child for subject in subjects} == {True, False}
        seen = {}
        for name, person in samr_lite.people.items():
            listed = set(work.connection.execute(sa.select(report.c.id).where(rules.visible_reports(person))).scalars())
            assert listed == {subject.id for subject in subjects if can(person, "report.read", subject)}, name
            seen[name] = len(listed)
    assert {name for name, count in seen.items() if count == 0} == {"designer", "one_applicant"}
    assert all(count < len(ids) for count in seen.values())
