"""The attributes and extension elements of Camunda 7 (and its successor Operaton) that we give a meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from lxml import etree

from engine.errors import Finding
from engine.expressions import ExpressionRefused, Template
from engine.model.attributes import get_attribute, list_extensions, pick_named
from engine.model.data import ASSOCIATIONS, list_associations
from engine.model.definition import ACTIVITIES, PROBE, Camunda, Timeout, Timer
from engine.model.parameters import ParameterScript, list_parameters
from engine.model.report import BPMN, Report
from engine.model.work import name_handler, read_name, read_work
from engine.moments import MomentInvalid, find_moment

LISTENER_EVENTS = frozenset(("create", "assignment", "timeout", "complete", "delete", "return", "withdraw", "skip"))
ALLOWED = frozenset(("return", "transfer", "delegate", "withdraw", "skip", "add_signer", "remove_signer", "cancel_branch"))
OF_SIGNERS = frozenset(("add_signer", "remove_signer"))
"""Those that have a meaning at multi-instance activities alone."""
RETURN_WORDS = frozenset(("previous", "applicant", "any"))
AFTER_RETURN = frozenset(("again", "straight"))
OTHER_ELEMENTS = frozenset(("executionListener", "connector", "field", "errorEventDefinition", "formData"))


def split_names(text: str) -> Iterator[str]:
    """The parts of a list separated by commas, those inside `${…}` left alone."""
    depth, start = 0, 0
    for index, character in enumerate(text):
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
        elif character == "," and depth <= 0:
            yield text[start:index]
            start = index + 1
    yield text[start:]


class CamundaReader:
    """Reads the Camunda side of one node."""

    def __init__(self, report: Report, read_timer: Callable[[etree._Element, str], Timer | None]) -> None:
        self.report, self.read_timer = report, read_timer

    def read(self, element: etree._Element, kind: str, node_id: str) -> Camunda:
        """Everything that is written at the node; what we would have to ignore silently is a finding."""
        listeners: dict[str, list[str]] = {}
        timeouts: list[Timeout] = []
        properties: dict[str, str] = {}
        values: dict[str, Any] = {}
        for name, child in list_extensions(element):
            if name == "taskListener":
                self._listener(child, kind, node_id, listeners, timeouts)
            elif name == "properties":
                properties.update(self._properties(child, node_id))
            elif name == "inputOutput":
                if kind not in ACTIVITIES:
                    self.report.fault("diagram_parameters_misplaced", child, at=node_id, kind=kind)
            elif name in OTHER_ELEMENTS:
                self._unsupported(child, name, node_id)
        for side in ASSOCIATIONS:
            for association, done in list_associations(element, side):
                if done is None or kind not in ACTIVITIES:
                    self.report.warn("diagram_data_unused", association, at=node_id)
        for side, field in (("inputParameter", "inputs"), ("outputParameter", "outputs")) if kind in ACTIVITIES else ():
            if (parameters := self._parameters(element, side, node_id)) is not None:
                values[field] = parameters
        return Camunda(
            assignee=self._text(element, "assignee", node_id),
            candidate_groups=self._names(element, "candidateGroups", node_id),
            candidate_users=self._names(element, "candidateUsers", node_id),
            due_date=self._date(element, "dueDate", node_id),
            follow_up_date=self._date(element, "followUpDate", node_id),
            priority=self._text(element, "priority", node_id),
            form_key=self._text(element, "formKey", node_id),
            initiator=read_name(element, "initiator", node_id, self.report) if kind == "startEvent" else None,
            **read_work(element, kind, node_id, self.report),
            listeners=MappingProxyType({event: tuple(names) for event, names in listeners.items()}),
            timeouts=tuple(timeouts),
            properties=MappingProxyType(properties),
            **values,
        )

    def _text(self, element: etree._Element, name: str, node_id: str) -> Template | None:
        return self.report.template(get_attribute(element, name), element, name, at=node_id)

    def _names(self, element: etree._Element, name: str, node_id: str) -> tuple[Template, ...]:
        text = get_attribute(element, name) or ""
        parts = (self.report.template(part, element, name, at=node_id) for part in split_names(text))
        return tuple(part for part in parts if part is not None)

    def _date(self, element: etree._Element, name: str, node_id: str) -> Template | None:
        template = self._text(element, name, node_id)
        if template is not None and template.literal:
            try:
                find_moment(template.text, PROBE)
            except MomentInvalid as problem:
                self.report.fault("diagram_moment", element, at=node_id, where=name, **problem.values)
                return None
        return template

    def _listener(
        self, element: etree._Element, kind: str, node_id: str, listeners: dict[str, list[str]], timeouts: list[Timeout]
    ) -> None:
        event, text = element.get("event", ""), element.get("delegateExpression", "")
        handler = name_handler(text)
        if kind != "userTask":
            self._unsupported(element, "taskListener", node_id)
        elif event not in LISTENER_EVENTS:
            self.report.fault(
                "diagram_listener_event", element, at=node_id, event=event, known=", ".join(sorted(LISTENER_EVENTS))
            )
        elif handler is None:
            self.report.fault("diagram_handler_form", element, at=node_id, text=text)
        elif event == "timeout":
            timer = self._timeout(element, node_id)
            if timer is not None:
                timeouts.append(Timeout(element.get("id") or str(len(timeouts) + 1), handler, timer))
        else:
            listeners.setdefault(event, []).append(handler)

    def _timeout(self, element: etree._Element, node_id: str) -> Timer | None:
        timers = element.findall(BPMN + "timerEventDefinition")
        if len(timers) != 1:
            self.report.fault("diagram_timeout_timer", element, at=node_id)
            return None
        return self.read_timer(timers[0], node_id)

    def _unsupported(self, element: etree._Element, name: str, node_id: str) -> None:
        self.report.fault(
            "diagram_extension_unsupported", element, at=node_id, name=name, instead=Finding(f"diagram_instead_{name}")
        )

    def _properties(self, element: etree._Element, node_id: str) -> Mapping[str, str]:
        found = {child.get("name", ""): child.get("value", "") for child in pick_named(element, "property")}
        for word in found.get("allow", "").split():
            if word not in ALLOWED:
                self.report.fault("diagram_allow_unknown", element, at=node_id, word=word, known=", ".join(sorted(ALLOWED)))
        return found

    def _parameters(self, element: etree._Element, side: str, node_id: str) -> Mapping[str, Template] | None:
        try:
            parameters = list_parameters(element, side)
        except ParameterScript as problem:
            self.report.fault("diagram_parameter_script", element, at=node_id, name=problem.args[0])
            return None
        except ExpressionRefused as problem:
            self.report.refused(problem, element, side, at=node_id)
            return None
        found: dict[str, Template] = {}
        for name, (text, child) in (parameters or {}).items():
            template = self.report.template(text, child, f"{side} {name}", at=node_id)
            if not name:
                self.report.fault("diagram_parameter_name", child, at=node_id, side=side)
            elif template is not None:
                found[name] = template
        return None if parameters is None else MappingProxyType(found)
