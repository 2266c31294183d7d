"""Functions that diagrams name: registered once, when the application is wired, and called by the engine by their name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.errors import HandlerUnknown

if TYPE_CHECKING:
    from engine.work import Work


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler is given.

    `variables` are what the element sees (read-only), `form` what a user task was completed with, `event` the moment of the
    task's life (`create`, `complete`, ...) or `execute` for service tasks and `throw` for events.
    `properties` are the `camunda:property` values of the element. `task_id` is the user task's row id, if there is one.
    """

    work: Work
    instance_id: str
    business_key: str
    element_id: str
    token: str | None
    event: str
    variables: Mapping[str, Any]
    properties: Mapping[str, str]
    form: Mapping[str, Any]
    task_id: str | None = None

    @property
    def by(self) -> str | None:
        """The person who acts; None when the clock does."""
        return self.work.by

    @property
    def now(self) -> datetime:
        """The present moment of the unit of work."""
        return self.work.now


Handler = Callable[[Call], Mapping[str, Any] | None]
"""May read and write domain rows in `call.work.connection`, queue mail and messages; never sends, never calls the engine.
A handler of a timer row (event `timer`) stands outside of any step: it may start instances, one transaction each.

What it returns is written to the instance's variables. It may raise `BpmnError`, `BpmnEscalation`, or a `Problem` (which rolls
the step back).
"""


class Handlers:
    """The registry; names look like `audits.record`."""

    def __init__(self) -> None:
        self._functions: dict[str, Handler] = {}

    def register(self, name: str, function: Handler) -> None:
        """Make `function` known under `name`.

        Raises ValueError when the name is taken.
        """
        if name in self._functions:
            raise ValueError(f"handler {name} is registered already")
        self._functions[name] = function

    def __contains__(self, name: str) -> bool:
        return name in self._functions

    def names(self) -> frozenset[str]:
        """All registered names, for the check at deployment."""
        return frozenset(self._functions)

    def call(self, name: str, call: Call) -> dict[str, Any]:
        """Call the handler.

        Raises `HandlerUnknown`, and whatever the handler raises.
        """
        function = self._functions.get(name)
        if function is None:
            raise HandlerUnknown(name=name, element=call.element_id)
        return dict(function(call) or {})
