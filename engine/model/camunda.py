"""The attributes and extension elements of Camunda 7 (and its successor Operaton) that we give a meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from lxml import etree

from engine.expressions import Template
from engine.model.definition import Camunda
from engine.model.report import BPMN, Report
from engine.moments import MomentInvalid, parse_instant

NAMESPACES = ("{http://camunda.org/schema/1.0/bpmn}", "{http://operaton.org/schema/1.0/bpmn}")
LISTENER_EVENTS = frozenset(("create", "complete", "return", "withdraw", "skip"))
ALLOWED = frozenset(("return", "transfer", "delegate", "withdraw", "skip", "add_signer", "remove_signer", "cancel_branch"))
OF_SIGNERS = frozenset(("add_signer", "remove_signer"))
"""Those that have a meaning at multi-instance activities alone."""
RETURN_WORDS = frozenset(("previous", "applicant", "any"))
OTHER_CODE = ("class", "expression", "resultVariable", "decisionRef")
"""Attributes that would make other code run than a registered handler."""
OTHER_ELEMENTS = frozenset(("executionListener", "connector", "field", "errorEventDefinition", "formData"))

_HANDLER = re.compile(r"[$#]\{\s*([A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)\s*\}")


def get_attribute(element: etree._Element, name: str) -> str | None:
    """The value of a Camunda attribute in either namespace."""
    for namespace in NAMESPACES:
        value = element.get(namespace + name)
        if value is not None:
            return value
    return None


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


def name_handler(text: str) -> str | None:
    """`audits.record` out of `${audits.record}`; None when it is anything else."""
    found = _HANDLER.fullmatch(text.strip())
    return found[1] if found else None


def read_handler(element: etree._Element, report: Report, node_id: str) -> str | None:
    """The handler that `delegateExpression` names."""
    text = get_attribute(element, "delegateExpression")
    if text is None:
        return None
    name = name_handler(text)
    if name is None:
        report.fault("diagram_handler_form", element, at=node_id, text=text)
    return name


def list_extensions(element: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """(local name, element) of the Camunda elements right inside `extensionElements`."""
    holder = element.find(BPMN + "extensionElements")
    for child in () if holder is None else holder:
        tag = child.tag
        for namespace in NAMESPACES:
            if isinstance(tag, str) and tag.startswith(namespace):
                yield tag[len(namespace) :], child


def _named(children: Iterable[etree._Element], name: str) -> Iterator[etree._Element]:
    for child in children:
        if isinstance(child.tag, str) and child.tag in [namespace + name for namespace in NAMESPACES]:
            yield child


class CamundaReader:
    """Reads the Camunda side of one node."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def read(self, element: etree._Element, kind: str, node_id: str) -> Camunda:
        """Everything that is written at the node; what we would have to ignore silently is a finding."""
        for name in OTHER_CODE:
            if get_attribute(element, name) is not None:
                self.report.fault("diagram_code_unsupported", element, at=node_id, attribute=name)
        listeners: dict[str, list[str]] = {}
        properties: dict[str, str] = {}
        values: dict[str, Any] = {}
        for name, child in list_extensions(element):
            if name == "taskListener":
                self._listener(child, kind, node_id, listeners)
            elif name == "properties":
                properties.update(self._properties(child, node_id))
            elif name == "inputOutput":
                values["inputs"] = self._parameters(child, "inputParameter", node_id)
                values["outputs"] = self._parameters(child, "outputParameter", node_id)
            elif name == "failedJobRetryTimeCycle":
                values["retries"] = (child.text or "").strip() or None
            elif name in OTHER_ELEMENTS:
                self.report.fault("diagram_extension_unsupported", child, at=node_id, name=name)
        handler = read_handler(element, self.report, node_id)
        if handler and kind not in ("serviceTask", "sendTask", "businessRuleTask"):
            self.report.fault("diagram_handler_misplaced", element, at=node_id, handler=handler)
            handler = None
        return Camunda(
            assignee=self._text(element, "assignee", node_id),
            candidate_groups=self._names(element, "candidateGroups", node_id),
            candidate_users=self._names(element, "candidateUsers", node_id),
            due_date=self._date(element, "dueDate", node_id),
            follow_up_date=self._date(element, "followUpDate", node_id),
            priority=self._text(element, "priority", node_id),
            form_key=self._text(element, "formKey", node_id),
            handler=handler,
            topic=get_attribute(element, "topic"),
            listeners=MappingProxyType({event: tuple(names) for event, names in listeners.items()}),
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
                parse_instant(template.text)
            except MomentInvalid as problem:
                self.report.fault("diagram_moment", element, at=node_id, where=name, **problem.values)
                return None
        return template

    def _listener(self, element: etree._Element, kind: str, node_id: str, listeners: dict[str, list[str]]) -> None:
        event, text = element.get("event", ""), element.get("delegateExpression", "")
        handler = name_handler(text)
        if kind != "userTask":
            self.report.fault("diagram_extension_unsupported", element, at=node_id, name="taskListener")
        elif event not in LISTENER_EVENTS:
            self.report.fault(
                "diagram_listener_event", element, at=node_id, event=event, known=", ".join(sorted(LISTENER_EVENTS))
            )
        elif handler is None:
            self.report.fault("diagram_handler_form", element, at=node_id, text=text)
        else:
            listeners.setdefault(event, []).append(handler)

    def _properties(self, element: etree._Element, node_id: str) -> Mapping[str, str]:
        found = {child.get("name", ""): child.get("value", "") for child in _named(element, "property")}
        for word in found.get("allow", "").split():
            if word not in ALLOWED:
                self.report.fault("diagram_allow_unknown", element, at=node_id, word=word, known=", ".join(sorted(ALLOWED)))
        return found

    def _parameters(self, element: etree._Element, name: str, node_id: str) -> Mapping[str, Template]:
        found: dict[str, Template] = {}
        for child in _named(element, name):
            if len(child):  # a list, a map or a script
                self.report.fault("diagram_extension_unsupported", child, at=node_id, name=f"{name} ({child.get('name')})")
                continue
            template = self.report.template(child.text, child, name, at=node_id)
            if template is not None and child.get("name"):
                found[child.get("name", "")] = template
        return MappingProxyType(found)
