"""Which places of a scope can hold tokens at the same time, and what follows from it for a token that people move.

A *place* is where a token can be: at a node, or on a flow that leads into a join. Two places are *beside each other* when the
process can come to a state in which both hold a token. That is worked out on the graph, once for each scope, by the relation
of Kovalyov and Esparza for free-choice nets: what a fork sends is beside each other; when a token moves on, it stays beside
what it was beside; what leaves a parallel join is beside that which was beside all of its flows.

From it follows what a return does (`plan_move`), whereto a task can go back (`came_from`), and where a branch that is cancelled
would have ended (`ends_of_branch`). Decision 19 tells why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from engine.model.definition import Definition, Flow, MultiInstance, Node
from engine.model.paths import link_targets, reachable_flows, starting_nodes

JOINS = frozenset(("parallelGateway", "inclusiveGateway", "complexGateway"))
CHOOSING = frozenset(("exclusiveGateway", "eventBasedGateway"))
"""Gateways that send one token, whatever the number of their flows."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A token of a scope: `key` is the kernel's name for it, `flow` the one it came by if it waits at a join.

    `expects` are the flows that a complex gateway which has fired waits for before it resets; None for all other tokens.
    """

    key: str
    node: str
    flow: str | None = None
    expects: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move does to the scope of its target: tokens that go, flows on which a token is to wait at the join behind them.

    `blocked` is an activity that collects several tokens, of which it could not be said how many are still to come. `beside`:
    the tokens that are to be moved are in a branch beside the target, and cannot have come from it.
    """

    goes: frozenset[str]
    arrived: tuple[Flow, ...]
    blocked: str | None
    beside: bool


def is_join(node: Node) -> bool:
    """Whether tokens wait there for those of other flows."""
    return node.kind in JOINS and len(node.incoming) > 1


def _collects(node: Node) -> bool:
    """Whether it is an activity that begins when several tokens have come, by each of its flows."""
    return node.start_quantity > 1 and node.start_quantity >= len(node.incoming) > 0


