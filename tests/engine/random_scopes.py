"""Random scopes for `random_processes`: event sub-processes, errors and escalations, compensation, transactions, calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.engine.random_processes import Builder, Ends, Scope

RAISED = {
    "error": '<errorEventDefinition errorRef="E"/>',
    "any error": "<errorEventDefinition/>",
    "escalation": '<escalationEventDefinition escalationRef="X"/>',
    "any escalation": "<escalationEventDefinition/>",
}
STARTS = ("message", "message2", "signal", "timer", "cycle", "conditional", *RAISED)


class ScopeBlocks:
    """Blocks about scopes, mixed into the builder."""

    SCOPE_LEAVES = ("undone", "compensate", "raise", "escalate")
    SCOPE_BLOCKS = ("handled", "handled", "undone_sub", "transaction", "call", "regret")

    processes: list[str]
    """Other processes of the file."""
    silent: bool
    """Whether no signal may be thrown: it would wake what throws it again and again."""

    # ---- event sub-processes -----------------------------------------------------------------------------------------
    def handlers(self: Builder, depth: int, number: int) -> str:
        """So many event sub-processes."""
        return "".join(self.handler(depth) for _ in range(number))

    def handler(self: Builder, depth: int) -> str:
        """An event sub-process; it may raise again what it has caught, or compensate."""
        kind = str(self.pick(*STARTS))
        stops = "true" if "error" in kind else self.pick("true", "false")
        outer, self.silent = self.silent, self.silent or kind == "signal" and stops == "false"
        again = self.pick("", "", "", "error", "escalation", "compensate", *([] if self.silent else ["signal"]))
        ends = {
            **RAISED,
            "": "",
            "compensate": "<compensateEventDefinition/>",
            "signal": '<signalEventDefinition signalRef="S"/>',
        }
        inside = self.inside(depth, ends[str(again)], start=(RAISED.get(kind) or self.event(kind), f' isInterrupting="{stops}"'))
        self.silent = outer
        return f'<subProcess id="{self.key("h")}" triggeredByEvent="true">{inside}</subProcess>'

    def add_handled(self: Builder, depth: int) -> Ends:
        """A sub-process with event sub-processes, with or without a loop."""
        key, loop = self.key("p"), self.loop() if self.pick(False, False, True) else ""
        more = self.handlers(max(0, min(depth - 1, 1)), int(str(self.pick(1, 1, 2))))
        inner = self.inside(depth, str(self.pick("", "", RAISED["error"], RAISED["escalation"])), more)
        self.element(f'<subProcess id="{key}">{loop}{inner}</subProcess>')
        return self.caught(key)

    # ---- errors and escalations --------------------------------------------------------------------------------------
    def caught(self: Builder, key: str) -> Ends:
        """A sub-process perhaps with boundary events for what is raised in it, or for anything else."""
        if self.pick(False, False, True):
            return self.attach(key)
        join = self.gateway("exclusive")
        self.flow(key, join)
        for kind in self.pick((), ("error",), ("any error", "escalation"), ("any escalation", "error")):  # type: ignore[attr-defined]
            boundary = self.key("y")
            stops = "true" if "error" in kind else self.pick("true", "false")
            self.element(
                f'<boundaryEvent id="{boundary}" attachedToRef="{key}" cancelActivity="{stops}">{RAISED[kind]}</boundaryEvent>'
            )
            if stops == "true":
                self.flow(boundary, join)
            else:
                self.flow(boundary, self.add_user(0)[0])
        return key, join

    def add_raise(self: Builder, depth: int) -> Ends:
        """Sometimes an error."""
        choice, stop, (last, _) = self.gateway("exclusive"), self.key("e"), self.add_user(0)
        self.element(f'<endEvent id="{stop}">{RAISED["error"]}</endEvent>')
        self.flow(choice, last)
        self.flow(choice, stop, "c == 5")
        return choice, last

    def add_escalate(self: Builder, depth: int) -> Ends:
        """An escalation on the way."""
        key = self.key("w")
        self.element(f'<intermediateThrowEvent id="{key}">{RAISED["escalation"]}</intermediateThrowEvent>')
        return key, key

    # ---- compensation ------------------------------------------------------------------------------------------------
    def undoing(self: Builder, key: str) -> None:
        """Let an activity of this scope be compensated by another one."""
        boundary, undo = self.key("y"), self.key("z")
        self.element(f'<boundaryEvent id="{boundary}" attachedToRef="{key}"><compensateEventDefinition/></boundaryEvent>')
        kind = self.pick("userTask", "userTask", "task", "many", "subProcess")
        inner = self.inside(0) if kind == "subProcess" else self.loop() if kind == "many" else ""
        name = "userTask" if kind == "many" else kind
        self.element(f'<{name} id="{undo}" isForCompensation="true">{inner}</{name}>')
        self.element(f'<association id="{self.key("a")}" sourceRef="{boundary}" targetRef="{undo}"/>')
        self.scope.undone.append(key)

    def add_undone(self: Builder, depth: int) -> Ends:
        """A task that can be compensated."""
        key, loop = self.key("u"), self.loop() if self.pick(False, False, True) else ""
        self.element(f'<userTask id="{key}">{loop}</userTask>')
        self.undoing(key)
        return key, key

    def add_compensate(self: Builder, depth: int) -> Ends:
        """Compensation of all, or of one activity that was drawn before."""
        key = self.key("w")
        one = str(self.pick("", *self.scope.undone))
        reference = f' activityRef="{one}"' if one else ""
        wait = self.pick("true", "true", "false")
        self.element(
            f'<intermediateThrowEvent id="{key}"><compensateEventDefinition{reference} waitForCompletion="{wait}"/>'
            "</intermediateThrowEvent>"
        )
        return key, key

    def add_undone_sub(self: Builder, depth: int) -> Ends:
        """A sub-process that can be compensated: by what is inside, by an event sub-process or by an activity."""
        key, loop = self.key("p"), self.loop() if self.pick(False, False, True) else ""
        more = ""
        if self.pick(False, True):
            end = "<compensateEventDefinition/>" if self.pick(False, True) else ""
            inside = self.inside(0, end, start=("<compensateEventDefinition/>", ""))
            more = f'<subProcess id="{self.key("h")}" triggeredByEvent="true">{inside}</subProcess>'
        inner = self.inside(depth, "", more, before=self.add_undone)
        mapping = ""
        if self.pick(False, True):
            mapping = '<extensionElements><camunda:inputOutput><camunda:inputParameter name="own">${c}</camunda:inputParameter>'
            mapping += "</camunda:inputOutput></extensionElements>"
        self.element(f'<subProcess id="{key}">{mapping}{loop}{inner}</subProcess>')
        if self.pick(False, False, True):
            self.undoing(key)
        else:
            self.scope.undone.append(key)
        return self.caught(key)

    def add_regret(self: Builder, depth: int) -> Ends:
        """What can be compensated, in a row or beside each other, and is: at once, after a step, after an error."""
        key, first_one, stop = self.key("p"), self.key("s"), self.key("e")
        more = self.handler(0) if self.pick(False, True) else ""
        outer, self.scope = self.scope, self.new_scope()
        ends = [getattr(self, f"add_{self.pick('undone', 'undone', 'undone_sub')}")(0) for _ in range(int(str(self.pick(2, 3))))]
        way = self.pick("compensate", "compensate", "raise", "block")
        ends.append(self.block(max(0, depth)) if way == "block" else getattr(self, f"add_{way}")(0))
        beside = self.pick(False, False, True)
        fork, join = (self.gateway("parallel"), self.gateway("parallel")) if beside else (first_one, ends[-1][0])
        self.element(
            f'<startEvent id="{first_one}"/><endEvent id="{stop}">{self.pick("", "<compensateEventDefinition/>")}</endEvent>'
        )
        if beside:
            self.flow(first_one, fork)
            self.flow(join, ends[-1][0])
        for place, (first, last) in enumerate(ends[:-1]):
            self.flow(fork if beside or not place else ends[place - 1][1], first)
            if beside or place == len(ends) - 2:
                self.flow(last, join)
        self.flow(ends[-1][1], stop)
        inner, self.scope = self.scope.xml(), outer
        loop = self.loop() if self.pick(False, False, True) else ""
        self.element(f'<subProcess id="{key}">{loop}{more}{inner}</subProcess>')
        self.scope.undone.append(key)
        return self.caught(key)

    def add_transaction(self: Builder, depth: int) -> Ends:
        """A transaction that may be cancelled."""
        key, loop = self.key("p"), self.loop() if self.pick(False, False, False, True) else ""
        cancel = self.key("e")
        outer, self.scope = self.scope, self.new_scope()
        start, stop, choice = self.key("s"), self.key("e"), self.gateway("exclusive")
        self.element(f'<startEvent id="{start}"/><endEvent id="{stop}"/>')
        self.element(f'<endEvent id="{cancel}"><cancelEventDefinition/></endEvent>')
        fork = self.gateway("parallel")
        (first, last), (undone, _), (beside, _) = self.block(depth), self.add_undone(0), self.add_user(0)
        for source, target, condition in (
            (start, fork, None), (fork, undone, None), (undone, first, None), (last, choice, None), (choice, stop, None),
            (choice, cancel, "c % 2 == 1"), (fork, beside, None), (beside, stop, None),
        ):  # fmt: skip
            self.flow(source, target, condition)
        inner, self.scope = self.scope.xml(), outer
        self.element(f'<transaction id="{key}">{loop}{inner}</transaction>')
        join = self.gateway("exclusive")
        self.flow(key, join)
        boundary = self.key("y")
        self.element(f'<boundaryEvent id="{boundary}" attachedToRef="{key}"><cancelEventDefinition/></boundaryEvent>')
        self.flow(boundary, join)  # without it the transaction would end and nothing leave it: a join behind would wait for ever
        return key, join

    def add_call(self: Builder, depth: int) -> Ends:
        """A called process with event sub-processes of its own."""
        key, called = self.key("k"), self.key("q")
        outer, self.scope = self.scope, self.new_scope()
        inside = self.inside(min(depth, 1), str(self.pick("", RAISED["error"])), self.handlers(0, int(str(self.pick(0, 1)))))
        self.scope = outer
        self.processes.append(f'<process id="{called}" isExecutable="true">{inside}</process>')
        self.element(f'<callActivity id="{key}" calledElement="{called}"/>')
        return self.caught(key)

    def event(self, kind: str) -> str:
        """An event definition."""
        raise NotImplementedError

    def new_scope(self) -> Scope:
        """An empty scope."""
        raise NotImplementedError
