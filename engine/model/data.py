"""Data of a diagram (BPMN 2.0.2, 10.4): data objects, properties, inputs and outputs are variables by their names.

An association is executed where it says what becomes of what: by an assignment, a transformation, or one source and one target.
What is drawn for readers alone (a line from a data object to a task, without the task's input) has no effect, and is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

from lxml import etree

from engine.model.report import BPMN, child_text

KINDS = ("dataObject", "dataObjectReference", "dataInput", "dataOutput", "property")
STORED = ("dataObject", "dataObjectReference", "property")
"""Data of a process or sub-process; inputs and outputs belong to an activity."""
ASSOCIATIONS = {"inputParameter": "dataInputAssociation", "outputParameter": "dataOutputAssociation"}
"""By the side of the parameters that they become."""
Association = tuple[str, str]
"""The name of the variable that is written, and the expression for it."""


@lru_cache(maxsize=8)
def name_data(root: etree._Element) -> Mapping[str, str]:
    """Variable names of data by their ids: the name where it can be a variable, else the id; a reference without name is called
    as what it refers to."""
    names: dict[str, str] = {}
    references: dict[str, str] = {}
    for kind in KINDS:
        for element in root.iter(BPMN + kind):
            element_id, name = element.get("id"), element.get("name")
            if element_id:
                names[element_id] = name if name and name.isidentifier() else element_id
                if kind == "dataObjectReference" and not name and (target := element.get("dataObjectRef")):
                    references[element_id] = target
    names |= {each: names[target] for each, target in references.items() if target in names}
    return MappingProxyType(names)


def list_associations(element: etree._Element, side: str) -> Iterator[tuple[etree._Element, list[Association] | None]]:
    """The associations of one side of an activity, each with what it does; None for one that has no effect.

    What brings a multi-instance activity its collection, or takes its results, is that activity's own.
    """
    names = name_data(element.getroottree().getroot())
    own = {text for name in ("loopDataInputRef", "loopDataOutputRef") if (text := _loop_text(element, name))}
    for association in element.findall(BPMN + ASSOCIATIONS[side]):
        source, target = (child_text(association, end) or "" for end in ("sourceRef", "targetRef"))
        if own & {source, target}:
            continue
        assignments = association.findall(BPMN + "assignment")
        transformation = child_text(association, "transformation")
        if assignments:
            pairs = [(child_text(each, "to") or "", child_text(each, "from") or "null") for each in assignments]
            yield association, [(names.get(to, to), wrap(text)) for to, text in pairs]
        elif target in names and not names[target].startswith("__") and (transformation or source in names):
            yield association, [(names[target], wrap(transformation or names[source]))]
        else:
            yield association, None


def list_outputs(element: etree._Element) -> Iterator[str]:
    """The variables of an activity's data outputs that are taken on: they are its own while it runs."""
    names = name_data(element.getroottree().getroot())
    for association, done in list_associations(element, "outputParameter"):
        source = child_text(association, "sourceRef") or ""
        if done and source in names:
            yield names[source]


def list_declared(process: etree._Element) -> tuple[str, ...]:
    """The variables of data objects and properties that executed associations of a process read or write: they exist from its
    beginning, without value (10.4.1)."""
    root = process.getroottree().getroot()
    names, stored = name_data(root), {each.get("id") for kind in STORED for each in process.iter(BPMN + kind)}
    found: dict[str, None] = {}
    for side, kind in ASSOCIATIONS.items():
        for activity in dict.fromkeys(each.getparent() for each in process.iter(BPMN + kind)):
            for association, done in list_associations(activity, side) if activity is not None else ():
                ends = [child_text(association, end) or "" for end in ("sourceRef", "targetRef")] if done else []
                found |= dict.fromkeys(names[end] for end in ends if end in stored and end in names)
    return tuple(found)


def name_collection(element: etree._Element, reference: str | None) -> str | None:
    """The variable that `loopDataInputRef` or `loopDataOutputRef` means: the data object at the other end of the activity's
    association with it, the data itself, or a variable of this name."""
    if reference is None:
        return None
    names = name_data(element.getroottree().getroot())
    ends = {"dataInputAssociation": ("targetRef", "sourceRef"), "dataOutputAssociation": ("sourceRef", "targetRef")}
    for kind, (own, other) in ends.items():
        for association in element.findall(BPMN + kind):
            if child_text(association, own) == reference and (found := names.get(child_text(association, other) or "")):
                return found
    return names.get(reference, reference)


def wrap(text: str) -> str:
    """An expression as a template."""
    return text if text.startswith(("${", "#{")) else f"${{{text}}}"


def _loop_text(element: etree._Element, name: str) -> str | None:
    loop = element.find(BPMN + "multiInstanceLoopCharacteristics")
    return None if loop is None else child_text(loop, name)
