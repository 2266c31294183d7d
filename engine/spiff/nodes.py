"""Parsers of single nodes: from an XML element to its spec, by the library's parsers with our classes."""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser import event_parsers as library
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.specs.event_definitions.conditional import ConditionalEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.multiple import MultipleEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.simple import NoneEventDefinition

from engine.model.data import name_collection
from engine.model.parameters import list_parameters
from engine.spiff.elements import PassTask
from engine.spiff.events import CancelEventDefinition, CompensateEventDefinition, Deadline, LinkEventDefinition, named_event
from engine.spiff.instances import Behavior, Loop, MultiInstance
from engine.spiff.subprocesses import EventSubProcess

CAMUNDA = ("{http://camunda.org/schema/1.0/bpmn}", "{http://operaton.org/schema/1.0/bpmn}")
CODE_VARIABLES = ("errorCodeVariable", "errorMessageVariable", "escalationCodeVariable")
GLOBAL = ".process"
"""What is added to the id of a global task for the process that is made of it, as `engine.model` names it."""
TIMERS = ("timeDate", "timeDuration", "timeCycle")


def text_of(node: etree._Element, name: str) -> str | None:
    """The stripped text of a BPMN child, or None."""
    child = node.find(full_tag(name))
    return (child.text or "").strip() or None if child is not None else None


def camunda(node: etree._Element, name: str) -> str | None:
    """A Camunda attribute."""
    return next((node.get(space + name) for space in CAMUNDA if node.get(space + name) is not None), None)


def extension_elements(node: etree._Element, path: str) -> list[etree._Element]:
    """The Camunda elements at a path of names below the extension elements."""
    found = node.findall(full_tag("extensionElements"))
    for name in path.split("/"):
        found = [child for each in found for space in CAMUNDA for child in each.findall(space + name)]
    return found


class ElementParser(TaskParser):
    """One flow node: its spec, its loop. Flows and boundary events are connected by `ScopeParser`."""

    @property
    def bpmn_attributes(self) -> dict[str, Any]:
        """Name and description; the library would also resolve data associations."""
        return {"description": self.get_description(), "bpmn_name": self.node.get("name")}

    def parse_node(self) -> Any:
        """The spec of the node; of the repeated activity, if it is repeated."""
        self.task = self.create_task()
        self.task.extensions = self.parse_extensions()
        loop = self.node.find(full_tag("standardLoopCharacteristics"))
        if loop is not None:
            self._add_loop_task(loop)
        loop = self.node.find(full_tag("multiInstanceLoopCharacteristics"))
        if loop is not None:
            self._add_multiinstance_task(loop)
        self.task.completion_quantity = int(self.node.get("completionQuantity", "1"))
        self.task.for_compensation = self.node.get("isForCompensation") == "true"
        return self.task

    def parse_extensions(self, node: etree._Element | None = None) -> dict[str, Any]:
        """Whether somebody does the node's work (`handler`), and its input and output mapping (None: there is none)."""
        worked = any(camunda(self.node, name) for name in ("delegateExpression", "type", "decisionRef", "expression"))
        found: dict[str, Any] = {"handler": worked}
        for definition in self.node if self.node.tag in (full_tag("boundaryEvent"), full_tag("startEvent")) else ():
            for name in CODE_VARIABLES:
                if camunda(definition, name):
                    found.setdefault("told", {})[name] = camunda(definition, name)
        for name, side in (("inputs", "inputParameter"), ("outputs", "outputParameter")):
            parameters = list_parameters(self.node, side)
            if parameters is not None:
                found[name] = {key: text for key, (text, _) in parameters.items()}
        return found

    def _add_loop_task(self, loop_characteristics: etree._Element) -> None:
        body = self._repeat(Loop)
        body.condition = text_of(loop_characteristics, "loopCondition")
        maximum = loop_characteristics.get("loopMaximum")
        body.maximum = int(maximum) if maximum else None
        body.test_before = loop_characteristics.get("testBefore") == "true"

    def _add_multiinstance_task(self, loop_characteristics: etree._Element) -> None:
        loop, body = loop_characteristics, self._repeat(MultiInstance)
        body.sequential = loop.get("isSequential") == "true"
        body.cardinality = text_of(loop, "loopCardinality")
        body.collection = camunda(loop, "collection") or name_collection(self.node, text_of(loop, "loopDataInputRef"))
        body.item = camunda(loop, "elementVariable") or self.item(loop, "inputDataItem")
        body.output = name_collection(self.node, text_of(loop, "loopDataOutputRef"))
        body.output_item = self.item(loop, "outputDataItem")
        body.completion = text_of(loop, "completionCondition")
        body.behaviors = list(self._behaviors(loop))

    def _behaviors(self, loop: etree._Element) -> Iterator[Behavior]:
        """What is thrown when an instance completes: `behavior` None and One name a definition, Complex brings its own."""
        when, events = loop.get("behavior"), EventParser(self.process_parser, None, self.node)
        if when in ("None", "One"):
            reference = (loop.get(f"{when.lower()}BehaviorEventRef") or "").split(":")[-1]
            shared = [node for node in self.node.getroottree().getroot() if node.get("id") == reference]
            for definition in events.definitions(shared):
                yield Behavior(when, None, *named_event(definition))
        elif when == "Complex":
            for node in loop.findall(full_tag("complexBehaviorDefinition")):
                holder = node.find(full_tag("event"))
                for definition in events.definitions([] if holder is None else holder):
                    yield Behavior(when, text_of(node, "condition"), *named_event(definition))

    def _repeat(self, spec_class: type) -> Any:
        """Put the spec of the whole in the place of the single activity's, which becomes `<id> [child]`."""
        original = self.spec.task_specs.pop(self.task.name)
        self.task = spec_class(self.spec, original.name, **self.bpmn_attributes)
        self._copy_task_attrs(original)
        return self.task

    @staticmethod
    def item(loop: etree._Element, name: str) -> str | None:
        """The name of an input or output item."""
        found = loop.find(full_tag(name))
        return (found.get("name") or found.get("id")) if found is not None else None


