"""What a diagram says, as values: immutable, read once per version and shared by all its instances and threads.

Nodes name each other by id, so that the whole is a plain tree of frozen values; `Definition.nodes` resolves the ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from engine.expressions import Expression, Template

EventKind = Literal[
    "message", "signal", "timer", "conditional", "error", "escalation", "compensate", "cancel", "terminate", "link"
]
TimerKind = Literal["timeDate", "timeDuration", "timeCycle"]

PROBE = datetime(2020, 1, 1, tzinfo=UTC)
"""Any moment: a plain timer text is computed once at reading, to find out whether it can be."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def _nothing() -> Mapping[str, Any]:
    return _NOTHING


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """A sequence flow inside one scope. `source` and `target` are node ids; `condition` is None for an unconditional one."""

    id: str
    name: str | None
    source: str
    target: str
    condition: Expression | None


@dataclass(frozen=True, slots=True, eq=False)
class Timer:
    """When a timer event is due: `value` gives a text that `engine.moments` reads."""

    kind: TimerKind
    value: Template | Expression
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class EventDefinition:
    """One thing that an event waits for or throws.

    `name` is what it is matched by: the name of the message, signal or link, the code of the error or escalation; None is an
    error or escalation without code (a catching event then catches all of them), or a message or signal that the diagram
    leaves open (only read for a simulation). `handler` replaces the throwing of a message.
    """

    kind: EventKind
    name: str | None = None
    timer: Timer | None = None
    condition: Expression | None = None
    activity: str | None = None  # what a throwing compensation event compensates; None: all of its scope
    wait: bool = True  # whether a throwing compensation event waits for the compensation to be done
    handler: str | None = None
    code_variable: str | None = None  # where a caught error or escalation leaves its code
    message_variable: str | None = None  # and its message


@dataclass(frozen=True, slots=True, eq=False)
class StandardLoop:
    """Repeats while `condition` holds, at most `maximum` times; `test_before` looks at the condition before the first round."""

    condition: Expression | None
    maximum: int | None
    test_before: bool


@dataclass(frozen=True, slots=True, eq=False)
class Behavior:
    """An event that a multi-instance activity throws when an instance completes (BPMN 2.0.2, 10.3.8).

    `when` is `each` (behavior None), `first` (One) or `condition` (Complex).
    """

    when: Literal["each", "first", "condition"]
    condition: Expression | None
    event: EventDefinition


@dataclass(frozen=True, slots=True, eq=False)
class MultiInstance:
    """As many instances as `cardinality` says or `collection` has items; each sees its item under the name `item`.

    `output` is the variable that collects the value of `output_item` of every instance, in the order of the items.
    `completion` ends the activity early, what is still open is cancelled.
    """

    sequential: bool
    cardinality: Expression | None
    collection: Expression | None
    item: str | None
    output: str | None
    output_item: str | None
    completion: Expression | None
    behaviors: tuple[Behavior, ...] = ()


Loop = StandardLoop | MultiInstance


BINDINGS = ("latest", "deployment", "version", "versionTag")
"""How a diagram chooses among the versions of what it calls or asks (`engine.versions`)."""
DECISION_MAPPINGS = ("singleEntry", "singleResult", "collectEntries", "resultList")
"""What of a decision's result a task takes over (Camunda's `mapDecisionResult`)."""


@dataclass(frozen=True, slots=True, eq=False)
class DecisionCall:
    """Which decision a business rule task asks, and what it takes over of the result.

    `binding` is one of `BINDINGS`; `wanted` the version or version tag where it names one.
    """

    reference: Template
    binding: str
    wanted: str | None
    mapping: str


@dataclass(frozen=True, slots=True, eq=False)
class Timeout:
    """A task listener that is called when a time has passed while the task is open."""

    id: str
    handler: str
    timer: Timer


