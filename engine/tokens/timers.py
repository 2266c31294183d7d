"""Timer events: armed when their scope, activity or event begins, fired from outside when they are due."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from engine.model import Node
from engine.moments import Due, MomentInvalid, first_due, next_due
from engine.tokens import events
from engine.tokens.problems import NothingWaits, TimerUnreadable

if TYPE_CHECKING:
    from engine.tokens.step import Step


def arm(step: Step, number: str, nodes: Iterable[Node]) -> None:
    """Note when the timers among these events are due, counted from the moment of the step.

    Raises TimerUnreadable with the element.
    """
    due = dict(step.records[number].get("due", {}))
    for node in nodes:
        for event in node.events:
            if event.timer is not None:
                value = step.value(event.timer.value, number, node.id)
                try:
                    due[node.id] = first_due(event.timer.kind, value, step.moment, workdays=step.workdays).dump()
                except MomentInvalid as problem:
                    raise TimerUnreadable(element=node.id, **problem.values) from problem
    if due:
        step.records.change(number, due=due)


def reschedule(step: Step, number: str, element: str, moment: datetime) -> None:
    """The timer is due at another moment; of a cycle only this occurrence.

    Raises NothingWaits when this timer is not armed (any more).
    """
    record = step.records.table.get(number)
    if record is None or element not in record.get("due", {}):
        raise NothingWaits(token=number, element=element)
    due = Due.load(record["due"][element])
    if due.at != moment:
        step.records.change(number, due={**record["due"], element: replace(due, at=moment).dump()})


def fire(step: Step, number: str, element: str) -> None:
    """The timer is due: the event happens. A cycle goes on where the event can happen again.

    Raises NothingWaits when this timer is not armed (any more).
    """
    record = step.records.table.get(number)
    if record is None or element not in record.get("due", {}):
        raise NothingWaits(token=number, element=element)
    node = step.nodes[element]
    due = dict(record["due"])
    following = next_due(Due.load(due.pop(element)), workdays=step.workdays)
    if following is not None:
        due[element] = following.dump()
    step.records.change(number, due=due or None)
    index = next(index for index, event in enumerate(node.events) if event.kind == "timer")
    events.catch(step, number, node, index)
