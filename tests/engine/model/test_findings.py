"""Every fault of a diagram is found, with its element, all at once; each has words in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import engine.model
import engine.tokens
from engine.model import Read, check_handlers
from engine.texts import LANGUAGES, Catalogue

START = '<startEvent id="s"/>'
USER = '<userTask id="a" camunda:assignee="x"/>'
MESSAGE = '<message id="m" name="go"/>'
SIGNAL = '<signal id="g" name="alarm"/>'


def flow(*names: str, inner: str = "") -> str:
    """A sequence flow for each pair of names that follow each other."""
    return "".join(
        f'<sequenceFlow id="{a}_{b}" sourceRef="{a}" targetRef="{b}">{inner}</sequenceFlow>'
        for a, b in zip(names, names[1:], strict=False)
    )


def condition(text: str) -> str:
    return f"<conditionExpression>{text}</conditionExpression>"


THROW = '<intermediateThrowEvent id="t">{}</intermediateThrowEvent>'
CATCH = '<intermediateCatchEvent id="t">{}</intermediateCatchEvent>'
SPLIT = START + USER + '<userTask id="b" camunda:assignee="x"/>' + flow("s", "g", "a") + flow("g", "b")

KEYS = (
    '<correlationProperty id="number" name="number"><correlationPropertyRetrievalExpression messageRef="m"><messagePath>n'
    "</messagePath></correlationPropertyRetrievalExpression></correlationProperty>"
)
CALL = '<callActivity id="a" calledElement="none"><extensionElements>{}</extensionElements></callActivity>'

# (code, severity, element, body)
CASES: list[tuple[str, str, str | None, str]] = [
    ("diagram_process_empty", "error", "p", ""),
    ("diagram_id_twice", "error", "a", START + USER + USER + flow("s", "a")),
    ("diagram_id_twice", "error", "s_a", START + USER + flow("s", "a") + flow("s", "a")),
    ("diagram_element_unsupported", "error", "x", USER + '<choreographyTask id="x"/>'),
    ("diagram_event_gateway_parallel", "error", "x", USER + '<eventBasedGateway id="x" eventGatewayType="Parallel"/>'),
    # expressions
    ("diagram_expression", "error", "g_a", SPLIT.replace('targetRef="a"></', f'targetRef="a">{condition("x ==")}</')
     + '<exclusiveGateway id="g" default="g_b"/>'),
    ("diagram_expression", "error", "a", '<userTask id="a" camunda:assignee="${a b}"/>'),
    ("diagram_expression", "error", "a", '<userTask id="a" camunda:candidateGroups="x@${y"/>'),
    ("diagram_expression", "error", "t", '<intermediateCatchEvent id="t"><timerEventDefinition><timeDate>${__import__("os")}'
     "</timeDate></timerEventDefinition></intermediateCatchEvent>"),
    ("diagram_expression", "error", "a", '<userTask id="a" camunda:assignee="x"><multiInstanceLoopCharacteristics '
     'camunda:collection="${x **}"/></userTask>'),
    ("diagram_moment", "error", "a", '<userTask id="a" camunda:assignee="x" camunda:dueDate="tomorrow"/>'),
    ("diagram_moment", "error", "t", '<intermediateCatchEvent id="t"><timerEventDefinition><timeDuration>P1X</timeDuration>'
     "</timerEventDefinition></intermediateCatchEvent>"),
    # references
    ("diagram_reference_unknown", "error", "r", '<receiveTask id="r" messageRef="none"/>'),
    ("diagram_reference_unknown", "error", "t", '<intermediateCatchEvent id="t"><eventDefinitionRef>none</eventDefinitionRef>'
     "</intermediateCatchEvent>"),
    ("diagram_reference_unknown", "error", "t", '<intermediateThrowEvent id="t"><compensateEventDefinition activityRef="no"/>'
     "</intermediateThrowEvent>"),
    ("diagram_reference_missing", "error", "r", '<receiveTask id="r"/>'),
    ("diagram_reference_missing", "error", "t", THROW.format("<signalEventDefinition/>")),
    ("diagram_reference_missing", "error", "t", THROW.format("<linkEventDefinition/>")),
    # events
    ("diagram_event_not_possible", "error", "t", CATCH.format("<errorEventDefinition/>")),
    ("diagram_event_not_possible", "error", "t", '<endEvent id="t"><timerEventDefinition/></endEvent>'),
    ("diagram_condition_empty", "error", "t", '<intermediateCatchEvent id="t"><conditionalEventDefinition/>'
     "</intermediateCatchEvent>"),
    ("diagram_timer_empty", "error", "t", '<intermediateCatchEvent id="t"><timerEventDefinition/></intermediateCatchEvent>'),
    ("diagram_moment", "error", "t", CATCH.format("<timerEventDefinition><timeDate>2022</timeDate></timerEventDefinition>")),
    ("diagram_timer_ambiguous", "error", "t", '<intermediateCatchEvent id="t"><timerEventDefinition><timeDate>${a}</timeDate>'
     "<timeDuration>PT1H</timeDuration></timerEventDefinition></intermediateCatchEvent>"),
    ("diagram_several_timers", "error", "t", '<intermediateCatchEvent id="t">' + "<timerEventDefinition><timeDuration>PT1H"
     "</timeDuration></timerEventDefinition>" * 2 + "</intermediateCatchEvent>"),
    ("diagram_several_handlers", "error", "t", '<endEvent id="t">'
     + '<messageEventDefinition camunda:delegateExpression="${a.b}"/>' * 2 + "</endEvent>"),
    ("diagram_must_interrupt", "error", "b", USER + '<boundaryEvent id="b" attachedToRef="a" cancelActivity="false">'
     "<errorEventDefinition/></boundaryEvent>"),
    ("diagram_attached_unknown", "error", "b", USER + '<boundaryEvent id="b" attachedToRef="none"><errorEventDefinition/>'
     "</boundaryEvent>"),
    ("diagram_attached_unknown", "error", "b", START + USER + flow("s", "a") + '<boundaryEvent id="b" attachedToRef="s">'
     "<errorEventDefinition/></boundaryEvent>"),
    ("diagram_start_in_subprocess", "error", "i", f'<subProcess id="q"><startEvent id="i"><messageEventDefinition '
     f'messageRef="m"/></startEvent>{USER}{flow("i", "a")}</subProcess>'),
    ("diagram_start_only_in_event_subprocess", "error", "i", START + '<startEvent id="i"><errorEventDefinition/></startEvent>'),
    ("diagram_start_condition", "warning", "i", '<startEvent id="i"><conditionalEventDefinition><condition>n &gt; 1</condition>'
     "</conditionalEventDefinition></startEvent>"),
    ("diagram_start_timer_variable", "error", "i", '<startEvent id="i"><timerEventDefinition><timeDate>${day}</timeDate>'
     "</timerEventDefinition></startEvent>"),
    ("diagram_start_parallel_multiple", "error", "i", '<startEvent id="i" parallelMultiple="true"><signalEventDefinition '
     'signalRef="g"/><messageEventDefinition messageRef="m"/></startEvent>'),
    ("diagram_start_twice", "error", "k", '<startEvent id="i"><signalEventDefinition signalRef="g"/></startEvent>'
     '<startEvent id="k"><signalEventDefinition signalRef="g"/></startEvent>'),
    ("diagram_instantiate_incoming", "error", "r", START + '<receiveTask id="r" messageRef="m" instantiate="true"/>'
     + flow("s", "r")),
    ("diagram_instantiate_event", "error", "t", '<eventBasedGateway id="w" instantiate="true"/>'
     + CATCH.format("<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>") + flow("w", "t")),
    ("diagram_cancel_misplaced", "error", "e", START + '<endEvent id="e"><cancelEventDefinition/></endEvent>' + flow("s", "e")),
    ("diagram_cancel_misplaced", "error", "b", USER + '<boundaryEvent id="b" attachedToRef="a"><cancelEventDefinition/>'
     "</boundaryEvent>"),
    ("diagram_cancel_not_caught", "warning", "e", '<transaction id="t"><endEvent id="e"><cancelEventDefinition/></endEvent>'
     "</transaction>"),
    ("diagram_event_subprocess_start", "error", "q", USER + '<subProcess id="q" triggeredByEvent="true"><startEvent id="i"/>'
     "</subProcess>"),
    ("diagram_event_subprocess_loop", "error", "q", USER + '<subProcess id="q" triggeredByEvent="true"><startEvent id="i">'
     '<messageEventDefinition messageRef="m"/></startEvent><standardLoopCharacteristics loopMaximum="2"/></subProcess>'),
    ("diagram_event_subprocess_boundary", "error", "q", USER + '<subProcess id="q" triggeredByEvent="true"><startEvent id="i">'
     '<messageEventDefinition messageRef="m"/></startEvent></subProcess><boundaryEvent id="b" attachedToRef="q">'
     "<errorEventDefinition/></boundaryEvent>"),
    ("diagram_link_twice", "error", "l", START + USER + flow("s", "a") + "".join(
        f'<intermediateCatchEvent id="{name}"><linkEventDefinition name="x"/></intermediateCatchEvent>' for name in "lk")),
    ("diagram_link_unmatched", "warning", "l", '<intermediateThrowEvent id="l"><linkEventDefinition name="x"/>'
     "</intermediateThrowEvent>"),
    ("diagram_event_gateway_target", "error", "g", START + USER + '<eventBasedGateway id="g"/>' + flow("s", "g", "a")),
    ("diagram_compensation_without_activity", "warning", "b", USER + '<boundaryEvent id="b" attachedToRef="a">'
     "<compensateEventDefinition/></boundaryEvent>"),
    ("diagram_not_for_compensation", "warning", "u", USER + '<boundaryEvent id="b" attachedToRef="a"><compensateEventDefinition/>'
     '</boundaryEvent><userTask id="u" camunda:assignee="x"/><association id="as" sourceRef="b" targetRef="u"/>'),
    ("diagram_event_without_trigger", "error", "t", CATCH.format("")),
    # flows
    ("diagram_condition_empty", "error", "s_a", START + USER + flow("s", "a", inner=condition(" "))),
    ("diagram_flow_end_unknown", "error", "s_none", START + USER + flow("s", "none") + flow("s", "a")),
    ("diagram_flow_end_unknown", "error", "none_a", START + USER + flow("none", "a") + flow("s", "a")),
    ("diagram_flow_between_scopes", "error", "s_i", START + f'<subProcess id="q"><userTask id="i" camunda:assignee="x"/>'
     f'</subProcess>{flow("s", "q")}{flow("s", "i")}'),
    ("diagram_flow_into", "error", "s", START + USER + flow("s", "a", "s")),
    ("diagram_flow_out_of", "error", "e", START + USER + '<endEvent id="e"/>' + flow("s", "e", "a")),
    ("diagram_default_unknown", "error", "a", START + '<userTask id="a" camunda:assignee="x" default="s_a"/>' + flow("s", "a")),
    ("diagram_default_misplaced", "error", "g", SPLIT + '<parallelGateway id="g" default="g_a"/>'),
    ("diagram_default_condition", "warning", "g_a", SPLIT.replace('targetRef="a"></', f'targetRef="a">{condition("x")}</')
     .replace('targetRef="b"></', f'targetRef="b">{condition("y")}</') + '<exclusiveGateway id="g" default="g_a"/>'),
    ("diagram_condition_ignored", "error", "g_a", SPLIT.replace('targetRef="a"></', f'targetRef="a">{condition("x")}</')
     + '<parallelGateway id="g"/>'),
    ("diagram_condition_ignored", "error", "s_a", START + USER + flow("s", "a", inner=condition("x"))),
    ("diagram_exclusive_ambiguous", "error", "g", SPLIT + '<exclusiveGateway id="g"/>'),
    ("diagram_exclusive_else", "warning", "g_b", SPLIT.replace('targetRef="a"></', f'targetRef="a">{condition("x")}</')
     + '<exclusiveGateway id="g"/>'),
    ("diagram_unreachable", "warning", "a", START + USER),
    ("diagram_nothing_starts", "error", "p", USER + '<userTask id="b" camunda:assignee="x"/>' + flow("a", "b", "a")),
    ("diagram_lane_node_unknown", "warning", "l", USER + '<laneSet id="ls"><lane id="l"><flowNodeRef>none</flowNodeRef></lane>'
     "</laneSet>"),
    # activities
    ("diagram_quantity", "error", "a", '<userTask id="a" camunda:assignee="x" startQuantity="0"/>'),
    ("diagram_quantity", "error", "a", '<userTask id="a" camunda:assignee="x" completionQuantity="many"/>'),
    ("diagram_loop_maximum", "error", "a", '<task id="a"><standardLoopCharacteristics loopMaximum="-1"/></task>'),
    ("diagram_loop_endless", "error", "a", '<task id="a"><standardLoopCharacteristics/></task>'),
    ("diagram_multi_instance_empty", "error", "a", '<task id="a"><multiInstanceLoopCharacteristics/></task>'),
    ("diagram_output_multi_instance", "error", "a", '<task id="a"><extensionElements><camunda:inputOutput>'
     '<camunda:outputParameter name="y">1</camunda:outputParameter></camunda:inputOutput></extensionElements>'
     "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics></task>"),
    ("diagram_script_missing", "error", "a", '<scriptTask id="a"/>'),
    ("diagram_call_unknown", "error", "a", '<callActivity id="a"/>'),
    ("diagram_call_elsewhere", "warning", "a", '<callActivity id="a" calledElement="none"/>'),
    ("diagram_call_elsewhere", "warning", "a", '<callActivity id="a" calledElement="p" camunda:calledElementBinding="version" '
     'camunda:calledElementVersion="1"/>'),
    ("diagram_call_binding", "error", "a", '<callActivity id="a" calledElement="p" camunda:calledElementBinding="newest"/>'),
    ("diagram_call_version", "error", "a", '<callActivity id="a" calledElement="p" camunda:calledElementBinding="versionTag"/>'),
    ("diagram_call_business_key", "error", "a", CALL.format('<camunda:in businessKey="${number}"/>')),
    ("diagram_call_mapping", "error", "a", CALL.format('<camunda:in source="x"/>')),
    ("diagram_call_mapping", "error", "a", CALL.format('<camunda:out target="x"/>')),
    ("diagram_call_local", "error", "a", CALL.format('<camunda:in source="x" target="y" local="true"/>')),
    ("diagram_call_cannot_start", "error", "a", '<callActivity id="a" calledElement="other"/>'),
    ("diagram_condition_always", "warning", "s_a", '<exclusiveGateway id="s"/>' + USER + '<task id="b"/>' + flow("s", "b")
     + flow("s", "a", inner=condition("1 == 1"))),
    ("diagram_condition_never", "warning", "t", '<startEvent id="s"/>' + CATCH.format(
        "<conditionalEventDefinition><condition>false</condition></conditionalEventDefinition>") + flow("s", "t")),
    ("diagram_task_for_nobody", "warning", "a", '<userTask id="a"/>'),
    # Camunda
    ("diagram_handler_form", "error", "a", '<serviceTask id="a" camunda:delegateExpression="audits.record"/>'),
    ("diagram_handler_form", "error", "a", '<serviceTask id="a" camunda:delegateExpression="${audits.record()}"/>'),
    ("diagram_handler_misplaced", "error", "a", '<userTask id="a" camunda:assignee="x" camunda:delegateExpression="${a.b}"/>'),
    ("diagram_code_unsupported", "error", "a", '<serviceTask id="a" camunda:class="org.example.Delegate"/>'),
    ("diagram_too_long", "error", "a" * 200, f'<task id="{"a" * 201}"/>'),
    ("diagram_too_long", "error", "a", f'<task id="a" name="{"名" * 401}"/>'),
    ("diagram_unused_element", "warning", "a", '<userTask id="a" camunda:assignee="x"><potentialOwner/></userTask>'),
    ("diagram_unused_element", "information", "a", '<task id="a"><auditing/></task>'),
    ("diagram_unused_attribute", "information", "a", '<userTask id="a" camunda:assignee="x" implementation="http://x"/>'),
    ("diagram_unused_extension", "warning", "a", '<task id="a" camunda:assignee="x"/>'),
    ("diagram_unused_extension", "warning", "a", '<task id="a" camunda:never="x"/>'),
    ("diagram_unused_extension", "information", "a", '<task id="a" operaton:asyncBefore="true"/>'),
    ("diagram_unused_extension", "warning", "a", '<task id="a"><extensionElements><camunda:never/></extensionElements></task>'),
    ("diagram_unused_namespace", "information", "a", '<task id="a" xmlns:y="http://y.example" y:colour="red"/>'),
    ("diagram_expression", "error", "a", '<serviceTask id="a" operaton:expression="${x.y()}"/>'),
    ("diagram_work_twice", "error", "a", '<serviceTask id="a" camunda:expression="1" camunda:delegateExpression="${a.b}"/>'),
    ("diagram_work_misplaced", "error", "a", '<userTask id="a" camunda:assignee="x" camunda:expression="1"/>'),
    ("diagram_work_type", "error", "a", '<serviceTask id="a" camunda:type="mail"/>'),
    ("diagram_topic_missing", "error", "a", '<serviceTask id="a" camunda:type="external"/>'),
    ("diagram_variable_name", "error", "a", '<serviceTask id="a" camunda:expression="1" camunda:resultVariable="a b"/>'),
    ("diagram_decision_misplaced", "error", "a", '<userTask id="a" camunda:assignee="x" camunda:decisionRef="d"/>'),
    ("diagram_decision_binding", "error", "a", '<businessRuleTask id="a" camunda:decisionRef="d" '
     'camunda:decisionRefBinding="version"/>'),
    ("diagram_decision_mapping", "error", "a", '<businessRuleTask id="a" camunda:decisionRef="d" '
     'camunda:mapDecisionResult="first"/>'),
    ("diagram_parameters_misplaced", "error", "e", '<endEvent id="e"><extensionElements><camunda:inputOutput/>'
     "</extensionElements></endEvent>"),
    ("diagram_data_unused", "warning", "a", '<userTask id="a" camunda:assignee="x"><dataOutputAssociation>'
     '<targetRef>r</targetRef></dataOutputAssociation></userTask><dataObject id="o"/>'
     '<dataObjectReference id="r" dataObjectRef="o"/>'),
    ("diagram_parameter_name", "error", "a", '<task id="a"><extensionElements><camunda:inputOutput>'
     "<camunda:inputParameter>1</camunda:inputParameter></camunda:inputOutput></extensionElements></task>"),
    ("diagram_extension_unsupported", "error", "a", '<serviceTask id="a"><extensionElements><camunda:connector/>'
     "</extensionElements></serviceTask>"),
    ("diagram_parameter_script", "error", "a", '<task id="a"><extensionElements><camunda:inputOutput>'
     '<camunda:inputParameter name="x"><camunda:script>1</camunda:script></camunda:inputParameter></camunda:inputOutput>'
     "</extensionElements></task>"),
    ("diagram_extension_unsupported", "error", "a", '<task id="a"><extensionElements>'
     '<camunda:taskListener event="create" delegateExpression="${a.b}"/></extensionElements></task>'),
    ("diagram_timeout_timer", "error", "a", '<userTask id="a" camunda:assignee="x"><extensionElements>'
     '<camunda:taskListener event="timeout" delegateExpression="${a.b}"/></extensionElements></userTask>'),
    ("diagram_listener_event", "error", "a", '<userTask id="a" camunda:assignee="x"><extensionElements>'
     '<camunda:taskListener event="update" delegateExpression="${a.b}"/></extensionElements></userTask>'),
    ("diagram_handler_form", "error", "a", '<userTask id="a" camunda:assignee="x"><extensionElements>'
     '<camunda:taskListener event="create" class="org.example.Listener"/></extensionElements></userTask>'),
    ("diagram_allow_not_signed", "warning", "a", '<userTask id="a" camunda:assignee="x"><extensionElements><camunda:properties>'
     '<camunda:property name="allow" value="return add_signer"/></camunda:properties></extensionElements></userTask>'),
    ("diagram_allow_misplaced", "warning", "a", '<manualTask id="a"><extensionElements><camunda:properties>'
     '<camunda:property name="allow" value="return"/></camunda:properties></extensionElements></manualTask>'),
    ("diagram_allow_unknown", "error", "a", '<userTask id="a" camunda:assignee="x"><extensionElements><camunda:properties>'
     '<camunda:property name="allow" value="return fly"/></camunda:properties></extensionElements></userTask>'),
    ("diagram_keep", "error", "t", START + '<sendTask id="t" messageRef="m"><extensionElements><camunda:properties>'
     '<camunda:property name="keep" value="2 days"/></camunda:properties></extensionElements></sendTask>' + flow("s", "t")),
    ("diagram_correlate_misplaced", "warning", "a", '<userTask id="a" camunda:assignee="x"><extensionElements>'
     '<camunda:properties><camunda:property name="correlate" value="number"/></camunda:properties></extensionElements>'
     "</userTask>"),
    ("diagram_after_return_unknown", "error", "a", '<userTask id="a" camunda:assignee="x"><extensionElements><camunda:properties>'
     '<camunda:property name="after_return" value="somehow"/></camunda:properties></extensionElements></userTask>'),
    ("diagram_return_to_unknown", "error", "a", '<userTask id="a" camunda:assignee="x"><extensionElements><camunda:properties>'
     '<camunda:property name="return_to" value="previous nowhere"/></camunda:properties></extensionElements></userTask>'),
]  # fmt: skip
MESSAGE_KEY = '<correlationKey id="k"><correlationPropertyRef>number</correlationPropertyRef></correlationKey>'
JOIN = '<collaboration id="c"><participant id="w" processRef="p"/>{}</collaboration>'

# (code, severity, element, what stands before the process, what stands in it)
ROOTS: list[tuple[str, str, str | None, str, str]] = [
    ("diagram_correlation_empty", "error", "k", JOIN.format('<correlationKey id="k"/>'), ""),
    ("diagram_correlation_unused", "warning", "k", '<correlationProperty id="number"/>' + JOIN.format(MESSAGE_KEY), ""),
    ("diagram_correlation_path", "error", "number", KEYS.replace("<messagePath>n</messagePath>", ""), ""),
    ("diagram_correlation_place", "error", "v", KEYS + JOIN.format(f'<subConversation id="v">{MESSAGE_KEY}</subConversation>'),
     ""),
    ("diagram_correlation_binding", "error", "b", KEYS + JOIN.format(MESSAGE_KEY),
     '<correlationSubscription id="b" correlationKeyRef="k"/>'),
    ("diagram_reference_unknown", "error", "b", "", '<correlationSubscription id="b" correlationKeyRef="nothing"/>'),
    ("diagram_reference_unknown", "error", "k", JOIN.format(MESSAGE_KEY), ""),
    ("diagram_reference_unknown", "error", "number", KEYS.replace('"m"', '"nothing"'), ""),
    ("diagram_expression", "error", "number", KEYS.replace(">n<", ">n +<"), ""),
    ("diagram_reference_unknown", "error", "v", JOIN.format('<conversation id="v"><participantRef>w</participantRef>'
     '<messageFlowRef>nothing</messageFlowRef></conversation>'), ""),
]  # fmt: skip
OTHER = '<startEvent id="os"><messageEventDefinition messageRef="m"/></startEvent>'
TOP = f'{MESSAGE}{SIGNAL}<process id="other" isExecutable="true">{OTHER}</process>'


@pytest.fixture(scope="module")
def words() -> Catalogue:
    """The texts of the engine."""
    return Catalogue("engine")


@pytest.mark.parametrize(("code", "severity", "element", "body"), CASES, ids=[f"{case[0]}-{i}" for i, case in enumerate(CASES)])
def test_a_fault_is_found_at_its_element(
    code: str, severity: str, element: str | None, body: str, read_body: Callable[..., Read], words: Catalogue
) -> None:
    result = read_body(body, top=TOP)
    found = [finding for finding in result.findings if finding.code == code]
    assert (severity, element) in [(finding.severity, finding.element) for finding in found], result.findings
    assert all(finding.path for finding in found)
    assert (result.definition is None) == any(finding.severity == "error" for finding in result.findings)
    for finding in found:
        for language in LANGUAGES:
            assert "{" not in words.tell(finding, language).replace("${", ""), words.tell(finding, language)


@pytest.mark.parametrize(
    ("code", "severity", "element", "top", "inside"), ROOTS, ids=[f"{c[0]}-{i}" for i, c in enumerate(ROOTS)]
)
def test_a_fault_of_correlation_is_found(
    code: str, severity: str, element: str | None, top: str, inside: str, read_body: Callable[..., Read]
) -> None:
    result = read_body(START + USER + flow("s", "a") + inside, top=MESSAGE + top)
    assert (code, severity, element) in [(each.code, each.severity, each.element) for each in result.findings], result.findings
    assert (result.definition is None) == (severity == "error")


def test_every_code_of_the_room_is_tested_and_has_words(words: Catalogue) -> None:
    folders = [Path(module.__file__ or "").parent for module in (engine.model, engine.tokens)]
    source = "".join(path.read_text("utf-8") for folder in folders for path in folder.glob("*.py"))
    codes = set(re.findall(r'"(diagram_[a-z_]+)"', source))
    tested = {case[0] for case in (*CASES, *ROOTS)}
    elsewhere = {code for code in codes if code in Path(__file__).with_name("test_source.py").read_text("utf-8")}
    fit = {"diagram_role_unknown", "diagram_timer_passed"}  # test_fit.py
    assert codes - tested - elsewhere - fit == {"diagram_handler_missing", "diagram_handler_unknown", "diagram_name_expression"}
    assert codes <= words.entries.keys()


def test_every_finding_says_what_to_do(words: Catalogue) -> None:
    inside = {"diagram_expression", "diagram_moment", "diagram_extension_unsupported"}  # their reason does
    for code, texts in words.entries.items():
        if code.startswith("diagram_") and code not in inside:
            assert re.search("请|应|只能|必须|需要|可以|可用|不能", texts["zh"]), code


def test_all_faults_are_reported_at_once(read_body: Callable[..., Read]) -> None:
    body = START + '<userTask id="a" camunda:assignee="${" startQuantity="0"/>' + flow("s", "none") + '<scriptTask id="c"/>'
    codes = [finding.code for finding in read_body(body).findings if finding.severity == "error"]
    assert sorted(codes) == ["diagram_expression", "diagram_flow_end_unknown", "diagram_quantity", "diagram_script_missing"]


def test_the_line_is_that_of_the_element(read_body: Callable[..., Read]) -> None:
    result = read_body(START + "\n" + '<scriptTask id="a"/>\n' + flow("s", "a"))
    assert [(finding.element, finding.path) for finding in result.findings] == [("a", "5")]


def test_names_of_messages_hold_no_expressions(read_body: Callable[..., Read]) -> None:
    result = read_body(USER, top='<message id="m" name="go_${x}"/>')
    assert [finding.code for finding in result.findings] == ["diagram_name_expression"]


def test_handlers_must_be_registered(read_body: Callable[..., Read]) -> None:
    body = (
        START + '<serviceTask id="a" camunda:delegateExpression="${audits.record}"/><serviceTask id="b"/>'
        '<userTask id="c" camunda:assignee="x"><extensionElements><camunda:taskListener event="complete" '
        'delegateExpression="${cases.close}"/></extensionElements></userTask><endEvent id="e"><messageEventDefinition '
        'camunda:delegateExpression="${mails.send}"/></endEvent>' + flow("s", "a", "b", "c", "e")
    )
    definition = read_body(body).definition
    assert definition is not None
    found: Any = [(finding.code, finding.element) for finding in check_handlers(definition, {"mails.send"})]
    unknown, missing = "diagram_handler_unknown", "diagram_handler_missing"
    assert found == [(unknown, "a"), (missing, "b"), (unknown, "c")]
    assert check_handlers(definition, {"mails.send", "audits.record", "cases.close"})[0].element == "b"
    known = {"audits.record", "cases.close"}
    assert [(each.code, each.element) for each in check_handlers(definition, known)] == [(missing, "b"), (unknown, "e")]
    assert definition.handlers == known | {"mails.send"}
