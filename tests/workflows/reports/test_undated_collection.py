"""A collection that no date bounds, as that of SAMR 2021: open from the notice until its organiser ends it, and not longer."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import resources
from typing import Any

import pytest
import sqlalchemy as sa

from engine.due import run_due
from engine.errors import Problem
from engine.model import read_diagram
from engine.tables import instance
from engine.tasks import complete_task
from engine.work import Work
from tests.workflows.reports.acting import Action
from workflows import inbox
from workflows.applications import ends_with_collection, find_end, start_application
from workflows.campaigns import CollectionEnded, CollectionNotOpen, create_campaign
from workflows.campaigns.windows import decide_collecting
from workflows.forms import FormInvalid
from workflows.inbox.viewing import is_in_time
from workflows.rules import NotPermitted
from workflows.tables import application_version, campaign, case, draft, receipt

MEETING = 0.5
"""Seconds for the second to come to where it must wait for the first."""
APPLICATION = {
    "title": "一站式服务案例",
    "contact_name": "张三丰",
    "contact_phone": "010-55501234",
    "background": "背景。",
    "practice": "做法。",
    "results": "成效。",
}


@pytest.fixture
def action(samr: Action) -> Action:
    """SAMR 2021 on each database, at its last report: concluding it ends the collection."""
    return go_on(samr)


@pytest.fixture
def action_lite(samr_lite: Action) -> Action:
    """The same on SQLite only."""
    return go_on(samr_lite)


def go_on(action: Action) -> Action:
    action.confirm("plan_due", "2021-06")
    action.confirm("summary_due", "2021-11-25")
    action.at(2021, 11, 26)
    action.do("organiser", "conclude_plan", {"remark": ""})
    return action


def begin(action: Action, work: Work | None = None) -> str:
    """The institution opens a case; its id."""
    who = action["one_applicant"]
    if work is not None:
        return start_application(work, who, action.campaign_id, channel="direct")
    with action.process_engine.begin(by=who.id) as work:
        return start_application(work, who, action.campaign_id, channel="direct")


def send(action: Action, task: Any) -> inbox.Receipt:
    """The institution sends its application."""
    who = action["one_applicant"]
    return inbox.complete(action.process_engine, who, task.id, APPLICATION, revision=1, key=uuid.uuid4().hex)


def end(action: Action, work: Work | None = None) -> None:
    """The organiser ends the collection; nobody is told yet."""
    task = action.find_task("conclude_summary")
    if work is not None:
        complete_task(work, task.id, {}, form={"remark": ""}, revision=task.revision)
        return
    with action.process_engine.begin(by=action["organiser"].id) as work:
        complete_task(work, task.id, {}, form={"remark": ""}, revision=task.revision)


def cases(action: Action) -> list[tuple[str, str]]:
    """Number and state of each case."""
    with action.process_engine.read() as work:
        return [tuple(row) for row in work.connection.execute(sa.select(case.c.number, case.c.state).order_by(case.c.number))]


def waiting(action: Action) -> list[str]:
    """The cases whose instance still waits for somebody."""
    query = sa.select(instance.c.business_key).join(case, case.c.instance_id == instance.c.id)
    with action.process_engine.read() as work:
        return list(work.connection.execute(query.where(instance.c.state == "running")).scalars())


def count(action: Action, table: sa.Table) -> int:
    with action.process_engine.read() as work:
        return int(work.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def overlap(action: Action, first: Callable[[Work], Any], second: Callable[[], Any], *, by: str) -> list[Any]:
    """Do `first`, and before it is committed begin `second` in another thread; what both gave, a refusal by its name."""

    def run() -> Any:
        try:
            return second()
        except Problem as refused:
            return type(refused).__name__

    with ThreadPoolExecutor(1) as pool:
        with action.process_engine.begin(by=action[by].id) as work:
            one = first(work)
            meanwhile = pool.submit(run)
            with suppress(TimeoutError):
                meanwhile.exception(MEETING)
        return [one, meanwhile.result(20)]


# ---- one after the other ---------------------------------------------------------------------------------------------
def test_it_is_open_until_its_organiser_ends_it(action: Action) -> None:
    action.at(2021, 12, 31)
    begin(action)
    send(action, action.find_task("apply"))
    with action.process_engine.read() as work:
        assert find_end(work, action.campaign_id) is None
    end(action)
    with pytest.raises(CollectionEnded):
        begin(action)
    with action.process_engine.read() as work:
        assert isinstance(find_end(work, action.campaign_id), CollectionEnded)
    run_due(action.process_engine)
    assert cases(action) == [("act-0001", "submitted")] and waiting(action) == ["act-0001"]


def test_it_is_not_open_before_the_notice_is_issued(samr_lite: Action) -> None:
    """Who comes earlier may not even ask; a diagram that takes something then is refused by the collection itself."""
    action = samr_lite
    with action.process_engine.begin(by=action["organiser"].id) as work:
        notice_id = work.connection.execute(sa.select(campaign.c.notice_id)).scalar_one()
        bodies = [(action.places["one"], None)]
        action.campaign_id = create_campaign(work, notice_id, key="next", organiser_id=action.places["authority"], bodies=bodies)
    with pytest.raises(NotPermitted):
        begin(action)
    with action.process_engine.begin() as work, pytest.raises(CollectionNotOpen):
        decide_collecting(work, action.campaign_id)


@pytest.mark.parametrize("told", [False, True])
def test_what_is_sent_after_the_end_is_refused_and_kept(action_lite: Action, told: bool) -> None:
    """Whether the message that takes the task away has arrived or not: the same answer, and nothing that was typed is lost."""
    action = action_lite
    begin(action)
    task = action.find_task("apply")
    end(action)
    if told:
        run_due(action.process_engine)
    with pytest.raises(CollectionEnded):
        send(action, task)
    assert (count(action, application_version), count(action, receipt)) == (0, 0)
    with action.process_engine.read() as work:
        assert work.connection.execute(sa.select(draft.c.data)).scalar_one() == APPLICATION
    run_due(action.process_engine)
    assert cases(action) == [("act-0001", "lapsed")] and waiting(action) == []


@pytest.mark.parametrize("told", [False, True])
def test_a_supplement_after_the_end_is_refused_and_kept(action_lite: Action, told: bool) -> None:
    """What the diagram takes away with the collection is in time by the collection's end, not by when its message arrives."""
    action = action_lite
    begin(action)
    send(action, action.find_task("apply"))
    action.do("organiser", "accept", {"checks": ["complete"], "result": "return", "opinion": "请补充"})
    task = action.find_task("supplement")
    end(action)
    if told:
        run_due(action.process_engine)
    with pytest.raises(CollectionEnded):
        send(action, task)
    assert (count(action, application_version), count(action, receipt)) == (1, 1)
    with action.process_engine.read() as work:
        assert work.connection.execute(sa.select(draft.c.data)).scalar_one() == APPLICATION
    run_due(action.process_engine)
    assert cases(action) == [("act-0001", "lapsed")] and waiting(action) == []


