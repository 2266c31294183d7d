"""What a diagram says and nobody uses is told: elements, attributes and extensions that have no effect here, once each.

`vocabulary.yaml` says what becomes of every name of BPMN 2.0.2 and of Camunda's extensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml
from lxml import etree

from engine.errors import Severity
from engine.model.attributes import NAMESPACES
from engine.model.report import BPMN, Report, local_name
from engine.texts import LOADER

Entry = Mapping[str, Any]
SEVERITIES: Mapping[str, Severity] = {"idle": "information", "missed": "warning"}
"""How it is told that something has no effect; the other states are not told here."""
UNUSED: Mapping[str, str] = {
    "element": "diagram_unused_element",
    "attribute": "diagram_unused_attribute",
    "extension": "diagram_unused_extension",
    "namespace": "diagram_unused_namespace",
}
"""The code of a finding by the kind of name."""
DRAWING = frozenset((
    "http://www.omg.org/spec/BPMN/20100524/DI",
    "http://www.omg.org/spec/BPMN/non-normative/color/1.0",
    "http://bpmn.io/schema/bpmn/biocolor/1.0",
    "http://camunda.org/schema/modeler/1.0",
    "http://www.w3.org/2001/XMLSchema-instance",
))  # fmt: skip
"""Namespaces of what is only drawn, and of the schema itself."""


@cache
def read_vocabulary() -> Mapping[str, Mapping[str, Entry]]:
    """What becomes of each name: `elements` (BPMN), `camunda` (attributes) and `camunda_elements`."""
    text = resources.files("engine.model").joinpath("vocabulary.yaml").read_text("utf-8")
    vocabulary: Mapping[str, Mapping[str, Entry]] = yaml.load(text, Loader=LOADER)
    return vocabulary


@dataclass(frozen=True, slots=True)
class Unused:
    """A name without effect. `where` is the kind of element that it stands in or at, `element` where it is shown."""

    kind: str
    name: str
    where: str
    severity: Severity
    element: etree._Element


def tell_unused(root: etree._Element, report: Report) -> None:
    """One finding for each name that has no effect, at the first element that has it."""
    found: dict[tuple[str, str, str], Unused] = {}
    for unused in _unused_below(root, local_name(root)):
        found.setdefault((unused.kind, unused.name, unused.where), unused)
    for each in found.values():
        at = _nearest_id(each.element)
        report.add(UNUSED[each.kind], each.severity, each.element, at=at, name=each.name, where=each.where)


def _unused_below(element: etree._Element, name: str) -> Iterator[Unused]:
    """What has no effect at an element that is run or people's, and in it."""
    yield from _attributes(element, name, read_vocabulary()["elements"][name])
    for child in element:
        inner = local_name(child)
        entry = read_vocabulary()["elements"].get(inner)
        if inner == "extensionElements":
            yield from _extensions(child, element, name)
        elif entry is None or inner == "process" and child.get("isExecutable") == "false":
            continue  # an unknown name is the reader's or the schema's to refuse
        elif entry["state"] in SEVERITIES:
            yield Unused("element", inner, name, SEVERITIES[entry["state"]], child)
        else:
            yield from _unused_below(child, inner)


def _attributes(element: etree._Element, name: str, entry: Entry) -> Iterator[Unused]:
    for key, value in element.attrib.items():
        space, _, attribute = str(key).rpartition("}")
        if not space:
            for state, severity in SEVERITIES.items():
                said = [each.partition("=") for each in entry.get(state, ())]
                if any(attribute == known and not (sign and value == default) for known, sign, default in said):
                    yield Unused("attribute", attribute, name, severity, element)
        elif space + "}" in NAMESPACES:
            yield from _extension(read_vocabulary()["camunda"].get(attribute), attribute, element, name)
        elif space[1:] not in DRAWING:
            yield Unused("namespace", space[1:], name, "information", element)


def _extensions(holder: etree._Element, element: etree._Element, where: str) -> Iterator[Unused]:
    for child in holder:
        space, _, name = str(child.tag).rpartition("}")
        if space + "}" in NAMESPACES:
            yield from _extension(read_vocabulary()["camunda_elements"].get(name), name, element, where)
        elif space and space[1:] not in DRAWING:
            yield Unused("namespace", space[1:], where, "information", element)


def _extension(entry: Entry | None, name: str, element: etree._Element, where: str) -> Iterator[Unused]:
    if entry is None or entry["state"] == "run" and where not in entry.get("at", (where,)):
        yield Unused("extension", name, where, "warning", element)
    elif entry["state"] in SEVERITIES:
        yield Unused("extension", name, where, SEVERITIES[entry["state"]], element)


def _nearest_id(element: etree._Element) -> str | None:
    """The id of the element, or of the next one around it: where the finding is shown."""
    current: etree._Element | None = element
    while current is not None and current.get("id") is None:
        current = current.getparent()
    return None if current is None or current.tag == BPMN + "definitions" else current.get("id")
