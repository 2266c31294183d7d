"""Task specs of events. What waits is a WAITING task; the clock is the moment of the step, never the host's.

A boundary event is a task beside its host, known by the host's token (`host`), not a split and a join around it as in the
library: it happens at once, and nothing has to be looked up in the tree.
"""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.conditional import ConditionalEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.item_aware_event import (
    ErrorEventDefinition,
    EscalationEventDefinition,
    SignalEventDefinition,
)
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.multiple import MultipleEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.simple import NoneEventDefinition, TerminateEventDefinition
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.errors import StepFailed
from engine.kernel import WaitKind
from engine.moments import Due, MomentInvalid, first_due, is_plain, next_due
from engine.spiff import compensation
from engine.spiff.elements import Activity, Element, instance_of
from engine.spiff.language import ENGINE
from engine.spiff.scopes import WaitRow


class Deadline(EventDefinition):
    """A timer: `kind` is `timeDate`, `timeDuration` or `timeCycle`. The library's own timers read the host's clock."""

    def __init__(self, kind: str, text: str, **kwargs: Any) -> None:
        super().__init__(text, **kwargs)
        self.kind, self.text = kind, text

    def due(self, task: Task, element_id: str) -> Due:
        """When it is due for a task that arms it now.

        Raises StepFailed when the text or its value is no moment.
        """
        value = ENGINE.text(task, self.text, element_id) if is_plain(self.text) else ENGINE.value(task, self.text, element_id)
        try:
            instance = instance_of(task)
            return first_due(self.kind, value, instance.now, workdays=instance.workdays)
        except MomentInvalid as problem:
            raise StepFailed(element=element_id, reason=problem) from problem


class LinkEventDefinition(EventDefinition):
    """A link; `name` joins throwing and catching end."""


class CompensateEventDefinition(EventDefinition):
    """Compensation of `activity`, or of all of the scope; `wait`: the throwing event goes on when it is done."""

    def __init__(self, activity: str | None, wait: bool, **kwargs: Any) -> None:
        super().__init__(activity, **kwargs)
        self.activity, self.wait = activity, wait


class CancelEventDefinition(EventDefinition):
    """Cancellation of a transaction."""

    code = None


KINDS: dict[type, str] = {
    Deadline: "timer",
    LinkEventDefinition: "link",
    MessageEventDefinition: "message",
    SignalEventDefinition: "signal",
    ConditionalEventDefinition: "conditional",
    ErrorEventDefinition: "error",
    EscalationEventDefinition: "escalation",
    TerminateEventDefinition: "terminate",
    CompensateEventDefinition: "compensate",
    CancelEventDefinition: "cancel",
}


def named_event(definition: Any) -> tuple[str, str | None]:
    """The kind of a definition, and what it is matched by: a code for errors and escalations, else a name."""
    kind = KINDS[type(definition)]
    return kind, definition.code if kind in ("error", "escalation") else getattr(definition, "name", None)


LISTENED = {"message": WaitKind.MESSAGE, "signal": WaitKind.SIGNAL, "conditional": WaitKind.CONDITION}
"""What can be waited for without a clock."""


