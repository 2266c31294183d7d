"""Comments and objections: a window in work days, in time to the microsecond, decided one by one, and what an upheld one does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.instances import instance_variables
from workflows import consultations
from workflows.consultations import CommentInvalid, CommentTooLate, ConsultationNotOpen, SettlementInvalid
from workflows.rules import CampaignUnknown
from workflows.selection import TieUndecided, last_selection
from workflows.tables import campaign, comment, selection, selection_item, window

WEDNESDAY = datetime(2022, 11, 9, 2, tzinfo=UTC)
CLOSES = datetime(2022, 11, 16, 16, tzinfo=UTC)
"""24:00 of the fifth work day after Wednesday 2022-11-09 in Beijing."""


def consulted(make: Any, points: dict[int, int], *, cut: int, **options: Any) -> Any:
    """A campaign that is asking for comments since Wednesday 2022-11-09."""
    stage = make(cases=len(points), experts=9, provinces=3, **options)
    stage.open_review(experts_per_case=2)
    stage.review_all(lambda number, turn: points[stage.numbers.index(number)])
    stage.clock.move_to(WEDNESDAY)
    stage.complete("select_cases", stage.organiser, {"cut": cut, "method": "mean", "reason": "按得分"})
    return stage


def send(stage: Any, **values: Any) -> str:
    given = {"kind": "comment", "from_name": "演练某某", "from_contact": "public@example.org", "text": "请补充数据来源。"}
    with stage.process_engine.begin() as work:
        return str(consultations.receive_comment(work, stage.campaign_id, **{**given, **values}))


def settle(stage: Any, decisions: dict[str, str], **form: Any) -> None:
    rows = [{"comment": key, "decision": value, "answer": "已核实。"} for key, value in decisions.items()]
    stage.complete("settle_comments", stage.organiser, {"decisions": rows, "remark": "", **form})
    stage.run()


def selected(stage: Any) -> list[str]:
    return [number for number, state in stage.states().items() if state == "selected"]


def test_the_window_is_counted_in_work_days(make_stage: Any) -> None:
    stage = consulted(make_stage, {0: 90, 1: 80}, cut=1)
    with stage.process_engine.read() as work:
        row = consultations.read_window(work, stage.campaign_id)
        assert row is not None
        assert (row.opens_at, row.cutoff_at, row.state) == (WEDNESDAY, CLOSES, "open")
        found = work.connection.execute(sa.select(campaign)).one()
        assert found.phase == "consulting"
        assert instance_variables(work, found.instance_id)["consultation_until"] == "2022-11-17T00:00:00+08:00"
        assert [(line.number, line.title, line.unit) for line in consultations.list_consulted(work, stage.campaign_id)] == [
            (stage.numbers[0], "检测000中心服务产业案例", "演练检测中心000")
        ]
    stage.go_to(CLOSES - timedelta(seconds=1))
    assert stage.find_tasks("settle_comments") == []
    stage.go_to(CLOSES)
    assert len(stage.find_tasks("settle_comments")) == 1
    with stage.process_engine.read() as work:
        assert work.connection.execute(sa.select(window.c.state).where(window.c.name == "comments")).scalar_one() == "closed"


def test_other_lengths_and_holidays(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=1, experts=6, settings={"consultation_work_days": 7})
    stage.open_review(experts_per_case=1)
    stage.review_all()
    stage.clock.move_to(datetime(2023, 1, 18, 2, tzinfo=UTC))  # before the Spring Festival: 19, 20, 28 to 31 January, 1 February
    stage.complete("select_cases", stage.organiser, {"cut": 1, "method": "mean", "reason": ""})
    with stage.process_engine.read() as work:
        row = consultations.read_window(work, stage.campaign_id)
    assert row is not None and row.cutoff_at == datetime(2023, 2, 1, 16, tzinfo=UTC)


def test_in_time_is_decided_to_the_microsecond(make_stage: Any) -> None:
    stage = make_stage(cases=1, experts=6, provinces=3)
    with pytest.raises(ConsultationNotOpen):
        send(stage)
    stage.open_review(experts_per_case=2)
    stage.review_all()
    stage.clock.move_to(WEDNESDAY)
    stage.complete("select_cases", stage.organiser, {"cut": 1, "method": "mean", "reason": ""})
    send(stage)
    stage.clock.move_to(CLOSES - timedelta(microseconds=1))
    last = send(stage, text="最后一刻")
    stage.clock.move_to(CLOSES)  # the timer has not fired: the window decides
    with pytest.raises(CommentTooLate) as caught:
        send(stage)
    assert "2022年11月16日24:00" in caught.value.values["cutoff"]
    with stage.process_engine.read() as work:
        rows = consultations.list_comments(work, stage.campaign_id)
    assert [row.text for row in rows] == ["请补充数据来源。", "最后一刻"]
    assert rows[1].id == last and rows[1].received_at == CLOSES - timedelta(microseconds=1)


def test_all_faults_of_a_comment_at_once(make_sqlite_stage: Any) -> None:
    stage = consulted(make_sqlite_stage, {0: 90, 1: 80}, cut=1)
    with pytest.raises(CommentInvalid) as caught:
        send(stage, kind="objection", from_name=" ", from_contact=None, text="", case_number="nothing")
    assert [(f.code, f.path) for f in caught.value.findings] == [
        ("TextMissing", "from_name"),
        ("TextMissing", "from_contact"),
        ("TextMissing", "text"),
        ("CommentCaseUnknown", "case_number"),
    ]
    with pytest.raises(CommentInvalid) as caught:
        send(stage, kind="shout", from_name="名" * 101, from_contact="x" * 201, text="长" * 5001, case_number=stage.numbers[1])
    assert [(f.code, f.path) for f in caught.value.findings] == [
        ("CommentKindUnknown", "kind"),
        ("TextTooLong", "from_name"),
        ("TextTooLong", "from_contact"),
        ("TextTooLong", "text"),
        ("CommentCaseUnknown", "case_number"),  # a case that is not to be selected is nobody's business yet
    ]
    with pytest.raises(CommentInvalid):
        send(stage, text="x" * 50_000_000)
    with pytest.raises(CampaignUnknown), stage.process_engine.begin() as work:
        consultations.receive_comment(work, "nowhere", kind="comment", from_name="a", text="b")


def test_only_plain_text_is_kept(make_sqlite_stage: Any) -> None:
    stage = consulted(make_sqlite_stage, {0: 90}, cut=1)
    send(stage, from_name="张\u202e三\n", text="一\x00\r\n<script>二</script>\u2066\ud800")
    with stage.process_engine.read() as work:
        [row] = consultations.list_comments(work, stage.campaign_id)
    assert (row.from_name, row.text) == ("张三", "一\n<script>二</script>")


def test_every_comment_needs_a_decision_and_an_answer(make_sqlite_stage: Any) -> None:
    stage = consulted(make_sqlite_stage, {0: 90, 1: 80}, cut=1)
    first, second = send(stage), send(stage, kind="objection", case_number=stage.numbers[0])
    stage.go_to(CLOSES)
    with stage.process_engine.read() as work:
        rows = consultations.list_settlement_rows(work, stage.campaign_id)
    assert [(row["comment"], row["about"]) for row in rows] == [
        (first, ""),
        (second, f"{stage.numbers[0]} 检测000中心服务产业案例"),
    ]
    with pytest.raises(SettlementInvalid) as caught:
        stage.complete(
            "settle_comments",
            stage.organiser,
            {"decisions": [{"comment": first, "decision": "perhaps", "answer": " "}, {"comment": "unknown"}, {"comment": first}]},
        )
    assert [(f.code, f.path) for f in caught.value.findings] == [
        ("DecisionMissing", "decisions.0.decision"),
        ("AnswerMissing", "decisions.0.answer"),
        ("CommentUnknown", "decisions.1.comment"),
        ("CommentUnknown", "decisions.2.comment"),
        ("CommentUndecided", "decisions"),
    ]
    settle(stage, {first: "adopted", second: "not_adopted"})
    with stage.process_engine.read() as work:
        done = work.connection.execute(sa.select(comment).order_by(comment.c.received_at, comment.c.id)).all()
        assert len(work.connection.execute(sa.select(selection)).all()) == 1  # nothing was upheld
    assert sorted((row.state, row.answer, row.decided_by) for row in done) == [
        ("adopted", "已核实。", stage.organiser.id),
        ("not_adopted", "已核实。", stage.organiser.id),
    ]
    assert selected(stage) == [stage.numbers[0]]
    assert len(stage.find_tasks("publish")) == 1


def test_an_upheld_objection_takes_the_case_out_and_the_next_moves_up(make_stage: Any) -> None:
    stage = consulted(make_stage, {0: 90, 1: 80, 2: 70, 3: 60}, cut=2)
    a, b, c, d = stage.numbers
    upheld = send(stage, kind="objection", case_number=a, text="数据不实")
    comment_on_b = send(stage, kind="comment", case_number=b)
    stage.go_to(CLOSES)
    settle(stage, {upheld: "adopted", comment_on_b: "adopted"}, remark="异议成立")
    assert stage.states() == {a: "withdrawn", b: "selected", c: "selected", d: "not_selected"}
    with stage.process_engine.read() as work:
        last = last_selection(work, stage.campaign_id)
        assert last is not None and last.reason == "异议成立"
        items = work.connection.execute(sa.select(selection_item).where(selection_item.c.selection_id == last.id)).all()
        assert len(work.connection.execute(sa.select(selection)).all()) == 2  # what was decided first stays written
    assert sorted((item.place, item.selected, item.note) for item in items) == [
        (1, True, None),
        (2, True, "moved_up"),
        (3, False, None),
    ]


def test_several_upheld_objections_and_too_few_to_move_up(make_sqlite_stage: Any) -> None:
    stage = consulted(make_sqlite_stage, {0: 90, 1: 80, 2: 70}, cut=2)
    a, b, c = stage.numbers
    ids = [send(stage, kind="objection", case_number=number) for number in (a, b, a)]
    stage.go_to(CLOSES)
    settle(stage, dict.fromkeys(ids, "adopted"))
    assert stage.states() == {a: "withdrawn", b: "withdrawn", c: "selected"}


def test_a_tie_among_those_who_could_move_up_is_decided_by_a_person(make_sqlite_stage: Any) -> None:
    stage = consulted(make_sqlite_stage, {0: 90, 1: 70, 2: 70}, cut=1)
    a, b, c = stage.numbers
    upheld = send(stage, kind="objection", case_number=a)
    stage.go_to(CLOSES)
    with pytest.raises(TieUndecided) as caught:
        settle(stage, {upheld: "adopted"})
    assert [f.path for f in caught.value.findings] == ["promoted", "promoted"]
    assert stage.states()[a] == "selected"
    settle(stage, {upheld: "adopted"}, promoted=[c], remark="会议研究决定")
    assert stage.states() == {a: "withdrawn", b: "not_selected", c: "selected"}


def test_a_tie_that_was_decided_before_stays_decided(make_sqlite_stage: Any) -> None:
    """b was chosen over c by a person; when a goes, c moves up, and b is not asked about again."""
    stage = make_sqlite_stage(cases=3, experts=9, provinces=3)
    stage.open_review(experts_per_case=2)
    a, b, c = stage.numbers
    stage.review_all(lambda number, turn: 90 if number == a else 70)
    stage.clock.move_to(WEDNESDAY)
    stage.complete("select_cases", stage.organiser, {"cut": 2, "method": "mean", "reason": "会议", "decided": [b]})
    upheld = send(stage, kind="objection", case_number=a)
    stage.go_to(CLOSES)
    settle(stage, {upheld: "adopted"})
    assert stage.states() == {a: "withdrawn", b: "selected", c: "selected"}


def test_bodies_are_told_and_demo_letters_are_held(make_sqlite_stage: Any) -> None:
    stage = consulted(make_sqlite_stage, {0: 90}, cut=1, demo=True)
    letters = stage.letters()
    assert letters and {letter.state for letter in letters} == {"held"}
    assert all("演示" in letter.body for letter in letters)
