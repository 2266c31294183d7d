"""Unknown dates: nothing is due before; an official confirms a candidate, or another day with a reason; then they are dates."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from engine.tables import timer, user_task
from tests.workflows.reports.acting import Action
from workflows.campaigns import get_campaign
from workflows.campaigns.confirming import list_confirmations
from workflows.deadlines import say_date
from workflows.forms import FormInvalid
from workflows.notices import NoticeInvalid, bundled_notices, read_notice


def stored(action: Action, name: str) -> dict[str, object]:
    with action.process_engine.read() as work:
        return dict(get_campaign(work, action.campaign_id).dates[name])


def test_nothing_falls_due_before(samr: Action) -> None:
    samr.at(2025, 1, 1)
    assert samr.reports() == []
    assert samr.tasks() == [("act", "confirm_plan_due"), ("act", "confirm_summary_due")]
    with samr.process_engine.read() as work:
        assert work.connection.execute(sa.select(timer.c.id).where(timer.c.kind == "event")).all() == []
        assert set(work.connection.execute(sa.select(user_task.c.due_at)).scalars()) == {None}


def test_confirming_a_candidate_makes_it_a_date(samr: Action) -> None:
    options = samr.open("organiser", "confirm_plan_due").form
    assert options is not None
    assert [option.value for option in options.by_key["candidate"].options or ()] == [
        "2021-05",
        "2021-06",
        "2021-07",
        "2021-08",
        "2021-09",
        "other",
    ]
    samr.confirm("plan_due", "2021-06")
    assert stored(samr, "plan_due")["due_on"] == "2021-06-30"
    assert stored(samr, "plan_due")["words"] == "2021年〔缺〕月底前"
    assert {line.due_at for line in samr.reports()} == {datetime(2021, 6, 30, 16, tzinfo=UTC)}
    with samr.process_engine.read() as work:
        (found,) = list_confirmations(work, samr.campaign_id).values()
    assert (found.name, found.candidate, found.source_note, found.by, say_date(found.date, "zh")) == (
        "plan_due",
        True,
        "演示确认",
        "人员organiser",
        "2021年6月30日24:00(北京时间)",
    )
    assert samr.tasks("act") == [("act", "confirm_summary_due")]
    samr.at(2021, 7, 1)
    assert samr.tasks("act") == [("act", "conclude_plan"), ("act", "confirm_summary_due")]


def test_another_day_needs_the_day_a_reason_and_a_source(samr_lite: Action) -> None:
    with pytest.raises(FormInvalid) as refusal:
        samr_lite.do("organiser", "confirm_summary_due", {"candidate": "other"})
    assert [(each.code, each.path) for each in refusal.value.findings] == [
        ("FieldRequired", "other_day"),
        ("FieldRequired", "reason"),
        ("FieldRequired", "source_note"),
    ]
    assert stored(samr_lite, "summary_due")["kind"] == "unknown"


def test_another_day_is_taken_with_its_reason(samr_lite: Action) -> None:
    samr_lite.confirm("summary_due", "other", other_day="2021-11-30", reason="省里来函")
    assert stored(samr_lite, "summary_due")["due_on"] == "2021-11-30"
    assert {line.period for line in samr_lite.reports()} == {"2021-11-30"}
    with samr_lite.process_engine.read() as work:
        found = list_confirmations(work, samr_lite.campaign_id)["summary_due"]
    assert (found.candidate, found.reason) == (False, "省里来函")


def findings_of(change: tuple[bytes, bytes], file: str = "campaign.bpmn") -> set[tuple[str, str | None]]:
    files = dict(bundled_notices()["samr_2021_34"])
    assert change[0] in files[file]
    files[file] = files[file].replace(*change)
    with pytest.raises(NoticeInvalid) as refusal:
        read_notice(files)
    return {(each.code, each.element) for each in refusal.value.findings}


def test_a_diagram_that_does_not_confirm_first_is_refused_with_the_element() -> None:
    found = findings_of((b'value="plan_due" />\n        </camunda:properties>\n        <camunda:taskListener event="complete" delegateExpression="${dates.confirm}"', b'value="summary_due" />\n        </camunda:properties>\n        <camunda:taskListener event="complete" delegateExpression="${dates.confirm}"'))  # fmt: skip # noqa: E501
    assert found == {
        ("NoticeDateUnconfirmed", name) for name in ("open_plan", "await_plan_due", "conclude_plan", "await_plan")
    } - {("NoticeDateUnconfirmed", "await_plan_due")}


def test_a_date_confirmed_elsewhere_does_not_help_a_report() -> None:
    found = findings_of((b'camunda:dueDate="${due}"', b'camunda:dueDate="${dates.plan_due}"'), "report.bpmn")
    assert found == {("NoticeDateUnconfirmed", "write_report")}


def test_what_notice_and_diagrams_say_of_reports_must_fit() -> None:
    assert findings_of((b'name="report" value="work_plan"', b'name="report" value="plan_of_work"')) == {
        ("NoticeReportUnknown", "open_plan"),
        ("NoticeReportUnknown", "conclude_plan"),
        ("NoticeReportNeverOpened", None),
    }
    assert findings_of((b"form: work_plan", b"form: no_plan"), "notice.yaml") == {("NoticeReferenceUnknown", None)}
    assert findings_of((b"field: cities.enterprises", b"field: cities.city"), "notice.yaml") == {("NoticeNotCountable", None)}
    assert findings_of((b", report: report.bpmn}", b"}"), "notice.yaml") >= {("NoticeReportDiagramMissing", None)}
