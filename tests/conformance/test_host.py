"""The host of the conformance cases, on small drawings of our own: routing, clock, starts by events, verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.conformance import CasesUnreadable, run_conformance
from engine.conformance.host import Host
from engine.conformance.scripts import ScriptUnreadable, run_assignments
from engine.expressions import ExpressionRefused
from engine.model import Definition, Node, read_diagram
from engine.tokens import TokenKernel

HEAD = '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t">'
TOP = '<message id="m" name="go"/><signal id="g" name="alarm"/>'


def make_host(body: str, **options: Any) -> Host:
    """A host on these processes."""
    read = read_diagram(f"{HEAD}{TOP}{body}</definitions>".encode(), name="drawn", simulation=True)
    assert read.definition is not None, read.findings
    return Host(TokenKernel(), read.definition, **options)


def flow(*names: str) -> str:
    """A sequence flow for each pair of names that follow each other."""
    return "".join(
        f'<sequenceFlow id="{a}_{b}" sourceRef="{a}" targetRef="{b}"/>' for a, b in zip(names, names[1:], strict=False)
    )


def event(kind: str, name: str, inner: str) -> str:
    """An event with its definition."""
    return f'<{kind} id="{name}">{inner}</{kind}>'


MESSAGE = '<messageEventDefinition messageRef="m"/>'
SIGNAL = '<signalEventDefinition signalRef="g"/>'
SENDER = f'<process id="a"><startEvent id="s"/>{event("endEvent", "e", MESSAGE)}{flow("s", "e")}</process>'


def test_a_message_starts_the_process_that_waits_for_it() -> None:
    host = make_host(SENDER + f'<process id="b">{event("startEvent", "bs", MESSAGE)}<task id="t"/>{flow("bs", "t")}</process>')
    host.start("a", {})
    assert host.completed == ["s", "e", "a", "bs", "t", "b"]
    assert [instance.ended for instance in host.instances] == [True, True]


def test_a_message_goes_to_one_instance_before_it_starts_another() -> None:
    catcher = f'<process id="b">{event("intermediateCatchEvent", "c", MESSAGE)}</process>'
    host = make_host(SENDER + catcher)
    host.start("b", {})
    host.start("b", {})
    host.start("a", {})
    assert [instance.ended for instance in host.instances] == [True, False, True]


def test_a_signal_reaches_all_other_instances_and_its_own_only_once() -> None:
    thrower = (
        f'<process id="a"><startEvent id="s"/><parallelGateway id="f"/>{event("intermediateThrowEvent", "t", SIGNAL)}'
        f"{event('intermediateCatchEvent', 'own', SIGNAL)}{event('intermediateCatchEvent', 'next', SIGNAL)}"
        f"{flow('s', 'f', 't')}{flow('f', 'own', 'next')}</process>"
    )
    catcher = f'<process id="b">{event("intermediateCatchEvent", "c", SIGNAL)}</process>'
    host = make_host(thrower + catcher)
    host.start("b", {})
    host.start("a", {})
    assert "c" in host.completed and "own" in host.completed
    assert "next" not in host.completed


@pytest.mark.parametrize(("inner", "variables", "seconds"), [
    ("<timerEventDefinition><timeDuration>PT5S</timeDuration></timerEventDefinition>", {}, 5),
    ("<conditionalEventDefinition><condition>x == 1</condition></conditionalEventDefinition>", {"x": 1}, 0),
])  # fmt: skip
def test_timers_and_conditions_start_processes(inner: str, variables: dict[str, Any], seconds: int) -> None:
    host = make_host(f'<process id="a">{event("startEvent", "s", inner)}<task id="t"/>{flow("s", "t")}</process>')
    host.start("a", variables)
    assert ("t" in host.completed) is (seconds == 0)
    host.advance(seconds)
    assert host.completed.count("t") == 1


@pytest.mark.parametrize("dump", [False, True])
def test_timers_fire_in_the_order_of_their_moments(dump: bool) -> None:
    def timer(name: str, seconds: int) -> str:
        inner = f"<timerEventDefinition><timeDuration>PT{seconds}S</timeDuration></timerEventDefinition>"
        return event("intermediateCatchEvent", name, inner)

    body = f'<process id="a"><startEvent id="s"/>{timer("late", 9)}{timer("soon", 1)}{timer("then", 3)}'
    host = make_host(f"{body}{flow('s', 'late')}{flow('s', 'soon', 'then')}</process>", dump=dump)
    host.start("a", {})
    host.advance(8)
    assert host.completed == ["s", "soon", "then"]
    host.advance(1)
    assert host.completed == ["s", "soon", "then", "late", "a"]


def test_held_tasks_wait_for_their_trigger() -> None:
    def completes(node: Node) -> bool:
        return node.id != "held"

    host = make_host('<process id="a"><userTask id="held"/><userTask id="free"/></process>', completes=completes)
    host.start("a", {})
    assert host.completed == ["free"]
    assert host.trigger("held")
    assert not host.trigger("held")
    assert host.instances[0].ended


def test_scripts_are_assignments_and_never_python() -> None:
    assert run_assignments("pass\n x = n + 1\ny = x * 2", {"n": 1}) == {"x": 2, "y": 4}
    with pytest.raises(ScriptUnreadable):
        run_assignments("import os", {})
    with pytest.raises(ExpressionRefused):
        run_assignments("x = __import__('os')", {})


def test_a_wrong_outcome_and_a_refused_diagram_are_told_apart(tmp_path: Path) -> None:
    case = {
        "process": "a",
        "parallel": False,
        "variables": {},
        "delay_s": 0,
        "labels": {"t": "T"},
        "quiet_at_t0": False,
        "ends": True,
    }
    (tmp_path / "good.bpmn").write_text(f'{HEAD}<process id="a"><scriptTask id="t"/></process></definitions>')
    (tmp_path / "bad.bpmn").write_text(f'{HEAD}<process id="a"><task id="t" startQuantity="0"/></process></definitions>')
    cases = [
        case | {"id": "right", "file": "good.bpmn", "expect": ["T"]},
        case | {"id": "wrong", "file": "good.bpmn", "expect": ["T", "T"]},
        case | {"id": "refused", "file": "bad.bpmn", "expect": ["T"]},
        case | {"id": "meant", "file": "bad.bpmn", "expect": ["ERROR"]},
    ]
    (tmp_path / "mine.json").write_text(json.dumps(cases))
    results = list(run_conformance([tmp_path / "mine.json"], kernel=TokenKernel()))
    assert [(result.case, result.result) for result in results] == [
        ("right", "passed"),
        ("wrong", "wrong"),
        ("refused", "refused"),
        ("meant", "passed"),
    ]
    assert (results[1].expected, results[1].got) == (["T", "T"], ["T"])
    assert list(run_conformance([tmp_path], kernel=TokenKernel())) == results


def test_a_state_that_does_not_survive_its_dump_is_wrong(tmp_path: Path) -> None:
    class Forgetful(TokenKernel):
        """Loses the variables that it finds in a restored document: those are lists no more."""

        def step(self, definition: Definition, process_id: str, document: Any, *rest: Any) -> Any:
            outcome = super().step(definition, process_id, document, *rest)
            root = outcome.document["t"].get("1")
            if root:
                root["vars"] = {name: tuple(value) if name == "n" else value for name, value in root["vars"].items()}
            return outcome

    body = '<userTask id="a"/><exclusiveGateway id="g" default="no"/><userTask id="t"/><userTask id="u"/>'
    flows = (
        f'{flow("a", "g")}<sequenceFlow id="no" sourceRef="g" targetRef="u"/><sequenceFlow id="yes" sourceRef="g" targetRef="t">'
    )
    text = f'{HEAD}<process id="p">{body}{flows}<conditionExpression>n == [1]</conditionExpression></sequenceFlow></process>'
    (tmp_path / "c.bpmn").write_text(text + "</definitions>")
    case = {"id": "c", "file": "c.bpmn", "process": "p", "variables": {"n": [1]}, "complete": ["a", "t", "u"]}
    cases = [case | {"publish": [], "delay_s": 0, "expect": ["a", "u"]}]
    (tmp_path / "c.json").write_text(json.dumps(cases))
    result = next(iter(run_conformance([tmp_path / "c.json"], kernel=Forgetful())))
    assert (result.result, result.expected, result.got) == ("wrong", ["a", "u"], ["a", "t"])


@pytest.mark.parametrize("text", ["{}", "[]", "[1]", '[{"id": "a", "file": "b.bpmn"}]', "nothing", None])
def test_what_is_not_a_list_of_cases_is_told(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "c.json").write_text(text)
    with pytest.raises(CasesUnreadable, match=r"c\.json"):
        list(run_conformance([tmp_path / "c.json"], kernel=TokenKernel()))
