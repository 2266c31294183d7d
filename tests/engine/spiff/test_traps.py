"""What goes wrong with SpiffWorkflow as it comes must not go wrong here. Each test is one trap that was seen in 3.2.0."""

from __future__ import annotations

import builtins
import json
import logging
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from SpiffWorkflow.bpmn.script_engine.python_environment import TaskDataEnvironment
from SpiffWorkflow.bpmn.specs.event_definitions import timer as library_timer

from engine.errors import OperationNotSupported, StepFailed
from engine.kernel import WaitKind
from engine.model import read_diagram
from engine.spiff import SpiffKernel
from engine.spiff.language import ENGINE
from tests.engine.kernel_runs import Run, diagram, read

START, END = '<startEvent id="s"/>', '<endEvent id="e"/>'
USERS = "".join(f'<userTask id="{key}"/>' for key in "abc")
LOOP = diagram(
    START + END + USERS + '<exclusiveGateway id="m"/><exclusiveGateway id="g" default="f5"/>',
    *("s m", "m a", "a b", "b g", "g m again", "g e"),
)


def begin(xml: bytes, **variables: Any) -> Run:
    """An instance on the second kernel, at its first quiet state."""
    return Run(SpiffKernel(), read(xml)).start(**variables)


def test_a_thousand_returns_do_not_stall_and_do_not_grow() -> None:
    run = begin(LOOP)
    sizes = []
    for _ in range(1000):
        run.complete("a").complete("b", again=True)
        assert run.tasks() == ["a"]
        sizes.append(len(run.stored or ""))
    assert max(sizes[10:]) - sizes[10] <= 6  # the numbers of tokens
    assert run.complete("a").complete("b", again=False).ended


def test_one_branch_goes_round_while_another_waits_and_nothing_grows() -> None:
    gateways = '<parallelGateway id="p1"/><exclusiveGateway id="m"/><exclusiveGateway id="g" default="f6"/>'
    xml = diagram(START + END + USERS + gateways, "s p1", "p1 c", "p1 m", "m a", "a g", "g m again", "g e", "c e")
    run = begin(xml)
    run.complete("a", again=True)
    size = len(run.stored or "")
    for _ in range(300):
        run.complete("a", again=True)
    assert len(run.stored or "") <= size + 6 and run.tasks() == ["a", "c"]


MANY = '<userTask id="a"><multiInstanceLoopCharacteristics><loopDataInputRef>experts</loopDataInputRef>'
MANY += '<loopDataOutputRef>scores</loopDataOutputRef><inputDataItem id="i" name="expert"/><outputDataItem id="o" name="score"/>'
MANY += "</multiInstanceLoopCharacteristics></userTask>"


def test_multi_instance_goes_on_after_a_reload_onto_freshly_parsed_specs() -> None:
    xml = diagram(START + END + MANY, "s a", "a e")
    run = begin(xml, experts=["x", "y", "z"])
    for score in (1, 2, 3):
        run.kernel, run.definition = SpiffKernel(), read(xml)  # as another process of the operating system would
        run.complete("a", score=score)
    assert run.ended and run.variables()["scores"] == [1, 2, 3]


def test_multi_instance_is_entered_again_though_its_output_exists() -> None:
    gateways = '<exclusiveGateway id="m"/><exclusiveGateway id="g" default="f5"/><userTask id="d"/>'
    run = begin(diagram(START + END + MANY + gateways, "s m", "m a", "a d", "d g", "g m again", "g e"), experts=["x", "y"])
    for again in (True, True, False):
        run.complete("a", score=1).complete("a", score=2).complete("d", again=again)
    assert run.ended and run.variables()["scores"] == [1, 2]


def test_item_variable_may_exist_already() -> None:
    run = begin(diagram(START + END + MANY, "s a", "a e"), experts=["x"], expert="somebody", score=9)
    assert dict(run.wait("a").variables or {})["expert"] == "x"
    assert run.complete("a", score=1).variables() == {"experts": ["x"], "expert": "somebody", "score": 9, "scores": [1]}


TIMER = "<timerEventDefinition><timeDuration>P1D</timeDuration></timerEventDefinition>"


