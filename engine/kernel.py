"""The one narrow interface between the engine and its kernels.

    (definition, document, operation, moment) -> (document, log, what now waits, what goes out)

A kernel is pure: no database, no clock, no files. It never calls a handler and never runs a script: an activity that needs one
*waits* (`WaitKind.HANDLER`, `WaitKind.SCRIPT`), the engine does the work and sends `Complete` or `Throw` back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

from engine.model import Definition
from engine.moments import Due, Workdays, count_weekdays

Variables = Mapping[str, Any]
Document = dict[str, Any]


# ---- operations ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Start:
    """Begin a new instance (the document is None), at the none start events or at one event."""

    variables: Variables
    element_id: str | None = None


@dataclass(frozen=True, slots=True)
class Complete:
    """The waiting activity `token` is done; `variables` are written where their names are known, else at the process."""

    token: str
    variables: Variables = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Enter:
    """The call activity `token` waits for what it calls: `process` of the definition that the given one was linked with."""

    token: str
    process: str


@dataclass(frozen=True, slots=True)
class Throw:
    """The waiting activity `token` raises a BPMN error (`error`) or escalation; `message` is for who catches it."""

    token: str
    code: str
    kind: str = "error"
    variables: Variables = field(default_factory=dict)
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Deliver:
    """A message (to the first that waits for it, or to `token` at `element_id`) or a signal (to all) arrives."""

    kind: str  # "message" | "signal"
    name: str
    variables: Variables = field(default_factory=dict)
    token: str | None = None
    element_id: str | None = None


@dataclass(frozen=True, slots=True)
class Fire:
    """The timer of `element_id` that `token` waits for is due. `moment` of the step is the due moment."""

    token: str
    element_id: str


@dataclass(frozen=True, slots=True)
class Move:
    """Put one token before `target`: return, withdraw, jump.

    These tokens go, and with them all that cannot be beside a token at the target; branches beside it stay, or count as done
    where they are over (decision 19). `straight`: once the target is done again its token goes right back to where the token
    came from, if nothing else had to go or to wait (decision 38; `Outcome.straight` tells).
    """

    tokens: tuple[str, ...]
    target: str
    variables: Variables = field(default_factory=dict)
    straight: bool = False


Place = Literal["before", "after", "last"]
"""Where in a sequence an added instance comes: before or after the present one, or as the last."""


@dataclass(frozen=True, slots=True)
class AddInstance:
    """One more instance of the open multi-instance activity that `token` is an instance of (加签).

    In a sequence it comes last, right after the present one, or before it: the present one is ended and begins again after it.
    """

    token: str
    item: Any
    place: Place = "last"


@dataclass(frozen=True, slots=True)
class RemoveInstance:
    """One instance of a multi-instance activity less (减签)."""

    token: str


@dataclass(frozen=True, slots=True)
class CancelBranch:
    """End the branch that `token` is in, of several beside each other; for the join behind it it is done."""

    token: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """End the whole instance without further effect (终止)."""


@dataclass(frozen=True, slots=True)
class SetVariables:
    """Write variables of the process from outside; conditional events look again."""

    variables: Variables


@dataclass(frozen=True, slots=True)
class Reschedule:
    """Armed timers (token, element id, moment) get these moments in place of their own, and `variables` of the process are
    written. No timer fires by it, also one whose moment is past; of a cycle the occurrences to come stay where they are.
    """

    timers: tuple[tuple[str, str, datetime], ...]
    variables: Variables = field(default_factory=dict)


Operation = (
    Start
    | Complete
    | Enter
    | Throw
    | Deliver
    | Fire
    | Move
    | AddInstance
    | RemoveInstance
    | CancelBranch
    | Cancel
    | SetVariables
    | Reschedule
)


# ---- outcome ---------------------------------------------------------------------------------------------------------
class WaitKind(StrEnum):
    """What a token waits for."""

    TASK = "task"  # a person: user and manual task
    HANDLER = "handler"  # our code: service, send and business rule task, throwing event with a handler
    SCRIPT = "script"  # a script task's text, to be run outside
    CALL = "call"  # a call activity's definition, to be found outside
    TIMER = "timer"
    MESSAGE = "message"
    SIGNAL = "signal"
    CONDITION = "condition"


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that began to wait in this step. (`token`, `element_id`, `kind`, `name`) identifies it within the instance.

    `element_id` is the activity or the event (a boundary timer names the boundary event, `token` its host's token).
    `variables` are what the element sees, for tasks, handlers and scripts (read-only). `due_at` is set for timers,
    `name` for messages and signals.
    """

    kind: WaitKind
    token: str
    element_id: str
    variables: Variables | None = None
    due_at: datetime | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """A wait that is over: `reason` is `completed`, `cancelled` or `fired`. A cycle timer that goes on closes and opens anew."""

    kind: WaitKind
    token: str
    element_id: str
    reason: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of the step's log: `event` is `entered`, `completed` or `cancelled`."""

    event: str
    element_id: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Thrown:
    """A message or signal that goes out; `variables` are what the throwing element sees.

    A signal has reached what waits in its own instance already; it goes to the other ones.
    """

    kind: str
    name: str
    element_id: str
    variables: Variables


@dataclass(slots=True)
class Outcome:
    """What one operation did. `document` is the new state (the one given is not to be used again)."""

    document: Document
    log: list[Logged] = field(default_factory=list)
    opened: list[Wait] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)
    thrown: list[Thrown] = field(default_factory=list)
    ended: bool = False
    error: str | None = None  # code of a BPMN error that nobody caught; the instance has ended
    delivered: int = 0  # how many waits a Deliver reached
    straight: bool = False  # whether a Move that was to be straight is


class Kernel(Protocol):
    """Executes a definition. Both kernels give the same outcome; what one cannot do it says by `OperationNotSupported`."""

    name: str

    def step(
        self,
        definition: Definition,
        process_id: str,
        document: Document | None,
        operation: Operation,
        moment: datetime,
        *,
        workdays: Workdays = count_weekdays,
    ) -> Outcome:
        """Do one operation and run on until every token waits. `workdays` counts work days, where a timer wants some.

        Raises `StepFailed` (nothing is to be stored then) and `OperationNotSupported`.
        """

    def variables(self, definition: Definition, process_id: str, document: Document, token: str | None = None) -> dict[str, Any]:
        """The variables of the process; with `token` what that waiting token sees (also the item of its multi-instance)."""

    def positions(self, definition: Definition, process_id: str, document: Document) -> list[tuple[str, str]]:
        """(token, element id) of all that is active now: activities, waiting events, open scopes. For the case diagram."""

    def dues(self, definition: Definition, process_id: str, document: Document) -> dict[tuple[str, str], Due]:
        """The armed timers, by (token, element id), with what they are counted from."""

    def behind(self, definition: Definition, process_id: str, document: Document, token: str) -> list[str] | None:
        """Completed steps of people that `token` can go back to, latest first; of a loop or call that is over the whole of it.

        None when the document does not tell.
        """
