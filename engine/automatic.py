"""What the engine does by itself at an activity or event: call a handler, ask a decision, evaluate an expression."""

from __future__ import annotations

from typing import Any

from engine.decisions import ask_decision
from engine.errors import StepFailed
from engine.expressions import ExpressionFailed
from engine.handlers import Call
from engine.model import Definition, Node


def is_automatic(model: Definition, element_id: str) -> bool:
    """Whether the engine does it in the same step; what has a topic waits for a worker."""
    return model.nodes[element_id].camunda.topic is None


def perform(definition_id: str, node: Node, call: Call) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Do the work of an element: (variables to write, what the history is to say of a decision).

    Raises BpmnError, HandlerUnknown, DecisionUnknown, StepFailed, and whatever a handler raises.
    """
    camunda, fact = node.camunda, None
    try:
        if camunda.decision is not None:
            value, fact = ask_decision(call.work, definition_id, node.id, camunda.decision, call.variables)
        elif camunda.expression is not None:
            value = camunda.expression.evaluate(call.variables)
        else:
            name = camunda.handler or next((event.handler for event in node.events if event.handler), "")
            return call.work.engine.handlers.call(name, call), None
    except ExpressionFailed as problem:
        raise StepFailed(element=node.id, reason=problem) from problem
    return {camunda.result_variable: value} if camunda.result_variable else {}, fact
