"""What the engine does by itself at an activity or event: call a handler, ask a decision, evaluate an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.decisions import ask_decision
from engine.definitions import LoadedDefinition, find_version
from engine.errors import BpmnThrow, StepFailed
from engine.expressions import ExpressionFailed
from engine.handlers import Call
from engine.kernel import Complete, Throw
from engine.model import Definition, Node, place_of

if TYPE_CHECKING:
    from engine.runs import Run


def is_automatic(model: Definition, element_id: str) -> bool:
    """Whether the engine does it in the same step; what has a topic waits for a worker."""
    return model.nodes[element_id].camunda.topic is None


def perform(own: LoadedDefinition, node: Node, call: Call) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Do the work of an element of an instance of `own`, or of what that has called.

    Gives the variables to write, and what the history is to say of a decision.

    Raises BpmnThrow, HandlerUnknown, DecisionUnknown, StepFailed, and whatever a handler raises.
    """
    camunda, fact = node.camunda, None
    try:
        if camunda.decision is not None:
            place = place_of(node.id)
            drawn_in = own if place.key is None else find_version(call.work, place.key, place.version)
            value, fact = ask_decision(call.work, drawn_in.deployment_id, node.id, camunda.decision, call.variables)
        elif camunda.expression is not None:
            value = camunda.expression.evaluate(call.variables)
        else:
            name = camunda.handler or next((event.handler for event in node.events if event.handler), "")
            return call.work.engine.handlers.call(name, call), None
    except ExpressionFailed as problem:
        raise StepFailed(element=node.id, reason=problem) from problem
    return {camunda.result_variable: value} if camunda.result_variable else {}, fact


def raise_at(run: Run, token: str, element_id: str, thrown: BpmnThrow) -> None:
    """Raise at a waiting element what its handler or script has thrown; after an escalation that leaves it waiting it is done."""
    run.step(Throw(token, thrown.code, thrown.kind, thrown.variables, thrown.message))
    if thrown.kind == "escalation" and not run.ended:
        definition = run.definition
        if (token, element_id) in definition.kernel.positions(definition.model, definition.key, run.state):
            run.step(Complete(token))