def test_return_above_a_waiting_timer() -> None:
    body = START + END + USERS + f'<boundaryEvent id="y" attachedToRef="b">{TIMER}</boundaryEvent>'
    run = begin(diagram(body, "s a", "a b", "b e", "y c", "c e")).complete("a")
    stale = run.wait("y", WaitKind.TIMER)
    run.move("b", "a")
    assert run.open() == [("a", "task")]
    run.waits[WaitKind.TIMER, stale.token, "y", None] = stale
    with pytest.raises(OperationNotSupported):
        run.fire("y")
    del run.waits[WaitKind.TIMER, stale.token, "y", None]
    assert run.complete("a").fire("y").tasks() == ["c"]


def test_missed_cycles_are_not_caught_up_with() -> None:
    cycle = "<timerEventDefinition><timeCycle>R/PT1H</timeCycle></timerEventDefinition>"
    body = START + END + USERS + f'<boundaryEvent id="y" attachedToRef="a" cancelActivity="false">{cycle}</boundaryEvent>'
    run = begin(diagram(body, "s a", "a e", "y b", "b e"))
    first = run.wait("y").due_at
    run.later(hours=7000).message("nobody")
    assert run.tasks() == ["a"]
    run.fire("y")
    assert run.tasks() == ["a", "b"]
    assert first is not None and run.wait("y").due_at == first + timedelta(hours=1)


def test_parallel_join_nested_in_a_loop_does_not_fire_early() -> None:
    gateways = "".join(f'<parallelGateway id="{key}"/>' for key in ("o1", "o2", "i1", "i2"))
    gateways += '<exclusiveGateway id="m"/><exclusiveGateway id="g" default="f10"/>'
    flows = ("s m", "m o1", "o1 i1", "i1 a", "i1 b", "a i2", "b i2", "i2 o2", "o1 c", "c o2", "g e", "o2 g", "g m again")
    run = begin(diagram(START + END + USERS + gateways, *flows), again=True)
    for order in ("abc", "cab", "bca", "cba"):
        for key in order:
            assert len(run.tasks()) == 3 - order.index(key)
            run.complete(key)
    assert run.tasks() == ["a", "b", "c"]


def test_cancelled_multi_instance_leaves_no_sub_process_behind() -> None:
    inner = '<startEvent id="s2"/><userTask id="i"/><endEvent id="e2"/><sequenceFlow id="q1" sourceRef="s2" targetRef="i"/>'
    inner += '<sequenceFlow id="q2" sourceRef="i" targetRef="e2"/>'
    loop = '<multiInstanceLoopCharacteristics camunda:collection="people"/>'
    body = START + END + USERS + f'<subProcess id="q">{loop}{inner}</subProcess>'
    body += f'<boundaryEvent id="y" attachedToRef="q">{TIMER}</boundaryEvent>'
    run = begin(diagram(body, "s q", "q e", "y a", "a e"), people=[1, 2, 3]).fire("y")
    assert run.open() == [("a", "task")]
    assert [(task["spec"], list(task)) for task in json.loads(run.stored or "")["tasks"]] == [("a", ["spec", "in"])]


def test_elements_may_be_called_as_the_library_calls_its_own() -> None:
    xml = diagram('<startEvent id="Start"/><userTask id="p.EndJoin"/><endEvent id="End"/>', "Start p.EndJoin", "p.EndJoin End")
    assert begin(xml).complete("p.EndJoin").ended


def test_variables_that_look_like_the_librarys_own_objects() -> None:
    odd = {"typename": "BpmnWorkflow", "value": 1}
    run = begin(LOOP, odd=odd, nested=[{"typename": "UUID"}])
    assert run.complete("a").variables()["odd"] == odd


def test_data_associations_in_a_sub_process_do_not_hang_the_parser() -> None:
    association = '<dataInputAssociation id="da"><sourceRef>nowhere</sourceRef></dataInputAssociation>'
    inner = f'<startEvent id="s2"/><userTask id="i">{association}</userTask>'
    inner += '<sequenceFlow id="q1" sourceRef="s2" targetRef="i"/>'
    run = begin(diagram(START + END + f'<subProcess id="q">{inner}</subProcess>', "s q", "q e"))
    assert run.complete("i").ended


def test_a_long_diagram_does_not_exhaust_the_stack() -> None:
    names = [f"t{number}" for number in range(1500)]
    body = START + END + "".join(f'<task id="{name}"/>' for name in names)
    chain = ["s", *names, "e"]
    assert begin(diagram(body, *(f"{a} {b}" for a, b in zip(chain, chain[1:], strict=False)))).ended


