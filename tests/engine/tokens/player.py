"""A player of drawn processes that checks every step of a kernel while it plays them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.kernel import (
    AddInstance,
    Cancel,
    Complete,
    Deliver,
    Fire,
    Kernel,
    Move,
    Operation,
    Outcome,
    Place,
    RemoveInstance,
    SetVariables,
    Start,
    Throw,
    Wait,
    WaitKind,
)
from engine.model import Definition
from engine.spiff import SpiffKernel
from engine.spiff.document import load_instance
from engine.tokens import TokenKernel
from engine.tokens.plan import plan_for
from engine.tokens.waits import waits_of
from tests.engine.tokens.drawing import read

TOKENS = TokenKernel()
NOW = datetime(2022, 7, 1, tzinfo=UTC)


class Player:
    """One instance of a drawn process. After every step it checks what a kernel promises about documents and waits.

    With `dump` the document goes through JSON text between any two steps.
    """

    def __init__(
        self,
        text: str | Definition,
        variables: Mapping[str, Any],
        *,
        dump: bool,
        process: str,
        at: str | None,
        kernel: Kernel = TOKENS,
    ) -> None:
        self.kernel = kernel
        self.definition = read(text) if isinstance(text, str) else text
        self.process, self.dump, self.now = process, dump, NOW
        self.document: dict[str, Any] | None = None
        self.waits: dict[tuple[Any, ...], Wait] = {}
        self.outcome: Outcome
        self.completed: list[str] = []
        self.thrown: list[tuple[str, str]] = []
        self.step(Start(variables, at))

    # ---- steps -------------------------------------------------------------------------------------------------------
    def step(self, operation: Operation) -> Outcome:
        """One operation, with all checks."""
        given = json.dumps(self.document)
        outcome = self.kernel.step(self.definition, self.process, self.document, operation, self.now)
        assert json.dumps(self.document) == given, "the document given has changed"
        self.document = json.loads(json.dumps(outcome.document)) if self.dump else outcome.document
        for closed in outcome.closed:
            assert self.waits.pop((closed.kind, closed.token, closed.element_id, closed.name), None), f"{closed} was not open"
        for wait in outcome.opened:
            key = (wait.kind, wait.token, wait.element_id, wait.name)
            assert key not in self.waits, f"{wait} is open already"
            self.waits[key] = wait
        assert self.there() == self.waits.keys(), "the differences do not add up to what waits"
        if self.kernel is TOKENS:
            assert outcome.ended == (not self.document["t"])
            for record in self.document["t"].values():
                assert "in" not in record or record["in"] in self.document["t"], "a record without its container"
        self.completed += [line.element_id for line in outcome.log if line.event == "completed"]
        self.thrown += [(thrown.kind, thrown.name) for thrown in outcome.thrown]
        self.outcome = outcome
        return outcome

    def there(self) -> set[tuple[Any, ...]]:
        """What waits, read from the document."""
        assert self.document is not None
        if isinstance(self.kernel, SpiffKernel):
            return set(load_instance(*self.kernel.specs(self.definition, self.process), self.document).waiting())
        plan = plan_for(self.definition)
        return {key for number, record in self.document["t"].items() for key in waits_of(plan, number, record)}

    def do(self, element: str, **variables: Any) -> Outcome:
        """Complete the oldest task, handler or script that waits at an element."""
        return self.step(Complete(self.token(element), variables))

    def fail(self, element: str, code: str, kind: str = "error") -> Outcome:
        """Throw an error or escalation at a waiting activity."""
        return self.step(Throw(self.token(element), code, kind))

    def fire(self, element: str) -> Outcome:
        """Let the timer of an event come due; time moves to its moment."""
        wait = next(wait for wait in self.waits.values() if wait.element_id == element and wait.kind is WaitKind.TIMER)
        assert wait.due_at is not None
        self.now = max(self.now, wait.due_at)
        return self.step(Fire(wait.token, element))

    def send(self, name: str, kind: str = "message", **variables: Any) -> int:
        """A message or signal arrives; how many it reached."""
        return self.step(Deliver(kind, name, variables)).delivered

    def put(self, **variables: Any) -> Outcome:
        """Write variables from outside."""
        return self.step(SetVariables(variables))

    def move(self, elements: str, target: str, **variables: Any) -> Outcome:
        """Take all tokens at these elements away and put one before the target."""
        names = elements.split()
        tokens = tuple(token for token, element in self.positions() if element in names)
        return self.step(Move(tokens, target, variables))

    def add(self, element: str, item: Any, place: Place = "last") -> Outcome:
        """One more instance."""
        return self.step(AddInstance(self.token(element), item, place))

    def drop(self, element: str) -> Outcome:
        """One instance less."""
        return self.step(RemoveInstance(self.token(element)))

    def cancel(self) -> Outcome:
        """End the instance."""
        return self.step(Cancel())

    # ---- what is seen ------------------------------------------------------------------------------------------------
    def token(self, element: str) -> str:
        """The oldest token at an element."""
        return next(token for token, at in self.positions() if at == element)

    def positions(self) -> list[tuple[str, str]]:
        """(token, element) of all that is active."""
        assert self.document is not None
        return self.kernel.positions(self.definition, self.process, self.document)

    def open(self, *kinds: WaitKind) -> list[str]:
        """Elements that wait, sorted: for people, handlers and scripts unless kinds are named."""
        wanted = kinds or (WaitKind.TASK, WaitKind.HANDLER, WaitKind.SCRIPT)
        return sorted(wait.element_id for wait in self.waits.values() if wait.kind in wanted)

    def timers(self) -> list[str]:
        """Events whose timers run."""
        return self.open(WaitKind.TIMER)

    def due(self, element: str) -> datetime:
        """When the timer of an event is due."""
        return next(w.due_at for w in self.waits.values() if w.element_id == element and w.due_at is not None)

    def variables(self, element: str | None = None) -> dict[str, Any]:
        """Variables of the process, or what a waiting element sees."""
        assert self.document is not None
        token = None if element is None else self.token(element)
        return self.kernel.variables(self.definition, self.process, self.document, token)

    @property
    def ended(self) -> bool:
        """Whether the instance is over."""
        return self.outcome.ended

    def later(self, **difference: float) -> None:
        """Time passes."""
        self.now += timedelta(**difference)
