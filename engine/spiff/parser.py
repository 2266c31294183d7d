"""From XML to SpiffWorkflow's specs, by the library's parser with our classes.

Independent of `engine.model`: the file is read again, so a fault in one of the two readers shows as a difference. What differs
from the library's parsers: nodes first, then flows (a long diagram does not recurse); flows are specs; boundary events, loops
and multi-instance are those of `engine.spiff.events` and `engine.spiff.instances`; data objects and stores are not read.
"""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

import copy
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.parser.ProcessParser import ProcessParser
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.event_definitions.simple import NoneEventDefinition

from engine.model.definition import GLOBAL_TASKS
from engine.spiff.elements import (
    Activity,
    HandlerTask,
    PassTask,
    PersonTask,
    ScriptTask,
    SendTask,
    SequenceFlow,
)
from engine.spiff.events import BoundaryEvent, CatchEvent, Event, ReceiveTask, ThrowEvent
from engine.spiff.gateways import ComplexGateway, EventGateway, ExclusiveGateway, InclusiveGateway, ParallelGateway, Quantity
from engine.spiff.nodes import (
    GLOBAL,
    AdHocParser,
    CallParser,
    ComplexParser,
    ElementParser,
    EventGatewayParser,
    EventParser,
    MessageTaskParser,
    SendTaskParser,
    SubProcessParser,
)
from engine.spiff.subprocesses import AdHocSubProcess, CallActivity, EventSubProcess, ScopeRoot, Start, SubProcess
from engine.spiff.validate import safe_parser

SCOPES = ("process", "subProcess", "transaction", "adHocSubProcess")
REFERENCES = ("messageRef", "signalRef", "errorRef", "escalationRef")