class Concurrency:
    """The places of one scope, and which are beside each other. Sets of places are the bits of an integer.

    `late` are complex gateways that have fired and still expect tokens: these are beside what the gateway has sent.
    """

    def __init__(self, definition: Definition, scope: Node, late: Collection[str] = ()) -> None:
        self.definition, self.late = definition, late
        self.nodes = [definition.nodes[child] for child in scope.children]
        self.at_node = {node.id: place for place, node in enumerate(self.nodes)}
        flows = [flow for node in self.nodes for flow in node.outgoing]
        self.on_flow = {flow.id: place for place, flow in enumerate(flows, len(self.nodes))}
        count = len(self.nodes) + len(flows)
        self.next: list[list[int]] = [[] for _ in range(count)]  # where a token can go, through joins as well
        self.into: dict[int, Node] = {}  # flow into a join
        self.rows = [0] * count
        self._reached: dict[tuple[int, str], int] = {}
        self._todo: list[tuple[int, int]] = []
        for node in self.nodes:
            self._connect(node)
        self._begin(scope)
        self._spread()

    def beside(self, place: int, other: int) -> bool:
        """Whether both can hold a token at the same time."""
        return bool(self.rows[place] >> other & 1)

    def place(self, token: Standing) -> int:
        """Where a token stands."""
        return self.on_flow.get(token.flow or "", self.at_node[token.node])

    def follow(self, places: Iterable[int], within: int) -> int:
        """All places of `within` that tokens at these places lead to on ways inside of it, and those places themselves."""
        todo = list(places)
        seen = 0
        for place in todo:
            seen |= 1 << place
        while todo:
            for place in self.next[todo.pop()]:
                if within >> place & 1 and not seen >> place & 1:
                    seen |= 1 << place
                    todo.append(place)
        return seen

    def leads(self, place: int, other: int) -> bool:
        """Whether a token at `other` can have come from `place`: not when it is in a branch beside it."""
        if place == other or not self.beside(place, other):
            return True
        row = self.rows[place]
        return bool(self.follow([each for each in self.next[place] if row >> each & 1], row) >> other & 1)

    # ---- working it out ----------------------------------------------------------------------------------------------
    def _connect(self, node: Node) -> None:
        """Ways out of a node, and what it sends at the same time."""
        here = self.at_node[node.id]
        out = [self.on_flow[flow.id] for flow in node.outgoing]
        self.next[here] += out
        if node.kind not in CHOOSING:
            self._pair(out)
        if node.completion_quantity > 1:
            for place in out:
                self._add(place, place)
        for flow in node.outgoing:
            target = self.definition.nodes[flow.target]
            self.next[self.on_flow[flow.id]].append(self.at_node[target.id])
            if is_join(target) or _collects(target):
                self.into[self.on_flow[flow.id]] = target
        tells = isinstance(node.loop, MultiInstance) and bool(node.loop.behaviors)
        for boundary in (self.definition.nodes[each] for each in node.boundaries):
            place = self.at_node[boundary.id]
            self.next[here].append(place)
            if tells or not boundary.interrupting:  # it may happen while the activity goes on, and happen again
                self._add(place, here)
                self._add(place, place)
        self.next[here] += [self.at_node[target.id] for target in link_targets(self.definition, node)]

    def _begin(self, scope: Node) -> None:
        """Where tokens begin together, and event sub-processes, which are beside everything."""
        if not scope.sequential:
            self._pair([self.at_node[node.id] for node in starting_nodes(self.definition, scope)])
        for node in self.nodes:
            if node.triggered_by_event:
                for place in range(len(self.rows)):
                    self._add(self.at_node[node.id], place)

    def _pair(self, places: Sequence[int]) -> None:
        for index, place in enumerate(places):
            for other in places[index + 1 :]:
                self._add(place, other)

    def _add(self, place: int, other: int) -> None:
        if not self.beside(place, other):
            self.rows[place] |= 1 << other
            self.rows[other] |= 1 << place
            self._todo.append((place, other))

    def _spread(self) -> None:
        """A token that moves on stays beside the others."""
        while self._todo:
            place, other = self._todo.pop()
            for mover, stays in ((place, other), (other, place)):
                join = self.into.get(mover)
                if join is None:
                    for target in self.next[mover]:
                        self._add(target, stays)
                elif self._fires(join, stays):
                    self._add(self.at_node[join.id], stays)

    def _fires(self, join: Node, other: int) -> bool:
        """Whether the join can fire while there is a token at the other place (13.4.1, 13.4.3, 13.4.5)."""
        flows = 0
        for flow in join.incoming:
            flows |= 1 << self.on_flow[flow.id]
        filled = flows & self.rows[other]
        if join.is_activity:  # it takes all that come by its flows
            return filled == flows and not flows >> other & 1
        if join.kind == "parallelGateway":
            return filled == flows
        if join.id in self.late:
            return filled > 0
        if flows >> other & 1:
            return bool(filled >> other & 1)  # a second token on the same flow
        near = self._reach(other, join)
        return filled > 0 and (near == 0 or near & filled > 0)

    def _reach(self, place: int, join: Node) -> int:
        """The flows of the join that a token at this place can still come to."""
        key = (place, join.id)
        if key not in self._reached:
            ways = self._ways(place, join)
            self._reached[key] = sum(1 << self.on_flow[flow.id] for flow in join.incoming if flow.id in ways)
        return self._reached[key]

    def _ways(self, place: int, join: Node) -> frozenset[str]:
        if place < len(self.nodes):
            return reachable_flows(self.definition, self.nodes[place], without=join)
        target = self.next[place][0]
        return reachable_flows(self.definition, self.nodes[target], without=join)


def concurrency(definition: Definition, scope: Node, late: Iterable[str] = ()) -> Concurrency:
    """The relation of a scope, worked out once for each definition."""
    known: dict[tuple[str, frozenset[str]], Concurrency] = definition.derived.setdefault("concurrency", {})
    key = (scope.id, frozenset(late))
    found = known.get(key)
    if found is None:
        found = known[key] = Concurrency(definition, scope, key[1])
    return found


