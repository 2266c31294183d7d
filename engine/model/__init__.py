"""BPMN XML → definition: elements, flows, scopes, Camunda attributes; every fault as a finding with its element's id."""

from __future__ import annotations

from engine.model.checks import check_handlers
from engine.model.concurrency import Standing, came_from, ends_of_branch, is_beside, is_join, plan_move
from engine.model.definition import (
    ACTIVITIES,
    EVENTS,
    GATEWAYS,
    NODES,
    SCOPES,
    SUBPROCESSES,
    TASKS,
    Behavior,
    Call,
    Camunda,
    Definition,
    EventDefinition,
    EventKind,
    Flow,
    Loop,
    MultiInstance,
    Node,
    Process,
    StandardLoop,
    Timer,
    TimerKind,
)
from engine.model.drawn import Drawn, list_drawn
from engine.model.linking import ElementPlace, link, name_version, place_of
from engine.model.paths import event_starts, instantiating_nodes, link_targets, reachable_flows, starting_nodes, successors
from engine.model.reader import Read, read_diagram

__all__ = [
    "ACTIVITIES",
    "EVENTS",
    "GATEWAYS",
    "NODES",
    "SCOPES",
    "SUBPROCESSES",
    "TASKS",
    "Behavior",
    "Call",
    "Camunda",
    "Definition",
    "Drawn",
    "ElementPlace",
    "EventDefinition",
    "EventKind",
    "Flow",
    "Loop",
    "MultiInstance",
    "Node",
    "Process",
    "Read",
    "StandardLoop",
    "Standing",
    "Timer",
    "TimerKind",
    "came_from",
    "check_handlers",
    "ends_of_branch",
    "event_starts",
    "instantiating_nodes",
    "is_beside",
    "is_join",
    "link",
    "link_targets",
    "list_drawn",
    "name_version",
    "place_of",
    "plan_move",
    "reachable_flows",
    "read_diagram",
    "starting_nodes",
    "successors",
]
