"""Hubei's campaign from the notice to its end: two cadences at once, continuous publication, the rest decided by a person."""

from __future__ import annotations

import sqlalchemy as sa

from engine.due import run_due
from engine.tables import instance, message, user_task
from tests.workflows.rounds.hubei import Hubei, beijing
from workflows.publications import list_publications
from workflows.tables import campaign, case, receipt, round_

MONTHS = ["2023-05", "2023-06", "2023-07", "2023-08", "2023-09", "2023-10", "2023-11", "2023-12"]


def test_from_the_notice_to_the_end(hubei_anywhere: Hubei) -> None:
    world = hubei_anywhere
    world.at(beijing(5, 25, 10))
    first = world.apply("lab")
    assert world.state(first) == "submitted"
    world.at(beijing(5, 31, 23, 59, 59), due=False)  # the last second of May
    world.examine("wuhan_auditor", first)
    assert world.state(first) == "reported"
    world.at(beijing(6, 1))  # and the first of June
    direct = world.apply("fibre", channel="direct", title="纤维检验助企")
    world.assess(first)
    world.assess(direct)
    world.do("organiser", "publish", {"title": "第一批公布", "cases": [first_id for first_id in (first, direct)], "remark": ""})
    assert (world.state(first), world.state(direct)) == ("published", "published")
    world.do("organiser", "forward", {"decision": "none"}, direct)
    departments = {"decision": "forward", "departments": "省发展改革委\n省经信厅", "governments": "武汉市人民政府"}
    world.do("organiser", "forward", departments, first)
    world.at(beijing(7, 2))
    shown = world.open("organiser", world.find_task("publicise")).context
    assert (shown["round"].occurrence.key, len(shown["round_cases"])) == ("2023-H1", shown["round"].total)
    world.do("organiser", "publicise", {"publicity": "上半年专题报道"})
    world.at(beijing(12, 20))
    late = world.apply("works", title="十二月的案例")
    world.examine("huangshi_auditor", late)
    world.at(beijing(12, 31, 23, 59, 59), due=False)
    silent = world.open_case("fibre", channel="direct")
    world.at(beijing(1, 3, year=2024))
    assert world.state(silent) == "lapsed"
    world.assess(late)
    world.do("organiser", "publish", {"title": "第二批公布", "cases": [late], "remark": ""})
    world.do("organiser", "forward", {"decision": "none"}, late)
    world.do("organiser", "publicise", {"publicity": "下半年专题报道"})
    world.do("organiser", "place_rest", {"joined": [late], "reason": "并入下半年宣传"})
    numbers = [world.number(each) for each in (first, direct, late)]
    assert world.rounds("month") == {
        **{month: [] for month in MONTHS},
        "2023-05": [numbers[0]],
        "2023-06": [numbers[1]],
        "2023-12": [numbers[2]],
    }
    assert world.rounds("batch") == {"2023-H1": numbers[:2], "2023-H2": [numbers[2]]}
    for name in ("organiser", "wuhan_auditor", "lab"):
        told = world.life(name, first)
        assert [(each.title, each.place) for each in told.publications] == [("第一批公布", 1)]
        rounds = [(each.plan, each.occurrence, each.publicity) for each in told.rounds]
        assert rounds == ([("month", "2023-05", None), ("batch", "2023-H1", "上半年专题报道")] if name != "lab" else [])
    with world.process_engine.read() as work:
        found = list_publications(work, world.campaign_id)
        assert [(each.title, [line.title for line in each.cases]) for each in found] == [
            ("第一批公布", ["计量服务光谷产业", "纤维检验助企"]),
            ("第二批公布", ["十二月的案例"]),
        ]
        assert work.connection.execute(sa.select(campaign.c.phase)).scalar_one() == "ended"
        assert set(work.connection.execute(sa.select(instance.c.state)).scalars()) == {"ended"}
        assert work.connection.execute(sa.select(user_task.c.id).where(user_task.c.state == "open")).all() == []
        assert set(work.connection.execute(sa.select(message.c.state)).scalars()) == {"delivered"}
        kinds = work.connection.execute(sa.select(receipt.c.kind, receipt.c.accepted).where(receipt.c.case_id == first)).all()
        assert [tuple(row) for row in kinds] == [("application", True), ("report", True)]


def test_nothing_is_rolled_up_before_its_time_and_all_of_it_after_a_downtime(hubei: Hubei) -> None:
    early = hubei.apply("lab")
    hubei.examine("wuhan_auditor", early)
    assert hubei.rounds("month") == {}
    hubei.at(beijing(6, 1), due=False)
    hubei.clock.move_to(beijing(9, 15))  # nobody was there for three months and a half
    run_due(hubei.process_engine)
    assert hubei.rounds("month") == {"2023-05": [hubei.number(early)], "2023-06": [], "2023-07": [], "2023-08": []}
    closed = hubei.rows(sa.select(round_.c.occurrence, round_.c.due_on).where(round_.c.plan == "month").order_by(round_.c.id))
    assert [(row.occurrence, row.due_on.isoformat()) for row in closed] == [
        ("2023-05", "2023-05-31"),
        ("2023-06", "2023-06-30"),
        ("2023-07", "2023-07-31"),
        ("2023-08", "2023-08-31"),
    ]


def test_a_report_after_the_end_is_too_late_and_the_case_lapses(hubei: Hubei) -> None:
    case_id = hubei.apply("lab")
    returned = hubei.apply("works", title="退回的案例")
    hubei.examine("huangshi_auditor", returned, "return")
    hubei.at(beijing(1, 1, year=2024))
    assert (hubei.state(case_id), hubei.state(returned)) == ("lapsed", "lapsed")
    assert hubei.scalar(sa.select(sa.func.count()).where(case.c.reported_at.is_not(None))) == 0