def test_a_supplement_before_the_end_is_taken(action_lite: Action) -> None:
    action = action_lite
    begin(action)
    send(action, action.find_task("apply"))
    action.do("organiser", "accept", {"checks": ["complete"], "result": "return", "opinion": "请补充"})
    send(action, action.find_task("supplement"))
    end(action)
    run_due(action.process_engine)
    assert cases(action) == [("act-0001", "submitted")] and waiting(action) == ["act-0001"]


RETURN = {"checks": ["complete"], "result": "return", "opinion": "请补充"}


def test_nothing_is_returned_in_vain(action_lite: Action) -> None:
    """After the end nobody could supplement it, and no message would end its waiting."""
    action = action_lite
    begin(action)
    send(action, action.find_task("apply"))
    end(action)
    run_due(action.process_engine)
    with pytest.raises(FormInvalid) as refused:
        action.do("organiser", "accept", RETURN)
    assert [(finding.code, finding.path) for finding in refused.value.findings] == [("ReturnInVain", "result")]
    assert cases(action) == [("act-0001", "submitted")]
    action.do("organiser", "accept", {**RETURN, "result": "pass"})
    assert cases(action) == [("act-0001", "accepted")]


def test_no_step_leads_back_to_where_nothing_can_be_sent_any_more(action_lite: Action) -> None:
    """Neither a return nor taking back a step, where a diagram allows them."""
    action = action_lite
    begin(action)
    send(action, action.find_task("apply"))
    task = action.find_task("accept")

    def lead_back() -> dict[str, bool]:
        with action.process_engine.read() as work:
            return {step: is_in_time(work, task, step) for step in ("apply", "supplement", "accept")}

    assert lead_back() == {"apply": True, "supplement": True, "accept": True}
    end(action)
    assert lead_back() == {"apply": False, "supplement": False, "accept": True}


