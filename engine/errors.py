"""What stops an action, as facts a person can be told: codes and values here, words in `texts.yaml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Severity = Literal["error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault (or remark) with its place.

    `code` is an entry of the message catalogue, `values` fill its text. `element` is the BPMN id it concerns, `path` the
    place in a file or form (`dates.collection.words`, a field's name, `case.bpmn:12`).
    """

    code: str
    severity: Severity = "error"
    element: str | None = None
    path: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


class Problem(Exception):
    """A fact that stops an action. The class name is its code in the message catalogue.

    `values` fill the text; `findings` list every single fault where there are several.
    """

    kind: ClassVar[Literal["invalid", "forbidden", "missing", "conflict", "busy", "internal"]] = "invalid"

    def __init__(self, *, findings: Iterable[Finding] = (), **values: Any) -> None:
        self.values = values
        self.findings = tuple(findings)
        super().__init__(self.code, values)

    @property
    def code(self) -> str:
        """The catalogue entry that words this fact."""
        return type(self).__name__

    def __str__(self) -> str:
        parts = [f"{key}={value!r}" for key, value in self.values.items()]
        parts += [f"{f.code} at {f.element or f.path}: {dict(f.values)}" for f in self.findings]
        return f"{self.code}: {', '.join(parts)}" if parts else self.code


class DiagramRefused(Problem):
    """The diagram cannot run as drawn; `findings` name the elements."""


class DefinitionUnknown(Problem):
    """No deployed definition has this key and version."""

    kind = "missing"


class InstanceUnknown(Problem):
    """No process instance has this id."""

    kind = "missing"


class InstanceNotRunning(Problem):
    """The instance has ended or is suspended; nothing can be done with it now."""

    kind = "conflict"


class TaskUnknown(Problem):
    """No user task has this id."""

    kind = "missing"


class TaskAlreadyCompleted(Problem):
    """Somebody else was faster, or the task was withdrawn by the flow."""

    kind = "conflict"


class TaskChanged(Problem):
    """The task is no longer at the revision that the page showed."""

    kind = "conflict"


class TaskAlreadyClaimed(Problem):
    """Another person has claimed this task."""

    kind = "conflict"


class OperationNotAllowed(Problem):
    """The diagram does not allow this operation at this step."""

    kind = "conflict"


class NothingToWithdraw(Problem):
    """Nothing has begun by this step alone: others of the same step are still at work, or all is over."""

    kind = "conflict"


class WithdrawalTooLate(Problem):
    """What followed the step was taken up already, or something else has happened since. Value: `element`, what went on."""

    kind = "conflict"


class SkipRefused(Problem):
    """What follows needs what the step's form would have brought. Values: `element`, `reason`, why it cannot go on."""

    kind = "conflict"


class SignerNotTaken(Problem):
    """The step does not take its people from its list, so that a person could be added. Value: `element`."""

    kind = "conflict"


class SignersTogether(Problem):
    """All sign at the same time at this step: nobody comes before or after another."""


class SignerThere(Problem):
    """The person has an open task of this step already."""

    kind = "conflict"


class OperationNotSupported(Problem):
    """The kernel that executes this definition cannot do this operation; `reason` says why."""

    kind = "conflict"


class HandlerUnknown(Problem):
    """The diagram names a handler that nobody registered."""

    kind = "internal"


class StepFailed(Problem):
    """The kernel could not make this step: an expression failed, no condition held, ... `element` says where."""

    kind = "internal"


class StorageFull(Problem):
    """No space is left for the database or for files; nothing was changed."""

    kind = "busy"


class DatabaseBusy(Problem):
    """The database is out of reach or too busy at the moment; nothing was changed, and trying again is right."""

    kind = "busy"


def note_place(error: Exception, instance_id: str, element_id: str | None) -> None:
    """Note on a fault at which element of which instance it happened; the first note stays (`read_place`)."""
    error.__dict__.setdefault("happened_at", (instance_id, element_id))


def read_place(error: Exception) -> tuple[str | None, str | None]:
    """(instance, element) at which a fault happened, as far as that is known."""
    place: tuple[str | None, str | None] = error.__dict__.get("happened_at", (None, None))
    return place


class BpmnThrow(Exception):
    """What a handler or a script throws into the diagram; `message` is for the variable that a catching event names for it."""

    kind: ClassVar[Literal["error", "escalation"]]

    def __init__(self, code: str, variables: Mapping[str, Any] | None = None, *, message: str | None = None) -> None:
        super().__init__(code)
        self.code, self.message = code, message
        self.variables = dict(variables or {})


class BpmnError(BpmnThrow):
    """A BPMN error at a service task, script task, event or (on `complete`) user task.

    Caught by error events; what nobody catches ends the instance. Never shown to people.
    """

    kind = "error"


class BpmnEscalation(BpmnThrow):
    """A BPMN escalation at the same places. Where no interrupting event catches it the work counts as done: the token goes on."""

    kind = "escalation"
