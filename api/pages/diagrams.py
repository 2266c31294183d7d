"""A diagram with what is done and where it stands, and the same as a list of steps for those who do not see drawings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from engine.definitions import find_version, get_definition
from engine.history import list_entries
from engine.instances import instance_positions
from engine.model import Definition, Node, place_of
from engine.tables import instance
from engine.work import Work

LISTED = frozenset(
    {
        "userTask", "manualTask", "serviceTask", "sendTask", "receiveTask", "businessRuleTask", "scriptTask", "callActivity",
        "startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent",
    }
)  # fmt: skip
"""Kinds of elements that are steps to a reader; gateways and scopes are not."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the list."""

    id: str
    name: str
    lane: str | None
    done: bool
    now: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the viewer marks, and the list of steps beside it."""

    definition_id: str
    name: str
    done: tuple[str, ...]
    now: tuple[str, ...]
    steps: tuple[Step, ...]


def draw_instance(work: Work, instance_id: str) -> Drawing:
    """The drawing of a process instance.

    Raises InstanceUnknown.
    """
    definition_id: str | None = work.connection.execute(
        sa.select(instance.c.definition_id).where(instance.c.id == instance_id)
    ).scalar_one_or_none()
    now = [element_id for _token, element_id in instance_positions(work, instance_id)]
    passed: dict[str, None] = {}
    for entry in list_entries(work, instance_id):
        passed.update(dict.fromkeys(entry.detail.get("passed", ())))
    assert definition_id is not None
    return draw(work, definition_id, tuple(element for element in passed if element not in now), tuple(dict.fromkeys(now)))


def draw(work: Work, definition_id: str, done: tuple[str, ...], now: tuple[str, ...]) -> Drawing:
    """The drawing of a definition with these marks.

    Raises DefinitionUnknown.
    """
    loaded = get_definition(work, definition_id)
    inside = list_called(work, done, now)
    nodes = loaded.model.nodes  # a marked scope would hide the steps within, which are what is of interest
    done = tuple(each for each in done if each in nodes and not nodes[each].is_scope)
    now = tuple(each for each in now if each in nodes and not nodes[each].is_scope)
    steps = list_steps(loaded.model, loaded.key, frozenset(done), frozenset(now))
    return Drawing(definition_id, loaded.name, done, now, steps + inside)


def list_called(work: Work, done: Iterable[str], now: Iterable[str]) -> tuple[Step, ...]:
    """The steps of processes of other definitions that were called: they are not in the drawing, but in the list behind it."""
    marks: dict[tuple[str, int], tuple[set[str], set[str]]] = {}
    for elements, index in ((done, 0), (now, 1)):
        for key, version, element_id in map(place_of, elements):
            if key is not None:
                marks.setdefault((key, version), (set(), set()))[index].add(element_id)
    return tuple(
        step
        for (key, version), (passed, current) in marks.items()
        for step in list_steps(find_version(work, key, version).model, key, frozenset(passed - current), frozenset(current))
    )


def list_steps(model: Definition, process_id: str, done: frozenset[str], now: frozenset[str]) -> tuple[Step, ...]:
    """The named steps of a process in the order of the flow. A token at an event gateway waits for each event behind it."""
    for gateway in [model.nodes[each] for each in now if model.nodes[each].kind == "eventBasedGateway"]:
        now |= {flow.target for flow in gateway.outgoing}
    return tuple(
        Step(node.id, node.name or node.id, model.lanes.get(node.id), node.id in done, node.id in now)
        for node in (model.nodes[node_id] for node_id in walk_order(model, process_id))
        if node.kind in LISTED and node.name
    )


def walk_order(model: Definition, process_id: str) -> list[str]:
    """All node ids of a process along the flows from the start, the content of a scope behind the scope itself."""
    order: dict[str, None] = {}

    def visit(scope: Node) -> None:
        heads = [child for child in scope.children if not model.nodes[child].incoming and model.nodes[child].attached is None]
        waiting = [*heads, *scope.children]  # what no flow reaches from the start comes last
        while waiting:
            node = model.nodes[waiting.pop(0)]
            if node.id in order or node.parent not in (None, scope.id):
                continue
            order[node.id] = None
            if node.is_scope:
                visit(node)
            waiting = [*(flow.target for flow in node.outgoing), *node.boundaries, *waiting]

    visit(model.processes[process_id].node)
    return list(order)
