"""Rules that concern more than one element: what cannot run as drawn is an error, what may not be meant is a warning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from lxml import etree

from engine.expressions import Expression, ExpressionFailed
from engine.model.attributes import get_attribute
from engine.model.camunda import AFTER_RETURN, OF_SIGNERS, RETURN_WORDS
from engine.model.definition import Definition, MultiInstance, Node
from engine.model.paths import event_starts, starting_nodes, successors
from engine.model.report import Report
from engine.moments import Duration, MomentInvalid

THROWING = ("intermediateThrowEvent", "endEvent")
UNCONDITIONAL = frozenset(("parallelGateway", "eventBasedGateway")) | {
    "startEvent",
    "intermediateCatchEvent",
    "intermediateThrowEvent",
    "boundaryEvent",
}
"""Sources whose flows cannot have conditions (BPMN 2.0.2, 8.4.13 and 10.6): they would be ignored."""


def check_definition(definition: Definition, elements: Mapping[str, etree._Element], report: Report, simulation: bool) -> None:
    """All rules, on a definition whose elements could be read. `elements` gives the XML element of each node."""
    _Check(definition, elements, report, simulation).run()


class _Check:
    def __init__(self, definition: Definition, elements: Mapping[str, Any], report: Report, simulation: bool) -> None:
        self.definition, self.elements, self.report, self.simulation = definition, elements, report, simulation

    def fault(self, code: str, node: Node, *, at: str | None = None, **values: Any) -> None:
        self.report.fault(code, self.elements[node.id], at=at or node.id, **values)

    def warn(self, code: str, node: Node, *, at: str | None = None, **values: Any) -> None:
        self.report.warn(code, self.elements[node.id], at=at or node.id, **values)

    def refuse(self, code: str, node: Node, *, at: str | None = None, **values: Any) -> None:
        """A fault that a simulation may run past."""
        (self.warn if self.simulation else self.fault)(code, node, at=at, **values)

    def run(self) -> None:
        """Each node on its own, then each scope."""
        for node in self.definition.nodes.values():
            self._ends(node)
            self._conditions(node)
            self._operations(node)
            if node.is_activity:
                self._activity(node)
            if node.is_scope:
                self._scope(node)

    def children(self, scope: Node) -> Iterator[Node]:
        """The nodes right inside a scope."""
        return (self.definition.nodes[child] for child in scope.children)

    # ---- flows -------------------------------------------------------------------------------------------------------
    def _ends(self, node: Node) -> None:
        """Where flows may begin and end (BPMN 2.0.2, 8.4.13 and table 7.3)."""
        caught = node.kind in ("startEvent", "boundaryEvent") or node.kind == "intermediateCatchEvent" and node.catches("link")
        loose = node.triggered_by_event or node.for_compensation
        if node.incoming and (caught or loose):
            self.refuse("diagram_flow_into", node, flow=node.incoming[0].id)
        throws_link = node.kind == "intermediateThrowEvent" and node.catches("link")
        if node.outgoing and (node.kind == "endEvent" or loose or throws_link or _compensates(node)):
            self.refuse("diagram_flow_out_of", node, flow=node.outgoing[0].id)
        if node.kind == "eventBasedGateway":
            for flow in node.outgoing:
                target = self.definition.nodes[flow.target]
                if target.kind not in ("intermediateCatchEvent", "receiveTask") or target.catches("link"):
                    self.fault("diagram_event_gateway_target", node, target=target.id)

    def _conditions(self, node: Node) -> None:
        flows = {flow.id: flow for flow in node.outgoing}
        if node.default is not None:
            if node.default not in flows:
                self.fault("diagram_default_unknown", node, flow=node.default)
            elif node.kind in UNCONDITIONAL:
                self.fault("diagram_default_misplaced", node, flow=node.default)
            elif flows[node.default].condition is not None:
                self.warn("diagram_default_condition", node, at=node.default)
        for flow in flows.values():
            self._constant(node, flow.condition, at=flow.id)
        if node.kind in UNCONDITIONAL:
            for flow in flows.values():
                if flow.condition is not None:
                    self.refuse("diagram_condition_ignored", node, at=flow.id, kind=node.kind)
        if node.kind == "exclusiveGateway" and len(flows) > 1:
            free = [flow.id for flow in flows.values() if flow.condition is None or flow.id == node.default]
            if len(free) > 1:
                self.fault("diagram_exclusive_ambiguous", node, flows=", ".join(free))
            elif free and node.default is None:
                self.warn("diagram_exclusive_else", node, at=free[0])

    def _constant(self, node: Node, condition: Expression | None, *, at: str | None = None) -> None:
        """A condition that looks at no data is always the same."""
        if condition is None or condition.names or self.simulation:
            return
        with suppress(ExpressionFailed):
            code = "diagram_condition_always" if condition.evaluate({}) else "diagram_condition_never"
            self.warn(code, node, at=at, text=condition.text)

    def _operations(self, node: Node) -> None:
        if "keep" in node.camunda.properties:
            try:
                Duration.parse(node.camunda.properties["keep"])
            except MomentInvalid as problem:
                self.fault("diagram_keep", node, **problem.values)
        if "correlate" in node.camunda.properties and (not node.catches("message") or node.kind in ("sendTask", *THROWING)):
            self.warn("diagram_correlate_misplaced", node, kind=node.kind)
        if node.camunda.allowed and node.kind != "userTask":
            self.warn("diagram_allow_misplaced", node, kind=node.kind)
        for word in sorted(node.camunda.allowed & OF_SIGNERS):
            if not isinstance(node.loop, MultiInstance):
                self.warn("diagram_allow_not_signed", node, word=word)
        for word in node.camunda.return_to:
            if word not in RETURN_WORDS and word not in self.definition.nodes:
                self.fault("diagram_return_to_unknown", node, word=word)
        if (word := node.camunda.properties.get("after_return", "again")) not in AFTER_RETURN:
            self.fault("diagram_after_return_unknown", node, word=word)

    # ---- activities --------------------------------------------------------------------------------------------------
    def _activity(self, node: Node) -> None:
        if node.kind == "callActivity":
            called = self.definition.callables.get(node.called or "")
            if called is not None and not starting_nodes(self.definition, called):
                self.fault("diagram_call_cannot_start", node, called=node.called)
        if isinstance(node.loop, MultiInstance) and node.camunda.outputs:
            self.fault("diagram_output_multi_instance", node)
        if node.kind == "userTask" and not self.simulation:
            element = self.elements[node.id]
            if not any(get_attribute(element, name) for name in ("assignee", "candidateGroups", "candidateUsers")):
                self.warn("diagram_task_for_nobody", node)
        for boundary in (self.definition.nodes[key] for key in node.boundaries):
            if boundary.catches("cancel") and node.kind != "transaction":
                self.fault("diagram_cancel_misplaced", boundary)

    # ---- scopes ------------------------------------------------------------------------------------------------------
    def _scope(self, scope: Node) -> None:
        children = list(self.children(scope))
        if scope.kind == "process" and not children:
            self.refuse("diagram_process_empty", scope)
            return
        begins = starting_nodes(self.definition, scope, by_event=True)
        if children and not begins:
            self.refuse("diagram_nothing_starts", scope)
        for child in children:
            self._event_in(child, scope)
            if child.triggered_by_event:
                self._event_subprocess(child)
        if scope.kind == "process" and not self.simulation:
            self._starts(scope)
        self._links(children)
        self._reached(children, begins)

    def _event_in(self, node: Node, scope: Node) -> None:
        """Events that are only possible in certain scopes (BPMN 2.0.2, 10.5.2 and 10.5.3)."""
        if node.kind == "startEvent" and node.events and not scope.triggered_by_event:
            inner = {"error", "escalation", "compensate"}
            if scope.kind != "process":
                self.refuse("diagram_start_in_subprocess", node)
            elif any(event.kind in inner for event in node.events):
                kinds = ", ".join(event.kind for event in node.events if event.kind in inner)
                self.fault("diagram_start_only_in_event_subprocess", node, event=kinds)
        if node.kind == "endEvent" and node.catches("cancel"):
            if scope.kind != "transaction":
                self.fault("diagram_cancel_misplaced", node)
            elif not any(self.definition.nodes[boundary].catches("cancel") for boundary in scope.boundaries):
                self.warn("diagram_cancel_not_caught", node)
        if _compensates(node) and self.definition.nodes.get(node.attached or "") is not None:
            host = self.definition.nodes[node.attached or ""]
            if host.compensation is None:
                self.warn("diagram_compensation_without_activity", node)
            elif not self.definition.nodes[host.compensation].for_compensation:
                self.warn("diagram_not_for_compensation", self.definition.nodes[host.compensation])
        if node.kind in ("boundaryEvent", "intermediateCatchEvent") and not node.events:
            self.refuse("diagram_event_without_trigger", node)
        for event in node.events:
            self._constant(node, event.condition)
            if event.kind == "compensate" and event.activity is not None and not self._is_activity(event.activity):
                self.fault("diagram_reference_unknown", node, attribute="activityRef", reference=event.activity)

    def _starts(self, scope: Node) -> None:
        """What starts a process from outside: the engine watches for it (`engine.starts`) before there are any data."""
        for node in self.children(scope):
            if node.instantiate and node.incoming:
                self.fault("diagram_instantiate_incoming", node, flow=node.incoming[0].id)
        heard: set[tuple[str, str | None]] = set()
        for node, event in event_starts(self.definition, scope):
            if (event.kind, event.name) in heard and event.name is not None:
                self.fault("diagram_start_twice", node, event=event.kind, name=event.name)
            heard.add((event.kind, event.name))
            if event.timer is not None and event.timer.value.names:
                self.fault("diagram_start_timer_variable", node, name=min(event.timer.value.names))
            if event.kind == "conditional":
                self.warn("diagram_start_condition", node)
            if node.parallel_multiple and len(node.events) > 1:
                self.fault("diagram_start_parallel_multiple", node)
            if node.kind == "intermediateCatchEvent" and event.kind not in ("message", "signal"):
                self.fault("diagram_instantiate_event", node, event=event.kind)

    def _is_activity(self, node_id: str) -> bool:
        node = self.definition.nodes.get(node_id)
        return node is not None and node.is_activity

    def _event_subprocess(self, scope: Node) -> None:
        """An event sub-process has exactly one start event, and that has a trigger (BPMN 2.0.2, 10.3.5)."""
        starts = [child for child in self.children(scope) if child.kind == "startEvent"]
        if len(starts) != 1 or not starts[0].events:
            self.refuse("diagram_event_subprocess_start", scope)
        if scope.boundaries:
            self.fault("diagram_event_subprocess_boundary", scope)
        if scope.loop is not None:
            self.fault("diagram_event_subprocess_loop", scope)

    def _links(self, children: list[Node]) -> None:
        """Several links may lead to one target, not one link to several targets (BPMN 2.0.2, 10.5.1)."""
        catching = [(event.name, node) for node in children if node.kind == "intermediateCatchEvent" for event in node.events
                    if event.kind == "link"]  # fmt: skip
        count = Counter(name for name, _ in catching)
        for name, node in catching:
            if count[name] > 1:
                self.refuse("diagram_link_twice", node, name=name or "")
        for node in children:
            for event in node.events:
                if node.kind == "intermediateThrowEvent" and event.kind == "link" and event.name not in count:
                    self.warn("diagram_link_unmatched", node, name=event.name or "")

    def _reached(self, children: list[Node], begins: list[Node]) -> None:
        """No token can ever come to an element that nothing leads to."""
        seen = {node.id for node in begins}
        todo = list(begins)
        for node in children:
            if node.triggered_by_event or node.for_compensation or _compensates(node):
                seen.add(node.id)
        while todo:
            for other in successors(self.definition, todo.pop()):
                if other.id not in seen:
                    seen.add(other.id)
                    todo.append(other)
        for node in children:
            if node.id not in seen:
                self.warn("diagram_unreachable", node)


def _compensates(node: Node) -> bool:
    return node.kind == "boundaryEvent" and node.catches("compensate")
