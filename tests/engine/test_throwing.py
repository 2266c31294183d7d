"""What scripts and handlers throw: errors and escalations, caught by the diagram with their code and message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from engine.definitions import deploy
from engine.due import run_due
from engine.errors import BpmnError, BpmnEscalation
from engine.handlers import Call
from engine.history import list_entries
from engine.instances import instance_variables, start_instance
from engine.scripts import ScriptRunner
from engine.tasks import complete_task
from engine.work import ProcessEngine
from tests.engine.kernel_runs import ABC, diagram
from tests.engine.store_rows import open_tasks, state_of

ERROR = '<errorEventDefinition id="d1" errorRef="E" camunda:errorCodeVariable="code" camunda:errorMessageVariable="why"/>'
ESCALATION = '<escalationEventDefinition id="d2" escalationRef="C" camunda:escalationCodeVariable="code"/>'
FLOWS = ("s t", "t a", "y b", "z c")
BORDER = (
    f'<boundaryEvent id="y" attachedToRef="t">{ERROR}</boundaryEvent>'
    f'<boundaryEvent id="z" attachedToRef="t" cancelActivity="{{}}">{ESCALATION}</boundaryEvent>'
)
SCRIPT = '<scriptTask id="t"><script>{}</script></scriptTask>'
HANDLER = '<serviceTask id="t" camunda:delegateExpression="${work.do}"/>'
LISTENER = (
    '<userTask id="t" camunda:assignee="x"><extensionElements><camunda:taskListener event="complete" '
    'delegateExpression="${work.do}"/></extensionElements></userTask>'
)


@pytest.fixture(scope="module")
def runner() -> Iterator[ScriptRunner]:
    with ScriptRunner(processes=1) as made:
        yield made


def start(process_engine: ProcessEngine, body: str, kernel: str = "tokens", stops: str = "true") -> str:
    """An instance of a process with the task `t`, an error event `y` and an escalation event `z` at its border."""
    xml = diagram(ABC + body + BORDER.format(stops), *FLOWS)
    with process_engine.begin() as work:
        deployed = deploy(work, {"a.bpmn": xml}, name="a", kernel=kernel)
        return start_instance(work, deployed.definitions["p"], "case-1", {"names": ["甲"]})


def look(process_engine: ProcessEngine, instance_id: str) -> tuple[list[str], Mapping[str, Any]]:
    """Open tasks and variables."""
    with process_engine.read() as work:
        return sorted(task.element_id for task in open_tasks(work)), instance_variables(work, instance_id)


SCRIPTS: list[tuple[str, str, list[str], dict[str, Any]]] = [
    ("n = 1\nthrow_error('e', 'no scanner')\nn = 2", "true", ["b"], {"n": 1, "code": "e", "why": "no scanner"}),
    ("throw_error('e')", "true", ["b"], {"code": "e", "why": None}),
    ("def f():\n    names.append('b')\n    throw_error('e', message='m')\nf()", "true", ["b"], {"code": "e", "why": "m"}),
    ("n = 1\nthrow_escalation('c')\nn = 2", "true", ["c"], {"n": 1, "code": "c"}),
    ("n = 1\nthrow_escalation('c')\nn = 2", "false", ["a", "c"], {"n": 1, "code": "c"}),
    ("n = 1\nthrow_escalation('other')", "true", ["a"], {"n": 1}),
]


@pytest.mark.parametrize(("source", "stops", "tasks", "written"), SCRIPTS)
def test_a_script_throws(
    sqlite_engine: ProcessEngine,
    runner: ScriptRunner,
    kernel: str,
    source: str,
    stops: str,
    tasks: list[str],
    written: dict[str, Any],
) -> None:
    sqlite_engine.extras["scripts"] = runner
    instance_id = start(sqlite_engine, SCRIPT.format(source), kernel, stops)
    assert run_due(sqlite_engine) == 1
    names = ["甲", "b"] if "append" in source else ["甲"]
    assert look(sqlite_engine, instance_id) == (tasks, {"names": names, **written})
    with sqlite_engine.read() as work:
        assert [row.kind for row in list_entries(work, instance_id)] == ["started", "thrown"]


def test_an_error_of_a_script_that_nobody_catches_ends_the_process(sqlite_engine: ProcessEngine, runner: ScriptRunner) -> None:
    sqlite_engine.extras["scripts"] = runner
    instance_id = start(sqlite_engine, SCRIPT.format("throw_error('other')"))
    assert run_due(sqlite_engine) == 1
    assert state_of(sqlite_engine, instance_id) == "ended"


THROWN = [
    (BpmnError("e", {"n": 1}, message="m"), "true", ["b"], {"n": 1, "code": "e", "why": "m"}),
    (BpmnEscalation("c", {"n": 1}), "true", ["c"], {"n": 1, "code": "c"}),
    (BpmnEscalation("c", {"n": 1}), "false", ["a", "c"], {"n": 1, "code": "c"}),
    (BpmnEscalation("other", {"n": 1}), "true", ["a"], {"n": 1}),
]


@pytest.mark.parametrize(("thrown", "stops", "tasks", "written"), THROWN)
@pytest.mark.parametrize("body", [HANDLER, LISTENER], ids=["handler", "listener"])
def test_a_handler_throws(
    sqlite_engine: ProcessEngine,
    kernel: str,
    body: str,
    thrown: BpmnError | BpmnEscalation,
    stops: str,
    tasks: list[str],
    written: dict[str, Any],
) -> None:
    def do(_call: Call) -> None:
        raise type(thrown)(thrown.code, thrown.variables, message=thrown.message)

    sqlite_engine.handlers.register("work.do", do)
    instance_id = start(sqlite_engine, body, kernel, stops)
    if body == LISTENER:
        with sqlite_engine.begin() as work:
            (task,) = open_tasks(work)
            complete_task(work, task.id, {})
    assert look(sqlite_engine, instance_id) == (tasks, {"names": ["甲"], **written})


def test_an_event_sub_process_gets_code_and_message(sqlite_engine: ProcessEngine, runner: ScriptRunner) -> None:
    sqlite_engine.extras["scripts"] = runner
    inner = (
        f'<subProcess id="q" triggeredByEvent="true"><startEvent id="y">{ERROR}</startEvent>'
        '<userTask id="b" camunda:assignee="x"/><sequenceFlow id="f9" sourceRef="y" targetRef="b"/></subProcess>'
    )
    xml = diagram('<startEvent id="s"/>' + SCRIPT.format("throw_error('e', 'm')") + inner, "s t")
    with sqlite_engine.begin() as work:
        instance_id = start_instance(work, deploy(work, {"a.bpmn": xml}, name="a").definitions["p"], "case-1", {})
    run_due(sqlite_engine)
    assert look(sqlite_engine, instance_id) == (["b"], {"code": "e", "why": "m"})