@dataclass(frozen=True, slots=True, eq=False)
class Camunda:
    """What the Camunda (or Operaton) attributes and elements of one node say.

    Each entry of `candidate_groups` and `candidate_users` gives one name, or a list of them. `handler` is the name inside
    `delegateExpression="${audits.record}"`; a `topic` is worked on outside, a `decision` or `expression` is evaluated, its value
    becomes the variable `result_variable`. `listeners` holds handler names by event of the task's life (`create`,
    `complete`, ...). `inputs` are local variables of the activity, `outputs` are written around it when it is done.
    """

    assignee: Template | None = None
    candidate_groups: tuple[Template, ...] = ()
    candidate_users: tuple[Template, ...] = ()
    due_date: Template | None = None
    follow_up_date: Template | None = None
    priority: Template | None = None
    form_key: Template | None = None
    handler: str | None = None
    topic: Template | None = None
    task_priority: Template | None = None
    decision: DecisionCall | None = None
    expression: Template | None = None
    result_variable: str | None = None
    initiator: str | None = None  # of a start event: the variable that gets who started the process
    listeners: Mapping[str, tuple[str, ...]] = field(default_factory=_nothing)
    timeouts: tuple[Timeout, ...] = ()
    properties: Mapping[str, str] = field(default_factory=_nothing)
    inputs: Mapping[str, Template] | None = None
    outputs: Mapping[str, Template] | None = None

    @property
    def is_worked(self) -> bool:
        """Whether it says who or what does the activity's work: handler, topic, decision or expression."""
        return any(each is not None for each in (self.handler, self.topic, self.decision, self.expression))

    @property
    def allowed(self) -> frozenset[str]:
        """The engine operations that the step allows (property `allow`): return, transfer, ..."""
        return frozenset(self.properties.get("allow", "").split())

    @property
    def return_to(self) -> tuple[str, ...]:
        """Where the step may be returned to (property `return_to`): `previous`, `applicant`, `any` or element ids."""
        return tuple(self.properties.get("return_to", "").split())

    @property
    def straight(self) -> bool:
        """Whether what it returned comes straight back to it (property `after_return`), and not by all steps again."""
        return self.properties.get("after_return") == "straight"


NO_CAMUNDA = Camunda()


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """What a call activity calls, and which variables go in and come back.

    `process` gives the process id; `version` the number or tag where the binding names one. `inputs` are the variables of the
    called process (None: it sees what the caller sees), with `all_in` beside what the caller sees, with `local_in` beside the
    local variables of the activity alone. `outputs` come back (None: what it wrote comes back, unless it saw only its inputs),
    with `all_out` beside all that it wrote; with `local_out` to the activity instead of around it.
    """

    process: Template
    binding: str = "latest"
    version: Template | None = None
    inputs: Mapping[str, Template] | None = None
    all_in: bool = False
    local_in: bool = False
    outputs: Mapping[str, Template] | None = None
    all_out: bool = False
    local_out: bool = False

    @property
    def closed(self) -> bool:
        """Whether the called process sees its inputs alone."""
        return self.local_in or self.inputs is not None and not self.all_in


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A flow node, or a scope (process, sub-process) with what is in it. `kind` is its BPMN name: `userTask`, `startEvent`, ...

    `parent` is the scope it is drawn in (None: a process), `process` the process. `incoming` and `outgoing` are in the order
    of the file. `interrupting` concerns boundary events and start events of event sub-processes.
    """

    id: str
    kind: str
    name: str | None
    parent: str | None
    process: str
    line: int  # in the XML, 1-based
    lane: str | None = None
    documentation: str | None = None
    incoming: tuple[Flow, ...] = ()
    outgoing: tuple[Flow, ...] = ()
    default: str | None = None  # id of the default flow
    events: tuple[EventDefinition, ...] = ()
    camunda: Camunda = NO_CAMUNDA
    # activities
    loop: Loop | None = None
    boundaries: tuple[str, ...] = ()  # boundary events that listen (not those of compensation)
    compensation: str | None = None  # the activity that compensates this one
    for_compensation: bool = False
    start_quantity: int = 1
    completion_quantity: int = 1
    script: str | None = None
    script_format: str | None = None
    call: Call | None = None  # of a call activity
    called: str | None = None  # the process (or global task) of the same file that it calls; None: of another definition
    # events
    attached: str | None = None  # activity of a boundary event
    interrupting: bool = True
    parallel_multiple: bool = False  # all of the events are waited for; also of an instantiating parallel event gateway
    instantiate: bool = False  # also of receive tasks and event gateways
    # gateways
    activation: Expression | None = None  # of a complex gateway
    # scopes
    children: tuple[str, ...] = ()
    event_subprocesses: tuple[str, ...] = ()
    triggered_by_event: bool = False
    sequential: bool = False  # ordering of an ad-hoc sub-process
    completion: Expression | None = None  # of an ad-hoc sub-process
    cancel_remaining: bool = True

    @property
    def is_scope(self) -> bool:
        """Whether it has flow nodes in it."""
        return self.kind in SCOPES

    @property
    def handlers(self) -> tuple[str, ...]:
        """The names of the handlers that it calls: its own, its task listeners', those of its message events."""
        named = [self.camunda.handler, *(name for names in self.camunda.listeners.values() for name in names)]
        named += [event.handler for event in self.events] + [timeout.handler for timeout in self.camunda.timeouts]
        return tuple(dict.fromkeys(name for name in named if name is not None))

    @property
    def is_activity(self) -> bool:
        """Task, sub-process or call activity."""
        return self.kind in ACTIVITIES

    def catches(self, kind: EventKind) -> bool:
        """Whether one of its event definitions is of this kind."""
        return any(event.kind == kind for event in self.events)


