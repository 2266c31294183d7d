"""What a call activity says: which definition it calls, and which variables go in and come back (Camunda 7's attributes)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lxml import etree

from engine.expressions import Template
from engine.model.attributes import get_attribute, list_extensions
from engine.model.definition import BINDINGS, Call
from engine.model.report import Report

OWN_KEY = frozenset(("execution.processBusinessKey", "execution.businessKey", "processBusinessKey", "businessKey"))
"""How Camunda's diagrams say that the called process has the business key of its caller: here it always has."""


def read_call(element: etree._Element, node_id: str, report: Report, *, simulation: bool) -> Call | None:
    """The call of a call activity; None (after a finding) when it names nothing to call."""
    called = (element.get("calledElement") or "").strip()
    if "{" not in called:
        called = called.split(":")[-1]
    process = report.template(called, element, "calledElement", at=node_id)
    if not called and not simulation:
        report.fault("diagram_call_unknown", element, at=node_id, called="")
    binding = get_attribute(element, "calledElementBinding") or "latest"
    wanted = {"version": "calledElementVersion", "versionTag": "calledElementVersionTag"}.get(binding)
    version = None if wanted is None else report.template(get_attribute(element, wanted), element, wanted, at=node_id)
    if binding not in BINDINGS:
        report.fault("diagram_call_binding", element, at=node_id, binding=binding, known=", ".join(BINDINGS))
        binding = "latest"
    if wanted is not None and not get_attribute(element, wanted):
        report.fault("diagram_call_version", element, at=node_id, binding=binding, attribute=wanted)
    if process is None:
        return None
    into, all_in, local_in = _read_mappings(element, "in", node_id, report)
    out, all_out, local_out = _read_mappings(element, "out", node_id, report)
    return Call(process, binding, version, into, all_in, local_in, out, all_out, local_out)


def _read_mappings(
    element: etree._Element, name: str, node_id: str, report: Report
) -> tuple[Mapping[str, Template] | None, bool, bool]:
    """(single variables; whether all of them; whether only local ones) of `camunda:in` or `camunda:out`."""
    found: dict[str, Template] = {}
    every = local = False
    for kind, child in list_extensions(element):
        if kind != name:
            continue
        if (key := child.get("businessKey")) is not None:
            if name == "out" or key.strip().removeprefix("$").removeprefix("#").strip("{} ") not in OWN_KEY:
                report.fault("diagram_call_business_key", child, at=node_id, text=key)
            continue
        local = local or child.get("local") == "true"
        if child.get("variables") == "all":
            every = True
            continue
        target, source = child.get("target"), child.get("source")
        text = child.get("sourceExpression") or (f"${{{source}}}" if source else None)
        template = report.template(text, child, name, at=node_id)
        if not target or text is None:
            report.fault("diagram_call_mapping", child, at=node_id, name=name)
        elif name == "in" and child.get("local") == "true":
            report.fault("diagram_call_local", child, at=node_id)
        elif template is not None:
            found[target] = template
    return (MappingProxyType(found) if found else None), every, local
