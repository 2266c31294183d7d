"""BPMN XML → definition: elements, flows, scopes, Camunda attributes; every fault as a finding with its element's id."""

from __future__ import annotations

from engine.model.definition import (
    ACTIVITIES,
    EVENTS,
    GATEWAYS,
    NODES,
    SCOPES,
    SUBPROCESSES,
    TASKS,
    Behavior,
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

__all__ = [
    "ACTIVITIES",
    "EVENTS",
    "GATEWAYS",
    "NODES",
    "SCOPES",
    "SUBPROCESSES",
    "TASKS",
    "Behavior",
    "Camunda",
    "Definition",
    "EventDefinition",
    "EventKind",
    "Flow",
    "Loop",
    "MultiInstance",
    "Node",
    "Process",
    "StandardLoop",
    "Timer",
    "TimerKind",
]
