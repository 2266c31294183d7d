"""One instance on one kernel, told what to do by element ids; every step loads and dumps the document as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.kernel import (
    AddInstance,
    Complete,
    Deliver,
    Fire,
    Kernel,
    Move,
    Operation,
    Outcome,
    Place,
    RemoveInstance,
    Start,
    Throw,
    Wait,
    WaitKind,
)
from engine.model import Definition, read_diagram
from engine.spiff import SpiffKernel
from engine.tokens import TokenKernel

HEAD = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" '
    'id="test" targetNamespace="http://example.org/test">'
    '<message id="M" name="m"/><message id="M2" name="m2"/><signal id="S" name="s"/>'
    '<error id="E" errorCode="e"/><escalation id="C" escalationCode="c"/>'
)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WORK = (WaitKind.TASK, WaitKind.HANDLER, WaitKind.SCRIPT)


def diagram(body: str, *flows: str, more: str = "") -> bytes:
    """A diagram with the process `p`. A flow is `source target`, or `source target condition`."""
    lines = []
    for number, flow in enumerate(flows):
        source, target, *condition = flow.split(maxsplit=2)
        inner = "".join(f"<conditionExpression>{text}</conditionExpression>" for text in condition)
        lines.append(f'<sequenceFlow id="f{number}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>')
    return f'{HEAD}<process id="p" isExecutable="true">{body}{"".join(lines)}</process>{more}</definitions>'.encode()


def read(xml: bytes) -> Definition:
    """The definition of a diagram that must be right."""
    found = read_diagram(xml, name="test.bpmn")
    assert found.definition is not None, found.findings
    return found.definition


class Run:
    """One instance of the process `p` (or another). Whatever is waited for is named by its element."""

    def __init__(self, kernel: Kernel, definition: Definition, process_id: str = "p") -> None:
        self.kernel, self.definition, self.process_id = kernel, definition, process_id
        self.stored: str | None = None
        self.waits: dict[tuple[Any, ...], Wait] = {}
        self.now = NOON
        self.outcome: Outcome | None = None
        self.completed: list[str] = []
        self.story: list[Any] = []

    # ---- what is done ------------------------------------------------------------------------------------------------
    def start(self, element_id: str | None = None, **variables: Any) -> Run:
        """Start the instance."""
        return self.do(Start(variables, element_id))

    def complete(self, element_id: str, which: int = 0, **variables: Any) -> Run:
        """Complete a task, handler or script."""
        return self.do(Complete(self.wait(element_id, *WORK, which=which).token, variables))

    def throw(self, element_id: str, code: str, kind: str = "error", **variables: Any) -> Run:
        """Raise an error or escalation at an activity."""
        return self.do(Throw(self.wait(element_id, *WORK).token, code, kind, variables))

    def message(self, name: str, **variables: Any) -> Run:
        """Deliver a message to the first that waits."""
        return self.do(Deliver("message", name, variables))

    def signal(self, name: str, **variables: Any) -> Run:
        """Deliver a signal."""
        return self.do(Deliver("signal", name, variables))

    def fire(self, element_id: str) -> Run:
        """Let a timer fire at its moment."""
        wait = self.wait(element_id, WaitKind.TIMER)
        assert wait.due_at is not None
        self.now = max(self.now, wait.due_at)
        return self.do(Fire(wait.token, element_id), wait.due_at)

    def move(self, element_id: str, target: str, **variables: Any) -> Run:
        """Move the token of a waiting task."""
        return self.do(Move((self.wait(element_id, *WORK).token,), target, variables))

    def add(self, element_id: str, item: Any, place: Place = "last") -> Run:
        """Add an instance."""
        return self.do(AddInstance(self.wait(element_id, *WORK).token, item, place))

    def remove(self, element_id: str, which: int = 0) -> Run:
        """Remove an instance."""
        return self.do(RemoveInstance(self.wait(element_id, *WORK, which=which).token))

    def do(self, operation: Operation, moment: datetime | None = None) -> Run:
        """Any operation; the story of the instance grows by what it did."""
        document = json.loads(self.stored) if self.stored else None
        outcome = self.kernel.step(self.definition, self.process_id, document, operation, moment or self.now)
        assert document is None or json.dumps(document) == self.stored, "the document that was given has changed"
        self.stored = json.dumps(outcome.document)
        for closed in outcome.closed:
            del self.waits[closed.kind, closed.token, closed.element_id, closed.name]
        for wait in outcome.opened:
            self.waits[wait.kind, wait.token, wait.element_id, wait.name] = wait
        done = [line.element_id for line in outcome.log if line.event == "completed"]
        self.completed += done
        self.outcome = outcome
        closed_now = sorted((closed.kind, closed.element_id, closed.reason) for closed in outcome.closed)
        thrown = [(each.kind, each.name, each.element_id) for each in outcome.thrown]
        self.story.append((self.open(), sorted(done), closed_now, thrown, outcome.ended, outcome.error, self.variables()))
        return self

    def later(self, **delta: float) -> Run:
        """Time passes."""
        self.now += timedelta(**delta)
        return self

    # ---- what is seen ------------------------------------------------------------------------------------------------
    @property
    def ended(self) -> bool:
        """Whether the instance has ended."""
        return self.outcome is not None and self.outcome.ended

    def open(self) -> list[tuple[str, str]]:
        """(element, kind) of all that waits."""
        return sorted((wait.element_id, wait.kind.value) for wait in self.waits.values())

    def tasks(self) -> list[str]:
        """Elements that wait to be completed."""
        return [element for element, kind in self.open() if kind in ("task", "handler", "script")]

    def wait(self, element_id: str, *kinds: WaitKind, which: int = 0) -> Wait:
        """A wait at an element, in the order of what is seen there."""
        found = [wait for wait in self.waits.values() if wait.element_id == element_id and (not kinds or wait.kind in kinds)]
        assert found, f"{element_id} does not wait, but {self.open()}"
        return sorted(found, key=lambda wait: json.dumps(dict(wait.variables or {}), sort_keys=True))[which]

    def variables(self) -> Mapping[str, Any]:
        """The variables of the process."""
        return self.kernel.variables(self.definition, self.process_id, json.loads(self.stored or "{}"))


KERNELS: list[Kernel] = [TokenKernel(), SpiffKernel()]
START, END = '<startEvent id="s"/>', '<endEvent id="e"/>'
USER = '<userTask id="{}" camunda:assignee="a"/>'
ABC = START + END + "".join(USER.format(key) for key in "abc")


def both(xml: bytes, play: Callable[[Run], Any], **variables: Any) -> Run:
    """Play the same on both kernels; the stories must be equal. Gives the run of the second kernel."""
    definition = read(xml)
    runs = [Run(kernel, definition) for kernel in KERNELS]
    for run in runs:
        run.start(**variables)
        play(run)
    assert runs[0].story == runs[1].story
    assert runs[1].kernel.name == "spiff"
    return runs[1]


def boundary(definition: str, *, stops: bool = True, host: str = "a") -> str:
    """A boundary event `y` on `a`."""
    return f'<boundaryEvent id="y" attachedToRef="{host}" cancelActivity="{str(stops).lower()}">{definition}</boundaryEvent>'


TIMER = "<timerEventDefinition><timeDuration>PT2H</timeDuration></timerEventDefinition>"
MESSAGE = '<messageEventDefinition messageRef="M"/>'


SUB = '<subProcess id="q"><startEvent id="s2"/>{}<endEvent id="e2">{}</endEvent>{}</subProcess>'


def sub(body: str, *flows: str, end: str = "") -> str:
    """A sub-process `q`."""
    lines = "".join(
        f'<sequenceFlow id="q{number}" sourceRef="{flow.split()[0]}" targetRef="{flow.split()[1]}"/>'
        for number, flow in enumerate(flows)
    )
    return SUB.format(body, end, lines)
