"""The steps that people have completed, for going back to them: `past` of each scope, latest last, each step once.

The list is as long as the scope has user tasks, however often they are done again. What was completed in a sub-process belongs to
the scope around it when it is over; of a loop, a multi-instance activity or a call the activity as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from engine.kernel import WaitKind
from engine.model import Node, came_from, is_beside
from engine.tokens.plan import Plan
from engine.tokens.records import ROOT, Records

if TYPE_CHECKING:
    from engine.tokens.step import Step


def remember(step: Step, number: str, node: Node) -> None:
    """An activity is done: note it, or what was done in it. Instances of a loop are noted with the whole of it."""
    if "past" not in step.records[ROOT]:  # an instance that an earlier version began
        return
    container: str = step.records[number]["in"]
    if step.plan.work.get(node.id) is WaitKind.TASK:
        done: list[str] = [node.id]
    else:
        done = step.records[number].get("past", [])
        if node.kind == "process":
            container, node = step.records[container]["in"], step.node(container)
            done = [node.id] if done else []
        elif done and (node.loop is not None or node.triggered_by_event):
            done = [node.id] if node.loop is not None else []
    while "mi" in step.records[container]:
        container = step.records[container]["in"]
    if done and "comp" not in step.records[container]:
        _append(step, container, done)


def _append(step: Step, scope: str, done: list[str]) -> None:
    past = step.records[scope].get("past", [])
    if past[-len(done) :] != done:
        step.records.change(scope, past=[*(each for each in past if each not in done), *done])


def remember_again(step: Step, number: str, node: Node, done: list[str]) -> None:
    """A step is done again from which the token goes straight on: what it took off is done as it was (`forget_after`)."""
    if done:
        _append(step, step.records[number]["in"], done)
    else:
        remember(step, number, node)


def forget_after(step: Step, scope: str, node: Node, target: Node) -> list[str]:
    """A token goes back to `target`, by way of `node` of the scope: what was done since then is to be done again; tells it."""
    past: list[str] = step.records[scope].get("past", [])
    if target.id not in past:
        return []
    definition, inside = step.plan.definition, step.records[scope]["at"]
    index = past.index(target.id)
    kept = [each for each in past[index + 1 :] if is_beside(definition, node, _within(step.plan, each, inside))]
    step.records.change(scope, past=[*past[:index], *kept])
    return [each for each in past[index:] if each not in kept]


def behind(plan: Plan, records: Records, number: str) -> list[str] | None:
    """Completed steps that a token can go back to, latest first, inner scopes before outer ones; None when nobody noted them.

    Not those of a branch beside it, and none in a scope that was interrupted.
    """
    if "past" not in records[ROOT]:
        return None
    return list(dict.fromkeys(_behind(plan, records, number)))


def _behind(plan: Plan, records: Records, number: str) -> Iterator[str]:
    around = list(records.containers(number))
    nodes = {records[each]["at"] for each in around}
    for inner, scope in zip(around, around[1:], strict=False):
        record = records[scope]
        if "int" in record:
            continue
        past: Iterable[str] = reversed(record.get("past", []))
        place = plan.nodes[records[inner]["at"]]
        for each in past:
            if each not in nodes and came_from(plan.definition, _within(plan, each, record["at"]), place):
                yield each


def _within(plan: Plan, element: str, scope: str) -> Node:
    """The node right inside the scope that the element is or is in."""
    node = plan.nodes[element]
    while node.parent != scope:
        node = plan.nodes[node.parent or ""]
    return node
