"""What gave up is passed over or tried again with other variables: whole or not at all, on both kernels, and kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.bulk import BulkOperation, read_bulk, start_bulk
from engine.clock import VirtualClock
from engine.due import next_due, run_due
from engine.errors import InstanceNotRunning
from engine.external import fail_external, fetch_tasks
from engine.handlers import Call
from engine.history import list_entries
from engine.incidents import IncidentUnknown, list_incidents
from engine.instances import instance_variables, start_instance, suspend_instance
from engine.mending import (
    EDITED,
    PASSED_OVER,
    IncidentNotEditable,
    IncidentNotSkippable,
    VariablesInvalid,
    edit_incident,
    skip_incident,
)
from engine.messages import send_message
from engine.outbox import queue_mail
from engine.tables import instance, metadata, outbox, timer
from engine.timers import arm_timer
from engine.verification import verify_chain
from engine.work import ProcessEngine
from tests.engine.conftest import Deploy

REASON = "打印机已报废"


def fail_often(process_engine: ProcessEngine, clock: VirtualClock) -> Any:
    """Let time pass until something has given up; its incident."""
    for _ in range(30):
        with process_engine.read() as work:
            due = next_due(work)
        if due is None:
            break
        clock.move_to(max(due, clock.now()))
        run_due(process_engine)
    with process_engine.read() as work:
        (found,) = list_incidents(work)
    return found


def skip(process_engine: ProcessEngine, incident_id: str) -> None:
    with process_engine.begin(by="admin") as work:
        skip_incident(work, incident_id, reason=REASON)
    run_due(process_engine)


def edit(process_engine: ProcessEngine, incident_id: str, variables: dict[str, Any]) -> None:
    with process_engine.begin(by="admin") as work:
        edit_incident(work, incident_id, variables, reason=REASON)
    run_due(process_engine)


def everything(process_engine: ProcessEngine) -> dict[str, list[Any]]:
    """All rows of all tables."""
    with process_engine.read() as work:
        return {
            table.name: work.connection.execute(sa.select(table)).all()
            for table in metadata.sorted_tables
            if table.primary_key and table.name != "search_entry"
        }


def tell(process_engine: ProcessEngine, instance_id: str) -> tuple[str, dict[str, Any], list[str], list[str]]:
    """State, variables, the kinds of its history, where it stands; and the chain holds."""
    with process_engine.read() as work:
        state = work.connection.execute(sa.select(instance.c.state).where(instance.c.id == instance_id)).scalar_one()
        kinds = [row.kind for row in list_entries(work, instance_id)]
        assert verify_chain(work, instance_id) is None
        variables = instance_variables(work, instance_id) if state == "running" else {}
        tasks = sa.text("SELECT element_id FROM user_task WHERE state = 'open' ORDER BY element_id")
        return state, variables, kinds, list(work.connection.execute(tasks).scalars())


def start(process_engine: ProcessEngine, definition: str, variables: dict[str, Any]) -> str:
    with process_engine.begin() as work:
        return start_instance(work, definition, "case-1", variables)


def broken(_call: Call) -> None:
    raise RuntimeError("the printer is on fire")


@pytest.fixture
def failing(process_engine: ProcessEngine, deploy_diagram: Deploy) -> str:
    """An instance that waits an hour for a handler that always fails."""
    process_engine.handlers.register("work.do", broken)
    definition = deploy_diagram(process_engine, "failing")
    with process_engine.begin() as work:
        return start_instance(work, definition, "case-1", {})


def test_a_failing_handler_is_passed_over(process_engine: ProcessEngine, virtual_clock: VirtualClock, failing: str) -> None:
    found = fail_often(process_engine, virtual_clock)
    assert (found.kind, found.instance_id, found.element_id) == ("timer", failing, "work")  # what failed, not what waited
    skip(process_engine, found.id)
    state, _, kinds, _ = tell(process_engine, failing)
    assert (state, kinds) == ("ended", ["started", "fired", "ended", PASSED_OVER])
    with process_engine.read() as work:
        row = list_entries(work, failing)[-1]
        (closed,) = list_incidents(work, resolved=True)
        assert list_incidents(work) == []
    assert (row.element_id, row.by, row.detail) == ("work", "admin", {"incident": found.id, "reason": REASON})
    assert (closed.resolution, closed.reason, closed.resolved_by) == ("skipped", REASON, "admin")
    with pytest.raises(IncidentUnknown), process_engine.begin() as work:
        skip_incident(work, found.id, reason=REASON)


def test_a_failing_script_is_passed_over(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, deploy_diagram: Deploy
) -> None:
    class Broken:
        def run(self, *_: Any) -> Any:
            raise RuntimeError("no")

    process_engine.extras["scripts"] = Broken()
    instance_id = start(process_engine, deploy_diagram(process_engine, "script"), {"names": ["甲"]})
    found = fail_often(process_engine, virtual_clock)
    skip(process_engine, found.id)
    state, variables, kinds, tasks = tell(process_engine, instance_id)
    assert (state, variables, kinds, tasks) == ("running", {"names": ["甲"]}, ["started", PASSED_OVER], ["look"])


def test_a_worker_that_gave_up_is_passed_over(process_engine: ProcessEngine, deploy_diagram: Deploy) -> None:
    definition = deploy_diagram(process_engine, "external")
    with process_engine.begin() as work:
        instance_id = start_instance(work, definition, "case-1", {"files": ["a"], "urgency": 1})
    with process_engine.read() as work:
        topic = work.connection.execute(sa.text("SELECT topic FROM external_task")).scalar_one()
    with process_engine.begin() as work:
        (task,) = fetch_tasks(work, [topic], "worker", lock_for=timedelta(minutes=5))
        fail_external(work, task.id, "worker", "no paper", retries=0)
    with process_engine.read() as work:
        (found,) = list_incidents(work)
    skip(process_engine, found.id)
    assert tell(process_engine, instance_id)[2][-2:] in (["work_failed", PASSED_OVER], [PASSED_OVER, "ended"])
    with process_engine.read() as work:
        assert work.connection.execute(sa.text("SELECT state FROM external_task")).scalars().all()[0] == "done"


def test_a_gateway_without_a_way_is_not_passed_over_but_its_variables_are_changed(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, deploy_diagram: Deploy
) -> None:
    instance_id = start(process_engine, deploy_diagram(process_engine, "choosing"), {"amount": 3, "double": None})
    found = fail_often(process_engine, virtual_clock)
    assert found.element_id == "choose"
    before = everything(process_engine)
    with pytest.raises(IncidentNotSkippable) as refused, process_engine.begin() as work:
        skip_incident(work, found.id, reason=REASON)
    assert refused.value.values["element"] == "choose" and everything(process_engine) == before
    edit(process_engine, found.id, {"amount": 30, "note": {"by": "hand"}})
    state, variables, kinds, tasks = tell(process_engine, instance_id)
    assert (state, variables, tasks) == ("running", {"amount": 30, "double": 60, "note": {"by": "hand"}}, ["much"])
    assert kinds == ["started", EDITED, "fired"]
    with process_engine.read() as work:
        row = list_entries(work, instance_id)[1]
        (closed,) = list_incidents(work, resolved=True)
    assert row.by == "admin" and row.detail == {
        "incident": found.id,
        "reason": REASON,
        "old": {"amount": 3},
        "new": {"amount": 30, "note": {"by": "hand"}},
    }
    assert (closed.resolution, closed.reason) == ("edited", REASON)


def test_what_follows_may_need_the_result(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, deploy_diagram: Deploy
) -> None:
    instance_id = start(process_engine, deploy_diagram(process_engine, "choosing"), {"amount": None, "double": 20})
    found = fail_often(process_engine, virtual_clock)
    assert found.element_id == "weigh"  # None * 2
    skip(process_engine, found.id)
    assert tell(process_engine, instance_id)[3] == ["much"]  # by the double that was there


def test_a_second_failure_behind_it_is_a_refusal_that_changes_nothing(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, deploy_diagram: Deploy
) -> None:
    start(process_engine, deploy_diagram(process_engine, "choosing"), {"amount": None, "double": None})
    found = fail_often(process_engine, virtual_clock)
    before = everything(process_engine)
    with pytest.raises(IncidentNotSkippable) as refused, process_engine.begin() as work:
        skip_incident(work, found.id, reason=REASON)
    assert refused.value.values["element"] == "f4" and everything(process_engine) == before  # the condition of that flow


def test_a_message_that_its_receiver_cannot_take(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, deploy_diagram: Deploy
) -> None:
    process_engine.handlers.register("work.do", broken)
    instance_id = start(process_engine, deploy_diagram(process_engine, "told"), {})
    with process_engine.begin() as work:
        send_message(work, "news", "case-1")
    found = fail_often(process_engine, virtual_clock)
    assert (found.kind, found.instance_id, found.element_id) == ("message", instance_id, "work")
    skip(process_engine, found.id)
    assert tell(process_engine, instance_id)[2] == ["started", "received", "ended", PASSED_OVER]


# ---- without an instance ---------------------------------------------------------------------------------------------
def test_a_letter_does_not_leave(process_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    process_engine.extras["senders"] = {"mail": broken}
    with process_engine.begin() as work:
        queue_mail(work, recipient="a@example.org", subject="s", body="b", about=None, unique_key="k")
    found = fail_often(process_engine, virtual_clock)
    with pytest.raises(IncidentNotEditable), process_engine.begin() as work:
        edit_incident(work, found.id, {"a": 1}, reason=REASON)
    skip(process_engine, found.id)
    with process_engine.read() as work:
        assert work.connection.execute(sa.select(outbox.c.state)).scalars().all() == ["withdrawn"]


def test_a_reminder_is_left_out(process_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    process_engine.handlers.register("work.do", broken)
    with process_engine.begin() as work:
        arm_timer(work, "work.do", work.now, unique_key="k", payload={})
    skip(process_engine, fail_often(process_engine, virtual_clock).id)
    with process_engine.read() as work:
        assert work.connection.execute(sa.select(timer.c.state)).scalars().all() == ["cancelled"]


# ---- refusals --------------------------------------------------------------------------------------------------------
def test_variables_that_are_none(process_engine: ProcessEngine, virtual_clock: VirtualClock, failing: str) -> None:
    found = fail_often(process_engine, virtual_clock)
    before = everything(process_engine)
    bad: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["VariablesUnfit"]),
        ({"1a": 1, "b c": 2, "": 3, "甲": 4}, ["VariableNameInvalid"] * 4),
        ({"a": "x" * 100_001}, ["VariablesUnfit"]),
    ]
    for variables, codes in bad:
        with pytest.raises(VariablesInvalid) as refused, process_engine.begin() as work:
            edit_incident(work, found.id, variables, reason=REASON)
        assert [each.code for each in refused.value.findings] == codes
    assert everything(process_engine) == before


def test_a_suspended_instance_rests(process_engine: ProcessEngine, virtual_clock: VirtualClock, failing: str) -> None:
    found = fail_often(process_engine, virtual_clock)
    with process_engine.begin() as work:
        suspend_instance(work, failing, reason="-")
    for act in (
        lambda work: skip_incident(work, found.id, reason=REASON),
        lambda work: edit_incident(work, found.id, {"a": 1}, reason="-"),
    ):
        with pytest.raises(InstanceNotRunning), process_engine.begin() as work:
            act(work)


def test_items_of_a_chunk_are_not_done(process_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    def lock(_work: Any, _items: Any) -> None:
        raise RuntimeError("no")

    process_engine.bulk["bad"] = BulkOperation(lambda work, item: {}, lock)
    with process_engine.begin() as work:
        job_id = start_bulk(work, "bad", [{"n": 1}, {"n": 2}], unique_key="k")
    found = fail_often(process_engine, virtual_clock)
    skip(process_engine, found.id)
    with process_engine.read() as work:
        assert (read_bulk(work, job_id).state, read_bulk(work, job_id).done) == ("cancelled", 0)
