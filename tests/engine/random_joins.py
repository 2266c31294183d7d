"""Random blocks about how tokens part and meet: implicit splits, quantities, complex gateways, links, loops, ad-hoc, and events
with several definitions; mixed into the builder of `random_processes`. Each has one way in and one token out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.engine.random_processes import Builder, Ends

SHARED = (
    '<signalEventDefinition id="DS" signalRef="S"/><messageEventDefinition id="DM" messageRef="M"/>'
    '<escalationEventDefinition id="DX" escalationRef="X"/>'
)
"""What multi-instance activities throw when an instance completes."""
CAUGHT = {
    "DS": '<signalEventDefinition signalRef="S"/>',
    "DM": '<messageEventDefinition messageRef="M"/>',
    "DX": '<escalationEventDefinition escalationRef="X"/>',
    "any": "<escalationEventDefinition/>",
}
CONDITIONS = ("c % 2 == 1", "c &gt; 1", "c % 3 == 0")


class JoinBlocks:
    """Blocks about joins, mixed into the builder."""

    JOIN_LEAVES = ("mapped", "rounds", "send", "receive", "several", "quantities", "telling", "link")
    JOIN_BLOCKS = ("fork", "fork", "gather", "enough", "enough", "ad_hoc", "again", "stopped", "merging", "loose")

    # ---- leaves ------------------------------------------------------------------------------------------------------
    def add_mapped(self: Builder, depth: int) -> Ends:
        """A task with a variable of its own, which it hands on."""
        key = self.key("u")
        mapping = '<camunda:inputParameter name="own">${c}</camunda:inputParameter>'
        mapping += '<camunda:outputParameter name="copy">${own}</camunda:outputParameter>'
        extension = f"<extensionElements><camunda:inputOutput>{mapping}</camunda:inputOutput></extensionElements>"
        self.element(f'<userTask id="{key}" camunda:assignee="a">{extension}</userTask>')
        return key, key

    def round_loop(self: Builder) -> str:
        """Standard loop characteristics."""
        before, most = self.pick("true", "false"), self.pick("", 'loopMaximum="2"', 'loopMaximum="0"')
        condition = self.pick("c % 3 == 1", "loopCounter &lt; 2") if most else "loopCounter &lt; 3"
        inner = f"<loopCondition>{condition}</loopCondition>" if not most or self.pick(True, False) else ""
        return f'<standardLoopCharacteristics testBefore="{before}" {most}>{inner}</standardLoopCharacteristics>'

    def add_rounds(self: Builder, depth: int) -> Ends:
        """A task that is repeated."""
        key, kind = self.key("o"), self.pick("userTask", "userTask", "task")
        self.element(f'<{kind} id="{key}">{self.round_loop()}</{kind}>')
        return key, key

    def add_send(self: Builder, depth: int) -> Ends:
        key, what = self.key("n"), self.pick('messageRef="M"', 'camunda:delegateExpression="${some.handler}"')
        self.element(f'<sendTask id="{key}" {what}/>')
        return key, key

    def add_receive(self: Builder, depth: int) -> Ends:
        key, loop = self.key("r"), self.pick(False, False, True)
        self.element(f'<receiveTask id="{key}" messageRef="{self.pick("M", "M2")}">{self.loop() if loop else ""}</receiveTask>')
        return key, key

    def definitions(self: Builder) -> tuple[str, str]:
        """Several event definitions: any of them or all of them."""
        kinds = ("message", "signal", "conditional"), ("message2", "timer"), ("conditional", "timer"), ("signal", "message")
        text = "".join(map(self.event, self.pick(*kinds)))  # type: ignore[arg-type]
        return text, str(self.pick("true", "false"))

    def add_several(self: Builder, depth: int) -> Ends:
        """An intermediate event, or a boundary event, with several definitions."""
        key, (text, parallel) = self.key("c"), self.definitions()
        if self.pick(True, False):
            self.element(f'<intermediateCatchEvent id="{key}" parallelMultiple="{parallel}">{text}</intermediateCatchEvent>')
            return key, key
        stops = self.pick("true", "false")
        attributes = f'attachedToRef="{key}" cancelActivity="{stops}" parallelMultiple="{parallel}"'
        self.element(f'<userTask id="{key}"/><boundaryEvent id="{key}y" {attributes}>{text}</boundaryEvent>')
        join = self.gateway("exclusive")
        self.flow(key, join)
        self.flow(f"{key}y", join if stops == "true" else self.add_user(0)[0])
        return key, join

    def add_quantities(self: Builder, depth: int) -> Ends:
        """So many tokens go out of one activity as begin the next."""
        first, second, number = self.key("u"), self.key("u"), self.pick(2, 3)
        loop = self.loop() if self.pick(False, False, True) else ""
        self.element(f'<userTask id="{first}" completionQuantity="{number}">{loop}</userTask>')
        self.element(f'<userTask id="{second}" startQuantity="{number}"/>')
        self.flow(first, second)
        return first, second

    def add_telling(self: Builder, depth: int) -> Ends:
        """A multi-instance activity whose instances throw events when they complete; it is alone in a sub-process, because
        the event and the activity may both go on."""
        key, event, way = (
            self.key("m"),
            str(self.pick(*([] if self.silent else ["DS"]), "DM", "DX")),
            self.pick("None", "One", "Complex"),
        )
        attributes, inner = f'behavior="{way}"', ""
        if way == "Complex":
            condition = self.pick("nrOfCompletedInstances == 2", "c % 2 == 1")
            inner = f"<complexBehaviorDefinition><condition>{condition}</condition>"
            inner += f"<event><eventDefinitionRef>{event}</eventDefinitionRef></event></complexBehaviorDefinition>"
        else:
            attributes += f' {str(way).lower()}BehaviorEventRef="{event}"'
        attributes += f' isSequential="{self.pick("true", "false")}" camunda:collection="people"'
        loop = f"<multiInstanceLoopCharacteristics {attributes}>{inner}</multiInstanceLoopCharacteristics>"
        caught = str(self.pick(event, event, "any", *CAUGHT))  # else it goes out, or outwards
        outer, self.scope = self.scope, self.new_scope()
        self.element(f'<userTask id="{key}">{loop}</userTask>')
        attributes = f'attachedToRef="{key}" cancelActivity="{self.pick("true", "false")}"'
        self.element(f'<boundaryEvent id="{key}y" {attributes}>{CAUGHT[caught]}</boundaryEvent>')
        self.flow(f"{key}y", self.add_user(0)[0])
        inner, self.scope = self.scope.xml(), outer
        self.element(f'<subProcess id="{key}p">{inner}</subProcess>')
        return f"{key}p", f"{key}p"

    def add_link(self: Builder, depth: int) -> Ends:
        throw, catch = self.key("w"), self.key("c")
        definition = f'<linkEventDefinition name="{throw}"/>'
        self.element(f'<intermediateThrowEvent id="{throw}">{definition}</intermediateThrowEvent>')
        self.element(f'<intermediateCatchEvent id="{catch}">{definition}</intermediateCatchEvent>')
        return throw, catch

    # ---- blocks ------------------------------------------------------------------------------------------------------
    def add_fork(self: Builder, depth: int) -> Ends:
        """An activity with several ways out, joined by a gateway that waits for what can come."""
        key, join, number = self.key("u"), self.gateway(str(self.pick("inclusive", "complex"))), int(str(self.pick(2, 3)))
        default = self.pick(None, self.key("f"))
        chosen = f' default="{default}"' if default else ""
        self.element(f'<userTask id="{key}" camunda:assignee="a"{chosen}/>')
        for branch in range(number):
            first, last = self.block(depth)
            if branch == 0 and default:
                self.scope.flows.append((str(default), key, first, None))
            else:
                self.flow(key, first, str(self.pick(None, *CONDITIONS)) if branch and self.pick(True, False) else None)
            self.flow(last, join)
        return key, join

    def add_gather(self: Builder, depth: int) -> Ends:
        """Branches that begin one activity together."""
        split, key, number = self.gateway(str(self.pick("parallel", "complex"))), self.key("u"), int(str(self.pick(2, 3)))
        loop = self.pick("", "", self.loop())
        self.element(f'<userTask id="{key}" startQuantity="{number}">{loop}</userTask>')
        for _ in range(number):
            first, last = self.block(depth)
            self.flow(split, first)
            self.flow(last, key)
        return split, key

    def add_enough(self: Builder, depth: int) -> Ends:
        """Branches of which some are enough, behind a complex gateway that may tell of its reset."""
        split, join, number = self.gateway("parallel"), self.gateway("complex"), int(str(self.pick(2, 3)))
        wanted = self.pick(f"activationCount &gt;= {self.pick(1, 2)}", f"c % 2 == 1 or activationCount &gt;= {number}")
        self.scope.inner[join] = f"<activationCondition>{wanted}</activationCondition>"
        for _ in range(number):
            first, last = self.block(depth)
            self.flow(split, first)
            self.flow(last, join)
        merge = self.gateway("exclusive")
        tells = self.pick(True, False)
        self.flow(join, merge, "waitingForStart" if tells else None)
        if tells:
            self.flow(join, self.add_user(0)[0], "not waitingForStart")
        return split, merge

    AD_HOC = ("user", "user", "service", "plain", "script", "mapped", "rounds", "multi", "receive", "send", "catch")

    def add_ad_hoc(self: Builder, depth: int) -> Ends:
        """An ad-hoc sub-process of two to four activities, some behind others."""
        key, loop = self.key("p"), self.loop() if self.pick(False, False, True) else ""
        condition = self.pick("", "c % 2 == 1", "c == 2")
        attributes = f'ordering="{self.pick("Parallel", "Sequential")}" cancelRemainingInstances="{self.pick("true", "false")}"'
        outer, self.scope = self.scope, self.new_scope()
        ends = [getattr(self, f"add_{self.pick(*self.AD_HOC)}")(0) for _ in range(int(str(self.pick(2, 3, 4))))]
        for (_, left), (right, _) in zip(ends, ends[1:], strict=False):
            if self.pick(False, False, True):
                self.flow(left, right)
        inner, self.scope = self.scope.xml(), outer
        inner += f"<completionCondition>{condition}</completionCondition>" if condition else ""
        self.element(f'<adHocSubProcess id="{key}" {attributes}>{loop}{inner}</adHocSubProcess>')
        return self.attach(key) if self.pick(False, True) else (key, key)

    def add_again(self: Builder, depth: int) -> Ends:
        """A sub-process that is repeated."""
        return self.sub(min(depth, 1), self.round_loop())

    def add_stopped(self: Builder, depth: int) -> Ends:
        """A sub-process in which one branch may end all others."""
        key, stop = self.key("p"), self.key("e")
        outer, self.scope = self.scope, self.new_scope()
        start, split = self.key("s"), self.gateway("parallel")
        self.element(f'<startEvent id="{start}"/><endEvent id="{stop}"><terminateEventDefinition/></endEvent>')
        (first, done), (beside, last) = self.block(depth), self.block(0)
        self.flow(done, self.add_plain(0)[0])
        self.flow(start, split)
        self.flow(split, first)
        self.flow(split, beside)
        self.flow(last, stop)
        inner, self.scope = self.scope.xml(), outer
        self.element(f'<subProcess id="{key}">{inner}</subProcess>')
        return key, key

    def add_merging(self: Builder, depth: int) -> Ends:
        """A sub-process in which branches come to one activity, which so happens several times."""
        key = self.key("p")
        outer, self.scope = self.scope, self.new_scope()
        start, split, merge = self.key("s"), self.gateway("parallel"), self.gateway("exclusive")
        self.element(f'<startEvent id="{start}"/>')
        self.flow(start, split)
        self.flow(merge, self.block(0)[0])
        for _ in range(2):
            first, end = self.block(depth)
            self.flow(split, first)
            self.flow(end, merge)
        inner, self.scope = self.scope.xml(), outer
        self.element(f'<subProcess id="{key}">{inner}</subProcess>')
        return key, key

    def add_loose(self: Builder, depth: int) -> Ends:
        """A sub-process without start and end events, or with two start events."""
        key, starts = self.key("p"), self.pick(True, False)
        outer, self.scope = self.scope, self.new_scope()
        for _ in range(2):
            first, last = self.block(depth) if starts else self.add_user(0)
            if starts:
                start = self.key("s")
                self.element(f'<startEvent id="{start}"/>')
                self.flow(start, first)
                self.flow(last, self.add_plain(0)[0])
            elif self.pick(True, False):
                self.flow(last, self.add_service(0)[0])
        inner, self.scope = self.scope.xml(), outer
        self.element(f'<subProcess id="{key}">{inner}</subProcess>')
        return self.attach(key) if self.pick(False, True) else (key, key)
