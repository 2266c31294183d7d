"""Event definitions: what an event waits for or throws, and which are possible where (BPMN 2.0.2, table 10.93)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree

from engine.errors import Problem
from engine.expressions import Expression, ExpressionFailed, Template
from engine.model.definition import PROBE, EventDefinition, EventKind, Timer, TimerKind
from engine.model.report import LONGEST_ID, LONGEST_NAME, Report, child_text, local_name
from engine.model.work import read_handler, read_name
from engine.moments import MomentInvalid, first_due, is_plain

EVENT_KINDS: frozenset[EventKind] = frozenset(
    ("message", "signal", "timer", "conditional", "error", "escalation", "compensate", "cancel", "terminate", "link")
)
POSSIBLE: Mapping[str, frozenset[EventKind]] = {
    "startEvent": frozenset(("message", "signal", "timer", "conditional", "error", "escalation", "compensate")),
    "boundaryEvent": EVENT_KINDS - {"terminate", "link"},
    "intermediateCatchEvent": frozenset(("message", "signal", "timer", "conditional", "link")),
    "intermediateThrowEvent": frozenset(("message", "signal", "escalation", "compensate", "link")),
    "endEvent": frozenset(("message", "signal", "error", "escalation", "compensate", "cancel", "terminate")),
    "implicitThrowEvent": frozenset(("message", "signal", "error", "escalation")),  # of multi-instance activities
}
REFERENCES: Mapping[str, str] = {
    "message": "messageRef",
    "signal": "signalRef",
    "error": "errorRef",
    "escalation": "escalationRef",
    "compensate": "activityRef",
}
TIMERS: tuple[TimerKind, ...] = ("timeDate", "timeDuration", "timeCycle")


class EventReader:
    """Reads event definitions, also those that several events share by `eventDefinitionRef`."""

    def __init__(self, root: etree._Element, report: Report, *, simulation: bool) -> None:
        self.report, self.simulation = report, simulation
        self.names: dict[str, dict[str, str]] = {"message": {}, "signal": {}, "error": {}, "escalation": {}}
        self.shared: dict[str, etree._Element] = {}
        for element in root:
            kind, element_id = local_name(element), element.get("id")
            if element_id is None:
                continue
            if kind in self.names:
                # errors and escalations are told apart by their codes, messages and signals by their names
                code = element.get(f"{kind}Code") if kind in ("error", "escalation") else None
                self.names[kind][element_id] = code or element.get("name") or element_id
                if len(self.names[kind][element_id]) > LONGEST_ID:
                    report.fault("diagram_too_long", element, ids=LONGEST_ID, names=LONGEST_NAME)
                if "${" in self.names[kind][element_id]:
                    report.fault("diagram_name_expression", element, name=self.names[kind][element_id])
            elif kind.endswith("EventDefinition"):
                self.shared[element_id] = element

    def read_all(self, element: etree._Element, kind: str, node_id: str) -> tuple[EventDefinition, ...]:
        """The event definitions of one event, in the order of the file."""
        found: list[EventDefinition] = []
        for child in element:
            name = local_name(child)
            source: etree._Element | None = child
            if name == "eventDefinitionRef":
                reference = (child.text or "").strip()
                source = self.shared.get(reference.split(":")[-1])
                if source is None:
                    self.report.fault("diagram_reference_unknown", child, at=node_id, attribute=name, reference=reference)
            elif not name.endswith("EventDefinition"):
                continue
            event = None if source is None else self.read(source, kind, node_id)
            if event is not None:
                found.append(event)
        if sum(event.kind == "timer" for event in found) > 1:
            self.report.fault("diagram_several_timers", element)
        return tuple(found)

    def read(self, element: etree._Element, kind: str, node_id: str) -> EventDefinition | None:
        """One event definition of an event of this kind; None after a finding."""
        name = local_name(element).removesuffix("EventDefinition")
        if name not in EVENT_KINDS or name not in POSSIBLE.get(kind, ()):
            self.report.fault("diagram_event_not_possible", element, at=node_id, kind=kind, event=name)
            return None
        event_kind = name
        if event_kind == "timer":
            timer = self.read_timer(element, node_id)
            return EventDefinition("timer", timer=timer) if timer else None
        if event_kind == "conditional":
            text = child_text(element, "condition")
            if text is None:
                self.report.fault("diagram_condition_empty", element, at=node_id)
            condition = self.report.expression(text, element, "condition", at=node_id)
            return EventDefinition("conditional", condition=condition) if condition else None
        if event_kind == "link":
            link = element.get("name")
            if not link and not self.simulation:
                self.report.fault("diagram_reference_missing", element, at=node_id, attribute="name", event="link")
            return EventDefinition("link", name=link or None)
        if event_kind == "compensate":
            wait = element.get("waitForCompletion", "true") == "true"
            return EventDefinition("compensate", activity=self._reference(element, "compensate", node_id), wait=wait)
        if event_kind in ("cancel", "terminate"):
            return EventDefinition(event_kind)
        throws = kind in ("intermediateThrowEvent", "endEvent")
        handler = read_handler(element, self.report, node_id) if event_kind == "message" and throws else None
        return EventDefinition(
            event_kind,
            name=self._name(element, event_kind, node_id, handler),
            handler=handler,
            code_variable=read_name(element, f"{event_kind}CodeVariable", node_id, self.report),
            message_variable=read_name(element, f"{event_kind}MessageVariable", node_id, self.report),
        )

    def read_message(self, element: etree._Element, node_id: str, *, handler: str | None) -> EventDefinition:
        """The message of a send or receive task."""
        return EventDefinition("message", name=self._name(element, "message", node_id, handler))

    def _name(self, element: etree._Element, kind: EventKind, node_id: str, handler: str | None) -> str | None:
        name = self._reference(element, kind, node_id)
        # without code an error or escalation means any; a handler sends what it wants
        named = kind in ("error", "escalation") or handler or element.get(REFERENCES[kind])
        if not named and not self.simulation:
            self.report.fault("diagram_reference_missing", element, at=node_id, attribute=REFERENCES[kind], event=kind)
        return name

    def _reference(self, element: etree._Element, kind: EventKind, node_id: str) -> str | None:
        """What the element refers to: a name or code by the referenced id, or the id itself for compensation."""
        attribute = REFERENCES[kind]
        reference = element.get(attribute)
        if not reference:
            return None
        reference = reference.split(":")[-1]  # a qualified name; only things of this file are known
        if kind == "compensate":
            return reference
        name = self.names[kind].get(reference)
        if name is None:
            self.report.fault("diagram_reference_unknown", element, at=node_id, attribute=attribute, reference=reference)
        return name

    def read_timer(self, element: etree._Element, node_id: str) -> Timer | None:
        """When a timer event definition is due; None after a finding."""
        given = [(kind, text) for kind in TIMERS if (text := child_text(element, kind)) is not None]
        if len(given) != 1:
            code = "diagram_timer_ambiguous" if given else "diagram_timer_empty"
            self.report.fault(code, element, at=node_id)
            return None
        kind, text = given[0]
        value: Template | Expression | None
        if is_plain(text):
            value = self.report.template(text, element, kind, at=node_id)
        else:
            value = self.report.expression(text, element, kind, at=node_id)
        if value is None:
            return None
        if not value.names:  # it is always the same: whether it can be read is known now
            try:
                first_due(kind, value.evaluate({}), PROBE)
            except (MomentInvalid, ExpressionFailed) as problem:
                self.report.fault("diagram_moment", element, at=node_id, where=kind, **_reason(problem))
                return None
        return Timer(kind, value, text)


def _reason(problem: Problem) -> dict[str, Any]:
    return {name: problem.values[name] for name in ("text", "reason")}
