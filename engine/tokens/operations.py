"""What people may do beyond completing: move tokens, cancel a branch, add and remove instances of a multi-instance activity."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from engine.kernel import Move, Place, WaitKind
from engine.model import Flow, Moved, MultiInstance, Node, Standing, ends_of_branch, is_join, plan_move, starting_nodes
from engine.tokens import activities, loops, passing
from engine.tokens.problems import (
    BranchAlone,
    BranchUnclear,
    MoveAcrossQuantity,
    MoveBeside,
    MoveInto,
    MoveToJoin,
    MoveUnknown,
    MoveWhileCompensating,
    MoveWhileInterrupted,
    NothingWaits,
    NotMultiInstance,
)

if TYPE_CHECKING:
    from engine.tokens.step import Step


# ---- moving ----------------------------------------------------------------------------------------------------------
def move(step: Step, operation: Move) -> None:
    """Put a token before the target, in the innermost open scope around it and all the tokens; what cannot be beside it goes.

    Instances of a multi-instance activity go with the whole activity, and tokens inside a sub-process of that scope with the
    sub-process. A sub-process that is not open is opened right at the target. Re-entry arms timers anew.
    Raises NothingWaits, MoveUnknown, MoveInto, MoveToJoin, MoveBeside, MoveAcrossQuantity, MoveWhileInterrupted and
    MoveWhileCompensating.
    """
    node = step.nodes.get(operation.target)
    if node is None or node.parent is None or not _may_wait_before(node):
        raise MoveUnknown(element=operation.target)
    if is_join(node):
        raise MoveToJoin(element=node.id)
    for token in operation.tokens:
        if token not in step.records:
            raise NothingWaits(token=token, element=operation.target)
    scope, path = _open_scope_around(step, operation.tokens, node)
    if "int" in step.records[scope]:
        raise MoveWhileInterrupted(element=node.id, scope=step.records[scope]["at"])
    taken = {_outermost(step, token, scope) for token in operation.tokens}
    onward = _way_onward(step, scope, node, taken) if operation.straight else []
    moved = _make_room(step, scope, path[0], taken)
    step.straight = bool(onward) and moved.goes == taken and not moved.arrived
    _start_over_from(step, scope, path[0])
    undone = passing.forget_after(step, scope, path[0], node)
    step.assign(scope, operation.variables)
    for inner, following in zip(path, path[1:], strict=False):
        scope = _open_inside(step, scope, inner)
        _make_room(step, scope, following, ())
        _start_over_from(step, scope, following)
    if step.straight:
        onward[0] = (onward[0][0], undone)
        activities.begin_onward(step, node, scope, onward)
    elif node.is_activity:  # at once: it has collected the tokens that it needs
        activities.begin(step, node, scope)
    else:
        step.send(node, scope)
    step.settling.append(scope)


def _way_onward(step: Step, scope: str, node: Node, taken: Collection[str]) -> list[tuple[str, list[str]]]:
    """Where the token of a step goes once `node` is done again: to the step that it came from, and to where that one was to go.

    Nowhere but between two steps of people in one scope, of which the one that is done again is done once.
    """
    place, *others = taken
    people = step.plan.work.get(node.id) is WaitKind.TASK is step.plan.work.get(step.records[place]["at"])
    within = node.parent == step.records[scope]["at"] and node.loop is None and step.node(scope).kind != "adHocSubProcess"
    return [(step.records[place]["at"], []), *step.records[place].get("to", [])] if people and within and not others else []


def _may_wait_before(node: Node) -> bool:
    return not (node.kind == "boundaryEvent" or node.triggered_by_event or node.for_compensation or node.kind == "process")


def _open_scope_around(step: Step, tokens: tuple[str, ...], node: Node) -> tuple[str, list[Node]]:
    """The innermost open scope around all tokens that the node is in, and the way inwards from there: closed scopes, the node.

    Raises MoveInto when there is none, or when a closed scope on the way can only be entered from its beginning; NothingWaits
    without tokens.
    """
    if not tokens:
        raise NothingWaits(token="", element=node.id)
    path = [node]
    while True:
        around = [
            {each for each in step.records.containers(token) if each != token and _is_scope(step, each, path[0])}
            for token in tokens
        ]
        found = set.intersection(*around)
        if found:
            return max(found, key=step.records.depth), path
        closed = step.nodes[path[0].parent or ""]
        if closed.parent is None or closed.loop is not None or closed.triggered_by_event or closed.for_compensation:
            raise MoveInto(element=node.id, scope=closed.id)
        path.insert(0, closed)


def _is_scope(step: Step, number: str, node: Node) -> bool:
    record = step.records[number]
    return record["at"] == node.parent and not ("mi" in record or "comp" in record)


def _outermost(step: Step, token: str, scope: str) -> str:
    """The record right inside the scope that holds the token."""
    for each in step.records.containers(token):
        if step.records[each].get("in") == scope:
            return each
    raise AssertionError(f"{token} is not inside {scope}")


def _standing(step: Step, scope: str) -> list[Standing]:
    """The tokens right inside a scope."""
    found = []
    for number in step.records.children(scope):
        record = step.records[number]
        expects = tuple(record["reset"]) if "reset" in record else None
        found.append(Standing(number, record["at"], record.get("by"), expects))
    return found


def _make_room(step: Step, scope: str, node: Node, taken: Collection[str]) -> Moved:
    """Take away what cannot be beside a token before the node; branches beside it that are over wait at their joins."""
    moved = plan_move(step.plan.definition, node, _standing(step, scope), taken)
    if moved.beside:
        raise MoveBeside(element=node.id)
    if moved.blocked is not None:
        raise MoveAcrossQuantity(element=node.id, activity=moved.blocked)
    if any("comp" in step.records[each] for number in moved.goes for each in step.records.subtree(number)):
        raise MoveWhileCompensating(element=node.id)
    for number in sorted(moved.goes, key=int):
        step.cancel(number)
    for flow in moved.arrived:
        step.add(step.nodes[flow.target], scope, by=flow.id)
    return moved


def _open_inside(step: Step, container: str, node: Node) -> str:
    """Open a sub-process without its first tokens; its record."""
    number = step.add(node, container)
    activities.arm_boundaries(step, number, node)
    activities.enter(step, number, node)
    activities.arm_event_subprocesses(step, number)
    return number


def _start_over_from(step: Step, scope: str, node: Node) -> None:
    """In an ad-hoc sub-process nothing is decided any more; of a sequential one what is behind the node is still to do."""
    holder = step.node(scope)
    if holder.kind != "adHocSubProcess":
        return
    waiting: list[str] | None = None
    if holder.sequential:
        starts = [start.id for start in starting_nodes(step.plan.definition, holder)]
        first = next((index for index, start in enumerate(starts) if _leads_to(step, step.nodes[start], node)), len(starts))
        waiting = starts[first + 1 :] or None
    step.records.change(scope, full=None, adhoc=waiting)


def _leads_to(step: Step, start: Node, node: Node) -> bool:
    return start is node or any(flow.id in step.plan.reach(start, node) for flow in node.incoming)


# ---- a branch --------------------------------------------------------------------------------------------------------
def cancel_branch(step: Step, token: str) -> None:
    """End the branch of a token without doing the rest of it: it goes, and a token comes to the join as if it had.

    The branch is that of the innermost scope in which something runs beside it: an instance of a multi-instance activity, an
    event sub-process, a branch behind a fork.
    Raises NothingWaits, BranchAlone when nothing runs beside it, BranchUnclear when it might end at one join or another,
    MoveWhileCompensating.
    """
    if token not in step.records:
        raise NothingWaits(token=token, element="")
    element = step.records[token]["at"]
    number, container = token, step.records[token].get("in")
    while container is not None:
        outer = step.records[container]
        if "comp" in outer:
            raise MoveWhileCompensating(element=element)
        if _goes_on_without(step, number, container):
            if "mi" in outer:
                remove_instance(step, number)
            else:
                _cancel_inside(step, number, container, ())
            return
        flows = None if "mi" in outer else _ends(step, number, container)
        if flows is not None:
            _cancel_inside(step, number, container, flows)
            return
        number, container = container, outer.get("in")
    raise BranchAlone(element=element)


def _goes_on_without(step: Step, number: str, container: str) -> bool:
    """Whether the scope has more to do when this one goes: other instances, other activities of an ad-hoc sub-process."""
    record = step.records[container]
    if "mi" in record:
        mi = record["mi"]
        many = isinstance(step.node(container).loop, MultiInstance)
        return many and (len(step.records.children(container)) > 1 or bool(mi.get("left")))
    return bool(record.get("adhoc"))


def _ends(step: Step, number: str, container: str) -> list[Flow] | None:
    node, record = step.node(number), step.records[number]
    others = [token for token in _standing(step, container) if token.key != number]
    if node.parent is None or not others:
        return None
    try:
        return ends_of_branch(step.plan.definition, node, others, record.get("by"))
    except ValueError as problem:
        raise BranchUnclear(element=node.id) from problem


def _cancel_inside(step: Step, number: str, container: str, flows: Iterable[Flow]) -> None:
    if any("comp" in step.records[each] for each in step.records.subtree(number)):
        raise MoveWhileCompensating(element=step.records[number]["at"])
    step.cancel(number)
    for flow in flows:
        step.send(step.nodes[flow.target], container, flow)
    step.settling.append(container)


# ---- signers ---------------------------------------------------------------------------------------------------------
def add_instance(step: Step, token: str, item: Any, place: Place) -> None:
    """One more instance of the multi-instance activity that `token` belongs to; in a sequence it has its `place`.

    Raises NotMultiInstance, NothingWaits, MoveWhileCompensating.
    """
    body = _open_body(step, token)
    node, mi = step.node(body), step.records[body]["mi"]
    if "left" not in mi:
        step.records.change(body, mi={**mi, "n": mi["n"] + 1})
        loops.begin_instance(step, body, node, item)
        return
    items = mi.get("items", [])
    more = [*items, item] if place == "last" else [item, *items]
    changed = {**mi, "n": mi["n"] + 1, "left": mi["left"] + 1}
    present = next(iter(step.records.children(body)), None) if place == "before" else None
    if present is not None:
        assert isinstance(node.loop, MultiInstance)
        more.insert(1, step.records[present]["vars"].get(node.loop.item))
        changed |= {"left": mi["left"] + 2, "next": mi["next"] - 1}
        _take_away(step, present)
        step.settling.append(body)
    step.records.change(body, mi=changed | ({"items": more} if "items" in mi else {}))
    step.changed = True


def remove_instance(step: Step, token: str) -> None:
    """One instance less; the activity is done when it was the last that was waited for, or when its completion condition holds
    for those that are left.

    Raises NotMultiInstance, NothingWaits, MoveWhileCompensating.
    """
    body = _open_body(step, token)
    if token == body:
        raise NotMultiInstance(token=token)
    _take_away(step, token)
    mi = step.records[body]["mi"]
    step.records.change(body, mi={**mi, "n": mi["n"] - 1})
    if step.records.children(body):
        loops.complete_early(step, body)
    step.settling.append(body)


def _take_away(step: Step, token: str) -> None:
    if any("comp" in step.records[each] for each in step.records.subtree(token)):
        raise MoveWhileCompensating(element=step.records[token]["at"])
    step.cancel(token)


def _open_body(step: Step, token: str) -> str:
    if token not in step.records:
        raise NothingWaits(token=token, element="")
    body = token if "mi" in step.records[token] else step.records.body(token)
    if "mi" not in step.records[body] or not isinstance(step.node(body).loop, MultiInstance):
        raise NotMultiInstance(token=token)
    return body
