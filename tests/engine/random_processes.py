"""Random block-structured processes for property tests: a Hypothesis strategy that gives BPMN text.

Each block has one entry and one exit; blocks nest. What a condition asks for is an integer variable `c`, collections are in
`people`, so that random walks can choose both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.engine.random_joins import SHARED, JoinBlocks
from tests.engine.random_scopes import ScopeBlocks

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" '
    'id="random" targetNamespace="http://example.org/random">'
)
NAMES = (
    '<message id="M" name="m"/><message id="M2" name="m2"/><signal id="S" name="s"/><error id="E" errorCode="e"/>'
    f'<escalation id="X" escalationCode="x"/>{SHARED}'
)
Ends = tuple[str, str]


@dataclass
class Scope:
    """Elements and flows of one process or sub-process."""

    elements: list[str] = field(default_factory=list)
    flows: list[tuple[str, str, str, str | None]] = field(default_factory=list)
    gateways: list[tuple[str, str]] = field(default_factory=list)
    inner: dict[str, str] = field(default_factory=dict)  # of gateways
    undone: list[str] = field(default_factory=list)  # activities that can be compensated

    def xml(self) -> str:
        """Its inside. The unconditional flow of an exclusive or inclusive split is its default."""
        parts = [element for element in self.elements if not element.startswith("<association")]
        for kind, key in self.gateways:
            out = [flow for flow in self.flows if flow[1] == key]
            free = [flow for flow in out if flow[3] is None]
            split = kind in ("exclusiveGateway", "inclusiveGateway") and len(out) > 1 and free
            default = f' default="{free[0][0]}"' if split else ""
            parts.append(f'<{kind} id="{key}"{default}>{self.inner.get(key, "")}</{kind}>')
        for key, source, target, condition in self.flows:
            inner = f"<conditionExpression>{condition}</conditionExpression>" if condition else ""
            parts.append(f'<sequenceFlow id="{key}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>')
        # the schema has associations behind all flow elements
        return "".join([*parts, *(element for element in self.elements if element.startswith("<association"))])


class Builder(JoinBlocks, ScopeBlocks):
    """Draws blocks into a scope."""

    LEAVES = ("user", "user", "service", "multi", "boundary", "catch", "plain", "throw", "script", *JoinBlocks.JOIN_LEAVES)
    LEAVES = (*LEAVES, *ScopeBlocks.SCOPE_LEAVES)
    BLOCKS = ("sequence", "sequence", "both", "both", "choice", "choice", "any", "loop", "events", "sub", "sub", "many")
    BLOCKS = (*BLOCKS, *JoinBlocks.JOIN_BLOCKS, *ScopeBlocks.SCOPE_BLOCKS)

    def __init__(self, draw: Callable[[st.SearchStrategy[object]], object], without: Collection[str] = ()) -> None:
        self.draw = draw
        self.leaves = [kind for kind in self.LEAVES if kind not in without]
        self.blocks = [kind for kind in self.BLOCKS if kind not in without]
        self.count = 0
        self.scope = Scope()
        self.processes: list[str] = []
        self.silent = False

    def event(self, kind: str) -> str:
        """An event definition."""
        return event(kind)

    def new_scope(self) -> Scope:
        """An empty scope."""
        return Scope()

    def pick(self, *values: object) -> object:
        """One of the values."""
        return self.draw(st.sampled_from(values))

    def key(self, prefix: str) -> str:
        """A new id."""
        self.count += 1
        return f"{prefix}{self.count}"

    def flow(self, source: str, target: str, condition: str | None = None) -> None:
        """A sequence flow."""
        self.scope.flows.append((self.key("f"), source, target, condition))

    def gateway(self, kind: str) -> str:
        """A gateway of a kind; its id."""
        key = self.key("g")
        self.scope.gateways.append((kind + "Gateway", key))
        return key

    def element(self, text: str) -> None:
        """Add an element."""
        self.scope.elements.append(text)

    def block(self, depth: int) -> Ends:
        """A random block: ids of its entry and exit."""
        kind = self.pick(*(self.blocks if depth > 0 and self.pick(True, True, False) else self.leaves))
        ends: Ends = getattr(self, f"add_{kind}")(depth - 1)
        return ends

    def inside(
        self,
        depth: int,
        end: str = "",
        more: str = "",
        *,
        start: tuple[str, str] = ("", ""),
        before: Callable[[int], Ends] | None = None,
        blocks: int = 1,
    ) -> str:
        """The inside of a sub-process or process: a start event (definition and attributes), what comes before the blocks,
        blocks, end, event sub-processes."""
        outer, self.scope = self.scope, Scope()
        trigger, attributes = start
        first_one, stop = self.key("s"), self.key("e")
        self.element(f'<startEvent id="{first_one}"{attributes}>{trigger}</startEvent>{more}')
        self.element(f'<endEvent id="{stop}">{end}</endEvent>')
        last = first_one
        for draw in ([] if before is None else [before]) + [self.block] * blocks:
            first, end_of_it = draw(depth)
            self.flow(last, first)
            last = end_of_it
        self.flow(last, stop)
        text, self.scope = self.scope.xml(), outer
        return text

    # ---- leaves ------------------------------------------------------------------------------------------------------
    def add_user(self, depth: int) -> Ends:
        key = self.key("u")
        self.element(f'<userTask id="{key}" camunda:assignee="a"/>')
        return key, key

    def add_service(self, depth: int) -> Ends:
        key = self.key("v")
        self.element(f'<serviceTask id="{key}" camunda:delegateExpression="${{some.handler}}"/>')
        return key, key

    def add_plain(self, depth: int) -> Ends:
        key = self.key("t")
        self.element(f'<task id="{key}"/>')
        return key, key

    def add_script(self, depth: int) -> Ends:
        key = self.key("x")
        self.element(f'<scriptTask id="{key}" scriptFormat="starlark"><script>c = 1</script></scriptTask>')
        return key, key

    def add_throw(self, depth: int) -> Ends:
        key, kind = self.key("w"), self.pick("message", "message2" if self.silent else "signal")
        self.element(f'<intermediateThrowEvent id="{key}">{event(str(kind))}</intermediateThrowEvent>')
        return key, key

    def add_catch(self, depth: int) -> Ends:
        key, kind = self.key("c"), self.pick("message", "signal", "timer", "conditional")
        self.element(f'<intermediateCatchEvent id="{key}">{event(str(kind))}</intermediateCatchEvent>')
        return key, key

    def loop(self) -> str:
        """Multi-instance characteristics over the people, or so many."""
        sequential = self.pick("true", "false")
        done = self.pick("", "", "<completionCondition>nrOfCompletedInstances >= 2</completionCondition>".replace(">=", "&gt;="))
        form = self.pick("people", "people", "number", "output")
        if form == "people":
            start = f'<multiInstanceLoopCharacteristics isSequential="{sequential}" camunda:collection="${{people}}" '
            return start + f'camunda:elementVariable="person">{done}</multiInstanceLoopCharacteristics>'
        if form == "output":
            return (
                (
                    f'<multiInstanceLoopCharacteristics isSequential="{sequential}"><loopDataInputRef>people</loopDataInputRef>'
                    '<loopDataOutputRef>scores</loopDataOutputRef><inputDataItem id="i" name="person"/>'
                    f'<outputDataItem id="o" name="score"/>{done}</multiInstanceLoopCharacteristics>'
                )
                .replace('id="i"', f'id="{self.key("i")}"')
                .replace('id="o"', f'id="{self.key("o")}"')
            )
        number = self.pick(0, 1, 2, 3)
        start = f'<multiInstanceLoopCharacteristics isSequential="{sequential}"><loopCardinality>{number}</loopCardinality>'
        return start + f"{done}</multiInstanceLoopCharacteristics>"

    def add_multi(self, depth: int) -> Ends:
        key, kind = self.key("m"), self.pick("userTask", "userTask", "serviceTask", "task")
        extra = ' camunda:delegateExpression="${some.handler}"' if kind == "serviceTask" else ""
        self.element(f'<{kind} id="{key}"{extra}>{self.loop()}</{kind}>')
        return key, key

    def add_boundary(self, depth: int) -> Ends:
        key = self.key("b")
        loop = self.loop() if self.pick(False, True) else ""
        self.element(f'<userTask id="{key}" camunda:assignee="a">{loop}</userTask>')
        return self.attach(key)

    def attach(self, key: str) -> Ends:
        """One or two boundary events on an activity, joined behind it."""
        join = self.gateway("exclusive")
        self.flow(key, join)
        for _ in range(int(str(self.pick(1, 1, 2)))):
            boundary, kind = self.key("y"), str(self.pick("timer", "message", "signal", "cycle", "conditional"))
            stops = self.pick("true", "true", "false")
            self.element(
                f'<boundaryEvent id="{boundary}" attachedToRef="{key}" cancelActivity="{stops}">{event(kind)}</boundaryEvent>'
            )
            if stops == "true":
                self.flow(boundary, join)
            else:
                _, last = self.add_user(0)
                self.flow(boundary, last)
                stop = self.key("e")
                self.element(f'<endEvent id="{stop}"/>')
                self.flow(last, stop)
        return key, join

    # ---- blocks ------------------------------------------------------------------------------------------------------
    def add_sequence(self, depth: int) -> Ends:
        first, second = self.block(depth), self.block(depth)
        self.flow(first[1], second[0])
        return first[0], second[1]

    def branches(self, kind: str, depth: int, conditions: bool) -> Ends:
        """Two or three blocks between a split and a join."""
        split, join = self.gateway(kind), self.gateway(kind)
        number = int(str(self.pick(2, 3)))
        for branch in range(number):
            first, last = self.block(depth)
            self.flow(split, first, f"c % {number} == {branch}" if conditions and branch else None)
            self.flow(last, join)
        return split, join

    def add_both(self, depth: int) -> Ends:
        return self.branches("parallel", depth, conditions=False)

    def add_choice(self, depth: int) -> Ends:
        return self.branches("exclusive", depth, conditions=True)

    def add_any(self, depth: int) -> Ends:
        split, join = self.gateway("inclusive"), self.gateway("inclusive")
        for condition in ("c % 2 == 1", "c &gt; 1", None):
            first, last = self.block(depth)
            self.flow(split, first, condition)
            self.flow(last, join)
        return split, join

    def add_loop(self, depth: int) -> Ends:
        merge, again = self.gateway("exclusive"), self.gateway("exclusive")
        first, last = self.block(depth)
        pause, _ = self.add_user(0)  # so that it cannot go round without waiting
        self.flow(merge, first)
        self.flow(last, pause)
        self.flow(pause, again)
        self.flow(again, merge, "c % 3 == 1")
        return merge, again

    def add_events(self, depth: int) -> Ends:
        gateway, join = self.gateway("eventBased"), self.gateway("exclusive")
        for kind in ("message", self.pick("timer", "signal", "message2")):
            catch = self.key("c")
            self.element(f'<intermediateCatchEvent id="{catch}">{event(str(kind))}</intermediateCatchEvent>')
            first, last = self.block(depth)
            self.flow(gateway, catch)
            self.flow(catch, first)
            self.flow(last, join)
        return gateway, join

    def sub(self, depth: int, loop: str) -> Ends:
        """A sub-process, sometimes with boundary events."""
        key = self.key("p")
        error = self.pick(False, False, True)
        inner = self.inside(depth, '<errorEventDefinition errorRef="E"/>' if error else "")
        self.element(f'<subProcess id="{key}">{loop}{inner}</subProcess>')
        if error:
            boundary = self.key("y")
            self.element(f'<boundaryEvent id="{boundary}" attachedToRef="{key}"><errorEventDefinition/></boundaryEvent>')
            join = self.gateway("exclusive")
            self.flow(key, join)
            self.flow(boundary, join)
            return key, join
        return self.attach(key) if self.pick(False, True) else (key, key)

    def add_sub(self, depth: int) -> Ends:
        return self.sub(depth, "")

    def add_many(self, depth: int) -> Ends:
        return self.sub(min(depth, 1), self.loop())


class ScopeBuilder(Builder):
    """Draws what there is about scopes, and little else."""

    LEAVES = ("user", "user", "throw", "undone", "undone", "compensate", "compensate", "raise", "escalate", "mapped")
    BLOCKS = (*LEAVES, "sequence", "both", "sub", "regret", "regret", "regret", *ScopeBlocks.SCOPE_BLOCKS)


def event(kind: str) -> str:
    """An event definition."""
    return {
        "message": '<messageEventDefinition messageRef="M"/>',
        "message2": '<messageEventDefinition messageRef="M2"/>',
        "signal": '<signalEventDefinition signalRef="S"/>',
        "timer": "<timerEventDefinition><timeDuration>PT2H</timeDuration></timerEventDefinition>",
        "cycle": "<timerEventDefinition><timeCycle>R3/PT1H</timeCycle></timerEventDefinition>",
        "conditional": "<conditionalEventDefinition><condition>c == 7</condition></conditionalEventDefinition>",
    }[kind]


@st.composite
def processes(draw: Callable[[st.SearchStrategy[object]], object], depth: int = 3, without: Collection[str] = ()) -> bytes:
    """A diagram with one process `random_process`; `without` are kinds of blocks that are not to be in it."""
    return draw_process(Builder(draw, without), depth, without)


@st.composite
def scopes(draw: Callable[[st.SearchStrategy[object]], object], depth: int = 3) -> bytes:
    """The same, mostly of event sub-processes, compensation and transactions."""
    return draw_process(ScopeBuilder(draw), depth)


def draw_process(builder: Builder, depth: int, without: Collection[str] = ()) -> bytes:
    """The file with the process."""
    more = "" if "handled" in without else builder.handlers(1, int(str(builder.pick(0, 0, 1, 2))))
    process = f'<process id="random_process" isExecutable="true">{builder.inside(depth, more=more, blocks=3)}</process>'
    return f"{HEAD}{NAMES}{process}{''.join(builder.processes)}</definitions>".encode()
