"""One move of one instance, from one quiet state to the next: the queue of tokens and the verbs that all elements use.

A queue, not recursion, carries the tokens, so that neither long loops nor deep nesting can exhaust the stack. What waits is
there before anything is thrown: throwing events have a queue of their own that is looked at when no other token can move.
The standard leaves the order between parallel branches open; this one is the same every time, and a branch that comes to wait
in a step does not miss what another branch throws in it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.expressions import Expression, ExpressionFailed, Template, VariableMissing
from engine.kernel import Document, Logged, Outcome, Thrown
from engine.model import EVENTS, Flow, Node
from engine.moments import Workdays, count_weekdays
from engine.tokens import activities, compensation, conditions, events, gateways, loops
from engine.tokens.plan import Plan
from engine.tokens.problems import ConditionFailed, ConditionVariableMissing, NestingTooDeep, NoFlowTaken, StepEndless
from engine.tokens.records import ROOT, Records
from engine.tokens.waits import Key, compare

MAX_MOVES = 100_000
"""Moves within one step, of tokens and of loops: more is a loop that nothing ends."""
MAX_DEPTH = 1_000
"""Containers within each other: more than calls and sub-processes need."""
THROWING = frozenset(("intermediateThrowEvent", "endEvent"))


class Step:
    """The state of one step. Drop it after an exception: the document that was given is untouched."""

    def __init__(self, plan: Plan, document: Document | None, moment: datetime, workdays: Workdays = count_weekdays) -> None:
        self.plan, self.nodes, self.moment, self.workdays = plan, plan.nodes, moment, workdays
        self.records = Records(document)
        self.tokens: deque[tuple[Node, str, Flow | None]] = deque()
        self.throws: deque[tuple[Node, str, Flow | None]] = deque()
        self.pending: dict[str, int] = {}  # tokens in the queues, by container
        self.settling: list[str] = []  # containers that may have become empty
        self.changed = True  # since conditional events were looked at last
        self.moves = 0
        self.latest = ""  # the element that was come to last
        self.log: list[Logged] = []
        self.thrown: list[Thrown] = []
        self.reasons: dict[Key, str] = {}
        self.delivered = 0
        self.straight = False
        self.final: dict[str, Any] | None = None  # what is left of an instance that has ended
        self.error: str | None = None

    # ---- the loop ----------------------------------------------------------------------------------------------------
    def run(self) -> None:
        """Move tokens until all wait."""
        while self._advance():
            self.moves += 1
            if self.moves > MAX_MOVES:
                raise StepEndless(element=self.latest, limit=MAX_MOVES)

    def _advance(self) -> bool:
        if self.settling:
            self._settle(self.settling.pop())
        elif self.changed and self.plan.conditional:
            self.changed = conditions.happen(self)
        elif self.tokens or self.throws:
            node, container, flow = (self.tokens or self.throws).popleft()
            self.pending[container] -= 1
            if container in self.records:
                self._arrive(node, container, flow)
                self.settling.append(container)
                self.changed = True
        else:
            return bool(self.plan.joins) and gateways.fire_joins(self)
        return True

    def send(self, node: Node, container: str, flow: Flow | None = None) -> None:
        """Put a token before `node`."""
        queue = self.throws if node.kind in THROWING and node.events else self.tokens
        queue.append((node, container, flow))
        self.pending[container] = self.pending.get(container, 0) + 1

    def _arrive(self, node: Node, container: str, flow: Flow | None) -> None:
        if node.kind in gateways.GATEWAYS:
            gateways.GATEWAYS[node.kind](self, node, container, flow)
        elif node.is_activity:
            activities.arrive(self, node, container, flow)
        elif node.kind in THROWING:
            events.throw(self, node, container)
        else:
            events.wait(self, node, container)

    def _settle(self, number: str) -> None:
        """A container without tokens goes on: the next round of a loop, the next compensation, or it is complete."""
        record = self.records.table.get(number)
        if record is None or self.pending.get(number) or self.records.inside.get(number):
            return
        if "mi" in record:
            loops.go_on(self, number)
        elif "comp" in record:
            compensation.go_on(self, number)
        elif record.get("adhoc"):
            first, *rest = record["adhoc"]
            self.records.change(number, adhoc=rest or None)
            self.send(self.nodes[first], number)
        elif self.nodes[record["at"]].is_scope:
            activities.complete(self, number)

    # ---- what all elements do ----------------------------------------------------------------------------------------
    def add(self, node: Node, container: str | None, **fields: Any) -> str:
        """A new record at `node`."""
        if container is not None and node.is_activity and self.records.depth(container) > MAX_DEPTH:
            raise NestingTooDeep(element=node.id, limit=MAX_DEPTH)
        self.changed = True  # a condition may hold already when it begins to be looked at
        return self.records.add(node.id, container, **fields)

    def node(self, number: str) -> Node:
        """The element of a record."""
        return self.nodes[self.records[number]["at"]]

    def note(self, event: str, node: Node, number: str | None = None) -> None:
        """A line of the step's log."""
        self.latest = node.id
        self.log.append(Logged(event, node.id, number))

    def leave(self, node: Node, container: str) -> None:
        """Send a token along every outgoing flow that is taken; no outgoing flow ends it."""
        for flow in self.taken_flows(node, container):
            for _ in range(node.completion_quantity):
                self.send(self.nodes[flow.target], container, flow)
        self.settling.append(container)

    def taken_flows(self, node: Node, container: str, extra: Mapping[str, Any] | None = None) -> list[Flow]:
        """The flows out of an activity, an event, or an inclusive or complex gateway (BPMN 2.0.2, 13.3.2 and 13.4.3).

        Raises NoFlowTaken when there are flows and none is taken: an exception for a gateway (13.4.3), and for an activity
        the case would end without a word.
        """
        if node.kind in EVENTS:
            return list(node.outgoing)
        conditional, free = [], []
        for flow in node.outgoing:
            if flow.id == node.default:
                continue
            if flow.condition is None:
                free.append(flow)
            elif self.holds(flow.condition, container, flow.id, extra):
                conditional.append(flow)
        # the default of a gateway stands for "none of the others", that of an activity for "no condition holds"
        taken = conditional + free
        if node.default is not None and not (conditional if node.is_activity else taken):
            taken += [flow for flow in node.outgoing if flow.id == node.default]
        if node.outgoing and not taken:
            raise NoFlowTaken(element=node.id)
        return taken

    def cancel(self, number: str) -> None:
        """Remove a record with everything in it, without effect."""
        for each in self.records.subtree(number):
            record = self.records.remove(each)
            node = self.nodes[record["at"]]
            waits = node.is_activity or node.kind == "intermediateCatchEvent"
            if waits and not ("by" in record or "mi" in record or "comp" in record):
                self.note("cancelled", node, each)
        self.changed = True

    def consume_arrived(self, node: Node, container: str) -> None:
        """Other tokens that have come to the same end event in this step end there too: they are at the event already, and what
        it throws next ends the scope that they are in (BPMN 2.0.2, 13.5.6: each token that arrives is consumed).
        """
        arrived = [token for token in self.throws if token[0] is node and token[1] == container]
        for token in arrived:
            self.throws.remove(token)
            self.pending[container] -= 1
            self.note("completed", node)

    def cancel_inside(self, number: str) -> None:
        """Remove everything in a container, tokens on their way as well; the container stays."""
        for each in self.records.children(number):
            self.cancel(each)
        if self.pending.get(number):
            self.tokens = deque(token for token in self.tokens if token[1] != number)
            self.throws = deque(token for token in self.throws if token[1] != number)
            self.pending[number] = 0

    # ---- data --------------------------------------------------------------------------------------------------------
    def value(self, expression: Expression | Template, number: str, element: str, extra: Mapping[str, Any] | None = None) -> Any:
        """The value of an expression with what a record sees.

        Raises ConditionVariableMissing or ConditionFailed, with the element.
        """
        variables = self.records.variables(number)
        try:
            return expression.evaluate({**variables, **extra} if extra else variables)
        except VariableMissing as problem:
            name, text = problem.values["name"], problem.values["text"]
            raise ConditionVariableMissing(element=element, text=text, name=name, reason=problem.values["reason"]) from problem
        except ExpressionFailed as problem:
            raise ConditionFailed(element=element, text=problem.values["text"], reason=problem.values["reason"]) from problem

    def holds(self, expression: Expression, number: str, element: str, extra: Mapping[str, Any] | None = None) -> bool:
        """Whether a condition is true."""
        return bool(self.value(expression, number, element, extra))

    def assign(self, number: str, values: Mapping[str, Any]) -> None:
        """Write variables where their names are known, else at the process."""
        if values:
            self.records.assign(number, values, known_to=self.plan.processes)
            self.changed = True

    # ---- the end -----------------------------------------------------------------------------------------------------
    def end(self, error: str | None = None) -> None:
        """The instance is over: nothing is left but the variables of the process."""
        self.cancel_inside(ROOT)
        self.final = {"n": self.records.last, "t": {}, "vars": self.records.remove(ROOT)["vars"], "ended": True}
        if error is not None:
            self.error = self.final["error"] = error

    def outcome(self) -> Outcome:
        """What the step did."""
        opened, closed = compare(self.plan, self.records, self.reasons)
        return Outcome(
            document=self.records.dump() if self.final is None else self.final,
            log=self.log,
            opened=opened,
            closed=closed,
            thrown=self.thrown,
            ended=self.final is not None,
            error=self.error,
            delivered=self.delivered,
            straight=self.straight,
        )
