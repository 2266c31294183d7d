"""What is read out of a good diagram."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from engine.model import Definition, MultiInstance, Read, StandardLoop, reachable_flows, read_diagram

BODY = """
<laneSet id="lanes"><lane id="l1" name="省局"><flowNodeRef>s</flowNodeRef><flowNodeRef>audit</flowNodeRef>
  <childLaneSet id="inner"><lane id="l2" name="处室"><flowNodeRef>audit</flowNodeRef></lane></childLaneSet></lane></laneSet>
<startEvent id="s"/>
<userTask id="audit" name="省级审核" camunda:assignee="${owner}" camunda:candidateGroups="auditor@${body}, chief@${[1, 2][0]}"
  camunda:candidateUsers="x,y" camunda:dueDate="${dates.cutoff}" camunda:followUpDate="2022-08-10T24:00:00+08:00"
  camunda:priority="70" camunda:formKey="audit">
  <documentation>看材料</documentation>
  <extensionElements>
    <camunda:taskListener event="create" delegateExpression="${reminders.plan}"/>
    <camunda:taskListener event="complete" delegateExpression="${ audits.record }"/>
    <camunda:taskListener event="complete" delegateExpression="#{mails.queue}"/>
    <camunda:properties><camunda:property name="allow" value="return transfer"/>
      <camunda:property name="return_to" value="applicant s"/></camunda:properties>
    <camunda:inputOutput><camunda:inputParameter name="who">${owner}</camunda:inputParameter></camunda:inputOutput>
    <camunda:failedJobRetryTimeCycle>R3/PT5M</camunda:failedJobRetryTimeCycle>
  </extensionElements>
  <multiInstanceLoopCharacteristics isSequential="true" camunda:collection="${bodies}" camunda:elementVariable="body">
    <completionCondition>nrOfCompletedInstances &gt;= 2</completionCondition></multiInstanceLoopCharacteristics>
</userTask>
<serviceTask id="tell" operaton:delegateExpression="${mails.tell}"/>
<task id="repeat"><standardLoopCharacteristics loopMaximum="3" testBefore="true"><loopCondition>x &lt; 3</loopCondition>
  </standardLoopCharacteristics></task>
