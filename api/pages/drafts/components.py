"""A form's components as data: walked, found by their place, changed, added, moved and taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api.pages.records import Listing, Record, Slot, Text, Variants, shape_of
from api.pages.records.shapes import record_of
from workflows.forms.components import MODELS, Properties, Value

OPTION = "option_en."
CONTAINERS = ("group", "dynamiclist")
PLACE = re.compile(r"components\[(\d{1,4})\]")


@dataclass(frozen=True, slots=True)
class Line:
    """One component in the list beside the editor."""

    place: str
    depth: int
    type: str
    name: str
    key: str


def component_shape() -> Variants:
    """Any component by its `type`: the keys of its model, our own properties, and the English of its options beside them."""
    return Variants("type", tuple((name, _record(model)) for name, model in MODELS.items()))


def _record(model: Any) -> Record:
    slots = []
    value = record_of(Value)
    for slot in record_of(model).slots:
        if slot.name == "properties":
            slots.append(Slot("properties", shape_of(Properties), required=False))
        elif slot.name == "values":
            slots.append(
                Slot("values", Listing(Record((*value.slots, Slot("label_en", Text(), required=False)))), required=False)
            )
        elif slot.name not in ("type", "components"):
            slots.append(slot)
    return Record(tuple(slots))


def open_component(component: dict[str, Any]) -> dict[str, Any]:
    """A component as it is edited: without what it contains, the English of each option beside it."""
    shown = {name: value for name, value in component.items() if name != "components"}
    values, properties = shown.get("values"), shown.get("properties")
    if not isinstance(values, list) or not isinstance(properties, dict):
        return shown
    english = {name.removeprefix(OPTION): text for name, text in properties.items() if name.startswith(OPTION)}
    names = [item.get("value") for item in values if isinstance(item, dict)]
    shown["properties"] = {
        name: text for name, text in properties.items() if not (name.startswith(OPTION) and name.removeprefix(OPTION) in names)
    }
    shown["values"] = [
        {**item, "label_en": english[item["value"]]} if isinstance(item, dict) and item.get("value") in english else item
        for item in values
    ]
    return shown


def close_component(shown: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """What was edited as the component that the form keeps."""
    component = dict(shown)
    values = component.get("values")
    if isinstance(values, list):
        texts = {
            f"{OPTION}{item['value']}": item["label_en"] for item in values if isinstance(item, dict) and item.get("label_en")
        }
        component["values"] = [
            {name: text for name, text in item.items() if name != "label_en"} if isinstance(item, dict) else item
            for item in values
        ]
        properties = component.get("properties")
        if texts:
            component["properties"] = {**(properties if isinstance(properties, dict) else {}), **texts}
    if component.get("type") in CONTAINERS:
        component["components"] = before.get("components", [])
    return component


def list_components(form: Any) -> list[Line]:
    """All components in the order of the form, those within groups and tables behind them."""
    return list(_walk(form, "", 0))


def _walk(owner: Any, path: str, depth: int) -> Iterator[Line]:
    components = owner.get("components") if isinstance(owner, dict) else None
    for number, item in enumerate(components if isinstance(components, list) else []):
        place = f"{path}components[{number}]"
        held = item if isinstance(item, dict) else {}
        name = held.get("label") or held.get("dateLabel") or held.get("text") or held.get("key") or held.get("path") or ""
        yield Line(place, depth, str(held.get("type", "")), str(name)[:60], str(held.get("key") or held.get("path") or ""))
        yield from _walk(item, f"{place}.", depth + 1)


def find(form: Any, place: str) -> tuple[list[Any], int] | None:
    """The list in which a component stands, and its number in it; None when there is none at this place."""
    owner, found = form, None
    for number in map(int, PLACE.findall(place)):
        components = owner.get("components") if isinstance(owner, dict) else None
        if not isinstance(components, list) or number >= len(components):
            return None
        found, owner = (components, number), components[number]
    return found


def add(form: dict[str, Any], place: str, kind: str, *, inside: bool) -> str:
    """Put a new component of this type behind the one at `place` (or `inside` it, or at the end); its place."""
    keys = {line.key for line in list_components(form)}
    number = next(number for number in range(1, len(keys) + 2) if f"field_{number}" not in keys)
    made = make(kind, f"field_{number}")
    found = find(form, place)
    if found is None:
        components = form.setdefault("components", [])
        components.append(made)
        return f"components[{len(components) - 1}]"
    owner, at = found
    if inside and isinstance(owner[at], dict) and owner[at].get("type") in CONTAINERS:
        owner[at].setdefault("components", []).append(made)
        return f"{place}.components[{len(owner[at]['components']) - 1}]"
    owner.insert(at + 1, made)
    return f"{place[: place.rindex('[')]}[{at + 1}]"


def make(kind: str, key: str) -> dict[str, Any]:
    """A component that can be used as it is, to be changed."""
    made: dict[str, Any] = {"type": kind, "id": f"Field_{key}"}
    if kind in ("separator", "spacer"):
        return made
    if kind == "text":
        return {**made, "text": "说明"}
    if kind == "button":
        return {**made, "label": "提交", "action": "submit"}
    if kind == "group":
        return {**made, "label": "分组", "components": []}
    if kind == "dynamiclist":
        return {**made, "label": "表格", "path": key, "components": [make("textfield", f"{key}_1")]}
    made |= {"key": key}
    made |= {"dateLabel": "日期", "subtype": "date"} if kind == "datetime" else {"label": "新字段"}
    if kind in ("select", "radio", "checklist", "taglist"):
        made["values"] = [{"value": "one", "label": "选项一"}, {"value": "two", "label": "选项二"}]
    return made


def remove(form: dict[str, Any], place: str) -> str:
    """Take a component out; the place that is shown next."""
    found = find(form, place)
    if found is None:
        return ""
    owner, at = found
    del owner[at]
    return f"{place[: place.rindex('[')]}[{max(at - 1, 0)}]" if owner else place.rpartition(".")[0]


def move(form: dict[str, Any], place: str, steps: int) -> str:
    """Move a component among its neighbours; its new place."""
    found = find(form, place)
    if found is None:
        return ""
    owner, at = found
    to = max(0, min(at + steps, len(owner) - 1))
    owner.insert(to, owner.pop(at))
    return f"{place[: place.rindex('[')]}[{to}]"
