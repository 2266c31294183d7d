"""Random graphs for property tests: nodes and flows without any structure. They may get stuck, but on both kernels alike.

A flow that leads back begins at a user task, so that nothing goes round without waiting.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from tests.engine.random_joins import CONDITIONS
from tests.engine.random_processes import HEAD, NAMES, Builder, Ends, Scope

GATEWAYS = {"xor": "exclusive", "and": "parallel", "or": "inclusive", "some": "complex", "race": "eventBased"}


class Tangler(Builder):
    """Draws a graph into a scope."""

    KINDS = (
        "user",
        "user",
        "user",
        "plain",
        "boundary",
        "boundary",
        "xor",
        "and",
        "and",
        "or",
        "or",
        "some",
        "race",
        "block",
        "block",
        "inside",
    )

    def tangle(self, depth: int) -> None:
        """Nodes, each behind an earlier one, and some more flows between them."""
        start = self.key("s")
        self.element(f'<startEvent id="{start}"/>{self.handlers(0, int(str(self.pick(0, 0, 0, 1))))}')
        kinds = ["user"] + [str(self.pick(*self.KINDS[: None if depth else -1])) for _ in range(int(str(self.pick(3, 5, 7, 9))))]
        ends = [
            self.block_between() if kind == "block" else (key, key) for kind, key in zip(kinds, map(self.key, kinds), strict=True)
        ]
        entries, keys = [first for first, _ in ends], [last for _, last in ends]
        links: list[tuple[int, int]] = [(int(str(self.pick(*range(place)))), place) for place in range(1, len(keys))]
        for _ in range(int(str(self.pick(0, 2, 4, 6)))):
            source, target = int(str(self.pick(*range(len(keys))))), int(str(self.pick(*range(len(keys)))))
            if source < target or kinds[source] in ("user", "boundary"):
                links.append((source, target))
        self.flow(start, entries[0])
        for place, (kind, key) in enumerate(zip(kinds, keys, strict=True)):
            targets = [entries[target] for source, target in links if source == place]
            if kind in GATEWAYS:
                self.tangle_gateway(kind, key, targets)
            else:
                later = (
                    entries[int(str(self.pick(*range(place + 1, len(keys)))))] if place + 1 < len(keys) else self.add_user(0)[0]
                )
                back = any(source == place and target <= place for source, target in links)
                loop = "" if back or self.pick(True, True, True, False) else self.loop()  # of nobody, it would not wait
                self.tangle_activity(kind, key, targets, later, loop, depth)

    def block_between(self) -> Ends:
        """A structured block, and a task behind it from which flows can have conditions."""
        first, last = self.block(int(str(self.pick(0, 1))))
        key = self.key("plain")
        self.flow(last, key)
        return first, key

    def tangle_gateway(self, kind: str, key: str, targets: list[str]) -> None:
        """A gateway; an event gateway gets an event on each flow."""
        self.scope.gateways.append((GATEWAYS[kind] + "Gateway", key))
        if kind == "some" and self.pick(True, True, False):
            text = self.pick("activationCount &gt;= 2", "activationCount &gt;= 1", "activationCount &gt;= 2 or c % 2 == 1")
            self.scope.inner[key] = f"<activationCondition>{text}</activationCondition>"
        for place, target in enumerate(targets):
            if kind == "race":
                catch, what = self.key("c"), str(self.pick("message", "message2", "signal", "timer", "conditional"))
                self.element(f'<intermediateCatchEvent id="{catch}">{self.event(what)}</intermediateCatchEvent>')
                self.flow(key, catch)
                self.flow(catch, target)
            elif kind == "and" or place == 0:
                self.flow(key, target)
            elif kind == "some":
                self.flow(key, target, str(self.pick(*CONDITIONS, "waitingForStart", "not waitingForStart")))
            else:
                self.flow(key, target, str(self.pick(*CONDITIONS)) if kind == "xor" or self.pick(True, True, False) else None)

    def tangle_activity(self, kind: str, key: str, targets: list[str], later: str, loop: str, depth: int) -> None:
        """A task or sub-process, perhaps with a boundary event, a loop, a quantity or conditions behind it."""
        chosen = self.key("f") if len(targets) > 1 and self.pick(True, False) else None
        attributes = f' default="{chosen}"' if chosen else ""
        attributes += str(self.pick("", "", "", ' startQuantity="2"', ' completionQuantity="2"')) if kind == "user" else ""
        if kind == "inside":
            outer, self.scope = self.scope, Scope()
            self.tangle(depth - 1)
            inner, self.scope = self.scope.xml(), outer
            self.element(f'<subProcess id="{key}"{attributes}>{loop}{inner}</subProcess>')
        else:
            tag = "task" if kind in ("plain", "block") else "userTask"
            self.element(f'<{tag} id="{key}"{attributes}>{loop}</{tag}>')
        if kind == "boundary":
            what, stops = str(self.pick("message", "signal", "timer", "cycle", "conditional")), self.pick("true", "false")
            attached = f'attachedToRef="{key}" cancelActivity="{stops}"'
            self.element(f'<boundaryEvent id="{key}y" {attached}>{self.event(what)}</boundaryEvent>')
            self.flow(f"{key}y", later)
        for place, target in enumerate(targets):
            if place == 0 and chosen:
                self.scope.flows.append((chosen, key, target, None))
            else:
                self.flow(key, target, str(self.pick(*CONDITIONS)) if self.pick(True, False, False) else None)


@st.composite
def tangles(draw: Callable[[st.SearchStrategy[object]], object]) -> bytes:
    """A diagram with one process `random_process`, a graph with smaller graphs in it."""
    tangler = Tangler(draw)
    tangler.tangle(1)
    process = f'<process id="random_process" isExecutable="true">{tangler.scope.xml()}</process>'
    return f"{HEAD}{NAMES}{process}{''.join(tangler.processes)}</definitions>".encode()