class ComplexParser(ElementParser):
    """A complex gateway."""

    def create_task(self) -> Any:
        """The spec with its activation condition."""
        task = super().create_task()
        task.activation = text_of(self.node, "activationCondition")
        return task


class EventGatewayParser(ElementParser):
    """An event-based gateway."""

    def create_task(self) -> Any:
        """The spec, which says whether one event or all of them are waited for."""
        task = super().create_task()
        task.parallel = self.node.get("eventGatewayType") == "Parallel"
        return task


class EventParser(ElementParser, library.EventDefinitionParser):
    """One event, with its definitions in the order of the file (the library sorts them by kind); timers by our clock."""

    def create_task(self) -> Any:
        """The spec with its event definitions."""
        found = self.definitions(self.node)
        definition = MultipleEventDefinition(found) if found else NoneEventDefinition()
        more = {}
        if self.node.tag == full_tag("boundaryEvent"):
            more["cancel_activity"] = self.node.get("cancelActivity", "true") == "true"
        elif self.node.tag == full_tag("startEvent"):
            more["interrupting"] = self.node.get("isInterrupting", "true") == "true"
        task = self.spec_class(self.spec, self.bpmn_id, event_definition=definition, **more, **self.bpmn_attributes)
        task.parallel = self.node.get("parallelMultiple") == "true"
        return task

    def definitions(self, nodes: Iterable[etree._Element]) -> list[Any]:
        """The event definitions among some elements."""
        readers: dict[str, Any] = {
            full_tag("messageEventDefinition"): self.parse_message_event,
            full_tag("signalEventDefinition"): self.parse_signal_event,
            full_tag("timerEventDefinition"): self.parse_timer_event,
            full_tag("conditionalEventDefinition"): self.parse_conditional_event,
            full_tag("errorEventDefinition"): self.parse_error_event,
            full_tag("escalationEventDefinition"): self.parse_escalation_event,
            full_tag("terminateEventDefinition"): self.parse_terminate_event,
            full_tag("linkEventDefinition"): lambda node: LinkEventDefinition(node.get("name")),
            full_tag("cancelEventDefinition"): lambda node: CancelEventDefinition(None),
            full_tag("compensateEventDefinition"): self.parse_compensate_event,
        }
        return [readers[node.tag](node) for node in nodes if node.tag in readers]

    def parse_conditional_event(self, event: etree._Element) -> ConditionalEventDefinition:
        """A condition; the library takes the first one of the node for all of them."""
        return ConditionalEventDefinition(text_of(event, "condition"), description=self.get_event_description(event))

    @staticmethod
    def parse_compensate_event(event: etree._Element) -> CompensateEventDefinition:
        """What is compensated."""
        activity = (event.get("activityRef") or "").split(":")[-1] or None
        return CompensateEventDefinition(activity, event.get("waitForCompletion", "true") == "true")

    def parse_timer_event(self, event: etree._Element) -> Deadline:
        """A timer of ours."""
        kind = next(kind for kind in TIMERS if text_of(event, kind))
        return Deadline(kind, text_of(event, kind) or "", description=self.get_event_description(event))

    def parse_message_event(self, message_event: etree._Element) -> Any:
        """A message; without a name its id is the name."""
        definition = super().parse_message_event(message_event)
        definition.name = definition.name or message_event.get("messageRef")
        definition.correlation_properties = []
        definition.handler = camunda(message_event, "delegateExpression")
        return definition

    def parse_signal_event(self, signal_event: etree._Element) -> Any:
        """A signal; without a name its id is the name."""
        definition = super().parse_signal_event(signal_event)
        definition.name = definition.name or signal_event.get("signalRef")
        return definition

    def parse_error_event(self, error_event: etree._Element) -> Any:
        """An error; without a code its name or id is the code. No reference: any error."""
        return self._coded(super().parse_error_event(error_event), error_event.get("errorRef"))

    def parse_escalation_event(self, escalation_event: etree._Element) -> Any:
        """An escalation, likewise."""
        return self._coded(super().parse_escalation_event(escalation_event), escalation_event.get("escalationRef"))

    @staticmethod
    def _coded(definition: Any, reference: str | None) -> Any:
        if reference:
            definition.code = definition.code or definition.name or reference
        return definition


