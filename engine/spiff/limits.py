"""What this kernel cannot run, looked for in the diagram before anything runs. A limit is said, never passed over in silence."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Finding
from engine.model import Definition, Node, called_processes


def limits(definition: Definition, process_id: str | None = None) -> list[Finding]:
    """A warning for each element that this kernel cannot run: of one process and of those that it calls, or of all."""
    wanted = set(definition.processes) if process_id is None else called_processes(definition, process_id)
    return [
        Finding(code, "warning", node.id, str(node.line), {"process": node.process})
        for node in definition.nodes.values()
        if node.process in wanted
        for code in dict.fromkeys(limit_codes(node))
    ]


def limit_codes(node: Node) -> Iterator[str]:
    """What keeps a node from being run, as codes of findings; nothing for one that can."""
    if node.call is not None and node.called is None:
        yield "limit_call_other"
    if node.call is not None and (node.call.local_in or node.call.local_out or node.call.all_in and node.call.inputs):
        yield "limit_call_mapping"