def plan_move(definition: Definition, target: Node, tokens: Collection[Standing], taken: Collection[str]) -> Moved:
    """What happens to the tokens of a scope when one is put before `target`: the result is a state the process could be in.

    `tokens` are all tokens of the scope, `taken` the keys of those that move.
    Tokens that cannot be beside the target go, and those of `taken` in any case. Where the target's way leads to a join whose
    other flows are fed by branches beside it, and such a branch is over, it counts as arrived.
    """
    scope = definition.nodes[target.parent or ""]
    late = {token.node for token in tokens if token.expects is not None and _comes_late(definition, target, token)}
    relation = concurrency(definition, scope, late)
    here = relation.at_node[target.id]
    row = relation.rows[here]

    def stays(token: Standing) -> bool:
        if token.expects is not None and token.node in late:
            return True
        return bool(row >> relation.place(token) & 1)

    goes = frozenset(token.key for token in tokens if token.key in taken or not stays(token))
    fed = relation.follow((relation.place(token) for token in tokens if token.key not in goes), row)
    arrived: list[Flow] = []
    blocked = None
    for node in relation.nodes:
        collects = node.start_quantity > 1
        gathers = node.kind == "parallelGateway" or node.kind == "complexGateway" and node.activation is not None
        if not (collects or gathers and is_join(node)) or node.id in late or node is target:
            continue
        ways = reachable_flows(definition, target, without=node)
        others = [flow for flow in node.incoming if row >> relation.on_flow[flow.id] & 1]
        if collects:
            if others and any(flow.id in ways for flow in node.incoming):
                blocked = node.id
        elif any(flow.id in ways and flow not in others for flow in node.incoming):
            arrived += [flow for flow in others if not fed >> relation.on_flow[flow.id] & 1]
    beside = any(token.key in taken and not _can_leave(relation, here, token) for token in tokens)
    return Moved(goes, tuple(arrived), blocked, beside)


def _comes_late(definition: Definition, target: Node, fired: Standing) -> bool:
    """Whether a token at the target can come to a complex gateway that has fired only by flows that it still expects."""
    gateway = definition.nodes[fired.node]
    ways = reachable_flows(definition, target, without=gateway)
    ways &= {flow.id for flow in gateway.incoming}
    return bool(ways) and ways <= set(fired.expects or ())


def _can_leave(relation: Concurrency, place: int, token: Standing) -> bool:
    """Whether a token can go back there: from where it came, and from an event sub-process, for which nothing waits."""
    return relation.definition.nodes[token.node].triggered_by_event or relation.leads(place, relation.place(token))


def is_beside(definition: Definition, node: Node, other: Node) -> bool:
    """Whether two nodes of one scope can hold tokens at the same time."""
    relation = concurrency(definition, definition.nodes[node.parent or ""])
    return relation.beside(relation.at_node[node.id], relation.at_node[other.id])


def came_from(definition: Definition, target: Node, place: Node) -> bool:
    """Whether a token at `place` can go back to `target`, in the same scope: not when it is in a branch beside it."""
    relation = concurrency(definition, definition.nodes[target.parent or ""])
    return _can_leave(relation, relation.at_node[target.id], Standing("", place.id))


def ends_of_branch(
    definition: Definition, node: Node, tokens: Collection[Standing], flow: str | None = None
) -> list[Flow] | None:
    """Where the branch of a token at `node` comes to a join with what runs beside it: the flows into the joins.

    `tokens` are the others of its scope. None: nothing runs beside it there. An empty list: the branch ends by itself.
    Two flows that exclude each other (the branch would still have chosen) give the first when they lead to the same join.
    Raises ValueError when they lead to different ones, and when it is not known how many tokens an activity is still to collect.
    """
    if node.triggered_by_event:
        return []
    relation = concurrency(definition, definition.nodes[node.parent or ""])
    here = relation.place(Standing("", node.id, flow))
    others = [token for token in tokens if not definition.nodes[token.node].triggered_by_event and token.expects is None]
    if not any(relation.beside(here, relation.place(token)) for token in others):
        return None
    found: list[int] = []
    seen, todo = {here}, [here]
    while todo:
        place = todo.pop(0)
        join = relation.into.get(place)
        if join is not None and any(relation.beside(here, relation.on_flow[each.id]) for each in join.incoming):
            if join.is_activity and relation.beside(place, place):
                raise ValueError(f"the branch of {node.id} may bring several tokens to {join.id}")
            found.append(place)
            continue
        ways = [relation.on_flow[each.id] for each in node.outgoing] if place == here == relation.at_node[node.id] else None
        for each in ways if ways is not None else relation.next[place]:
            if each not in seen:
                seen.add(each)
                todo.append(each)
    chosen: list[int] = []
    for place in found:
        if all(relation.beside(place, other) for other in chosen):
            chosen.append(place)
        elif relation.into[place].id not in {relation.into[other].id for other in chosen}:
            raise ValueError(f"the branch of {node.id} may end at {relation.into[place].id} or elsewhere")
    flows = {place: definition.flows[each] for each, place in relation.on_flow.items()}
    return [flows[place] for place in chosen]
