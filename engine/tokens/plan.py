"""What the kernel derives from a definition, once: kept as long as the definition itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.kernel import WaitKind
from engine.model import Definition, EventDefinition, Node, reachable_flows

WORK: dict[str, WaitKind] = {
    "userTask": WaitKind.TASK,
    "manualTask": WaitKind.TASK,
    "serviceTask": WaitKind.HANDLER,
    "businessRuleTask": WaitKind.HANDLER,
    "scriptTask": WaitKind.SCRIPT,
}
"""Activities that wait for somebody outside. Send tasks and throwing events do so when they say who does it."""


Heard = tuple[Node, int, EventDefinition]
"""An event, the index of one of its definitions, and that definition."""


@dataclass(frozen=True, slots=True)
class Listening:
    """What a record at one element can hear: as an event or gateway itself, by event sub-processes, on its boundary."""

    own: tuple[Heard, ...]
    starts: tuple[Heard, ...]
    boundaries: tuple[Heard, ...]
    loops: bool  # then the boundary belongs to the body of the loop


class Plan:
    """Lookups on one definition. Filled lazily; filling twice from two threads gives the same."""

    def __init__(self, definition: Definition) -> None:
        self.nodes = definition.nodes
        self.definition = definition
        nodes = definition.nodes.values()
        self.processes = frozenset(node.id for node in nodes if node.kind == "process")
        self.conditional = any(node.catches("conditional") for node in nodes)
        self.joins = frozenset(
            node.id for node in nodes if node.kind in ("inclusiveGateway", "complexGateway") and len(node.incoming) > 1
        )
        self.work = {node.id: kind for node in nodes if (kind := _work(node)) is not None}
        self.event_starts = {
            node.id: tuple(
                definition.nodes[child]
                for sub in node.event_subprocesses
                for child in definition.nodes[sub].children
                if definition.nodes[child].kind == "startEvent"
            )
            for node in nodes
            if node.event_subprocesses
        }
        self.listens = {node.id: listens for node in nodes if (listens := self._listens(node)) is not None}
        self._reach: dict[tuple[str, str], frozenset[str]] = {}

    def _listens(self, node: Node) -> Listening | None:
        own: list[Node] = []
        if node.kind in ("intermediateCatchEvent", "receiveTask"):
            own = [node]
        elif node.kind == "eventBasedGateway":
            own = [self.nodes[flow.target] for flow in node.outgoing]
        starts, boundaries = self.event_starts.get(node.id, ()), [self.nodes[boundary] for boundary in node.boundaries]
        if not (own or starts or boundaries):
            return None
        return Listening(_heard(own), _heard(starts), _heard(boundaries), node.loop is not None)

    def reach(self, node: Node, join: Node) -> frozenset[str]:
        """Flows that a token at `node` can still take without passing `join`."""
        key = (node.id, join.id)
        found = self._reach.get(key)
        if found is None:
            found = self._reach[key] = reachable_flows(self.definition, node, without=join)
        return found


def _heard(nodes: Iterable[Node]) -> tuple[Heard, ...]:
    return tuple((node, index, event) for node in nodes for index, event in enumerate(node.events))


def _work(node: Node) -> WaitKind | None:
    if node.camunda.is_worked and node.kind in ("sendTask", "intermediateThrowEvent", "endEvent"):
        return WaitKind.HANDLER
    if node.call is not None and node.called is None:
        return WaitKind.CALL
    return WORK.get(node.kind)


def plan_for(definition: Definition) -> Plan:
    """The plan of a definition."""
    plan: Plan | None = definition.derived.get("tokens")
    if plan is None:
        plan = definition.derived["tokens"] = Plan(definition)
    return plan