class ProcessSpec(BpmnProcessSpec):
    """The spec of a process or sub-process: `first` are the specs that get a token when it is opened."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start = ScopeRoot(self, "scope root")
        self.task_specs.clear()  # the library's own `Start` and `End`: names that a diagram may use
        self.is_process = True
        self.conditional = False  # whether there are conditional events in it or in what is inside it
        self.joins = False  # whether there are inclusive joins, likewise
        self.first: list[Any] = []
        self.instantiating: dict[str, list[str]] = {}  # ids of what starts the process: and what is still to come then
        self.entries: dict[str, Any] = {}  # what stands before an activity with a start quantity, by its id
        self.reach: dict[Any, set[str]] = {}

    def entry(self, element_id: str) -> Any:
        """Where a token comes to when it comes to an element."""
        return self.entries.get(element_id) or self.task_specs[element_id]


class ScopeParser(ProcessParser):
    """A process or sub-process: nodes, then boundary events, flows and the first tokens."""

    def _parse(self) -> None:
        self.spec = self.create_spec()
        self.add_tasks()

    def create_spec(self) -> ProcessSpec:
        """An empty spec of ours."""
        spec = ProcessSpec(name=self.bpmn_id, description=self.get_name(), filename=self.filename)
        spec.is_process = self.node.tag == full_tag("process")
        return spec

    def add_tasks(self) -> None:
        """All nodes with their connections."""
        specs = self.spec.task_specs
        nodes = [node for node in self.node.iterchildren() if self.parser._get_parser_class(node.tag)[0]]
        for node in nodes:
            self.parse_node(node)
            if int(node.get("startQuantity", "1")) > 1:
                self.add_quantity(node)
        for node in nodes:
            if node.tag == full_tag("boundaryEvent"):
                self.attach(specs[node.get("attachedToRef")], node)
        for node in self.node.iterchildren(full_tag("sequenceFlow")):
            self.add_flow(node)
        starts = [spec for spec in specs.values() if isinstance(spec, Start)]
        if starts:
            self.spec.first = [spec for spec in starts if isinstance(spec.event_definition, NoneEventDefinition)]
        else:
            found = [(node, self.spec.entry(node.get("id"))) for node in nodes]
            self.spec.first = [spec for node, spec in found if self.begins(node, spec)]
        for node in nodes:
            if node.get("instantiate") == "true":
                self.add_instantiating(specs[node.get("id")])

    def add_quantity(self, node: etree._Element) -> None:
        """What lets one token of several on to an activity."""
        activity = self.spec.task_specs[node.get("id")]
        quantity = Quantity(self.spec, f"{activity.name} [tokens]")
        quantity.bpmn_id, quantity.quantity = activity.bpmn_id, int(node.get("startQuantity", "1"))
        quantity.connect(activity)
        self.spec.entries[activity.bpmn_id] = quantity

    def add_instantiating(self, spec: Any) -> None:
        """A receive task without incoming flow, or the events behind an event gateway, that start a process."""
        if isinstance(spec, EventGateway):
            found = [event.bpmn_id for event in spec.events()]
            for key in found:
                self.spec.instantiating[key] = [other for other in found if other != key] if spec.parallel else []
        elif not self.spec.entry(spec.bpmn_id)._inputs:
            self.spec.instantiating[spec.bpmn_id] = []

    def attach(self, host: Any, boundary: etree._Element) -> None:
        """A boundary event listens at its host; one of compensation names the activity at the other end of its association."""
        key = boundary.get("id")
        if boundary.find(full_tag("compensateEventDefinition")) is None:
            host.boundaries.append(key)
            return
        for association in boundary.getroottree().iter(full_tag("association")):
            ends = [(association.get(end) or "").split(":")[-1] for end in ("sourceRef", "targetRef")]
            for end, other in (ends, ends[::-1]):
                if end == key and isinstance(self.spec.task_specs.get(other), Activity):
                    host.compensation = other

    def add_flow(self, node: etree._Element) -> None:
        """A sequence flow as a spec between its ends."""
        source, target = self.spec.task_specs[node.get("sourceRef")], self.spec.entry(node.get("targetRef") or "")
        flow = SequenceFlow(self.spec, node.get("id") or "")
        flow.condition = (self.parse_condition(node) or "").strip() or None
        flow.default = flow.name == self.get_node_by_id(source.bpmn_id).get("default")
        source.connect(flow)
        flow.connect(target)

    @staticmethod
    def begins(node: etree._Element, spec: Any) -> bool:
        """Whether a node gets a token because nothing leads to it (clause 10.2.1)."""
        if spec._inputs or isinstance(spec, Start | BoundaryEvent) or spec.triggered or spec.for_compensation:
            return False
        return node.find(full_tag("linkEventDefinition")) is None and node.get("instantiate") != "true"


class DiagramParser(BpmnParser):
    """The parser of a whole file."""

    PROCESS_PARSER_CLASS = ScopeParser
    PARSER_CLASSES = {
        full_tag(name): classes
        for name, classes in {
            "startEvent": (EventParser, Start),
            "endEvent": (EventParser, ThrowEvent),
            "intermediateThrowEvent": (EventParser, ThrowEvent),
            "intermediateCatchEvent": (EventParser, CatchEvent),
            "boundaryEvent": (EventParser, BoundaryEvent),
            "task": (ElementParser, PassTask),
            "userTask": (ElementParser, PersonTask),
            "manualTask": (ElementParser, PersonTask),
            "serviceTask": (ElementParser, HandlerTask),
            "businessRuleTask": (ElementParser, HandlerTask),
            "sendTask": (SendTaskParser, SendTask),
            "scriptTask": (ElementParser, ScriptTask),
            "receiveTask": (MessageTaskParser, ReceiveTask),
            "subProcess": (SubProcessParser, SubProcess),
            "adHocSubProcess": (AdHocParser, AdHocSubProcess),
            "transaction": (SubProcessParser, SubProcess),
            "callActivity": (CallParser, CallActivity),
            "exclusiveGateway": (ElementParser, ExclusiveGateway),
            "parallelGateway": (ElementParser, ParallelGateway),
            "inclusiveGateway": (ElementParser, InclusiveGateway),
            "complexGateway": (ComplexParser, ComplexGateway),
            "eventBasedGateway": (EventGatewayParser, EventGateway),
        }.items()
    }

    def add_bpmn_xml(self, bpmn: etree._Element, filename: str | None = None) -> None:
        """Read a tree (which is changed): shared event definitions are copied to where they are used, prefixes dropped, global
        tasks become processes of one task, and what has no id gets one from its place, as `engine.model` gives it.
        """
        for task in [child for child in bpmn if isinstance(child.tag, str) and etree.QName(child).localname in GLOBAL_TASKS]:
            process = etree.SubElement(bpmn, full_tag("process"), id=f"{task.get('id')}{GLOBAL}")
            task.tag = full_tag(GLOBAL_TASKS[etree.QName(task).localname])
            process.append(task)
        for scope in bpmn.iter(*map(full_tag, SCOPES)):
            for place, node in enumerate(scope):
                kind = etree.QName(node).localname if isinstance(node.tag, str) else ""
                if node.get("id") is None and (node.tag in self.PARSER_CLASSES or kind == "sequenceFlow"):
                    node.set("id", f"{scope.get('id')}.{'flow' if kind == 'sequenceFlow' else kind}{place}")
        shared = {node.get("id"): node for node in bpmn if isinstance(node.tag, str) and node.tag.endswith("EventDefinition")}
        for reference in list(bpmn.iter(full_tag("eventDefinitionRef"))):
            holder, key = reference.getparent(), (reference.text or "").strip().split(":")[-1]
            if holder is not None and key in shared:
                holder.replace(reference, copy.deepcopy(shared[key]))
        for node in bpmn.iter(etree.Element):
            for name in REFERENCES:
                if ":" in (node.get(name) or ""):
                    node.set(name, (node.get(name) or "").split(":")[-1])
        super().add_bpmn_xml(bpmn, filename)

    def _add_data_stores(self, bpmn: etree._Element) -> None:
        """Data stores are not used."""

    def _add_correlations(self, bpmn: etree._Element) -> None:
        """Messages are correlated by name and business key, outside of the kernel."""

    def _add_collaborations(self, bpmn: etree._Element) -> None:
        """Pools do not matter."""


def parse_diagram(xml: bytes, name: str) -> DiagramParser:
    """A parser that has read a file; specs are built when they are asked for.

    Raises etree.XMLSyntaxError and the library's ValidationException.
    """
    parser = DiagramParser()
    parser.add_bpmn_xml(etree.fromstring(xml, safe_parser()), filename=name)
    return parser


def build_specs(parser: DiagramParser, process_id: str) -> tuple[ProcessSpec, dict[str, ProcessSpec]]:
    """The spec of a process, and those of all that is inside it or called by it.

    Raises the library's ValidationException.
    """
    spec, inner = parser.get_spec(process_id), parser.get_subprocess_specs(process_id)
    elements = [element for each in (spec, *inner.values()) for element in each.task_specs.values()]
    for each in (spec, *inner.values()):
        each.start.triggers = {
            start.bpmn_id: (start, event_sub_process)
            for event_sub_process in each.task_specs.values()
            if isinstance(event_sub_process, EventSubProcess)
            for start in inner[event_sub_process.spec].task_specs.values()
            if isinstance(start, Start)
        }
    spec.joins = any(isinstance(element, InclusiveGateway) for element in elements)
    kinds = {kind for element in elements if isinstance(element, Event) for kind, _ in element.definitions}
    spec.conditional = "conditional" in kinds
    return spec, inner
