"""Data objects, properties and associations; parameters with lists and maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.definitions import deploy
from engine.handlers import Call
from engine.instances import instance_variables, start_instance
from engine.work import ProcessEngine
from tests.engine.kernel_runs import diagram

DATA = (
    '<dataObject id="do_score" name="score"/><dataObjectReference id="ref_score" dataObjectRef="do_score"/>'
    '<dataObject id="do_2"/><dataObjectReference id="ref_grade" name="grade" dataObjectRef="do_2"/>'
)
IO = (
    '<ioSpecification><dataInput id="in_1" name="points"/><dataOutput id="out_1" name="result"/>'
    "<inputSet><dataInputRefs>in_1</dataInputRefs></inputSet><outputSet><dataOutputRefs>out_1</dataOutputRefs></outputSet>"
    "</ioSpecification>"
)
IN = '<dataInputAssociation id="a1"><sourceRef>ref_score</sourceRef><targetRef>in_1</targetRef>{}</dataInputAssociation>'
OUT = '<dataOutputAssociation id="a2"><sourceRef>out_1</sourceRef><targetRef>ref_grade</targetRef>{}</dataOutputAssociation>'


def play(
    process_engine: ProcessEngine, body: str, kernel: str, **variables: Any
) -> tuple[list[str], Mapping[str, Any], list[Mapping[str, Any]]]:
    """Run a process with the service task `a`: warnings, the variables afterwards, what the handler saw."""
    seen: list[Mapping[str, Any]] = []

    def work_on(call: Call) -> dict[str, Any]:
        seen.append(dict(call.variables))
        return {"result": "pass"}

    process_engine.handlers.register("work.do", work_on)
    xml = diagram(f'{DATA}<startEvent id="s"/>{body}<userTask id="b" camunda:assignee="x"/>', "s a", "a b")
    with process_engine.begin() as work:
        deployed = deploy(work, {"a.bpmn": xml}, name="a", kernel=kernel)
        instance_id = start_instance(work, deployed.definitions["p"], "case-1", variables)
        told = [found.code for found in deployed.findings if found.severity == "warning"]
        return told, instance_variables(work, instance_id), seen


def task(*inner: str, extensions: str = "") -> str:
    held = f"<extensionElements><camunda:inputOutput>{extensions}</camunda:inputOutput></extensionElements>" if extensions else ""
    return f'<serviceTask id="a" camunda:delegateExpression="${{work.do}}">{held}{"".join(inner)}</serviceTask>'


def test_associations_bring_data_in_and_out(sqlite_engine: ProcessEngine, kernel: str) -> None:
    body = task(IO, IN.format(""), OUT.format(""))
    told, variables, seen = play(sqlite_engine, body, kernel, score=70)
    assert told == []
    assert seen == [{"score": 70, "grade": None, "points": 70, "result": None}]
    assert variables == {"score": 70, "grade": "pass"}


def test_data_objects_exist_without_value(sqlite_engine: ProcessEngine, kernel: str) -> None:
    _, _, seen = play(sqlite_engine, task(IO, IN.format("")), kernel)
    assert seen == [{"score": None, "points": None}]


def test_assignments_and_transformations(sqlite_engine: ProcessEngine, kernel: str) -> None:
    assigned = IN.format("<assignment><from>score * 2</from><to>in_1</to></assignment>")
    changed = OUT.format("").replace("</targetRef>", "</targetRef><transformation>upper(result)</transformation>")
    told, variables, seen = play(sqlite_engine, task(IO, assigned, changed), kernel, score=70)
    assert told == []
    assert seen[0]["points"] == 140
    assert variables["grade"] == "PASS"


def test_what_is_drawn_for_readers_has_no_effect_and_is_told(sqlite_engine: ProcessEngine, kernel: str) -> None:
    body = task(
        '<property id="prop" name="__targetRef_placeholder"/>',
        '<dataInputAssociation id="a1"><sourceRef>ref_score</sourceRef><targetRef>prop</targetRef></dataInputAssociation>',
        '<dataOutputAssociation id="a2"><targetRef>ref_grade</targetRef></dataOutputAssociation>',
    )
    told, variables, seen = play(sqlite_engine, body, kernel)
    assert told == ["diagram_data_unused", "diagram_data_unused"]
    assert (variables, seen) == ({"result": "pass"}, [{}])


PARAMETERS = (
    '<camunda:inputParameter name="list"><camunda:list><camunda:value>${score}</camunda:value>'
    '<camunda:value>a "b"</camunda:value>'
    "<camunda:value>no. ${score + 1}</camunda:value><camunda:value/></camunda:list></camunda:inputParameter>"
    '<camunda:inputParameter name="map"><camunda:map><camunda:entry key="k"><camunda:list><camunda:value>1</camunda:value>'
    '</camunda:list></camunda:entry><camunda:entry key="v">${score}</camunda:entry></camunda:map></camunda:inputParameter>'
    '<camunda:inputParameter name="empty"/>'
    '<camunda:outputParameter name="grade">${result}: ${map.v}</camunda:outputParameter>'
)


def test_parameters_hold_lists_and_maps(sqlite_engine: ProcessEngine, kernel: str) -> None:
    told, variables, seen = play(sqlite_engine, task(extensions=PARAMETERS), kernel, score=7)
    assert told == []
    (given,) = seen
    assert given["list"] == [7, 'a "b"', "no. 8", None]
    assert given["map"] == {"k": ["1"], "v": 7}
    assert given["empty"] is None
    assert variables["grade"] == "pass: 7"


def test_a_collection_comes_from_the_data_object_behind_the_input(sqlite_engine: ProcessEngine, kernel: str) -> None:
    loop = (
        "<multiInstanceLoopCharacteristics><loopDataInputRef>in_1</loopDataInputRef><loopDataOutputRef>out_1</loopDataOutputRef>"
        '<inputDataItem id="item"/><outputDataItem id="result"/></multiInstanceLoopCharacteristics>'
    )
    told, variables, seen = play(sqlite_engine, task(IO, IN.format(""), OUT.format(""), loop), kernel, score=[3, 4])
    assert told == []
    assert sorted(each["item"] for each in seen) == [3, 4]
    assert variables["grade"] == ["pass", "pass"]
