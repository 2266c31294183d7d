"""One case, one record: the same title is refused, a near one is shown, other channels are noted with the case."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.workflows.rounds.hubei import Hubei, beijing
from tests.workflows.test_at_once import at_once
from workflows.arrivals import ArrivalInvalid, list_arrivals, record_arrival
from workflows.duplicates import CaseRecordedAlready, normalise_title
from workflows.rules import NotPermitted
from workflows.tables import application_version, arrival, case, receipt


def test_titles_are_compared_without_width_spaces_and_punctuation() -> None:
    assert normalise_title("“计量”服务 ＡＩ 产业（2023）") == normalise_title("计量服务ai产业2023") == "计量服务ai产业2023"
    assert normalise_title("计量服务产业") != normalise_title("标准服务产业")


def test_the_second_application_with_a_title_is_refused_with_the_number_of_the_first(hubei: Hubei) -> None:
    first = hubei.apply("lab", title="“计量”服务光谷产业")
    second = hubei.open_case("lab_colleague", channel="direct")
    with pytest.raises(CaseRecordedAlready) as refused:
        hubei.send("lab_colleague", second, title="计量服务 光谷产业！")
    assert refused.value.values["number"] == hubei.number(first)
    assert [finding.path for finding in refused.value.findings] == ["title"]
    assert hubei.state(second) == "draft"
    assert hubei.scalar(sa.select(sa.func.count()).select_from(application_version)) == 1
    hubei.send("lab_colleague", second, title="标准引领光谷产业")
    assert hubei.state(second) == "submitted"


def test_of_two_with_the_same_title_at_the_same_moment_one_is_refused(hubei_anywhere: Hubei) -> None:
    hubei = hubei_anywhere
    people = ("lab", "lab_colleague")
    tasks = {name: hubei.find_task("apply", hubei.open_case(name, channel="direct")) for name in people}
    forms = {name: hubei.application(name, task) for name, task in tasks.items()}
    results = at_once(*[lambda name=name: hubei.complete(name, tasks[name], forms[name], revision=1) for name in people])
    assert sorted(results) == ["CaseRecordedAlready", "Receipt"]
    hubei.settle()
    assert [row.title for row in hubei.rows(sa.select(case.c.title).where(case.c.state != "draft"))] == ["计量服务光谷产业"]
    assert hubei.scalar(sa.select(sa.func.count()).select_from(application_version)) == 1


def test_a_title_can_come_again_after_a_refusal_and_from_another_unit(hubei: Hubei) -> None:
    first = hubei.apply("lab")
    hubei.examine("wuhan_auditor", first, "reject")
    assert hubei.state(hubei.apply("lab")) == "submitted"
    assert hubei.state(hubei.apply("works")) == "submitted"


def test_with_the_setting_warn_nothing_is_refused_and_who_examines_is_warned(hubei: Hubei) -> None:
    hubei.make_campaign(key="warned", settings={"duplicate_titles": "warn"})
    first, second = hubei.apply("lab"), hubei.apply("lab", title="计量服务光谷产业。")
    near, other = hubei.apply("lab", title="计量服务光谷产业发展"), hubei.apply("lab", title="别的")
    similar = hubei.open("wuhan_auditor", hubei.find_task("examine", second)).context["similar"]
    assert [(each.number, each.same) for each in similar] == [(hubei.number(first), True), (hubei.number(near), False)]
    assert hubei.open("wuhan_auditor", hubei.find_task("examine", other)).context["similar"] == []


def test_an_arrival_by_another_channel_is_noted_with_a_receipt_and_moves_no_round(hubei: Hubei) -> None:
    case_id = hubei.apply("lab")
    hubei.at(beijing(6, 10))
    for name, channel, moment in (
        ("wuhan_auditor", "paper", beijing(5, 30, 15)),
        ("organiser", "email", beijing(5, 29, 9)),
    ):
        with hubei.process_engine.begin(by=hubei[name].id) as work:
            record_arrival(work, hubei[name], case_id, channel=channel, received_at=moment, note="盖章件")
    with hubei.process_engine.read() as work:
        found = [(each.channel.key, each.place, each.received_at) for each in list_arrivals(work, case_id) if each.channel]
    assert found == [("email", "省局", beijing(5, 29, 9)), ("paper", "武汉", beijing(5, 30, 15))]
    kinds = hubei.rows(sa.select(receipt.c.kind).where(receipt.c.case_id == case_id).order_by(receipt.c.id))
    assert [row.kind for row in kinds] == ["application", "arrival", "arrival"]
    assert [line.kind for line in hubei.view("organiser", case_id).history].count("arrived") == 2
    assert hubei.scalar(sa.select(case.c.reported_at).where(case.c.id == case_id)) is None
    assert hubei.rounds("month") == {"2023-05": []}


def test_what_may_not_or_cannot_be_noted(hubei: Hubei) -> None:
    case_id = hubei.apply("lab")
    for name in ("lab", "huangshi_auditor", "administrator"):
        with pytest.raises(NotPermitted), hubei.process_engine.begin(by=hubei[name].id) as work:
            record_arrival(work, hubei[name], case_id, channel="paper", received_at=work.now, note="")
    with pytest.raises(ArrivalInvalid) as refused, hubei.process_engine.begin(by=hubei["organiser"].id) as work:
        record_arrival(
            work, hubei["organiser"], case_id, channel="online", received_at=work.now + timedelta(seconds=1), note="长" * 501
        )
    assert [finding.path for finding in refused.value.findings] == ["channel", "received_at", "note"]
    assert hubei.scalar(sa.select(sa.func.count()).select_from(arrival)) == 0