def test_a_process_that_never_waits_is_stopped() -> None:
    xml = diagram(START + '<task id="t"/><exclusiveGateway id="g"/>', "s g", "g t", "t g")
    with pytest.raises(OperationNotSupported) as problem:
        begin(xml)
    assert problem.value.values["reason"].code == "spiff_endless"


def test_processes_that_call_each_other_without_end_are_stopped() -> None:
    xml = diagram(START + END + '<callActivity id="k" calledElement="p"/>', "s k", "k e")
    with pytest.raises(OperationNotSupported) as problem:
        begin(xml)
    assert problem.value.values["reason"].code == "spiff_too_deep"


def test_documents_stay_small() -> None:
    assert len(begin(LOOP).stored or "") < 200
    run = begin(diagram(START + END + MANY, "s a", "a e"), experts=[f"e{number}" for number in range(500)])
    assert len(run.stored or "") < 60_000


# ---- nothing of the library where it must not be ---------------------------------------------------------------------
def test_eval_and_exec_are_never_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(*_: Any, **__: Any) -> None:
        raise AssertionError("eval or exec was called")

    condition = "<conditionalEventDefinition><condition>c == 7</condition></conditionalEventDefinition>"
    body = (
        START + END + USERS.replace('<userTask id="a"/>', MANY) + '<exclusiveGateway id="g" default="f3"/>'
        f'<boundaryEvent id="y" attachedToRef="b">{condition}</boundaryEvent>'
        '<scriptTask id="x"><script>c = 1</script></scriptTask>'
    )
    xml = diagram(body, "s a", "a g", "g x sum(scores) == 3", "g b", "x b", "b e", "y c", "c e")
    definition = read(xml)
    for name in ("evaluate", "execute", "call_service"):
        monkeypatch.setattr(TaskDataEnvironment, name, reached, raising=False)
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "eval", reached)
        patch.setattr(builtins, "exec", reached)
        run = Run(SpiffKernel(), definition).start(experts=[1, 2])
        run.complete("a", score=1).complete("a", score=2).complete("x", c=7).complete("c")
    assert run.ended


def test_scripts_and_services_are_refused_inside() -> None:
    for call in (lambda: ENGINE.execute(None, "x = 1"), lambda: ENGINE.call_service(None, operation="x")):
        with pytest.raises(OperationNotSupported):
            call()


def test_python_in_a_condition_is_no_expression() -> None:
    xml = diagram(START + END + USERS + '<exclusiveGateway id="g" default="f2"/>', "s g", "g a __import__('os')", "g e", "a e")
    assert read_diagram(xml, name="x").definition is None
    with pytest.raises(Exception, match="ExpressionRefused"):
        ENGINE.validate("__import__('os')")


def test_the_hosts_clock_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoClock:
        @staticmethod
        def now(*_: Any) -> None:
            raise AssertionError("the host's clock was read")

    monkeypatch.setattr(library_timer, "datetime", NoClock)
    body = START + END + USERS + f'<boundaryEvent id="y" attachedToRef="a">{TIMER}</boundaryEvent>'
    assert begin(diagram(body, "s a", "a e", "y b", "b e")).fire("y").tasks() == ["b"]


def test_nothing_of_the_library_is_patched() -> None:
    """In a fresh interpreter: every class and function of the library is the same before and after our room is imported."""
    code = """
import inspect, sys
import SpiffWorkflow.bpmn.workflow, SpiffWorkflow.bpmn.parser.BpmnParser, SpiffWorkflow.bpmn.specs.defaults

def snapshot():
    found = {}
    for name, module in list(sys.modules.items()):
        for key, value in vars(module).items() if name.startswith("SpiffWorkflow") else ():
            if inspect.isclass(value) or inspect.isfunction(value):
                found[name, key] = value
            if inspect.isclass(value):
                found.update({(name, key, attribute): each for attribute, each in vars(value).items()})
    return found

before = snapshot()
import engine.spiff
after = snapshot()
print(len(before) > 1000, [key for key, value in before.items() if after.get(key) is not value])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "True []"


def test_the_librarys_loggers_do_not_collect_data() -> None:
    assert not logging.getLogger("spiff.task").isEnabledFor(logging.INFO)
    assert not logging.getLogger("spiff.workflow").isEnabledFor(logging.INFO)


def test_a_document_of_another_kernel_is_refused() -> None:
    run = begin(LOOP)
    run.stored = json.dumps({"n": 1, "t": {"1": {"at": "p"}}})
    with pytest.raises(StepFailed):
        run.complete("a")
