"""What does the work of an activity: a registered handler, a worker outside, a decision table or an expression."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from engine.model.attributes import get_attribute
from engine.model.definition import BINDINGS, DECISION_MAPPINGS, DecisionCall
from engine.model.report import Report

WORKED = frozenset(("serviceTask", "sendTask", "businessRuleTask"))
"""Activities whose work somebody other than a person does."""
DECISION_RESULT = "decisionResult"
"""Where a decision's result is for output parameters, without `resultVariable`: Camunda's name for it."""
_WAYS = ("type", "decisionRef", "delegateExpression", "expression", "class")
_HANDLER = re.compile(r"[$#]\{\s*([A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)\s*\}")


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


def read_work(element: etree._Element, kind: str, node_id: str, report: Report) -> dict[str, Any]:
    """The fields of `Camunda` that say who does the work: `handler`, `topic`, `decision` or `expression`; at most one of them."""
    given = [name for name in _WAYS if get_attribute(element, name) is not None]
    if "class" in given:
        report.fault("diagram_code_unsupported", element, at=node_id, attribute="class")
    if kind not in WORKED:
        return _refuse_elsewhere(element, kind, node_id, given, report)
    if len(given) > 1:
        report.fault("diagram_work_twice", element, at=node_id, attributes=", ".join(given))
        return {}
    if given == ["type"]:
        return _read_external(element, node_id, report)
    if given == ["decisionRef"]:
        return _read_decision(element, kind, node_id, report)
    if given == ["expression"]:
        text = get_attribute(element, "expression") or ""
        expression = report.template(text, element, "expression", at=node_id)
        return {"expression": expression, "result_variable": read_name(element, "resultVariable", node_id, report)}
    return {"handler": read_handler(element, report, node_id)} if given == ["delegateExpression"] else {}


def _refuse_elsewhere(element: etree._Element, kind: str, node_id: str, given: list[str], report: Report) -> dict[str, Any]:
    """Nobody would do it at an element of this kind."""
    for name in given:
        if name == "delegateExpression":
            handler = read_handler(element, report, node_id)
            report.fault("diagram_handler_misplaced", element, at=node_id, handler=handler or "")
        elif name == "decisionRef":
            report.fault("diagram_decision_misplaced", element, at=node_id)
        elif name == "expression":
            report.fault("diagram_work_misplaced", element, at=node_id, attribute=name, kind=kind)
    return {}


def _read_external(element: etree._Element, node_id: str, report: Report) -> dict[str, Any]:
    kind, topic = get_attribute(element, "type"), get_attribute(element, "topic")
    if kind != "external":
        report.fault("diagram_work_type", element, at=node_id, text=kind)
    elif not (topic or "").strip():
        report.fault("diagram_topic_missing", element, at=node_id)
    priority = report.template(get_attribute(element, "taskPriority"), element, "taskPriority", at=node_id)
    return {"topic": report.template(topic, element, "topic", at=node_id), "task_priority": priority}


def _read_decision(element: etree._Element, kind: str, node_id: str, report: Report) -> dict[str, Any]:
    if kind != "businessRuleTask":
        report.fault("diagram_decision_misplaced", element, at=node_id)
    reference = report.template(get_attribute(element, "decisionRef"), element, "decisionRef", at=node_id)
    binding = get_attribute(element, "decisionRefBinding") or "latest"
    wanted: str | None = None
    if binding not in BINDINGS:
        report.fault("diagram_decision_binding", element, at=node_id, attribute="decisionRefBinding", text=binding)
    elif binding in ("version", "versionTag"):
        attribute = "decisionRefVersion" if binding == "version" else "decisionRefVersionTag"
        wanted = (get_attribute(element, attribute) or "").strip()
        if not wanted or binding == "version" and not wanted.isdecimal():
            report.fault("diagram_decision_binding", element, at=node_id, attribute=attribute, text=wanted)
    mapping = get_attribute(element, "mapDecisionResult") or "resultList"
    if mapping not in DECISION_MAPPINGS:
        report.fault("diagram_decision_mapping", element, at=node_id, text=mapping, known=", ".join(DECISION_MAPPINGS))
    name = read_name(element, "resultVariable", node_id, report) or DECISION_RESULT
    if reference is None:
        return {}
    return {"decision": DecisionCall(reference, binding, wanted, mapping), "result_variable": name}


def read_name(element: etree._Element, attribute: str, node_id: str, report: Report) -> str | None:
    """The name of a variable to be written, in a Camunda attribute."""
    name = get_attribute(element, attribute)
    if name is not None and not (name.isidentifier() and not name.startswith("_")):
        report.fault("diagram_variable_name", element, at=node_id, attribute=attribute, text=name)
        return None
    return name
