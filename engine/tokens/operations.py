"""What people may do beyond completing: move tokens, add and remove instances of a multi-instance activity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.kernel import Move
from engine.model import MultiInstance, Node
from engine.tokens import loops
from engine.tokens.problems import MoveInto, MoveToJoin, MoveUnknown, MoveWhileInterrupted, NothingWaits, NotMultiInstance

if TYPE_CHECKING:
    from engine.tokens.step import Step


def move(step: Step, operation: Move) -> None:
    """Take tokens away, with all that is in them, and put one before the target.

    Instances of a multi-instance activity go with the whole activity, and tokens inside a sub-process of the target's scope
    with that sub-process: a move leaves scopes, it never enters one. Re-entry arms timers anew.
    Raises NothingWaits, MoveUnknown, MoveInto, MoveToJoin, MoveWhileInterrupted.
    """
    node = step.nodes.get(operation.target)
    if node is None or node.parent is None or not _may_wait_before(node):
        raise MoveUnknown(element=operation.target)
    if len(node.incoming) > 1 and node.kind in ("parallelGateway", "inclusiveGateway", "complexGateway"):
        raise MoveToJoin(element=node.id)
    for token in operation.tokens:
        if token not in step.records:
            raise NothingWaits(token=token, element=operation.target)
    scope = _scope_around(step, operation.tokens, node)
    if "int" in step.records[scope]:
        raise MoveWhileInterrupted(element=node.id, scope=step.records[scope]["at"])
    for token in operation.tokens:
        if token in step.records:  # else it went with another one
            step.cancel(_outermost(step, token, scope))
    step.assign(scope, operation.variables)
    step.send(node, scope)


def _may_wait_before(node: Node) -> bool:
    return not (node.kind == "boundaryEvent" or node.triggered_by_event or node.for_compensation or node.kind == "process")


def _scope_around(step: Step, tokens: tuple[str, ...], node: Node) -> str:
    """The open scope of the target that all tokens are in.

    Raises MoveInto when there is none, NothingWaits without tokens.
    """
    if not tokens:
        raise NothingWaits(token="", element=node.id)
    around = [
        {each for each in step.records.containers(token) if each != token and _is_scope(step, each, node)} for token in tokens
    ]
    found = set.intersection(*around)
    if not found:
        raise MoveInto(element=node.id, scope=node.parent)
    return max(found, key=step.records.depth)


def _is_scope(step: Step, number: str, node: Node) -> bool:
    record = step.records[number]
    return record["at"] == node.parent and not ("mi" in record or "comp" in record)


def _outermost(step: Step, token: str, scope: str) -> str:
    """The record right inside the scope that holds the token."""
    for each in step.records.containers(token):
        if step.records[each].get("in") == scope:
            return each
    raise AssertionError(f"{token} is not inside {scope}")


def add_instance(step: Step, token: str, item: Any) -> None:
    """One more instance of the multi-instance activity that `token` belongs to; a sequential one comes to it last.

    Raises NotMultiInstance, NothingWaits.
    """
    body = _open_body(step, token)
    node, mi = step.node(body), step.records[body]["mi"]
    changed = {**mi, "n": mi["n"] + 1}
    if "left" in mi:
        changed["left"] = mi["left"] + 1
        if "items" in mi:
            changed["items"] = [*mi["items"], item]
        step.records.change(body, mi=changed)
        step.changed = True
    else:
        step.records.change(body, mi=changed)
        loops.begin_instance(step, body, node, item)


def remove_instance(step: Step, token: str) -> None:
    """One instance less; the activity is done when it was the last that was waited for.

    Raises NotMultiInstance, NothingWaits.
    """
    body = _open_body(step, token)
    if token == body:
        raise NotMultiInstance(token=token)
    step.cancel(token)
    mi = step.records[body]["mi"]
    step.records.change(body, mi={**mi, "n": mi["n"] - 1})
    step.settling.append(body)


def _open_body(step: Step, token: str) -> str:
    if token not in step.records:
        raise NothingWaits(token=token, element="")
    body = token if "mi" in step.records[token] else step.records.body(token)
    if "mi" not in step.records[body] or not isinstance(step.node(body).loop, MultiInstance):
        raise NotMultiInstance(token=token)
    return body