@pytest.mark.parametrize(
    ("notice", "bound"), [("samr_2021_34", True), ("jiangxi_2022", True), ("samr_2022_932", False), ("hubei_2023", False)]
)
def test_which_supplements_end_with_the_collection_the_diagram_says(notice: str, bound: bool) -> None:
    definition = read_diagram((resources.files("bpmn") / notice / "case.bpmn").read_bytes(), name=notice).definition
    assert definition is not None
    assert ends_with_collection(definition, "supplement") is bound


# ---- at the same moment ----------------------------------------------------------------------------------------------
def test_who_opens_while_it_is_ended_is_refused(action: Action) -> None:
    assert overlap(action, lambda work: end(action, work), lambda: begin(action), by="organiser") == [None, "CollectionEnded"]
    assert cases(action) == []


def test_ending_waits_for_who_opens_and_tells_the_case(action: Action) -> None:
    opened, ended = overlap(action, lambda work: begin(action, work), lambda: end(action), by="one_applicant")
    assert opened and ended is None
    assert cases(action) == [("act-0001", "draft")]
    run_due(action.process_engine)
    assert cases(action) == [("act-0001", "lapsed")] and waiting(action) == []


def test_who_sends_while_it_is_ended_is_refused(action: Action) -> None:
    begin(action)
    task = action.find_task("apply")
    given = overlap(action, lambda work: end(action, work), lambda: send(action, task), by="organiser")
    assert given == [None, "CollectionEnded"]
    run_due(action.process_engine)
    assert cases(action) == [("act-0001", "lapsed")] and waiting(action) == []


def test_ending_waits_for_who_sends_and_leaves_the_case(action: Action) -> None:
    begin(action)
    task = action.find_task("apply")
    sent, ended = overlap(
        action,
        lambda work: complete_task(work, task.id, {}, form=APPLICATION, revision=1),
        lambda: end(action),
        by="one_applicant",
    )
    assert (sent, ended) == (None, None)
    run_due(action.process_engine)
    assert cases(action) == [("act-0001", "submitted")] and waiting(action) == ["act-0001"]


def test_what_is_returned_while_it_is_ended_is_refused(action: Action) -> None:
    begin(action)
    send(action, action.find_task("apply"))
    task = action.find_task("accept")

    def give_back() -> None:
        with action.process_engine.begin(by=action["organiser"].id) as work:
            complete_task(work, task.id, {}, form=RETURN, revision=1)

    assert overlap(action, lambda work: end(action, work), give_back, by="organiser") == [None, "FormInvalid"]
    assert cases(action) == [("act-0001", "submitted")]


def test_ending_waits_for_what_is_returned_and_tells_the_case(action: Action) -> None:
    begin(action)
    send(action, action.find_task("apply"))
    task = action.find_task("accept")
    returned, ended = overlap(
        action, lambda work: complete_task(work, task.id, {}, form=RETURN, revision=1), lambda: end(action), by="organiser"
    )
    assert (returned, ended) == (None, None)
    run_due(action.process_engine)
    assert cases(action) == [("act-0001", "lapsed")] and waiting(action) == []


def test_several_open_at_once_without_waiting_for_each_other_for_ever(action: Action) -> None:
    """Each holds the campaign's row and counts up in it."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: begin(action), range(4)))
    assert [number for number, _ in cases(action)] == [f"act-{number:04d}" for number in range(1, 5)]
