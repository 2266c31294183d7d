"""A published case enters another campaign: once, begun with what both forms have, linked at both ends."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from engine.errors import Finding, Problem
from tests.workflows.rounds.hubei import Hubei, beijing
from workflows.forwardings import ForwardingRefused, list_forwardings
from workflows.notices import bundled_notices, deploy_folder
from workflows.tables import campaign, case, forwarding


def publish(world: Hubei) -> str:
    """A case that is published and waits to be forwarded."""
    case_id = world.apply("lab")
    world.examine("wuhan_auditor", case_id)
    world.assess(case_id)
    world.do("organiser", "publish", {"title": "公布", "cases": [case_id], "remark": ""})
    return case_id


def make_other(world: Hubei, *, bodies: tuple[str, ...] = ()) -> str:
    """Another campaign that collects, of the call of SAMR moved to 2023."""
    own, notice_id = world.campaign_id, world.notice_id
    with world.process_engine.begin() as work:
        world.notice_id = deploy_folder(work, bundled_notices()["samr_2022_932"], key="samr_2022_932")
    dates = {"collection_cutoff": beijing(9, 1), "review_until": beijing(11, 1), "publication": beijing(12, 1)}
    other = world.make_campaign(
        key="other", bodies=[(world.places[name], None) for name in bodies], dates=dates, title="优秀案例征集"
    )
    world.campaign_id, world.notice_id = own, notice_id
    return other


@pytest.mark.parametrize("recommends", [False, True])
def test_the_best_enter_another_campaign(hubei_anywhere: Hubei, recommends: bool) -> None:
    world = hubei_anywhere
    other = make_other(world, bodies=("authority",) if recommends else ())
    source = publish(world)
    task = world.find_task("forward", source)
    view = world.open("organiser", task)
    assert view.form is not None
    assert [option.value for option in view.form.by_key["campaign"].options or ()] == [other]
    sent = {"decision": "forward", "departments": "省经信厅\n省经信厅\n", "governments": "武汉市人民政府", "campaign": other}
    first = world.complete("organiser", task, sent, revision=1, key="once")
    assert world.complete("organiser", task, sent, revision=1, key="once") == first
    world.settle()
    (target,) = world.rows(sa.select(case).where(case.c.campaign_id == other))
    assert (target.institution_id, target.state) == (world.places["lab"], "draft")
    wanted = ("recommended", world.places["authority"]) if recommends else ("direct", None)
    assert (target.channel, target.body_id) == wanted
    with world.process_engine.read() as work:
        away, origin = list_forwardings(work, source)
        assert origin is None
        assert {(each.kind, each.name, each.number) for each in away} == {
            ("department", "省经信厅", None),
            ("government", "武汉市人民政府", None),
            ("campaign", "优秀案例征集", target.number),
        }
        back = list_forwardings(work, target.id)
        assert back[0] == [] and back[1] is not None and (back[1].case_id, back[1].number) == (source, world.number(source))
    begun = world.open("lab", world.find_task("apply", target.id)).values
    assert {key: begun.get(key) for key in ("title", "background", "practice", "results", "seal_scan", "summary")} == {
        "title": "计量服务光谷产业",
        "background": "背景。",
        "practice": "做法。",
        "results": "成效。",
        "seal_scan": None,
        "summary": None,
    }


def test_a_closed_window_is_refused_with_the_reason_and_nothing_is_forwarded(hubei: Hubei) -> None:
    other = make_other(hubei)
    source = publish(hubei)
    task = hubei.find_task("forward", source)
    hubei.at(beijing(9, 1), due=False)
    sent = {"decision": "forward", "departments": "省经信厅", "campaign": other}
    with pytest.raises(ForwardingRefused) as refused:
        hubei.complete("organiser", task, sent)
    (finding,) = refused.value.findings
    assert isinstance(finding, Finding) and (finding.code, finding.path) == ("ForwardingWindowClosed", "campaign")
    assert hubei.rows(sa.select(forwarding)) == [] and hubei.find_task("forward", source) == task


def make_undated(world: Hubei) -> str:
    """Another campaign that collects, of the action of 2021: no date bounds its cases."""
    own, notice_id = world.campaign_id, world.notice_id
    with world.process_engine.begin() as work:
        world.notice_id = deploy_folder(work, bundled_notices()["samr_2021_34"], key="samr_2021_34")
    other = world.make_campaign(key="other", bodies=[(world.places["authority"], None)])
    world.campaign_id, world.notice_id = own, notice_id
    return other


def end_collection(world: Hubei, campaign_id: str) -> None:
    """As its organiser leaves it."""
    with world.process_engine.begin() as work:
        work.connection.execute(sa.update(campaign).where(campaign.c.id == campaign_id).values(phase="reviewing"))


def test_a_collection_without_a_date_takes_cases_until_it_is_ended(hubei: Hubei) -> None:
    other = make_undated(hubei)
    source = publish(hubei)
    task = hubei.find_task("forward", source)

    def offered() -> list[str]:
        form = hubei.open("organiser", task).form
        assert form is not None
        return [option.value for option in form.by_key["campaign"].options or ()]

    assert offered() == [other]
    end_collection(hubei, other)
    assert offered() == []
    with pytest.raises(Problem) as refused:
        hubei.complete("organiser", task, {"decision": "forward", "campaign": other})
    assert [finding.path for finding in refused.value.findings] == ["campaign"]
    assert hubei.rows(sa.select(forwarding)) == []


def test_a_collection_that_is_ended_while_a_case_is_forwarded_tells_the_case(hubei: Hubei) -> None:
    other = make_undated(hubei)
    task = hubei.find_task("forward", publish(hubei))
    hubei.complete("organiser", task, {"decision": "forward", "campaign": other})
    end_collection(hubei, other)
    hubei.settle()
    (target,) = hubei.rows(sa.select(case).where(case.c.campaign_id == other))
    assert target.state == "lapsed"


def test_forwarding_to_nobody_is_asked_about(hubei: Hubei) -> None:
    source = publish(hubei)
    with pytest.raises(ForwardingRefused) as refused:
        hubei.do("organiser", "forward", {"decision": "forward"}, source)
    assert [finding.code for finding in refused.value.findings] == ["ForwardingEmpty"]
    hubei.do("organiser", "forward", {"decision": "none"}, source)
    assert hubei.rows(sa.select(forwarding)) == []
