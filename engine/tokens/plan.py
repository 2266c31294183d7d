"""What the kernel derives from a definition, once: kept as long as the definition itself."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from engine.kernel import WaitKind
from engine.model import Definition, Node, reachable_flows

WORK: dict[str, WaitKind] = {
    "userTask": WaitKind.TASK,
    "manualTask": WaitKind.TASK,
    "serviceTask": WaitKind.HANDLER,
    "businessRuleTask": WaitKind.HANDLER,
    "scriptTask": WaitKind.SCRIPT,
}
"""Activities that wait for somebody outside. Send tasks and throwing events do so when they name a handler."""


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
        self._reach: dict[tuple[str, str], frozenset[str]] = {}

    def reach(self, node: Node, join: Node) -> frozenset[str]:
        """Flows that a token at `node` can still take without passing `join`."""
        key = (node.id, join.id)
        found = self._reach.get(key)
        if found is None:
            found = self._reach[key] = reachable_flows(self.definition, node, without=join)
        return found


def _work(node: Node) -> WaitKind | None:
    if node.camunda.handler is not None and node.kind in ("sendTask", "intermediateThrowEvent", "endEvent"):
        return WaitKind.HANDLER
    return WORK.get(node.kind)


_PLANS: WeakKeyDictionary[Definition, Plan] = WeakKeyDictionary()


def plan_for(definition: Definition) -> Plan:
    """The plan of a definition."""
    plan = _PLANS.get(definition)
    if plan is None:
        plan = _PLANS[definition] = Plan(definition)
    return plan
