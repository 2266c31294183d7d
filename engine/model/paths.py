"""Which sequence flows a token can still take: for inclusive joins, for the check of unreachable elements."""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.definition import Definition, EventDefinition, Node


def link_targets(definition: Definition, node: Node) -> Iterator[Node]:
    """The catching link events that a throwing one leads to: those of the same scope with the same name."""
    if node.kind != "intermediateThrowEvent" or node.parent is None:
        return
    names = {event.name for event in node.events if event.kind == "link"}
    for child in definition.nodes[node.parent].children:
        other = definition.nodes[child]
        if other.kind == "intermediateCatchEvent" and any(event.kind == "link" and event.name in names for event in other.events):
            yield other


def successors(definition: Definition, node: Node) -> Iterator[Node]:
    """Nodes of the same scope that a token at `node` may come to next, also by a boundary event or a link."""
    for flow in node.outgoing:
        yield definition.nodes[flow.target]
    for boundary in node.boundaries:
        yield definition.nodes[boundary]
    yield from link_targets(definition, node)


def reachable_flows(definition: Definition, node: Node, *, without: Node) -> frozenset[str]:
    """Ids of the flows that a token at `node` can still take without passing the node `without`.

    A link leads from its throwing to its catching event as a flow would (BPMN 2.0.2, 10.5.1); flows do not leave a scope.
    """
    flows: set[str] = set()
    seen, todo = {node.id}, [node]
    while todo:
        current = todo.pop()
        if current is without and current is not node:
            continue
        flows.update(flow.id for flow in current.outgoing)
        for other in successors(definition, current):
            if other.id not in seen:
                seen.add(other.id)
                todo.append(other)
    return frozenset(flows)


def starting_nodes(definition: Definition, scope: Node, *, by_event: bool = False) -> list[Node]:
    """Where tokens begin when a scope is entered: its plain start events, else everything without incoming flow.

    With `by_event` also what an event starts: triggered start events, instantiating receive tasks and event gateways.
    """
    children = [definition.nodes[child] for child in scope.children]
    found = [child for child in children if child.kind == "startEvent" and not child.events]
    if not any(child.kind == "startEvent" for child in children):
        found = [child for child in children if _is_implicit_start(child)]
    if by_event:
        found += [child for child in children if child.kind == "startEvent" and child.events]
        found += [child for child in children if child.instantiate and not child.incoming and child not in found]
    return found


def instantiating_nodes(definition: Definition, scope: Node) -> list[Node]:
    """Where a process begins whose first event has happened without a start event: receive tasks that instantiate it, and
    the events behind a gateway that does (BPMN 2.0.2, 13.2).
    """
    found = []
    for node in (definition.nodes[child] for child in scope.children if definition.nodes[child].instantiate):
        if node.kind == "eventBasedGateway":
            found += [definition.nodes[flow.target] for flow in node.outgoing]
        elif not node.incoming:
            found.append(node)
    return found


def event_starts(definition: Definition, scope: Node) -> list[tuple[Node, EventDefinition]]:
    """What starts a process from outside, with the element that it starts at.

    Start events with a trigger, instantiating receive tasks, and the events behind instantiating event gateways.
    """
    triggered = [node for node in starting_nodes(definition, scope, by_event=True) if node.kind == "startEvent"]
    found = [*triggered, *instantiating_nodes(definition, scope)]
    return [(node, event) for node in found for event in node.events]


def _is_implicit_start(node: Node) -> bool:
    """Without start event a token begins at every node that no flow leads to (BPMN 2.0.2, 13.2)."""
    caught = node.kind == "boundaryEvent" or node.catches("link") and node.kind == "intermediateCatchEvent"
    return not (node.incoming or caught or node.triggered_by_event or node.for_compensation or node.instantiate)


def list_initiators(definition: Definition, scope: Node, element_id: str | None) -> list[str]:
    """The variables that get who starts a process: at its plain start events, or at the one where it begins."""
    begins = starting_nodes(definition, scope) if element_id is None else [definition.nodes[element_id]]
    return [node.camunda.initiator for node in begins if node.camunda.initiator is not None]


def called_processes(definition: Definition, process_id: str) -> set[str]:
    """A process and all that it calls, directly or not."""
    found, todo = {process_id}, [process_id]
    while todo:
        process = todo.pop()
        for node in definition.nodes.values():
            called = node.called if node.process == process else None
            if called in definition.processes and called is not None and called not in found:
                found.add(called)
                todo.append(called)
    return found
