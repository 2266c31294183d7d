"""What this kernel cannot run, looked for in the diagram before anything runs. A limit is said, never passed over in silence."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Finding
from engine.model import Definition, MultiInstance, Node

KINDS = {
    "complexGateway": "complex gateways are not run",
    "transaction": "transactions are not run",
    "adHocSubProcess": "ad-hoc sub-processes are not run",
}
EVENTS = {"compensate": "compensation is not run", "cancel": "cancel events are not run"}


def limits(definition: Definition, process_id: str | None = None) -> list[Finding]:
    """A warning for each element that this kernel cannot run: of one process and of those that it calls, or of all."""
    wanted = set(definition.processes) if process_id is None else called_processes(definition, process_id)
    return [
        Finding("opinion_limit", "warning", node.id, str(node.line), {"process": node.process, "reason": reason})
        for node in definition.nodes.values()
        if node.process in wanted
        for reason in reasons(node)
    ]


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


def reasons(node: Node) -> Iterator[str]:
    """Why a node cannot be run; nothing for one that can."""
    if node.kind in KINDS:
        yield KINDS[node.kind]
    if node.triggered_by_event:
        yield "event sub-processes are not run"
    if node.for_compensation:
        yield EVENTS["compensate"]
    for event in node.events:
        if event.kind in EVENTS:
            yield EVENTS[event.kind]
    if node.parallel_multiple:
        yield "events that wait for all of several definitions are not run"
    if node.start_quantity != 1 or node.completion_quantity != 1:
        yield "quantities of tokens are not run"
    if isinstance(node.loop, MultiInstance) and node.loop.behaviors:
        yield "events that multi-instance activities throw are not run"
    if node.instantiate:
        yield "instantiating tasks and gateways are not run"