@dataclass(frozen=True, slots=True, eq=False)
class Correlation:
    """Data by which a message finds an instance of a process: a correlation key, or variables that an element names.

    `paths` give the values of the properties out of each message (by its name), `bindings` out of the instance; without bindings
    the first message that the instance sends or receives gives them. It concerns the messages of `elements` (ids; None: all).
    `stated` values are those that a sender states beside the message; nothing is read out of it.
    """

    key: str
    paths: Mapping[str, Mapping[str, Expression]]
    bindings: Mapping[str, Expression] | None
    elements: frozenset[str] | None
    stated: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """A process of the diagram that can be executed; `node` is the scope with its elements.

    `declared` are the variables of its data objects: they exist from the beginning, without value.
    """

    id: str
    name: str | None
    version_tag: str | None
    documentation: str | None
    node: Node
    declared: tuple[str, ...] = ()
    correlations: tuple[Correlation, ...] = ()


@dataclass(frozen=True, eq=False)
class Definition:
    """All executable processes of one file. Compared and hashed by identity.

    `lanes` gives the name of the (innermost) lane by node id, `messages` and `signals` their names by their ids. `callables`
    are the scopes that call activities may name: the processes, and for each global task a process of that one task.
    `derived` is for kernels alone, by their name: what they work out once lives as long as the definition.
    """

    name: str
    xml: bytes
    processes: Mapping[str, Process]
    nodes: Mapping[str, Node]
    flows: Mapping[str, Flow]
    lanes: Mapping[str, str]
    callables: Mapping[str, Node] = field(default_factory=_nothing)
    messages: Mapping[str, str] = field(default_factory=_nothing)
    signals: Mapping[str, str] = field(default_factory=_nothing)
    derived: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def correlates(self) -> bool:
        """Whether data tell whom a message is for, beside the business key."""
        return any(process.correlations for process in self.processes.values())

    @property
    def handlers(self) -> frozenset[str]:
        """The names of all handlers that its elements call, whenever they do."""
        return frozenset(name for node in self.nodes.values() for name in node.handlers)


GLOBAL_TASKS = {
    "globalTask": "task",
    "globalScriptTask": "scriptTask",
    "globalUserTask": "userTask",
    "globalManualTask": "manualTask",
    "globalBusinessRuleTask": "businessRuleTask",
}
"""Tasks outside of all processes, and what they are called inside of one."""
TASKS = frozenset(("task", "userTask", "manualTask", "serviceTask", "scriptTask", "businessRuleTask", "sendTask", "receiveTask"))
SUBPROCESSES = frozenset(("subProcess", "transaction", "adHocSubProcess"))
SCOPES = SUBPROCESSES | {"process"}
ACTIVITIES = TASKS | SUBPROCESSES | {"callActivity"}
GATEWAYS = frozenset(("exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway"))
EVENTS = frozenset(("startEvent", "endEvent", "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent"))
NODES = ACTIVITIES | GATEWAYS | EVENTS