class MessageTaskParser(EventParser):
    """A receive task: an activity with the message that it names."""

    def create_task(self) -> Any:
        """The spec with its message."""
        named = self.node.get("messageRef") is not None
        definition = self.parse_message_event(self.node) if named else NoneEventDefinition()
        return self.spec_class(self.spec, self.bpmn_id, event_definition=definition, **self.bpmn_attributes)


class SendTaskParser(ElementParser):
    """A send task: what goes out, unless a handler sends."""

    def create_task(self) -> Any:
        """The spec with the name of its message."""
        task, reference = super().create_task(), self.node.get("messageRef")
        task.message = self.process_parser.parser.messages.get(reference) or reference
        return task


class CallParser(ElementParser):
    """A call activity of a process or global task of the same file."""

    def create_task(self) -> Any:
        """The spec with the id of what it calls; without a callee, which only a simulation allows, nothing is done."""
        called, known = (self.node.get("calledElement") or "").split(":")[-1], self.process_parser.parser.process_parsers
        if called not in known:
            called += GLOBAL
        if called not in known:
            return PassTask(self.spec, self.bpmn_id, **self.bpmn_attributes)
        return self.spec_class(self.spec, self.bpmn_id, subworkflow_spec=called, **self.bpmn_attributes)

    def parse_extensions(self, node: etree._Element | None = None) -> dict[str, Any]:
        """`camunda:in` and `camunda:out`: all variables unless single ones are named."""
        found = super().parse_extensions(node)
        for name, key in (("in", "call_in"), ("out", "call_out")):
            for element in extension_elements(self.node, name):
                source, target = element.get("source"), element.get("target")
                text = element.get("sourceExpression") or (f"${{{source}}}" if source else None)
                if element.get("variables") == "all":
                    found["all_out"] = found.get("all_out") or name == "out"
                elif element.get("businessKey") is None and text and target:
                    found.setdefault(key, {})[target] = text
        return found


class SubProcessParser(ElementParser):
    """An embedded sub-process: its inside gets a parser of its own."""

    def create_task(self) -> Any:
        """The spec that holds the inner scope."""
        parser = self.process_parser.parser
        parser.create_parser(self.node, filename=self.filename, lane=self.lane)
        parser.process_parsers[self.bpmn_id].parent = self.process_parser
        spec_class = EventSubProcess if self.node.get("triggeredByEvent") == "true" else self.spec_class
        return spec_class(self.spec, self.bpmn_id, subworkflow_spec=self.bpmn_id, **self.bpmn_attributes)


class AdHocParser(SubProcessParser):
    """An ad-hoc sub-process."""

    def create_task(self) -> Any:
        """The spec with what ends it."""
        task = super().create_task()
        task.sequential = self.node.get("ordering", "Parallel").lower() == "sequential"
        task.completion = text_of(self.node, "completionCondition")
        task.cancel_remaining = self.node.get("cancelRemainingInstances", "true") == "true"
        return task
