"""Camunda's two namespaces: attributes and elements by their names alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml import etree

from engine.model.report import BPMN

NAMESPACES = ("{http://camunda.org/schema/1.0/bpmn}", "{http://operaton.org/schema/1.0/bpmn}")


def get_attribute(element: etree._Element, name: str) -> str | None:
    """The value of a Camunda attribute in either namespace."""
    for namespace in NAMESPACES:
        value = element.get(namespace + name)
        if value is not None:
            return value
    return None


def cut_name(tag: object) -> str | None:
    """The name of an element or attribute of these namespaces; None for any other."""
    for namespace in NAMESPACES:
        if isinstance(tag, str) and tag.startswith(namespace):
            return tag[len(namespace) :]
    return None


def list_extensions(element: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """(local name, element) of the Camunda elements right inside `extensionElements`."""
    holder = element.find(BPMN + "extensionElements")
    for child in () if holder is None else holder:
        if (name := cut_name(child.tag)) is not None:
            yield name, child


def pick_named(children: Iterable[etree._Element], name: str) -> Iterator[etree._Element]:
    """Those of the elements that have this name."""
    return (child for child in children if cut_name(child.tag) == name)
