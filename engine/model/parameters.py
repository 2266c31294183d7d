"""`camunda:inputOutput` and data associations: local variables of an activity, and what is written around it when it is done.

A parameter is a text with `${…}` parts, or a list or map of such, which becomes one expression: `${["a", (b), {"k": c}]}`.
Both kernels read parameters by `list_parameters`; each evaluates them by itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from lxml import etree

from engine.expressions.reading import split_wrapped
from engine.model.attributes import cut_name, get_attribute, list_extensions, pick_named
from engine.model.data import list_associations, list_outputs
from engine.model.work import DECISION_RESULT

Parameters = Mapping[str, tuple[str, etree._Element]]
"""Text and element by name."""


class ParameterScript(Exception):  # noqa: N818 - never leaves the room
    """A parameter is computed by a script; `args` holds its name."""


def list_parameters(element: etree._Element, side: str) -> Parameters | None:
    """The parameters of one side (`inputParameter` or `outputParameter`) as texts; None when the element has none.

    A decision without `resultVariable` has a local variable for its result.
    Raises ParameterScript, ExpressionRefused for a `${` that is not closed.
    """
    found: dict[str, tuple[str, etree._Element]] = {}
    holders = [child for name, child in list_extensions(element) if name == "inputOutput"]
    if side == "inputParameter" and get_attribute(element, "decisionRef") and not get_attribute(element, "resultVariable"):
        found[DECISION_RESULT] = ("${null}", element)
    if side == "inputParameter":
        found |= dict.fromkeys(list_outputs(element), ("${null}", element))
    for association, done in list_associations(element, side):
        for name, text in done or ():
            found[name] = (text, association)
    for parameter in (each for holder in holders for each in pick_named(holder, side)):
        found[parameter.get("name", "")] = (_write_parameter(parameter), parameter)
    return found if found or holders else None


def _write_parameter(parameter: etree._Element) -> str:
    inner = [child for child in parameter if cut_name(child.tag) is not None]
    if inner:
        return f"${{{_write(inner[0], parameter.get('name', ''))}}}"
    return (parameter.text or "").strip() or "${null}"


def _write(element: etree._Element, name: str) -> str:
    """A list, map or value as an expression."""
    kind = cut_name(element.tag)
    if kind == "script":
        raise ParameterScript(name)
    if kind == "list":
        return f"[{', '.join(_write_item(child, name) for child in element if cut_name(child.tag) is not None)}]"
    if kind == "map":
        entries = [f"{_quote(entry.get('key', ''))}: {_write_item(entry, name)}" for entry in pick_named(element, "entry")]
        return f"{{{', '.join(entries)}}}"
    return _write_text(element.text or "")


def _write_item(element: etree._Element, name: str) -> str:
    """An item of a list, an entry of a map: again a list or map, a script, or a text."""
    inner = [child for child in element if cut_name(child.tag) is not None]
    return _write(inner[0] if inner else element, name)


def _write_text(text: str) -> str:
    text = text.strip()
    parts = [(text[begin:end], wrapped) for begin, end, wrapped in split_wrapped(text)]
    if not parts:
        return "null"
    if len(parts) == 1:
        return f"({parts[0][0]})" if parts[0][1] else _quote(text)
    return " + ".join(f"str({part})" if wrapped else _quote(part) for part, wrapped in parts)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
