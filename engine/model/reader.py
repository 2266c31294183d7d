"""From the XML tree to the definition. Every fault is reported, with the element's id and its line; nothing is raised."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from lxml import etree

from engine.errors import Finding
from engine.model.attributes import get_attribute
from engine.model.calls import read_call
from engine.model.camunda import CamundaReader
from engine.model.checks import check_definition
from engine.model.correlation import CorrelationReader, read_correlate
from engine.model.data import list_declared
from engine.model.definition import (
    ACTIVITIES,
    EVENTS,
    GLOBAL_TASKS,
    NODES,
    SCOPES,
    Call,
    Definition,
    Flow,
    Node,
    Process,
)
from engine.model.events import EventReader
from engine.model.loops import LoopReader
from engine.model.report import BPMN, LONGEST_ID, LONGEST_NAME, Report, child_text, line_of, local_name
from engine.model.source import read_source
from engine.model.vocabulary import tell_unused

SILENT = frozenset(
    ("documentation", "extensionElements", "incoming", "outgoing", "laneSet", "sequenceFlow", "association", "textAnnotation")
    + ("group", "category", "ioSpecification", "property", "dataObject", "dataObjectReference", "dataStoreReference")
    + ("auditing", "monitoring", "correlationSubscription", "supports", "resourceRole", "performer", "potentialOwner")
    + ("humanPerformer", "supportedInterfaceRef", "ioBinding", "artifact", "completionCondition", "script", "rendering")
    + ("dataInputAssociation", "dataOutputAssociation", "standardLoopCharacteristics", "multiInstanceLoopCharacteristics")
)
"""Elements inside a scope that are not flow nodes and that we read elsewhere, or that are there for people only."""


@dataclass(frozen=True, slots=True)
class Read:
    """What became of a diagram. `definition` is None as soon as one finding is an error: it cannot run as drawn."""

    definition: Definition | None
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Draft:
    """A node while it is read: `values` are fields of `Node`."""

    id: str
    kind: str
    element: etree._Element
    parent: _Draft | None
    process: str
    values: dict[str, Any] = field(default_factory=dict)
    children: list[_Draft] = field(default_factory=list)


def read_diagram(xml: bytes, *, name: str, simulation: bool = False, deployed: bool = False) -> Read:
    """Read a BPMN file safely and check that it can run as drawn. Never raises for a bad diagram: all faults are findings.

    `simulation` also reads processes that are not marked executable, and lets messages, signals, links and scripts be
    unnamed: such events can only be triggered by hand. A `deployed` diagram was checked by the rules of its day: what today's
    refuse in it is told, and it is read all the same, so that its instances go on.
    """
    root = read_source(xml)
    if isinstance(root, Finding):
        return Read(None, (root,))
    if root.tag != BPMN + "definitions":
        values = {"found": str(root.tag)[:100]}
        return Read(None, (Finding("diagram_not_bpmn", path=str(line_of(root)), values=values),))
    reader = _Reader(root, xml, name, simulation=simulation)
    definition = reader.read()
    refused = not deployed and any(finding.severity == "error" for finding in reader.report.findings)
    return Read(None if refused else definition, tuple(reader.report.findings))


class _Reader:
    """One reading of one file."""

    def __init__(self, root: etree._Element, xml: bytes, name: str, *, simulation: bool) -> None:
        self.root, self.xml, self.name, self.simulation = root, xml, name, simulation
        self.report = Report()
        self.events = EventReader(root, self.report, simulation=simulation)
        self.camunda = CamundaReader(self.report, self.events.read_timer)
        self.loops = LoopReader(self.report, self.events, simulation=simulation)
        self.drafts: dict[str, _Draft] = {}
        self.flows: dict[str, Flow] = {}
        self.flow_elements: list[tuple[etree._Element, _Draft]] = []

    def read(self) -> Definition:
        """All processes, their flows and lanes, then the checks on the whole."""
        processes = []
        for element in self.root.iter(BPMN + "process"):
            if self.simulation or element.get("isExecutable", "true") == "true":
                processes.append(self._scope(element, "process", None))
        global_tasks = [self._global_task(element, kind) for kind in GLOBAL_TASKS for element in self.root.findall(BPMN + kind)]
        if not processes:
            self.report.fault("diagram_no_process", self.root)
        for flow_element, scope in self.flow_elements:
            self._flow(flow_element, scope)
        self._attach()
        self._calls({draft.process for draft in [*processes, *global_tasks]})
        self._compensation()
        lanes = self._lanes()
        incoming: defaultdict[str, list[Flow]] = defaultdict(list)
        outgoing: defaultdict[str, list[Flow]] = defaultdict(list)
        for flow in self.flows.values():
            incoming[flow.target].append(flow)
            outgoing[flow.source].append(flow)
        nodes = {draft.id: _finish(draft, lanes, incoming[draft.id], outgoing[draft.id]) for draft in self.drafts.values()}
        keys = CorrelationReader(self.root, self.report, self.events.names["message"])
        definition = Definition(
            name=self.name,
            xml=self.xml,
            processes=MappingProxyType({draft.id: self._finish_process(draft, nodes[draft.id], keys) for draft in processes}),
            nodes=MappingProxyType(nodes),
            flows=MappingProxyType(self.flows),
            lanes=MappingProxyType(lanes),
            callables=MappingProxyType({draft.process: nodes[draft.id] for draft in [*processes, *global_tasks]}),
            messages=MappingProxyType(self.events.names["message"]),
            signals=MappingProxyType(self.events.names["signal"]),
        )
        if not self.simulation:
            tell_unused(self.root, self.report)
        check_definition(definition, {key: draft.element for key, draft in self.drafts.items()}, self.report, self.simulation)
        return definition

    # ---- scopes and nodes --------------------------------------------------------------------------------------------
    def _scope(self, element: etree._Element, kind: str, parent: _Draft | None) -> _Draft:
        scope = self._node(element, kind, parent, 0)
        for index, child in enumerate(element):
            name = local_name(child)
            if name in SCOPES:
                scope.children.append(self._scope(child, name, scope))
            elif name in NODES:
                scope.children.append(self._node(child, name, scope, index))
            elif name == "sequenceFlow":
                self.flow_elements.append((child, scope))
            elif name and name not in SILENT and not (name.endswith("EventDefinition") or name == "eventDefinitionRef"):
                self.report.fault("diagram_element_unsupported", child, kind=name)
        return scope

    def _global_task(self, element: etree._Element, kind: str) -> _Draft:
        """A task outside all processes that call activities share: read as a process of this one task."""
        task_id = element.get("id") or kind
        around = _Draft(f"{task_id}.process", "process", element, None, task_id, {"name": element.get("name")})
        self.drafts[around.id] = around
        around.children.append(self._node(element, GLOBAL_TASKS[kind], around, 0))
        return around

    def _node(self, element: etree._Element, kind: str, parent: _Draft | None, index: int) -> _Draft:
        node_id = element.get("id") or (f"{parent.id}.{kind}{index}" if parent else kind)
        draft = _Draft(node_id, kind, element, parent, parent.process if parent else node_id)
        if len(node_id) > LONGEST_ID or len(element.get("name", "")) > LONGEST_NAME:
            self.report.fault("diagram_too_long", element, at=node_id[:LONGEST_ID], ids=LONGEST_ID, names=LONGEST_NAME)
        if node_id in self.drafts:
            self.report.fault("diagram_id_twice", element, at=node_id, line=line_of(self.drafts[node_id].element))
        else:
            self.drafts[node_id] = draft
        draft.values = {
            "name": element.get("name"),
            "default": element.get("default"),
            "documentation": child_text(element, "documentation"),
            "camunda": self.camunda.read(element, kind, node_id),
            "instantiate": element.get("instantiate") == "true",
        }
        if kind in EVENTS:
            self._event(draft)
        elif kind in ACTIVITIES:
            self._activity(draft)
        if kind == "complexGateway":
            text = child_text(element, "activationCondition")
            draft.values["activation"] = self.report.expression(text, element, "activationCondition")
        elif kind == "eventBasedGateway" and element.get("eventGatewayType", "Exclusive") == "Parallel":
            draft.values["parallel_multiple"] = True
            if not draft.values["instantiate"]:
                self.report.fault("diagram_event_gateway_parallel", element)
        elif kind == "adHocSubProcess":
            text = child_text(element, "completionCondition")
            draft.values["completion"] = self.report.expression(text, element, "completionCondition")
            draft.values["sequential"] = element.get("ordering", "Parallel").lower() == "sequential"
            draft.values["cancel_remaining"] = element.get("cancelRemainingInstances", "true") == "true"
        return draft

    def _event(self, draft: _Draft) -> None:
        element, values = draft.element, draft.values
        values["events"] = events = self.events.read_all(element, draft.kind, draft.id)
        values["attached"] = element.get("attachedToRef")
        values["parallel_multiple"] = element.get("parallelMultiple") == "true"
        flag = "cancelActivity" if draft.kind == "boundaryEvent" else "isInterrupting"
        interrupting = element.get(flag, "true") == "true"
        if not interrupting and any(event.kind in ("error", "cancel", "compensate") for event in events):
            self.report.fault("diagram_must_interrupt", element)
        values["interrupting"] = interrupting
        handlers = [event.handler for event in events if event.handler]
        if len(handlers) > 1:
            self.report.fault("diagram_several_handlers", element)
        elif handlers:
            values["camunda"] = replace(values["camunda"], handler=handlers[0])

    def _activity(self, draft: _Draft) -> None:
        element, values, report = draft.element, draft.values, self.report
        for name, attribute in (("start_quantity", "startQuantity"), ("completion_quantity", "completionQuantity")):
            text = element.get(attribute, "1")
            values[name] = int(text) if text.strip().isdigit() else 0
            if not 1 <= values[name] <= 100:
                report.fault("diagram_quantity", element, attribute=attribute, text=text)
        values["for_compensation"] = element.get("isForCompensation") == "true"
        values["triggered_by_event"] = element.get("triggeredByEvent") == "true"
        values["loop"] = self.loops.read(element, draft.id)
        if draft.kind in ("sendTask", "receiveTask"):
            message = self.events.read_message(element, draft.id, handler=values["camunda"].handler)
            values["events"] = (message,)
        elif draft.kind == "scriptTask":
            values["script"], values["script_format"] = child_text(element, "script"), element.get("scriptFormat")
            if values["script"] is None and not self.simulation:
                report.fault("diagram_script_missing", element)
        elif draft.kind == "callActivity":
            values["call"] = read_call(element, draft.id, report, simulation=self.simulation)

    # ---- flows, boundary events, compensation, lanes -----------------------------------------------------------------
    def _flow(self, element: etree._Element, scope: _Draft) -> None:
        flow_id = element.get("id") or f"{scope.id}.flow{scope.element.index(element)}"
        if flow_id in self.flows or flow_id in self.drafts:
            twin = self.drafts[flow_id].element if flow_id in self.drafts else element
            self.report.fault("diagram_id_twice", element, at=flow_id, line=line_of(twin))
            return
        ends: list[str] = []
        for attribute in ("sourceRef", "targetRef"):
            node_id = element.get(attribute, "")
            draft = self.drafts.get(node_id)
            if draft is None:
                self.report.fault("diagram_flow_end_unknown", element, at=flow_id, attribute=attribute, reference=node_id)
            elif draft.parent is not scope:
                self.report.fault("diagram_flow_between_scopes", element, at=flow_id, node=node_id, scope=scope.id)
            else:
                ends.append(node_id)
        text = child_text(element, "conditionExpression")
        if text is None and element.find(BPMN + "conditionExpression") is not None:
            self.report.fault("diagram_condition_empty", element, at=flow_id)
        condition = self.report.expression(text, element, "conditionExpression", at=flow_id)
        if len(ends) == 2:
            self.flows[flow_id] = Flow(flow_id, element.get("name"), ends[0], ends[1], condition)

    def _attach(self) -> None:
        """Boundary events are listed at their activities, event sub-processes at their scopes."""
        for draft in self.drafts.values():
            if draft.kind == "boundaryEvent":
                host = self.drafts.get(draft.values["attached"] or "")
                if host is None or host.kind not in ACTIVITIES or host.parent is not draft.parent:
                    reference = draft.values["attached"]
                    self.report.fault("diagram_attached_unknown", draft.element, at=draft.id, reference=reference)
                elif not any(event.kind == "compensate" for event in draft.values["events"]):
                    host.values["boundaries"] = (*host.values.get("boundaries", ()), draft.id)
            elif draft.parent is not None and draft.values.get("triggered_by_event"):
                parent = draft.parent.values
                parent["event_subprocesses"] = (*parent.get("event_subprocesses", ()), draft.id)

    def _calls(self, own: set[str]) -> None:
        """Calls of what this file holds, whatever its version is; all others are looked up when they are made."""
        for draft in self.drafts.values():
            call: Call | None = draft.values.get("call")
            if call is None:
                continue
            if call.process.text in own and call.binding in ("latest", "deployment"):
                draft.values["called"] = call.process.text
                continue
            if call.process.literal:
                self.report.warn("diagram_call_elsewhere", draft.element, called=call.process.text)
            if self.simulation:  # nobody looks it up: the call is over at once
                draft.values["call"] = None

    def _compensation(self) -> None:
        """An association leads from a compensation boundary event to the activity that compensates."""
        for element in self.root.iter(BPMN + "association"):
            ends = [self.drafts.get((element.get(name) or "").split(":")[-1]) for name in ("sourceRef", "targetRef")]
            for boundary, handler in (ends, ends[::-1]):
                if boundary is None or handler is None or boundary.kind != "boundaryEvent" or handler.kind not in ACTIVITIES:
                    continue
                host = self.drafts.get(boundary.values["attached"] or "")
                if host is not None and any(event.kind == "compensate" for event in boundary.values["events"]):
                    host.values["compensation"] = handler.id

    def _lanes(self) -> dict[str, str]:
        lanes: dict[str, str] = {}
        for element in self.root.iter(BPMN + "lane"):  # outer lanes come before inner ones
            name = element.get("name") or element.get("id") or ""
            for reference in element.findall(BPMN + "flowNodeRef"):
                node_id = (reference.text or "").strip()
                if node_id in self.drafts:
                    lanes[node_id] = name
                elif self._executable(element):
                    self.report.warn("diagram_lane_node_unknown", reference, at=element.get("id"), reference=node_id)
        return lanes

    def _executable(self, element: etree._Element) -> bool:
        return any(ancestor.get("id") in self.drafts for ancestor in element.iterancestors(BPMN + "process"))

    def _finish_process(self, draft: _Draft, node: Node, keys: CorrelationReader) -> Process:
        stated = [
            read_correlate(each.id, each.values["camunda"].properties["correlate"], each.element, self.report)
            for each in self.drafts.values()
            if each.process == draft.id and "correlate" in each.values["camunda"].properties
        ]
        version_tag = get_attribute(draft.element, "versionTag")
        declared = list_declared(draft.element)
        correlations = (*keys.read(draft.element), *stated)
        return Process(draft.id, node.name, version_tag, node.documentation, node, declared, correlations)


def _finish(draft: _Draft, lanes: dict[str, str], incoming: list[Flow], outgoing: list[Flow]) -> Node:
    return Node(
        id=draft.id,
        kind=draft.kind,
        parent=draft.parent.id if draft.parent else None,
        process=draft.process,
        line=line_of(draft.element),
        lane=lanes.get(draft.id),
        incoming=tuple(incoming),
        outgoing=tuple(outgoing),
        children=tuple(child.id for child in draft.children),
        **draft.values,
    )