<sequenceFlow id="f1" sourceRef="s" targetRef="audit"/><sequenceFlow id="f2" name="go" sourceRef="audit" targetRef="tell"/>
<sequenceFlow id="f3" sourceRef="tell" targetRef="repeat"/>
"""


@pytest.fixture(scope="module")
def definition(read_body: Callable[..., Read]) -> Definition:
    result = read_body(BODY)
    assert result.definition is not None, result.findings
    assert [(found.code, found.values["name"]) for found in result.findings] == [
        ("diagram_unused_extension", "failedJobRetryTimeCycle")
    ]
    return result.definition


def test_camunda_attributes_and_elements(definition: Definition) -> None:
    audit = definition.nodes["audit"]
    camunda, given = audit.camunda, {"owner": "o", "body": "b7", "dates": {"cutoff": "2022"}}
    assert camunda.assignee is not None and camunda.assignee.evaluate(given) == "o"
    assert [group.evaluate(given) for group in camunda.candidate_groups] == ["auditor@b7", "chief@1"]
    assert [user.text for user in camunda.candidate_users] == ["x", "y"]
    assert camunda.due_date is not None and camunda.due_date.evaluate(given) == "2022"
    assert camunda.priority is not None and camunda.priority.text == "70"
    assert camunda.form_key is not None and camunda.form_key.text == "audit"
    assert dict(camunda.listeners) == {"create": ("reminders.plan",), "complete": ("audits.record", "mails.queue")}
    assert camunda.allowed == frozenset(("return", "transfer"))
    assert camunda.return_to == ("applicant", "s")
    assert camunda.inputs is not None and list(camunda.inputs) == ["who"]
    assert definition.nodes["tell"].camunda.handler == "mails.tell"


def test_loops(definition: Definition) -> None:
    loop = definition.nodes["audit"].loop
    assert isinstance(loop, MultiInstance)
    assert (loop.sequential, loop.item) == (True, "body")
    assert loop.collection is not None and loop.collection.evaluate({"bodies": [1]}) == [1]
    loop_ = definition.nodes["repeat"].loop
    assert isinstance(loop_, StandardLoop)
    assert (loop_.maximum, loop_.test_before) == (3, True)


def test_flows_lanes_and_words(definition: Definition) -> None:
    audit = definition.nodes["audit"]
    assert (audit.name, audit.documentation, audit.parent, audit.process) == ("省级审核", "看材料", "p", "p")
    assert ([flow.id for flow in audit.incoming], [flow.id for flow in audit.outgoing]) == (["f1"], ["f2"])
    assert dict(definition.lanes) == {"s": "省局", "audit": "处室"}
    assert (audit.lane, definition.nodes["tell"].lane) == ("处室", None)
    assert definition.flows["f2"].name == "go"
    assert list(definition.processes) == ["p"]


def test_a_definition_cannot_be_changed(definition: Definition) -> None:
    node: Any = definition.nodes["audit"]
    with pytest.raises(FrozenInstanceError):
        node.name = "other"
    with pytest.raises(FrozenInstanceError):
        node.camunda.handler = "x"
    nodes: Any = definition.nodes
    with pytest.raises(TypeError):
        nodes["audit"] = node
    properties: Any = node.camunda.properties
    with pytest.raises(TypeError):
        properties["allow"] = ""


def test_nodes_without_ids_get_the_same_ones_at_every_reading(read_body: Callable[..., Read]) -> None:
    body = '<userTask camunda:assignee="x"/><subProcess id="q"><manualTask/></subProcess>'
    first, second = (read_body(body).definition for _ in range(2))
    assert first is not None and second is not None
    assert list(first.nodes) == list(second.nodes) == ["p", "p.userTask0", "q", "q.manualTask0"]


def test_processes_that_are_not_executable_are_left_out(wrap: Callable[[str], bytes]) -> None:
    xml = wrap(
        '<process id="a" name="A" camunda:versionTag="2.1" isExecutable="true"><documentation>doc</documentation>'
        '<manualTask id="m"/></process><process id="b" isExecutable="false"><scriptTask id="bad"/></process>'
    )
    result = read_diagram(xml, name="two")
    assert result.definition is not None
    assert list(result.definition.processes) == ["a"]
    process = result.definition.processes["a"]
    assert (process.name, process.version_tag, process.documentation) == ("A", "2.1", "doc")
    both = read_diagram(xml, name="two", simulation=True)
    assert both.definition is not None and list(both.definition.processes) == ["a", "b"]


def test_an_event_definition_may_be_shared(wrap: Callable[[str], bytes]) -> None:
    xml = wrap(
        '<signal id="sig" name="alarm"/><signalEventDefinition id="shared" signalRef="sig"/><process id="a" isExecutable="true">'
        '<intermediateCatchEvent id="c"><eventDefinitionRef>shared</eventDefinitionRef></intermediateCatchEvent></process>'
    )
    definition = read_diagram(xml, name="shared").definition
    assert definition is not None
    assert [(event.kind, event.name) for event in definition.nodes["c"].events] == [("signal", "alarm")]


def test_a_collection_may_be_a_data_object(read_body: Callable[..., Read]) -> None:
    body = (
        '<dataObject id="do_1" name="experts"/><dataObject id="do_2" name="a name"/><manualTask id="a">'
        "<multiInstanceLoopCharacteristics><loopDataInputRef>do_1</loopDataInputRef><loopDataOutputRef>do_2</loopDataOutputRef>"
        '<inputDataItem id="i1" name="expert"/><outputDataItem id="score"/></multiInstanceLoopCharacteristics></manualTask>'
    )
    definition = read_body(body).definition
    assert definition is not None
    loop = definition.nodes["a"].loop
    assert isinstance(loop, MultiInstance) and loop.collection is not None
    assert (loop.collection.text, loop.item, loop.output, loop.output_item) == ("experts", "expert", "do_2", "score")


def test_reachable_flows_stop_at_the_gateway(read_body: Callable[..., Read]) -> None:
    body = (
        '<manualTask id="a"/><inclusiveGateway id="g"/><manualTask id="b"/><intermediateThrowEvent id="t"><linkEventDefinition '
        'name="x"/></intermediateThrowEvent><intermediateCatchEvent id="c"><linkEventDefinition name="x"/>'
        '</intermediateCatchEvent><manualTask id="d"/>'
        + "".join(f'<sequenceFlow id="{x}{y}" sourceRef="{x}" targetRef="{y}"/>' for x, y in ("ag", "gb", "bt", "cd", "dg"))
    )
    definition = read_body(body).definition
    assert definition is not None
    nodes = definition.nodes
    assert reachable_flows(definition, nodes["a"], without=nodes["g"]) == {"ag"}
    assert reachable_flows(definition, nodes["b"], without=nodes["g"]) == {"bt", "cd", "dg"}