class Event(Element):
    """An event with its definitions, as (kind, definition)."""

    parallel = False
    """Whether it waits for all of several definitions."""

    def __init__(self, wf_spec: Any, bpmn_id: str, event_definition: Any = None, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.event_definition = event_definition
        several = isinstance(event_definition, MultipleEventDefinition)
        found = event_definition.event_definitions if several else [event_definition]
        self.definitions = [(KINDS[type(each)], each) for each in found if each and not isinstance(each, NoneEventDefinition)]

    def arm(self, task: Task, host: Task) -> None:
        """Note on the waiting task when this event's timer is due; `host` is what its expression sees."""
        for kind, definition in self.definitions:
            if kind == "timer":
                task.internal_data.setdefault("due", {})[self.bpmn_id] = definition.due(host, self.bpmn_id).dump()

    def rows(self, task: Task) -> list[WaitRow]:
        """What this event still waits for, on the waiting task that was armed with it."""
        found: list[WaitRow] = []
        seen = task.internal_data.get("seen", {}).get(self.bpmn_id, ())
        for index, (kind, definition) in enumerate(self.definitions):
            if index in seen:
                continue
            if kind == "timer" and self.bpmn_id in task.internal_data.get("due", {}):
                at = Due.load(task.internal_data["due"][self.bpmn_id]).at
                found.append((WaitKind.TIMER, self.bpmn_id, None, at, index))
            elif kind in LISTENED:
                name = None if kind == "conditional" else definition.name
                found.append((LISTENED[kind], self.bpmn_id, name, None, index))
        return found

    def becomes_true(self, task: Task) -> int | None:
        """Which condition of this event holds now and did not when it was last looked at."""
        seen = task.internal_data.get("seen", {}).get(self.bpmn_id, ())
        for index, (kind, definition) in enumerate(self.definitions):
            if kind != "conditional" or index in seen:
                continue
            known: list[str] = task.internal_data.setdefault("true", [])
            key = f"{self.bpmn_id} {index}" if index else self.bpmn_id
            true = ENGINE.holds(self.sight(task), definition.expression, self.bpmn_id)
            if true and key not in known:
                known.append(key)
                return index
            if not true and key in known:
                known.remove(key)
        return None

    def happen(self, task: Task, element_id: str, index: int) -> None:
        """One definition of the event `element_id` that `task` waits for has come."""
        raise NotImplementedError

    def came(self, task: Task, index: int) -> bool:
        """Note that a definition has come; whether the event happens: of several parallel ones all must have come (10.5.4)."""
        instance_of(task).closing(task, [row for row in self.rows(task) if row[4] == index], "fired")
        if self.definitions[index][0] == "timer":
            following = next_due(Due.load(task.internal_data["due"].pop(self.bpmn_id)), workdays=instance_of(task).workdays)
            if following:
                task.internal_data["due"][self.bpmn_id] = following.dump()
        if not self.parallel or len(self.definitions) < 2:
            return True
        seen: dict[str, list[int]] = task.internal_data.setdefault("seen", {})
        happened = sorted({*seen.get(self.bpmn_id, ()), index})
        if len(happened) == len(self.definitions):
            seen.pop(self.bpmn_id, None)
            return True
        seen[self.bpmn_id] = happened
        return False

    def look(self, task: Task) -> bool:
        """Let it happen if its condition has become true."""
        index = self.becomes_true(task)
        if index is None:
            return False
        self.happen(task, self.bpmn_id, index)
        return True


class CatchEvent(Event):
    """An intermediate catching event. As the end of a link it passes."""

    def _run_hook(self, my_task: Task) -> bool | None:
        if any(kind == "link" for kind, _ in self.definitions):
            return True
        instance_of(my_task).token(my_task)
        self.arm(my_task, my_task)
        return None

    def waits(self, my_task: Task) -> list[WaitRow]:
        """Its own events."""
        return self.rows(my_task)

    def cancelled(self, my_task: Task) -> None:
        """The waiting token goes."""
        instance_of(my_task).note("cancelled", self.bpmn_id, my_task)

    def happen(self, task: Task, element_id: str, index: int) -> None:
        """The token goes on."""
        if self.came(task, index):
            task.complete()


class ReceiveTask(Activity, Event):
    """An activity that waits for a message."""

    def arm(self, my_task: Task, host: Task | None = None) -> None:
        """As an activity it arms its boundary events; it has no timer of its own."""
        Activity.arm(self, my_task)

    def act(self, my_task: Task) -> None:
        """Wait."""

    def waits(self, my_task: Task) -> list[WaitRow]:
        """Its message."""
        return self.rows(my_task)

    def happen(self, task: Task, element_id: str, index: int) -> None:
        """The activity is done."""
        if self.came(task, index):
            task.complete()


class BoundaryEvent(Event):
    """An event at the border of an activity."""

    def __init__(self, wf_spec: Any, bpmn_id: str, cancel_activity: bool = True, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.cancel_activity = cancel_activity

    def attach(self, host: Task) -> None:
        """Begin to wait beside a host. Errors and escalations are looked up when they are raised, so they need no task."""
        if not any(kind in LISTENED or kind == "timer" for kind, _ in self.definitions):
            return
        task = host.workflow.hang(self, state=TaskState.WAITING, host=instance_of(host).token(host))
        self.arm(task, host)

    def waits(self, my_task: Task) -> list[WaitRow]:
        """Its own events."""
        return self.rows(my_task)

    def sight(self, task: Task) -> Task:
        """The host: a boundary event sees what it sees, and writes where it writes."""
        host = instance_of(task).find(task.internal_data["host"])
        assert host is not None
        return host

    def happen(self, task: Task, element_id: str, index: int) -> None:
        """Cancel the host, or go on waiting beside it; a token starts here."""
        host, happens = self.sight(task), self.came(task, index)
        if happens and self.cancel_activity:
            task.workflow.discard(task)
        if happens:
            self.start(host)

    def rank(self, element_id: str) -> tuple[int, bool]:
        """After the event sub-processes of its host."""
        return 1, not self.cancel_activity

    def start(self, host: Task) -> None:
        """Let the event happen at a host, whether or not a task waited for it."""
        task = host.workflow.hang(self)
        if self.cancel_activity:
            instance_of(host).cancel_task(host)
        task.complete()


class ThrowEvent(Event):
    """An intermediate throwing event or an end event. With a handler it waits until that is done."""

    def _on_ready_hook(self, my_task: Task) -> None:
        top = instance_of(my_task)
        (top.throwing if self.definitions else top.ready).append(my_task)

    @property
    def handled(self) -> bool:
        """Whether a handler takes the place of a message."""
        return any(kind == "message" and definition.handler for kind, definition in self.definitions)

    def _run_hook(self, my_task: Task) -> bool | None:
        if not self.handled:
            return True
        instance_of(my_task).token(my_task)
        return None

    def _on_complete_hook(self, my_task: Task) -> None:
        """Throw every definition in turn, then leave, unless what was thrown has taken this token away."""
        top = instance_of(my_task)
        if self.handled:
            top.closing(my_task, self.waits(my_task), "completed")
        top.note("completed", self.bpmn_id, my_task)
        for kind, definition in self.definitions:
            if kind == "signal" or kind == "message" and not definition.handler:
                top.emit(my_task, self.bpmn_id, kind, definition.name)
            elif kind in ("error", "escalation"):
                if kind == "error":
                    top.consume_arrived(my_task)
                top.raise_code(my_task, kind, definition.code)
            elif kind in ("terminate", "cancel"):
                top.clear(my_task.workflow, but=my_task)
            if kind == "cancel":
                compensation.begin(my_task, None, "cancel")
            elif kind == "compensate":
                compensation.begin(my_task, definition.activity, "leave" if definition.wait else "")
            ends = kind in ("error", "terminate", "cancel") or kind == "compensate" and definition.wait
            if ends or my_task.id not in my_task.workflow.tasks:
                return
        self.leave(my_task)

    def leave(self, my_task: Task) -> None:
        """Along the flows, or to the other end of a link."""
        links = [definition.name for kind, definition in self.definitions if kind == "link"]
        if not links:
            super().leave(my_task)
            return
        ends = [spec for spec in self._wf_spec.task_specs.values() if isinstance(spec, CatchEvent)]
        my_task._sync_children([end for end in ends if linked(end, links)], TaskState.FUTURE)

    def waits(self, my_task: Task) -> list[WaitRow]:
        """Its handler."""
        return [(WaitKind.HANDLER, self.bpmn_id, None, None, 0)] if self.handled else []


def linked(end: CatchEvent, names: list[str]) -> bool:
    """Whether a catching event is the other end of one of these links."""
    return any(kind == "link" and definition.name in names for kind, definition in end.definitions)
