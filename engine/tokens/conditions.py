"""Conditional events: they happen when their condition becomes true (BPMN 2.0.2, table 10.88)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.expressions import Expression, VariableMissing
from engine.tokens import events
from engine.tokens.problems import ConditionVariableMissing
from engine.tokens.waits import listening

if TYPE_CHECKING:
    from engine.tokens.step import Step


def happen(step: Step) -> bool:
    """Look at the conditional events until one happens; False when none does.

    A condition that holds when the event begins to wait lets it happen at once; to happen again it must become false
    first. A condition on a variable that does not exist yet does not hold yet.
    """
    for number in list(step.records.table):
        for node, index, event in list(listening(step.plan, step.records[number])):
            if event.condition is None:
                continue
            true = _holds(step, event.condition, number, node.id)
            known: list[str] = step.records[number].get("true", [])
            key = f"{node.id} {index}" if index else node.id
            if true == (key in known):
                continue
            if true:
                step.records.change(number, true=[*known, key])
                events.catch(step, number, node, index)
                return True
            step.records.change(number, true=[each for each in known if each != key] or None)
    return False


def _holds(step: Step, condition: Expression, number: str, element: str) -> bool:
    try:
        return step.holds(condition, number, element)
    except ConditionVariableMissing as problem:
        if isinstance(problem.__cause__, VariableMissing):
            return False
        raise
