"""Definitions that call each other, joined into one that a kernel can run.

The elements of a called definition get ids of their own there, `<process>@<version>/<element>`: neither a process nor an element
can have such an id, so that they never meet the caller's, and each tells by itself which version it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple, TypeVar, overload

from engine.model.definition import Behavior, Definition, EventDefinition, Flow, MultiInstance, Node

Value = TypeVar("Value")


class ElementPlace(NamedTuple):
    """Where an element of a running instance stands: the called definition (None: its own) and its id there."""

    key: str | None
    version: int
    element_id: str


def name_version(key: str, version: int) -> str:
    """What a version of a process is called inside an instance that calls it."""
    return f"{key}@{version}"


def place_of(element_id: str) -> ElementPlace:
    """The parts of an element id of an instance."""
    alias, slash, element = element_id.rpartition("/")
    if not slash:
        return ElementPlace(None, 0, element_id)
    key, _, version = alias.rpartition("@")
    return ElementPlace(key, int(version), element)


@lru_cache(maxsize=256)
def link(definition: Definition, called: tuple[tuple[str, Definition], ...]) -> Definition:
    """The definition together with those that it calls, each under its name (`name_version`). Its own elements stay the same."""
    if not called:
        return definition
    parts = [_rename(each, alias) for alias, each in called]
    return replace(
        definition,
        processes=_join(definition.processes, (part.processes for part in parts)),
        nodes=_join(definition.nodes, (part.nodes for part in parts)),
        flows=_join(definition.flows, (part.flows for part in parts)),
        lanes=_join(definition.lanes, (part.lanes for part in parts)),
        callables=_join(definition.callables, (part.callables for part in parts)),
        derived={},
    )


def _join(own: Mapping[str, Value], others: Iterable[Mapping[str, Value]]) -> Mapping[str, Value]:
    joined = dict(own)
    for other in others:
        joined.update(other)
    return MappingProxyType(joined)


@lru_cache(maxsize=256)
def _rename(definition: Definition, alias: str) -> Definition:
    return _Renaming(definition, alias).rename()


class _Renaming:
    """All ids of a definition under another one's name."""

    def __init__(self, definition: Definition, alias: str) -> None:
        self.definition, self.alias = definition, alias
        self.flows = {id(flow): self._flow(flow) for flow in definition.flows.values()}

    def rename(self) -> Definition:
        """The definition with its ids changed everywhere."""
        old = self.definition
        nodes = {self._id(key): self._node(node) for key, node in old.nodes.items()}
        return replace(
            old,
            nodes=nodes,
            processes={
                self._id(key): replace(each, id=self._id(key), node=nodes[self._id(each.node.id)])
                for key, each in old.processes.items()
            },
            flows={flow.id: flow for flow in self.flows.values()},
            lanes={self._id(key): lane for key, lane in old.lanes.items()},
            callables={self._id(key): nodes[self._id(node.id)] for key, node in old.callables.items()},
            derived={},
        )

    @overload
    def _id(self, element_id: str) -> str: ...
    @overload
    def _id(self, element_id: None) -> None: ...
    def _id(self, element_id: str | None) -> str | None:
        return None if element_id is None else f"{self.alias}/{element_id}"

    def _ids(self, element_ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self._id(each) for each in element_ids)

    def _flow(self, flow: Flow) -> Flow:
        return replace(flow, id=self._id(flow.id), source=self._id(flow.source), target=self._id(flow.target))

    def _event(self, event: EventDefinition) -> EventDefinition:
        return event if event.activity is None else replace(event, activity=self._id(event.activity))

    def _node(self, node: Node) -> Node:
        loop = node.loop
        if isinstance(loop, MultiInstance) and loop.behaviors:
            behaviors = tuple(Behavior(each.when, each.condition, self._event(each.event)) for each in loop.behaviors)
            loop = replace(loop, behaviors=behaviors)
        return replace(
            node,
            id=self._id(node.id),
            parent=self._id(node.parent),
            process=self._id(node.process),
            incoming=tuple(self.flows[id(flow)] for flow in node.incoming),
            outgoing=tuple(self.flows[id(flow)] for flow in node.outgoing),
            default=self._id(node.default),
            events=tuple(self._event(event) for event in node.events),
            loop=loop,
            boundaries=self._ids(node.boundaries),
            compensation=self._id(node.compensation),
            called=self._id(node.called) if node.called in self.definition.callables else node.called,
            attached=self._id(node.attached),
            children=self._ids(node.children),
            event_subprocesses=self._ids(node.event_subprocesses),
        )
