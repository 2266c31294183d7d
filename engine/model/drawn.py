"""A diagram as a list of what is drawn, for comparisons: each element with its own values, and where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from engine.errors import Finding
from engine.model.source import read_source

_DI = ("{http://www.omg.org/spec/BPMN/20100524/DI}BPMNShape", "{http://www.omg.org/spec/BPMN/20100524/DI}BPMNEdge")
_PLANE = "{http://www.omg.org/spec/BPMN/20100524/DI}BPMNDiagram"
_DERIVED = frozenset(("incoming", "outgoing"))
"""Said by the flows themselves."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One element with an id. `values` are its attributes and the content without id that belongs to it, as texts."""

    kind: str
    name: str
    values: Mapping[str, str]
    place: tuple[str, ...]


def list_drawn(xml: bytes) -> dict[str, Drawn] | None:
    """All elements with an id in the order of the file; None when the file cannot be read."""
    root = read_source(xml)
    if isinstance(root, Finding):
        return None
    places: dict[str, tuple[str, ...]] = {}
    for diagram in root.iter(_PLANE):
        for shape in diagram.iter(*_DI):
            where = [_numbers(each) for each in shape.iter() if each is not shape]
            places[shape.get("bpmnElement", "")] = (*sorted(f"{k}={v}" for k, v in _plain(shape).items()), *where)
    found: dict[str, Drawn] = {}
    for element in root.iter(etree.Element):
        own = element.get("id")
        if own is None or any(True for _ in element.iterancestors(_PLANE)) or element.tag == _PLANE:
            continue
        values = {name: value for name, value in _plain(element).items() if name != "id"}
        if (scope := _scope(element)) is not None:
            values["in"] = scope
        for child in element:
            name = _local(child)
            if child.get("id") is None and name not in _DERIVED and child.tag != _PLANE:
                values[name] = f"{values[name]}\n{_say(child)}" if name in values else _say(child)
        if "flowNodeRef" in values:
            values["flowNodeRef"] = ", ".join(sorted(values["flowNodeRef"].split("\n")))
        found[own] = Drawn(_local(element), element.get("name") or "", values, places.get(own, ()))
    return found


def _scope(element: etree._Element) -> str | None:
    """The element that holds this one, unless it is the process itself: its id differs in every clone."""
    owner = next((each for each in element.iterancestors() if each.get("id") is not None), None)
    return None if owner is None or _local(owner) in ("process", "collaboration", "definitions") else owner.get("id")


def _say(element: etree._Element) -> str:
    """An element without id as one line per element in it, without the names of namespaces."""
    own = " ".join(f"{name}={value}" for name, value in _plain(element).items() if name != "type")
    text = (element.text or "").strip()
    lines = [" ".join(part for part in (own, text) if part)]
    for child in element:
        if isinstance(child.tag, str) and child.get("id") is None:
            lines.append(f"{_local(child)} {_say(child)}".strip())
    return "\n".join(line for line in lines if line)


def _numbers(element: etree._Element) -> str:
    return " ".join(
        f"{name}={float(value):g}" if _is_number(value) else f"{name}={value}" for name, value in _plain(element).items()
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _plain(element: etree._Element) -> dict[str, str]:
    return {_cut(str(name)): str(value) for name, value in sorted(element.attrib.items()) if _cut(str(name)) != "bpmnElement"}


def _local(element: etree._Element) -> str:
    return _cut(str(element.tag))


def _cut(name: str) -> str:
    return name.rpartition("}")[2]
