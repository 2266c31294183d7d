"""Loop and multi-instance characteristics of an activity."""

from __future__ import annotations

from lxml import etree

from engine.expressions import Expression
from engine.model.attributes import get_attribute
from engine.model.data import name_collection
from engine.model.definition import Behavior, Loop, MultiInstance, StandardLoop
from engine.model.events import EventReader
from engine.model.report import BPMN, Report, child_text


class LoopReader:
    """Reads the loop of one activity."""

    def __init__(self, report: Report, events: EventReader, *, simulation: bool) -> None:
        self.report, self.events = report, events
        self.refuse = report.warn if simulation else report.fault  # a simulation runs such a loop once

    def read(self, element: etree._Element, node_id: str) -> Loop | None:
        """The loop, or None for an activity that happens once."""
        loop = element.find(BPMN + "standardLoopCharacteristics")
        if loop is not None:
            return self._standard(loop, node_id)
        loop = element.find(BPMN + "multiInstanceLoopCharacteristics")
        return None if loop is None else self._multiple(element, loop, node_id)

    def _standard(self, loop: etree._Element, node_id: str) -> StandardLoop:
        text = loop.get("loopMaximum")
        maximum = int(text) if text and text.strip().lstrip("+-").isdigit() else None
        if text and (maximum is None or maximum < 0):
            self.report.fault("diagram_loop_maximum", loop, at=node_id, text=text)
        condition = self._expression(loop, "loopCondition", node_id)
        if not text and child_text(loop, "loopCondition") is None:
            self.refuse("diagram_loop_endless", loop, at=node_id)
        return StandardLoop(condition, maximum, loop.get("testBefore") == "true")

    def _multiple(self, element: etree._Element, loop: etree._Element, node_id: str) -> MultiInstance:
        cardinality = self._expression(loop, "loopCardinality", node_id)
        collection, has_collection = self._collection(element, loop, node_id)
        if child_text(loop, "loopCardinality") is None and not has_collection:
            self.refuse("diagram_multi_instance_empty", loop, at=node_id)
        output = child_text(loop, "loopDataOutputRef")
        return MultiInstance(
            sequential=loop.get("isSequential") == "true",
            cardinality=cardinality,
            collection=collection,
            item=get_attribute(loop, "elementVariable") or self._item(loop, "inputDataItem"),
            output=name_collection(element, output),
            output_item=self._item(loop, "outputDataItem"),
            completion=self._expression(loop, "completionCondition", node_id),
            behaviors=tuple(self._behaviors(loop, node_id)),
        )

    def _expression(self, loop: etree._Element, name: str, node_id: str) -> Expression | None:
        return self.report.expression(child_text(loop, name), loop, name, at=node_id)

    def _collection(self, element: etree._Element, loop: etree._Element, node_id: str) -> tuple[Expression | None, bool]:
        """Camunda's `collection`, else `loopDataInputRef`, which names a data object (by id) or a variable."""
        text, where = get_attribute(loop, "collection"), "collection"
        if text is None:
            text, where = child_text(loop, "loopDataInputRef"), "loopDataInputRef"
            text = name_collection(element, text)
        return self.report.expression(text, loop, where, at=node_id), bool(text)

    @staticmethod
    def _item(loop: etree._Element, name: str) -> str | None:
        item = loop.find(BPMN + name)
        return None if item is None else item.get("name") or item.get("id")

    def _behaviors(self, loop: etree._Element, node_id: str) -> list[Behavior]:
        """Events of instances that complete: `behavior` None and One name a definition, Complex brings its own."""
        behavior = loop.get("behavior", "All")
        found: list[Behavior] = []
        if behavior in ("None", "One"):
            attribute = "noneBehaviorEventRef" if behavior == "None" else "oneBehaviorEventRef"
            reference = loop.get(attribute)
            shared = self.events.shared.get((reference or "").split(":")[-1])
            if reference and shared is None:
                self.report.fault("diagram_reference_unknown", loop, at=node_id, attribute=attribute, reference=reference)
            event = None if shared is None else self.events.read(shared, "implicitThrowEvent", node_id)
            if event is not None:
                found.append(Behavior("each" if behavior == "None" else "first", None, event))
        elif behavior == "Complex":
            for complex_one in loop.findall(BPMN + "complexBehaviorDefinition"):
                condition = self._expression(complex_one, "condition", node_id)
                holder = complex_one.find(BPMN + "event")
                for event in () if holder is None else self.events.read_all(holder, "implicitThrowEvent", node_id):
                    found.append(Behavior("condition", condition, event))
        return found
